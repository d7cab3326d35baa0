/** Checking a receipt: its signature needs nothing but the receipt; what it says is then compared with the store of today. */
import { purgesOf } from '../../repository/purges.ts';
import type { Session } from '../../repository/session.ts';
import { mustBeApplicable, viewSet } from '../../restore/open.ts';
import type { Store } from '../../stores/store.ts';
import { judgeManifests, listManifests, livesAndEnds } from '../apply/manifests.ts';
import type { SignedReceipt } from './receipt.ts';
import { requestsOf } from './requests.ts';
import type { PurgeRequest } from './requests.ts';

export interface VerifyReceiptOptions {
  readonly session: Session<Store>;
  readonly signed: SignedReceipt;
  /** Places beside the store itself. */
  readonly copies: readonly { readonly name: string; readonly store: Store }[];
}

export interface ReceiptFindings {
  /** What is not as the receipt says. */
  readonly problems: readonly string[];
  /** True, and worth knowing. */
  readonly notes: readonly string[];
  readonly request: PurgeRequest | undefined;
}

/**
 * Compares a receipt, whose signature was checked, with what is there now.
 * @throws HoldfastError what reading ledger and entries throws
 */
export async function verifyReceipt(
  { session, signed: { receipt, sha256 }, copies }: VerifyReceiptOptions,
  signal: AbortSignal,
): Promise<ReceiptFindings> {
  const { set, id } = receipt;
  const problems: string[] = [];
  const notes: string[] = [];
  if (receipt.store !== session.id)
    return { problems: [`it is of store ${receipt.store}`], notes, request: undefined };
  const view = await viewSet(session, set, false, signal);
  mustBeApplicable(view);
  const purges = purgesOf(view.ledger, session.operators);
  const record = purges.find((one) => one.id === id);
  const request = requestsOf(purges, view.catalog.entries, undefined, view.now).find((one) => one.id === id);
  if (!record || !request) return { problems: ['the ledger does not know of it'], notes, request: undefined };
  if (record.receipt === undefined) problems.push('the ledger says that it is not finished');
  else if (!record.receipts.includes(sha256)) problems.push('the ledger names another receipt');
  else if (record.receipt !== sha256) notes.push('the ledger names a newer receipt of the same purge, too');
  for (const snapshot of request.unreached)
    problems.push(
      `snapshot ${snapshot} was made by a host that did not know of it: holdfast purge resume ${set} -o RECEIPT.json`,
    );
  const current = new Map(view.catalog.entries.map((item) => [item.entry.snapshot, item.current]));
  for (const { snapshot, outcome, revision } of receipt.snapshots) {
    const found = current.get(snapshot);
    if (outcome === 'rewritten' && found && found.revision < revision)
      problems.push(`snapshot ${snapshot} is at revision ${found.revision}, not ${revision}`);
  }
  const lives = livesAndEnds(view.catalog, record.removed, view.now);
  for (const { name, store } of [{ name: session.store.url, store: session.store }, ...copies]) {
    const rules = { set, now: view.now, removeDeadRuns: false, ...lives };
    const { remove, unreplaced, underWay } = judgeManifests(await listManifests(store, set, signal), rules);
    if (remove.length > 0)
      problems.push(`${name}: ${remove.length} old manifests are there, such as ${remove[0] ?? ''}`);
    for (const snapshot of unreplaced)
      problems.push(`${name}: snapshot ${snapshot} does not have its new manifest`);
    for (const snapshot of underWay)
      notes.push(`${name}: snapshot ${snapshot} has no entry, and may be under way`);
  }
  for (const writer of request.pending) notes.push(`host ${writer} has not shown yet that it knows of it`);
  return { problems, notes, request };
}
