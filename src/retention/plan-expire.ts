/**
 * What `expire` removes, as a pure function: what a lifecycle would do, where there is none.
 *
 * A snapshot goes when its signed end is past: its manifests, then its entry and amendments. Everything else goes by age
 * (put at x under N days: from x + N days on), never because nothing refers to it. Packs that a snapshot needs which
 * stays are kept with it: by the rules they outlive it, but a folder's times can be changed by whoever copies it.
 */
import { earliestEnd } from '../repository/rules.ts';
import { doubtClock } from './clock.ts';
import type { ClockDoubt } from './clock.ts';
import type { MortalObject } from './objects.ts';

/** A snapshot whose entry was verified. */
export interface VerifiedSnapshot {
  readonly snapshot: string;
  readonly writer: string;
  /** Among those of its writer. */
  readonly seq: number;
  /** When its run started. */
  readonly time: Date;
  /** Readable at least until then; signed. */
  readonly end: Date;
  /** Its current manifest is there, with the size that was signed. */
  readonly whole: boolean;
  /** Keys of the packs that it needs. */
  readonly packs: readonly string[];
}

export interface ExpireFacts {
  readonly set: string;
  /** The store's clock. */
  readonly now: Date;
  /** All of the set's objects that have a life. */
  readonly objects: readonly MortalObject[];
  /** Oldest first. */
  readonly verified: readonly VerifiedSnapshot[];
  /** Ids of snapshots that have an entry which cannot be verified. */
  readonly unverifiable: ReadonlySet<string>;
  /** The latest time that an earlier run saw and believed. */
  readonly believed: Date | undefined;
  /** When the store took its newest object, of whatever set. */
  readonly newestObject: Date | undefined;
  /** Also the newest verified snapshot, when it is past its end. */
  readonly evenLast: boolean;
  /** A person says that the clock is right. */
  readonly trustClock: boolean;
}

export interface ExpireRefusal {
  readonly code: ClockDoubt['code'] | 'NOTHING_VERIFIES';
  /** Lower case, no full stop. */
  readonly reason: string;
  /** A sentence. */
  readonly hint: string;
}

export interface PlannedSnapshot {
  readonly snapshot: string;
  readonly action: 'remove' | 'keep';
  /** Nothing to say about it: its time has not come. */
  readonly usual: boolean;
  /** Lower case, no full stop. */
  readonly why: string;
  /** Of manifests, entry and amendments. */
  readonly bytes: number;
}

/** Keys in the order in which they go; each list is done before the next begins. */
export interface ExpireSteps {
  /** Of all revisions: from here on nobody can read what else is left of the snapshot. */
  readonly manifests: readonly string[];
  /** Entries and amendments. */
  readonly records: readonly string[];
  /** Packs, index, suppression, and whatever else has a life. */
  readonly rest: readonly string[];
}

export interface ExpirePlan {
  readonly set: string;
  /** Nothing may be removed now; then the rest says what would be, and `steps` are empty. */
  readonly refusal?: ExpireRefusal;
  readonly snapshots: readonly PlannedSnapshot[];
  readonly packs: { readonly count: number; readonly bytes: number };
  /** All bytes that become free. */
  readonly bytes: number;
  readonly steps: ExpireSteps;
}

/** Decides what goes. */
export function planExpire(facts: ExpireFacts): ExpirePlan {
  const folders = bySnapshot(facts.objects);
  const judged = [...folders].map(([snapshot, objects]) => judge(snapshot, objects, facts));
  const going = judged
    .filter(({ action }) => action === 'remove')
    .flatMap(({ snapshot }) => folders.get(snapshot) ?? []);
  const rest = restPastItsTime(
    facts,
    new Set(judged.filter(({ action }) => action === 'keep').map((s) => s.snapshot)),
  );
  const packs = rest.filter(({ kind }) => kind === 'pack');
  const refusal = refusalOf(facts);
  const steps = {
    manifests: keysOf(going, 'manifest'),
    records: keysOf(going, 'record'),
    rest: rest.map(({ key }) => key),
  };
  return {
    set: facts.set,
    ...(refusal && { refusal }),
    snapshots: judged,
    packs: { count: packs.length, bytes: bytesOf(packs) },
    bytes: bytesOf(going) + bytesOf(rest),
    steps: refusal ? { manifests: [], records: [], rest: [] } : steps,
  };
}

