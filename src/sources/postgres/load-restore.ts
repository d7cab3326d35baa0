/** The contents of a database, from its pre-data to its last index. */
import { throwIfCancelled } from '../../errors.ts';
import type { DumpReader, LoadOptions, LoadReport, StoredStream } from '../source.ts';
import { Crew } from './load-crew.ts';
import { countRows } from './load-counts.ts';
import { StatementFilter } from './load-filter.ts';
import { dataSteps, StatementSteps } from './load-plan.ts';
import type { LoadStep, StatementStep, TableSize, TableStep } from './load-plan.ts';
import { runPlan } from './load-run.ts';
import { loadPreData, loadScript, runStatement, useSettings, withSetting } from './load-script.ts';
import type { Phase } from './load-mark.ts';
import { isMade } from './load-resume.ts';
import type { LoadedTables } from './load-resume.ts';
import type { LoadSession, Settings } from './load-session.ts';
import { scripts, statementsOf } from './load-survey.ts';
import { freezable, loadTable, pointsToLargeObjects } from './load-table.ts';
import { tableStreams } from './load-tables.ts';
import type { Target } from './load-target.ts';
import type { Findings } from './preflight.ts';
import { planSteps } from './schedule.ts';

/** What the parts of one restore share. */
interface Restore {
  readonly dump: DumpReader;
  readonly findings: Findings;
  readonly options: LoadOptions;
  readonly crew: Crew;
  readonly filter: StatementFilter;
  readonly run: Run;
}

/** Whether this run is the first one, and who hears how far it comes. */
export interface Run {
  /** Tables that an earlier run has loaded; undefined when all begins. */
  readonly loaded: LoadedTables | undefined;
  readonly onPhase: (phase: Phase) => Promise<void>;
}

/**
 * Fills an empty database: pre-data statement by statement, then rows, indexes and constraints side by side, then
 * counts the rows.
 * @throws HoldfastError LOAD_STATEMENT, LOAD_ROWS, LOAD_NOT_COPY, LOAD_ROWS_LOST, CANCELLED
 */
export async function restoreInto(
  target: Target,
  dump: DumpReader,
  findings: Findings,
  options: LoadOptions,
  run: Run,
  signal: AbortSignal,
): Promise<LoadReport> {
  const crew = new Crew(target, findings.facts, options.jobs, signal);
  const restore = { dump, findings, options, crew, run, filter: filterFor(dump, findings, options) };
  try {
    const { steps, leftOut } = await preparedSteps(restore);
    const taken = await runSteps(restore, steps, signal);
    const sessions = await crew.all();
    const rows = await countRows(sessions, taken, signal);
    await sessions[0]?.makeDurable();
    return { target: target.connection.libpqUrl, rows, leftOut: [...leftOut, ...restore.filter.leftOut] };
  } catch (error) {
    await crew.stop(error);
    throwIfCancelled(signal);
    throw error;
  } finally {
    await crew.close();
  }
}

function filterFor(
  dump: DumpReader,
  { chosen, facts, globals, survey }: Findings,
  options: LoadOptions,
): StatementFilter {
  const has = (name: string): boolean =>
    facts.tablespaces.has(name) || globals?.tablespaces.has(name) === true;
  return new StatementFilter({
    noOwner: options.noOwner,
    chosen,
    stored: new Set(tableStreams(dump.streams).keys()),
    partitions: survey.partitions,
    missingTablespaces: new Set([...survey.tablespaces].filter((name) => !has(name))),
    knownSettings: facts.settings,
  });
}

/** Runs the pre-data and makes steps of all that comes after it. */
async function preparedSteps(
  restore: Restore,
): Promise<{ readonly steps: Steps; readonly leftOut: readonly string[] }> {
  const { dump, crew, filter, options, run } = restore;
  const isThere = run.loaded !== undefined;
  const before = await loadPreData(
    await crew.first(),
    dump,
    filter,
    isThere,
    options.onProgress,
    crew.signal,
  );
  await run.onPhase('data');
  const base = await dataSettings(restore, before);
  const { data, leftOut } = await chosenData(restore);
  const after = await postData(restore, base);
  return { steps: { all: [...data, ...after], base }, leftOut };
}

interface Steps {
  readonly all: readonly LoadStep[];
  /** The settings under which rows are loaded. */
  readonly base: Settings;
}

async function dataSettings({ dump, filter, crew }: Restore, before: Settings): Promise<Settings> {
  let settings = before;
  for (const stream of scripts(dump, 'data').filter(({ name }) => isSettings(name))) {
    for await (const { sql, place, statement } of statementsOf(dump, stream, crew.signal)) {
      const kept = filter.apply(statement, sql);
      if (kept !== undefined && statement.kind === 'setting')
        settings = withSetting(settings, statement, { sql: kept, place });
    }
  }
  return settings;
}

