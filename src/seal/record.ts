/** Every sealed export stands in the ledger: several may be sealed on one host at once, so a line may have to wait. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isHoldfastError } from '../errors.ts';
import type { openpgp } from '../openpgp/library.ts';
import { appendLedger } from '../repository/ledger-writer.ts';
import type { NewEvent } from '../repository/ledger-writer.ts';
import { lockSet } from '../repository/lock.ts';
import { SEALED } from '../repository/layout.ts';
import { rememberSeen } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import type { Store } from '../stores/store.ts';

/** Whose chain in the ledger, and who signs. */
export interface Author {
  /** The host's name, or `operatorName` of a person's key. */
  readonly writer: string;
  readonly signer: openpgp.PrivateKey;
}

const TRIES = 40;
const PAUSE_MS = 250;

/**
 * Appends a line.
 * @throws HoldfastError LOCKED, LEDGER_CONFLICT when others were faster for ten seconds; LEDGER_BROKEN
 */
export async function record(
  session: Session<Store>,
  { writer, signer }: Author,
  event: NewEvent,
  signal: AbortSignal,
): Promise<void> {
  const state = stateFolderOf(session, SEALED);
  for (let tried = 1; ; tried++) {
    try {
      using _lock = await lockSet(state, SEALED);
      const { heads } = await appendLedger(session, SEALED, writer, signer, event, signal);
      await rememberSeen(state, {}, heads);
      return;
    } catch (error) {
      const isBusy = isHoldfastError(error, 'LOCKED') || isHoldfastError(error, 'LEDGER_CONFLICT');
      if (!isBusy || tried === TRIES) throw error;
      await sleep(PAUSE_MS * (0.5 + Math.random()), undefined, { signal });
    }
  }
}
