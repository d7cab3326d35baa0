/** `holdfast purge apply` and `resume`: from a plan, or from what the ledger and its suppression say, to a receipt. */
import { resolve } from 'node:path';
import { setOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import type { PurgeReport } from '../../purge/apply/apply-options.ts';
import type { Located } from '../../purge/locate/located.ts';
import type { PurgePlan } from '../../purge/plan/request.ts';
import type { SharedPages } from '../../purge/locate/shared-reader.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural, printable } from '../terminal/format.ts';
import { readInput } from '../terminal/input.ts';
import { incompleteRun, monitored } from '../monitors.ts';
import { purgeLocksOf } from '../people/locks.ts';
import { isReceipt, keepReceipt, mustTakeReceipt } from '../people/receipt-file.ts';
import { mustBeMeant } from './purge-confirm.ts';
import { privacyOfficer } from './purge-keys.ts';
import type { Officer, OfficerFlags } from './purge-keys.ts';

interface ChangingFlags extends OfficerFlags {
  readonly output: string;
  readonly bypassGovernance?: boolean;
  /** False with `--no-backup-running`. */
  readonly backupRunning: boolean;
  readonly rewritePacks?: boolean;
}

export interface ApplyFlags extends ChangingFlags {
  readonly yes?: boolean;
  /** The file of an approval. */
  readonly approve?: string;
}

export async function applyPlan(context: CliContext, file: string, flags: ApplyFlags): Promise<void> {
  const { openPlan } = await import('../../purge/plan/request.ts');
  const { otherPlan } = await import('../../purge/errors.ts');
  await using officer = await privacyOfficer(context, flags);
  const { session, config } = officer.opened;
  const plan = await openPlan(
    await readInput(file, 'Name the file that the step before wrote.'),
    officer.opener,
    session.operators,
    file,
  );
  if (plan.store !== session.id) throw otherPlan(file, `it is for store ${plan.store}`);
  const set = setOf(config, plan.set);
  const approval =
    flags.approve === undefined
      ? undefined
      : await readInput(flags.approve, 'Name the file of the approval.');
  const counts = plan.snapshots.filter(({ tables }) => plan.whole || Object.keys(tables).length > 0).length;
  const question = `Erase ${plan.alias} from ${formatPlural(counts, 'snapshot')} of ${plan.set}? This cannot be undone.`;
  await mustBeMeant(context, { question, set: plan.set, yes: flags.yes === true });
  await carryOut(context, officer, { set, plan, flags, approval: approval?.toString('utf8') });
}

export interface ResumeFlags extends ChangingFlags {
  readonly id?: string;
}

export async function resumeSet(context: CliContext, name: string, flags: ResumeFlags): Promise<void> {
  const { readLedger } = await import('../../repository/ledger.ts');
  const { purgesOf } = await import('../../repository/purges.ts');
  const { readCatalog } = await import('../../repository/catalog.ts');
  const { requestsOf } = await import('../../purge/evidence/requests.ts');
  const { planOfBegun } = await import('../../purge/apply/begun.ts');
  const { readSuppressions } = await import('../../suppression/read.ts');
  const { listSuppression } = await import('../../suppression/objects.ts');
  const { signal } = context;
  await using officer = await privacyOfficer(context, flags);
  const { session, config } = officer.opened;
  const set = setOf(config, name);
  const ledger = await readLedger(session, name, signal);
  const { entries } = await readCatalog(session, name, ledger, signal);
  const now = await session.store.now(signal);
  const purges = purgesOf(ledger, session.operators);
  const open = requestsOf(purges, entries, undefined, now).filter(({ state }) => state !== 'done');
  const wanted = open.filter(({ id }) => flags.id === undefined || id === flags.id);
  if (wanted.length === 0) {
    context.output.line(`${name}: nothing to finish`);
    context.output.summary({ set: name, resumed: 0 });
    return;
  }
  const listed = await listSuppression(session.store, name, signal);
  for (const [index, { id }] of wanted.entries()) {
    const record = purges.find((one) => one.id === id);
    if (!record) throw nothingToGoBy(name, id);
    const found = await readSuppressions(
      session,
      name,
      record.isWhole ? [] : [record],
      { opener: officer.opener, now, listed },
      signal,
    );
    const suppression = record.isWhole ? { map: '', subjects: [] } : found[0];
    if (!suppression) throw nothingToGoBy(name, id);
    const place = { store: session.id, set: name, signer: officer.signer.getFingerprint() };
    const output = index === 0 ? flags.output : `${flags.output}.${id}`;
    const plan = planOfBegun(record, suppression, place);
    await carryOut(context, officer, { set, plan, flags: { ...flags, output } });
  }
}

function nothingToGoBy(set: string, id: string): HoldfastError {
  return new HoldfastError({
    code: 'PURGE_UNKNOWN',
    exit: 'unverifiable',
    message: `nothing in the store says whom purge ${id} of set ${set} is about`,
    hint: 'Go on with its plan: holdfast purge apply PLAN -o RECEIPT.json',
  });
}

/** Entries, amendments, manifests and the ledger are read again before each step. */
const LISTED_BYTES = 16 * 1024 * 1024;

/** Signed, or named by their hash in what is signed. */
function isSigned(key: string): boolean {
  return key.startsWith('ledger/') || /\/snapshots\/[^/]+\/[^/]+$/.test(key);
}

interface Job {
  readonly set: SetConfig;
  readonly plan: PurgePlan;
  readonly flags: ChangingFlags;
  readonly approval?: string | undefined;
}

async function carryOut(context: CliContext, officer: Officer, job: Job): Promise<void> {
  const { name } = job.set;
  await monitored(context, 'purge', [name], async (watch) => {
    const report = await purge(context, officer, job);
    const { id, complete, rewritten } = report;
    if (complete) watch.succeeded(name, { figures: { rewritten_snapshots: rewritten } });
    else watch.failed(name, incompleteRun(`purge ${id} of set ${name} is not complete`));
    return { set: report.set, id, complete };
  });
}

async function purge(
  context: CliContext,
  officer: Officer,
  { set, plan, flags, approval }: Job,
): Promise<PurgeReport> {
  const { applyPurge } = await import('../../purge/apply/apply.ts');
  const { applyWhole } = await import('../../purge/apply/apply-whole.ts');
  const { lookThrough } = await import('../../purge/locate/look-through.ts');
  const { findingsFor } = await import('../../purge/plan/found.ts');
  const { openCopies } = await import('../copies/copies.ts');
  const { levelCopies } = await import('../copies/level-copies.ts');
  const { SegmentPool } = await import('../../segments/pool.ts');
  const { withRecentReads } = await import('../../stores/recent.ts');
  const { withListedReads } = await import('../../stores/listed-reads.ts');
  const { stateFolderOf } = await import('../../repository/session.ts');
  const { forgetReads, isSealed, recallReads } = await import('./purge-reads.ts');
  const { opened, opener, signer } = officer;
  const { keys, config } = opened;
  const store = withListedReads(opened.session.store, isSigned, LISTED_BYTES);
  const folder = stateFolderOf(opened.session, set.name);
  const recent = await recallReads(folder, plan.id);
  const session = { ...opened.session, store: withRecentReads(store, isSealed, recent) };
  const bypassGovernance = flags.bypassGovernance === true;
  const output = resolve(flags.output);
  await mustTakeReceipt(output, plan.id, session.operators);
  const pages: SharedPages = new Map();
  const task = context.progress.start(`purging ${set.name}`);
  try {
    await using pool = SegmentPool.forReading();
    // A copy that cannot be reached is found out before anything is changed.
    await using copies = await openCopies(context, config, set);
    const report = await (plan.whole ? applyWhole : applyPurge)(
      {
        ...{ session, set: set.name, plan, opener, signer, pool, bypassGovernance },
        recipients: keys.recipients,
        purgeSigners: keys.purgeSigners,
        level: config.compressionLevel,
        locksAt: purgeLocksOf(set),
        removeDeadRuns: !flags.backupRunning,
        rewritePacks: flags.rewritePacks === true,
        ...{ twoPerson: config.promises.twoPerson === true, approval },
        pages,
        locate: (items, signal, quiet) => {
          const searched = quiet ? undefined : findingsFor(plan, items, signer.getFingerprint());
          const options = { session, opener, pool, ...plan, pages, fillsGaps: true, searched };
          return lookThrough(items, { ...options, ...(quiet && { quiet }) }, signal);
        },
        putSuppression: (located, signal) => suppress(officer, plan, located, signal),
        copies: copies.copies.map((copy) => ({ name: copy.name, store: copy.session.store })),
        levelCopies: (signal) =>
          levelCopies(context, opened, set, { bypassGovernance, underLease: true }, signal),
        writeReceipt: (bytes, page) => keepReceipt(output, bytes, page),
        holdsReceipt: (sha256) => isReceipt(output, sha256),
        onStep: (text) => task.say(text),
        onProgress: (snapshot, bytes) => {
          task.add(bytes);
          task.say(snapshot);
        },
      },
      context.signal,
    );
    if (report.complete) await forgetReads(folder, plan.id);
    showReport(context, report, flags.output);
    return report;
  } finally {
    task.end();
  }
}

/** What keeps them from coming back, for readers and for hosts. */
async function suppress(
  { opened: { session, keys }, signer }: Officer,
  plan: PurgePlan,
  { snapshots, subjects }: Located,
  signal: AbortSignal,
): Promise<object | undefined> {
  const { putSuppression } = await import('../../suppression/put.ts');
  const newest = snapshots.at(-1);
  if (!newest) return undefined;
  const days = Math.max(...snapshots.map(({ item }) => item.entry.pack_days));
  const engine = newest.manifest.source.kind;
  const suppression = { purge: plan.id, map: plan.map, subjects };
  const options = { schema: newest.schema, engine, days, recipients: keys.recipients, signer } as const;
  return putSuppression(session, plan.set, suppression, options, signal);
}

function showReport(context: CliContext, report: PurgeReport, file: string): void {
  const { output } = context;
  const { set, complete, left, notes, rewritten, manifestsRemoved, bytesRead, bytesWritten } = report;
  for (const text of left) output.line(`${set}: ${printable(text)}`);
  for (const text of notes) output.warn(`${set}: ${text}`);
  output.line(
    `${set}: ${formatPlural(rewritten, 'snapshot')} written anew (${formatBytes(bytesRead)} read, ${formatBytes(bytesWritten)} written), ` +
      `${formatPlural(manifestsRemoved, 'old object')} removed` +
      (complete
        ? `; receipt: ${file} and ${file}.md`
        : `; NOT COMPLETE: finish it with: holdfast purge resume ${set} -o ${file}`),
  );
  if (!complete) context.exit('incomplete');
  const { receipt: _receipt, receiptSha256, ...facts } = report;
  output.record({ ...facts, type: 'purge', receipt: receiptSha256 });
}
