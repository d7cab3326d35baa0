/**
 * Cutting a stream of rows into segments.
 *
 * A segment ends on a row end (LF), at one that the content chooses: each row (of a long one its two ends) goes
 * through a keyed polynomial hash, and the row ends the segment with a chance in proportion to its length. So the same rows give
 * the same segments next day, whatever was inserted before them, and however the pipe delivered them: a decision
 * looks only at whole rows since the segment's start.
 */
import { SEGMENT_PLAIN_BYTES_MAX } from '../openpgp/segment.ts';

export interface CutSizes {
  /** No segment ends before this many bytes, except at the end of the stream. */
  readonly minBytes: number;
  /** Mean number of bytes after `minBytes` until the content chooses an end. */
  readonly meanBytes: number;
  /** The first row end at or past this many bytes ends the segment in any case. */
  readonly maxBytes: number;
  /** A row longer than this is cut inside: what follows is the same row. */
  readonly hardBytes: number;
}

const CUT_SIZES: CutSizes = {
  minBytes: 64 * 1024,
  meanBytes: 64 * 1024,
  maxBytes: 256 * 1024,
  hardBytes: SEGMENT_PLAIN_BYTES_MAX,
};

const LF = 10;
/** How many bytes of a row decide: of an INSERT the first ones are the same in every row, so it must be a good many. */
const HEAD_BYTES = 192;
const TAIL_BYTES = 64;
/** Odd, so that no byte's share is ever shifted out of the hash: 2^32 divided by the golden ratio. */
const MULTIPLIER = 0x9e3779b1;
const ARENA_BYTES = 1024 * 1024;

export class Cutter {
  readonly #table: Uint32Array;
  readonly #sizes: CutSizes;
  /** A row of n bytes ends the segment when its hash is below n times this. */
  readonly #chancePerByte: number;
  #arena: Buffer = Buffer.allocUnsafeSlow(ARENA_BYTES);
  /** The current segment is arena[start, end). */
  #start = 0;
  #end = 0;
  /** Everything before this offset from #start was looked at, and is not the end. */
  #seen = 0;
  #atRowStart = true;
  #headBytes = 0;

  constructor(table: Uint32Array, sizes: CutSizes = CUT_SIZES) {
    this.#table = table;
    this.#sizes = sizes;
    this.#chancePerByte = 2 ** 32 / sizes.meanBytes;
  }

  /**
   * Begins another stream.
   * @param headBytes - that whoever stores the segments puts in front of those that begin with a row
   */
  begin(headBytes = 0): void {
    this.#headBytes = headBytes;
  }

  /**
   * Takes the next bytes of the stream.
   * @returns the segments that are complete now; each is a view that is valid until the next call
   */
  push(chunk: Uint8Array): Buffer[] {
    const done: Buffer[] = [];
    this.#makeRoom(chunk.length);
    this.#append(chunk);
    for (let length = this.#findEnd(); length > 0; length = this.#findEnd()) done.push(this.#cutOff(length));
    return done;
  }

  /** Ends the stream: the rest is the last segment (a view as from `push`), undefined when nothing is left. */
  finish(): Buffer | undefined {
    const rest = this.#end === this.#start ? undefined : this.#cutOff(this.#end - this.#start);
    this.#atRowStart = true;
    return rest;
  }

  /** The length of the segment that ends in what is there, or 0. */
  #findEnd(): number {
    const { minBytes, maxBytes } = this.#sizes;
    const hardBytes = this.#sizes.hardBytes - (this.#atRowStart ? this.#headBytes : 0);
    // However much has arrived, a decision looks at one hard maximum at most.
    const view = this.#arena.subarray(this.#start, Math.min(this.#end, this.#start + hardBytes));
    let from = Math.max(this.#seen, minBytes - 1);
    let rowStart = -1;
    while (from < view.length) {
      const lf = view.indexOf(LF, from);
      if (lf === -1) break;
      if (rowStart === -1) rowStart = lf === 0 ? 0 : view.lastIndexOf(LF, lf - 1) + 1;
      if (lf + 1 >= maxBytes || this.#chooses(view, rowStart, lf)) return lf + 1;
      rowStart = lf + 1;
      from = lf + 1;
    }
    this.#seen = from;
    return view.length >= hardBytes ? hardBytes : 0;
  }

  #chooses(view: Buffer, rowStart: number, lf: number): boolean {
    const table = this.#table;
    let hash = 0;
    const headEnd = Math.min(rowStart + HEAD_BYTES, lf);
    for (let i = rowStart; i < headEnd; i++)
      hash = (Math.imul(hash, MULTIPLIER) + (table[view[i] ?? 0] ?? 0)) | 0;
    const tailStart = Math.max(headEnd, lf - TAIL_BYTES);
    for (let i = tailStart; i < lf; i++)
      hash = (Math.imul(hash, MULTIPLIER) + (table[view[i] ?? 0] ?? 0)) | 0;
    return hash >>> 0 < (lf + 1 - rowStart) * this.#chancePerByte;
  }

  #cutOff(length: number): Buffer {
    const segment = this.#arena.subarray(this.#start, this.#start + length);
    this.#start += length;
    this.#seen = 0;
    this.#atRowStart = segment[length - 1] === LF;
    return segment;
  }

  #append(bytes: Uint8Array): void {
    this.#arena.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The same memory again when that is enough: an unchanged day allocates nothing. */
  #makeRoom(more: number): void {
    if (this.#end + more <= this.#arena.length) return;
    const rest = this.#arena.subarray(this.#start, this.#end);
    const isLarge = (rest.length + more) * 2 > this.#arena.length;
    const arena = isLarge ? Buffer.allocUnsafeSlow((rest.length + more) * 2) : this.#arena;
    arena.set(rest, 0);
    this.#end = rest.length;
    this.#start = 0;
    this.#arena = arena;
  }
}

/** Number of row ends in a segment. */
export function countRows(plain: Uint8Array): number {
  // A Buffer's indexOf is memchr; that of a Uint8Array, as which it comes out of a message, goes byte by byte.
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  let rows = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) rows++;
  return rows;
}
