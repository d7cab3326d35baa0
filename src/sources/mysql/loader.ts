/** MySQL and MariaDB as a restore target: a new database from a stored dump, through the server's own client program. */
import { cancelled, HoldfastError, isHoldfastError, reasonOf } from '../../errors.ts';
import { backquoted, plainName } from '../../rows/mysql-names.ts';
import type { DumpReader, Loader, LoadOptions, LoadReport, StoredStream } from '../source.ts';
import { loadData, STATEMENT_BYTES } from './load-data.ts';
import type { Deferred } from './load-keys.ts';
import { deferKeys, referencedColumns } from './load-keys.ts';
import { targetOccupied, targetUnfit, withAftermath } from './load-errors.ts';
import { grantOnObjects, runGlobals, undoGlobals } from './load-globals.ts';
import type { Findings } from './load-preflight.ts';
import { lookAround, scriptsOf } from './load-preflight.ts';
import { runScript, scriptOf } from './load-process.ts';
import { checkReferences } from './load-references.ts';
import { readScript, splitScript, withoutDatabase, withoutDefiner } from './load-script.ts';
import { chooseStreams } from './load-selection.ts';
import { hasStrangers } from './load-strangers.ts';
import type { Target } from './load-target.ts';
import { createDatabase, databaseText, dropDatabase, openTarget } from './load-target.ts';

