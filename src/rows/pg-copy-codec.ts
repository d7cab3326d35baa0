/**
 * Rows of PostgreSQL's COPY text format, as pg_dump writes them (PostgreSQL docs, COPY, "Text Format", and
 * CopyAttributeOutText in copyto.c): fields parted by tabs, NULL is `\N`, and only the escapes of `ESCAPES`.
 * COPY FROM would read more (`\101`, `\x41`, `\q`); nothing writes that here, so it is refused.
 */
import type { TableSchema } from '../sources/schema.ts';
import type { TableInfo } from '../sources/source.ts';
import { BACKSLASH, LF } from './bytes.ts';
import { unreadableRow, unwritableValue } from './errors.ts';
import { mix } from './key-filter.ts';
import { SqlLexer } from './lexer.ts';
import { readCopyHeader } from './pg-copy.ts';
import { misfit } from './pg-fit.ts';
import type { FieldPlace, RowCodec, RowPlace, RowQuery, RowVisitor } from './row-codec.ts';
import { latin1Of, textOf, type Value } from './values.ts';

const TAB = 0x09;
const DOT = 0x2e;

/** What makes the text of a field differ from its bytes, or is refused. */
const SPECIAL = /[\0\r\\\x80-\xff]/;

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};
const ESCAPED = new Map(Object.entries(ESCAPES).map(([letter, character]) => [character, `\\${letter}`]));

export class PgCopyCodec implements RowCodec {
  readonly columns: readonly string[];
  readonly #table: string;
  /** By position. */
  readonly #types: readonly { readonly type: string; readonly nullable: boolean }[];

  constructor(table: TableInfo, schema: TableSchema) {
    const byName = new Map(schema.columns.map((column) => [column.name, column]));
    this.columns = table.columns;
    this.#table = table.name;
    this.#types = table.columns.map((name) => byName.get(name) ?? { type: '', nullable: true });
  }

  *rows(piece: Buffer, isFirst: boolean): Iterable<RowPlace> {
    const from = isFirst ? this.#headerEnd(piece) : 0;
    const to = this.#rowsEnd(piece, from);
    if (from > 0) yield { start: 0, end: from, isRow: false };
    for (let start = from; start < to;) {
      const end = this.#rowEnd(piece, start);
      yield { start, end, isRow: true };
      start = end;
    }
    if (to < piece.length) yield { start: to, end: piece.length, isRow: false };
  }

  scan(piece: Buffer, isFirst: boolean, query: RowQuery, visit: RowVisitor): void {
    const { wanted, only } = query;
    const from = isFirst ? this.#headerEnd(piece) : 0;
    const to = this.#rowsEnd(piece, from);
    const values = rowReader(wanted);
    for (let start = from; start < to;) {
      const end = this.#rowEnd(piece, start);
      const isSought = only === undefined || this.#holdsKey(piece, start, end, only);
      if (isSought) visit(values(this, piece, start, end), start, end);
      start = end;
    }
  }

  read(row: Buffer, wanted: readonly number[]): Value[] {
    this.#checkLine(row);
    return rowReader(wanted)(this, row, 0, row.length);
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
      if (this.decode(row, field.start, field.end, position) === value) continue;
      parts.push(row.subarray(kept, field.start), this.#encode(value, position));
      kept = field.end;
    }
    return kept === 0 && parts.length === 0 ? row : Buffer.concat([...parts, row.subarray(kept)]);
  }

  /** The value of the field `bytes[start, end)`; used by the readers below. */
  decode(bytes: Buffer, start: number, end: number, position: number): Value {
    const raw = bytes.toString('latin1', start, end);
    if (!SPECIAL.test(raw)) return raw;
    if (raw === '\\N') return null;
    if (/[\0\r]/.test(raw)) throw this.#unreadable('a raw CR or zero byte', position, start);
    return textOf(raw.includes('\\') ? this.#unescaped(raw, position, start) : raw);
  }

  /** The row has fewer columns than were asked for. */
  tooShort(position: number): Error {
    return this.#unreadable('the row ends before this column', position);
  }

  /** More fields stand behind the last column. */
  tooLong(): Error {
    return unreadableRow({ table: this.#table }, 'it has more fields than columns are listed');
  }

  #unescaped(raw: string, position: number, start: number): string {
    return raw.replace(/\\([^]?)/g, (_, letter: string, at: number) => {
      const character = ESCAPES[letter];
      if (character === undefined)
        throw this.#unreadable('an escape that pg_dump does not write', position, start + at);
      return character;
    });
  }

  #encode(value: Value, position: number): Buffer {
    const column = this.#types[position];
    const why = misfit(value, column?.type ?? '', column?.nullable ?? true);
    if (why !== undefined) throw this.#unwritable(why, position);
    if (value === null) return Buffer.from('\\N');
    const raw = latin1Of(value);
    if (raw === undefined) throw this.#unwritable('it is not valid text', position);
    const escaped = raw.replace(/[\b\f\n\r\t\v\\]/g, (character) => ESCAPED.get(character) ?? '');
    return Buffer.from(escaped, 'latin1');
  }

  /** Whether the column may, and then does, hold one of the keys. */
  #holdsKey(piece: Buffer, start: number, end: number, only: NonNullable<RowQuery['only']>): boolean {
    let at = start;
    for (let tabs = 0; tabs < only.position; at += 1) {
      const byte = piece[at];
      if (byte === TAB) tabs += 1;
      else if (byte === LF) throw this.tooShort(only.position);
    }
    const from = at;
    let hash = 0;
    let isEscaped = false;
    for (; ; at += 1) {
      const byte = piece[at] ?? LF;
      if (byte === TAB || byte === LF) break;
      if (byte === BACKSLASH) isEscaped = true;
      hash = mix(hash, byte);
    }
    if (this.columns.length === 0 || at >= end) throw this.tooShort(only.position);
    if (!isEscaped && !only.keys.mayHold(hash)) return false;
    const value = this.decode(piece, from, at, only.position);
    return value !== null && only.keys.keys.has(value);
  }

