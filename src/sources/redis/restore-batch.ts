/** RESTORE commands in the server's own protocol (redis.io, "Redis serialization protocol specification"). */
import type { KeyReader } from './load-commands.ts';
import { put, putNumber } from './put-bytes.ts';

/** Commands are sent in batches of about this many bytes. */
const BATCH_BYTES = 128 * 1024;
const AROUND_BYTES = 128;
const HEAD = Buffer.from('*5\r\n$7\r\nRESTORE\r\n$');
const LENGTH = Buffer.from('\r\n$');
const LINE_END = Buffer.from('\r\n');
const TAIL = Buffer.from('\r\n$6\r\nABSTTL\r\n');

/** Puts commands together. */
export class RestoreBatch {
  readonly #free: Buffer[] = [];
  #bytes: Buffer = Buffer.allocUnsafeSlow(BATCH_BYTES * 2);
  #end = 0;
  count = 0;

  get isFull(): boolean {
    return this.#end >= BATCH_BYTES;
  }

  /** Adds what was read last. */
  add({ key, keyBytes, expires, expiresBytes, payload, payloadBytes }: KeyReader): void {
    this.#reserve(keyBytes + payloadBytes + AROUND_BYTES);
    const to = this.#bytes;
    let at = put(to, this.#end, HEAD);
    at = put(to, putNumber(to, at, keyBytes), LINE_END);
    at += key.copy(to, at, 0, keyBytes);
    at = put(to, at, LENGTH);
    at = put(to, putNumber(to, at, expiresBytes), LINE_END);
    at += expires.copy(to, at, 0, expiresBytes);
    at = put(to, at, LENGTH);
    at = put(to, putNumber(to, at, payloadBytes), LINE_END);
    at += payload.copy(to, at, 0, payloadBytes);
    this.#end = put(to, at, TAIL);
    this.count += 1;
  }

  /** All since the last call. The memory is to be given back when nobody needs it any more. */
  take(): { readonly bytes: Buffer; readonly count: number } {
    const taken = { bytes: this.#bytes.subarray(0, this.#end), count: this.count };
    this.#bytes = this.#free.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES * 2);
    this.#end = 0;
    this.count = 0;
    return taken;
  }

  /** New memory for each batch would keep the collector busy. */
  giveBack({ buffer }: Buffer): void {
    if (buffer.byteLength === BATCH_BYTES * 2) this.#free.push(Buffer.from(buffer));
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((this.#end + bytes) * 2);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}
