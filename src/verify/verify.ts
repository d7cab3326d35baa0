/**
 * Verifying a set: signatures, the chain of entries, manifests and packs by what a listing shows; and, with a
 * private key, every byte. Verified, wrong and could-not-be-checked are three different answers.
 */
import { isHoldfastError, reasonOf, throwIfCancelled } from '../errors.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import { findChainBreaks, newestByWriter, readCatalog } from '../repository/catalog.ts';
import type { Catalog, CatalogEntry } from '../repository/catalog.ts';
import { sha256Hex } from '../repository/entry.ts';
import { packKey } from '../repository/layout.ts';
import { checkLedgerCovers, readLedger } from '../repository/ledger.ts';
import { findRollback, readSeen, rememberSeen } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { readManifest } from '../restore/open.ts';
import type { SegmentPool } from '../segments/pool.ts';
import { readWhole } from './read-data.ts';

export interface Finding {
  readonly kind: 'problem' | 'unchecked' | 'note';
  /** The snapshot, or the set when it is about all of it. */
  readonly about: string;
  readonly text: string;
}

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
  const catalog = await readCatalog(session.store, session.id, set, session.trust, signal);
  await checkHistory(session, set, catalog, now, problem, signal);
  for (const { key, error } of catalog.failures) problem(set, `${key}: ${reasonOf(error)}`);
  for (const folder of catalog.deadRuns) {
    findings.push({ kind: 'note', about: set, text: `${folder} is a run that died before it committed` });
  }
  const live = catalog.entries.filter(({ entry }) => new Date(entry.end) > now);
  const packs = await listReferencedPacks(session, live, signal);
  const totals = { segments: 0, bytesRead: 0 };
  const opened = new Set<string>();
  for (const item of live) {
    throwIfCancelled(signal);
    const about = item.entry.snapshot;
    checkPresence(item, packs, (text) => problem(about, text));
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

/** The ledger, the hash chain of entries, and both against what this machine has seen. */
async function checkHistory(
  session: Session,
  set: string,
  catalog: Catalog,
  now: Date,
  problem: (about: string, text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const folder = stateFolderOf(session, set);
  for (const text of findChainBreaks(catalog.entries, now)) problem(set, text);
  try {
    const ledger = await readLedger(session.store, session.id, set, session.ledgerTrust, signal);
    const newest = newestByWriter(catalog.entries);
    const rollbacks = findRollback(await readSeen(folder), newest, ledger.heads, now);
    for (const text of rollbacks) problem(set, `the store was rolled back: ${text}`);
    if (rollbacks.length === 0) await rememberSeen(folder, newest, ledger.heads);
    for (const { entry } of catalog.entries) checkLedgerCovers(set, ledger, entry.ledger_seen);
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED')) throw error;
    problem(set, reasonOf(error));
  }
}

/** The sizes of all packs that live snapshots name, by key; chain folders are listed once each. */
async function listReferencedPacks(
  { store }: Session,
  live: readonly CatalogEntry[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const folders = new Set(
    live.flatMap(({ entry }) => entry.packs.map(([ref]) => packKey(entry, ref).replace(/[^/]+$/, ''))),
  );
  const sizes = new Map<string, number>();
  for (const folder of folders)
    for await (const { key, bytes } of store.list(folder, signal)) sizes.set(key, bytes);
  return sizes;
}

function checkPresence(
  { entry, manifestBytes }: CatalogEntry,
  packs: Map<string, number>,
  problem: (text: string) => void,
): void {
  if (manifestBytes === undefined) problem('its manifest is gone although it has not expired');
  else if (manifestBytes !== entry.manifest.bytes)
    problem(`its manifest has ${manifestBytes} of ${entry.manifest.bytes} bytes`);
  for (const [ref, bytes] of entry.packs) {
    const found = packs.get(packKey(entry, ref));
    if (found === undefined) problem(`pack ${ref} is gone`);
    else if (found !== bytes) problem(`pack ${ref} has ${found} of ${bytes} bytes`);
  }
}

/** The manifest's hash; a host that may not read manifests says so instead of passing it. */
async function checkManifest(
  session: Session,
  item: CatalogEntry,
  findings: Finding[],
  signal: AbortSignal,
): Promise<void> {
  const about = item.entry.snapshot;
  if (item.manifestBytes === undefined) return;
  try {
    await readManifest(session, item, signal);
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED')) throw error;
    const unchecked = isHoldfastError(error) && error.exit !== 'verification';
    findings.push({ kind: unchecked ? 'unchecked' : 'problem', about, text: reasonOf(error) });
  }
}
