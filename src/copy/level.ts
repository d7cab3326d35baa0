/** How far a copy is behind its source, by what both of their catalogues show. Pure. */
import type { CatalogEntry } from '../repository/catalog.ts';
import { DAY_MS } from '../repository/rules.ts';

export interface CopyLevel {
  /** Snapshots that the source has and the copy has not, or not in the revision that counts; oldest first. */
  readonly missing: readonly string[];
  /** Snapshots that the copy can restore. */
  readonly snapshots: number;
}

/**
 * Compares a copy with its source.
 * @param now - the source's clock; what ends within a day is not expected in a copy
 */
export function levelOf(
  source: readonly CatalogEntry[],
  copy: readonly CatalogEntry[],
  now: Date,
): CopyLevel {
  const revisions = new Map(
    copy.flatMap(({ entry, current }) =>
      current?.listed ? [[entry.snapshot, current.revision] as const] : [],
    ),
  );
  const missing = source.filter(({ entry, current }) => {
    const lastsLong = new Date(entry.end).getTime() > now.getTime() + DAY_MS;
    return lastsLong && current?.listed !== undefined && revisions.get(entry.snapshot) !== current.revision;
  });
  const live = copy.filter(({ entry }) => new Date(entry.end) > now && revisions.has(entry.snapshot));
  return { missing: missing.map(({ entry }) => entry.snapshot), snapshots: live.length };
}

/** `level`, or by how much it is behind; a sentence without a full stop. */
export function describeLevel({ missing }: CopyLevel): string {
  if (missing.length === 0) return 'level';
  return `${missing.length} ${missing.length === 1 ? 'snapshot' : 'snapshots'} behind`;
}
