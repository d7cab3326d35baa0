/** The catalogue of a set: its entries, verified and put in order, and what is wrong with them. */
import pLimit from 'p-limit';
import { verifyStatement } from '../openpgp/statement.ts';
import type { Trust } from '../openpgp/trust.ts';
import type { ReadStore } from '../stores/store.ts';
import { isHoldfastError } from '../errors.ts';
import { parseEntry, sha256Hex } from './entry.ts';
import type { Entry } from './entry.ts';
import { boundElsewhere } from './errors.ts';
import { SNAPSHOT_ID, daysOfPrefix, entryKey, snapshotFolder, snapshotsFolder } from './layout.ts';
import { emptyRecord } from './records.ts';
import type { SeenEntry } from './seen.ts';

const READS_MAX = 16;

export interface CatalogEntry {
  readonly entry: Entry;
  /** Of the entry's bytes, hex: what the next entry's `prev` names. */
  readonly sha256: string;
  readonly folder: string;
  readonly signer: string;
  /** The manifest as the listing shows it; undefined when it is gone. */
  readonly manifestBytes: number | undefined;
  /** A purge or a rotation put an amendment beside it. */
  readonly amended: boolean;
}

export interface Catalog {
  /** Oldest first; see `inOrder`. */
  readonly entries: readonly CatalogEntry[];
  /** Entries that could not be read or verified: kept apart, so that one damaged object hides nothing else. */
  readonly failures: readonly { readonly key: string; readonly error: unknown }[];
  /** Snapshot folders without an entry: runs that died before they committed. */
  readonly deadRuns: readonly string[];
}

async function keepFolders(store: ReadStore, signal: AbortSignal): Promise<string[]> {
  return (await store.folders('', signal)).filter((name) => daysOfPrefix(name) !== undefined);
}

/** Reads all entries of a set. */
export async function readCatalog(
  store: ReadStore,
  storeId: string,
  set: string,
  trust: Trust,
  signal: AbortSignal,
): Promise<Catalog> {
  const folders = await listFolders(store, set, signal);
  const limit = pLimit(READS_MAX);
  const entries: CatalogEntry[] = [];
  const failures: { key: string; error: unknown }[] = [];
  const read = async ({ folder, manifestBytes, amended }: SnapshotFolder) => {
    const key = entryKey(folder);
    try {
      entries.push({
        ...(await readEntry(store, storeId, set, folder, trust, signal)),
        manifestBytes,
        amended,
      });
    } catch (error) {
      if (isHoldfastError(error, 'CANCELLED')) throw error;
      failures.push({ key, error });
    }
  };
  await Promise.all(folders.filter((f) => f.hasEntry).map((folder) => limit(() => read(folder))));
  const deadRuns = folders.filter((f) => !f.hasEntry).map((f) => f.folder);
  return { entries: inOrder(entries), failures, deadRuns };
}

interface SnapshotFolder {
  readonly folder: string;
  hasEntry: boolean;
  manifestBytes: number | undefined;
  amended: boolean;
}

async function listFolders(store: ReadStore, set: string, signal: AbortSignal): Promise<SnapshotFolder[]> {
  const found = new Map<string, SnapshotFolder>();
  const amended = new Set<string>();
  for (const life of await keepFolders(store, signal)) {
    const days = daysOfPrefix(life) ?? 0;
    const prefix = snapshotsFolder(set, days);
    for await (const { key, bytes } of store.list(prefix, signal)) {
      const [snapshot = '', name] = key.slice(prefix.length).split('/');
      if (!SNAPSHOT_ID.test(snapshot)) continue;
      const folder = snapshotFolder(set, days, snapshot);
      const known = found.get(folder) ?? {
        folder,
        hasEntry: false,
        manifestBytes: undefined,
        amended: false,
      };
      if (name === 'entry.json') known.hasEntry = true;
      if (name === 'manifest.pgp') known.manifestBytes = bytes;
      found.set(folder, known);
      if (name?.startsWith('amend-')) amended.add(snapshot);
    }
  }
  // An amendment lies under the days that were left, which is another folder of the same snapshot.
  for (const known of found.values()) known.amended = amended.has(snapshotOf(known.folder));
  return [...found.values()].filter((known) => known.hasEntry || !known.amended);
}

function snapshotOf(folder: string): string {
  return folder.split('/').at(-2) ?? '';
}

async function readEntry(
  store: ReadStore,
  storeId: string,
  set: string,
  folder: string,
  trust: Trust,
  signal: AbortSignal,
): Promise<Omit<CatalogEntry, 'manifestBytes' | 'amended'>> {
  const key = entryKey(folder);
  const bytes = await store.get(key, undefined, signal);
  const { value, signer } = await verifyStatement(bytes, trust, key);
  const entry = parseEntry(value, key);
  const home = snapshotFolder(entry.set, entry.keep_days, entry.snapshot);
  if (entry.store !== storeId) throw boundElsewhere(key, 'store', storeId, entry.store);
  if (entry.set !== set || home !== folder) throw boundElsewhere(key, 'place', folder, home);
  return { entry, sha256: sha256Hex(bytes), folder, signer };
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
 */
export function findChainBreaks(entries: readonly CatalogEntry[], now: Date): string[] {
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
    if (!before && new Date(prev.end) > now)
      problems.push(`snapshot ${prev.snapshot} is missing before ${snapshot} although it has not expired`);
  }
  return problems;
}
