/** Adding a line to the ledger of a set: numbered, chained to the line before, signed, never in the place of another. */
import { signStatement } from '../openpgp/statement.ts';
import type { openpgp } from '../openpgp/library.ts';
import type { Store } from '../stores/store.ts';
import { ledgerConflict } from './errors.ts';
import { readLedger } from './ledger.ts';
import type { Ledger, LedgerLine } from './ledger.ts';
import { FORMAT, ledgerKey } from './layout.ts';
import { own } from './records.ts';
import type { Session } from './session.ts';

export type NewEvent = LedgerLine['event'];

/**
 * Appends one line to a writer's chain, and reads the ledger back with it.
 * @param writer - whose chain: for an operator, `operatorName`
 * @returns the ledger with the new line
 * @throws HoldfastError LEDGER_CONFLICT when another run took the number, LEDGER_BROKEN
 */
export async function appendLedger(
  session: Session<Store>,
  set: string,
  writer: string,
  signer: openpgp.PrivateKey,
  event: NewEvent,
  signal: AbortSignal,
): Promise<Ledger> {
  const ledger = await readLedger(session, set, signal);
  await putLedgerLine(session, set, writer, signer, event, ledger, signal);
  return readLedger(session, set, signal);
}

/**
 * Puts the line that follows in a writer's chain, as a ledger shows it.
 * @throws HoldfastError LEDGER_CONFLICT when another run took the number
 */
export async function putLedgerLine(
  { store, id }: Session<Store>,
  set: string,
  writer: string,
  signer: openpgp.PrivateKey,
  event: NewEvent,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<void> {
  const { [writer]: _own, ...heads } = ledger.heads;
  const head = own(ledger.heads, writer);
  const seq = (head?.seq ?? 0) + 1;
  const line = {
    format: FORMAT,
    kind: 'ledger',
    store: id,
    set,
    writer,
    seq,
    prev: head?.sha256 ?? null,
    time: (await store.now(signal)).toISOString(),
    heads,
    event,
  };
  const key = ledgerKey(set, writer, seq);
  const bytes = await signStatement(line, signer);
  // Where a store cannot refuse to replace, two runs may both hear "written": what lies there then is what counts.
  // And an answer that was lost shows as somebody else's line, which is ours.
  await store.put(key, bytes, { ifAbsent: true }, signal);
  if (!(await store.get(key, undefined, signal)).equals(bytes)) throw ledgerConflict(set, key);
}

/** The name of an operator's chain in the ledger: one for each key, so that two operators never share one. */
export function operatorName(signer: openpgp.PublicKey | openpgp.PrivateKey): string {
  return `key-${signer.getFingerprint().slice(0, 16)}`;
}
