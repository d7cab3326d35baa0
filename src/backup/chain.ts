/** Getting a chain ready for a run: continue it or start one, and square the host's index with what the store shows. */
import type { Catalog } from '../repository/catalog.ts';
import { indexFile, readChainState, writeChainState } from '../repository/chain-state.ts';
import { readIndexes, writeIndexes } from '../repository/index-state.ts';
import type { KnownIndex } from '../repository/index-state.ts';
import { daysOfPack, packRef, packsFolder } from '../repository/layout.ts';
import type { ChainPlace } from '../repository/layout.ts';
import { retiredPlaces } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { followPurges } from '../repository/moves.ts';
import { erasedUntil } from '../repository/purges.ts';
import { decideChain, packDaysFor, packIsKnown } from '../repository/rules.ts';
import type { ChainDecision, ChainPolicy } from '../repository/rules.ts';
import { SegmentIndex } from '../repository/segment-index.ts';
import { makePrivateFolder } from '../repository/state-files.ts';
import { ChainKeys, newChainSecret } from '../segments/chain-keys.ts';
import type { ObjectInfo, ReadStore } from '../stores/store.ts';

export interface ReadyChain extends Disposable {
  readonly place: ChainPlace;
  readonly packDays: number;
  readonly keys: ChainKeys;
  readonly index: SegmentIndex;
  readonly decision: ChainDecision;
  /** Objects of the subject index that earlier runs have put. */
  readonly indexes: readonly KnownIndex[];
}

export interface ChainContext {
  readonly store: ReadStore;
  readonly stateFolder: string;
  readonly set: string;
  readonly writer: string;
  readonly policy: ChainPolicy;
  readonly catalog: Catalog;
  readonly ledger: Ledger;
}

/**
 * Opens the chain that this run belongs to.
 * @param now - the store's clock
 * @param wantsFull - start a chain in any case
 */
export async function openChain(
  context: ChainContext,
  now: Date,
  wantsFull: boolean,
  signal: AbortSignal,
): Promise<ReadyChain> {
  const { stateFolder, policy, set, writer } = context;
  await makePrivateFolder(stateFolder);
  const state = await readChainState(stateFolder);
  const facts = state && {
    chain: state.chain,
    started: new Date(state.started),
    keepDays: state.keep_days,
    fullEveryDays: state.full_every_days,
  };
  const erased = erasedUntil(context.ledger);
  const decision: ChainDecision =
    facts && erased && facts.started <= erased
      ? { kind: 'start', reason: 'all that the set had was erased since the chain began' }
      : decideChain(facts, policy, now, wantsFull);
  const current =
    state && decision.kind === 'continue' ? state : await startChain(context, (state?.chain ?? 0) + 1, now);
  const place = { set, writer, chain: current.chain };
  const packDays = packDaysFor(policy.keepDays, policy.fullEveryDays);
  const index = new SegmentIndex(indexFile(stateFolder, current.chain));
  const keys = new ChainKeys(Buffer.from(current.secret, 'hex'));
  try {
    await squareIndex(context, { place, index }, now, signal);
    const indexes = await usableIndexes(context, place);
    const dispose = () => index[Symbol.dispose]();
    return { place, packDays, keys, index, decision, indexes, [Symbol.dispose]: dispose };
  } catch (error) {
    index[Symbol.dispose]();
    throw error;
  }
}

/** Those that know a retired segment are forgotten, with their keys: purges have written others in their place. */
export function withoutRetired(
  indexes: readonly KnownIndex[],
  ledger: Ledger,
  { writer, chain }: Pick<ChainPlace, 'writer' | 'chain'>,
): readonly KnownIndex[] {
  const retired = new Set([...retiredPlaces(ledger, writer, chain)].map(([ref]) => ref));
  return indexes.filter(({ packs }) => !packs.some((ref) => retired.has(ref)));
}

async function usableIndexes(
  { stateFolder, ledger }: ChainContext,
  place: ChainPlace,
): Promise<readonly KnownIndex[]> {
  const known = await readIndexes(stateFolder, place.chain);
  const usable = withoutRetired(known, ledger, place);
  if (usable.length < known.length) await writeIndexes(stateFolder, place.chain, usable);
  return usable;
}

async function startChain(
  { stateFolder, policy, catalog, writer }: ChainContext,
  atLeast: number,
  now: Date,
) {
  const used = catalog.entries.filter(({ entry }) => entry.writer === writer).map(({ entry }) => entry.chain);
  const state = {
    chain: Math.max(atLeast, ...used.map((chain) => chain + 1)),
    secret: newChainSecret().toString('hex'),
    started: now.toISOString(),
    keep_days: policy.keepDays,
    full_every_days: policy.fullEveryDays,
  };
  await writeChainState(stateFolder, state);
  return state;
}

/** Drops what the index may not offer any more: packs that are gone, of another size, too old, and retired segments. */
async function squareIndex(
  { store, policy, ledger, writer }: ChainContext,
  { place, index }: Pick<ReadyChain, 'place' | 'index'>,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  followPurges(index, ledger, writer, place.chain);
  const known = [...index.packs()];
  const listed = await listPacks(store, place, livesOf(known), signal);
  const unusable = known.filter(({ ref, bytes }) => {
    const object = listed.get(ref);
    if (object?.bytes !== bytes) return true;
    return !packIsKnown({ modified: object.modified, days: daysOfPack(ref) }, policy, now);
  });
  index.dropPacks(unusable.map(({ pack }) => pack));
}

/** The lives below which these packs lie: one, unless snapshots of several lives share the chain. */
function livesOf(packs: Iterable<{ readonly ref: string }>): Set<number> {
  return new Set([...packs].map(({ ref }) => daysOfPack(ref)));
}

/** The packs of a chain that the store shows below these lives, by reference. */
export async function listPacks(
  store: ReadStore,
  place: ChainPlace,
  lives: Iterable<number>,
  signal: AbortSignal,
): Promise<Map<string, ObjectInfo>> {
  const packs = new Map<string, ObjectInfo>();
  for (const days of lives) {
    const folder = packsFolder(place, days);
    for await (const object of store.list(folder, signal))
      packs.set(packRef(days, object.key.slice(folder.length)), object);
  }
  return packs;
}
