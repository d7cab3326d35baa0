/** The rows of one table as INSERT statements, one on each line, in an order that the next dump repeats. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfCancelled } from '../../errors.ts';
import { rowTooLarge } from './errors.ts';
import { displayName, quoteName } from './names.ts';
import { blobLiteral, blobPieces, integerLiteral, PIECE, rawTextPieces, realLiteral } from './render.ts';
import { textLiteral, textPieces, type SqlValue } from './render.ts';
import type { StoredTable } from './schema.ts';
import { decodeText, encodeText, type Encoding } from './text.ts';

/** Characters that are collected before a chunk goes out. */
const CHUNK = 128 * 1024;

/** The longest string of Node (2^29 - 24): a longer statement could be dumped, and not be loaded again. */
export const STATEMENT_LIMIT = 2 ** 29 - 1024;

export interface RowSource {
  readonly db: DatabaseSync;
  readonly encoding: Encoding;
  /** What the user calls the database, for errors. */
  readonly path: string;
}

/**
 * Yields the table's rows in chunks of about 128 KiB; a chunk need not end on a row's end.
 *
 * node:sqlite hands TEXT over as strings, which is fast and shows bytes that are not UTF-8 as U+FFFD. A row with
 * that character is therefore rendered again from the bytes, as every text of a UTF-16 database is.
 *
 * @throws HoldfastError SQLITE_ROW_TOO_LARGE, CANCELLED; errors of SQLite as they are
 */
export async function* tableRows(
  source: RowSource,
  table: StoredTable,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { db, encoding } = source;
  const prefix = `INSERT INTO ${quoteName(table.name)}(${table.columns.map(quoteName).join(',')}) VALUES(`;
  const exact = new TextBytes(db, table);
  const quick = encoding === 'UTF-8' ? quickLiteral : (value: SqlValue) => notText(value, quickLiteral);
  let ordinal = 0;
  let text = '';
  for (const row of rowsOf(select(db, table, quoteName)) as Iterable<SqlValue[]>) {
    ordinal += 1;
    const line = quickLine(row, quick);
    if (line !== undefined) text += `${prefix}${line});\n`;
    else {
      let length = 0;
      for (const piece of exactLine(prefix, row, exact.at(ordinal), encoding)) {
        length += piece.length;
        if (length > STATEMENT_LIMIT) {
          throw rowTooLarge(source.path, displayName(table.name), ordinal, STATEMENT_LIMIT);
        }
        text += piece;
        if (text.length < CHUNK) continue;
        yield Buffer.from(text);
        text = '';
      }
    }
    if (text.length < CHUNK) continue;
    yield Buffer.from(text);
    text = '';
    // Reading never waits for anything, so without this no timer and no signal would come through.
    await nextTurn();
    throwIfCancelled(signal);
  }
  if (text !== '') yield Buffer.from(text);
}

/** NOT INDEXED: without an order by rowid, an index that covers all columns would be read instead. */
function select(db: DatabaseSync, table: StoredTable, term: (name: string) => string): StatementSync {
  const terms = table.columns.map((column) => term(column)).join(', ');
  return db.prepare(`SELECT ${terms} FROM ${quoteName(table.name)} NOT INDEXED ${table.order}`);
}

function rowsOf(statement: StatementSync): IterableIterator<unknown> {
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement.iterate();
}

/** The values of a row, or undefined when one of them needs the long way. */
function quickLine(
  row: readonly SqlValue[],
  literal: (value: SqlValue) => string | undefined,
): string | undefined {
  let line = '';
  for (let index = 0; index < row.length; index += 1) {
    const written = literal(row[index] ?? null);
    if (written === undefined) return undefined;
    line += index === 0 ? written : `,${written}`;
  }
  return line;
}

function quickLiteral(value: SqlValue): string | undefined {
  if (typeof value === 'string') return quickText(value);
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return integerLiteral(value);
  if (typeof value === 'number') return realLiteral(value);
  return value.byteLength > PIECE ? undefined : blobLiteral(value);
}

function quickText(value: string): string | undefined {
  if (value.length > PIECE || /[\0\ufffd]/.test(value)) return undefined;
  return /['\n\r]/.test(value) ? textLiteral(value) : `'${value}'`;
}

function notText(value: SqlValue, otherwise: (value: SqlValue) => string | undefined): string | undefined {
  return typeof value === 'string' ? undefined : otherwise(value);
}

/** The whole statement in pieces, from the bytes of its texts. */
function* exactLine(
  prefix: string,
  row: readonly SqlValue[],
  texts: readonly (Uint8Array | null)[],
  encoding: Encoding,
): Iterable<string> {
  yield prefix;
  for (const [index, value] of row.entries()) {
    if (index > 0) yield ',';
    const bytes = texts[index];
    if (bytes) yield* exactText(bytes, encoding);
    else if (value instanceof Uint8Array) yield* blobPieces(value);
    else yield quickLiteral(value) ?? 'NULL';
  }
  yield ');\n';
}

function exactText(bytes: Uint8Array, encoding: Encoding): Iterable<string> {
  const text = decodeText(bytes, encoding);
  if (text === undefined) return rawTextPieces(bytes);
  return text.includes('\0') ? rawTextPieces(encodeText(text, encoding)) : textPieces(text);
}

/** The bytes of a table's texts, read beside the rows and only as far as they are asked for. */
class TextBytes {
  readonly #db: DatabaseSync;
  readonly #table: StoredTable;
  #rows: Iterator<unknown> | undefined;
  #ordinal = 0;

  constructor(db: DatabaseSync, table: StoredTable) {
    this.#db = db;
    this.#table = table;
  }

  /** The texts of the row with this number, counted from 1; the numbers asked for must rise. */
  at(ordinal: number): readonly (Uint8Array | null)[] {
    this.#rows ??= rowsOf(select(this.#db, this.#table, textAsBlob));
    for (;;) {
      const next: IteratorResult<unknown, unknown> = this.#rows.next();
      this.#ordinal += 1;
      if (next.done) throw new Error(`row ${ordinal} of ${this.#table.name} vanished from a private copy`);
      if (this.#ordinal === ordinal) return next.value as (Uint8Array | null)[];
    }
  }
}

function textAsBlob(column: string): string {
  const name = quoteName(column);
  return `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) END`;
}
