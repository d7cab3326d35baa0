/** Sealing many snapshots anew: announced, written, and made to count by lines of the ledger. */
import { randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import { isHoldfastError, throwIfCancelled } from '../errors.ts';
import type { HoldfastError } from '../errors.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import type { openpgp } from '../openpgp/library.ts';
import type { LedgerHeads } from '../repository/entry.ts';
import type { Lease } from '../repository/lease.ts';
import type { Ledger } from '../repository/ledger.ts';
import { appendLedger, operatorName } from '../repository/ledger-writer.ts';
import type { NewEvent } from '../repository/ledger-writer.ts';
import type { Session } from '../repository/session.ts';
import type { ObjectLock, Store } from '../stores/store.ts';
import type { LeftAlone, Resealing, RotationPlan } from './plan.ts';
import { reseal } from './reseal.ts';
import type { Resealed } from './reseal.ts';

const AT_ONCE = 4;
/** So many snapshots count anew with one line of the ledger. */
const BATCH = 50;

/** What sealing anew needs of a rotation. */
export interface ResealRun {
  readonly session: Session<Store>;
  readonly set: string;
  readonly lease: Lease;
  readonly recipients: readonly openpgp.PublicKey[];
  /** Opens the manifests as they are. */
  readonly opener: MessageOpener;
  readonly signer: openpgp.PrivateKey;
  /** The lock that a manifest gets which is put now. */
  readonly lockFor: (now: Date) => ObjectLock | undefined;
  readonly onProgress: (done: Resealed) => void;
}

export interface ResealedAll {
  readonly done: readonly Resealed[];
  /** Sealed to others only, such as somebody who is gone: these keep no other snapshot from being taken away from them. */
  readonly unopened: readonly LeftAlone[];
}

/**
 * Announces, then writes new revisions and makes them count, batch by batch.
 * @throws HoldfastError KEY_DOES_NOT_OPEN when no snapshot of the set opens, LEASE_LOST, REPLACEMENT_MISSING
 */
export async function resealAll(
  run: ResealRun,
  plan: RotationPlan,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<ResealedAll> {
  if (plan.reseal.length === 0) return { done: [], unopened: [] };
  const { session, onProgress } = run;
  const { request, heads: first } = await announce(run, plan, ledger, signal);
  const lock = run.lockFor(await session.store.now(signal));
  let heads = first;
  const done: Resealed[] = [];
  const closed: { readonly snapshot: string; readonly error: HoldfastError }[] = [];
  for (let start = 0; start < plan.reseal.length; start += BATCH) {
    const limit = pLimit(AT_ONCE);
    const sealOne = async (one: Resealing) => {
      throwIfCancelled(signal);
      try {
        const resealed = await reseal(one, { ...run, request, heads, lock }, signal);
        onProgress(resealed);
        return resealed;
      } catch (error) {
        if (!isHoldfastError(error, 'KEY_DOES_NOT_OPEN')) throw error;
        closed.push({ snapshot: one.item.entry.snapshot, error });
        return undefined;
      }
    };
    const jobs = plan.reseal.slice(start, start + BATCH).map((one) => limit(() => sealOne(one)));
    const batch = (await allOrFirstError(jobs)).filter((resealed) => resealed !== undefined);
    done.push(...batch);
    if (batch.length === 0) continue;
    const amended = batch.map(({ snapshot, revision, sha256 }) => [snapshot, revision, sha256]);
    ({ heads } = await append(run, { type: 'amended', id: request, amended }, signal));
  }
  const [closedFirst] = closed;
  // A key that opens nothing is the wrong one.
  if (closedFirst && done.length + plan.settled === 0) throw closedFirst.error;
  const unopened = closed.map(({ snapshot, error }) => ({ snapshot, why: error.message, isTrouble: true }));
  return { done, unopened };
}

/** Nothing is under way any more when this ends, whatever became of it. */
async function allOrFirstError<T>(jobs: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(jobs);
  return Promise.all(jobs);
}

/** Without an intent, an amendment that no line names would look like a ledger that was cut back. */
async function announce(
  run: ResealRun,
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

/** Writes a line into the ledger, as long as the lease holds. */
export async function append(
  { session, set, signer, lease }: Pick<ResealRun, 'session' | 'set' | 'signer' | 'lease'>,
  event: NewEvent,
  signal: AbortSignal,
) {
  await lease.check();
  return appendLedger(session, set, operatorName(signer), signer, event, signal);
}
