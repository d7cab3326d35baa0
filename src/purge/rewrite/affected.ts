/** The snapshots of which a purge writes anything anew. */
import { isTouched } from './amend.ts';
import { indexesOf } from './chain-indexes.ts';
import type { LocatedSnapshot } from '../locate/located.ts';

/**
 * Those with rows that change, and those that share an object of the subject index with one of them: it may tell of rows
 * that are gone, and their manifests would go on to open it.
 */
export function affected(snapshots: readonly LocatedSnapshot[]): LocatedSnapshot[] {
  const shared = new Set(snapshots.filter(isTouched).flatMap(namesOf));
  return snapshots.filter((one) => isTouched(one) || namesOf(one).some((name) => shared.has(name)));
}

function namesOf(one: LocatedSnapshot): string[] {
  const { writer, chain } = one.item.entry;
  return [...indexesOf(one).keys()].map((name) => `${writer} ${chain} ${name}`);
}
