/**
 * The subject index of a chain through a purge: what is sealed anew is indexed, and objects that tell of erased rows are
 * made anew without them. It stays an accelerator: what cannot be read is left out, and looked through next time.
 */
import { randomBytes } from 'node:crypto';
import { throwIfCancelled } from '../../errors.ts';
import type { KnownIndex } from '../../repository/index-state.ts';
import { indexKey, packRef } from '../../repository/layout.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import { formatRef } from '../../repository/pages.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import { seal } from '../../segments/work.ts';
import type { ManifestStream } from '../../repository/manifest.ts';
import type { Store } from '../../stores/store.ts';
import type { IndexedPlace } from '../../subject-index/content.ts';
import { eraseFromIndex } from '../../subject-index/erase.ts';
import { ErasedKeys } from '../../subject-index/erased-keys.ts';
import { RunIndexing } from '../../subject-index/indexing.ts';
import { IndexObject } from '../../subject-index/open.ts';
import type { SealBlock } from '../../subject-index/seal.ts';
import { rangesOf } from '../locate/hints.ts';
import type { LocatedSnapshot } from '../locate/located.ts';
import type { NewSegmentIndex } from './new-segments.ts';
import type { UnitIndexing } from './rewrite.ts';

export interface ChainIndexesOptions {
  readonly store: Store;
  readonly place: ChainPlace;
  /** Life of new objects. */
  readonly packDays: number;
  readonly pool: Pick<SegmentPool, 'seal'>;
  readonly signal: AbortSignal;
}

interface OpenedIndex {
  readonly ref: SegmentRef;
  readonly object: IndexObject;
}

/** The objects of the index that a snapshot names, by place. */
export function indexesOf({ manifest }: Pick<LocatedSnapshot, 'manifest'>): Map<string, SegmentRef> {
  return new Map((manifest.indexes ?? []).map((ref) => [ref.pack, ref]));
}

export class ChainIndexes {
  readonly #options: ChainIndexesOptions;
  readonly #opened: readonly OpenedIndex[];
  /** Could not be opened: nobody is to name them any more. */
  readonly #lost: ReadonlySet<string>;
  readonly #erased: ErasedKeys;
  readonly #runs = new Map<string, RunIndexing | undefined>();
  /** Offsets by pack: what snapshots still have of what they had. */
  readonly #stays = new Map<string, Set<number>>();
  /** Pages of which a snapshot keeps everything. */
  readonly #kept = new WeakSet<readonly SegmentRef[]>();
  #indexes: readonly KnownIndex[] = [];
  #replaced: ReadonlySet<string> = new Set();
  readonly #read: { bytes: number };
  bytesWritten = 0;

  private constructor(
    options: ChainIndexesOptions,
    opened: readonly OpenedIndex[],
    lost: ReadonlySet<string>,
    read: { bytes: number },
  ) {
    this.#options = options;
    this.#read = read;
    this.#opened = opened;
    this.#lost = lost;
    this.#erased = new ErasedKeys(opened.map(({ object }) => object.directory));
  }

  /**
   * Reads the directories of what these snapshots name.
   * @returns undefined when they name nothing: then nothing is indexed
   */
  static async open(
    snapshots: readonly LocatedSnapshot[],
    options: ChainIndexesOptions,
  ): Promise<ChainIndexes | undefined> {
    const refs = new Map(snapshots.flatMap((one) => [...indexesOf(one)]));
    if (refs.size === 0) return undefined;
    const { store, place, signal } = options;
    const counted = { bytes: 0 };
    const opened: OpenedIndex[] = [];
    const lost = new Set<string>();
    for (const ref of refs.values()) {
      const ranges = rangesOf(store, place, ref.pack, signal);
      const read: typeof ranges = (offset, length, elsewhere) => {
        counted.bytes += length;
        return ranges(offset, length, elsewhere);
      };
      try {
        opened.push({ ref, object: await IndexObject.open(ref, read, indexKey(place, ref.pack)) });
      } catch {
        throwIfCancelled(signal);
        lost.add(ref.pack);
      }
    }
    return new ChainIndexes(options, opened, lost, counted);
  }

  get bytesRead(): number {
    return this.#read.bytes;
  }

  /** What is to be told of the units of a changed stream. */
  of(one: LocatedSnapshot, stream: ManifestStream): UnitIndexing {
    return {
      forget: (plain, { table, edits }, codec) => {
        for (const { start, end } of edits) this.#erased.add(table, codec, plain.subarray(start, end));
      },
      segments: this.#segments(one, stream),
    };
  }

