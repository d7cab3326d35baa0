/**
 * Rows of dumps with one row on each line, one literal for each column: an INSERT that names table and columns, or, in
 * dialects with statements of many rows, a part of one. No line end stands inside a row. What a literal looks like is the
 * dialect's: `sql-insert-codec.ts`, `mysql-insert-codec.ts`.
 */
import { CLOSE_PAREN, COMMA, LF, OPEN_PAREN, QUOTE, SEMICOLON } from './bytes.ts';
import { unreadableRow } from './errors.ts';
import { mix } from './key-filter.ts';
import { bareRow, rejoinRows } from './many-rows.ts';
import type { FieldPlace, RowCodec, RowPlace, RowQuery, RowVisitor } from './row-codec.ts';
import type { Value } from './values.ts';

/** Bytes behind the last value: the bracket, what parts or ends statements, and the line end. */
const END_BYTES = 3;

export interface InsertDialect {
  readonly table: string;
  readonly columns: readonly string[];
  /** What every statement begins with: all bytes before the first value. */
  readonly prefix: Buffer;
  /** A statement may have many rows, `(1,2),` on a line each: only the first has the prefix, only the last a semicolon. */
  readonly isManyRows?: true;
  /** In a text, the byte that does not stand for itself. */
  readonly escape: number;
  /** The comma or parenthesis behind the literal that begins at `from`; undefined when the row ends before. */
  fieldEnd(bytes: Buffer, from: number, end: number): number | undefined;
  /** The value of a literal, given as Latin-1; undefined for a form that such dumps do not have there. */
  decode(literal: string, position: number): Value | undefined;
  /**
   * The literal of a value.
   * @param before - first byte of the literal that it replaces
   * @throws HoldfastError ROW_UNWRITABLE
   */
  encode(value: Value, position: number, before: number | undefined): Buffer;
  /** Literals that a row gets as soon as anything in it changes, by position. */
  readonly derived: ReadonlyMap<number, Buffer>;
}

export class InsertCodec implements RowCodec {
  readonly columns: readonly string[];
  readonly rejoin?: (rows: readonly Buffer[]) => readonly Buffer[];
  readonly bare?: (row: Buffer) => Buffer;
  readonly #dialect: InsertDialect;

