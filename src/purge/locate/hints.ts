/** What the indexes of snapshots say about where somebody may be. Without any of it everything is looked through. */
import pLimit from 'p-limit';
import { throwIfCancelled } from '../../errors.ts';
import { indexKey } from '../../repository/layout.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { Manifest } from '../../repository/manifest.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { ReadStore } from '../../stores/store.ts';
import { IndexLookUp } from '../../subject-index/look-up.ts';
import type { MayHold } from '../../subject-index/look-up.ts';
import { IndexObject } from '../../subject-index/open.ts';
import type { ReadRange } from '../../subject-index/open.ts';
import type { Query } from '../../subjects/access.ts';
import type { SegmentHints } from './access.ts';
import type { Unit } from './located.ts';
import { chainId } from './shared-reader.ts';

const OPENED_AT_ONCE = 8;

interface ChainIndexes {
  readonly refs: Map<string, SegmentRef>;
  readonly binding: Manifest['binding'];
  opened: Promise<readonly IndexObject[]> | undefined;
}

/** Leaves all units in: as if there were no index. */
export const NO_HINTS: SegmentHints = { narrow: (_table, units) => Promise.resolve(units) };

export class IndexHints implements SegmentHints {
  readonly #store: ReadStore;
  readonly #chains = new Map<string, ChainIndexes>();
  readonly #limit = pLimit(OPENED_AT_ONCE);

  /** @param manifests - of one set; each names the indexes that know its segments */
  constructor(store: ReadStore, manifests: readonly Manifest[]) {
    this.#store = store;
    for (const { binding, indexes = [] } of manifests) {
      const id = chainId(binding);
      const chain = this.#chains.get(id) ?? {
        refs: new Map<string, SegmentRef>(),
        binding,
        opened: undefined,
      };
      this.#chains.set(id, chain);
      for (const ref of indexes) chain.refs.set(`${ref.pack} ${ref.key}`, ref);
    }
  }

  async narrow(
    table: string,
    units: readonly Unit[],
    queries: readonly Query[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Unit[]> {
    const worth = new Set<Unit>();
    for (const [id, some] of Map.groupBy(units, ({ place }) => chainId(place))) {
      const looks = await this.#select(id, table, queries, signal);
      for (const unit of some) {
        const [segment] = unit.segments;
        // A row that runs over several segments was not indexed.
        const isKnown = segment !== undefined && unit.segments.length === 1;
        if (!isKnown || looks.every((mayHold) => mayHold(segment))) worth.add(unit);
      }
    }
    return units.filter((unit) => worth.has(unit));
  }

  async #select(
    id: string,
    table: string,
    queries: readonly Query[],
    signal: AbortSignal | undefined,
  ): Promise<readonly MayHold[]> {
    const chain = this.#chains.get(id);
    if (chain === undefined) return [];
    const objects = await (chain.opened ??= this.#open(chain, signal));
    const looks = objects.map((object) =>
      this.#limit(() => tried(() => new IndexLookUp([object]).select(table, queries), signal)),
    );
    return (await Promise.all(looks)).filter((look) => look !== undefined);
  }

  async #open(
    { refs, binding }: ChainIndexes,
    signal: AbortSignal | undefined,
  ): Promise<readonly IndexObject[]> {
    const open = (ref: SegmentRef) => {
      const read = rangesOf(this.#store, binding, ref.pack, signal ?? NEVER);
      return tried(() => IndexObject.open(ref, read, indexKey(binding, ref.pack)), signal);
    };
    const objects = await Promise.all([...refs.values()].map((ref) => this.#limit(() => open(ref))));
    return objects.filter((object) => object !== undefined);
  }
}

/** Reads an index object of a chain, and what its directory names in others. */
export function rangesOf(
  store: ReadStore,
  place: ChainPlace,
  object: string,
  signal: AbortSignal,
): ReadRange {
  return (offset, length, elsewhere = object) =>
    store.get(indexKey(place, elsewhere), { offset, length }, signal);
}

const NEVER = new AbortController().signal;

/** An index that is gone or damaged is none: what it knew is looked through. */
async function tried<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  throwIfCancelled(signal);
  try {
    return await work();
  } catch {
    throwIfCancelled(signal);
    return undefined;
  }
}
