/** Whether a set's snapshots are tried in time, and the last word about them is good. Pure. */
import type { CatalogEntry } from '../repository/catalog.ts';
import { lastVerified } from '../repository/drills.ts';
import type { DrillRecord } from '../repository/drills.ts';
import { startOfSnapshot } from '../repository/layout.ts';
import { DAY_MS } from '../repository/rules.ts';

export interface DrillStatus {
  readonly ok: boolean;
  /** When a snapshot was last verified. */
  readonly verifiedTime: string | undefined;
  /** Milliseconds since then. */
  readonly ageMs: number | undefined;
  /** By when the next one was promised; undefined when nothing is. */
  readonly due: string | undefined;
  readonly overdue: boolean;
  /** A failure that no later drill of the same or a newer snapshot has answered. */
  readonly failure: DrillRecord | undefined;
}

/**
 * Judges the drills of a set.
 *
 * One that was never verified is due as long after its oldest snapshot; where that is not its writer's first, the set is
 * older than its snapshots, and it is due now.
 *
 * @param entries - oldest first
 * @param drills - oldest first
 * @param everyDays - the promised interval; undefined: none
 * @param now - the store's clock
 */
export function drillStatusOf(
  entries: readonly CatalogEntry[],
  drills: readonly DrillRecord[],
  everyDays: number | undefined,
  now: Date,
): DrillStatus {
  const verified = lastVerified(drills);
  const failure = openFailure(drills);
  const due = everyDays === undefined ? undefined : dueAt(entries, verified, everyDays, now);
  const overdue = due !== undefined && due < now;
  return {
    ok: !overdue && failure === undefined,
    verifiedTime: verified?.line.time,
    ageMs: verified && now.getTime() - new Date(verified.line.time).getTime(),
    due: due?.toISOString(),
    overdue,
    failure,
  };
}

function openFailure(drills: readonly DrillRecord[]): DrillRecord | undefined {
  const failed = drills.filter(({ outcome }) => outcome === 'failed');
  return failed.findLast((failure) => !drills.some((drill) => answers(drill, failure)));
}

function answers(drill: DrillRecord, failure: DrillRecord): boolean {
  if (drill.outcome !== 'verified' || drill.line.time < failure.line.time) return false;
  return startOfSnapshot(drill.snapshot) >= startOfSnapshot(failure.snapshot);
}

/** Undefined where there is nothing to drill: that is late by itself. */
function dueAt(
  entries: readonly CatalogEntry[],
  verified: DrillRecord | undefined,
  everyDays: number,
  now: Date,
): Date | undefined {
  const everyMs = everyDays * DAY_MS;
  if (verified) return new Date(new Date(verified.line.time).getTime() + everyMs);
  const [oldest] = entries.filter(({ entry }) => new Date(entry.end) > now);
  if (oldest === undefined) return undefined;
  const isFirst = entries.some(({ entry }) => entry.seq === 1);
  return isFirst ? new Date(new Date(oldest.entry.time).getTime() + everyMs) : new Date(now.getTime() - 1);
}
