/** How long things may lie in the store, and how long they do. Pure. */
import { DAY_MS, packDaysFor } from '../repository/rules.ts';
import { NONCURRENT_DAYS } from '../retention/lifecycle.ts';
import type { RetentionEvidence } from './evidence.ts';
import type { ObjectsFact, SetFacts, SetPolicy } from './facts.ts';

/** A lifecycle rule acts at the midnight after an object's days. */
const MIDNIGHT_DAYS = 1;

/**
 * The longest that any object of a set may lie there: the packs of its longest life, or of what was longer before, until
 * the next midnight, and then as an old version where there are versions.
 */
function limitDaysOf(
  { keep, fullEveryDays }: SetPolicy,
  { longestDays }: Pick<ObjectsFact, 'longestDays'>,
  versioned: boolean,
): number {
  const policy = packDaysFor(Math.max(...keep.map(({ days }) => days)), fullEveryDays);
  return Math.max(policy, longestDays) + MIDNIGHT_DAYS + (versioned ? NONCURRENT_DAYS + 1 : 0);
}

export function retentionAgeDays(modified: Date, now: Date): number {
  return Math.max(0, (now.getTime() - modified.getTime()) / DAY_MS);
}

/** Null: the store could not be listed. */
export function retentionOf(
  { policy, objects }: SetFacts,
  versioned: boolean,
  now: Date,
): RetentionEvidence | null {
  if (!objects) return null;
  const { count, bytes, oldest, overdue } = objects;
  return {
    keep: policy.keep.map(({ name, days }) => ({ name, days })),
    limitDays: limitDaysOf(policy, objects, versioned),
    objects: count,
    bytes,
    oldest: oldest
      ? {
          key: oldest.key,
          modified: oldest.modified.toISOString(),
          ageDays: Math.round(retentionAgeDays(oldest.modified, now) * 10) / 10,
        }
      : null,
    overdue: overdue.count,
  };
}
