/** Whether apply has to look where plan has looked already. Pure. */
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Findings } from '../locate/located.ts';
import type { PurgePlan } from './request.ts';

/**
 * What the search for a plan has found, for whoever looks through these snapshots for it again.
 *
 * Only somebody who has signed the plan goes by it: what one operator says that he has not found, another one has to
 * look for. And only in snapshots that were looked through, as they were: a manifest with the same hash names the same
 * segments, by theirs.
 *
 * @param signer - fingerprint of who applies the plan
 * @returns undefined: everything has to be looked through
 */
export function findingsFor(
  { found, signer: planner, snapshots }: Pick<PurgePlan, 'found' | 'signer' | 'snapshots'>,
  items: readonly CatalogEntry[],
  signer: string,
): Findings | undefined {
  if (planner !== signer) return undefined;
  const planned = new Map(snapshots.map((one) => [one.snapshot, one]));
  const isAsPlanned = ({ entry, current }: CatalogEntry): boolean => {
    const one = planned.get(entry.snapshot);
    const isSame = one?.manifest !== undefined && one.manifest === current?.sha256;
    return isSame && one.revision === current.revision;
  };
  return items.every(isAsPlanned) ? found : undefined;
}
