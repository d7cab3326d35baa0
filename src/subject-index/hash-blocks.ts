/**
 * The hashes of one comparison over many segments, as blocks: which segment holds which hash.
 *
 * Of each hash the upper bits are kept: as many as tell all entries apart, and `EXTRA_BITS` more, so that a key which
 * is nowhere leads to a segment once in about 2^EXTRA_BITS times. A block has all entries whose first bits are its
 * number, so a look-up reads one block for each key. Within a block entries are sorted; each is the distance from the
 * one before as a Golomb-Rice code, and the number of the segment: about `EXTRA_BITS` + 1.6 + log2(segments) bits.
 */
import { BitReader, BitWriter, PUT_BITS_MAX } from './bits.ts';

const EXTRA_BITS = 6;
export const HASH_BITS = 32;
const BLOCK_ENTRIES = 4096;
/** Segments of a table in one index at most, so that their numbers have 16 bits. */
export const SEGMENTS_MAX = 65_536;

export interface HashBlocks {
  /** Of each hash that are kept. */
  readonly bits: number;
  /** 2 to some power. */
  readonly blocks: readonly HashBlock[];
}

export interface HashBlock {
  readonly entries: number;
  readonly plain: Buffer;
}

/** Where a block's entries lie among all hashes, and how they are written. */
export interface BlockForm {
  /** Of each hash. */
  readonly bits: number;
  /** How many blocks there are. */
  readonly blocks: number;
  /** How many segments are numbered. */
  readonly segments: number;
}

/**
 * @param chunks - hashes of 32 bits by the number of the segment; an undefined one has none
 * @param bitsKnown - how many of the upper bits of each hash are to be relied on
 */
export function encodeHashes(
  chunks: readonly (Uint32Array | undefined)[],
  bitsKnown = HASH_BITS,
): HashBlocks {
  const entries = chunks.reduce((sum, chunk) => sum + (chunk?.length ?? 0), 0);
  if (entries === 0) return { bits: 0, blocks: [] };
  const bits = Math.min(bitsKnown, Math.ceil(Math.log2(entries)) + EXTRA_BITS);
  const blockBits = Math.min(bits, Math.max(0, Math.ceil(Math.log2(entries / BLOCK_ENTRIES))));
  const form = { bits, blocks: 2 ** blockBits, segments: chunks.length };
  const { values, segments, starts } = spread(chunks, entries, form);
  const sorter = new BlockSorter();
  const blocks: HashBlock[] = [];
  for (let block = 0; block < form.blocks; block++) {
    const [from, to] = [starts[block] ?? 0, starts[block + 1] ?? 0];
    const own = { values: values.subarray(from, to), segments: segments.subarray(from, to) };
    sorter.sort(own.values, own.segments, bits - blockBits);
    blocks.push({ entries: to - from, plain: encodeBlock(own.values, own.segments, form, block) });
  }
  return { bits, blocks };
}

/** The block that has a hash, if it is there. */
export function blockOf(hash: number, { bits, blocks }: BlockForm): number {
  return Math.floor(valueOf(hash, bits) / (2 ** bits / blocks));
}

/** What is kept of a hash. */
export function valueOf(hash: number, bits: number): number {
  return hash >>> (HASH_BITS - bits);
}

/**
 * The entries of a block, in order.
 * @throws RangeError for a block that ends too early or names a segment that is not there
 */
export function decodeBlock(
  { plain, entries }: HashBlock,
  form: BlockForm,
  block: number,
  visit: (value: number, segment: number) => void,
): void {
  const { remainderBits, segmentBits, width } = layoutOf(entries, form);
  const reader = new BitReader(plain);
  let value = block * width;
  for (let entry = 0; entry < entries; entry++) {
    value += reader.getUnary() * 2 ** remainderBits + reader.get(remainderBits);
    const segment = reader.get(segmentBits);
    if (segment >= form.segments) throw new RangeError('it names a segment that is not there');
    visit(value, segment);
  }
}

/** The block with some of its entries, in the order in which `decodeBlock` gives them. */
export function encodeEntries(
  entries: readonly (readonly [value: number, segment: number])[],
  form: BlockForm,
  block: number,
): HashBlock {
  const values = Uint32Array.from(entries, ([value]) => value);
  const segments = Uint16Array.from(entries, ([, segment]) => segment);
  return { entries: entries.length, plain: encodeBlock(values, segments, form, block) };
}

