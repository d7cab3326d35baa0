/** What has to go from a copy, because its source has something newer in its place. Pure. */
import { manifestRevision, parseSnapshotKey } from '../repository/layout.ts';
import type { CopyFacts, Listed } from './facts.ts';
import { endOfOriginal } from './life.ts';
import { lacking } from './plan-snapshot.ts';
import type { LookedAt } from './plan-snapshot.ts';
import type { Remark, RemoveStep } from './steps.ts';

export interface Removals {
  /** Of snapshots that the copy brings level: what goes once that is done. By snapshot. */
  readonly replaced: ReadonlyMap<string, readonly RemoveStep[]>;
  /** Of snapshots that have no successor to wait for. */
  readonly unreplaced: readonly RemoveStep[];
  readonly problems: readonly Remark[];
}

/**
 * Only what was superseded goes: manifests of a revision below the one that the ledger names, hidden versions too, and
 * those that would outlive their original, because midnight came while they were put. What the source has no longer is
 * left alone: it ends by its own days, and a copy is there for the day when somebody empties the source.
 */
export function removalsOf(facts: CopyFacts, { needs, ends }: LookedAt): Removals {
  const lacks = new Set(needs.filter((one) => lacking(one) > 0).map(({ snapshot }) => snapshot));
  const replaced = new Map<string, RemoveStep[]>();
  const unreplaced: RemoveStep[] = [];
  const problems: Remark[] = [];
  for (const key of facts.manifestVersions) {
    const place = parseSnapshotKey(facts.set, key);
    const revision = place && manifestRevision(place.name);
    if (!place || revision === undefined) continue;
    const { snapshot, days } = place;
    const current = facts.revisions.get(snapshot) ?? 0;
    if (revision > current)
      problems.push({
        about: snapshot,
        text: `the copy has revision ${revision}, of which the source's ledger does not know`,
      });
    const outlives = revision === current && endsAfter(facts.destination.get(key), days, ends.get(snapshot));
    if (revision >= current && !outlives) continue;
    const why = outlives ? 'it would outlive the original' : `revision ${current} has replaced it`;
    if (!lacks.has(snapshot)) unreplaced.push({ key, why });
    else replaced.set(snapshot, [...(replaced.get(snapshot) ?? []), { key, why }]);
  }
  return { replaced, unreplaced, problems };
}

function endsAfter(found: Listed | undefined, days: number, end: Date | undefined): boolean {
  return found !== undefined && end !== undefined && endOfOriginal(found.modified, days) > end;
}
