/**
 * Rows of MySQL and MariaDB dumps: one INSERT on each line, its table and columns named in it, one literal for each
 * (`mysql-literals.ts`), as mariadb-dump writes them with --skip-extended-insert --complete-insert --hex-blob.
 */
import { fullType, type ColumnSchema, type TableSchema } from '../sources/schema.ts';
import type { TableInfo } from '../sources/source.ts';
import { BACKSLASH, CLOSE_PAREN, LF, QUOTE, SEMICOLON } from './bytes.ts';
import { unreadableRow, unwritableValue } from './errors.ts';
import { mix } from './key-filter.ts';
import { mysqlMisfit } from './mysql-fit.ts';
import {
  GENERATED,
  literalKind,
  readMysqlLiteral,
  writeMysqlLiteral,
  type LiteralKind,
} from './mysql-literals.ts';
import { backquoted, plainName } from './mysql-names.ts';
import type { FieldPlace, RowCodec, RowPlace, RowQuery, RowVisitor } from './row-codec.ts';
import type { Value } from './values.ts';

const COMMA = 0x2c;
const END = ');\n';

interface Column {
  readonly schema: ColumnSchema | undefined;
  readonly kind: LiteralKind;
}

export class MysqlInsertCodec implements RowCodec {
  readonly columns: readonly string[];
  readonly #table: string;
  /** By position. */
  readonly #columns: readonly Column[];
  /** Positions of columns that the server computes. */
  readonly #generated: readonly number[];
  /** What every row begins with. */
  readonly #prefix: Buffer;

  constructor(table: TableInfo, schema: TableSchema) {
    const byName = new Map(schema.columns.map((column) => [column.name, column]));
    this.columns = table.columns;
    this.#table = table.name;
    this.#columns = table.columns.map((name) => {
      const column = byName.get(name);
      return { schema: column, kind: literalKind(column?.type ?? '', column?.generated ?? false) };
    });
    this.#generated = this.#columns.flatMap(({ kind }, at) => (kind.isGenerated === true ? [at] : []));
    const name = backquoted(plainName(table.name));
    this.#prefix = Buffer.from(`INSERT INTO ${name} (${table.columns.map(backquoted).join(', ')}) VALUES (`);
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

  /**
   * As the port says, except for columns that the server computes. A dump of MariaDB has their values, which are made
   * of what is replaced here, and which the server makes again: so they become DEFAULT as soon as anything changes.
   */
  edit(row: Buffer, changes: ReadonlyMap<number, Value>): Buffer {
    const fields = this.fields(row);
    const literals = new Map<number, Buffer>();
    for (const [position, value] of changes) {
      const field = fields[position];
      if (field === undefined) throw new Error(`no column ${position} in ${this.#table}`);
      if (this.#decode(row, field.start, field.end, position) === value) continue;
      literals.set(position, this.#encode(value, position));
    }
    if (literals.size === 0) return row;
    for (const position of this.#generated) literals.set(position, Buffer.from(GENERATED));
    return spliced(row, fields, literals);
  }

  #values(bytes: Buffer, start: number, end: number, order: readonly Wanted[]): Value[] {
    const values = new Array<Value>(order.length).fill(null);
    let at = this.#firstField(bytes, start, end);
    let position = 0;
    for (const next of order) {
      for (; position < next.position; position += 1) at = this.#nextField(bytes, at, end, next.position);
      const fieldEnd = this.#fieldEnd(bytes, at, end, position);
      const isLast = position === this.columns.length - 1;
      if (isLast && !isEnd(bytes, fieldEnd, end))
        throw this.#unreadable('something else than the end of the row stands behind it', position);
      values[next.slot] = this.#decode(bytes, at, fieldEnd, position);
    }
    return values;
  }

  #decode(bytes: Buffer, start: number, end: number, position: number): Value {
    const kind = this.#columns[position]?.kind ?? { holds: 'any' };
    const value = readMysqlLiteral(bytes.toString('latin1', start, end), kind);
    if (value === undefined)
      throw this.#unreadable('a value in a form that such a dump does not have there', position, start);
    return value;
  }

  #encode(value: Value, position: number): Buffer {
    const { schema, kind } = this.#columns[position] ?? { schema: undefined, kind: { holds: 'any' } };
    const spot = { table: this.#table, column: this.columns[position] };
    if (kind.isGenerated === true) throw unwritableValue(spot, 'the server computes it');
    const why = mysqlMisfit(value, schema === undefined ? '' : fullType(schema), schema?.nullable ?? true);
    if (why !== undefined) throw unwritableValue(spot, why);
    const literal = writeMysqlLiteral(value, kind);
    if (literal === undefined) throw unwritableValue(spot, 'it is not valid text');
    return Buffer.from(literal, 'latin1');
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
    let at = from;
    // A string begins a literal, or stands behind the b of b'101'.
    while (at < end && bytes[at] !== COMMA && bytes[at] !== CLOSE_PAREN && bytes[at] !== QUOTE) at += 1;
    if (bytes[at] === QUOTE) at = stringEnd(bytes, at, end);
    if (at < end && (bytes[at] === COMMA || bytes[at] === CLOSE_PAREN)) return at;
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

/** The position behind the closing quote; a backslash takes the next byte with it. */
function stringEnd(bytes: Buffer, open: number, end: number): number {
  let at = open + 1;
  while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function isEnd(bytes: Buffer, at: number, end: number): boolean {
  return bytes[at] === CLOSE_PAREN && bytes[at + 1] === SEMICOLON && at + 3 === end;
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

/** The hash of an integer or of text that stands there as it is; undefined when it has to be decoded to be known. */
function plainHash(bytes: Buffer, start: number, end: number): number | undefined {
  const isText = bytes[start] === QUOTE;
  const from = isText ? start + 1 : start;
  const to = isText ? end - 1 : end;
  if (isText && from === to) return undefined;
  let hash = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    const isPlain = isText ? byte !== BACKSLASH : (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
    if (!isPlain) return undefined;
    hash = mix(hash, byte);
  }
  return hash;
}
