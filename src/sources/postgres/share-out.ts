/** Shares the tables of a database out among several pg_dumps that run at the same time. */
import type { Client } from 'pg';
import { queryFailed } from './errors.ts';

/** A table that holds rows itself. */
export interface SizedTable {
  readonly schema: string;
  readonly name: string;
  /** Heap and TOAST, without indexes. */
  readonly bytes: number;
}

/** Smaller tables are not worth a word in the arguments of a program. */
const SMALL = 4 * 1024 * 1024;

/** Tables that are moved at most: the names must fit into the arguments of a program. */
const MOST = 200;

/**
 * Chooses the tables for all lanes but the first, which dumps everything else.
 *
 * Sizes count in steps of a quarter, so that a day's growth seldom moves a table to another lane.
 * @param tables - all tables; the rest of the database counts nothing
 * @param lanes - how many lanes there may be, 1 or more
 * @returns one list per further lane, none empty; no list at all when the database is small
 */
export function shareOut(tables: readonly SizedTable[], lanes: number): SizedTable[][] {
  const bySize = tables.map((table) => ({ table, weight: step(table.bytes) })).sort(heavyFirst);
  const large = bySize.slice(0, MOST).filter(({ table }) => table.bytes >= SMALL);
  const others = bySize.slice(large.length).reduce((sum, { weight }) => sum + weight, 0);
  const shares = Array.from({ length: lanes }, (_, lane) => ({
    weight: lane === 0 ? others : 0,
    tables: [] as SizedTable[],
  }));
  for (const { table, weight } of large) {
    const lightest = shares.reduce((best, each) => (each.weight < best.weight ? each : best));
    lightest.weight += weight;
    lightest.tables.push(table);
  }
  return shares.slice(1).flatMap((share) => (share.tables.length > 0 ? [share.tables] : []));
}

interface Weighed {
  readonly table: SizedTable;
  readonly weight: number;
}

function heavyFirst(a: Weighed, b: Weighed): number {
  return (
    b.weight - a.weight || compare(a.table.schema, b.table.schema) || compare(a.table.name, b.table.name)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The power of 1.25 next to the size. */
function step(bytes: number): number {
  return bytes === 0 ? 0 : 1.25 ** Math.round(Math.log(bytes) / Math.log(1.25));
}

/** A pattern of pg_dump for exactly this table: within quotes nothing is special but the quote. */
export function patternOf({ schema, name }: SizedTable): string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  return `${quoted(schema)}.${quoted(name)}`;
}

/**
 * The tables whose rows a dump holds and that may be moved to another lane: not those of extensions, and not
 * unlogged ones, which a standby does not have.
 * @throws HoldfastError PG_QUERY
 */
export async function readSizes(client: Client, display: string): Promise<SizedTable[]> {
  try {
    await client.query(`SAVEPOINT sizes; SET LOCAL lock_timeout = '${LOCK_PATIENCE}'`);
    const { rows } = await client.query<Omit<SizedTable, 'bytes'> & { bytes: string }>(SIZES);
    return rows.map((row) => ({ ...row, bytes: Number(row.bytes) }));
  } catch (error) {
    // Asking for a size waits for whoever rewrites the table; without sizes there is one lane, and pg_dump says the rest.
    if ((error as { code?: string }).code === LOCK_NOT_AVAILABLE) return [];
    throw queryFailed(display, 'the sizes of tables', error);
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT sizes').catch(() => undefined);
  }
}

const LOCK_PATIENCE = '2s';
/** SQLSTATE of a lock timeout (PostgreSQL manual, appendix A). */
const LOCK_NOT_AVAILABLE = '55P03';

const SIZES = `
SELECT nspname AS schema, relname AS name, pg_catalog.pg_table_size(c.oid) AS bytes
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p WHERE p.classid = 'pg_catalog.pg_class'::regclass
    AND p.objid = c.oid AND p.deptype = 'e')`;
