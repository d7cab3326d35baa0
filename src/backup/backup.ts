/** One backup run: a consistent dump of one source becomes one snapshot, or nothing. */
import { randomBytes } from 'node:crypto';
import { MessageSealer } from '../openpgp/message.ts';
import { newestByWriter, readCatalog } from '../repository/catalog.ts';
import type { Catalog } from '../repository/catalog.ts';
import type { Binding, Entry } from '../repository/entry.ts';
import type { HoldfastError } from '../errors.ts';
import { isHoldfastError } from '../errors.ts';
import { runTooLong } from '../repository/errors.ts';
import { FORMAT, newSnapshotId } from '../repository/layout.ts';
import { readLedger } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { chooseClass } from '../repository/keep.ts';
import type { KeepClass, TakenSnapshot } from '../repository/keep.ts';
import { lockSet } from '../repository/lock.ts';
import { writeIndexes } from '../repository/index-state.ts';
import type { SegmentRef } from '../repository/pages.ts';
import { erasedUntil, purgesOf } from '../repository/purges.ts';
import { own } from '../repository/records.ts';
import { endOfPromise } from '../repository/rules.ts';
import { findRollback, readSeen, rememberSeen } from '../repository/seen.ts';
import type { SeenEntry } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { SegmentPool } from '../segments/pool.ts';
import type { SourceInfo } from '../sources/source.ts';
import { PurgeGuard } from '../suppression/guard.ts';
import { TOOL } from '../version.ts';
import { openChain, withoutRetired } from './chain.ts';
import type { ReadyChain } from './chain.ts';
import { checkCommit, commit } from './commit.ts';
import type { CommitCheck } from './commit.ts';
import { NO_HOOKS } from './hooks.ts';
import { Locks } from './locks.ts';
import type { BackupOptions } from './options.ts';
import { record } from './record.ts';
import type { Recorded } from './recorder.ts';

const CLOCK_SKEW_MAX_MS = 10 * 60_000;
/** A run is repeated when a purge or its own length overtook it; more often than this something else is wrong. */
const ATTEMPTS_MAX = 3;

export interface BackupReport {
  readonly entry: Entry;
  /** Which life this snapshot got, and of which class of the calendar. */
  readonly life: KeepClass;
  /** Why this run was a full one, or why it was not. */
  readonly reason: string;
  /** The snapshot is there, but what was to be done after it failed. */
  readonly afterFailed?: HoldfastError;
}

/**
 * Runs a backup.
 * @throws HoldfastError LOCKED, HOOK_FAILED, PACKS_VANISHED, RUN_TOO_LONG, and what source and store throw; then no snapshot exists
 */
export async function runBackup(options: BackupOptions, signal: AbortSignal): Promise<BackupReport> {
  const { session, set, hooks = NO_HOOKS, onWarning } = options;
  using _lock = await lockSet(stateFolderOf(session, set), set);
  let report: BackupReport;
  try {
    await hooks.before(signal);
    report = await takeSnapshot(options, signal);
  } catch (error) {
    const outcome = isHoldfastError(error) && error.exit === 'cancelled' ? 'cancelled' : 'failed';
    const failure = await hooks.after(outcome, undefined);
    if (failure) onWarning(failure.message);
    throw error;
  }
  const afterFailed = await hooks.after('ok', report.entry.snapshot);
  return { ...report, ...(afterFailed && { afterFailed }) };
}

async function takeSnapshot(options: BackupOptions, signal: AbortSignal): Promise<BackupReport> {
  const { set, source, onStart, onWarning } = options;
  const info = await source.probe(signal);
  for (const warning of info.warnings) onWarning(warning);
  onStart(info);
  await using pool = SegmentPool.forWriting();
  let full = options.full;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const outcome = await attemptBackup({ ...options, full }, info, pool, signal);
    if (outcome.kind === 'committed') return outcome.report;
    if (outcome.kind === 'too-old' && outcome.wasFull) break;
    onWarning(REPEAT_REASON[outcome.kind]);
    full ||= outcome.kind === 'too-old';
  }
  throw runTooLong(set);
}

const REPEAT_REASON = {
  retired: 'a purge retired segments while this run was under way; it starts over',
  'too-old': 'the run took so long that its chain came to an end; it starts over with a full snapshot',
} as const;

type Outcome =
  | { readonly kind: 'committed'; readonly report: BackupReport }
  | { readonly kind: 'retired' | 'too-old'; readonly wasFull: boolean };

