/** What the parts of a run that applies a purge share. */
import type { Lease } from '../../repository/lease.ts';
import { appendLedger, operatorName } from '../../repository/ledger-writer.ts';
import type { NewEvent } from '../../repository/ledger-writer.ts';
import type { ApplyOptions } from './apply-options.ts';
import { purgeSignerUnfit } from '../errors.ts';
import type { Swept } from './manifests.ts';
import type { PackOutcome } from './packs.ts';

export interface Run extends ApplyOptions {
  readonly lease: Lease;
  /** Where this machine keeps what it knows of the set. */
  readonly folder: string;
}

/** What was done at one place. */
export interface PlaceReport {
  readonly name: string;
  readonly swept: Swept;
  readonly packs: PackOutcome;
}

/** What the signer signs must count for every reader. Throws SIGNER_NOT_A_RECIPIENT. */
export function mustBeOperator({
  recipients,
  purgeSigners,
  signer,
}: Pick<ApplyOptions, 'recipients' | 'purgeSigners' | 'signer'>): void {
  const own = signer.getFingerprint();
  if (![...recipients, ...purgeSigners].some((key) => key.getFingerprint() === own))
    throw purgeSignerUnfit(own);
}

/** Adds a line to the ledger, as long as the lease is held. */
export async function append(
  { session, set, signer, lease }: Run,
  event: NewEvent,
  signal: AbortSignal,
): Promise<void> {
  await lease.check();
  await appendLedger(session, set, operatorName(signer), signer, event, signal);
}
