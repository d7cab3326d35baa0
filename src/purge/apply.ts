/**
 * Carrying out a purge. In this order, so that a run that dies anywhere loses nothing, brings nobody back, and is
 * finished by the next one: suppression; intent into the ledger; copies brought level; the set looked at again until
 * no snapshot is new; new packs, manifests and amendments, read back; the line of the ledger that makes them count;
 * copies brought level; old manifests removed in all versions and copies; receipt; the end into the ledger.
 */
import { throwIfCancelled } from '../errors.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import { takeLease } from '../repository/lease.ts';
import { lockSet } from '../repository/lock.ts';
import { stateFolderOf } from '../repository/session.ts';
import { SnapshotReader } from '../restore/reader.ts';
import { describeProblem } from '../subjects/integrity.ts';
import { amendSnapshots, isTouched, lifeLeft } from './amend.ts';
import type { AmendReport } from './amend.ts';
import { intentEvent, retirements } from './announce.ts';
import type { ApplyOptions, PurgeReport } from './apply-options.ts';
import { countsOf, rememberCounts } from './counts.ts';
import { planRefused, unsettled } from './errors.ts';
import { finish } from './finish.ts';
import type { Located, LocatedSnapshot } from './located.ts';
import { livesAndEnds, sweepManifests } from './manifests.ts';
import { settlePacks } from './packs.ts';
import { append, mustBeFit } from './run.ts';
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
  mustBeFit(options);
  using _lock = await lockSet(stateFolderOf(session, set), set);
  await using lease = await takeLease(session, set, 'purge', signal);
  const run: Run = { ...options, lease, folder: stateFolderOf(session, set) };
  const located = await announceAll(run, signal);
  const amended = await amendAll(run, located, signal);
  const undone = [...(await options.levelCopies(signal))];
  const places = await removeOld(run, signal);
  return await finish(run, { amended, places, undone }, signal);
}

/**
 * Looks everything through and announces it, until a listing shows no snapshot that was not looked through.
 * @returns the snapshots that the purge has not changed yet
 */
async function announceAll(run: Run, signal: AbortSignal): Promise<LocatedSnapshot[]> {
  const { plan, session, set } = run;
  const known = new Map<string, LocatedSnapshot>();
  let state = await lookAt(session, set, plan.id, signal);
  if (!state.record) mustBeAsPlanned(plan, state);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const open = openOf(state);
    const unseen = open.filter((item) => !known.has(nameOf(item)));
    if (state.record && round > 0 && unseen.length === 0) {
      const stays = new Set(open.map(nameOf));
      return [...known].filter(([name]) => stays.has(name)).map(([, one]) => one);
    }
    throwIfCancelled(signal);
    run.onStep(`looking through ${unseen.length} snapshots`);
    const located = await run.locate(unseen, signal);
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
  const { plan, session } = run;
  const touched = located.snapshots.filter(isTouched);
  const names = touched.map(({ item }) => item.entry.snapshot).filter((name) => !record?.announced.has(name));
  if (record && names.length === 0) return;
  const suppression = record ? suppressionOf(record.intent) : await run.putSuppression(located, signal);
  const retired = await retirements(touched, async ({ manifest }, name) => {
    const stream = manifest.streams.find((one) => one.name === name);
    const reader = new SnapshotReader(session.store, manifest, run.pool);
    return stream ? Array.fromAsync(reader.segments(stream, signal)) : [];
  });
  run.onStep('announcing it in the ledger');
  await append(run, intentEvent(plan, names, retired, suppression), signal);
  await run.levelCopies(signal);
}

function suppressionOf(intent: object): object | undefined {
  return (intent as { suppression?: object }).suppression;
}

/** Writes the new revisions, and makes them count. */
async function amendAll(
  run: Run,
  located: readonly LocatedSnapshot[],
  signal: AbortSignal,
): Promise<AmendReport> {
  const { session, plan, folder } = run;
  const none: AmendReport = { amended: [], bytesRead: 0, bytesWritten: 0, packs: [] };
  if (located.length === 0) return none;
  const now = await session.store.now(signal);
  const { view } = await lookAt(session, run.set, plan.id, signal);
  const touched = located.filter(isTouched);
  const ending = touched.filter((one) => lifeLeft(one, now) === 0);
  const lasting = touched.filter((one) => lifeLeft(one, now) > 0);
  run.onStep(`writing ${lasting.length} snapshots anew`);
  const report = await amendSnapshots(
    lasting,
    { ...run, request: plan.id, heads: view.ledger.heads, now, locks: run.locksAt(now) },
    signal,
  );
  const counts = Object.fromEntries(located.map((one) => [one.item.entry.snapshot, countsOf(one)]));
  await rememberCounts(folder, plan.id, counts);
  const clear = located.filter((one) => !isTouched(one));
  const event = {
    type: 'amended',
    id: plan.id,
    amended: report.amended.map(({ snapshot, revision, sha256 }) => [snapshot, revision, sha256]),
    clear: clear.map(({ item }) => [item.entry.snapshot, item.current?.revision ?? 0]),
    removed: ending.map(({ item }) => item.entry.snapshot),
  };
  await append(run, event, signal);
  return report;
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
    const retired = record?.retired ?? [];
    const options = { bypassGovernance, check };
    const packs = await settlePacks(store, set, retired, view.catalog.entries, options, signal);
    places.push({ name, swept, packs });
  }
  return places;
}