function isSettings(name: string): boolean {
  return /^data-settings(#\d+)?$/.test(name);
}

/** Without a choice everything; with one its tables, all sequences, and large objects if a chosen table may point to them. */
async function chosenData({ dump, findings, crew }: Restore): Promise<{
  readonly data: readonly LoadStep[];
  readonly leftOut: readonly string[];
}> {
  const streams = dump.streams.filter(({ section, name }) => section === 'data' && !isSettings(name));
  const all = dataSteps(streams);
  const { chosen } = findings;
  if (chosen === undefined) return { data: all, leftOut: [] };
  const tables = all.filter((step): step is TableStep => step.kind === 'table');
  const wanted = tables.filter(({ key }) => key !== undefined && chosen.has(key));
  const names = wanted.flatMap(({ stream }) => stream.table?.name ?? []);
  const withObjects = await pointsToLargeObjects(await crew.control(), names);
  const isObjects = (step: LoadStep): boolean => step.name.startsWith('large-objects');
  const data = all.filter((step) =>
    step.kind === 'table' ? wanted.includes(step) : withObjects || !isObjects(step),
  );
  const others = tables.length - wanted.length;
  const leftOut = [
    ...(others > 0 ? [`rows of ${others} tables that were not chosen`] : []),
    ...(all.some(isObjects) && !withObjects
      ? ['contents of large objects: no chosen table points to them']
      : []),
  ];
  return { data, leftOut };
}

async function postData(
  { dump, findings, filter, crew }: Restore,
  base: Settings,
): Promise<readonly StatementStep[]> {
  const streams = tableStreams(dump.streams);
  const sizes = new Map([...streams].map(([key, parts]) => [key, sizeOf(parts)]));
  const maker = new StatementSteps(findings.survey.partitions, sizes);
  const steps: StatementStep[] = [];
  let settings = base;
  for (const stream of scripts(dump, 'post-data')) {
    for await (const placed of statementsOf(dump, stream, crew.signal)) {
      const sql = filter.apply(placed.statement, placed.sql);
      if (sql === undefined) continue;
      if (placed.statement.kind === 'setting') {
        settings = withSetting(settings, placed.statement, { sql, place: placed.place });
      } else steps.push(maker.make({ ...placed, sql }, settings));
    }
  }
  return steps;
}

function sizeOf(parts: readonly StoredStream[]): TableSize {
  const sum = (of: (part: StoredStream) => number) => parts.reduce((total, part) => total + of(part), 0);
  return { bytes: sum((part) => part.bytes), rows: sum((part) => part.rows) };
}

/** @returns how many rows the server took, by table name */
async function runSteps(
  restore: Restore,
  { all, base }: Steps,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const { dump, options, crew, run } = restore;
  const loaded: LoadedTables = run.loaded ?? new Map();
  const tables = all.filter((step): step is TableStep => step.kind === 'table');
  const control = await crew.control();
  const missing = tables.filter(({ stream }) => !loaded.has(stream.table?.name ?? ''));
  const frozen = await freezable(control, missing, run.loaded !== undefined);
  let post: Promise<void> | undefined;
  const taken = new Map<string, number>();
  const execute = async (step: LoadStep, session: LoadSession): Promise<void> => {
    // Of what touches less, what is there tells whether it was done; of this not.
    if (step.touches === 'everything') await (post ??= run.onPhase('post-data'));
    await useSettings(session, step.kind === 'statement' ? step.settings : base);
    if (step.kind === 'statement') {
      options.onProgress(0, step.name);
      const isThere =
        run.loaded !== undefined && step.made !== undefined && (await isMade(session, step.made));
      if (!isThere) await runStatement(session, step.sql, step.place);
      options.onProgress(step.sql.length, step.name);
    } else if (step.kind === 'script') {
      const isAgain = run.loaded !== undefined;
      await loadScript(session, dump, step.stream, isAgain, options.onProgress, crew.signal);
    } else {
      const name = step.stream.table?.name ?? step.stream.name;
      const there = loaded.get(name);
      if (there !== undefined) {
        options.onProgress(step.stream.bytes, step.name);
        taken.set(name, there);
        return;
      }
      const freeze = step.key !== undefined && frozen.has(step.key);
      const count = await loadTable(session, dump, step, freeze, options, crew.signal);
      taken.set(name, (taken.get(name) ?? 0) + count);
    }
  };
  await runPlan(planSteps(all), await crew.all(), execute, (reason) => crew.stop(reason), signal);
  return taken;
}
