/** Carrying a restore out, or showing what it would do, once it is clear which snapshot goes where. */
import { dirname, resolve } from 'node:path';
import { databaseUrlProblem, isDatabase } from '../../config/source-url.ts';
import type { RestorePlan } from '../../restore/restore.ts';
import type { LoadOptions, LoadReport, SourceKind } from '../../sources/source.ts';
import type { CliContext } from '../context.ts';
import { formatAge, formatBytes, formatCount, formatDuration, formatPlural } from '../terminal/format.ts';
import { mustFitPaths } from './paths.ts';
import type { MatchFlags } from './paths.ts';
import { identityOf, mustKnowResume } from './resume.ts';
import type { ResumeFlags } from './resume.ts';
import type { OpenedSnapshot, OpenSnapshotOptions } from './snapshot.ts';
import { carryOut, mustNotSwap, openSwap, showSwap, warnOfUse } from './swap.ts';
import type { SwapFlags } from './swap.ts';
import { tablesMeant } from './tables.ts';
import { mustBeTarget } from './target.ts';
import { isRdbFile, openLoader } from '../wiring.ts';

export interface RestoreFlags extends OpenSnapshotOptions, MatchFlags, SwapFlags, ResumeFlags {
  readonly to?: string;
  readonly path: readonly string[];
  readonly jobs: number;
  readonly dryRun?: boolean;
  readonly globals?: boolean;
  readonly owner: boolean;
}

/** Restores a snapshot that is open, or shows what would be done (`dryRun`). */
export async function restoreOpened(
  context: CliContext,
  opened: OpenedSnapshot,
  to: string,
  given: RestoreFlags,
): Promise<void> {
  const flags = await withTables(context, opened, given);
  const { kind } = opened.reader.source;
  mustBeTarget(kind, to);
  const asScript = isScript(kind, to);
  mustFitPaths(kind, asScript, flags.path);
  mustKnowResume(kind, asScript || (kind === 'redis' && isRdbFile(to)), flags);
  if (asScript) mustNotSwap(flags);
  if (asScript) await restoreToScript(context, opened, resolve(to), flags);
  else await restoreToEngine(context, opened, to, flags);
}

/** True for a file of text, rather than a database or a folder. */
export function isScript(kind: SourceKind, to: string): boolean {
  if (isDatabase(kind))
    return databaseUrlProblem(kind, to) !== undefined && !(kind === 'redis' && isRdbFile(to));
  return kind === 'files' ? to.endsWith('.tar') : to.endsWith('.sql');
}

async function restoreToEngine(
  context: CliContext,
  opened: OpenedSnapshot,
  to: string,
  flags: RestoreFlags,
): Promise<void> {
  const { planRestore, runRestore } = await import('../../restore/restore.ts');
  const { output, signal } = context;
  const { reader, item } = opened;
  const isPart = reader.isPart === true || flags.table.length + flags.path.length > 0;
  const swap = await openSwap(context, reader.source, to, flags, isPart);
  const loader = await openLoader(reader.source.kind, to, context.env);
  const task = context.progress.start(`restoring ${item.entry.snapshot}`, item.entry.counts.plain_bytes);
  const options = loadOptions(opened, flags, (bytes, what) => {
    task.add(bytes);
    task.say(what);
  });
  const startedMs = performance.now();
  try {
    if (flags.resume === true) await swap?.mustBeAhead(signal);
    const plan = await planRestore(reader, loader, options, signal);
    if (flags.resume === true && plan.unfinished === undefined && !plan.occupied)
      output.warn(`${plan.target} holds no unfinished restore: this begins at the start`);
    if (!plan.occupied) for (const warning of plan.warnings) output.warn(warning);
    if (swap) await warnOfUse(context, swap, flags);
    if (flags.dryRun === true) {
      await showPlan(context, opened, plan, to);
      if (swap) await showSwap(context, swap, flags);
      if (plan.occupied || plan.problems.length > 0) context.exit('target');
      return;
    }
    const report = await runRestore(reader, loader, plan, options, signal);
    task.end();
    const rows = Object.values(report.rows).reduce((sum, count) => sum + count, 0);
    const tables = Object.keys(report.rows).length;
    const took = performance.now() - startedMs;
    const notes = notesOf(report);
    for (const note of notes) output.note(note);
    output.line(`restored ${opened.set.name}@${item.entry.snapshot} to ${report.target}`);
    output.line(
      `${describeRows(reader.source.kind, tables, rows)}${flags.path.length > 0 || reader.isPart === true ? '' : ': the counts match the snapshot'}; ${formatDuration(took)}`,
    );
    const swapped = swap && (await carryOut(context, swap, flags));
    output.summary({
      snapshot: item.entry.snapshot,
      target: report.target,
      rows: report.rows,
      left_out: notes,
      ...(swapped && { swapped_with: flags.swap, set_aside: swapped.aside }),
      duration_ms: Math.round(took),
    });
  } finally {
    task.end();
  }
}

