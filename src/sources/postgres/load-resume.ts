/** Taking up a restore that was cut off: which tables are complete, or that it has to begin anew. */
import { throwIfCancelled } from '../../errors.ts';
import type { DumpReader, RestoreIdentity } from '../source.ts';
import { countRows } from './load-counts.ts';
import { claim, mustBeDeserted } from './load-claim.ts';
import { sqlState, targetOccupied } from './load-errors.ts';
import { readMark } from './load-mark.ts';
import { LoadSession } from './load-session.ts';
import { tableStreams } from './load-tables.ts';
import type { Target } from './load-target.ts';
import type { Findings } from './preflight.ts';

/** Rows of the tables that are complete, by table name as the dump writes it. */
export type LoadedTables = ReadonlyMap<string, number>;

/**
 * Makes the unfinished database ours: with its complete tables, or gone, so that all begins anew.
 *
 * Tables are kept only from the phase in which each of them is complete or empty, and only when each one is found so.
 * @returns undefined when the database was dropped
 * @throws HoldfastError TARGET_IN_USE, TARGET_OCCUPIED when it is not what the preflight has seen
 */
export async function takeUp(
  target: Target,
  dump: DumpReader,
  { chosen }: Findings,
  identity: RestoreIdentity,
  signal: AbortSignal,
): Promise<LoadedTables | undefined> {
  await claim(target);
  await mustBeDeserted(target, signal);
  const mark = await readMark(target);
  if (mark?.id !== identity.id)
    throw targetOccupied(target.database, ['something that is no unfinished restore of this snapshot']);
  const loaded = mark.phase === 'data' ? await countLoaded(target, dump, chosen, signal) : undefined;
  throwIfCancelled(signal);
  if (loaded === undefined) await target.drop();
  return loaded;
}

/** Undefined when a table is neither complete nor empty, or cannot be counted: then nothing here can be trusted. */
async function countLoaded(
  target: Target,
  dump: DumpReader,
  chosen: ReadonlySet<string> | undefined,
  signal: AbortSignal,
): Promise<LoadedTables | undefined> {
  const session = await LoadSession.open(target.connection, ["SET search_path = ''"]);
  try {
    const loaded = new Map<string, number>();
    for (const [key, streams] of tableStreams(dump.streams)) {
      throwIfCancelled(signal);
      // Which of its parts a table holds cannot be told.
      if (streams.length > 1) return undefined;
      const wanted = chosen === undefined || chosen.has(key);
      const rows = wanted ? streams.reduce((sum, stream) => sum + stream.rows, 0) : 0;
      const [row] = await session.query<{ rows: string; plain: boolean }>(
        `SELECT count(*) AS rows, (SELECT relkind = 'r' FROM pg_catalog.pg_class
          WHERE oid = pg_catalog.to_regclass($1)) AS plain FROM ONLY ${key}`,
        [key],
      );
      // Rows of a partitioned one went elsewhere.
      if (row?.plain !== true) return undefined;
      const there = Number(row.rows);
      if (there !== rows && there !== 0) return undefined;
      if (there > 0) for (const { table } of streams) loaded.set(table?.name ?? key, rows);
    }
    return loaded;
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    return undefined;
  } finally {
    await session.close();
  }
}

/**
 * Counts the rows of a restore that only waits for its name; nothing is changed.
 * @returns rows by table name
 * @throws HoldfastError TARGET_IN_USE, TARGET_OCCUPIED, LOAD_ROWS_LOST
 */
export async function countWhole(
  target: Target,
  dump: DumpReader,
  { chosen }: Findings,
  identity: RestoreIdentity,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  await claim(target);
  const mark = await readMark(target);
  if (mark?.id !== identity.id || mark.phase !== 'loaded')
    throw targetOccupied(target.database, ['something that has changed meanwhile']);
  const session = await LoadSession.open(target.connection, ["SET search_path = ''"]);
  try {
    const rows = new Map<string, number>();
    for (const [key, streams] of tableStreams(dump.streams))
      if (chosen === undefined || chosen.has(key))
        for (const { table, rows: more } of streams)
          rows.set(table?.name ?? key, (rows.get(table?.name ?? key) ?? 0) + more);
    return await countRows([session], rows, signal);
  } finally {
    await session.close();
  }
}

/** What a statement of the post-data makes, by keys (see nameKey): it is there when the earlier run came so far. */
export type Made = { readonly index: string } | { readonly constraint: string; readonly table: string };

/** True when it is there, and so whole: each statement is a transaction. */
export async function isMade(session: LoadSession, made: Made): Promise<boolean> {
  const rows =
    'index' in made
      ? await session.query('SELECT 1 AS one WHERE pg_catalog.to_regclass($1) IS NOT NULL', [made.index])
      : await session.query(
          `SELECT 1 AS one FROM pg_catalog.pg_constraint
            WHERE conrelid = pg_catalog.to_regclass($1) AND conname::text = $2`,
          [made.table, made.constraint.slice(1, -1).replaceAll('""', '"')],
        );
  return rows.length > 0;
}
