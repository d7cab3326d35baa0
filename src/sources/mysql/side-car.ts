/** The schema of a database as a purge needs it, from information_schema. */
import { tableName } from '../../rows/mysql-names.ts';
import type { ColumnSchema, ForeignKey, OnDelete, Schema, TableSchema } from '../schema.ts';
import type { Client } from './client.ts';
import { queryJson } from './client.ts';
import { nameUnfit } from './errors.ts';
import { TABLE_OF_COLUMN } from './facts.ts';

interface ColumnRow {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly nullable: string;
  readonly extra: string;
  readonly collation: string | null;
}

interface KeyRow {
  readonly table: string;
  readonly key: string;
  readonly column: string | null;
  /** Set where only the beginning of the column counts. */
  readonly prefix: number | null;
}

interface ForeignRow {
  readonly table: string;
  readonly name: string;
  readonly column: string;
  readonly elsewhere: string | null;
  readonly references: string;
  readonly referenced: string;
  readonly onDelete: string;
}

const COLUMNS = `SELECT JSON_OBJECT('table', c.table_name, 'name', c.column_name, 'type', c.column_type,
  'nullable', c.is_nullable, 'extra', c.extra, 'collation', c.collation_name)
  FROM information_schema.COLUMNS c JOIN ${TABLE_OF_COLUMN}
  WHERE c.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  ORDER BY c.table_name, c.ordinal_position`;

const KEYS = `SELECT JSON_OBJECT('table', table_name, 'key', index_name, 'column', column_name, 'prefix', sub_part)
  FROM information_schema.STATISTICS WHERE table_schema = DATABASE() AND non_unique = 0
  ORDER BY table_name, index_name, seq_in_index`;

const FOREIGN_KEYS = `SELECT JSON_OBJECT('table', k.table_name, 'name', k.constraint_name, 'column', k.column_name,
  'elsewhere', IF(BINARY k.referenced_table_schema = BINARY k.table_schema, NULL, k.referenced_table_schema),
  'references', k.referenced_table_name, 'referenced', k.referenced_column_name, 'onDelete', r.delete_rule)
  FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
  ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
  AND BINARY r.constraint_schema = BINARY k.constraint_schema AND BINARY r.table_name = BINARY k.table_name
  WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL
  ORDER BY k.table_name, k.constraint_name, k.ordinal_position`;

/** Reads all tables that hold rows. Throws MYSQL_NAME, and as `query`. */
export async function readSideCar(client: Client, database: string, signal: AbortSignal): Promise<Schema> {
  const what = 'the tables and their keys';
  const columns = await queryJson<ColumnRow>(client, { sql: COLUMNS, what, database }, signal);
  const keys = await queryJson<KeyRow>(client, { sql: KEYS, what, database }, signal);
  const foreign = await queryJson<ForeignRow>(client, { sql: FOREIGN_KEYS, what, database }, signal);
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const unfit = columns.find(({ name }) => /[\u0000-\u001f\u007f]/.test(name));
  if (unfit !== undefined) throw nameUnfit(client.display, 'column', unfit.name);
  return schemaOf(columns, keys, foreign);
}

function schemaOf(
  columns: readonly ColumnRow[],
  keys: readonly KeyRow[],
  foreign: readonly ForeignRow[],
): Schema {
  const keysOf = Map.groupBy(keys, ({ table }) => table);
  const foreignOf = Map.groupBy(foreign, ({ table }) => table);
  const tables = [...Map.groupBy(columns, ({ table }) => table)].map(([name, rows]): TableSchema => {
    const unique = [...Map.groupBy(keysOf.get(name) ?? [], ({ key }) => key)].filter(([, parts]) =>
      isWhole(parts),
    );
    return {
      name: tableName(name),
      columns: rows.map(columnOf),
      primaryKey: unique.filter(([key]) => key === 'PRIMARY').flatMap(([, parts]) => namesOf(parts)),
      uniques: unique.filter(([key]) => key !== 'PRIMARY').map(([, parts]) => namesOf(parts)),
      foreignKeys: [...Map.groupBy(foreignOf.get(name) ?? [], (row) => row.name).values()].map(foreignKeyOf),
    };
  });
  return { tables };
}

/** A key over an expression, or over the beginning of a column, is no key of the columns. */
function isWhole(parts: readonly KeyRow[]): boolean {
  return parts.every(({ column, prefix }) => column !== null && prefix === null);
}

function namesOf(parts: readonly KeyRow[]): string[] {
  return parts.flatMap(({ column }) => column ?? []);
}

function columnOf({ name, type, nullable, extra, collation }: ColumnRow): ColumnSchema {
  return {
    name,
    type,
    nullable: nullable === 'YES',
    generated:
      /\b(VIRTUAL|STORED|PERSISTENT) ?(GENERATED)?\b/i.test(extra) && !/DEFAULT_GENERATED/i.test(extra),
    ...(collation !== null && { collation }),
  };
}

function foreignKeyOf(parts: readonly ForeignRow[]): ForeignKey {
  const [first] = parts;
  if (first === undefined) throw new Error('a foreign key without columns');
  const { name, elsewhere, references, onDelete } = first;
  return {
    name,
    columns: parts.map(({ column }) => column),
    references:
      elsewhere === null ? tableName(references) : `${tableName(elsewhere)}.${tableName(references)}`,
    referenced: parts.map(({ referenced }) => referenced),
    onDelete: onDelete.toLowerCase() as OnDelete,
  };
}
