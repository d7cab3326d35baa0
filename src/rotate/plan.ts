/** What a change of recipients has to do in a set. Pure: facts in, a plan with reasons out. */
import type { CatalogEntry } from '../repository/catalog.ts';
import type { RotationIntent } from '../repository/ledger-events.ts';
import { amendmentRevision, manifestRevision, parseSnapshotKey } from '../repository/layout.ts';
import type { CurrentRevision } from '../repository/revision.ts';
import { daysLeft } from '../repository/rules.ts';

export interface RotationFacts {
  /** Of the whole set. */
  readonly entries: readonly CatalogEntry[];
  /** Rotations that were announced and are not done, the last one last. */
  readonly intents: readonly RotationIntent[];
  /** Fingerprints to which manifests shall be sealed. */
  readonly recipients: readonly string[];
  /** Seal anew what is sealed to these recipients already: one of them has a new subkey. */
  readonly all: boolean;
  /** The store's clock. */
  readonly now: Date;
}

export interface Resealing {
  readonly item: CatalogEntry;
  readonly current: CurrentRevision;
  /** Above every revision that lies there or ever was named, so that nothing is written over. */
  readonly revision: number;
  /** Days that the manifest has left: the prefix under which the new one goes. */
  readonly days: number;
}

export interface LeftAlone {
  readonly snapshot: string;
  readonly why: string;
  /** It ought to be sealed anew and cannot be: the rotation is not whole. */
  readonly isTrouble: boolean;
}

export interface RotationPlan {
  /** An unfinished rotation to the same recipients, which is gone on with. */
  readonly resumes: RotationIntent | undefined;
  readonly reseal: readonly Resealing[];
  readonly leave: readonly LeftAlone[];
  /** Snapshots that are sealed to these recipients already. */
  readonly settled: number;
}

export function planRotation(facts: RotationFacts): RotationPlan {
  const { entries, intents, recipients, all, now } = facts;
  const resumes = unfinished(intents, recipients);
  const reseal: Resealing[] = [];
  const leave: LeftAlone[] = [];
  let settled = 0;
  for (const item of entries) {
    const { current, entry } = item;
    const leaveAlone = (why: string, isTrouble = false) =>
      leave.push({ snapshot: entry.snapshot, why, isTrouble });
    const live = new Date(entry.end) > now;
    if (!live) leaveAlone('it is past its end: holdfast expire removes it');
    else if (!current) leaveAlone(reasonOf(item.trouble), true);
    else if (isSettled(current, entry.snapshot, { recipients, all, resumes })) settled++;
    else if (!current.listed) leaveAlone('its manifest is gone', true);
    else {
      const days = daysLeft(current.listed.modified, current.days, now);
      // No prefix is short enough; removing it would break its own promise for the sake of a day.
      if (days === 0) leaveAlone('it ends within a day by itself');
      else reseal.push({ item, current, revision: nextRevision(item, current), days });
    }
  }
  return { resumes, reseal, leave, settled };
}

/** The rotation to go on with; what it has announced may stand in several lines. */
function unfinished(
  intents: readonly RotationIntent[],
  recipients: readonly string[],
): RotationIntent | undefined {
  const last = intents.findLast((intent) => isSame(intent.recipients, recipients));
  const snapshots = intents.filter(({ id }) => id === last?.id).flatMap((intent) => intent.snapshots);
  return last && { ...last, snapshots };
}

function isSettled(
  current: CurrentRevision,
  snapshot: string,
  { recipients, all, resumes }: Pick<RotationFacts, 'recipients' | 'all'> & Pick<RotationPlan, 'resumes'>,
): boolean {
  if (!isSame(current.recipients, recipients)) return false;
  if (resumes?.snapshots.includes(snapshot)) return current.request === resumes.id;
  return !all;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && new Set([...one, ...other]).size === one.length;
}

/** Above every revision that lies there or ever was named, so that nothing is written over. */
export function nextRevision({ entry, objects }: CatalogEntry, current: CurrentRevision): number {
  const there = objects.map(({ key }) => {
    const name = parseSnapshotKey(entry.set, key)?.name ?? '';
    return manifestRevision(name) ?? amendmentRevision(name) ?? 0;
  });
  return Math.max(current.revision, ...there) + 1;
}

function reasonOf(trouble: unknown): string {
  return trouble instanceof Error ? trouble.message : 'its revision cannot be told';
}
