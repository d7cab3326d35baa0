/**
 * Rows of a dump, put together from what was walked past:
 *
 *     RESTORE "key" TTL "payload" ABSTTL
 *
 * The payload is what the server's own DUMP gives (Redis' cluster.c, createDumpPayload): the type, the value, the
 * RDB version as two bytes and a CRC-64 of all that. Compressed strings in it are written out: they would hide
 * from a scan what they hold, and equal values would be shared less.
 */
import { QUOTED_MAX, quoteInto } from '../../rows/redis-quote.ts';
import { Crc64 } from './crc64.ts';
import type { Compressed, Walker } from './rdb-value.ts';

const PIECE_BYTES = 256 * 1024;
/** A payload from this size on goes out in pieces. */
const LARGE_BYTES = 256 * 1024;
const AROUND_BYTES = 64;
const START = Buffer.from('RESTORE "');
const MIDDLE = Buffer.from('" ');
const VALUE = Buffer.from(' "');
const END = Buffer.from('" ABSTTL\n');
const FOOTER_BYTES = 10;

export interface Row {
  readonly key: Buffer;
  /** When it ends, in milliseconds since 1970; 0 for never. */
  readonly expires: number | bigint;
  readonly type: number;
  /** The value is the walker's window from here to its place. */
  readonly valueStart: number;
  readonly compressed: readonly Compressed[];
}

export class RowWriter {
  readonly #version: number;
  readonly #crc = new Crc64();
  #payload = Buffer.allocUnsafeSlow(64 * 1024);
  #out = Buffer.allocUnsafeSlow(PIECE_BYTES * 2);
  #end = 0;

  /** @param version - of the RDB */
  constructor(version: number) {
    this.#version = version;
  }

  get isFull(): boolean {
    return this.#end >= PIECE_BYTES;
  }

  /** What was written since the last call; undefined when that is nothing. */
  take(): Buffer | undefined {
    if (this.#end === 0) return undefined;
    const taken = this.#out.subarray(0, this.#end);
    this.#out = Buffer.allocUnsafeSlow(PIECE_BYTES * 2);
    this.#end = 0;
    return taken;
  }

  line(text: Buffer): void {
    this.#reserve(text.length);
    this.#end += text.copy(this.#out, this.#end);
  }

  /**
   * Writes a row; of a large one the rest is returned in pieces, which must be taken before anything else is written.
   * @throws Unwalkable for compressed strings that are not sound
   */
  row(walker: Walker, row: Row): Iterable<Buffer> | undefined {
    const { key, expires } = row;
    const length = this.#makePayload(walker, row);
    const isLarge = length + key.length >= LARGE_BYTES;
    this.#reserve(AROUND_BYTES + QUOTED_MAX * (key.length + (isLarge ? 0 : length)));
    const out = this.#out;
    let at = this.#end;
    at = put(out, at, START);
    at = quoteInto(out, at, key, 0, key.length);
    at = put(out, at, MIDDLE);
    if (expires === 0) out[at++] = 0x30;
    else at += out.write(String(expires), at, 'latin1');
    at = put(out, at, VALUE);
    if (isLarge) {
      this.#end = at;
      return this.#pieces(length);
    }
    at = quoteInto(out, at, this.#payload, 0, length);
    at = put(out, at, END);
    this.#end = at;
    return undefined;
  }

  *#pieces(length: number): Iterable<Buffer> {
    for (let start = 0; start < length; start += PIECE_BYTES) {
      const first = this.take();
      if (first) yield first;
      const end = Math.min(start + PIECE_BYTES, length);
      this.#reserve(QUOTED_MAX * (end - start) + END.length);
      this.#end = quoteInto(this.#out, this.#end, this.#payload, start, end);
    }
    this.#end += END.copy(this.#out, this.#end);
    // What a huge value took is not kept.
    if (this.#payload.length > 4 * LARGE_BYTES) this.#payload = Buffer.allocUnsafeSlow(LARGE_BYTES);
  }

  /** Puts the payload of a value together; returns its length. */
  #makePayload(walker: Walker, { type, valueStart, compressed }: Row): number {
    const { bytes, at: valueEnd } = walker;
    const expanded = compressed.reduce((sum, { length }) => sum + length + AROUND_BYTES, 0);
    const most = valueEnd - valueStart + expanded + AROUND_BYTES;
    if (this.#payload.length < most) this.#payload = Buffer.allocUnsafeSlow(most * 2);
    const payload = this.#payload;
    payload[0] = type;
    let end = 1;
    let from = valueStart;
    for (const each of compressed) {
      end += bytes.copy(payload, end, from, each.start);
      const text = walker.expand(each);
      end = writeLength(payload, end, text.length);
      end += text.copy(payload, end);
      from = each.end;
    }
    end += bytes.copy(payload, end, from, valueEnd);
    payload[end++] = this.#version;
    payload[end++] = 0;
    this.#crc.reset();
    this.#crc.update(payload, 0, end);
    this.#crc.writeTo(payload, end);
    return end + FOOTER_BYTES - 2;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#out.length) return;
    const out = Buffer.allocUnsafeSlow((this.#end + bytes) * 2);
    this.#out.copy(out, 0, 0, this.#end);
    this.#out = out;
  }
}

/** For a few bytes a loop is faster than `copy`. */
function put(to: Buffer, at: number, bytes: Buffer): number {
  for (let index = 0; index < bytes.length; index += 1) to[at + index] = bytes[index] ?? 0;
  return at + bytes.length;
}

/** Writes the length of a string as rdbSaveLen does; returns where the next byte goes. */
export function writeLength(to: Buffer, at: number, length: number): number {
  if (length < 64) return to.writeUInt8(length, at);
  if (length < 16384) return to.writeUInt16BE(0x4000 | length, at);
  to[at] = 0x80;
  return to.writeUInt32BE(length, at + 1);
}
