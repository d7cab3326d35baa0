/**
 * Erasing a whole set: everything that its hosts have made without knowing of it. Manifests go first, in all places,
 * since nothing can be read without them; the ledger stays, and so does the suppression of other purges. A host that
 * knows of it begins a new chain, so that no pack of before is referred to again.
 */
import { lockSet } from '../../repository/lock.ts';
import { takeLease } from '../../repository/lease.ts';
import { stateFolderOf } from '../../repository/session.ts';
import { intentEvent } from './announce.ts';
import type { ApplyOptions, PurgeReport } from './apply-options.ts';
import { mustBeApproved } from './approved.ts';
import { unsettled } from '../errors.ts';
import { finish } from './finish.ts';
import { append, mustBeOperator } from './run.ts';
import type { PlaceReport, Run } from './run.ts';
import { lookAt, mustBeAsPlanned } from './state.ts';
import { chainsOf, eraseSet } from './whole-set.ts';

const ROUNDS_MAX = 4;

/**
 * Applies the plan of a whole set, or goes on with one that was begun.
 * @throws HoldfastError LOCKED, LEASE_LOST, PLAN_OUTDATED, PURGE_UNSETTLED, and what reading and stores throw
 */
export async function applyWhole(options: ApplyOptions, signal: AbortSignal): Promise<PurgeReport> {
  const { session, set } = options;
  mustBeOperator(options);
  using _lock = await lockSet(stateFolderOf(session, set), set);
  await using lease = await takeLease(session, set, 'purge', signal);
  const run: Run = { ...options, lease, folder: stateFolderOf(session, set) };
  await announce(run, signal);
  // So that copies know of it first; what of the set could not be brought there goes now.
  const unlevel = await options.levelCopies(signal);
  const places = await eraseEverywhere(run, signal);
  const undone = unlevel.length === 0 ? [] : [...(await options.levelCopies(signal))];
  const amended = { amended: [], bytesRead: 0, bytesWritten: 0, packs: [] };
  const moved = { bytesRead: 0, bytesWritten: 0 };
  return await finish(run, { amended, moved, places, undone }, signal);
}

/** Until a listing shows no snapshot that the ledger does not name. */
async function announce(run: Run, signal: AbortSignal): Promise<void> {
  const { plan, session, set, onStep } = run;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await lookAt(session, set, plan.id, signal);
    const { record, view } = state;
    if (round === 0) await mustBeApproved(run, record, signal);
    if (!record) mustBeAsPlanned(plan, state);
    // Also what is past its end and lies there still.
    const all = record ? state.open : view.catalog.entries;
    const names = all.map(({ entry }) => entry.snapshot).filter((name) => !record?.announced.has(name));
    if (record && names.length === 0) return;
    onStep('announcing it in the ledger');
    await append(run, intentEvent(plan, names, [], { approval: run.approval }), signal);
  }
  throw unsettled(set);
}

async function eraseEverywhere(run: Run, signal: AbortSignal): Promise<PlaceReport[]> {
  const { session, set, plan, bypassGovernance, lease } = run;
  const places: PlaceReport[] = [];
  const { view, open, record } = await lookAt(session, set, plan.id, signal);
  if (!record) throw unsettled(set);
  const erased = new Set([...record.announced, ...open.map(({ entry }) => entry.snapshot)]);
  const stays = view.catalog.entries.filter(({ entry }) => !erased.has(entry.snapshot));
  const since = new Date(record.since);
  const used = new Set(stays.map(({ entry }) => `${entry.writer}-${entry.chain}`));
  // What a run under way puts lies in a chain that began after the intent: told by the store itself, not by a copy.
  const chains = await chainsOf(session.store, set, signal);
  const young = [...chains].filter(([, first]) => first >= since).map(([name]) => name);
  const rules = { set, erased, since, chains: new Set([...used, ...young]) };
  const options = { bypassGovernance, check: () => lease.check() };
  for (const { name, store } of [{ name: session.store.url, store: session.store }, ...run.copies]) {
    run.onStep(`erasing ${set} in ${name}`);
    places.push({ name, ...(await eraseSet(store, rules, options, signal)) });
  }
  return places;
}
