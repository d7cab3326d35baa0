/** `expire`: removes from a store, and from its copies, what is past its promise. */
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

/**
 * Removes what is past its promise, first from the store, then from its copies. One lease, that of the store, covers
 * them all. A run that dies anywhere leaves each snapshot complete or gone, and the next one goes on.
 * @param places - the store first
 * @throws HoldfastError LOCKED, LEASE_LOST, STORE_DENIED, ROLLED_BACK, LEDGER_BROKEN
 */
export async function runExpire(
  places: readonly [ExpirePlace, ...ExpirePlace[]],
  set: string,
  choices: ExpireChoices,
  signal: AbortSignal,
): Promise<ExpireOutcome[]> {
  const [{ session: primary }] = places;
  using _lock = await lockSet(stateFolderOf(primary, set), set);
  await using lease = await takeLease(primary, set, 'expire', signal);
  const outcomes: ExpireOutcome[] = [];
  for (const place of places) outcomes.push(await expireFrom(place, set, choices, lease, signal));
  return outcomes;
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
