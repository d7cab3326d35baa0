/** What a person went on without is written into the ledger: the people of that purge may be in a database again. */
import { randomBytes } from 'node:crypto';
import type { openpgp } from '../openpgp/library.ts';
import { notAnOperator } from '../repository/errors.ts';
import { EMPTY_LEDGER } from '../repository/ledger.ts';
import { appendLedger, operatorName, putLedgerLine } from '../repository/ledger-writer.ts';
import type { Session } from '../repository/session.ts';
import type { Store } from '../stores/store.ts';

export interface Override {
  readonly snapshot: string;
  /** Purges whose subjects were not left out. */
  readonly purges: readonly string[];
  /** The ledger could not be read, or did not hold. */
  readonly ledgerIsLost: boolean;
}

/**
 * Records it.
 * @param signer - a recipient or a purge signer
 * @throws HoldfastError SIGNER_NOT_TRUSTED, LEDGER_CONFLICT, and what the store throws
 */
export async function recordOverride(
  session: Session<Store>,
  set: string,
  { snapshot, purges, ledgerIsLost }: Override,
  signer: openpgp.PrivateKey,
  signal: AbortSignal,
): Promise<void> {
  const fingerprint = signer.getFingerprint();
  // A line by somebody else would stop every reader of this ledger.
  if (!session.operators.has(fingerprint)) throw notAnOperator('the record of an override', fingerprint);
  const id = randomBytes(8).toString('hex');
  const event = {
    type: 'suppression-override',
    id,
    snapshot,
    purges: [...purges],
    without_ledger: ledgerIsLost,
  };
  if (!ledgerIsLost) {
    await appendLedger(session, set, operatorName(signer), signer, event, signal);
    return;
  }
  // A chain of its own: the lines that are lost may come back, and their numbers must be free then.
  await putLedgerLine(session, set, `override-${id}`, signer, event, EMPTY_LEDGER, signal);
}
