/** What a report says of one set: its entries and its ledger with their signatures, and its share of the listing. */
import { isHoldfastError, reasonOf } from '../errors.ts';
import { readApproval } from '../purge/apply/approval.ts';
import { requestsOf } from '../purge/evidence/requests.ts';
import { findChainBreaks, manifestTrouble, newestByWriter, readCatalog } from '../repository/catalog.ts';
import type { Catalog, CatalogEntry } from '../repository/catalog.ts';
import { drillsOf } from '../repository/drills.ts';
import { packKey, startOfSnapshot } from '../repository/layout.ts';
import { EMPTY_LEDGER, checkLedgerCovers, readLedger } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { namedRevisions } from '../repository/ledger-events.ts';
import { erasedUntil, purgesOf } from '../repository/purges.ts';
import type { PurgeRecord } from '../repository/purges.ts';
import { findRollback, readSeen } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { isOverdue, snapshotGoneBy } from '../retention/gone-by.ts';
import type { Enforcement } from '../retention/gone-by.ts';
import type { MortalObject } from '../retention/objects.ts';
import { drillStatusOf } from '../status/drills.ts';
import type { Store } from '../stores/store.ts';
import type { ObjectsFact, PurgeFact, SetFacts, SetPolicy, SnapshotFact } from './facts.ts';

/** A set that is to be reported about. */
export interface WantedSet extends SetPolicy {
  /** Days of governance on manifests. */
  readonly lockDays: number | undefined;
}

interface AboutSet {
  readonly policy: WantedSet;
  /** Of this set, from a listing; undefined: the store could not be listed. */
  readonly objects: readonly MortalObject[] | undefined;
  readonly enforcement: Enforcement;
  /** The store's clock. */
  readonly now: Date;
  readonly erasureWithinDays: number | undefined;
  readonly drillEveryDays: number | undefined;
}

/** Reads and verifies what is public of one set. */
export async function gatherSet(
  session: Session<Store>,
  { policy, objects, enforcement, now, ...promised }: AboutSet,
  signal: AbortSignal,
): Promise<{ readonly facts: Omit<SetFacts, 'copies'>; readonly entries: readonly CatalogEntry[] }> {
  const { name } = policy;
  const problems: string[] = [];
  const ledger = await ledgerOf(session, name, problems, signal);
  const catalog = await readCatalog(session, name, ledger ?? EMPTY_LEDGER, signal);
  const erased = ledger && erasedUntil(ledger);
  problems.push(...problemsOf(catalog, ledger, now, erased));
  if (ledger) problems.push(...(await rollbacksOf(session, name, catalog, ledger, now)));
  const sizes =
    objects && new Map(objects.filter(({ isLatest }) => isLatest).map((one) => [one.key, one.bytes]));
  const live = catalog.entries.filter(({ entry }) => new Date(entry.end) > now);
  const snapshots = live.map((item) =>
    snapshotFact(item, snapshotGoneBy(item, enforcement, policy.lockDays), sizes),
  );
  const drills = ledger ? drillsOf(ledger, session.operators) : [];
  const purges = ledger ? purgesOf(ledger, session.operators) : [];
  const requests = requestsOf(purges, catalog.entries, promised.erasureWithinDays, now);
  const facts = {
    policy,
    snapshots,
    problems,
    ledgerHolds: ledger !== undefined,
    erasedUntil: erased,
    purges: await Promise.all(purges.map((one, at) => purgeFact(session, name, one, requests[at]))),
    drills,
    drillStatus: drillStatusOf(catalog.entries, drills, promised.drillEveryDays, now),
    objects: objects && objectsFact(objects, now),
  };
  return {
    facts: { ...facts, purges: facts.purges.filter((one) => one !== undefined) },
    entries: catalog.entries,
  };
}

/** The ledger, when it holds and says nothing that its signers may not say. */
async function ledgerOf(
  session: Session,
  set: string,
  problems: string[],
  signal: AbortSignal,
): Promise<Ledger | undefined> {
  try {
    const ledger = await readLedger(session, set, signal);
    namedRevisions(ledger, session.operators);
    purgesOf(ledger, session.operators);
    return ledger;
  } catch (error) {
    if (!isHoldfastError(error) || error.exit !== 'verification') throw error;
    problems.push(error.message);
    return undefined;
  }
}

