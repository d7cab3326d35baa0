/**
 * New recipients for the snapshots that exist: their manifests are sealed anew, packs are not touched. In this order,
 * so that a run that dies anywhere leaves every snapshot readable and the next run finishes it: intent into the
 * ledger; new manifests and amendments, read back; the line of the ledger that makes them count; copies brought level;
 * the old manifests removed in all versions; the end into the ledger.
 */
import type { MessageOpener } from '../openpgp/message.ts';
import type { openpgp } from '../openpgp/library.ts';
import { takeLease } from '../repository/lease.ts';
import type { Lease } from '../repository/lease.ts';
import { readLedger } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { openIntents } from '../repository/ledger-events.ts';
import { lockSet } from '../repository/lock.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { mustBeApplicable, viewSet } from '../restore/open.ts';
import type { ObjectLock, Store, StuckVersion } from '../stores/store.ts';
import { reasonOf } from '../errors.ts';
import { resealSuppression } from '../suppression/reseal.ts';
import { signerIsLeaving } from './errors.ts';
import { removeLeftovers } from './leftovers.ts';
import type { Removed } from './leftovers.ts';
import { planRotation } from './plan.ts';
import type { LeftAlone, RotationPlan } from './plan.ts';
import { append, resealAll } from './reseal-all.ts';
import type { Resealed } from './reseal.ts';

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
  /** Those of them that none of the keys at hand opens. */
  readonly unopened: readonly string[];
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
  const { done, unopened } = await resealAll(run, plan, ledger, signal);
  const suppression = await resealSuppressionOf(run, signal);
  const copies = await options.levelCopies(signal);
  const { keys, stuck } = await removeOld(run, signal);
  const left = [...plan.leave, ...unopened, ...failures, ...suppression];
  const complete = stuck.length === 0 && copies.length === 0 && !left.some(({ isTrouble }) => isTrouble);
  if (complete) await closeIntents(run, signal);
  return {
    set,
    resealed: done.length,
    settled: plan.settled,
    left,
    unopened: unopened.map(({ snapshot }) => snapshot),
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
