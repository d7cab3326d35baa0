/** Tables of which a dump has no statement, since they have no rows: they are tables all the same. */
import { plainName } from '../../rows/mysql-names.ts';
import type { Schema } from '../schema.ts';
import type { DumpStream } from '../source.ts';
import type { MysqlTable } from './facts.ts';

/** Engines that keep rows of their own: others show those of another place, which no dump has and a restore would count. */
const KEEPS_ROWS = /^(innodb|rocksdb|tokudb|ndbcluster|myisam|aria|memory|archive|csv)$/i;

/**
 * An empty stream for each, so that it can be named, and its rows be counted after a restore.
 * @param seen - the tables with rows, as in `TableInfo.name`
 */
export function* emptyTables(
  { tables }: Schema,
  kinds: readonly MysqlTable[],
  seen: ReadonlySet<string>,
): Generator<DumpStream> {
  const keepsRows = new Set(
    kinds.filter(({ engine }) => KEEPS_ROWS.test(engine ?? '')).map(({ name }) => name),
  );
  for (const { name, columns } of tables) {
    if (seen.has(name) || !keepsRows.has(plainName(name))) continue;
    const named = columns.filter(({ generated }) => !generated).map((column) => column.name);
    const table = { name, columns: named };
    yield { name, section: 'data', dialect: 'mysql-insert', table, bytes: NOTHING };
  }
}

const NOTHING: AsyncIterable<Buffer> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};