  constructor(dialect: InsertDialect) {
    this.columns = dialect.columns;
    this.#dialect = dialect;
    if (dialect.isManyRows === undefined) return;
    this.rejoin = (rows) => rejoinRows(rows, dialect.prefix);
    this.bare = (row) => bareRow(row, dialect.prefix);
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
    const literals = new Map<number, Buffer>();
    for (const [position, value] of changes) {
      const field = fields[position];
      if (field === undefined) throw new Error(`no column ${position} in ${this.#dialect.table}`);
      if (this.#decode(row, field.start, field.end, position) === value) continue;
      literals.set(position, this.#dialect.encode(value, position, row[field.start]));
    }
    if (literals.size === 0) return row;
    return spliced(row, fields, new Map([...literals, ...this.#dialect.derived]));
  }

  #values(bytes: Buffer, start: number, end: number, order: readonly Wanted[]): Value[] {
    const values = new Array<Value>(order.length).fill(null);
    let at = this.#firstField(bytes, start, end);
    let position = 0;
    for (const next of order) {
      for (; position < next.position; position += 1) at = this.#nextField(bytes, at, end, next.position);
      const fieldEnd = this.#fieldEnd(bytes, at, end, position);
      const isLast = position === this.columns.length - 1;
      if (isLast && !this.#isEnd(bytes, fieldEnd, end))
        throw this.#unreadable('something else than the end of the row stands behind it', position);
      values[next.slot] = this.#decode(bytes, at, fieldEnd, position);
    }
    return values;
  }

  #decode(bytes: Buffer, start: number, end: number, position: number): Value {
    const value = this.#dialect.decode(bytes.toString('latin1', start, end), position);
    if (value === undefined)
      throw this.#unreadable('a value in a form that such a dump does not have there', position, start);
    return value;
  }

  /** Whether the column may, and then does, hold one of the keys. */
  #holdsKey(piece: Buffer, start: number, end: number, only: NonNullable<RowQuery['only']>): boolean {
    const { position, keys } = only;
    let at = this.#firstField(piece, start, end);
    for (let passed = 0; passed < position; passed += 1) at = this.#nextField(piece, at, end, position);
    const fieldEnd = this.#fieldEnd(piece, at, end, position);
    const hash = plainHash(piece, at, fieldEnd, this.#dialect.escape);
    if (hash !== undefined && !keys.mayHold(hash)) return false;
    const value = this.#decode(piece, at, fieldEnd, position);
    return value !== null && keys.keys.has(value);
  }

  /** The position of the first value. */
  #firstField(bytes: Buffer, start: number, end: number): number {
    const { prefix, table, isManyRows } = this.#dialect;
    if (isManyRows && bytes[start] === OPEN_PAREN) return start + 1;
    const from = start + prefix.length;
    if (from >= end || bytes.compare(prefix, 0, prefix.length, start, from) !== 0)
      throw unreadableRow({ table }, 'it is no INSERT into this table with these columns');
    return from;
  }

  #nextField(bytes: Buffer, at: number, end: number, wanted: number): number {
    const fieldEnd = this.#fieldEnd(bytes, at, end, wanted);
    if (bytes[fieldEnd] !== COMMA) throw this.#unreadable('the row ends before this column', wanted);
    return fieldEnd + 1;
  }

  #fieldEnd(bytes: Buffer, from: number, end: number, position: number): number {
    const found = this.#dialect.fieldEnd(bytes, from, end);
    if (found !== undefined) return found;
    throw this.#unreadable('the row ends inside this value, or it is more than one literal', position, from);
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
    const spot = { table: this.#dialect.table };
    if (fields.length !== this.columns.length)
      throw unreadableRow(spot, `${fields.length} values where ${this.columns.length} columns are listed`);
    if (!this.#isEnd(row, start - 1, row.length))
      throw unreadableRow(spot, 'something stands behind the values');
    return fields;
  }

  /** Whether a row ends here, as rows do: with its bracket. */
  #isEnd(bytes: Buffer, at: number, end: number): boolean {
    const closing = bytes[at + 1];
    const isClosed = closing === SEMICOLON || (this.#dialect.isManyRows === true && closing === COMMA);
    return at + END_BYTES === end && bytes[at] === CLOSE_PAREN && isClosed && bytes[at + 2] === LF;
  }

  #checkPiece(piece: Buffer): void {
    if (piece.length > 0 && piece[piece.length - 1] !== LF)
      throw unreadableRow({ table: this.#dialect.table }, 'the piece ends inside a row');
  }

  #checkLine(row: Buffer): void {
    if (row.indexOf(LF) !== row.length - 1 || row.length === 0)
      throw unreadableRow({ table: this.#dialect.table }, 'it is not one line');
  }

  #unreadable(what: string, position: number, byte?: number): Error {
    const place = byte === undefined ? {} : { byte };
    return unreadableRow({ table: this.#dialect.table, column: this.columns[position], ...place }, what);
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

/** The row with these literals in place of its own. */
function spliced(row: Buffer, fields: readonly FieldPlace[], literals: ReadonlyMap<number, Buffer>): Buffer {
  const parts: Buffer[] = [];
  let kept = 0;
  for (const [position, { start, end }] of fields.entries()) {
    const literal = literals.get(position);
    if (literal === undefined) continue;
    parts.push(row.subarray(kept, start), literal);
    kept = end;
  }
  return Buffer.concat([...parts, row.subarray(kept)]);
}

/**
 * The hash of an integer or of text that stands there as it is; undefined when it has to be decoded to be known, and for
 * '', which may stand for no bytes as well.
 */
function plainHash(bytes: Buffer, start: number, end: number, escape: number): number | undefined {
  const isText = bytes[start] === QUOTE;
  const from = isText ? start + 1 : start;
  const to = isText ? end - 1 : end;
  if (isText && from === to) return undefined;
  let hash = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    const isPlain = isText ? byte !== escape : (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
    if (!isPlain) return undefined;
    hash = mix(hash, byte);
  }
  return hash;
}
