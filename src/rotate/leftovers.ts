/**
 * Manifests that no longer count, found by listing every version of what lies there: only when they are gone, a
 * recipient of before can open nothing any more.
 */
import type { CatalogEntry } from '../repository/catalog.ts';
import {
  amendmentRevision,
  daysOfPrefix,
  manifestRevision,
  parseSnapshotKey,
  snapshotsFolder,
} from '../repository/layout.ts';
import type { Store, StuckVersion } from '../stores/store.ts';
import { replacementMissing } from './errors.ts';

const ROUNDS_MAX = 3;

export interface Removed {
  readonly keys: readonly string[];
  /** What a lock keeps there. */
  readonly stuck: readonly StuckVersion[];
}

/**
 * Removes every manifest and amendment of these snapshots that is of another revision than the current one, in all
 * versions, until a listing shows none.
 * @param entries - read anew after the last line of the ledger was written
 * @param check - awaited before each removal
 */
export async function removeLeftovers(
  store: Store,
  set: string,
  entries: readonly CatalogEntry[],
  options: { readonly bypassGovernance: boolean; readonly check: () => Promise<void> },
  signal: AbortSignal,
): Promise<Removed> {
  const current = new Map(entries.flatMap(currentRevision));
  const removed = new Set<string>();
  let stuck: readonly StuckVersion[] = [];
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const found = await findLeftovers(store, set, current, signal);
    const isLocked = new Set(stuck.map(({ key }) => key));
    const keys = found.filter((key) => !isLocked.has(key));
    if (keys.length === 0) break;
    await options.check();
    const { bypassGovernance } = options;
    stuck = [...stuck, ...(await store.remove(keys, { allVersions: true, bypassGovernance }, signal))];
    for (const key of keys) removed.add(key);
  }
  for (const { key } of stuck) removed.delete(key);
  return { keys: [...removed], stuck };
}

/** Nothing of a snapshot is removed whose current manifest is not there as it should be. */
function currentRevision({ entry, current }: CatalogEntry): [string, number][] {
  if (!current) return [];
  const isThere = current.listed?.bytes === current.bytes;
  if (!isThere && current.revision > 0) throw replacementMissing(entry.snapshot);
  return isThere ? [[entry.snapshot, current.revision]] : [];
}

async function findLeftovers(
  store: Store,
  set: string,
  current: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<string[]> {
  const found = new Set<string>();
  for (const life of await store.folders('', signal)) {
    const days = daysOfPrefix(life);
    if (days === undefined) continue;
    for await (const { key } of store.versions(snapshotsFolder(set, days), signal)) {
      const place = parseSnapshotKey(set, key);
      const revision = place && (manifestRevision(place.name) ?? amendmentRevision(place.name));
      const counts = place && current.get(place.snapshot);
      if (revision !== undefined && counts !== undefined && revision !== counts) found.add(key);
    }
  }
  return [...found];
}
