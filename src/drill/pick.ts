/** Which snapshots are drilled. Pure, but for the dice that are handed in. */
import type { CatalogEntry } from '../repository/catalog.ts';
import { noSnapshot } from '../repository/errors.ts';
import { selectSnapshot } from '../restore/select.ts';
import type { SnapshotName } from '../restore/select.ts';

export type Picking = 'newest' | 'random' | 'all' | 'named';

/**
 * The newest one first: what it shows counts most, and is known first.
 * @param entries - oldest first
 * @param dice - a whole number below its argument, each as likely as the others
 * @throws HoldfastError NO_SNAPSHOT, SNAPSHOT_EXPIRED, WHEN_INVALID
 */
export function pickSnapshots(
  entries: readonly CatalogEntry[],
  name: SnapshotName,
  {
    picking,
    now,
    dice,
  }: { readonly picking: Picking; readonly now: Date; readonly dice: (n: number) => number },
): readonly CatalogEntry[] {
  if (picking === 'newest' || picking === 'named') return [selectSnapshot(entries, name, now)];
  const living = entries.filter(({ entry }) => new Date(entry.end) > now).reverse();
  if (living.length === 0) throw noSnapshot(name.set, name.when);
  if (picking === 'all') return living;
  return [living[dice(living.length)]].filter((item) => item !== undefined);
}
