/**
 * Packs with erased segments are replaced: what lives in them is moved, and the ledger says where it lies now, so that
 * no snapshot needs the old packs and no host refers to them again. They are removed afterwards; see `packs.ts`.
 */
import type { CatalogEntry } from '../../repository/catalog.ts';
import { movedPacks } from '../../repository/moves.ts';
import { lifeLeft } from './amend.ts';
import { intentEvent } from '../apply/announce.ts';
import { moveChain } from './chain-mover.ts';
import type { ChainMove, ChainMoved } from './chain-mover.ts';
import { unsettled } from '../errors.ts';
import { currentChains } from '../apply/packs.ts';
import { append } from '../apply/run.ts';
import type { Run } from '../apply/run.ts';
import { lookAt } from '../apply/state.ts';
import type { PurgeState } from '../apply/state.ts';

/** So often what hosts have added meanwhile is moved too. */
const ROUNDS_MAX = 4;

export interface MoveReport {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** The line that names moved segments is about no snapshot's subjects, so it has a name of its own. */
function idOfMove(purge: string): string {
  return `${purge}-packs`;
}

/**
 * Moves what lives in packs with erased segments, until no snapshot that lasts needs one of them. Nothing is done
 * while there are snapshots that the purge has not been through: they need those packs.
 * @throws HoldfastError PURGE_UNSETTLED, DAMAGED, and what stores and opening throw
 */
export async function rewritePacks(run: Run, signal: AbortSignal): Promise<MoveReport> {
  const { session, set, plan } = run;
  const report = { bytesRead: 0, bytesWritten: 0 };
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await lookAt(session, set, plan.id, signal);
    if (!state.record || state.open.length > 0) return report;
    const now = await session.store.now(signal);
    const moves = movesIn(state, set, now);
    if (moves.length === 0) return report;
    await announce(run, state, moves, signal);
    const { heads } = (await lookAt(session, set, plan.id, signal)).view.ledger;
    const done: ChainMoved[] = [];
    for (const move of moves) {
      run.onStep(`moving what lives in ${move.packs.size} packs with erased rows`);
      done.push(await moveChain(move, { ...run, request: idOfMove(plan.id), heads, now }, signal));
    }
    await append(run, movedEvent(plan.id, done), signal);
    for (const { bytesRead, bytesWritten } of done) {
      report.bytesRead += bytesRead;
      report.bytesWritten += bytesWritten;
    }
  }
  throw unsettled(set);
}

/** What is to be moved, by chain. Pure. */
function movesIn({ view, record }: PurgeState, set: string, now: Date): ChainMove[] {
  const { entries } = view.catalog;
  const newest = currentChains(entries);
  const said = new Set(
    movedPacks(view.ledger).map(({ writer, chain, pack }) => `${writer} ${chain} ${pack}`),
  );
  const chains = Map.groupBy(record?.retired ?? [], ([writer, chain]) => `${writer} ${chain}`);
  return [...chains.values()].flatMap((places): ChainMove[] => {
    const [first] = places;
    if (!first) return [];
    const [writer, chain] = first;
    const all = new Set(places.map(([, , pack]) => pack));
    const needs = (item: CatalogEntry) =>
      item.entry.writer === writer &&
      item.entry.chain === chain &&
      item.current?.listed !== undefined &&
      new Date(item.entry.end) > now &&
      lifeLeft({ item }, now) > 0 &&
      item.current.packs.some(([pack]) => all.has(pack));
    const items = entries.filter(needs);
    const needed = new Set(items.flatMap(({ current }) => current?.packs.map(([pack]) => pack) ?? []));
    // Also those that nobody needs: hosts have to hear that they are not to be referred to.
    const packs = [...all].filter((pack) => needed.has(pack) || !said.has(`${writer} ${chain} ${pack}`));
    if (packs.length === 0) return [];
    const goesOn = chain >= (newest.get(writer) ?? 0);
    return [{ place: { set, writer, chain }, packs: new Set(packs), items, goesOn }];
  });
}

/** An amendment that nobody has announced would look as if the ledger had lost lines. */
async function announce(
  run: Run,
  { record }: PurgeState,
  moves: readonly ChainMove[],
  signal: AbortSignal,
): Promise<void> {
  const names = moves
    .flatMap(({ items }) => items.map(({ entry }) => entry.snapshot))
    .filter((name) => !record?.announced.has(name));
  if (names.length === 0 && record?.rewritePacks === true) return;
  const extras = { suppression: record?.suppression, rewritePacks: true };
  await append(run, intentEvent(run.plan, names, [], extras), signal);
}

function movedEvent(purge: string, done: readonly ChainMoved[]) {
  return {
    type: 'amended',
    id: idOfMove(purge),
    amended: done.flatMap(({ amended }) =>
      amended.map(({ snapshot, revision, sha256 }) => [snapshot, revision, sha256]),
    ),
    moved: done.flatMap(({ moved }) => moved),
    packs: done.flatMap(({ packs }) => packs.map(({ ref, bytes }) => [ref, bytes])),
  };
}