function bySnapshot(objects: readonly MortalObject[]): Map<string, MortalObject[]> {
  const folders = new Map<string, MortalObject[]>();
  for (const object of objects) {
    if (object.snapshot === undefined) continue;
    const known = folders.get(object.snapshot);
    if (known === undefined) folders.set(object.snapshot, [object]);
    else known.push(object);
  }
  return new Map([...folders].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One snapshot: all its objects, below whatever prefixes. */
function judge(snapshot: string, objects: readonly MortalObject[], facts: ExpireFacts): PlannedSnapshot {
  const { verified, unverifiable, evenLast, now } = facts;
  const bytes = bytesOf(objects);
  const keep = (why: string, usual = false) => ({ snapshot, action: 'keep', usual, why, bytes }) as const;
  const remove = (why: string) => ({ snapshot, action: 'remove', usual: false, why, bytes }) as const;
  const known = verified.find((one) => one.snapshot === snapshot);
  if (known !== undefined) {
    const end = known.end.toISOString().slice(0, 10);
    if (known.end > now) return keep(`readable until ${end}`, true);
    if (!evenLast && known === newestWhole(verified)) return keep(LAST);
    return remove(`past its end, ${end}`);
  }
  if (unverifiable.has(snapshot)) return keep('its entry cannot be verified');
  const last = Math.max(...objects.map((object) => earliestEnd(object.modified, object.days).getTime()));
  if (last > now.getTime()) return keep('left by a run that died or is under way, not past its time', true);
  return remove('left by a run that died, past its time');
}

const LAST = 'past its end, but the newest that verifies; --even-last removes it too';

/** The newest snapshot that can be restored, as far as this can be seen without a key. */
function newestWhole(verified: readonly VerifiedSnapshot[]): VerifiedSnapshot | undefined {
  return verified.findLast(({ whole }) => whole);
}

/** What is past its time, and needed by none of the snapshots that stay. */
function restPastItsTime(
  { objects, verified, now }: ExpireFacts,
  staying: ReadonlySet<string>,
): MortalObject[] {
  const needed = new Set(
    verified.filter(({ snapshot }) => staying.has(snapshot)).flatMap(({ packs }) => packs),
  );
  return objects.filter(
    ({ key, snapshot, modified, days }) =>
      snapshot === undefined && earliestEnd(modified, days) <= now && !needed.has(key),
  );
}

function refusalOf(facts: ExpireFacts): ExpireRefusal | undefined {
  const { set, verified, trustClock, evenLast, unverifiable, now } = facts;
  const doubt = trustClock ? undefined : doubtClock({ ...facts, series: seriesOf(verified) });
  if (doubt) {
    return {
      ...doubt,
      hint: 'Nothing is removed by a clock that may be wrong. Set it right; when it is right, repeat with --trust-clock.',
    };
  }
  if (facts.objects.length === 0) return undefined; // a new store has nothing that could be lost
  if (newestWhole(verified) !== undefined) return undefined;
  // Where nothing is left to lose (or a run with --even-last died half-way), a person has to say so.
  if (evenLast && unverifiable.size === 0 && verified.every(({ end }) => end <= now)) return undefined;
  return {
    code: 'NOTHING_VERIFIES',
    reason: `set ${set} has no snapshot that verifies`,
    hint: `Find out why with: holdfast verify ${set}. Where there is none any more, --even-last removes what is left, by age.`,
  };
}

function seriesOf(verified: readonly VerifiedSnapshot[]): Date[][] {
  const inOrder = verified.toSorted((a, b) => a.seq - b.seq);
  return [...Map.groupBy(inOrder, ({ writer }) => writer).values()].map((ofWriter) =>
    ofWriter.map(({ time }) => time),
  );
}

function keysOf(objects: readonly MortalObject[], kind: MortalObject['kind']): string[] {
  return objects.filter((object) => object.kind === kind).map(({ key }) => key);
}

function bytesOf(objects: readonly MortalObject[]): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0);
}
