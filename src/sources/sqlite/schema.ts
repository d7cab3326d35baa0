/** Reading what is in a database: its settings, its tables as rows will name them, its virtual tables. */
import type { DatabaseSync } from 'node:sqlite';
import { moduleUnknown, schemaUnsupported } from './errors.ts';
import { displayName, foldName, moduleOf, quoteName, quoteText } from './names.ts';
import { decodeText, type Encoding } from './text.ts';

/** What the file's header says and a script must set before or after the tables. */
export interface Settings {
  readonly encoding: Encoding;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly autoVacuum: number;
  readonly journalMode: string;
  readonly userVersion: number;
  readonly applicationId: number;
}

/** One row of `sqlite_schema` that has a statement. */
export interface SchemaObject {
  readonly type: 'table' | 'index' | 'trigger' | 'view';
  readonly name: string;
  readonly sql: string;
}

/** A table that holds rows itself. */
export interface StoredTable {
  readonly name: string;
  /** What a row lists: the rowid's name first, where rows have one that no column holds; no generated columns. */
  readonly columns: readonly string[];
  /** An ORDER BY clause that follows the b-tree, so nothing is sorted; empty when no name reaches the rowid. */
  readonly order: string;
  /** False when the table has rowids that no statement can write. */
  readonly keepsRowids: boolean;
}

export interface VirtualTable {
  readonly name: string;
  readonly module: string;
  /** Its shadow tables: where its content really is. */
  readonly shadows: readonly string[];
}

export interface Schema {
  readonly settings: Settings;
  /** In the order in which they were created. */
  readonly objects: readonly SchemaObject[];
  readonly tables: readonly StoredTable[];
  readonly virtualTables: readonly VirtualTable[];
}

/**
 * Reads the schema through an open connection.
 *
 * @param db - the database
 * @param path - what the user calls it, for errors
 * @throws HoldfastError SQLITE_MODULE_UNKNOWN; SQLITE_SCHEMA_UNSUPPORTED for text that is not valid in the
 *   database's encoding and for names with a line end (no row of a dump may contain one)
 */
export function readSchema(db: DatabaseSync, path: string): Schema {
  const settings = readSettings(db);
  const objects = readObjects(db, settings.encoding, path);
  const tables = objects.filter(({ type }) => type === 'table');
  const stored = tables.filter((table) => !isVirtual(table));
  return {
    settings,
    objects,
    tables: stored.map(({ name }) => readTable(db, name, path)),
    virtualTables: readVirtualTables(db, tables.filter(isVirtual), path),
  };
}

/** True for a CREATE VIRTUAL TABLE: SQLite stores these words in this form. */
export function isVirtual(object: SchemaObject): boolean {
  return object.type === 'table' && /^create virtual table/i.test(object.sql);
}

function readSettings(db: DatabaseSync): Settings {
  const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  return {
    encoding: pragma('encoding') as Encoding,
    pageSize: Number(pragma('page_size')),
    pageCount: Number(pragma('page_count')),
    autoVacuum: Number(pragma('auto_vacuum')),
    journalMode: String(pragma('journal_mode')),
    userVersion: Number(pragma('user_version')),
    applicationId: Number(pragma('application_id')),
  };
}

function readObjects(db: DatabaseSync, encoding: Encoding, path: string): SchemaObject[] {
  const rows = db
    .prepare(
      `SELECT type, CAST(name AS BLOB) AS name, CAST(sql AS BLOB) AS sql FROM sqlite_schema
       WHERE sql IS NOT NULL ORDER BY rowid`,
    )
    .all() as unknown as { type: SchemaObject['type']; name: Uint8Array; sql: Uint8Array }[];
  return rows.map(({ type, ...bytes }) => {
    const name = decodeText(bytes.name, encoding);
    const sql = decodeText(bytes.sql, encoding);
    if (name === undefined || sql === undefined) {
      const shown = displayName(Buffer.from(bytes.name).toString());
      throw schemaUnsupported(path, `the definition of ${type} ${shown} is not valid ${encoding}`);
    }
    return { type, name, sql };
  });
}

