/** What each snapshot of the source needs at the destination. Pure. */
import { parseSnapshotKey } from '../repository/layout.ts';
import { parseKept } from './facts.ts';
import type { CopyFacts, Listed, Proven, SourceSnapshot } from './facts.ts';
import { daysLeft, endOfOriginal } from './life.ts';
import { putStep } from './steps.ts';
import type { PutStep, Remark } from './steps.ts';

export interface SnapshotNeeds {
  readonly snapshot: string;
  /** The copy shows it already. */
  readonly known: boolean;
  readonly packs: readonly PutStep[];
  readonly index: readonly PutStep[];
  readonly manifests: readonly PutStep[];
  readonly amendments: readonly PutStep[];
  readonly entries: readonly PutStep[];
}

export interface LookedAt {
  /** Of every snapshot that belongs in the copy, also of those that lack nothing. In the order of the facts. */
  readonly needs: readonly SnapshotNeeds[];
  readonly left: readonly Remark[];
  readonly problems: readonly Remark[];
  /** When each snapshot of the source ends there, also of those that do not belong in the copy any more. */
  readonly ends: ReadonlyMap<string, Date>;
}

/** Looks at every snapshot that the source has. */
export function needsOf(facts: CopyFacts): LookedAt {
  const needs: SnapshotNeeds[] = [];
  const left: Remark[] = [];
  const problems: Remark[] = [];
  const look = { facts, places: placesOf(facts), indexes: indexesOf(facts), planned: new Set<string>() };
  for (const snapshot of facts.snapshots) {
    const about = snapshot.snapshot;
    const over = reasonToLeave(facts, snapshot);
    const broken = over === undefined ? reasonAgainst(facts, snapshot) : undefined;
    if (over !== undefined) left.push({ about, text: over });
    else if (broken !== undefined) problems.push({ about, text: broken });
    else needs.push(needsOfOne(look, snapshot));
  }
  const ends = new Map(facts.snapshots.map((snapshot) => [snapshot.snapshot, endOf(facts, snapshot)]));
  return { needs, left, problems, ends };
}

interface Look {
  readonly facts: CopyFacts;
  readonly places: Places;
  readonly indexes: ReadonlyMap<string, readonly string[]>;
  /** Packs and folders that an earlier snapshot has asked for. */
  readonly planned: Set<string>;
}

/** How many things a snapshot lacks at the destination. */
export function lacking({ packs, index, manifests, amendments, entries }: SnapshotNeeds): number {
  return packs.length + index.length + manifests.length + amendments.length + entries.length;
}

/** What ends within a day ends without a copy; what is past its end is not copied even while it still lies there. */
function reasonToLeave(facts: CopyFacts, snapshot: SourceSnapshot): string | undefined {
  if (snapshot.end <= facts.now) return 'it is past its end';
  return daysLeft(endOf(facts, snapshot), facts.now) < 1 ? 'it ends within a day' : undefined;
}

/** Why the source cannot give this snapshot. */
function reasonAgainst({ source, destination }: CopyFacts, snapshot: SourceSnapshot): string | undefined {
  const { manifest, packs } = snapshot;
  const listed = source.get(manifest.key);
  if (!listed) return 'its manifest is gone from the source';
  if (listed.bytes !== manifest.bytes)
    return `its manifest has ${listed.bytes} of ${manifest.bytes} bytes at the source`;
  for (const [key, bytes] of packs) {
    if (destination.get(key)?.bytes === bytes) continue;
    const found = source.get(key)?.bytes;
    if (found === undefined) return `${key} is gone from the source`;
    if (found !== bytes) return `${key} has ${found} of ${bytes} bytes at the source`;
  }
  return undefined;
}