  /** All fields of a row, which must be as many as there are columns. */
  #fields(row: Buffer): FieldPlace[] {
    const fields: FieldPlace[] = [];
    const last = row.length - 1;
    for (let start = 0; start <= last && !(this.columns.length === 0 && last === 0);) {
      const tab = row.indexOf(TAB, start);
      const end = tab === -1 ? last : tab;
      fields.push({ start, end });
      start = end + 1;
      if (tab !== -1 && start > last) break;
    }
    if (fields.length !== this.columns.length) {
      const found = `${fields.length} fields where ${this.columns.length} columns are listed`;
      throw unreadableRow({ table: this.#table }, found);
    }
    return fields;
  }

  /** The position behind the header and its line end. */
  #headerEnd(piece: Buffer): number {
    const lexer = new SqlLexer({ name: `table ${this.#table}` });
    lexer.push(piece);
    const statement = lexer.next()?.bytes ?? Buffer.alloc(0);
    const header = readCopyHeader(statement, { name: `table ${this.#table}`, line: 1 });
    const isOurs =
      header?.table === this.#table &&
      header.columns.length === this.columns.length &&
      header.columns.every((name, at) => name === this.columns[at]);
    const end = statement.length;
    if (!isOurs || !piece.subarray(0, end).equals(statement) || piece[end] !== LF)
      throw unreadableRow({ table: this.#table }, 'the stream does not begin with the header of this table');
    return end + 1;
  }

  /** The position behind the row's line end. */
  #rowEnd(piece: Buffer, start: number): number {
    if (piece[start] === BACKSLASH && piece[start + 1] === DOT)
      throw unreadableRow({ table: this.#table }, 'an end mark stands among the rows');
    return piece.indexOf(LF, start) + 1;
  }

  /** The position of the end line, or the end of the piece; a row never begins with `\.`. */
  #rowsEnd(piece: Buffer, from: number): number {
    if (piece.length > from && piece[piece.length - 1] !== LF)
      throw unreadableRow({ table: this.#table }, 'the piece ends inside a row');
    const at = piece.length - 3;
    const isEnd =
      at >= from && piece[at] === BACKSLASH && piece[at + 1] === DOT && (at === 0 || piece[at - 1] === LF);
    return isEnd ? at : piece.length;
  }

  #checkLine(row: Buffer): void {
    if (row.indexOf(LF) !== row.length - 1 || row.length === 0)
      throw unreadableRow({ table: this.#table }, 'it is not one line');
  }

  #unreadable(what: string, position: number, byte?: number): Error {
    const place = byte === undefined ? {} : { byte };
    return unreadableRow({ table: this.#table, column: this.columns[position], ...place }, what);
  }

  #unwritable(why: string, position: number): Error {
    return unwritableValue({ table: this.#table, column: this.columns[position] }, why);
  }
}

type RowReader = (codec: PgCopyCodec, bytes: Buffer, start: number, end: number) => Value[];

/** Reads the wanted columns in one pass, whatever order they were asked for in, and stops behind the last. */
function rowReader(wanted: readonly number[]): RowReader {
  const order = wanted.map((position, slot) => ({ position, slot })).sort((a, b) => a.position - b.position);
  return (codec, bytes, start, end) => {
    const values = new Array<Value>(wanted.length).fill(null);
    let position = 0;
    let at = start;
    for (const next of order) {
      if (next.position >= codec.columns.length) throw codec.tooShort(next.position);
      for (; position < next.position; at += 1) {
        if (bytes[at] === TAB) position += 1;
        else if (at >= end - 1) throw codec.tooShort(next.position);
      }
      let fieldEnd = at;
      while (fieldEnd < end - 1 && bytes[fieldEnd] !== TAB) fieldEnd += 1;
      if (next.position === codec.columns.length - 1 && fieldEnd !== end - 1) throw codec.tooLong();
      values[next.slot] = codec.decode(bytes, at, fieldEnd, next.position);
    }
    return values;
  };
}
