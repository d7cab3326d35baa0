/** The end of a purge: what is left to do, the receipt, and the line of the ledger that names it. */
import type { StuckVersion } from '../stores/store.ts';
import type { AmendReport } from './amend.ts';
import type { PurgeReport } from './apply-options.ts';
import { forgetCounts, readCounts } from './counts.ts';
import { NOT_COVERED, describeReceipt, signReceipt } from './receipt.ts';
import type { Receipt, ReceiptSnapshot } from './receipt.ts';
import { append } from './run.ts';
import type { PlaceReport, Run } from './run.ts';
import { acknowledgements, lookAt } from './state.ts';
import type { PurgeState } from './state.ts';

export interface Work {
  readonly amended: AmendReport;
  readonly places: readonly PlaceReport[];
  readonly undone: readonly string[];
}
/** The receipt, and the end in the ledger where nothing is left to do. */
export async function finish(
  run: Run,
  { amended, places, undone }: Work,
  signal: AbortSignal,
): Promise<PurgeReport> {
  const { session, set, plan, signer, folder } = run;
  const state = await lookAt(session, set, plan.id, signal);
  const left = [...undone, ...whatIsLeft(state, places)];
  const stuck = places.flatMap(({ swept }) => swept.stuck);
  const signed = await signReceipt(await receiptOf(run, state, places, signal), signer);
  const complete = left.length === 0;
  const notes: string[] = [];
  if (complete) {
    // Before the line that names it: a receipt that nobody has would be named for ever.
    await run.writeReceipt(signed.bytes, describeReceipt(signed));
    await append(run, { type: 'purge-done', id: plan.id, receipt: signed.sha256 }, signal);
    await forgetCounts(folder, plan.id);
    notes.push(...(await run.levelCopies(signal)));
  }
  return {
    set,
    id: plan.id,
    complete,
    left,
    notes,
    stuck: stuck.length,
    rewritten: amended.amended.length,
    manifestsRemoved: places.reduce((sum, { swept }) => sum + swept.removed.length, 0),
    bytesRead: amended.bytesRead,
    bytesWritten: amended.bytesWritten,
    receipt: complete ? signed : undefined,
  };
}

/** Why it stays open. */
function whatIsLeft({ view, open }: PurgeState, places: readonly PlaceReport[]): string[] {
  const unread = view.catalog.failures.map(
    ({ key }) => `${key} cannot be verified, so nobody knows what it is`,
  );
  const unreached = open.map(({ entry, current }) =>
    current
      ? `snapshot ${entry.snapshot} was made by a host that did not know of the purge`
      : `snapshot ${entry.snapshot} cannot be read, so nobody knows who is in it`,
  );
  const atPlaces = places.flatMap(({ name, swept }) => [
    ...swept.stuck.map(({ key, reason }: StuckVersion) => `${name}: ${key} is still there: ${reason}`),
    ...swept.unreplaced.map((snapshot) => `${name}: snapshot ${snapshot} does not have its new manifest`),
    ...swept.underWay.map((snapshot) => `${name}: snapshot ${snapshot} has no entry, and may be under way`),
  ]);
  return [...unread, ...unreached, ...atPlaces];
}

async function receiptOf(
  run: Run,
  { view, record }: PurgeState,
  places: readonly PlaceReport[],
  signal: AbortSignal,
): Promise<Receipt> {
  const { session, set, plan, signer, folder } = run;
  const counts = await readCounts(folder, plan.id);
  const planned = new Map(plan.snapshots.map(({ snapshot, tables }) => [snapshot, tables]));
  const byName = new Map(view.catalog.entries.map((item) => [item.entry.snapshot, item]));
  const gone = new Set([...(record?.removed ?? []), ...(plan.whole ? (record?.announced ?? []) : [])]);
  const names = [...new Set([...(record?.free.keys() ?? []), ...gone])].sort();
  const snapshots = names.map((snapshot): ReceiptSnapshot => {
    const revision = record?.free.get(snapshot) ?? 0;
    const tables = counts[snapshot] ?? planned.get(snapshot);
    const outcome = gone.has(snapshot) ? 'removed' : record?.amended.has(snapshot) ? 'rewritten' : 'clean';
    const writer = byName.get(snapshot)?.entry.writer ?? '';
    return { snapshot, writer, outcome, revision, ...(tables && { tables: { ...tables } }) };
  });
  const now = (await session.store.now(signal)).toISOString();
  return {
    format: 1,
    kind: 'purge-receipt',
    store: session.id,
    set,
    id: plan.id,
    ...(plan.ref !== undefined && { ref: plan.ref }),
    subject: plan.alias,
    ...(!plan.whole && { map: plan.mapSha256 }),
    plan: plan.sha256,
    announced: record?.since ?? now,
    finished: now,
    operator: signer.getFingerprint(),
    snapshots,
    places: places.map(({ name, swept, packs }) => ({
      name,
      manifestsRemoved: swept.removed.length,
      packs: packs.packs,
      packsRemoved: packs.removed,
      ...(packs.until !== undefined && { unreadableUntil: packs.until }),
      ...(packs.lockedUntil !== undefined && { lockedUntil: packs.lockedUntil }),
    })),
    writers: acknowledgements(view, record),
    scan: 'not scanned',
    notCovered: [...NOT_COVERED],
  };
}