  #segments({ map, schema, manifest }: LocatedSnapshot, stream: ManifestStream): NewSegmentIndex | undefined {
    const id = JSON.stringify([manifest.source.kind, manifest.source.facts.encoding, map.sha256, schema]);
    const { store, place, packDays, pool, signal } = this.#options;
    const options = { map, schema, info: manifest.source, store, place, packDays, signal };
    const run = this.#runs.has(id)
      ? this.#runs.get(id)
      : RunIndexing.begin({ ...options, seal: sealWith(pool) });
    this.#runs.set(id, run);
    const indexing = run?.of(stream);
    if (!run || !indexing) return undefined;
    return {
      plan: indexing.plan,
      add: (pack, offset, keys) => run.add(indexing, pack, offset, keys),
    };
  }

  /**
   * Takes what a snapshot keeps of a page.
   * @param start - the number of the page's first segment among all of the snapshot's
   */
  keep(refs: readonly SegmentRef[], start: number, replaced: ReadonlyMap<number, unknown>): void {
    if (this.#kept.has(refs)) return;
    if (![...replaced.keys()].some((at) => at >= start && at < start + refs.length)) this.#kept.add(refs);
    for (const [at, { pack, offset }] of refs.entries()) {
      if (replaced.has(start + at)) continue;
      const offsets = this.#stays.get(pack) ?? new Set();
      this.#stays.set(pack, offsets.add(offset));
    }
  }

  /** Puts the new objects; after all rows were taken, and all segments that stay. */
  async finish(): Promise<void> {
    const indexes: KnownIndex[] = [];
    const replaced = new Set(this.#lost);
    for (const one of this.#opened) {
      const { is, index } = await this.#without(one);
      if (is !== 'as-before') replaced.add(one.ref.pack);
      if (index) indexes.push(index);
    }
    for (const run of this.#runs.values()) {
      const done = await run?.finish();
      indexes.push(...(done?.indexes ?? []));
      this.bytesWritten += done?.bytes ?? 0;
    }
    this.#indexes = indexes;
    this.#replaced = replaced;
  }

  /** Waits until nothing is under way any more. */
  async abandon(): Promise<void> {
    for (const run of this.#runs.values()) await run?.abandon();
  }

  /** True when the snapshot's manifest names an object that tells of erased rows. */
  mustChange(one: LocatedSnapshot): boolean {
    return [...indexesOf(one).keys()].some((name) => this.#replaced.has(name));
  }

  /** The lines of a manifest that needs these packs. */
  lines(packs: ReadonlySet<string>): string[] {
    return this.#indexes
      .filter((index) => index.packs.some((pack) => packs.has(pack)))
      .map(({ ref }) => `also index ${formatRef(ref).trimEnd()}`);
  }

  async #without({ ref, object }: OpenedIndex): Promise<Outcome> {
    const { store, place, packDays, pool, signal } = this.#options;
    throwIfCancelled(signal);
    const isGone = ({ pack, offset }: IndexedPlace) => this.#stays.get(pack)?.has(offset) !== true;
    try {
      const erasure = { keys: this.#erased, isGone };
      const erased = await eraseFromIndex(object, ref.pack, erasure, sealWith(pool));
      if (!erased) return { is: 'as-before', index: { ref, packs: packsOf(object) } };
      const name = packRef(packDays, randomBytes(8).toString('hex'));
      await store.put(indexKey(place, name), erased.bytes, { ifAbsent: true }, signal);
      this.bytesWritten += erased.bytes.length;
      const { directory, segments, key, packs } = erased;
      const known = { pack: name, ...directory, rows: segments, key: key.toString('hex') };
      return { is: 'made-anew', index: { ref: known, packs } };
    } catch {
      throwIfCancelled(signal);
      return { is: 'lost', index: undefined };
    }
  }
}

interface Outcome {
  readonly is: 'as-before' | 'made-anew' | 'lost';
  readonly index: KnownIndex | undefined;
}

function packsOf({ directory }: IndexObject): string[] {
  const places = directory.tables.flatMap(({ segments }) => segments.flatMap((place) => place?.pack ?? []));
  return [...new Set(places)];
}

/** What is sealed faster here than it is sent to a thread. */
const SMALL_BYTES = 32 * 1024;

function sealWith(pool: Pick<SegmentPool, 'seal'>): SealBlock {
  return (plain, key, level) =>
    plain.length < SMALL_BYTES ? seal({ kind: 'seal', plain, key, level }) : pool.seal(plain, key, level);
}
