/** The codec for the rows of a stream. */
import type { TableSchema } from '../sources/schema.ts';
import type { Dialect, SourceInfo, TableInfo } from '../sources/source.ts';
import { noCodec } from './errors.ts';
import { JsonLinesCodec } from './json-lines-codec.ts';
import { mysqlInsertCodec } from './mysql-insert-codec.ts';
import { PgCopyCodec } from './pg-copy-codec.ts';
import { RedisRestoreCodec } from './redis-restore-codec.ts';
import type { RowCodec } from './row-codec.ts';
import { sqlInsertCodec } from './sql-insert-codec.ts';
import type { TextEncoding } from './sqlite-literals.ts';

export { KeyFilter } from './key-filter.ts';
export type { RowCodec } from './row-codec.ts';
export type { Value } from './values.ts';

export interface CodecOptions {
  /** SQLite: the database's encoding (`SourceInfo.facts.encoding`); UTF-8 when not given. */
  readonly encoding?: TextEncoding;
}

/** What a source says of how its rows are written. */
export function codecOptions({ facts }: Pick<SourceInfo, 'facts'>): CodecOptions {
  const { encoding } = facts;
  return encoding === 'UTF-16le' || encoding === 'UTF-16be' ? { encoding } : {};
}

/**
 * The codec for the rows of one stream.
 *
 * @param table - of the stream: what its rows list
 * @param schema - of the same table: the columns' types, which decide how a new value is written
 * @throws HoldfastError ROW_NO_CODEC for a stream without rows
 */
export function codecFor(
  dialect: Dialect,
  table: TableInfo,
  schema: TableSchema,
  options: CodecOptions = {},
): RowCodec {
  switch (dialect) {
    case 'pg-copy':
      return new PgCopyCodec(table, schema);
    case 'json-lines':
      return new JsonLinesCodec(table, schema);
    case 'redis-restore':
      return new RedisRestoreCodec(table);
    case 'sql-insert':
      return sqlInsertCodec(table, schema, options.encoding ?? 'UTF-8');
    case 'mysql-insert':
      return mysqlInsertCodec(table, schema);
    default:
      throw noCodec(table.name, dialect);
  }
}
