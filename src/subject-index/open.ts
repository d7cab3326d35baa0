/** Reading an index object: its directory, and then only the blocks that are needed. */
import { openSegment } from '../openpgp/segment.ts';
import { malformed } from '../repository/errors.ts';
import type { SegmentRef } from '../repository/pages.ts';
import type { ColumnContent, ReadContent } from './content.ts';
import { parseDirectory } from './directory.ts';
import type { DirectoryColumn, IndexDirectory, SealedBlock } from './directory.ts';
import { HASH_BITS, decodeBlock, type BlockForm } from './hash-blocks.ts';
import type { SegmentKeys } from './read-keys.ts';
import { decodeRuns } from './run-blocks.ts';
import { BlockKeys } from './seal.ts';

/** Reads `[offset, offset + length)` of the object, or of another one of the chain, by `NNN/ID`. */
export type ReadRange = (offset: number, length: number, elsewhere?: string) => Promise<Uint8Array>;

/** Blocks that are further apart than this are read one by one. */
const READ_THROUGH = 16 * 1024;
const READ_BYTES_MAX = 4 * 1024 * 1024;

/** Blocks of less than this are read together with the directory: that of a day is small, and there are many. */
const WHOLE_BYTES_MAX = 32 * 1024;

export class IndexObject {
  readonly directory: IndexDirectory;
  readonly #keys: BlockKeys;
  readonly #read: ReadRange;
  readonly #what: string;

  private constructor(directory: IndexDirectory, key: Buffer, read: ReadRange, what: string) {
    this.directory = directory;
    this.#keys = new BlockKeys(key);
    this.#read = read;
    this.#what = what;
  }

  /**
   * Reads the directory.
   * @param ref - of the directory, as the manifest has it: `pack` names the object
   * @throws HoldfastError DAMAGED, MALFORMED, and what `read` throws
   */
  static async open(ref: SegmentRef, read: ReadRange, what: string): Promise<IndexObject> {
    const key = Buffer.from(ref.key, 'hex');
    const ranges = ref.offset <= WHOLE_BYTES_MAX ? await wholeOf(ref, read) : read;
    const sealed = await ranges(ref.offset, ref.length);
    const plain = await openSegment({ sealed, key, sha256: ref.sha256, plainLength: ref.plain }, what);
    return new IndexObject(parseDirectory(plain, ref.offset, what), key, ranges, what);
  }

  /** The plaintext of blocks, in their order in the object; neighbours are read at once. */
  async *blocks(blocks: readonly SealedBlock[]): AsyncGenerator<readonly [SealedBlock, Buffer]> {
    for (const group of grouped(blocks)) {
      const [first, last] = [group[0], group.at(-1)];
      if (!first || !last) continue;
      const bytes = last.offset + last.length - first.offset;
      const range = await this.#read(first.offset, bytes, first.elsewhere?.object);
      for (const block of group) {
        const at = block.offset - first.offset;
        const sealed = range.subarray(at, at + block.length);
        const { sha256, plain: plainLength, number } = block;
        const what = `${this.#what}, block ${number}`;
        yield [
          block,
          await openSegment(
            { sealed, key: Buffer.from(this.keyOf(block), 'hex'), sha256, plainLength },
            what,
          ),
        ];
      }
    }
  }

  /** What opens a block, in hex. */
  keyOf({ number, elsewhere }: SealedBlock): string {
    return elsewhere === undefined ? this.#keys.of(number) : elsewhere.key;
  }

  /** Visits the entries of a block with hashes. */
  visitHashes(
    [block, plain]: readonly [SealedBlock, Buffer],
    form: BlockForm,
    number: number,
    visit: (value: number, segment: number) => void,
  ): void {
    this.#decode(() => decodeBlock({ plain, entries: block.entries }, form, number, visit));
  }

  /** Visits the segments of a block with runs. */
  visitRuns(
    [block, plain]: readonly [SealedBlock, Buffer],
    segments: number,
    visit: (segment: number, runs: Float64Array) => void,
  ): void {
    this.#decode(() => decodeRuns({ plain, entries: block.entries }, segments, visit));
  }

  /** All of it, as it was before it was written, but for the bits of hashes that were not kept. */
  async content(): Promise<ReadContent> {
    const { hashKey, tables } = this.directory;
    const read = [];
    for (const { table, segments, columns } of tables) {
      const all: ColumnContent[] = [];
      for (const column of columns) all.push(await this.#column(column, segments.length));
      read.push({ table, segments, columns: all });
    }
    return { hashKey, tables: read };
  }

  async #column(column: DirectoryColumn, segments: number): Promise<ColumnContent> {
    const { match, bits, hashes, runs } = column;
    const lists: number[][] = Array.from({ length: segments }, () => []);
    const keys: SegmentKeys[] = [];
    let number = 0;
    for await (const block of this.blocks(hashes)) {
      this.visitHashes(block, formOf(column, segments), number++, (value, segment) =>
        lists[segment]?.push(value * 2 ** (HASH_BITS - bits)),
      );
    }
    for (const list of lists) keys.push({ kind: 'hashes', hashes: Uint32Array.from(list) });
    for await (const block of this.blocks(runs)) {
      this.visitRuns(
        block,
        segments,
        (segment, found) => void (keys[segment] = { kind: 'runs', runs: found }),
      );
    }
    // Without hashes there is nothing that could be known too little of.
    return { match, bits: hashes.length === 0 ? HASH_BITS : bits, keys };
  }

  #decode(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof RangeError) throw malformed(this.#what, error.message);
      throw error;
    }
  }
}

/** Reads the object at once. */
async function wholeOf({ offset, length }: SegmentRef, read: ReadRange): Promise<ReadRange> {
  const whole = await read(0, offset + length);
  return (from, bytes, elsewhere) =>
    elsewhere === undefined
      ? Promise.resolve(whole.subarray(from, from + bytes))
      : read(from, bytes, elsewhere);
}

export function formOf({ bits, hashes }: DirectoryColumn, segments: number): BlockForm {
  return { bits, blocks: hashes.length, segments };
}

function grouped(blocks: readonly SealedBlock[]): readonly SealedBlock[][] {
  const groups: SealedBlock[][] = [];
  for (const block of blocks) {
    const group = groups.at(-1);
    const [first, last] = [group?.[0], group?.at(-1)];
    const isNear =
      first &&
      last &&
      block.elsewhere?.object === last.elsewhere?.object &&
      block.offset >= last.offset + last.length &&
      block.offset - (last.offset + last.length) <= READ_THROUGH &&
      block.offset + block.length - first.offset <= READ_BYTES_MAX;
    if (isNear) group?.push(block);
    else groups.push([block]);
  }
  return groups;
}
