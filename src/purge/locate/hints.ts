/** What the indexes of snapshots say about where somebody may be. Without any of it everything is looked through. */
import pLimit from 'p-limit';
import { throwIfCancelled } from '../../errors.ts';
import { indexKey } from '../../repository/layout.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { Manifest } from '../../repository/manifest.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { ReadStore } from '../../stores/store.ts';
import type { DirectoryTable } from '../../subject-index/directory.ts';
import { heldBy } from '../../subject-index/look-up.ts';
import { IndexObject } from '../../subject-index/open.ts';
import type { ReadRange } from '../../subject-index/open.ts';
import type { Query } from '../../subjects/access.ts';
import type { SegmentHints } from './access.ts';
import type { Unit } from './located.ts';
import { chainId } from './shared-reader.ts';
import { unitKeyFor } from './unit-set.ts';

const OPENED_AT_ONCE = 8;

/** A segment in the directory of an index. */
interface IndexedNumber {
  readonly part: DirectoryTable;
  readonly number: number;
}

interface ChainIndexes {
  readonly refs: Map<string, SegmentRef>;
  /** By table, and then by the key of the unit that the segment is. */
  readonly places: Map<string, ReadonlyMap<string, readonly IndexedNumber[]>>;
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
        places: new Map<string, ReadonlyMap<string, readonly IndexedNumber[]>>(),
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
    const ids = new Map<ChainPlace, string>();
    const idOf = ({ place }: Unit): string => {
      const id = ids.get(place) ?? chainId(place);
      ids.set(place, id);
      return id;
    };
    for (const [id, some] of Map.groupBy(units, idOf)) {
      const held = await this.#look(id, table, queries, signal);
      const said = this.#chains.get(id)?.places.get(table);
      for (const unit of some) {
        // A row that runs over several segments was not indexed.
        const places = unit.segments.length === 1 ? (said?.get(unit.key) ?? []) : [];
        if (places.every(({ part, number }) => held.get(part)?.has(number) !== false)) worth.add(unit);
      }
    }
    return units.filter((unit) => worth.has(unit));
  }

  /** What each of the chain's indexes holds of these keys; one that does not know says nothing. */
  async #look(
    id: string,
    table: string,
    queries: readonly Query[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<DirectoryTable, ReadonlySet<number>>> {
    const chain = this.#chains.get(id);
    const held = new Map<DirectoryTable, ReadonlySet<number>>();
    if (chain === undefined) return held;
    const objects = await (chain.opened ??= this.#open(chain, signal));
    if (!chain.places.has(table)) chain.places.set(table, placesOf(objects, table, id));
    const parts = objects.flatMap((object) =>
      object.directory.tables.filter((part) => part.table === table).map((part) => ({ object, part })),
    );
    const looks = parts.map(({ object, part }) =>
      this.#limit(async () => {
        const found = await tried(() => heldBy(object, part, queries), signal);
        if (found !== undefined) held.set(part, found);
      }),
    );
    await Promise.all(looks);
    return held;
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

/** Where indexes of a chain have the segments of a table. */
function placesOf(
  objects: readonly IndexObject[],
  table: string,
  chain: string,
): ReadonlyMap<string, readonly IndexedNumber[]> {
  const places = new Map<string, IndexedNumber[]>();
  for (const part of objects.flatMap(({ directory }) => directory.tables)) {
    if (part.table !== table) continue;
    for (const [number, place] of part.segments.entries()) {
      if (place === undefined) continue;
      const key = unitKeyFor(chain, [place]);
      const known = places.get(key);
      if (known) known.push({ part, number });
      else places.set(key, [{ part, number }]);
    }
  }
  return places;
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
