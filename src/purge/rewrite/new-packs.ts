/** New packs of a chain, put by a purge. */
import type { ChainPlace } from '../../repository/layout.ts';
import { PackWriter } from '../../repository/packs.ts';
import type { StoredPack } from '../../repository/packs.ts';
import type { ObjectLock, Store } from '../../stores/store.ts';

export interface PackPlace {
  readonly store: Store;
  readonly place: ChainPlace;
  /** The lock of a pack with this life that is put now; undefined: none. */
  readonly lockFor: (packDays: number) => ObjectLock | undefined;
}

/**
 * Opens packs of one life.
 * @param stored - gets each pack that the store has acknowledged
 */
export function openPacks(
  packDays: number,
  stored: StoredPack[],
  { store, place, lockFor }: PackPlace,
  signal: AbortSignal,
): PackWriter {
  const lock = lockFor(packDays);
  return new PackWriter({
    store,
    place,
    packDays,
    ...(lock && { lock: () => lockFor(packDays) ?? lock }),
    onStored: (pack) => Promise.resolve(void stored.push(pack)),
    signal,
  });
}
