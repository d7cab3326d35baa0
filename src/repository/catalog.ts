/** The catalogue of a set: its entries, verified and put in order, and what is wrong with them. */
import pLimit from 'p-limit';
import { reasonOf } from '../errors.ts';
import type { ObjectInfo } from '../stores/store.ts';
import { boundElsewhere } from './errors.ts';
import {
  daysOfPrefix,
  entryKey,
  parseSnapshotKey,
  snapshotFolder,
  snapshotsFolder,
  startOfSnapshot,
} from './layout.ts';
import type { Ledger } from './ledger.ts';
import { namedRevisions } from './ledger-events.ts';
import { readEntriesAt } from './read-entries.ts';
import type { EntryFailure, FoundEntry, ReadEntries } from './read-entries.ts';
import { emptyRecord } from './records.ts';
import { findCurrent } from './revision.ts';
import type { CurrentRevision } from './revision.ts';
import type { SeenEntry } from './seen.ts';
import type { Session } from './session.ts';

const READS_MAX = 16;

/** Manifest and packs of the revision that counts are in `current`, which need not lie where the entry does. */
export interface CatalogEntry extends FoundEntry {
  /** The revision that counts, which is what readers use; undefined when it cannot be told. See `currentOf`. */
  readonly current: CurrentRevision | undefined;
  /** Why `current` is not there. */
  readonly trouble: unknown;
  /** Everything that lies in the snapshot's folders, below any life: entry, manifests, amendments, strange things. */
  readonly objects: readonly ObjectInfo[];
}

/** A snapshot without an entry: a run that died before it committed, or that is still under way. */
export interface DeadRun {
  readonly folder: string;
  readonly objects: readonly ObjectInfo[];
}

export interface Catalog {
  /** Oldest first; see `inOrder`. */
  readonly entries: readonly CatalogEntry[];
  /** Entries that could not be read or verified: kept apart, so that one damaged object hides nothing else. */
  readonly failures: readonly EntryFailure[];
  readonly deadRuns: readonly DeadRun[];
}

type CatalogSession = Pick<Session, 'store' | 'id' | 'trust' | 'operators'>;

export interface CatalogOptions {
  /**
   * An entry that a later one names counts as verified with it: one signature for each writer instead of one for each
   * entry. For those who only look how things are.
   */
  readonly chained?: boolean;
}

/**
 * Reads all entries of a set, and which revision of each counts by the ledger.
 * @throws HoldfastError SIGNER_NOT_TRUSTED, MALFORMED for what the ledger says of revisions
 */
export async function readCatalog(
  session: CatalogSession,
  set: string,
  ledger: Ledger,
  signal: AbortSignal,
  { chained = false }: CatalogOptions = {},
): Promise<Catalog> {
  const named = namedRevisions(ledger, session.operators);
  const listed = await listSnapshots(session, set, signal);
  const places = listed.flatMap(({ folders }) => folders);
  const read = await readEntriesAt(session, set, places, chained, signal);
  const failures = [...read.failures];
  const found = listed.flatMap(({ snapshot, objects, folders }) => {
    const { entry, differing } = entryOf(folders, read);
    failures.push(...differing);
    return entry === undefined ? [] : [{ ...entry, objects, snapshot }];
  });
  const limit = pLimit(READS_MAX);
  const entries = await Promise.all(
    found.map(({ snapshot, ...about }) =>
      limit(async () => {
        const revision = await findCurrent(session, { ...about, named: named.get(snapshot) }, signal);
        return { ...about, ...revision };
      }),
    ),
  );
  return { entries: inOrder(entries), failures, deadRuns: listed.flatMap(deadRun) };
}

interface SnapshotObjects {
  readonly snapshot: string;
  readonly objects: ObjectInfo[];
  /** Folders with an entry, the longest life first. A copy that was made over two days may have two. */
  readonly folders: string[];
}

async function listSnapshots(
  { store }: CatalogSession,
  set: string,
  signal: AbortSignal,
): Promise<SnapshotObjects[]> {
  const found = new Map<string, SnapshotObjects>();
  const lives = (await store.folders('', signal)).map(daysOfPrefix).filter((days) => days !== undefined);
  for (const days of lives.sort((a, b) => b - a)) {
    for await (const object of store.list(snapshotsFolder(set, days), signal)) {
      const place = parseSnapshotKey(set, object.key);
      if (!place) continue;
      const { snapshot, name } = place;
      const known = found.get(snapshot) ?? { snapshot, objects: [], folders: [] };
      known.objects.push(object);
      if (name === 'entry.json') known.folders.push(snapshotFolder(set, days, snapshot));
      found.set(snapshot, known);
    }
  }
  return [...found.values()];
}

