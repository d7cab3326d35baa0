/**
 * An index object without what it says of rows that a purge has taken away. Only the blocks that their keys lead to are
 * made anew; the others stay where they lie, each named with its own key: whoever has the new directory opens none of
 * the old blocks that had those keys.
 */
import { randomBytes } from 'node:crypto';
import type { IndexedPlace, NumberedPlaces } from './content.ts';
import type { DirectoryColumn, DirectoryTable, SealedBlock } from './directory.ts';
import type { ErasedKeys } from './erased-keys.ts';
import { HalfSipHash } from './half-siphash.ts';
import { blockOf, encodeEntries, type HashBlock } from './hash-blocks.ts';
import { hashOfKey } from './keys.ts';
import { formOf, type IndexObject } from './open.ts';
import { encodeRuns, type RunBlock } from './run-blocks.ts';
import { INDEX_KEY_BYTES, IndexWriter, type SealBlock, type SealedIndex } from './seal.ts';

export interface Erasure {
  /** Of the rows that are gone. */
  readonly keys: Pick<ErasedKeys, 'of'>;
  /** No snapshot has the segment any more: it is taken out, with what it had of those keys. */
  readonly isGone: (place: IndexedPlace) => boolean;
}

export interface ErasedIndex extends SealedIndex {
  /** That of the new object. */
  readonly key: Buffer;
  /** `NNN/ID` of each pack with a segment that it knows. */
  readonly packs: readonly string[];
}

/**
 * Makes it anew.
 *
 * @param name - of the object, `NNN/ID`
 * @returns undefined when it says nothing of those rows
 * @throws HoldfastError DAMAGED, MALFORMED, and what reading the object throws
 */
export async function eraseFromIndex(
  object: IndexObject,
  name: string,
  { keys, isGone }: Erasure,
  seal: SealBlock,
): Promise<ErasedIndex | undefined> {
  const key = randomBytes(INDEX_KEY_BYTES);
  const eraser = new Eraser(object, name, keys, new IndexWriter(key, seal));
  const tables: DirectoryTable[] = [];
  for (const part of object.directory.tables) {
    const segments = part.segments.map((place) => (place && isGone(place) ? undefined : place));
    tables.push({ table: part.table, segments, columns: await eraser.columns(part, segments) });
  }
  if (!eraser.hasChanged) return undefined;
  const { hashKey } = object.directory;
  const packs = new Set(tables.flatMap(({ segments }) => segments.flatMap((place) => place?.pack ?? [])));
  return { ...(await eraser.writer.finish({ hashKey, tables })), key, packs: [...packs] };
}

class Eraser {
  readonly writer: IndexWriter;
  hasChanged = false;
  readonly #object: IndexObject;
  readonly #name: string;
  readonly #keys: Pick<ErasedKeys, 'of'>;
  readonly #hash: HalfSipHash;

  constructor(object: IndexObject, name: string, keys: Pick<ErasedKeys, 'of'>, writer: IndexWriter) {
    this.#object = object;
    this.#name = name;
    this.#keys = keys;
    this.writer = writer;
    this.#hash = new HalfSipHash(Buffer.from(object.directory.hashKey, 'hex'));
  }

  /** @param segments - of the table; those that are undefined are gone now or were before */
  async columns({ table, columns }: DirectoryTable, segments: NumberedPlaces): Promise<DirectoryColumn[]> {
    const after: DirectoryColumn[] = [];
    for (const column of columns) {
      const keys = this.#keys.of(table, column.match);
      const isIdle = keys.size === 0 || !segments.includes(undefined);
      const hashes = isIdle ? new Map<SealedBlock, HashBlock>() : await this.#hashes(column, segments, keys);
      const runs = isIdle ? new Map<SealedBlock, readonly RunBlock[]>() : await this.#runs(column, segments);
      const replaced = new Map([...runs, ...[...hashes].map(([block, other]) => [block, [other]] as const)]);
      after.push({
        ...column,
        hashes: await this.#write(column.hashes, replaced),
        runs: await this.#write(column.runs, replaced),
      });
    }
    return after;
  }

  /** What takes the place of blocks that erased keys lead to. */
  async #hashes(
    column: DirectoryColumn,
    segments: NumberedPlaces,
    keys: ReadonlySet<string>,
  ): Promise<Map<SealedBlock, HashBlock>> {
    const changed = new Map<SealedBlock, HashBlock>();
    if (column.hashes.length === 0) return changed;
    const form = formOf(column, segments.length);
    const numbers = new Set([...keys].map((key) => blockOf(hashOfKey(this.#hash, key), form)));
    const blocks = [...numbers].sort((a, b) => a - b).flatMap((number) => column.hashes[number] ?? []);
    for await (const block of this.#object.blocks(blocks)) {
      const number = column.hashes.indexOf(block[0]);
      const stays: (readonly [number, number])[] = [];
      this.#object.visitHashes(block, form, number, (value, segment) => {
        if (segments[segment] !== undefined) stays.push([value, segment]);
      });
      if (stays.length < block[0].entries) changed.set(block[0], encodeEntries(stays, form, number));
    }
    return changed;
  }

  /** What takes the place of blocks with ranges of segments that are gone. */
  async #runs(
    column: DirectoryColumn,
    segments: NumberedPlaces,
  ): Promise<Map<SealedBlock, readonly RunBlock[]>> {
    const changed = new Map<SealedBlock, readonly RunBlock[]>();
    for await (const block of this.#object.blocks(column.runs)) {
      const stays: Float64Array[] = [];
      let count = 0;
      this.#object.visitRuns(block, segments.length, (segment, runs) => {
        if (segments[segment] === undefined) return;
        stays[segment] = runs;
        count += 1;
      });
      if (count < block[0].entries) changed.set(block[0], encodeRuns(Array.from(stays)));
    }
    return changed;
  }

  async #write(
    blocks: readonly SealedBlock[],
    replaced: ReadonlyMap<SealedBlock, readonly (HashBlock | RunBlock)[]>,
  ): Promise<SealedBlock[]> {
    const after: SealedBlock[] = [];
    for (const block of blocks) {
      const others = replaced.get(block);
      if (others === undefined) after.push(this.writer.keep(block, this.#placeOf(block)));
      else after.push(...(await this.writer.add(others)));
      this.hasChanged ||= others !== undefined;
    }
    return after;
  }

  #placeOf(block: SealedBlock): { readonly object: string; readonly key: string } {
    return block.elsewhere ?? { object: this.#name, key: this.#object.keyOf(block) };
  }
}
