/** An index object: sealed blocks back to back, and the sealed directory behind them. */
import { HmacSha256 } from '../hmac.ts';
import { encodeColumn } from './content.ts';
import type { IndexContent, TableContent } from './content.ts';
import { formatDirectory } from './directory.ts';
import type { BlockPlace, DirectoryColumn, IndexDirectory, SealedBlock } from './directory.ts';

export const INDEX_KEY_BYTES = 32;
/** The blocks hardly compress. */
const LEVEL = 1;

/** Seals one segment: `SegmentPool.seal`, or `seal` of segments/work.ts. */
export type SealBlock = (
  plain: Uint8Array,
  key: Uint8Array,
  level: number,
) => Promise<{ readonly sealed: Uint8Array; readonly sha256: Uint8Array }>;

export interface SealedIndex {
  readonly bytes: Buffer;
  /** Of `bytes`: the directory, which ends it. */
  readonly directory: {
    readonly offset: number;
    readonly length: number;
    readonly sha256: string;
    readonly plain: number;
  };
  /** How many segments it knows. */
  readonly segments: number;
}

/** @param key - 32 random bytes, for this object only */
export async function sealIndex(
  content: IndexContent,
  key: Uint8Array,
  seal: SealBlock,
): Promise<SealedIndex> {
  const writer = new IndexWriter(key, seal);
  const tables = [];
  for (const table of content.tables) {
    const columns: DirectoryColumn[] = [];
    for (const column of table.columns) columns.push(await writer.column(column));
    tables.push({ table: table.table, segments: table.segments, columns });
  }
  return writer.finish({ hashKey: content.hashKey, tables });
}

/** The keys of an object's blocks, from its own, which opens the directory. */
export class BlockKeys {
  readonly #hmac: HmacSha256;

  /** @param key - 32 bytes */
  constructor(key: Uint8Array) {
    this.#hmac = new HmacSha256(key);
  }

  /** In hex. */
  of(number: number): string {
    return this.#hmac.hex(Buffer.from(`holdfast/1 index block ${number}`));
  }
}

/** Writes one object: its blocks in the order of the directory's lines, then the directory. */
export class IndexWriter {
  readonly #key: Uint8Array;
  readonly #keys: BlockKeys;
  readonly #seal: SealBlock;
  readonly #parts: Uint8Array[] = [];
  #offset = 0;
  #number = 0;

  /** @param key - 32 random bytes, for this object only */
  constructor(key: Uint8Array, seal: SealBlock) {
    this.#key = key;
    this.#keys = new BlockKeys(key);
    this.#seal = seal;
  }

  async column(column: TableContent['columns'][number]): Promise<DirectoryColumn> {
    const { match, hashes, runs } = encodeColumn(column);
    const sealed = await this.add([...hashes.blocks, ...runs]);
    const { length } = hashes.blocks;
    return { match, bits: hashes.bits, hashes: sealed.slice(0, length), runs: sealed.slice(length) };
  }

  /** Seals new blocks. */
  async add(blocks: readonly { readonly plain: Buffer; readonly entries: number }[]): Promise<SealedBlock[]> {
    const first = this.#number;
    this.#number += blocks.length;
    const sealed = await Promise.all(
      blocks.map(({ plain }, at) => this.#seal(plain, Buffer.from(this.#keys.of(first + at), 'hex'), LEVEL)),
    );
    return blocks.map(({ plain, entries }, at) => {
      const { sealed: bytes = new Uint8Array(0), sha256 = new Uint8Array(0) } = sealed[at] ?? {};
      const [offset, { length }] = [this.#offset, bytes];
      this.#parts.push(bytes);
      this.#offset += length;
      const hex = Buffer.from(sha256).toString('hex');
      return { number: first + at, offset, length, sha256: hex, plain: plain.length, entries };
    });
  }

  /** Names a block that stays where it is. */
  keep(block: SealedBlock, elsewhere: BlockPlace): SealedBlock {
    return { ...block, number: this.#number++, elsewhere };
  }

  async finish(directory: IndexDirectory): Promise<SealedIndex> {
    const plain = formatDirectory(directory);
    const { sealed, sha256 } = await this.#seal(plain, this.#key, LEVEL);
    const listed = directory.tables.flatMap(({ segments }) =>
      segments.filter((place) => place !== undefined),
    );
    return {
      bytes: Buffer.concat([...this.#parts, sealed]),
      directory: {
        offset: this.#offset,
        length: sealed.length,
        sha256: Buffer.from(sha256).toString('hex'),
        plain: plain.length,
      },
      segments: listed.length,
    };
  }
}
