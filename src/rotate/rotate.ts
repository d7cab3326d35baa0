/**
 * New recipients for the snapshots that exist: their manifests are sealed anew, packs are not touched. In this order,
 * so that a run that dies anywhere leaves every snapshot readable and the next run finishes it: intent into the
 * ledger; new manifests and amendments, read back; the line of the ledger that makes them count; copies brought level;
 * the old manifests removed in all versions; the end into the ledger.
 */
import { randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import type { MessageOpener } from '../openpgp/message.ts';
import type { openpgp } from '../openpgp/library.ts';
import type { LedgerHeads } from '../repository/entry.ts';
import { takeLease } from '../repository/lease.ts';
import type { Lease } from '../repository/lease.ts';
import { readLedger } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { openIntents } from '../repository/ledger-events.ts';
import { appendLedger, operatorName } from '../repository/ledger-writer.ts';
import type { NewEvent } from '../repository/ledger-writer.ts';
import { lockSet } from '../repository/lock.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { mustBeApplicable, viewSet } from '../restore/open.ts';
import type { ObjectLock, Store, StuckVersion } from '../stores/store.ts';
import { reasonOf, throwIfCancelled } from '../errors.ts';
import { resealSuppression } from '../suppression/reseal.ts';
import { signerIsLeaving } from './errors.ts';
import { removeLeftovers } from './leftovers.ts';
import type { Removed } from './leftovers.ts';
import { planRotation } from './plan.ts';
import type { LeftAlone, Resealing, RotationPlan } from './plan.ts';
import { reseal } from './reseal.ts';
import type { Resealed } from './reseal.ts';

const AT_ONCE = 4;
/** So many snapshots count anew with one line of the ledger. */
const BATCH = 50;

export interface RotateOptions {
  readonly session: Session<Store>;
  readonly set: string;
  /** All of them; judged fit by the caller. */
  readonly recipients: readonly openpgp.PublicKey[];
  /** Opens the manifests as they are. */
  readonly opener: MessageOpener;
  /** Signs manifests, amendments and ledger: a key that stays a recipient, or a purge signer. */
  readonly signer: openpgp.PrivateKey;
  readonly purgeSigners: readonly openpgp.PublicKey[];
  /** Seal anew also what is sealed to these recipients: one of them has a new subkey. */
  readonly all: boolean;
  /** Remove old manifests also where governance locks them. */
  readonly bypassGovernance: boolean;
  /** The lock that a manifest gets which is put now. */
  readonly lockFor: (now: Date) => ObjectLock | undefined;
  /** Brings the copies of the set level, which removes the old manifests there; what it could not do, as sentences. */
  readonly levelCopies: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Called before anything is written. */
  readonly onPlan: (plan: RotationPlan) => void;
  readonly onProgress: (done: Resealed) => void;
}

export interface RotationReport {
  readonly set: string;
  readonly resealed: number;
  /** Snapshots that were sealed to these recipients before. */
  readonly settled: number;
  readonly left: readonly LeftAlone[];
  /** Manifests and amendments of before that are gone now. */
  readonly removed: number;
  readonly stuck: readonly StuckVersion[];
  /** What copies still have. */
  readonly copies: readonly string[];
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Nothing that a former recipient could open is left where this run could reach. */
  readonly complete: boolean;
}

/** What would be done; nothing is written. */
export async function previewRotation(
  options: Pick<RotateOptions, 'session' | 'set' | 'recipients' | 'all'>,
  signal: AbortSignal,
): Promise<RotationPlan> {
  return (await look(options, signal)).plan;
}

/**
 * Rotates one set. Goes on with an unfinished rotation to the same recipients.
 * @throws HoldfastError LOCKED, LEASE_LOST, SIGNER_NOT_A_RECIPIENT, LEDGER_NOT_APPLICABLE, and what reading throws
 */
export async function rotateSet(options: RotateOptions, signal: AbortSignal): Promise<RotationReport> {
  const { session, set } = options;
  mustStay(options);
  using _lock = await lockSet(stateFolderOf(session, set), set);
  await using lease = await takeLease(session, set, 'keys rotate', signal);
  const run = { ...options, lease };
  const { plan, ledger, failures } = await look(options, signal);
  options.onPlan(plan);
  const done = await resealAll(run, plan, ledger, signal);
  const suppression = await resealSuppressionOf(run, signal);
  const copies = await options.levelCopies(signal);
  const { keys, stuck } = await removeOld(run, signal);
  const left = [...plan.leave, ...failures, ...suppression];
  const complete = stuck.length === 0 && copies.length === 0 && !left.some(({ isTrouble }) => isTrouble);
  if (complete) await closeIntents(run, signal);
  return {
    set,
    resealed: done.length,
    settled: plan.settled,
    left,
    removed: keys.length,
    stuck,
    copies,
    bytesRead: done.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    bytesWritten: done.reduce((sum, { bytes }) => sum + bytes, 0),
    complete,
  };
}

interface Run extends RotateOptions {
  readonly lease: Lease;
}

/** What the signer signs must still be believed when the rotation is over. */
function mustStay({ recipients, purgeSigners, signer }: RotateOptions): void {
  const own = signer.getFingerprint();
  if (![...recipients, ...purgeSigners].some((key) => key.getFingerprint() === own))
    throw signerIsLeaving(own);
}

interface Look {
  readonly plan: RotationPlan;
  readonly ledger: Ledger;
  /** Entries that cannot be read or verified: their manifests stay as they are. */
  readonly failures: readonly LeftAlone[];
}

async function look(
  { session, set, recipients, all }: Pick<RotateOptions, 'session' | 'set' | 'recipients' | 'all'>,
  signal: AbortSignal,
): Promise<Look> {
  const view = await viewSet(session, set, false, signal);
  mustBeApplicable(view);
  const { catalog, ledger, now } = view;
  const plan = planRotation({
    entries: catalog.entries,
    intents: openIntents(ledger),
    recipients: recipients.map((key) => key.getFingerprint()),
    all,
    now,
  });
  const failures = catalog.failures.map(({ key, error }) => ({
    snapshot: key,
    why: reasonOf(error),
    isTrouble: true,
  }));
  return { plan, ledger, failures };
}

/** Announces, then writes new revisions and makes them count, batch by batch. */
async function resealAll(
  run: Run,
  plan: RotationPlan,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<Resealed[]> {
  if (plan.reseal.length === 0) return [];
  const { session, onProgress } = run;
  const { request, heads: first } = await announce(run, plan, ledger, signal);
  const lock = run.lockFor(await session.store.now(signal));
  let heads = first;
  const done: Resealed[] = [];
  for (let start = 0; start < plan.reseal.length; start += BATCH) {
    const limit = pLimit(AT_ONCE);
    const sealOne = async (one: Resealing) => {
      throwIfCancelled(signal);
      const resealed = await reseal(one, { ...run, request, heads, lock }, signal);
      onProgress(resealed);
      return resealed;
    };
    const jobs = plan.reseal.slice(start, start + BATCH).map((one) => limit(() => sealOne(one)));
    const batch = await allOrFirstError(jobs);
    const amended = batch.map(({ snapshot, revision, sha256 }) => [snapshot, revision, sha256]);
    ({ heads } = await append(run, { type: 'amended', id: request, amended }, signal));
    done.push(...batch);
  }
  return done;
}

/** Nothing is under way any more when this ends, whatever became of it. */
async function allOrFirstError<T>(jobs: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(jobs);
  return Promise.all(jobs);
}

/** Without an intent, an amendment that no line names would look like a ledger that was cut back. */
async function announce(
  run: Run,
  { resumes, reseal: todo }: RotationPlan,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<{ request: string; heads: LedgerHeads }> {
  const request = resumes?.id ?? randomBytes(8).toString('hex');
  const snapshots = todo
    .map(({ item }) => item.entry.snapshot)
    .filter((snapshot) => !resumes?.snapshots.includes(snapshot));
  if (snapshots.length === 0) return { request, heads: ledger.heads };
  const recipients = run.recipients.map((key) => key.getFingerprint());
  const { heads } = await append(
    run,
    { type: 'rotation-intent', id: request, recipients, snapshots },
    signal,
  );
  return { request, heads };
}

/** Who must not come back is for the same people to read as the snapshots. */
async function resealSuppressionOf(run: Run, signal: AbortSignal): Promise<LeftAlone[]> {
  const { session, set, lease } = run;
  const ledger = await readLedger(session, set, signal);
  const options = { ...run, check: () => lease.check() };
  const { left } = await resealSuppression(session, set, ledger, options, signal);
  return left.map(({ key, why }) => ({ snapshot: key, why, isTrouble: true }));
}

/** With entries and ledger read anew, by the same road as every reader: what was written is what counts now. */
async function removeOld(run: Run, signal: AbortSignal): Promise<Removed> {
  const { session, set, bypassGovernance, lease } = run;
  const { catalog } = await viewSet(session, set, false, signal);
  const options = { bypassGovernance, check: () => lease.check() };
  return removeLeftovers(session.store, set, catalog.entries, options, signal);
}

async function closeIntents(run: Run, signal: AbortSignal): Promise<void> {
  const intents = openIntents(await readLedger(run.session, run.set, signal));
  for (const id of new Set(intents.map((intent) => intent.id)))
    await append(run, { type: 'rotation-done', id }, signal);
  await viewSet(run.session, run.set, false, signal);
}

async function append({ session, set, signer, lease }: Run, event: NewEvent, signal: AbortSignal) {
  await lease.check();
  return appendLedger(session, set, operatorName(signer), signer, event, signal);
}
