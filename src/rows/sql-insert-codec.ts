/**
 * Rows of our SQLite dumps: one INSERT on each line, its table and columns named in it, one literal for each
 * (`sources/sqlite/rows.ts`). No line end stands inside a row.
 */
import type { TableSchema } from '../sources/schema.ts';
import type { TableInfo } from '../sources/source.ts';
import { CLOSE_PAREN, LF, OPEN_PAREN, QUOTE, SEMICOLON } from './bytes.ts';
import { unreadableRow, unwritableValue } from './errors.ts';
import { mix } from './key-filter.ts';
import type { FieldPlace, RowCodec, RowPlace, RowQuery, RowVisitor } from './row-codec.ts';
import { readLiteral, writeLiteral, type TextEncoding } from './sqlite-literals.ts';
import type { Value } from './values.ts';

const COMMA = 0x2c;
const BLOB = 0x58;
const END = ');\n';

export class SqlInsertCodec implements RowCodec {
  readonly columns: readonly string[];
  readonly #table: string;
  readonly #schema: TableSchema;
  readonly #encoding: TextEncoding;
  /** What every row begins with. */
  readonly #prefix: Buffer;

  constructor(table: TableInfo, schema: TableSchema, encoding: TextEncoding) {
    this.columns = table.columns;
    this.#table = table.name;
    this.#schema = schema;
    this.#encoding = encoding;
    const name = table.name.startsWith('"') ? table.name : quoted(table.name);
    this.#prefix = Buffer.from(`INSERT INTO ${name}(${table.columns.map(quoted).join(',')}) VALUES(`);
  }

  *rows(piece: Buffer): Iterable<RowPlace> {
    this.#checkPiece(piece);
    for (let start = 0; start < piece.length;) {
      const end = piece.indexOf(LF, start) + 1;
      yield { start, end, isRow: true };
      start = end;
    }
  }

  scan(piece: Buffer, _isFirst: boolean, query: RowQuery, visit: RowVisitor): void {
    const { wanted, only } = query;
    this.#checkPiece(piece);
    const order = readingOrder(wanted);
    for (let start = 0; start < piece.length;) {
      const end = piece.indexOf(LF, start) + 1;
      const isSought = only === undefined || this.#holdsKey(piece, start, end, only);
      if (isSought) visit(this.#values(piece, start, end, order), start, end);
      start = end;
    }
  }

  read(row: Buffer, wanted: readonly number[]): Value[] {
    this.#checkLine(row);
    return this.#values(row, 0, row.length, readingOrder(wanted));
  }

  fields(row: Buffer): readonly FieldPlace[] {
    this.#checkLine(row);
    return this.#fields(row);
  }

  edit(row: Buffer, changes: ReadonlyMap<number, Value>): Buffer {
    const fields = this.fields(row);
    const parts: Buffer[] = [];
    let kept = 0;
    for (const [position, value] of [...changes].sort(([a], [b]) => a - b)) {
      const field = fields[position];
      if (field === undefined) throw new Error(`no column ${position} in ${this.#table}`);
      if (this.#decode(row, field.start, field.end, position) === value) continue;
      parts.push(row.subarray(kept, field.start), this.#encode(value, position, row[field.start] === BLOB));
      kept = field.end;
    }
    return parts.length === 0 ? row : Buffer.concat([...parts, row.subarray(kept)]);
  }

  #values(bytes: Buffer, start: number, end: number, order: readonly Wanted[]): Value[] {
    const values = new Array<Value>(order.length).fill(null);
    let at = this.#firstField(bytes, start, end);
    let position = 0;
    for (const next of order) {
      for (; position < next.position; position += 1) at = this.#nextField(bytes, at, end, next.position);
      const fieldEnd = this.#fieldEnd(bytes, at, end, position);
      const isLast = position === this.columns.length - 1;
      if (
        isLast &&
        (bytes[fieldEnd] !== CLOSE_PAREN || bytes[fieldEnd + 1] !== SEMICOLON || fieldEnd + 3 !== end)
      )
        throw this.#unreadable('something else than the end of the row stands behind it', position);
      values[next.slot] = this.#decode(bytes, at, fieldEnd, position);
    }
    return values;
  }

  #decode(bytes: Buffer, start: number, end: number, position: number): Value {
    const value = readLiteral(bytes.toString('latin1', start, end), this.#encoding);
    if (value === undefined)
      throw this.#unreadable('a value in a form that our dumps do not have', position, start);
    return value;
  }

  #encode(value: Value, position: number, wasBlob: boolean): Buffer {
    const name = this.columns[position];
    const column = this.#schema.columns.find((each) => each.name === name);
    const spot = { table: this.#table, column: name };
    if (value === null && column?.nullable === false) throw unwritableValue(spot, 'the column is NOT NULL');
    const literal = writeLiteral(value, column?.type ?? 'INTEGER', wasBlob, this.#encoding);
    if (literal === undefined) throw unwritableValue(spot, 'it is not valid text');
    if (this.#isRowid(name) && !/^-?[0-9]+$/.test(literal))
      throw unwritableValue(spot, 'it is no integer, and this column is the rowid');
    return Buffer.from(literal, 'latin1');
  }

  /** A column that only takes integers: the rowid itself, which no schema lists, or its INTEGER PRIMARY KEY. */
  #isRowid(name: string | undefined): boolean {
    const column = this.#schema.columns.find((each) => each.name === name);
    if (column === undefined) return true;
    const { primaryKey } = this.#schema;
    return primaryKey.length === 1 && primaryKey[0] === name && /^integer$/i.test(column.type);
  }

  /** Whether the column may, and then does, hold one of the keys. */
  #holdsKey(piece: Buffer, start: number, end: number, only: NonNullable<RowQuery['only']>): boolean {
    const { position, keys } = only;
    let at = this.#firstField(piece, start, end);
    for (let passed = 0; passed < position; passed += 1) at = this.#nextField(piece, at, end, position);
    const fieldEnd = this.#fieldEnd(piece, at, end, position);
    const hash = plainHash(piece, at, fieldEnd);
    if (hash !== undefined && !keys.mayHold(hash)) return false;
    const value = this.#decode(piece, at, fieldEnd, position);
    return value !== null && keys.keys.has(value);
  }

  /** The position of the first value. */
  #firstField(bytes: Buffer, start: number, end: number): number {
    const prefix = this.#prefix;
    const from = start + prefix.length;
    if (from >= end || bytes.compare(prefix, 0, prefix.length, start, from) !== 0)
      throw unreadableRow({ table: this.#table }, 'it is no INSERT into this table with these columns');
    return from;
  }

  #nextField(bytes: Buffer, at: number, end: number, wanted: number): number {
    const fieldEnd = this.#fieldEnd(bytes, at, end, wanted);
    if (bytes[fieldEnd] !== COMMA) throw this.#unreadable('the row ends before this column', wanted);
    return fieldEnd + 1;
  }

  /** The comma or parenthesis behind the literal that begins here. */
  #fieldEnd(bytes: Buffer, from: number, end: number, position: number): number {
    let depth = 0;
    for (let at = from; at < end; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        // A doubled quote ends one literal and opens the next: for finding the end that is the same.
        do at += 1;
        while (at < end && bytes[at] !== QUOTE);
      } else if (byte === OPEN_PAREN) depth += 1;
      else if (byte === CLOSE_PAREN) {
        if (depth === 0) return at;
        depth -= 1;
      } else if (byte === COMMA && depth === 0) return at;
    }
    throw this.#unreadable('the row ends inside this value', position, from);
  }

