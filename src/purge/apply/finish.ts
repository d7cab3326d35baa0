/** The end of a purge: what is left to do, the receipt, and the line of the ledger that names it. */
import type { StuckVersion } from '../../stores/store.ts';
import type { AmendReport } from '../rewrite/amend.ts';
import type { PurgeReport } from './apply-options.ts';
import { readApproval } from './approval.ts';
import { forgetCounts, readCounts } from './counts.ts';
import { notCovered } from '../evidence/not-covered.ts';
import { describeReceipt, signReceipt } from '../evidence/receipt.ts';
import type { Receipt, ReceiptSnapshot, SignedReceipt } from '../evidence/receipt.ts';
import { forgetRecheck } from './recheck.ts';
import { forgetScan, scanOf } from './remembered-scan.ts';
import type { MoveReport } from '../rewrite/rewrite-packs.ts';
import { append } from './run.ts';
import type { PlaceReport, Run } from './run.ts';
import { acknowledgements, lookAt } from './state.ts';
import type { PurgeState } from './state.ts';

export interface Work {
  readonly amended: AmendReport;
  readonly moved: MoveReport;
  readonly places: readonly PlaceReport[];
  readonly undone: readonly string[];
  /** Snapshots were looked through that the purge had not been through before. */
  readonly isNew: boolean;
}

/** The receipt, and the end in the ledger where nothing is left to do. */
export async function finish(run: Run, work: Work, signal: AbortSignal): Promise<PurgeReport> {
  const { amended, moved, places, undone } = work;
  const { session, set, plan, signer, folder } = run;
  const state = await lookAt(session, set, plan.id, signal);
  const rewrites = run.rewritePacks === true || state.record?.rewritePacks === true;
  const left = [...undone, ...whatIsLeft(state, places), ...(rewrites ? packsLeft(places) : [])];
  const stuck = places.flatMap(({ swept }) => swept.stuck);
  const complete = left.length === 0;
  const notes: string[] = [];
  const before = complete && !hasChanged(work) ? await receiptOfBefore(run, state) : undefined;
  let signed: SignedReceipt | undefined;
  if (complete && before === undefined) {
    signed = await signReceipt(await receiptOf(run, state, places, signal), signer);
    // Before the line that names it: a receipt that nobody has would be named for ever.
    await run.writeReceipt(signed.bytes, describeReceipt(signed));
    await append(run, { type: 'purge-done', id: plan.id, receipt: signed.sha256 }, signal);
    await forgetCounts(folder, plan.id);
    await forgetRecheck(folder, plan.id);
    await forgetScan(folder, plan.id);
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
    bytesRead: amended.bytesRead + moved.bytesRead,
    bytesWritten: amended.bytesWritten + moved.bytesWritten,
    receipt: signed,
    receiptSha256: signed?.sha256 ?? before,
  };
}

/** A purge that was done says more in its receipt than a run that found nothing to do: that one stays, and is named still. */
async function receiptOfBefore(run: Run, { record }: PurgeState): Promise<string | undefined> {
  const named = record?.doneAt === undefined ? undefined : record.receipt;
  return named !== undefined && (await run.holdsReceipt?.(named)) === true ? named : undefined;
}

function hasChanged({ amended, moved, places, isNew }: Work): boolean {
  const isRemoving = places.some(({ swept, packs }) => swept.removed.length > 0 || packs.removed > 0);
  return isNew || isRemoving || amended.bytesWritten + moved.bytesWritten > 0;
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

/** Packs that were to go: locks are nobody's to break, anything else is waited for. */
function packsLeft(places: readonly PlaceReport[]): string[] {
  return places.flatMap(({ name, packs: { needed = 0, waitingFor = [] } }) => [
    ...(needed > 0
      ? [`${name}: ${needed} packs with erased rows are needed by snapshots that end within the day`]
      : []),
    ...waitingFor.map(
      (writer) =>
        `${name}: packs with erased rows go once host ${writer} has made a backup, or with --no-backup-running`,
    ),
  ]);
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
    const revision = record?.free.get(snapshot)?.at(-1) ?? 0;
    const tables = counts[snapshot] ?? planned.get(snapshot);
    const outcome = gone.has(snapshot) ? 'removed' : record?.amended.has(snapshot) ? 'rewritten' : 'clean';
    const writer = byName.get(snapshot)?.entry.writer ?? '';
    return { snapshot, writer, outcome, revision, ...(tables && { tables: { ...tables } }) };
  });
  const now = (await session.store.now(signal)).toISOString();
  const approval = await approvalIn(run, record);
  const scanned = await scanOf(folder, plan);
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
    ...(approval && { approval }),
    snapshots,
    places: places.map(({ name, swept, packs }) => ({
      name,
      manifestsRemoved: swept.removed.length,
      packs: packs.packs,
      packsRemoved: packs.removed,
      ...((run.rewritePacks === true || record?.rewritePacks === true) && { rewritten: true }),
      ...(packs.until !== undefined && { unreadableUntil: packs.until }),
      ...(packs.lockedUntil !== undefined && { lockedUntil: packs.lockedUntil }),
    })),
    writers: acknowledgements(view, record),
    scan: scanned ? 'scanned' : 'not scanned',
    ...(scanned && { scanned }),
    notCovered: notCovered({ suppressionEnds: record?.suppression?.ends }),
  };
}

/** Checked once more, since the receipt must hold for whoever reads it. */
async function approvalIn(
  { session, set, plan }: Run,
  record: PurgeState['record'],
): Promise<Receipt['approval']> {
  if (record?.approval === undefined) return undefined;
  const about = { store: session.id, set, id: plan.id, plan: plan.sha256 };
  const { signer: by, time, text: statement } = await readApproval(record.approval, session.operators, about);
  return { by, time, statement };
}