export interface MysqlLoaderOptions {
  /** Names the server and the database to create: see `mysqlSettings`. */
  readonly url: string;
  /** Default: `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A loader into the database of a URL, which it creates; one that exists is taken only when it is empty. */
export function mysqlLoader({ url, env = process.env }: MysqlLoaderOptions): Loader {
  return {
    preflight: async (dump, options, signal) => {
      await using target = await openTarget(url, env, signal);
      const found = await lookAround(target, dump, options, signal);
      const { target: name, exists, occupied, problems, warnings } = found;
      return { target: name, exists, occupied, problems, warnings };
    },
    load: async (dump, options, signal) => {
      await using target = await openTarget(url, env, signal);
      const findings = await lookAround(target, dump, options, signal);
      if (findings.occupied) throw targetOccupied(target.display, findings.holds);
      if (findings.problems.length > 0) throw targetUnfit(target.display, findings.problems);
      return await load(target, dump, findings, options, signal);
    },
  };
}

async function load(
  target: Target,
  dump: DumpReader,
  findings: Findings,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  const { facts, before, globals } = findings;
  if (before === undefined) await createDatabase(target, databaseText(dump.source, facts), signal);
  try {
    if (globals !== undefined) await runGlobals(target, globals, signal);
    const report = await fill(target, dump, findings, options, signal);
    return { ...report, leftOut: [...(globals?.leftOut ?? []), ...report.leftOut] };
  } catch (error) {
    throw await aftermathOf(error, target, findings, signal);
  }
}

async function fill(
  target: Target,
  dump: DumpReader,
  { facts, globals }: Findings,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  const { tables, settings } = chooseStreams(dump.streams, options.tables);
  const loading = { target, dump, options, signal };
  const deferred = await defineTables(loading, tables);
  const plan = {
    target,
    dump,
    options,
    streams: tables,
    deferred,
    settings: settings === undefined ? '' : await readScript(settings.name, dump.read(settings, signal)),
    statementBytes: Math.min(STATEMENT_BYTES, facts.maxAllowedPacket - PACKET_ROOM),
  };
  const rows = await loadData(plan, signal);
  await addReferences(loading, deferred);
  const loaded = new Set(tables.map(({ name, table }) => plainName(table?.name ?? name)));
  const check = { loaded, isChoice: options.tables !== undefined, jobs: options.jobs };
  const { broken, leftOut } = await checkReferences(target, check, signal);
  const moved = (statements: readonly string[]) =>
    statements.map((each) => withoutDatabase(each, dump.source.database));
  // Definers may need theirs on tables; those on routines wait for them.
  const waiting = await grantOnObjects(target, globals?.onObjects ?? [], signal);
  for (const stream of scriptsOf(dump, 'post-data')) await runStream(loading, stream, moved);
  const without = await grantOnObjects(target, waiting, signal);
  return {
    target: target.display,
    rows,
    leftOut: [...leftOut, ...(without.length > 0 ? [rightsLeftOut(without.length)] : [])],
    brokenReferences: broken,
  };
}

function rightsLeftOut(count: number): string {
  return `${count} right${count === 1 ? '' : 's'} of users on tables and routines that are not on this server, or are in a database of another name`;
}

interface Loading {
  readonly target: Target;
  readonly dump: DumpReader;
  readonly options: LoadOptions;
  readonly signal: AbortSignal;
}

/** Creates the tables; those with many rows get their keys later. */
async function defineTables(
  loading: Loading,
  tables: readonly StoredStream[],
): Promise<ReadonlyMap<string, Deferred>> {
  const large = new Set(
    tables.filter(({ bytes }) => bytes >= LARGE).map(({ name, table }) => plainName(table?.name ?? name)),
  );
  const found = new Map<string, Deferred>();
  for (const stream of scriptsOf(loading.dump, 'pre-data')) {
    await runStream(loading, stream, (statements) => {
      const referenced = referencedColumns(statements);
      return statements.map((statement) => {
        const deferred = deferKeys(statement, referenced);
        if (deferred === undefined || !large.has(deferred.table)) return statement;
        found.set(deferred.table, deferred);
        return deferred.create;
      });
    });
  }
  return found;
}

/** Bytes of rows from which on keys are built after them. */
const LARGE = 1024 * 1024;

/** When all keys are there. No server looks at rows then: `checkReferences` does. */
async function addReferences(
  { target: { client, database }, signal }: Loading,
  deferred: ReadonlyMap<string, Deferred>,
): Promise<void> {
  const statements = [...deferred.values()].flatMap(({ references }) => references ?? []);
  if (statements.length === 0) return;
  const text = ['SET foreign_key_checks=0;\n', ...statements].join('');
  const bytes = scriptOf(Buffer.from(text, 'latin1'));
  await runScript(client, { what: 'foreign keys', database, bytes }, signal);
}

/** What a packet has beside the statement, generously. */
const PACKET_ROOM = 64;

/** Runs definitions. */
async function runStream(
  { target: { client, database }, dump, options, signal }: Loading,
  stream: StoredStream,
  change: (statements: readonly string[]) => readonly string[],
): Promise<void> {
  const text = await readScript(stream.name, dump.read(stream, signal));
  const statements = change(splitScript(stream.name, text));
  const own = options.noOwner ? statements.map(withoutDefiner) : statements;
  const bytes = scriptOf(Buffer.from(own.join(''), 'latin1'));
  await runScript(client, { what: stream.name, database, bytes }, signal);
  options.onProgress(stream.bytes, stream.name);
}

/** The failure of a restore with what became of the target. */
async function aftermathOf(
  error: unknown,
  target: Target,
  findings: Findings,
  signal: AbortSignal,
): Promise<unknown> {
  const failure = signal.aborted && !isHoldfastError(error) ? cancelled() : error;
  const { text, hint } = await cleanUp(target, findings, failure);
  const { globals } = findings;
  if (globals !== undefined) await undoGlobals(target, globals);
  return failure instanceof HoldfastError ? withAftermath(failure, text, hint) : failure;
}

async function cleanUp(
  target: Target,
  { before, statements }: Findings,
  failure: unknown,
): Promise<{ readonly text: string; readonly hint?: string }> {
  const { database } = target;
  try {
    if (before !== undefined && (await hasStrangers(target, statements, failure)))
      return {
        text: `database ${database} was left as it is, since somebody else has made something in it meanwhile`,
        hint: 'Look at what it holds, and restore into a database that nobody uses.',
      };
    await dropDatabase(target, before);
    return before === undefined
      ? { text: `database ${database}, created for this restore, was dropped again` }
      : { text: `database ${database} was emptied again` };
  } catch (error) {
    const hint = `Drop it when the server is back: DROP DATABASE ${backquoted(database)};`;
    return { text: `database ${database} is incomplete and could not be dropped (${reasonOf(error)})`, hint };
  }
}
