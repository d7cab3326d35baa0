/** Reading the rows of a stored dump: keys, and the commands before them. */
import { placeRestore } from '../../rows/redis-restore-codec.ts';
import { unquoteInto, viewOf } from '../../rows/redis-quote.ts';
import { throwIfCancelled } from '../../errors.ts';
import type { DumpReader, StoredStream } from '../source.ts';
import { rowDamaged } from './errors.ts';

const LF = 10;
/** No key and value of ours is longer in its quotes; four bytes stand for one at most. */
const LINE_BYTES_MAX = 3 * 1024 * 1024 * 1024;

/** Takes what a stream of keys has; what it returns is waited for. */
export interface KeySink {
  database(number: number): Promise<void> | undefined;
  /** The key is in the reader's fields until this is done. */
  key(row: KeyReader): Promise<void> | undefined;
}

/**
 * Reads a stream of keys.
 * @returns how many there were
 * @throws HoldfastError REDIS_ROW, and what dump and sink throw
 */
export async function readKeys(
  blocks: AsyncIterable<Buffer>,
  stream: string,
  sink: KeySink,
): Promise<number> {
  const reader = new KeyReader(stream);
  let isFirst = true;
  for await (const block of blocks) {
    for (let start = 0; start < block.length;) {
      const end = block.indexOf(LF, start) + 1;
      let wait: Promise<void> | undefined;
      if (isFirst) {
        wait = sink.database(readSelect(block, start, end, stream));
        isFirst = false;
      } else {
        reader.read(block, start, end);
        wait = sink.key(reader);
      }
      // Not for each of them: millions of promises take longer than what they wait for.
      if (wait) await wait;
      start = end;
    }
  }
  return reader.rows;
}

/**
 * The rows of a stream in blocks, each of which ends on a row end.
 * @throws HoldfastError REDIS_ROW
 */
export async function* blocksOf(
  dump: DumpReader,
  stream: StoredStream,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const read of dump.read(stream, signal)) {
    throwIfCancelled(signal);
    onBytes(read.length);
    parts.push(read);
    length += read.length;
    const end = read.lastIndexOf(LF) + 1;
    if (end === 0) {
      if (length > LINE_BYTES_MAX) throw rowDamaged(stream.name);
      continue;
    }
    const block = parts.length === 1 ? read : Buffer.concat(parts);
    const rest = read.length - end;
    parts = rest === 0 ? [] : [read.subarray(end)];
    length = rest;
    yield block.subarray(0, block.length - rest);
  }
  if (parts.length > 0) throw rowDamaged(stream.name);
}

/** Reads rows, one after the other: the last one is in its fields. */
export class KeyReader {
  readonly #stream: string;
  /** Longer than what is in them: the next rows use them again. */
  key = Buffer.allocUnsafeSlow(1024);
  keyBytes = 0;
  payload = Buffer.allocUnsafeSlow(64 * 1024);
  payloadView = viewOf(this.payload);
  payloadBytes = 0;
  /** When it ends, in milliseconds since 1970, in digits as the dump has it; `0` for never. */
  readonly expires = Buffer.alloc(EXPIRES_BYTES);
  expiresBytes = 0;
  /** How many were read. */
  rows = 0;

  /** @param stream - for errors */
  constructor(stream: string) {
    this.#stream = stream;
  }

  get isForever(): boolean {
    return this.expires[0] === ZERO;
  }

  get expiresText(): string {
    return this.expires.toString('latin1', 0, this.expiresBytes);
  }

  /** @throws HoldfastError REDIS_ROW */
  read(piece: Buffer, start: number, end: number): void {
    this.rows += 1;
    const row = placeRestore(piece, start, end);
    if (row === undefined) throw this.damaged();
    const { keyStart, keyEnd, ttlStart, ttlEnd, payloadStart, payloadEnd } = row;
    this.#makeRoom(keyEnd - keyStart, payloadEnd - payloadStart);
    this.keyBytes = unquoteInto(this.key, 0, piece, keyStart, keyEnd);
    this.payloadBytes = unquoteInto(this.payload, 0, piece, payloadStart, payloadEnd);
    if (this.keyBytes === -1 || this.payloadBytes < PAYLOAD_BYTES_MIN) throw this.damaged();
    this.expiresBytes = ttlEnd - ttlStart;
    for (let at = 0; at < this.expiresBytes; at += 1) this.expires[at] = piece[ttlStart + at] ?? 0;
  }

  /** That the row read last is none of ours. */
  damaged(): Error {
    return rowDamaged(this.#stream, this.rows);
  }

  #makeRoom(keyBytes: number, payloadBytes: number): void {
    if (this.key.length < keyBytes) this.key = Buffer.allocUnsafeSlow(keyBytes * 2);
    if (this.payload.length >= payloadBytes) return;
    this.payload = Buffer.allocUnsafeSlow(payloadBytes * 2);
    this.payloadView = viewOf(this.payload);
  }
}

const ZERO = 0x30;
/** Nineteen digits. */
const EXPIRES_BYTES = 20;

/** A type, two bytes of version and eight of checksum. */
const PAYLOAD_BYTES_MIN = 11;

/** A command of the stream `pre-data`. */
export interface StoredCommand {
  readonly name: 'FUNCTION LOAD' | 'SCRIPT LOAD';
  readonly body: Buffer;
}

const COMMAND = /^(FUNCTION LOAD|SCRIPT LOAD) "/;

/**
 * The commands of a stream.
 * @throws HoldfastError REDIS_ROW
 */
export async function* commandsIn(
  blocks: AsyncIterable<Buffer>,
  stream: string,
): AsyncGenerator<StoredCommand> {
  for await (const block of blocks) {
    for (let start = 0; start < block.length;) {
      const end = block.indexOf(LF, start) + 1;
      yield readCommand(block, start, end, stream);
      start = end;
    }
  }
}

function readCommand(piece: Buffer, start: number, end: number, stream: string): StoredCommand {
  const name = COMMAND.exec(piece.toString('latin1', start, Math.min(end, start + 32)))?.[1];
  if (name === undefined) throw rowDamaged(stream);
  const bodyStart = start + name.length + 2;
  const body = Buffer.alloc(end - bodyStart);
  const length = unquoteInto(body, 0, piece, bodyStart, end - 2);
  if (length === -1 || piece.toString('latin1', end - 2, end) !== '"\n') throw rowDamaged(stream);
  return { name: name as StoredCommand['name'], body: body.subarray(0, length) };
}

/** The number in the first line of a database's stream. */
function readSelect(piece: Buffer, start: number, end: number, stream: string): number {
  const number = /^SELECT (0|[1-9]\d{0,8})\n$/.exec(
    piece.toString('latin1', start, Math.min(end, start + 32)),
  )?.[1];
  if (number === undefined) throw rowDamaged(stream);
  return Number(number);
}
