/**
 * Carrying out a purge. In this order, so that a run that dies anywhere loses nothing, brings nobody back, and is
 * finished by the next one: suppression; intent into the ledger; copies brought level; the set looked at again until
 * no snapshot is new; new packs, manifests and amendments, read back; the line of the ledger that makes them count;
 * copies brought level; old manifests removed in all versions and copies; receipt; the end into the ledger.
 */
import { throwIfCancelled } from '../../errors.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import { takeLease } from '../../repository/lease.ts';
import { movedPacks } from '../../repository/moves.ts';
import { lockSet } from '../../repository/lock.ts';
import { stateFolderOf } from '../../repository/session.ts';
import { describeProblem } from '../../subjects/integrity.ts';
import { affected } from '../rewrite/affected.ts';
import { amendSnapshots, isTouched, lifeLeft } from '../rewrite/amend.ts';
import type { AmendReport } from '../rewrite/amend.ts';
import { intentEvent, retirements } from './announce.ts';
import type { ApplyOptions, PurgeReport } from './apply-options.ts';
import { mustBeApproved } from './approved.ts';
import { countsOf, rememberCounts } from './counts.ts';
import { EditGuard } from '../rewrite/edit-guard.ts';
import { planRefused, unsettled } from '../errors.ts';
import { finish } from './finish.ts';
import { identifiersOf } from '../scan/identifiers.ts';
import type { Located, LocatedSnapshot } from '../locate/located.ts';
import { UnitSet } from '../locate/unit-set.ts';
import { livesAndEnds, sweepManifests } from './manifests.ts';
import { judgePacks, settlePacks } from './packs.ts';
import { recheckAmended, rememberToRecheck } from './recheck.ts';
import { rememberScan } from './remembered-scan.ts';
import { rewritePacks } from '../rewrite/rewrite-packs.ts';
import type { MoveReport } from '../rewrite/rewrite-packs.ts';
import { append, mustBeOperator } from './run.ts';
import type { PlaceReport, Run } from './run.ts';
import { lookAt, mustBeAsPlanned, openOf } from './state.ts';
import type { PurgeState } from './state.ts';

/** So often the set is looked at again because new snapshots have come. */
const ROUNDS_MAX = 6;

/**
 * Applies a plan, or goes on with one that was begun.
 * @throws HoldfastError LOCKED, LEASE_LOST, PLAN_OUTDATED, PLAN_REFUSED, PURGE_UNSETTLED, and what reading and stores throw
 */
export async function applyPurge(options: ApplyOptions, signal: AbortSignal): Promise<PurgeReport> {
  const { session, set } = options;
  mustBeOperator(options);
  using _lock = await lockSet(stateFolderOf(session, set), set);
  await using lease = await takeLease(session, set, 'purge', signal);
  const run: Run = { ...options, lease, folder: stateFolderOf(session, set) };
  await rememberScan(run.folder, run.plan);
  const { located, quiet, state } = await announceAll(run, signal);
  const amended = await amendAll(run, located, state, signal);
  const { record } = await recheckAmended(run, quiet, signal);
  const moved = await moveAll(run, record, signal);
  const undone = [...(await options.levelCopies(signal))];
  const places = await removeOld(run, signal);
  return await finish(run, { amended, moved, places, undone, isNew: located.length > 0 }, signal);
}

interface Announced {
  readonly located: LocatedSnapshot[];
  readonly quiet: UnitSet;
  readonly state: PurgeState;
}

/**
 * Looks everything through and announces it, until a listing shows no snapshot that was not looked through.
 * @returns the snapshots that the purge has not changed yet, the units in which nobody was found, and what the set shows
 */
async function announceAll(run: Run, signal: AbortSignal): Promise<Announced> {
  const { plan, session, set } = run;
  const known = new Map<string, LocatedSnapshot>();
  let quiet = new UnitSet();
  let state = await lookAt(session, set, plan.id, signal);
  await mustBeApproved(run, state.record, signal);
  if (!state.record) mustBeAsPlanned(plan, state);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const open = openOf(state);
    const unseen = open.filter((item) => !known.has(nameOf(item)));
    if (state.record && round > 0 && unseen.length === 0) {
      const stays = new Set(open.map(nameOf));
      const located = [...known].filter(([name]) => stays.has(name)).map(([, one]) => one);
      return { located, quiet, state };
    }
    throwIfCancelled(signal);
    run.onStep(`looking through ${unseen.length} snapshots`);
    // All of them, when one has come: it may call somebody by a name that leads to more rows of the others.
    const located = await run.locate(unseen.length === 0 ? [] : open, signal);
    if (unseen.length > 0) quiet = located.quiet;
    for (const one of located.snapshots) known.set(nameOf(one.item), one);
    mustNotBreak(set, located.snapshots);
    await announce(run, state, located, signal);
    state = await lookAt(session, set, plan.id, signal);
  }
  throw unsettled(set);
}

function nameOf({ entry, current }: CatalogEntry): string {
  return `${entry.snapshot} ${current?.revision ?? ''}`;
}