/** The first end among its objects: all of it goes on one day. */
function endOf({ source }: CopyFacts, { entry, manifest, amendment, end }: SourceSnapshot): Date {
  const ends = [entry, manifest, ...(amendment ? [amendment] : [])].flatMap(({ key }) => {
    const listed = source.get(key);
    const days = Number(/^keep-(\d+)\//.exec(key)?.[1]);
    return listed ? [endOfOriginal(listed.modified, days, end).getTime()] : [];
  });
  return new Date(Math.min(...ends));
}

/** Where the objects of snapshots lie at the destination: by `SNAPSHOT/NAME`, since their days differ from day to day. */
type Places = ReadonlyMap<string, readonly Place[]>;

interface Place {
  readonly key: string;
  readonly days: number;
  readonly found: Listed;
}

function placesOf({ set, destination }: CopyFacts): Places {
  const places = new Map<string, Place[]>();
  for (const [key, found] of destination) {
    const at = parseSnapshotKey(set, key);
    if (!at) continue;
    const name = `${at.snapshot}/${at.name}`;
    places.set(name, [...(places.get(name) ?? []), { key, days: at.days, found }]);
  }
  return places;
}

function needsOfOne(look: Look, snapshot: SourceSnapshot): SnapshotNeeds {
  const { facts, places } = look;
  const { manifest, amendment, entry } = snapshot;
  const ends = endOf(facts, snapshot);
  const known = at(facts, places, entry.key).length > 0;
  const manifests = placedWell(facts, places, manifest.key, ends);
  const amendments = amendment ? placedWell(facts, places, amendment.key, ends) : [];
  return {
    snapshot: snapshot.snapshot,
    known,
    packs: packPuts(look, snapshot),
    index: indexPuts(look, snapshot),
    manifests:
      manifests.length > 0
        ? []
        : [timedPut(facts, manifest, ends, `revision ${snapshot.revision} of the snapshot`)],
    amendments:
      amendment && amendments.length === 0 ? [timedPut(facts, amendment, ends, 'the ledger names it')] : [],
    entries: known ? [] : [timedPut(facts, entry, ends, 'now the copy has the snapshot')],
  };
}

function timedPut({ set, source }: CopyFacts, { key, sha256 }: Proven, ends: Date, why: string): PutStep {
  const below = parseKept(key, set)?.below ?? key;
  const snapshot = parseSnapshotKey(set, key)?.snapshot;
  const step = putStep(key, { below, ends }, { bytes: source.get(key)?.bytes ?? 0 }, why);
  return { ...step, sha256, ...(snapshot !== undefined && { snapshot }) };
}

function packPuts({ facts: { source, destination }, planned }: Look, { packs }: SourceSnapshot): PutStep[] {
  return packs.flatMap(([key, bytes]) => {
    const there = destination.get(key);
    if (there?.bytes === bytes || planned.has(key)) return [];
    planned.add(key);
    const found = source.get(key);
    return found ? [putStep(key, { key }, found, 'a snapshot needs it', there)] : [];
  });
}

/** The subject indexes of the chains that the snapshot's packs lie in. */
function indexPuts(
  { facts: { source, destination }, indexes, planned }: Look,
  { packs }: SourceSnapshot,
): PutStep[] {
  const folders = new Set(packs.map(([key]) => key.replace(/packs\/[^/]+$/, 'index/')));
  return [...folders].flatMap((folder) => {
    if (planned.has(folder)) return [];
    planned.add(folder);
    return (indexes.get(folder) ?? []).flatMap((key) => {
      const found = source.get(key);
      const there = destination.get(key);
      if (!found || there?.bytes === found.bytes) return [];
      return [putStep(key, { key }, found, 'where subjects are in its chain', there)];
    });
  });
}

/** The keys of subject indexes, by their folder. */
function indexesOf({ set, source }: CopyFacts): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const key of source.keys()) {
    const folder = /^.*\/index\//.exec(key)?.[0];
    if (folder === undefined || parseKept(key, set)?.part !== 'chains') continue;
    found.set(folder, [...(found.get(folder) ?? []), key]);
  }
  return found;
}

/** Objects of that name and size at the destination, below whatever days. */
function at({ set, source }: CopyFacts, places: Places, key: string): readonly Place[] {
  const where = parseSnapshotKey(set, key);
  const bytes = source.get(key)?.bytes;
  const all = where ? places.get(`${where.snapshot}/${where.name}`) : undefined;
  return (all ?? []).filter(({ found }) => found.bytes === bytes);
}

/** Those of them that end no later than the original: a put that took until after midnight may not have. */
function placedWell(facts: CopyFacts, places: Places, key: string, ends: Date): readonly Place[] {
  return at(facts, places, key).filter(({ days, found }) => endOfOriginal(found.modified, days) <= ends);
}