/** What is not there, and what was not there in the source either. */
function notesOf({ leftOut, brokenReferences = [] }: LoadReport): string[] {
  const broken = brokenReferences.map(
    ({ rows, table, references }) =>
      `${rows} references of table ${table} to rows of ${references} that are not there`,
  );
  return [...leftOut, ...broken];
}

async function withTables(
  { signal }: CliContext,
  { reader }: OpenedSnapshot,
  flags: RestoreFlags,
): Promise<RestoreFlags> {
  return { ...flags, table: await tablesMeant(reader, flags.table, signal) };
}

/** Looks at the target, and changes nothing. */
export async function planOpened(
  context: CliContext,
  opened: OpenedSnapshot,
  to: string,
  given: RestoreFlags,
): Promise<RestorePlan> {
  const { env, signal } = context;
  const flags = await withTables(context, opened, given);
  const { planRestore } = await import('../../restore/restore.ts');
  const { reader } = opened;
  const loader = await openLoader(reader.source.kind, to, env);
  return planRestore(
    reader,
    loader,
    loadOptions(opened, flags, () => undefined),
    signal,
  );
}

function loadOptions(
  opened: OpenedSnapshot,
  flags: RestoreFlags,
  onProgress: LoadOptions['onProgress'],
): LoadOptions {
  return {
    jobs: flags.jobs,
    ...(flags.table.length > 0 && { tables: flags.table }),
    ...(flags.path.length > 0 && { paths: flags.path }),
    globals: flags.globals === true,
    noOwner: !flags.owner,
    identity: identityOf(opened, flags),
    resume: flags.resume === true,
    awaitsName: flags.swap !== undefined,
    onProgress,
  };
}

/** The list of an archive is one table, which nobody thinks of. */
function describeRows(kind: SourceKind, tables: number, rows: number): string {
  if (kind === 'files') return formatPlural(rows, 'entry', 'entries');
  if (kind === 'redis') return `${formatPlural(tables, 'database')}, ${formatPlural(rows, 'key')}`;
  return `${formatPlural(tables, 'table')}, ${formatPlural(rows, 'row')}`;
}

async function restoreToScript(
  context: CliContext,
  opened: OpenedSnapshot,
  file: string,
  flags: RestoreFlags,
): Promise<void> {
  const { refuseOccupiedFile, script, scriptStreams, writeScript } = await import('../../restore/script.ts');
  const options = { globals: flags.globals === true, ...(flags.table.length > 0 && { tables: flags.table }) };
  const bytes = scriptStreams(opened.reader, options).reduce((sum, stream) => sum + stream.bytes, 0);
  await refuseOccupiedFile(file);
  const { output, signal } = context;
  const what = TEXTS[opened.reader.source.kind] ?? 'SQL';
  const snapshot = opened.item.entry.snapshot;
  if (flags.dryRun === true) {
    output.line(`would write ${formatBytes(bytes)} of ${what} to ${file}`);
    output.summary({ snapshot, target: file, bytes, dry_run: true });
    return;
  }
  const task = context.progress.start(`writing ${file}`, bytes);
  try {
    await writeScript(file, script(opened.reader, options, signal), (count) => task.add(count));
  } finally {
    task.end();
  }
  output.line(`wrote ${formatBytes(bytes)} of ${what} to ${file}`);
  output.summary({ snapshot, target: file, bytes });
}