async function attemptBackup(
  options: BackupOptions,
  info: SourceInfo,
  pool: SegmentPool,
  signal: AbortSignal,
): Promise<Outcome> {
  const { session, set, writer, full } = options;
  const startedMs = performance.now();
  const now = await session.store.now(signal);
  warnAboutClock(now, options.onWarning);
  const ledger = await readLedger(session, set, signal);
  const catalog = await readCatalog(session, set, ledger, signal);
  const prev = await previousEntry(options, catalog, ledger, now);
  const life = chooseClass(options.policy.keep, snapshotsOf(catalog, writer), now);
  const policy = { keepDays: life.days, fullEveryDays: options.policy.fullEveryDays };
  const context = {
    store: session.store,
    stateFolder: stateFolderOf(session, set),
    set,
    writer,
    policy,
    catalog,
    ledger,
  };
  using chain = await openChain(context, now, full, signal);
  const locks = options.policy.lock && new Locks(options.policy.lock, now);
  const guard = await readGuard(options, ledger, now, signal);
  const recorded = await record({ ...options, info, guard }, chain, locks, pool, signal);
  const committing = await session.store.now(signal);
  const check = await checkCommit(session, chain, recorded, policy, committing, signal);
  if (check.kind !== 'go') return { kind: check.kind, wasFull: chain.decision.kind === 'start' };
  // Whoever was erased since is not among those whom this dump was looked through for.
  if (countPurges(session, check.ledger) > countPurges(session, ledger))
    return { kind: 'retired', wasFull: chain.decision.kind === 'start' };
  const binding = bind(options, chain, check, life.days, prev, now, committing);
  const parts = {
    lock: locks?.ofManifest(),
    place: chain.place,
    binding,
    full: chain.decision.kind === 'start',
    prev: prev ? { snapshot: prev.snapshot, seq: prev.seq, sha256: prev.sha256, end: prev.end } : null,
    packs: check.packs,
    recorded,
    indexes: await indexesOf(context.stateFolder, chain, recorded, check.ledger),
    source: info,
    durationMs: performance.now() - startedMs,
    tool: TOOL,
  };
  const sealer = new MessageSealer(options.recipients, options.signer);
  const { entry, entrySha256 } = await commit(session.store, parts, sealer, options.signer, signal);
  const seen = { seq: entry.seq, snapshot: entry.snapshot, sha256: entrySha256, end: entry.end };
  await rememberSeen(context.stateFolder, { [writer]: seen }, check.ledger.heads);
  return { kind: 'committed', report: { entry, life, reason: chain.decision.reason } };
}

function readGuard(
  { session, set, onPurged, onWarning, subjects, source }: BackupOptions,
  ledger: Ledger,
  now: Date,
  signal: AbortSignal,
): Promise<PurgeGuard> {
  const about = { policy: onPurged ?? 'warn', map: subjects?.map, engine: source.kind } as const;
  return PurgeGuard.read({ session, set, onWarning, ...about }, ledger, now, signal);
}

function countPurges({ operators }: Session, ledger: Ledger): number {
  return purgesOf(ledger, operators).length;
}

/** The indexes that know segments of this run; the host remembers all of the chain's. */
async function indexesOf(
  stateFolder: string,
  { place, indexes }: ReadyChain,
  { packs, newIndexes }: Recorded,
  ledger: Ledger,
): Promise<readonly SegmentRef[]> {
  const usable = [...withoutRetired(indexes, ledger, place), ...newIndexes];
  if (newIndexes.length > 0) await writeIndexes(stateFolder, place.chain, usable);
  return usable.filter((index) => index.packs.some((ref) => packs.has(ref))).map(({ ref }) => ref);
}

/** What decides about the life of the next one: snapshots of this writer whose manifest is there. */
function snapshotsOf({ entries }: Catalog, writer: string): TakenSnapshot[] {
  return entries
    .filter(({ entry, current }) => entry.writer === writer && (!current || current.listed !== undefined))
    .map(({ entry }) => ({ time: new Date(entry.time), keepDays: entry.keep_days }));
}

function warnAboutClock(now: Date, onWarning: (text: string) => void): void {
  const skew = Date.now() - now.getTime();
  if (Math.abs(skew) <= CLOCK_SKEW_MAX_MS) return;
  const minutes = Math.round(Math.abs(skew) / 60_000);
  onWarning(
    `this host's clock is ${minutes} minutes ${skew > 0 ? 'ahead of' : 'behind'} the store's; the store's is used`,
  );
}

/** The entry that this run follows: the writer's newest that the store shows, or that this host remembers. */
async function previousEntry(
  { session, set, writer, onWarning }: BackupOptions,
  catalog: Catalog,
  ledger: Ledger,
  now: Date,
): Promise<SeenEntry | undefined> {
  const seen = await readSeen(stateFolderOf(session, set));
  const present = newestByWriter(catalog.entries);
  for (const problem of findRollback(seen, present, ledger, now, erasedUntil(ledger)))
    onWarning(`the store was rolled back: ${problem}`);
  for (const { key } of catalog.failures) onWarning(`${key} cannot be verified; run: holdfast verify ${set}`);
  const newest = catalog.entries.at(-1)?.entry.time;
  if (newest !== undefined && new Date(newest) > now) {
    onWarning(`the store's clock (${now.toISOString()}) is behind its newest snapshot (${newest})`);
  }
  const [here, there] = [own(seen.entries, writer), own(present, writer)];
  return here && (!there || here.seq > there.seq) ? here : there;
}

function bind(
  { session, set, writer, recipients }: BackupOptions,
  chain: ReadyChain,
  check: CommitCheck & { kind: 'go' },
  keepDays: number,
  prev: SeenEntry | undefined,
  started: Date,
  committing: Date,
): Binding {
  return {
    format: FORMAT,
    store: session.id,
    set,
    snapshot: newSnapshotId(started, randomBytes(4)),
    writer,
    chain: chain.place.chain,
    seq: (prev?.seq ?? 0) + 1,
    revision: 0,
    time: started.toISOString(),
    end: endOfPromise(committing, keepDays).toISOString(),
    keep_days: keepDays,
    pack_days: chain.packDays,
    ledger_seen: check.ledger.heads,
    recipients: recipients.map((key) => key.getFingerprint()),
  };
}
