/** From the rows of a stored dump to commands in the server's own protocol. */
import { splitRestore } from '../../rows/redis-restore-codec.ts';
import { unquoteInto } from '../../rows/redis-quote.ts';
import { throwIfCancelled } from '../../errors.ts';
import type { DumpReader, StoredStream } from '../source.ts';
import { rowDamaged } from './errors.ts';

const LF = 10;
/** No key and value of ours is longer in its quotes; four bytes stand for one at most. */
const LINE_BYTES_MAX = 3 * 1024 * 1024 * 1024;

/** A key of a dump, in buffers that the next one uses again. */
export interface StoredKey {
  readonly key: Buffer;
  /** When it ends, in milliseconds since 1970, as the dump has it; `0` for never. */
  readonly expires: string;
  readonly payload: Buffer;
}

/**
 * The lines of a stream, without their ends.
 * @throws HoldfastError REDIS_ROW
 */
export async function* linesOf(
  dump: DumpReader,
  stream: StoredStream,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<{ readonly piece: Buffer; readonly start: number; readonly end: number }> {
  let parts: Buffer[] = [];
  let length = 0;
  let line = 0;
  for await (const read of dump.read(stream, signal)) {
    throwIfCancelled(signal);
    onBytes(read.length);
    if (read.lastIndexOf(LF) === -1) {
      parts.push(read);
      length += read.length;
      if (length > LINE_BYTES_MAX) throw rowDamaged(stream.name, line);
      continue;
    }
    const piece = parts.length === 0 ? read : Buffer.concat([...parts, read]);
    let start = 0;
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, start)) {
      line += 1;
      yield { piece, start, end: end + 1 };
      start = end + 1;
    }
    parts = start === piece.length ? [] : [piece.subarray(start)];
    length = piece.length - start;
  }
  if (parts.length > 0) throw rowDamaged(stream.name, line + 1);
}

/** Reads rows, one after the other. */
export class KeyReader {
  readonly #stream: string;
  #key = Buffer.allocUnsafeSlow(1024);
  #payload = Buffer.allocUnsafeSlow(64 * 1024);
  #row = 0;

  /** @param stream - for errors */
  constructor(stream: string) {
    this.#stream = stream;
  }

  /** @throws HoldfastError REDIS_ROW */
  read(piece: Buffer, start: number, end: number): StoredKey {
    this.#row += 1;
    const row = splitRestore(piece, start, end);
    if (row === undefined) throw rowDamaged(this.#stream, this.#row);
    this.#key = withRoom(this.#key, row.keyEnd - row.keyStart);
    this.#payload = withRoom(this.#payload, row.payloadEnd - row.payloadStart);
    const keyLength = unquoteInto(this.#key, 0, piece, row.keyStart, row.keyEnd);
    const payloadLength = unquoteInto(this.#payload, 0, piece, row.payloadStart, row.payloadEnd);
    if (keyLength === -1 || payloadLength < PAYLOAD_BYTES_MIN) throw rowDamaged(this.#stream, this.#row);
    return {
      key: this.#key.subarray(0, keyLength),
      expires: piece.toString('latin1', row.ttlStart, row.ttlEnd),
      payload: this.#payload.subarray(0, payloadLength),
    };
  }
}

/** A type, two bytes of version and eight of checksum. */
const PAYLOAD_BYTES_MIN = 11;

function withRoom(buffer: Buffer<ArrayBuffer>, bytes: number): Buffer<ArrayBuffer> {
  return buffer.length >= bytes ? buffer : Buffer.allocUnsafeSlow(bytes * 2);
}

/** Commands are sent in batches of about this many bytes. */
const BATCH_BYTES = 128 * 1024;

/** Puts RESTORE commands together. */
export class RestoreBatch {
  #bytes = Buffer.allocUnsafeSlow(BATCH_BYTES * 2);
  #end = 0;
  count = 0;

  get isFull(): boolean {
    return this.#end >= BATCH_BYTES;
  }

  add({ key, expires, payload }: StoredKey): void {
    this.#reserve(key.length + payload.length + 128);
    const at = this.#end;
    const head = `*5\r\n$7\r\nRESTORE\r\n$${key.length}\r\n`;
    const middle = `\r\n$${expires.length}\r\n${expires}\r\n$${payload.length}\r\n`;
    let next = at + this.#bytes.write(head, at, 'latin1');
    next += key.copy(this.#bytes, next);
    next += this.#bytes.write(middle, next, 'latin1');
    next += payload.copy(this.#bytes, next);
    next += this.#bytes.write('\r\n$6\r\nABSTTL\r\n', next, 'latin1');
    this.#end = next;
    this.count += 1;
  }

  /** All since the last call. */
  take(): { readonly bytes: Buffer; readonly count: number } {
    const taken = { bytes: this.#bytes.subarray(0, this.#end), count: this.count };
    this.#bytes = Buffer.allocUnsafeSlow(BATCH_BYTES * 2);
    this.#end = 0;
    this.count = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((this.#end + bytes) * 2);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

/** A command of the stream `pre-data`. */
export interface StoredCommand {
  readonly name: 'FUNCTION LOAD' | 'SCRIPT LOAD';
  readonly body: Buffer;
}

const COMMAND = /^(FUNCTION LOAD|SCRIPT LOAD) "/;

/** @throws HoldfastError REDIS_ROW */
export function readCommand(piece: Buffer, start: number, end: number, stream: string): StoredCommand {
  const name = COMMAND.exec(piece.toString('latin1', start, Math.min(end, start + 32)))?.[1];
  if (name === undefined) throw rowDamaged(stream, 1);
  const bodyStart = start + name.length + 2;
  const body = Buffer.alloc(end - bodyStart);
  const length = unquoteInto(body, 0, piece, bodyStart, end - 2);
  if (length === -1 || piece.toString('latin1', end - 2, end) !== '"\n') throw rowDamaged(stream, 1);
  return { name: name as StoredCommand['name'], body: body.subarray(0, length) };
}

/** The number in the first line of a database's stream. */
export function readSelect(piece: Buffer, start: number, end: number, stream: string): number {
  const number = /^SELECT (0|[1-9]\d{0,8})\n$/.exec(
    piece.toString('latin1', start, Math.min(end, start + 32)),
  )?.[1];
  if (number === undefined) throw rowDamaged(stream, 0);
  return Number(number);
}
