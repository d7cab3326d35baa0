/** Rows into one table. */
import { counted } from '../counted.ts';
import type { DumpReader, LoadOptions } from '../source.ts';
import { openCopy } from './load-copy.ts';
import { isConnectionLoss, sqlState, tableFailed } from './load-errors.ts';
import { keyOfName } from './load-names.ts';
import type { TableStep } from './load-plan.ts';
import type { LoadSession } from './load-session.ts';

/**
 * Loads the rows of a step in the order of the dump.
 *
 * `freeze`: in one transaction with TRUNCATE, so that the server may write the rows as if they were old: no hint bits to
 * set later, no vacuum to freeze them, and with wal_level=minimal no WAL. Only for tables that are ours and empty.
 *
 * @returns the number of rows that the server took
 * @throws HoldfastError LOAD_ROWS, LOAD_NOT_COPY
 */
export async function loadTable(
  session: LoadSession,
  dump: DumpReader,
  { stream, key }: TableStep,
  freeze: boolean,
  { onProgress, jobs }: LoadOptions,
  signal: AbortSignal,
): Promise<number> {
  const pieces = counted(dump.read(stream, signal), (bytes) => onProgress(bytes, stream.name));
  const { target, table, rows } = await openCopy(pieces, stream.name, key);
  try {
    if (!freeze) return await session.copy(`COPY ${target} FROM STDIN`, rows, signal);
    await session.run(Buffer.from(`BEGIN; TRUNCATE ONLY ${table};`));
    const count = await session.copy(`COPY ${target} FROM STDIN WITH (FREEZE)`, rows, signal);
    await session.run(Buffer.from('COMMIT;'));
    return count;
  } catch (error) {
    // Only what the server says about the rows; errors of the store or of the stream speak for themselves.
    if (sqlState(error) === undefined || isConnectionLoss(error)) throw error;
    throw tableFailed(table, jobs, error);
  }
}

/**
 * Tables whose rows may be frozen: ordinary ones that no extension made, that are still empty and may be truncated.
 * @param areEmpty - somebody has counted no row in any of them; what an interrupted run has left may take room
 */
export async function freezable(
  session: LoadSession,
  steps: readonly TableStep[],
  areEmpty: boolean,
): Promise<ReadonlySet<string>> {
  const names = steps.map(({ stream }) => stream.table?.name ?? '');
  const rows = await session.query<{ name: string }>(
    `SELECT DISTINCT name FROM unnest($1::text[]) AS name
      JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(name)
      WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'TRUNCATE')
        AND ($2 OR pg_catalog.pg_relation_size(c.oid) = 0)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
          WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`,
    [names, areEmpty],
  );
  const keys = rows.flatMap(({ name }) => keyOfName(name) ?? []);
  // Two streams for one table (pg_dump --load-via-partition-root): truncating would lose the first one's rows.
  const counts = Map.groupBy(steps, ({ key }) => key);
  return new Set(keys.filter((key) => counts.get(key)?.length === 1));
}

/** True when one of these tables has a column that may point to large objects. */
export async function pointsToLargeObjects(session: LoadSession, names: readonly string[]): Promise<boolean> {
  const rows = await session.query(
    `SELECT 1 AS one FROM unnest($1::text[]) AS name
      JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(name)
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      WHERE a.attnum > 0 AND NOT a.attisdropped
        AND 'pg_catalog.oid'::regtype IN (a.atttypid, t.typbasetype) LIMIT 1`,
    [names],
  );
  return rows.length > 0;
}