function mustNotBreak(set: string, snapshots: readonly LocatedSnapshot[]): void {
  const reasons = snapshots.flatMap(({ item, closure }) =>
    closure.problems.map((problem) => `snapshot ${item.entry.snapshot}: ${describeProblem(problem)}`),
  );
  if (reasons.length > 0) throw planRefused(set, reasons);
}

/** Suppression before the intent, so that whoever knows of the purge can tell whom it is about. */
async function announce(
  run: Run,
  { record }: PurgeState,
  located: Located,
  signal: AbortSignal,
): Promise<void> {
  const { plan } = run;
  const touched = located.snapshots.filter(isTouched);
  // Also where it is only the subject index that may change: an amendment must have been announced.
  const names = affected(located.snapshots)
    .map(({ item }) => item.entry.snapshot)
    .filter((name) => !record?.announced.has(name));
  if (record && names.length === 0) return;
  const suppression = record ? record.suppression : await run.putSuppression(located, signal);
  const retired = retirements(touched);
  run.onStep('announcing it in the ledger');
  const extras = { suppression, rewritePacks: run.rewritePacks === true, approval: run.approval };
  await append(run, intentEvent(plan, names, retired, extras), signal);
  await run.levelCopies(signal);
}

/** Writes the new revisions, and makes them count. */
async function amendAll(
  run: Run,
  located: readonly LocatedSnapshot[],
  { view }: PurgeState,
  signal: AbortSignal,
): Promise<AmendReport> {
  const { session, plan, folder } = run;
  const none: AmendReport = { amended: [], bytesRead: 0, bytesWritten: 0, packs: [] };
  if (located.length === 0) return none;
  const now = await session.store.now(signal);
  const touched = located.filter(isTouched);
  const ending = touched.filter((one) => lifeLeft(one, now) === 0);
  const lasting = affected(located).filter((one) => lifeLeft(one, now) > 0);
  run.onStep(`writing ${lasting.length} snapshots anew`);
  const report = await amendSnapshots(
    lasting,
    {
      ...run,
      request: plan.id,
      heads: view.ledger.heads,
      now,
      locks: run.locksAt(now),
      guard: guardOf(touched),
    },
    signal,
  );
  const from = new Date(plan.time);
  const counts = Object.fromEntries(located.map((one) => [one.item.entry.snapshot, countsOf(one, from)]));
  await rememberCounts(folder, plan.id, counts);
  const done = new Set([...report.amended.map(({ snapshot }) => snapshot), ...ending.map(nameInSet)]);
  const clear = located.filter((one) => !done.has(nameInSet(one)));
  const event = {
    type: 'amended',
    id: plan.id,
    amended: report.amended.map(({ snapshot, revision, sha256 }) => [snapshot, revision, sha256]),
    clear: clear.map(({ item }) => [item.entry.snapshot, item.current?.revision ?? 0]),
    removed: ending.map(nameInSet),
  };
  await rememberToRecheck(
    run,
    report.amended.map(({ snapshot }) => snapshot),
  );
  await append(run, event, signal);
  return report;
}

function nameInSet({ item }: LocatedSnapshot): string {
  return item.entry.snapshot;
}

/** What may not be left in rows that are edited and stay: all that any of the snapshots says of them. */
function guardOf(located: readonly LocatedSnapshot[]): EditGuard {
  const [first] = located;
  const subjects = located.flatMap((one) => one.subjects);
  return new EditGuard(identifiersOf(subjects, { root: first?.map.root ?? NO_ROOT }));
}

const NO_ROOT = { table: '', key: [], lookup: new Map() };

/** Where it was asked for, now or by the run that announced it. */
async function moveAll(run: Run, record: PurgeState['record'], signal: AbortSignal): Promise<MoveReport> {
  if (run.rewritePacks !== true && record?.rewritePacks !== true) return { bytesRead: 0, bytesWritten: 0 };
  return await rewritePacks(run, signal);
}

/** Old manifests and packs, in the store and then in each copy: with ledger and entries read anew. */
async function removeOld(run: Run, signal: AbortSignal): Promise<PlaceReport[]> {
  const { session, set, bypassGovernance, lease, removeDeadRuns, plan } = run;
  const places: PlaceReport[] = [];
  const check = () => lease.check();
  const stores = [{ name: session.store.url, store: session.store }, ...run.copies];
  for (const { name, store } of stores) {
    run.onStep(`removing what was replaced in ${name}`);
    const { view, record } = await lookAt(session, set, plan.id, signal);
    const now = await store.now(signal);
    const lives = livesAndEnds(view.catalog, record?.removed ?? new Set(), now);
    const rules = { set, now, removeDeadRuns, ...lives };
    const swept = await sweepManifests(store, rules, { bypassGovernance, check }, signal);
    const facts = { set, retired: record?.retired ?? [], moved: movedPacks(view.ledger), gone: lives.gone };
    const { entries } = view.catalog;
    const verdicts = judgePacks({ ...facts, entries, idle: removeDeadRuns });
    const options = { bypassGovernance, check };
    // Where a copy could not be brought level, its old manifests need the old packs.
    const free = swept.unreplaced.length > 0 ? [] : verdicts.free;
    const packs = await settlePacks(store, { ...verdicts, free }, options, signal);
    places.push({ name, swept, packs });
  }
  return places;
}
