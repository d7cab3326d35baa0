/** What becomes of packs that hold erased segments: nobody can open those any more, yet their bytes may stay a while. */
import type { CatalogEntry } from '../repository/catalog.ts';
import { daysOfPack, packKey } from '../repository/layout.ts';
import type { ChainPlace } from '../repository/layout.ts';
import type { RetiredPlace } from '../repository/purges.ts';
import { latestEnd } from '../repository/rules.ts';
import type { Store, StuckVersion } from '../stores/store.ts';
import { isHoldfastError } from '../errors.ts';

export interface PackOutcome {
  /** Packs that held erased segments. */
  readonly packs: number;
  readonly removed: number;
  /** Until then the last of them is there at the latest, as bytes that nobody can open; undefined: none is. */
  readonly until: string | undefined;
  /** Some are locked until then; undefined: none is. */
  readonly lockedUntil: string | undefined;
}

/** The packs of these places, by key. */
function packsOf(
  set: string,
  retired: readonly RetiredPlace[],
): Map<string, { place: ChainPlace; ref: string }> {
  return new Map(
    retired.map(([writer, chain, ref]) => {
      const place = { set, writer, chain };
      return [packKey(place, ref), { place, ref }] as const;
    }),
  );
}

/**
 * Removes those that no snapshot needs any more, where no host can refer to them either: in chains that their writers
 * have left. A run that is under way in the current chain may be about to refer to other segments of such a pack.
 */
export async function settlePacks(
  store: Store,
  set: string,
  retired: readonly RetiredPlace[],
  entries: readonly CatalogEntry[],
  options: { readonly bypassGovernance: boolean; readonly check: () => Promise<void> },
  signal: AbortSignal,
): Promise<PackOutcome> {
  const packs = packsOf(set, retired);
  const needed = new Set(
    entries.flatMap(({ entry, current }) =>
      (current?.packs ?? entry.packs).map(([ref]) => packKey(entry, ref)),
    ),
  );
  const newest = new Map<string, number>();
  for (const { entry } of entries)
    newest.set(entry.writer, Math.max(entry.chain, newest.get(entry.writer) ?? 0));
  const free = [...packs]
    .filter(([key, { place }]) => !needed.has(key) && place.chain < (newest.get(place.writer) ?? 0))
    .map(([key]) => key);
  let stuck: readonly StuckVersion[] = [];
  if (free.length > 0) {
    await options.check();
    const { bypassGovernance } = options;
    stuck = await store.remove(free, { allVersions: true, bypassGovernance }, signal);
  }
  const locked = new Set(stuck.map(({ key }) => key));
  const gone = new Set(free.filter((key) => !locked.has(key)));
  const left = [...packs].filter(([key]) => !gone.has(key));
  const ends: Date[] = [];
  for (const [key, { ref }] of left) ends.push(...(await endOfPack(store, key, ref, signal)));
  const locks = stuck.flatMap(({ lockedUntil }) => lockedUntil ?? []);
  return {
    packs: packs.size,
    removed: gone.size,
    until: latestOf([...ends, ...locks]),
    lockedUntil: latestOf(locks),
  };
}

async function endOfPack(store: Store, key: string, ref: string, signal: AbortSignal): Promise<Date[]> {
  try {
    const found = await store.head(key, signal);
    return found ? [latestEnd(found.modified, daysOfPack(ref))] : [];
  } catch (error) {
    if (isHoldfastError(error, 'STORE_OBJECT_MISSING')) return [];
    throw error;
  }
}

function latestOf(dates: readonly Date[]): string | undefined {
  if (dates.length === 0) return undefined;
  return new Date(Math.max(...dates.map((date) => date.getTime()))).toISOString();
}
