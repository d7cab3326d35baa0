/** The schema of an SQLite database as a purge needs it. */
import type { DatabaseSync } from 'node:sqlite';
import type { ForeignKey, OnDelete, Schema as SideCar, TableSchema, VirtualTable } from '../schema.ts';
import { displayName, foldName } from './names.ts';
import type { Schema } from './schema.ts';

/**
 * Reads what `readSchema` does not: keys, foreign keys and types.
 *
 * @param db - the database that `schema` was read from
 */
export function readSideCar(db: DatabaseSync, schema: Schema): SideCar {
  const owners = new Map(
    schema.virtualTables.flatMap(({ name, shadows }) => shadows.map((shadow) => [shadow, name] as const)),
  );
  const names = namesIn(schema);
  const stored = schema.tables.map(({ name, columns }): TableSchema => {
    const table = readTable(db, name, names);
    const known = new Set(table.columns.map((column) => column.name));
    const rowid = columns.find((column) => !known.has(column));
    const owner = owners.get(name);
    return {
      ...table,
      ...(owner !== undefined && { shadowOf: displayName(owner) }),
      ...(rowid !== undefined && { rowid }),
    };
  });
  const virtual = schema.virtualTables.map(({ name, module, shadows }): TableSchema => ({
    ...readTable(db, name, names),
    virtual: virtualTable(foldName(module), shadows, name, schema),
  }));
  return { tables: [...stored, ...virtual] };
}

/** Names as they were given when the table was made: foreign keys may write them in another case. */
function namesIn(schema: Schema): ReadonlyMap<string, string> {
  const all = [...schema.tables, ...schema.virtualTables].map(({ name }) => name);
  return new Map(all.map((name) => [foldName(name), name]));
}

function sqlOf(schema: Schema, table: string): string {
  return schema.objects.find(({ type, name }) => type === 'table' && name === table)?.sql ?? '';
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
  /** 0 ordinary, 1 hidden (of a virtual table), 2 and 3 generated (sqlite.org/pragma.html#pragma_table_xinfo). */
  readonly hidden: number;
}

function readTable(db: DatabaseSync, name: string, names: ReadonlyMap<string, string>): TableSchema {
  const rows = query<ColumnRow>(
    db,
    'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)',
    name,
  );
  const columns = rows.filter(({ hidden }) => hidden !== 1);
  const primaryKey = columns
    .filter(({ pk }) => pk > 0)
    .sort((a, b) => a.pk - b.pk)
    .map((column) => column.name);
  const keys = readIndexes(db, name);
  // A primary key without an index is the rowid itself, which is never NULL; other ones may be, unless they say so.
  const isRowid = primaryKey.length === 1 && !keys.some(({ origin }) => origin === 'pk');
  return {
    name: displayName(name),
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      nullable: column.notnull === 0 && !(isRowid && column.pk === 1),
      generated: column.hidden >= 2,
    })),
    primaryKey,
    uniques: keys.filter(({ origin }) => origin !== 'pk').map((key) => key.columns),
    foreignKeys: readForeignKeys(db, name, names),
  };
}

interface UniqueIndex {
  /** `pk`, `u` for a constraint, `c` for CREATE INDEX. */
  readonly origin: string;
  readonly columns: readonly string[];
}

/** Unique keys over columns of all rows: those of expressions and of some rows promise less. */
function readIndexes(db: DatabaseSync, table: string): readonly UniqueIndex[] {
  const sql =
    'SELECT name, origin FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0 ORDER BY seq DESC';
  return query<{ name: string; origin: string }>(db, sql, table).flatMap(({ name, origin }) => {
    const terms = query<{ name: string | null }>(
      db,
      'SELECT name FROM pragma_index_info(?) ORDER BY seqno',
      name,
    );
    const columns = terms.flatMap((term) => term.name ?? []);
    return columns.length === terms.length ? [{ origin, columns }] : [];
  });
}

interface ForeignKeyRow {
  readonly id: number;
  readonly table: string;
  readonly from: string;
  /** Null when the constraint names no columns: then it is the primary key. */
  readonly to: string | null;
  readonly on_delete: string;
}

function readForeignKeys(
  db: DatabaseSync,
  table: string,
  names: ReadonlyMap<string, string>,
): readonly ForeignKey[] {
  const sql = 'SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq';
  const byId = Map.groupBy(query<ForeignKeyRow>(db, sql, table), ({ id }) => id);
  // SQLite lists the newest first.
  return [...byId.values()].reverse().flatMap((rows) => {
    const [first] = rows;
    if (first === undefined) return [];
    const target = names.get(foldName(first.table)) ?? first.table;
    const columns = exactly(
      columnsOf(db, table),
      rows.map(({ from }) => from),
    );
    const key = rows.flatMap(({ to }) => to ?? []);
    return {
      name: `${displayName(table)}(${columns.join(', ')})`,
      columns,
      references: displayName(target),
      referenced: key.length > 0 ? exactly(columnsOf(db, target), key) : primaryKeyOf(db, target),
      onDelete: first.on_delete.toLowerCase() as OnDelete,
    };
  });
}

/** The names as the table has them, in whatever case they were written. */
function exactly(known: readonly string[], written: readonly string[]): readonly string[] {
  const byFold = new Map(known.map((name) => [foldName(name), name]));
  return written.map((name) => byFold.get(foldName(name)) ?? name);
}

function columnsOf(db: DatabaseSync, table: string): readonly string[] {
  return query<{ name: string }>(db, 'SELECT name FROM pragma_table_xinfo(?)', table).map(({ name }) => name);
}

function primaryKeyOf(db: DatabaseSync, table: string): readonly string[] {
  const sql = 'SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk';
  return query<{ name: string }>(db, sql, table).map(({ name }) => name);
}

/**
 * `content=''` keeps no text, `content='t'` takes it from another table (sqlite.org/fts5.html, 4.4; fts3.html, 6.2).
 * Where that one is gone, the index cannot be built again either.
 */
function virtualTable(
  module: string,
  shadows: readonly string[],
  name: string,
  schema: Schema,
): VirtualTable {
  if (!/^fts[345]$/.test(module)) return { module };
  const hasText = shadows.some((shadow) => foldName(shadow) === `${foldName(name)}_content`);
  if (hasText) return { module, content: 'own' };
  const [, written = ''] = CONTENT.exec(sqlOf(schema, name)) ?? [];
  const content = foldName(unquoted(written));
  const isThere = schema.objects.some(
    (object) => ['table', 'view'].includes(object.type) && foldName(object.name) === content,
  );
  return { module, content: isThere ? 'external' : 'none' };
}

const CONTENT = /[(,]\s*content\s*=\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[^\s,)]*)/i;

function unquoted(word: string): string {
  const [quote = ''] = word;
  if (quote === '[') return word.slice(1, -1);
  return /['"`]/.test(quote) ? word.slice(1, -1).replaceAll(quote + quote, quote) : word;
}

function query<T>(db: DatabaseSync, sql: string, table: string): T[] {
  return db.prepare(sql).all(table) as unknown as T[];
}
