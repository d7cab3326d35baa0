/** `expire`: removes from a store, and from its copies, what is past its promise. */
import { isSurvivable } from '../errors.ts';
import type { HoldfastError } from '../errors.ts';
import { parseSnapshotKey } from '../repository/layout.ts';
import { takeLease } from '../repository/lease.ts';
import type { Lease } from '../repository/lease.ts';
import { lockSet } from '../repository/lock.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import type { Store, StuckVersion } from '../stores/store.ts';
import { planExpire } from './plan-expire.ts';
import type { ExpirePlan } from './plan-expire.ts';
import { readExpireFacts, rememberClock } from './read-expire.ts';
import type { ExpireChoices } from './read-expire.ts';

/** A store or one of its copies. */
export interface ExpirePlace {
  /** Undefined: the store itself. */
  readonly copy: string | undefined;
  readonly session: Session<Store>;
}

export interface ExpireOutcome {
  readonly copy: string | undefined;
  readonly plan: ExpirePlan;
  /** It was carried out, not only planned. */
  readonly done: boolean;
  /** What is still there, because it is locked. */
  readonly stuck: readonly StuckVersion[];
}

/**
 * What would be removed. Changes nothing.
 * @throws HoldfastError ROLLED_BACK, LEDGER_BROKEN
 */
export async function planFor(
  { copy, session }: ExpirePlace,
  set: string,
  choices: ExpireChoices,
  signal: AbortSignal,
): Promise<ExpireOutcome> {
  const plan = planExpire(await readExpireFacts(session, set, choices, signal));
  return { copy, plan, done: false, stuck: [] };
}

/** The store first. */
export type ExpirePlaces = readonly [ExpirePlace, ...ExpirePlace[]];

/** A copy in which nothing could be done. */
export interface ExpireFailure {
  readonly copy: string;
  readonly error: HoldfastError;
}

export interface ExpireRun {
  readonly outcomes: readonly ExpireOutcome[];
  readonly failures: readonly ExpireFailure[];
}

/** What would be removed from each place. Changes nothing. Throws as `planFor` does for the store. */
export function planAll(
  places: ExpirePlaces,
  set: string,
  choices: ExpireChoices,
  signal: AbortSignal,
): Promise<ExpireRun> {
  return eachPlace(places, (place) => planFor(place, set, choices, signal));
}

/**
 * Removes what is past its promise, first from the store, then from its copies. One lease, that of the store, covers
 * them all. A run that dies anywhere leaves each snapshot complete or gone, and the next one goes on.
 * @throws HoldfastError LOCKED; of the store: LEASE_LOST, STORE_DENIED, ROLLED_BACK, LEDGER_BROKEN
 */
export async function runExpire(
  places: ExpirePlaces,
  set: string,
  choices: ExpireChoices,
  signal: AbortSignal,
): Promise<ExpireRun> {
  const [{ session: primary }] = places;
  using _lock = await lockSet(stateFolderOf(primary, set), set);
  await using lease = await takeLease(primary, set, 'expire', signal);
  return await eachPlace(places, (place) => expireFrom(place, set, choices, lease, signal));
}

/** What is wrong with one copy keeps nothing from going elsewhere: each place ends by itself. */
async function eachPlace(
  places: ExpirePlaces,
  act: (place: ExpirePlace) => Promise<ExpireOutcome>,
): Promise<ExpireRun> {
  const outcomes: ExpireOutcome[] = [];
  const failures: ExpireFailure[] = [];
  for (const place of places) {
    const { copy } = place;
    try {
      outcomes.push(await act(place));
    } catch (error) {
      if (copy === undefined || !isSurvivable(error)) throw error;
      failures.push({ copy, error });
    }
  }
  return { outcomes, failures };
}

async function expireFrom(
  { copy, session }: ExpirePlace,
  set: string,
  choices: ExpireChoices,
  lease: Lease,
  signal: AbortSignal,
): Promise<ExpireOutcome> {
  const facts = await readExpireFacts(session, set, choices, signal);
  const plan = planExpire(facts);
  if (plan.refusal) return { copy, plan, done: false, stuck: [] };
  const stuck = await carryOut(session.store, plan, lease, signal);
  await rememberClock(session, set, facts.now);
  return { copy, plan, done: true, stuck };
}

/** What S3 takes in one request. */
const BATCH = 1000;

/**
 * Manifests first: from then on nobody can read what is left. Then what says that the snapshot exists, and then the
 * rest. A snapshot whose manifest is locked keeps its entry: it is not gone.
 */
async function carryOut(
  store: Store,
  { set, steps }: ExpirePlan,
  lease: Lease,
  signal: AbortSignal,
): Promise<StuckVersion[]> {
  const stuck: StuckVersion[] = [];
  const remove = async (keys: readonly string[]) => {
    for (let at = 0; at < keys.length; at += BATCH) {
      await lease.check();
      stuck.push(...(await store.remove(keys.slice(at, at + BATCH), { allVersions: true }, signal)));
    }
  };
  await remove(steps.manifests);
  const staying = new Set(stuck.map(({ key }) => parseSnapshotKey(set, key)?.snapshot));
  await remove(steps.records.filter((key) => !staying.has(parseSnapshotKey(set, key)?.snapshot)));
  await remove(steps.rest);
  return stuck;
}