interface ColumnRow {
  readonly name: string;
  readonly pk: number;
  /** 0 ordinary, 1 hidden, 2 and 3 generated. */
  readonly hidden: number;
}

interface ListedTable {
  readonly name: string;
  readonly type: string;
  readonly wr: number;
}

function readTable(db: DatabaseSync, name: string, path: string): StoredTable {
  const all = db.prepare('SELECT name, pk, hidden FROM pragma_table_xinfo(?)').all(name);
  const columns = all as unknown as ColumnRow[];
  const written = columns.filter(({ hidden }) => hidden === 0).map((column) => column.name);
  if ([name, ...written].some((word) => word.includes('\n') || word.includes('\0'))) {
    throw schemaUnsupported(
      path,
      `table ${displayName(name)} has a line end in its name or in a column's name`,
    );
  }
  const list = db.prepare(`PRAGMA main.table_list(${quoteText(name)})`).all() as unknown as ListedTable[];
  const key = primaryKeyIndex(db, name);
  if (list[0]?.wr === 1) return { name, columns: written, order: keyOrder(db, key), keepsRowids: true };

  const taken = new Set(columns.map((column) => foldName(column.name)));
  const rowid = ['rowid', '_rowid_', 'oid'].find((word) => !taken.has(word));
  // A primary key without an index is the rowid itself: INTEGER PRIMARY KEY, in whatever way it was written.
  const alias = key === undefined ? columns.find(({ pk }) => pk === 1)?.name : undefined;
  const order = alias === undefined ? rowid : quoteName(alias);
  return {
    name,
    columns: alias === undefined && rowid !== undefined ? [rowid, ...written] : written,
    order: order === undefined ? '' : `ORDER BY ${order}`,
    keepsRowids: order !== undefined,
  };
}

function primaryKeyIndex(db: DatabaseSync, table: string): string | undefined {
  const row = db.prepare("SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'").get(table);
  return row?.['name'] as string | undefined;
}

/** The order of a WITHOUT ROWID table: its key with the key's own collations and directions. */
function keyOrder(db: DatabaseSync, index: string | undefined): string {
  const terms = db
    .prepare('SELECT name, coll, "desc" FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno')
    .all(index ?? '') as unknown as { name: string; coll: string; desc: number }[];
  const written = terms.map(
    ({ name, coll, desc }) => `${quoteName(name)} COLLATE ${quoteName(coll)}${desc === 1 ? ' DESC' : ''}`,
  );
  return `ORDER BY ${written.join(', ')}`;
}

function readVirtualTables(db: DatabaseSync, tables: readonly SchemaObject[], path: string): VirtualTable[] {
  const known = new Set(
    db
      .prepare('PRAGMA module_list')
      .all()
      .map((row) => foldName(String(row['name']))),
  );
  for (const { name, sql } of tables) {
    const module = moduleOf(sql) ?? '?';
    if (!known.has(foldName(module))) throw moduleUnknown(path, displayName(name), module);
  }
  if (tables.length === 0) return [];
  const listed = db.prepare('PRAGMA main.table_list').all() as unknown as ListedTable[];
  const shadows = listed.filter(({ type }) => type === 'shadow').map(({ name }) => name);
  return tables.map(({ name, sql }) => ({
    name,
    module: moduleOf(sql) ?? '?',
    shadows: shadows.filter((shadow) => ownerOf(shadow, tables) === name).sort(),
  }));
}

/** The virtual table with the longest name of which the shadow's name is a continuation (`ft` owns `ft_data`). */
function ownerOf(shadow: string, tables: readonly SchemaObject[]): string | undefined {
  return tables
    .map(({ name }) => name)
    .filter((name) => foldName(shadow).startsWith(`${foldName(name)}_`))
    .sort((a, b) => b.length - a.length)[0];
}
