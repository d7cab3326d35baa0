/**
 * Erasing a whole set: everything that its hosts have made without knowing of it. Manifests go first, in all places,
 * since nothing can be read without them; the ledger stays, and so does the suppression of other purges. A host that
 * knows of it begins a new chain, so that no pack of before is referred to again.
 */
import type { CatalogEntry } from '../../repository/catalog.ts';
import { lockSet } from '../../repository/lock.ts';
import { CHAIN_NAME, chainName } from '../../repository/layout.ts';
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
  return await finish(run, { amended, moved, places, undone, isNew: false }, signal);
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
    const news = all.filter(({ entry }) => !record?.announced.has(entry.snapshot));
    if (record && news.length === 0) return;
    onStep('announcing it in the ledger');
    const names = news.map(({ entry }) => entry.snapshot);
    // Before the first line nobody can know of it, so whatever chain is there goes.
    const chains = record ? news.map(chainOf) : await chainsThere(run, signal);
    const extras = { approval: run.approval, chains: [...new Set(chains)].sort() };
    await append(run, intentEvent(plan, names, [], extras), signal);
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
  const used = new Set(stays.map(chainOf));
  // What a run under way puts lies in a chain that began after the intent: told by the store itself, not by a copy.
  // Stores tell times in whole seconds: what the lines name goes, however young it looks.
  const chains = await chainsOf(session.store, set, signal);
  const young = [...chains]
    .filter(([name, first]) => first >= since && !record.chains.has(name))
    .map(([name]) => name);
  const rules = { set, erased, since, chains: new Set([...used, ...young]) };
  const options = { bypassGovernance, check: () => lease.check() };
  for (const { name, store } of [{ name: session.store.url, store: session.store }, ...run.copies]) {
    run.onStep(`erasing ${set} in ${name}`);
    places.push({ name, ...(await eraseSet(store, rules, options, signal)) });
  }
  return places;
}

function chainOf({ entry }: CatalogEntry): string {
  return chainName(entry);
}

/** What is called as no chain is was put there by somebody else: it goes by its age. */
async function chainsThere({ session, set }: Run, signal: AbortSignal): Promise<string[]> {
  const names = [...(await chainsOf(session.store, set, signal)).keys()];
  return names.filter((name) => CHAIN_NAME.test(name));
}