function encodeBlock(values: Uint32Array, segments: Uint16Array, form: BlockForm, block: number): Buffer {
  const { remainderBits, segmentBits, width } = layoutOf(values.length, form);
  const writer = new BitWriter();
  const low = 2 ** remainderBits - 1;
  let before = block * width;
  for (let entry = 0; entry < values.length; entry++) {
    const value = values[entry] as number;
    const distance = (value - before) >>> 0;
    const ones = remainderBits >= HASH_BITS ? 0 : distance >>> remainderBits;
    const segment = segments[entry] as number;
    const allBits = ones + 1 + remainderBits + segmentBits;
    // Nearly always short enough to be put at once.
    if (allBits <= PUT_BITS_MAX) {
      const code = ((2 ** (ones + 1) - 2) << remainderBits) | (distance & low);
      writer.put((code << segmentBits) | segment, allBits);
    } else {
      writer.putUnary(ones);
      writer.put(remainderBits >= HASH_BITS ? distance : (distance & low) >>> 0, remainderBits);
      writer.put(segment, segmentBits);
    }
    before = value;
  }
  return writer.finish();
}

function layoutOf(entries: number, { bits, blocks, segments }: BlockForm) {
  const width = 2 ** bits / blocks;
  const remainderBits = entries === 0 ? 0 : Math.max(0, Math.floor(Math.log2(width / entries)));
  return { width, remainderBits, segmentBits: Math.ceil(Math.log2(Math.max(1, segments))) };
}

/** Entries by the block that they belong to: block `b` has those from `starts[b]` to `starts[b + 1]`. */
interface Spread {
  readonly values: Uint32Array;
  readonly segments: Uint16Array;
  readonly starts: Uint32Array;
}

/** Puts all entries into their blocks; segments stay in their order. */
function spread(chunks: readonly (Uint32Array | undefined)[], entries: number, form: BlockForm): Spread {
  if (chunks.length > SEGMENTS_MAX) throw new RangeError('too many segments for one index');
  const drop = HASH_BITS - Math.log2(form.blocks);
  const starts = new Uint32Array(form.blocks + 1);
  for (const chunk of chunks) {
    if (chunk === undefined) continue;
    for (let at = 0; at < chunk.length; at++) (starts[upper(chunk[at] as number, drop) + 1] as number)++;
  }
  for (let block = 1; block <= form.blocks; block++) (starts[block] as number) += starts[block - 1] as number;
  const next = starts.slice();
  const values = new Uint32Array(entries);
  const segments = new Uint16Array(entries);
  for (const [segment, chunk] of chunks.entries()) {
    if (chunk === undefined) continue;
    for (let at = 0; at < chunk.length; at++) {
      const hash = chunk[at] as number;
      const place = (next[upper(hash, drop)] as number)++;
      values[place] = valueOf(hash, form.bits);
      segments[place] = segment;
    }
  }
  return { values, segments, starts };
}

/** The hash without so many of its lower bits; a shift by 32 would be none. */
function upper(hash: number, drop: number): number {
  return drop === HASH_BITS ? 0 : hash >>> drop;
}

const DIGIT_BITS = 10;
const DIGITS = 2 ** DIGIT_BITS;

/** Sorts blocks one after the other, in memory that stays in the processor's cache. */
class BlockSorter {
  #values = new Uint32Array(0);
  #segments = new Uint16Array(0);
  readonly #next = new Uint32Array(DIGITS + 1);

  /** Sorts by the lower `bits` of the values, in place: a radix sort, which keeps segments in their order. */
  sort(values: Uint32Array, segments: Uint16Array, bits: number): void {
    if (values.length > this.#values.length) {
      this.#values = new Uint32Array(values.length * 2);
      this.#segments = new Uint16Array(values.length * 2);
    }
    for (let shift = 0; shift < bits; shift += DIGIT_BITS) {
      this.#values.set(values);
      this.#segments.set(segments);
      this.#pass(values, segments, shift);
    }
  }

  #pass(values: Uint32Array, segments: Uint16Array, shift: number): void {
    const from = this.#values;
    const fromSegments = this.#segments;
    const next = this.#next.fill(0);
    const { length } = values;
    for (let at = 0; at < length; at++)
      (next[(((from[at] as number) >>> shift) & (DIGITS - 1)) + 1] as number)++;
    for (let digit = 1; digit <= DIGITS; digit++) (next[digit] as number) += next[digit - 1] as number;
    for (let at = 0; at < length; at++) {
      const value = from[at] as number;
      const place = (next[(value >>> shift) & (DIGITS - 1)] as number)++;
      values[place] = value;
      segments[place] = fromSegments[at] as number;
    }
  }
}
