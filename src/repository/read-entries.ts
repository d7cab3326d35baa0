/** The entries of a set as they lie in a store: fetched, verified, and compared with the place where they lie. */
import pLimit from 'p-limit';
import { isHoldfastError } from '../errors.ts';
import { verifyStatement } from '../openpgp/statement.ts';
import { parseEntry, sha256Hex } from './entry.ts';
import type { Entry } from './entry.ts';
import { boundElsewhere } from './errors.ts';
import { entryKey, parseSnapshotKey, snapshotFolder } from './layout.ts';
import type { Session } from './session.ts';

const READS_MAX = 16;

export interface FoundEntry {
  readonly entry: Entry;
  /** Of the entry's bytes, hex: what the next entry's `prev` names. */
  readonly sha256: string;
  /** Where the entry lies. */
  readonly folder: string;
  readonly signer: string;
}

/** What came of each folder: an entry, or why there is none. */
export interface ReadEntries {
  readonly found: ReadonlyMap<string, FoundEntry>;
  readonly failures: readonly EntryFailure[];
}

export interface EntryFailure {
  readonly key: string;
  readonly error: unknown;
}

interface Fetched {
  readonly folder: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/**
 * Reads the entries of these folders.
 * @param chained - an entry whose hash is in a later one that counts is not verified itself: whoever signed the later one
 *   has read and verified it. The newest of each writer, and what stands before a hole, always are.
 */
export async function readEntriesAt(
  session: Pick<Session, 'store' | 'id' | 'trust'>,
  set: string,
  folders: readonly string[],
  chained: boolean,
  signal: AbortSignal,
): Promise<ReadEntries> {
  const found = new Map<string, FoundEntry>();
  const failures: EntryFailure[] = [];
  const named = new Set<string>();
  const limit = pLimit(READS_MAX);
  const attempt = async (folder: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      if (isHoldfastError(error, 'CANCELLED')) throw error;
      failures.push({ key: entryKey(folder), error });
    }
  };
  const take = async ({ folder, bytes, sha256 }: Fetched): Promise<void> => {
    const key = entryKey(folder);
    const { value, signer } = await verifyStatement(bytes, session.trust, key, named.has(sha256));
    const entry = parseEntry(value, key);
    mustBelongHere(session, set, folder, entry);
    if (chained && entry.prev) named.add(entry.prev.sha256);
    found.set(folder, { entry, sha256, folder, signer });
  };
  const fetched: Fetched[] = [];
  const fetch = async (folder: string): Promise<void> => {
    const bytes = await session.store.get(entryKey(folder), undefined, signal);
    const one = { folder, bytes, sha256: sha256Hex(bytes) };
    if (chained) fetched.push(one);
    else await take(one);
  };
  await Promise.all(folders.map((folder) => limit(() => attempt(folder, () => fetch(folder)))));
  for (const one of fetched.sort(newestFirst)) await attempt(one.folder, () => take(one));
  return { found, failures };
}

function mustBelongHere({ id }: Pick<Session, 'id'>, set: string, folder: string, entry: Entry): void {
  const key = entryKey(folder);
  if (entry.store !== id) throw boundElsewhere(key, 'store', id, entry.store);
  // In a copy an entry lies under the days that it had left; never under more, so that a copy ends no later.
  const days = Math.min(parseSnapshotKey(set, key)?.days ?? Infinity, entry.keep_days);
  const home = snapshotFolder(entry.set, days, entry.snapshot);
  if (entry.set !== set || home !== folder) throw boundElsewhere(key, 'place', folder, home);
}

/** By the time in their names: a wrong one only costs a signature. */
function newestFirst(a: Fetched, b: Fetched): number {
  const [one, other] = [a.folder.split('/').at(-2) ?? '', b.folder.split('/').at(-2) ?? ''];
  return one < other ? 1 : one > other ? -1 : 0;
}
