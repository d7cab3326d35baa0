/** Streams of SQL into a session: pre-data, sequences, large objects, single statements. */
import { createdObject } from '../../rows/pg-large-objects.ts';
import type { DumpReader, LoadOptions, StoredStream } from '../source.ts';
import { isConnectionLoss, statementFailed, type LoadPlace } from './load-errors.ts';
import type { StatementFilter } from './load-filter.ts';
import { firstLine } from './load-names.ts';
import type { LoadSession, Setting, Settings } from './load-session.ts';
import { scripts, statementsOf, type PlacedStatement } from './load-survey.ts';

/** Bytes of statements that go in one round trip where a stream may hold millions (large objects). */
const BATCH = 1024 * 1024;

/**
 * Runs the pre-data, one statement after another.
 * @param isThere - an earlier run has carried it out: only its settings are wanted
 * @returns the settings that hold at its end
 * @throws HoldfastError LOAD_STATEMENT
 */
export async function loadPreData(
  session: LoadSession,
  dump: DumpReader,
  filter: StatementFilter,
  isThere: boolean,
  onProgress: LoadOptions['onProgress'],
  signal: AbortSignal,
): Promise<Settings> {
  let settings: Settings = new Map();
  for (const stream of scripts(dump, 'pre-data')) {
    for await (const { sql, place, statement } of statementsOf(dump, stream, signal)) {
      const kept = filter.apply(statement, sql);
      if (kept === undefined) continue;
      if (statement.kind === 'setting') settings = withSetting(settings, statement, { sql: kept, place });
      await useSettings(session, settings);
      if (statement.kind !== 'setting' && !isThere) await runStatement(session, kept, place);
      onProgress(sql.length, stream.name);
    }
  }
  return settings;
}

/** The settings after one more SET statement; a RESET takes one away. */
export function withSetting(
  settings: Settings,
  statement: PlacedStatement['statement'] & { readonly kind: 'setting' },
  setting: Setting,
): Settings {
  const next = new Map(settings);
  if (/^reset\b/i.test(setting.sql.toString('latin1', 0, 6))) next.delete(statement.variable);
  else next.set(statement.variable, setting);
  return next;
}

/**
 * Makes exactly these settings hold, with as few statements as possible.
 * @throws HoldfastError LOAD_STATEMENT
 */
export async function useSettings(session: LoadSession, settings: Settings): Promise<void> {
  for (const { sql, place } of session.toUse(settings)) await runStatement(session, sql, place);
  session.using(settings);
}

/**
 * Runs a stream of the data section. Large objects come as a statement for each 16 KiB, so many go in one round trip.
 * @param isAgain - an interrupted run may have carried out some of it: all of it may be done twice, but for what is made
 * @throws HoldfastError LOAD_STATEMENT
 */
export async function loadScript(
  session: LoadSession,
  dump: DumpReader,
  stream: StoredStream,
  isAgain: boolean,
  onProgress: LoadOptions['onProgress'],
  signal: AbortSignal,
): Promise<void> {
  const limit = stream.name.startsWith('large-objects') ? BATCH : 0;
  let batch: PlacedStatement[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    const [first] = batch;
    if (first === undefined) return;
    const statements = batch.map(({ sql }) => (isAgain ? unlessThere(sql) : sql));
    await runStatement(session, Buffer.concat(statements), first.place);
    onProgress(size, stream.name);
    batch = [];
    size = 0;
  };
  for await (const placed of statementsOf(dump, stream, signal)) {
    batch.push(placed);
    size += placed.sql.length;
    if (size >= limit) await flush();
  }
  await flush();
}

/** pg_dump makes large objects in the data section since PostgreSQL 17. */
function unlessThere(sql: Buffer): Buffer {
  const oid = createdObject(sql);
  if (oid === undefined) return sql;
  return Buffer.from(
    `SELECT pg_catalog.lo_create(${oid}) WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata WHERE oid = ${oid});\n`,
  );
}

/** @throws HoldfastError LOAD_STATEMENT with the place; the loss of the connection is passed on as it is */
export async function runStatement(session: LoadSession, sql: Buffer, place: LoadPlace): Promise<void> {
  try {
    await session.run(sql);
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    throw statementFailed(place, firstLine(sql.toString('utf8', 0, 4096)), error);
  }
}