/** What a dump is, where it is not SQL. */
const TEXTS: Partial<Readonly<Record<SourceKind, string>>> = { files: 'an archive', redis: 'commands' };

/** What the last measured restore speeds suggest; a plan says "about". */
const BYTES_PER_SECOND_GUESS = 40 * 1024 * 1024;

/**
 * Says it all before anything happens.
 * @param bytesPerSecond - as a drill has measured it
 */
export async function showPlan(
  { output }: CliContext,
  { item, set, reader }: OpenedSnapshot,
  plan: RestorePlan,
  to: string,
  bytesPerSecond?: number,
): Promise<void> {
  const rows = plan.tables.reduce((sum, table) => sum + table.rows, 0);
  output.line(
    `snapshot  ${set.name}@${item.entry.snapshot}, ${formatAge(new Date(item.entry.time), new Date())}`,
  );
  output.line(`target    ${plan.target}: ${targetText(plan)}`);
  output.line(
    `data      ${reader.isPart === true ? 'some of ' : ''}${describeRows(reader.source.kind, plan.tables.length, rows)}, ${formatBytes(plan.bytes)} of ${TEXTS[reader.source.kind] ?? 'SQL'}`,
  );
  const speed = bytesPerSecond ?? BYTES_PER_SECOND_GUESS;
  const why = bytesPerSecond === undefined ? 'by a rule of thumb' : 'as in the last drill';
  output.line(`time      about ${formatDuration(Math.max(3000, (plan.bytes / speed) * 1000))}, ${why}`);
  output.line(`disk      ${await diskText(reader.source.kind, to, plan.bytes)}`);
  output.line();
  output.table(
    [{ title: 'TABLE' }, { title: 'ROWS', align: 'right' }, { title: 'SIZE', align: 'right' }],
    plan.tables.map((table) => [table.name, formatCount(table.rows), formatBytes(table.bytes)]),
  );
  for (const problem of plan.problems) output.line(`missing: ${problem}`);
  const { tables, ...facts } = plan;
  output.summary({ ...facts, snapshot: item.entry.snapshot, tables, dry_run: true });
}

function targetText({ occupied, unfinished, exists }: RestorePlan): string {
  if (unfinished?.isSame === true) {
    const how = unfinished.isLoaded
      ? 'all is loaded, only the names are left to be swapped'
      : unfinished.keepsTables
        ? 'its complete tables are kept'
        : 'all of it is made anew';
    return `an unfinished restore of this snapshot; ${how}${occupied ? ' with --resume, without it this is refused' : ''}`;
  }
  return occupied ? 'OCCUPIED, would be refused' : exists ? 'empty' : 'will be created';
}

/** What a restore takes, and on this machine what there is. */
async function diskText(kind: SourceKind, to: string, bytes: number): Promise<string> {
  const needs = `about ${formatBytes(bytes)}${kind === 'files' ? '' : ', and as much again for indexes'}`;
  if (kind !== 'files' && kind !== 'sqlite') return `${needs} on the server; look there that it has it`;
  const { statfs } = await import('node:fs/promises');
  try {
    const { bavail, bsize } = await statfs(dirname(resolve(to)));
    const free = bavail * bsize;
    return `${needs}; ${formatBytes(free)} are free${free < bytes ? ': TOO LITTLE' : ''}`;
  } catch {
    return needs;
  }
}
