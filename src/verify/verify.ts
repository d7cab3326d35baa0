/**
 * Verifying a set: signatures, the chain of entries, manifests and packs by what a listing shows; and, with a
 * private key, every byte. Verified, wrong and could-not-be-checked are three different answers.
 */
import { isHoldfastError, reasonOf, throwIfCancelled } from '../errors.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import { findChainBreaks, newestByWriter, readCatalog } from '../repository/catalog.ts';
import type { Catalog, CatalogEntry } from '../repository/catalog.ts';
import { sha256Hex } from '../repository/entry.ts';
import { EMPTY_LEDGER, checkLedgerCovers, readLedger } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { namedRevisions } from '../repository/ledger-events.ts';
import { otherRevisions } from '../repository/revision.ts';
import { DAY_MS } from '../repository/rules.ts';
import { erasedUntil } from '../repository/purges.ts';
import { findRollback, readSeen, rememberSeen } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import type { SegmentPool } from '../segments/pool.ts';
import { checkManifest, checkPresence, listReferencedPacks } from './presence.ts';
import type { Finding } from './presence.ts';
import { readWhole } from './read-data.ts';

export type { Finding } from './presence.ts';

export interface VerifyReport {
  readonly set: string;
  readonly snapshots: number;
  /** Snapshots in which nothing wrong was found. */
  readonly sound: number;
  readonly packs: number;
  /** Segments that were opened; 0 without `readData`. */
  readonly segments: number;
  readonly bytesRead: number;
  readonly findings: readonly Finding[];
}

export interface VerifyOptions {
  readonly session: Session;
  readonly set: string;
  /** Opens everything with this key; only what is public is checked when undefined. */
  readonly readData: { readonly opener: MessageOpener; readonly pool: SegmentPool } | undefined;
  readonly onProgress: (bytes: number, what: string) => void;
  /** This is a copy: what was to end within a day when it was made is rightly not in it. */
  readonly isCopy?: boolean;
}

/** What belongs to the store as a whole: the way out without this program, and the keys of the hosts. */
export async function verifyStore(session: Session, signal: AbortSignal): Promise<Finding[]> {
  const about = session.store.url;
  const findings = session.unreadableKeys.map((key): Finding => ({
    kind: 'problem',
    about,
    text: `${key} is not the key that its name says`,
  }));
  for (const [name, sha256] of Object.entries(session.header.recovery)) {
    try {
      const found = sha256Hex(await session.store.get(name, undefined, signal));
      if (found !== sha256) findings.push({ kind: 'problem', about, text: `${name} was changed` });
    } catch (error) {
      if (isHoldfastError(error, 'CANCELLED')) throw error;
      const gone = isHoldfastError(error, 'STORE_OBJECT_MISSING');
      findings.push({ kind: gone ? 'problem' : 'unchecked', about, text: reasonOf(error) });
    }
  }
  return findings;
}

export async function verifySet(options: VerifyOptions, signal: AbortSignal): Promise<VerifyReport> {
  const { session, set, readData } = options;
  const findings: Finding[] = [];
  const problem = (about: string, text: string) => findings.push({ kind: 'problem', about, text });
  const now = await session.store.now(signal);
  const ledger = await checkedLedger(session, set, problem, signal);
  const catalog = await readCatalog(session, set, ledger ?? EMPTY_LEDGER, signal);
  const expected = options.isCopy === true ? new Date(now.getTime() + DAY_MS) : now;
  for (const text of findChainBreaks(catalog.entries, expected, ledger && erasedUntil(ledger)))
    problem(set, text);
  await checkHistory(session, set, catalog, ledger, now, problem);
  for (const { key, error } of catalog.failures) problem(set, `${key}: ${reasonOf(error)}`);
  for (const { folder } of catalog.deadRuns) {
    findings.push({ kind: 'note', about: set, text: `${folder} is a run that died before it committed` });
  }
  const live = catalog.entries.filter(({ entry }) => new Date(entry.end) > now);
  findings.push(...supersededManifests(set, catalog.entries));
  const packs = await listReferencedPacks(session, live, signal);
  const totals = { segments: 0, bytesRead: 0 };
  const opened = new Set<string>();
  for (const item of live) {
    throwIfCancelled(signal);
    const about = item.entry.snapshot;
    if (item.current) checkPresence(item, item.current, packs, (text) => problem(about, text));
    await checkManifest(session, item, findings, signal);
    if (!readData) continue;
    const read = await readWhole(
      { session, item, opened, ...readData, onProgress: options.onProgress },
      signal,
    );
    for (const text of read.problems) problem(about, text);
    totals.segments += read.segments;
    totals.bytesRead += read.bytes;
  }
  const wrong = new Set(findings.filter((f) => f.kind === 'problem').map((f) => f.about));
  const sound = live.filter(({ entry }) => !wrong.has(entry.snapshot)).length;
  return { set, snapshots: live.length, sound, packs: packs.size, ...totals, findings };
}

/** The ledger, when it holds; undefined, with a problem said, when it does not or names what cannot be. */
async function checkedLedger(
  session: Session,
  set: string,
  problem: (about: string, text: string) => void,
  signal: AbortSignal,
): Promise<Ledger | undefined> {
  try {
    const ledger = await readLedger(session, set, signal);
    namedRevisions(ledger, session.operators);
    return ledger;
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED')) throw error;
    problem(set, reasonOf(error));
    return undefined;
  }
}

/** Ledger and entries against each other, and against what this machine has seen. */
async function checkHistory(
  session: Session,
  set: string,
  catalog: Catalog,
  ledger: Ledger | undefined,
  now: Date,
  problem: (about: string, text: string) => void,
): Promise<void> {
  const folder = stateFolderOf(session, set);
  if (!ledger) return;
  try {
    const newest = newestByWriter(catalog.entries);
    const rollbacks = findRollback(await readSeen(folder), newest, ledger, now, erasedUntil(ledger));
    for (const text of rollbacks) problem(set, `the store was rolled back: ${text}`);
    if (rollbacks.length === 0) await rememberSeen(folder, newest, ledger.heads);
    for (const { entry, current } of catalog.entries)
      for (const { ledger_seen } of [entry, ...(current ? [current.binding] : [])])
        checkLedgerCovers(set, ledger, ledger_seen);
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED')) throw error;
    problem(set, reasonOf(error));
  }
}

/** Manifests that were replaced and still lie there: recipients of before can open them. */
function supersededManifests(set: string, entries: readonly CatalogEntry[]): Finding[] {
  const count = entries
    .flatMap((item) => (item.current ? otherRevisions(item, item.current).superseded : []))
    .filter(({ key }) => key.endsWith('.pgp')).length;
  if (count === 0) return [];
  const text = `${count} superseded ${count === 1 ? 'manifest is' : 'manifests are'} still there, which former recipients can open; run: holdfast keys rotate`;
  return [{ kind: 'note', about: set, text }];
}
