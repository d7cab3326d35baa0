/**
 * Old manifests, wherever they lie: in all versions, of snapshots that live and of those that have ended or never came
 * to be. As long as one is there, whoever has it and a recipient's key reads what was erased.
 */
import { throwIfCancelled } from '../../errors.ts';
import type { Catalog, CatalogEntry } from '../../repository/catalog.ts';
import {
  amendmentRevision,
  daysOfPrefix,
  manifestRevision,
  parseSnapshotKey,
  snapshotsFolder,
} from '../../repository/layout.ts';
import { DAY_MS } from '../../repository/rules.ts';
import type { ObjectVersion, ReadStore, Store, StuckVersion } from '../../stores/store.ts';

const ROUNDS_MAX = 4;
/** A run that has put its manifest and not its entry may still be under way: its snapshot would be lost. */
const DEAD_RUN_MS = DAY_MS;

/** What counts of one snapshot. */
export interface CurrentManifest {
  readonly revision: number;
  readonly bytes: number;
}

export interface ManifestRules {
  readonly set: string;
  /** Snapshots that stay, with the revision that counts; undefined: nobody can tell, nothing of it is touched. */
  readonly living: ReadonlyMap<string, CurrentManifest | undefined>;
  /** Snapshots that are known to have an entry, and whose manifests go: they are past their end, or end today. */
  readonly gone: ReadonlySet<string>;
  /** The store's clock. */
  readonly now: Date;
  /** Manifests without an entry go, however young they are. */
  readonly removeDeadRuns: boolean;
}

export interface ManifestVerdicts {
  readonly remove: readonly string[];
  /** Snapshots whose old manifests stay, since the one that counts is not there. */
  readonly unreplaced: readonly string[];
  /** Snapshots that the catalogue did not have: they may come to be yet. */
  readonly underWay: readonly string[];
}

/**
 * The snapshots that stay, with what counts of them, and those that go.
 * @param removed - snapshots whose manifests are to be removed, though they have not ended
 */
export function livesAndEnds(
  { entries }: Pick<Catalog, 'entries'>,
  removed: ReadonlySet<string>,
  now: Date,
): Pick<ManifestRules, 'living' | 'gone'> {
  const goes = ({ entry }: CatalogEntry) => new Date(entry.end) <= now || removed.has(entry.snapshot);
  return {
    living: new Map(
      entries
        .filter((item) => !goes(item))
        .map(({ entry, current }) => [
          entry.snapshot,
          current && { revision: current.revision, bytes: current.bytes },
        ]),
    ),
    gone: new Set(entries.filter(goes).map(({ entry }) => entry.snapshot)),
  };
}

/** Which of these manifests and amendments go. Pure. */
export function judgeManifests(found: readonly ObjectVersion[], rules: ManifestRules): ManifestVerdicts {
  const remove = new Set<string>();
  const unreplaced = new Set<string>();
  const underWay = new Set<string>();
  const there = new Set(
    found.filter((one) => counts(one, rules)).map(({ key }) => snapshotOf(rules.set, key)),
  );
  for (const one of found) {
    const place = parseSnapshotKey(rules.set, one.key);
    const revision = place && (manifestRevision(place.name) ?? amendmentRevision(place.name));
    if (!place || revision === undefined) continue;
    const { snapshot } = place;
    const current = rules.living.get(snapshot);
    if (rules.living.has(snapshot)) {
      if (!current || revision === current.revision) continue;
      if (there.has(snapshot)) remove.add(one.key);
      // A revision above it belongs to a run that did not finish.
      else unreplaced.add(snapshot);
    } else if (rules.gone.has(snapshot) || isDeadRun(one, found, rules)) remove.add(one.key);
    else underWay.add(snapshot);
  }
  return { remove: [...remove], unreplaced: [...unreplaced], underWay: [...underWay] };
}

/** True for the manifest that counts, as it should be. */
function counts({ key, bytes, isLatest, isMarker }: ObjectVersion, { set, living }: ManifestRules): boolean {
  const place = parseSnapshotKey(set, key);
  const current = place && living.get(place.snapshot);
  if (!current || !isLatest || isMarker) return false;
  return manifestRevision(place.name) === current.revision && bytes === current.bytes;
}

/**
 * No entry was known for it when the catalogue was read. One that is young may have been committed since, or be about
 * to be: whoever says that no backup is running may have those without an entry removed too.
 */
function isDeadRun(
  { key, modified }: ObjectVersion,
  found: readonly ObjectVersion[],
  { set, now, removeDeadRuns }: ManifestRules,
): boolean {
  if (now.getTime() - modified.getTime() >= DEAD_RUN_MS) return true;
  const entry = `/${snapshotOf(set, key)}/entry.json`;
  return removeDeadRuns && !found.some((other) => other.key.endsWith(entry));
}

function snapshotOf(set: string, key: string): string {
  return parseSnapshotKey(set, key)?.snapshot ?? '';
}

export interface Swept {
  readonly removed: readonly string[];
  /** What a lock keeps there. */
  readonly stuck: readonly StuckVersion[];
  readonly unreplaced: readonly string[];
  readonly underWay: readonly string[];
}

export interface SweepOptions {
  readonly bypassGovernance: boolean;
  /** Awaited before each removal. */
  readonly check: () => Promise<void>;
}

/** Removes them in all versions, until a listing shows no more of them. */
export async function sweepManifests(
  store: Store,
  rules: ManifestRules,
  { bypassGovernance, check }: SweepOptions,
  signal: AbortSignal,
): Promise<Swept> {
  const removed = new Set<string>();
  const stuck: StuckVersion[] = [];
  let verdicts: ManifestVerdicts = { remove: [], unreplaced: [], underWay: [] };
  for (let round = 0; round < ROUNDS_MAX; round++) {
    verdicts = judgeManifests(await listManifests(store, rules.set, signal), rules);
    const locked = new Set(stuck.map(({ key }) => key));
    const keys = verdicts.remove.filter((key) => !locked.has(key));
    if (keys.length === 0) break;
    await check();
    throwIfCancelled(signal);
    stuck.push(...(await store.remove(keys, { allVersions: true, bypassGovernance }, signal)));
    for (const key of keys) removed.add(key);
  }
  for (const { key } of stuck) removed.delete(key);
  const { unreplaced, underWay } = verdicts;
  return { removed: [...removed], stuck, unreplaced, underWay };
}

/** Everything below `snapshots/` of a set, under any life, in all versions. */
export async function listManifests(
  store: ReadStore,
  set: string,
  signal: AbortSignal,
): Promise<ObjectVersion[]> {
  const found: ObjectVersion[] = [];
  // Where only old versions are left no folder shows, so all lives are asked for together.
  for await (const version of store.versions('keep-', signal)) {
    const days = daysOfPrefix(version.key.slice(0, version.key.indexOf('/')));
    if (days !== undefined && version.key.startsWith(snapshotsFolder(set, days))) found.push(version);
  }
  return found;
}
