/**
 * Key pages: segments that list segments with their session keys.
 *
 * Plaintext, each line ending in LF: first `{"format":1,"kind":"page"}`, then for every segment
 * `NNN/PACK OFFSET LENGTH SHA256 PLAIN ROWS KEY` (decimal numbers, hex hash and key). A page names no table, and
 * its end is chosen by the segments in it, so an unchanged stretch of the database gives the same page next day,
 * which is then a known segment itself.
 */
import { SEGMENT_PLAIN_BYTES_MAX } from '../openpgp/segment.ts';
import { malformed } from './errors.ts';
import { FORMAT, PACK_REF } from './layout.ts';

export const PAGE_SEGMENTS_MAX = 4096;
const PAGE_SEGMENTS_MIN = 64;
/** How many segments a page has on average beyond its minimum, in small lanes and in large ones. */
const MEAN_BITS = { min: 6, max: 11 } as const;
const HEAD = `${JSON.stringify({ format: FORMAT, kind: 'page' })}\n`;

/** Where a sealed segment lies and how it is opened. */
export interface SegmentRef {
  /** `NNN/ID`: the pack. */
  readonly pack: string;
  readonly offset: number;
  /** Sealed bytes. */
  readonly length: number;
  /** Of the sealed bytes, hex. */
  readonly sha256: string;
  /** Bytes of plaintext. */
  readonly plain: number;
  /** Row ends (LF) in the plaintext. */
  readonly rows: number;
  /** 32 bytes, hex. */
  readonly key: string;
}

/** A segment that does not compress is its plaintext and some bytes of envelope; the double leaves no doubt. */
const SEALED_BYTES_MAX = 2 * SEGMENT_PLAIN_BYTES_MAX;
/** Longer than any line: reference, three numbers, two hashes and the count of rows. */
const LINE_BYTES_MAX = 256;

/** Collects references and says when a page is full. */
export class PageBuilder {
  /** Written in place: millions of lines as strings would keep the garbage collector busy. */
  readonly #text = Buffer.allocUnsafe(HEAD.length + PAGE_SEGMENTS_MAX * LINE_BYTES_MAX);
  #bytes: number;
  #segments = 0;
  /** In all pages so far. */
  #all = 0;

  constructor() {
    this.#bytes = this.#text.write(HEAD, 0, 'latin1');
  }

  /** Adds a reference; returns the finished page when this one ends it. */
  add(ref: SegmentRef): FinishedPage | undefined {
    this.#bytes += this.#text.write(formatRef(ref), this.#bytes, 'latin1');
    this.#segments++;
    const mean = meanAfter(++this.#all);
    const isLongEnough = this.#segments >= Math.max(PAGE_SEGMENTS_MIN, mean / 8);
    const chosen = isLongEnough && (parseInt(ref.sha256.slice(0, 8), 16) & (mean - 1)) === 0;
    return chosen || this.#segments >= PAGE_SEGMENTS_MAX ? this.finish() : undefined;
  }

  /** Ends the page; undefined when it is empty. */
  finish(): FinishedPage | undefined {
    if (this.#segments === 0) return undefined;
    const page = { plain: Buffer.from(this.#text.subarray(0, this.#bytes)), segments: this.#segments };
    this.#bytes = HEAD.length;
    this.#segments = 0;
    return page;
  }
}

/**
 * Grows with the root of how many there are, and so does the number of pages: a small change makes few new bytes, and
 * the manifest of a large set stays small. A segment more or less moves no end but at a power of four.
 */
function meanAfter(segments: number): number {
  const bits = Math.floor((31 - Math.clz32(segments)) / 2) + 1;
  return 2 ** Math.min(MEAN_BITS.max, Math.max(MEAN_BITS.min, bits));
}

export interface FinishedPage {
  readonly plain: Buffer;
  readonly segments: number;
}

export function formatRef(ref: SegmentRef): string {
  return `${ref.pack} ${ref.offset} ${ref.length} ${ref.sha256} ${ref.plain} ${ref.rows} ${ref.key}\n`;
}

/**
 * Reads a page.
 * @throws HoldfastError MALFORMED with the line number
 */
export function parsePage(plain: Buffer, what: string): SegmentRef[] {
  const lines = plain.toString('latin1').split('\n');
  if (`${lines[0] ?? ''}\n` !== HEAD) throw malformed(what, 'line 1 is not a page header');
  if (lines.at(-1) !== '') throw malformed(what, 'its last line is cut off');
  if (lines.length - 2 > PAGE_SEGMENTS_MAX)
    throw malformed(what, `it lists more than ${PAGE_SEGMENTS_MAX} segments`);
  return lines.slice(1, -1).map((line, index) => parseRef(line, `${what}, line ${index + 2}`));
}

const NUMBER = String.raw`(0|[1-9]\d{0,11})`;
const SIZE = String.raw`([1-9]\d{0,11})`;
const HEX32 = '([0-9a-f]{64})';
/** One expression for all seven fields: pages of a large set have millions of lines. */
const REF = new RegExp(
  `^(${PACK_REF.source.slice(1, -1)}) ${NUMBER} ${SIZE} ${HEX32} ${SIZE} ${NUMBER} ${HEX32}$`,
);

/** Reads the seven fields of a reference. */
export function parseRef(line: string, what: string): SegmentRef {
  const [, pack, , , offset, length, sha256 = '', plain, rows, key = ''] = REF.exec(line) ?? [];
  if (pack === undefined) throw malformed(what, 'it does not have the seven fields of a segment');
  if (Number(length) > SEALED_BYTES_MAX || Number(plain) > SEGMENT_PLAIN_BYTES_MAX) {
    throw malformed(what, 'it is larger than a segment may be');
  }
  return {
    pack,
    offset: Number(offset),
    length: Number(length),
    sha256,
    plain: Number(plain),
    rows: Number(rows),
    key,
  };
}