  /** All values of a row, which must be as many as there are columns, and its end. */
  #fields(row: Buffer): FieldPlace[] {
    const fields: FieldPlace[] = [];
    let start = this.#firstField(row, 0, row.length);
    for (;;) {
      const end = this.#fieldEnd(row, start, row.length, fields.length);
      fields.push({ start, end });
      start = end + 1;
      if (row[end] === CLOSE_PAREN) break;
    }
    const spot = { table: this.#table };
    if (fields.length !== this.columns.length)
      throw unreadableRow(spot, `${fields.length} values where ${this.columns.length} columns are listed`);
    if (row.toString('latin1', start - 1) !== END)
      throw unreadableRow(spot, 'something stands behind the values');
    return fields;
  }

  #checkPiece(piece: Buffer): void {
    if (piece.length > 0 && piece[piece.length - 1] !== LF)
      throw unreadableRow({ table: this.#table }, 'the piece ends inside a row');
  }

  #checkLine(row: Buffer): void {
    if (row.indexOf(LF) !== row.length - 1 || row.length === 0)
      throw unreadableRow({ table: this.#table }, 'it is not one line');
  }

  #unreadable(what: string, position: number, byte?: number): Error {
    const place = byte === undefined ? {} : { byte };
    return unreadableRow({ table: this.#table, column: this.columns[position], ...place }, what);
  }
}

interface Wanted {
  readonly position: number;
  /** Where in the result. */
  readonly slot: number;
}

/** One pass reads them all, whatever order they were asked for in. */
function readingOrder(wanted: readonly number[]): Wanted[] {
  return wanted.map((position, slot) => ({ position, slot })).sort((a, b) => a.position - b.position);
}

/** The hash of an integer or of text that stands there as it is; undefined when it has to be decoded to be known. */
function plainHash(bytes: Buffer, start: number, end: number): number | undefined {
  const isText = bytes[start] === QUOTE;
  const from = isText ? start + 1 : start;
  const to = isText ? end - 1 : end;
  let hash = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    const isPlain = isText ? byte !== QUOTE : (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
    if (!isPlain) return undefined;
    hash = mix(hash, byte);
  }
  return hash;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