function problemsOf(
  { entries, failures }: Catalog,
  ledger: Ledger | undefined,
  now: Date,
  erased: Date | undefined,
): string[] {
  const problems = failures.map(({ key, error }) => `${key}: ${reasonOf(error)}`);
  problems.push(...findChainBreaks(entries, now, erased));
  if (!ledger) return problems;
  for (const { entry } of entries) {
    try {
      checkLedgerCovers(entry.set, ledger, entry.ledger_seen);
    } catch (error) {
      problems.push(reasonOf(error));
    }
  }
  return [...new Set(problems)];
}

/** Against what this machine has seen here before, if it has been here. */
async function rollbacksOf(
  session: Session,
  set: string,
  { entries }: Catalog,
  ledger: Ledger,
  now: Date,
): Promise<string[]> {
  const seen = await readSeen(stateFolderOf(session, set));
  const found = findRollback(seen, newestByWriter(entries), ledger, now, erasedUntil(ledger));
  return found.map((text) => `the store was rolled back: ${text}`);
}

/** @param sizes - of what a listing shows; undefined: nothing could be listed */
function snapshotFact(
  item: CatalogEntry,
  goneBy: Date | undefined,
  sizes: ReadonlyMap<string, number> | undefined,
): SnapshotFact {
  const { entry, current } = item;
  const trouble = manifestTrouble(item);
  const missing = trouble === undefined ? [] : [trouble];
  for (const [ref, bytes] of (sizes && current?.packs) ?? []) {
    const found = sizes?.get(packKey(entry, ref));
    if (found === undefined) missing.push(`pack ${ref} is gone`);
    else if (found < bytes) missing.push(`pack ${ref} has ${found} of ${bytes} bytes`);
  }
  return {
    snapshot: entry.snapshot,
    writer: entry.writer,
    time: new Date(entry.time),
    end: new Date(entry.end),
    goneBy,
    keepDays: entry.keep_days,
    full: entry.full,
    before: entry.prev ? startOfSnapshot(entry.prev.snapshot) : undefined,
    plainBytes: entry.counts.plain_bytes,
    newBytes: entry.counts.new_bytes,
    durationMs: entry.counts.duration_ms,
    revision: current?.revision ?? entry.revision,
    recipients: current?.recipients ?? entry.recipients,
    missing,
  };
}

function objectsFact(objects: readonly MortalObject[], now: Date): ObjectsFact {
  const oldest = objects
    .filter(({ bytes }) => bytes > 0)
    .reduce<MortalObject | undefined>((a, b) => (a && a.modified <= b.modified ? a : b), undefined);
  const overdue = objects.filter((object) => isOverdue(object, now));
  return {
    count: objects.length,
    bytes: bytesOf(objects),
    oldest: oldest && { key: oldest.key, modified: oldest.modified, days: oldest.days, bytes: oldest.bytes },
    longestDays: objects.reduce((longest, { days }) => Math.max(longest, days), 0),
    overdue: { count: overdue.length, bytes: bytesOf(overdue), example: overdue[0]?.key },
  };
}

async function purgeFact(
  { id: store, operators }: Session,
  set: string,
  purge: PurgeRecord,
  request: ReturnType<typeof requestsOf>[number] | undefined,
): Promise<PurgeFact | undefined> {
  if (!request) return undefined;
  const { id, intent, approval, amended, free, removed, receipt } = purge;
  const about = { store, set, id, plan: intent.plan };
  // An approval that does not hold is none.
  const approved =
    approval === undefined
      ? undefined
      : await readApproval(approval, operators, about).catch(() => undefined);
  return {
    ...request,
    approvedBy: approved?.signer,
    amended: amended.size,
    clear: free.size - amended.size,
    removed: removed.size,
    receipt,
  };
}

/** All of them together, with their old versions. */
export function bytesOf(objects: readonly MortalObject[]): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0);
}
