/**
 * Rows of a dump, put together from what was walked past:
 *
 *     RESTORE "key" TTL "payload" ABSTTL
 *
 * The payload is what the server's own DUMP gives (Redis' cluster.c, createDumpPayload): the type, the value, the
 * RDB version as two bytes and a CRC-64 of all that. Compressed strings in it are written out: they would hide
 * from a scan what they hold, and equal values would be shared less.
 */
import { QUOTED_MAX, quoteInto, viewOf } from '../../rows/redis-quote.ts';
import { Crc64 } from './crc64.ts';
import { put, putNumber } from './put-bytes.ts';
import type { Walker } from './rdb-value.ts';

const PIECE_BYTES = 256 * 1024;
/** A payload from this size on goes out in pieces. */
const LARGE_BYTES = 256 * 1024;
const AROUND_BYTES = 128;
const START = Buffer.from('RESTORE "');
const MIDDLE = Buffer.from('" ');
const VALUE = Buffer.from(' "');
const END = Buffer.from('" ABSTTL\n');
const FOOTER_BYTES = 10;

export class RowWriter {
  readonly #crc = new Crc64();
  /** Version and checksum; behind them a type, when it is needed as bytes. */
  readonly #footer = Buffer.alloc(FOOTER_BYTES + 1);
  readonly #footerView = viewOf(this.#footer);
  #payload = Buffer.allocUnsafeSlow(64 * 1024);
  #out = Buffer.allocUnsafeSlow(PIECE_BYTES * 2);
  #view = viewOf(this.#out);
  #end = 0;

  /** @param version - of the RDB */
  constructor(version: number) {
    this.#footer[0] = version;
  }

  get isFull(): boolean {
    return this.#end >= PIECE_BYTES;
  }

  /** What was written since the last call, until the next is written; undefined when that is nothing. */
  take(): Buffer | undefined {
    if (this.#end === 0) return undefined;
    const taken = this.#out.subarray(0, this.#end);
    this.#end = 0;
    return taken;
  }

  line(text: Buffer): void {
    this.#reserve(text.length);
    this.#end += text.copy(this.#out, this.#end);
  }

  /**
   * Writes the row of a key that was walked past: the walker's text, with the value from `valueStart` to its place. Of
   * a large one the rest is returned in pieces, which must be taken before anything else is written.
   * @param expires - when it ends, in milliseconds since 1970; 0 for never
   * @throws Unwalkable for compressed strings that are not sound
   */
  row(
    walker: Walker,
    type: number,
    valueStart: number,
    expires: number | bigint,
  ): Iterable<Buffer> | undefined {
    const { bytes, view, at: valueEnd } = walker;
    const length = valueEnd - valueStart;
    if (walker.compressed.length > 0 || length >= LARGE_BYTES)
      return this.#rowOf(walker, this.#makePayload(walker, type, valueStart), expires);
    this.#begin(walker, expires, length + FOOTER_BYTES + 1);
    const head = this.#footer;
    head[FOOTER_BYTES] = type;
    let at = quoteInto(this.#view, this.#end, head, FOOTER_BYTES, FOOTER_BYTES + 1);
    at = quoteInto(this.#view, at, bytes, valueStart, valueEnd);
    this.#crc.reset();
    this.#crc.byte(type);
    this.#crc.update(view, valueStart, valueEnd);
    this.#sealFooter();
    at = quoteInto(this.#view, at, this.#footer, 0, FOOTER_BYTES);
    this.#end = put(this.#out, at, END);
    return undefined;
  }

  *#pieces(length: number): Iterable<Buffer> {
    for (let start = 0; start < length; start += PIECE_BYTES) {
      const first = this.take();
      if (first) yield first;
      const end = Math.min(start + PIECE_BYTES, length);
      this.#reserve(QUOTED_MAX * (end - start) + END.length);
      this.#end = quoteInto(this.#view, this.#end, this.#payload, start, end);
    }
    this.#end += END.copy(this.#out, this.#end);
    // What a huge value took is not kept.
    if (this.#payload.length > 4 * LARGE_BYTES) this.#payload = Buffer.allocUnsafeSlow(LARGE_BYTES);
  }

  /** The row of a payload that was put together. */
  #rowOf(walker: Walker, length: number, expires: number | bigint): Iterable<Buffer> | undefined {
    const isLarge = length >= LARGE_BYTES;
    this.#begin(walker, expires, isLarge ? 0 : length);
    if (isLarge) return this.#pieces(length);
    const at = quoteInto(this.#view, this.#end, this.#payload, 0, length);
    this.#end = put(this.#out, at, END);
    return undefined;
  }

  /** Writes what stands before the payload, and makes room for so many bytes of it. */
  #begin({ text, textStart, textEnd }: Walker, expires: number | bigint, payloadBytes: number): void {
    this.#reserve(AROUND_BYTES + QUOTED_MAX * (textEnd - textStart + payloadBytes));
    const out = this.#out;
    let at = put(out, this.#end, START);
    at = quoteInto(this.#view, at, text, textStart, textEnd);
    at = put(out, at, MIDDLE);
    at = typeof expires === 'bigint' ? at + out.write(String(expires), at) : putNumber(out, at, expires);
    this.#end = put(out, at, VALUE);
  }

  /** Puts the payload of a value together; returns its length. */
  #makePayload(walker: Walker, type: number, valueStart: number): number {
    const { bytes, at: valueEnd, compressed } = walker;
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
    this.#crc.reset();
    this.#crc.update(viewOf(payload), 0, end);
    this.#sealFooter();
    return end + this.#footer.copy(payload, end, 0, FOOTER_BYTES);
  }

  /** The checksum covers the version, too. */
  #sealFooter(): void {
    this.#crc.byte(this.#footer[0] ?? 0);
    this.#crc.byte(0);
    this.#crc.writeTo(this.#footerView, 2);
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#out.length) return;
    const out = Buffer.allocUnsafeSlow((this.#end + bytes) * 2);
    this.#out.copy(out, 0, 0, this.#end);
    this.#out = out;
    this.#view = viewOf(out);
  }
}

/** Writes the length of a string as rdbSaveLen does; returns where the next byte goes. */
export function writeLength(to: Buffer, at: number, length: number): number {
  if (length < 64) return to.writeUInt8(length, at);
  if (length < 16384) return to.writeUInt16BE(0x4000 | length, at);
  to[at] = 0x80;
  return to.writeUInt32BE(length, at + 1);
}
