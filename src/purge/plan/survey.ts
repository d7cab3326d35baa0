/** What a purge will find in the store and in each copy: what it removes, what locks keep, what stays as unreadable bytes. */
import pLimit from 'p-limit';
import { isHoldfastError, throwIfCancelled } from '../../errors.ts';
import {
  amendmentRevision,
  daysOfPack,
  manifestRevision,
  packKey,
  parseSnapshotKey,
} from '../../repository/layout.ts';
import type { RetiredPlace } from '../../repository/purges.ts';
import { latestEnd } from '../../repository/rules.ts';
import type { ObjectLock, ObjectVersion, Store } from '../../stores/store.ts';
import type { PurgeCopy } from '../apply/apply-options.ts';
import { listManifests } from '../apply/manifests.ts';
import { allOrFirstError } from '../rewrite/new-segments.ts';
import type { PlannedObjects, PlannedPlace } from './planned-place.ts';

const ASKED_AT_ONCE = 16;

export interface SurveyOptions {
  readonly set: string;
  /** Snapshots whose manifests are replaced, or removed. */
  readonly touched: ReadonlySet<string>;
  readonly retired: readonly RetiredPlace[];
}

/**
 * Looks at one place. Nothing is opened, and nothing is changed.
 * @throws HoldfastError what the store throws
 */
export async function surveyPlace(
  { name, store }: PurgeCopy,
  { set, touched, retired }: SurveyOptions,
  signal: AbortSignal,
): Promise<PlannedPlace> {
  const listed = await listManifests(store, set, signal);
  const manifests = listed.filter(({ key }) => isOfAny(set, key, touched));
  const packs = await packVersions(store, set, retired, signal);
  const ends = packs.map(({ version, ref }) => latestEnd(version.modified, daysOfPack(ref)));
  const held = await tallyOf(
    store,
    packs.map(({ version }) => version),
    signal,
  );
  const until = latestOf([...ends, ...(held.lockedUntil === undefined ? [] : [new Date(held.lockedUntil)])]);
  return {
    name,
    manifests: await tallyOf(store, manifests, signal),
    packs: { ...held, ...(until !== undefined && { unreadableUntil: until }) },
  };
}

/** Everything of a set, in one place: what goes when all of it goes. */
export async function surveyWhole(
  { name, store }: PurgeCopy,
  set: string,
  signal: AbortSignal,
): Promise<PlannedPlace> {
  const all = (await Array.fromAsync(store.versions('keep-', signal))).filter(({ key }) => {
    const [, owner, area] = key.split('/');
    return owner === set && (area === 'snapshots' || area === 'chains');
  });
  const isManifest = ({ key }: ObjectVersion) => parseSnapshotKey(set, key) !== undefined;
  return {
    name,
    manifests: await tallyOf(store, all.filter(isManifest), signal),
    packs: await tallyOf(
      store,
      all.filter((one) => !isManifest(one)),
      signal,
    ),
  };
}

function isOfAny(set: string, key: string, snapshots: ReadonlySet<string>): boolean {
  const place = parseSnapshotKey(set, key);
  if (place === undefined || !snapshots.has(place.snapshot)) return false;
  return (manifestRevision(place.name) ?? amendmentRevision(place.name)) !== undefined;
}

/** The packs of these places that are there: one listing for each chain and life. */
async function packVersions(
  store: Store,
  set: string,
  retired: readonly RetiredPlace[],
  signal: AbortSignal,
): Promise<{ version: ObjectVersion; ref: string }[]> {
  const refs = new Map(
    retired.map(([writer, chain, ref]) => [packKey({ set, writer, chain }, ref), ref] as const),
  );
  const folders = new Set([...refs.keys()].map((key) => key.slice(0, key.lastIndexOf('/') + 1)));
  const found: { version: ObjectVersion; ref: string }[] = [];
  for (const folder of folders) {
    throwIfCancelled(signal);
    for await (const version of store.versions(folder, signal)) {
      const ref = refs.get(version.key);
      if (ref !== undefined) found.push({ version, ref });
    }
  }
  return found;
}

/** Counts objects and versions, and asks for their locks where there can be any. */
async function tallyOf(
  store: Store,
  versions: readonly ObjectVersion[],
  signal: AbortSignal,
): Promise<PlannedObjects> {
  const real = versions.filter(({ isMarker }) => !isMarker);
  const tally = {
    objects: new Set(real.map(({ key }) => key)).size,
    versions: real.length,
    bytes: real.reduce((sum, { bytes }) => sum + bytes, 0),
  };
  const { bucket } = store;
  if (bucket === undefined || real.length === 0 || !(await store.features(signal)).objectLock)
    return { ...tally, locked: 0 };
  const now = await store.now(signal);
  const limit = pLimit(ASKED_AT_ONCE);
  const ask = async ({ key, version }: ObjectVersion): Promise<ObjectLock | undefined> => {
    throwIfCancelled(signal);
    return bucket.lockOf(key, version, signal);
  };
  try {
    const locks = await allOrFirstError(real.map((one) => limit(() => ask(one))));
    const holding = locks.filter((lock) => lock !== undefined).filter(({ until }) => until > now);
    const until = latestOf(holding.map((lock) => lock.until));
    const modes = [...new Set(holding.map(({ mode }) => mode))].sort();
    return {
      ...tally,
      locked: holding.length,
      ...(until !== undefined && { lockedUntil: until, modes }),
    };
  } catch (error) {
    // Whoever may not ask does not know; the plan says so instead of "none".
    if (isHoldfastError(error, 'STORE_DENIED')) return { ...tally };
    throw error;
  }
}

function latestOf(dates: readonly Date[]): string | undefined {
  if (dates.length === 0) return undefined;
  return new Date(Math.max(...dates.map(Number))).toISOString();
}