/** An amendment without an entry is left over from a snapshot that has ended: no dead run. */
function deadRun({ objects, folders }: SnapshotObjects): DeadRun[] {
  const [first] = objects;
  if (!first || folders.length > 0) return [];
  if (objects.some(({ key }) => /\/amend-[^/]*$/.test(key))) return [];
  return [{ folder: first.key.replace(/[^/]+$/, ''), objects }];
}

/** The entry of one snapshot: of several that are sound, the one with the longest life, and they must be one. */
function entryOf(
  folders: readonly string[],
  { found }: ReadEntries,
): { entry: FoundEntry | undefined; differing: EntryFailure[] } {
  const [entry, ...others] = folders.flatMap((folder) => found.get(folder) ?? []);
  const differing = others
    .filter(({ sha256 }) => sha256 !== entry?.sha256)
    .map(({ folder, sha256 }) => {
      const key = entryKey(folder);
      return { key, error: boundElsewhere(key, 'content', entry?.sha256 ?? '', sha256) };
    });
  return { entry, differing };
}

/**
 * The revision of a snapshot that is to be read.
 * @throws HoldfastError AMENDMENT_UNKNOWN, AMENDMENT_MISSING, DAMAGED, SIGNER_NOT_TRUSTED and the like
 */
export function currentOf({ entry, current, trouble }: CatalogEntry): CurrentRevision {
  if (current) return current;
  throw trouble instanceof Error ? trouble : new Error(`the revision of ${entry.snapshot} is not known`);
}

/** Why a snapshot cannot be restored, as far as a listing shows; undefined where its manifest is there, whole. */
export function manifestTrouble({ current, trouble }: CatalogEntry): string | undefined {
  if (!current) return trouble === undefined ? undefined : reasonOf(trouble);
  if (!current.listed) return 'its manifest is gone';
  if (current.listed.bytes === current.bytes) return undefined;
  return `its manifest has ${current.listed.bytes} of ${current.bytes} bytes`;
}

/**
 * The order in which people think of snapshots: by time; but one writer's by number, even when its clock jumped
 * back: then a snapshot counts as taken no earlier than the one before it.
 */
export function inOrder(entries: readonly CatalogEntry[]): CatalogEntry[] {
  const latest = new Map<string, string>();
  const timed = entries
    .toSorted((a, b) => a.entry.seq - b.entry.seq)
    .map((item) => {
      const { writer, time } = item.entry;
      const before = latest.get(writer) ?? '';
      const effective = time > before ? time : before;
      latest.set(writer, effective);
      return { item, effective };
    });
  // The sort is stable, so one writer's snapshots of the same effective time keep the order of their numbers.
  return timed
    .sort((a, b) => (a.effective < b.effective ? -1 : a.effective > b.effective ? 1 : 0))
    .map(({ item }) => item);
}

/** The newest entry of every writer, for `seen`. */
export function newestByWriter(entries: readonly CatalogEntry[]): Record<string, SeenEntry> {
  const newest = emptyRecord<SeenEntry>();
  for (const { entry, sha256 } of entries) {
    const known = newest[entry.writer];
    if (known && known.seq > entry.seq) continue;
    newest[entry.writer] = { seq: entry.seq, snapshot: entry.snapshot, sha256, end: entry.end };
  }
  return newest;
}

/**
 * Says where the hash chain of entries has a hole that expiry does not explain, or a fork.
 * @param now - the store's clock
 * @param erased - what was begun until then may be gone: the whole set was purged; see `erasedUntil`
 */
export function findChainBreaks(entries: readonly CatalogEntry[], now: Date, erased?: Date): string[] {
  const problems: string[] = [];
  const bySeq = new Map<string, CatalogEntry>();
  for (const item of entries) {
    const name = `${item.entry.writer} ${item.entry.seq}`;
    if (bySeq.has(name))
      problems.push(`two snapshots are number ${item.entry.seq} of writer ${item.entry.writer}`);
    bySeq.set(name, item);
  }
  for (const { entry } of entries) {
    const { prev, writer, snapshot } = entry;
    if (!prev) continue;
    const before = bySeq.get(`${writer} ${prev.seq}`);
    if (before && before.sha256 !== prev.sha256)
      problems.push(`entry ${prev.snapshot} is not the one that ${snapshot} follows`);
    const isErased = erased && startOfSnapshot(prev.snapshot) <= erased;
    if (!before && !isErased && new Date(prev.end) > now)
      problems.push(`snapshot ${prev.snapshot} is missing before ${snapshot} although it has not expired`);
  }
  return problems;
}
