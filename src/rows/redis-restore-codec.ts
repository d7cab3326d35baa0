/**
 * Rows of our Redis dumps, behind one line `SELECT n`:
 *
 *     RESTORE "key" TTL "payload" ABSTTL
 *
 * TTL is the time at which the key ends, in milliseconds since 1970, and 0 for never. Keys and payloads are written
 * as `redis-quote.ts` says. What is in a payload is not looked at: a row is kept or dropped as it is.
 */
import type { TableInfo } from '../sources/source.ts';
import { LF } from './bytes.ts';
import { unreadableRow, unwritableValue } from './errors.ts';
import { closingQuote, unquoted } from './redis-quote.ts';
import type { FieldPlace, RowCodec, RowPlace, RowQuery, RowVisitor } from './row-codec.ts';
import { textOf, type Value } from './values.ts';

export const REDIS_COLUMNS: readonly string[] = ['key', 'expires', 'payload'];

const START = Buffer.from('RESTORE "');
const END = Buffer.from('" ABSTTL\n');
const HEADER = /^SELECT (?:0|[1-9]\d{0,8})\n$/;
const PAYLOAD = 2;

/** Where the parts of a row stand, without the quotes. */
export interface RestoreRow {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly ttlStart: number;
  readonly ttlEnd: number;
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

/**
 * Finds the parts of the row `piece[start, end)`, its line end included. Escapes are not looked at.
 * @returns undefined for anything but a row
 */
export function splitRestore(piece: Buffer, start: number, end: number): RestoreRow | undefined {
  const row = placeRestore(piece, start, end);
  return row && closingQuote(piece, row.payloadStart, end) === row.payloadEnd ? row : undefined;
}

/** The same for who unquotes the payload then, and so sees whether a quote stands in it. */
export function placeRestore(piece: Buffer, start: number, end: number): RestoreRow | undefined {
  const keyStart = start + START.length;
  if (keyStart >= end || !standsAt(piece, start, START)) return undefined;
  const keyEnd = closingQuote(piece, keyStart, end);
  const ttlStart = keyEnd + 2;
  if (keyEnd === -1 || piece[keyEnd + 1] !== SPACE) return undefined;
  let ttlEnd = ttlStart;
  while (isDigit(piece[ttlEnd])) ttlEnd += 1;
  const digits = ttlEnd - ttlStart;
  if (digits === 0 || digits > 19 || (piece[ttlStart] === ZERO && digits > 1)) return undefined;
  const payloadStart = ttlEnd + 2;
  const payloadEnd = end - END.length;
  if (piece[ttlEnd] !== SPACE || piece[ttlEnd + 1] !== QUOTE || payloadEnd < payloadStart) return undefined;
  if (!standsAt(piece, payloadEnd, END)) return undefined;
  return { keyStart, keyEnd, ttlStart, ttlEnd, payloadStart, payloadEnd };
}

/** For a few bytes a loop is faster than `compare`. */
function standsAt(piece: Buffer, start: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += 1) if (piece[start + at] !== bytes[at]) return false;
  return true;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const ZERO = 0x30;

function isDigit(byte = 0): boolean {
  return byte >= ZERO && byte <= 0x39;
}

export class RedisRestoreCodec implements RowCodec {
  readonly columns = REDIS_COLUMNS;
  readonly #table: string;

  constructor(table: TableInfo) {
    this.#table = table.name;
  }

  *rows(piece: Buffer, isFirst: boolean): Iterable<RowPlace> {
    const first = this.#firstRow(piece, isFirst);
    if (first > 0) yield { start: 0, end: first, isRow: false };
    for (let start = first; start < piece.length;) {
      const end = piece.indexOf(LF, start) + 1;
      yield { start, end, isRow: true };
      start = end;
    }
  }

  scan(piece: Buffer, isFirst: boolean, { wanted, only }: RowQuery, visit: RowVisitor): void {
    for (let start = this.#firstRow(piece, isFirst); start < piece.length;) {
      const end = piece.indexOf(LF, start) + 1;
      const row = this.#split(piece, start, end);
      const key = only && this.#value(piece, row, only.position);
      if (only === undefined || (typeof key === 'string' && only.keys.keys.has(key))) {
        const values = wanted.map((position) => this.#value(piece, row, position));
        visit(values, start, end);
      }
      start = end;
    }
  }

  read(row: Buffer, wanted: readonly number[]): Value[] {
    const parts = this.#whole(row);
    return wanted.map((position) => this.#value(row, parts, position));
  }

  fields(row: Buffer): readonly FieldPlace[] {
    const { keyStart, keyEnd, ttlStart, ttlEnd, payloadStart, payloadEnd } = this.#whole(row);
    return [
      { start: keyStart - 1, end: keyEnd + 1 },
      { start: ttlStart, end: ttlEnd },
      { start: payloadStart - 1, end: payloadEnd + 1 },
    ];
  }

  edit(row: Buffer, changes: ReadonlyMap<number, Value>): Buffer {
    const parts = this.#whole(row);
    for (let position = 0; position < REDIS_COLUMNS.length; position += 1) {
      const now = this.#value(row, parts, position);
      if (!changes.has(position) || changes.get(position) === now) continue;
      throw unwritableValue(
        { table: this.#table, column: REDIS_COLUMNS[position] },
        'of a Redis backup, keys can only be left out as a whole',
      );
    }
    return row;
  }

  /** Where the first row begins. */
  #firstRow(piece: Buffer, isFirst: boolean): number {
    if (piece.length > 0 && piece[piece.length - 1] !== LF)
      throw unreadableRow({ table: this.#table }, 'the piece ends inside a row');
    if (!isFirst || piece.length === 0) return 0;
    const end = piece.indexOf(LF) + 1;
    if (end > 32 || !HEADER.test(piece.toString('latin1', 0, end)))
      throw unreadableRow({ table: this.#table }, 'the stream does not begin with SELECT');
    return end;
  }

  #whole(row: Buffer): RestoreRow {
    if (row.indexOf(LF) !== row.length - 1 || row.length === 0)
      throw unreadableRow({ table: this.#table }, 'it is not one line');
    const parts = this.#split(row, 0, row.length);
    for (let position = 0; position < REDIS_COLUMNS.length; position += 1) this.#value(row, parts, position);
    return parts;
  }

  #split(piece: Buffer, start: number, end: number): RestoreRow {
    const parts = splitRestore(piece, start, end);
    if (parts === undefined)
      throw unreadableRow({ table: this.#table }, 'it is no RESTORE command as our dumps have it');
    return parts;
  }

  #value(piece: Buffer, row: RestoreRow, position: number): Value {
    if (position === 1) {
      const ttl = piece.toString('latin1', row.ttlStart, row.ttlEnd);
      return ttl === '0' ? null : ttl;
    }
    const isKey = position === 0;
    const [start, end] = isKey ? [row.keyStart, row.keyEnd] : [row.payloadStart, row.payloadEnd];
    const bytes = unquoted(piece, start, end);
    if (bytes === undefined)
      throw unreadableRow(
        { table: this.#table, column: REDIS_COLUMNS[isKey ? 0 : PAYLOAD] },
        'an escape in a form that our dumps do not have',
      );
    return isKey ? textOf(bytes.toString('latin1')) : `\\x${bytes.toString('hex')}`;
  }
}
