/** Reading, checking and writing a bucket's lifecycle rules; `lifecycle.ts` decides. */
import { isDeepStrictEqual } from 'node:util';
import { isHoldfastError } from '../errors.ts';
import { daysOfPrefix, keepPrefix } from '../repository/layout.ts';
import type { ChainPolicy } from '../repository/rules.ts';
import type { Bucket, LifecycleRule } from '../stores/bucket.ts';
import type { Store } from '../stores/store.ts';
import { lifecycleNotTaken, noLifecycle, tooManyRules } from './errors.ts';
import { NOTHING_ENFORCES, isOverdue } from './gone-by.ts';
import type { Enforcement } from './gone-by.ts';
import { livesInUse, livesRuled, planLifecycle, roomForLives, ruleIdPrefix } from './lifecycle.ts';
import type { LifecyclePlan, LifecycleProblem } from './lifecycle.ts';
import { listMortal } from './objects.ts';
import type { MortalObject } from './objects.ts';

/**
 * Makes the bucket's rules what they should be. Rules of others stay as they are.
 * @param policies - one for each life that a set of this store gives
 * @param prune - also remove rules of ours below whose prefixes nothing lies and nothing will
 * @returns what was planned; when `changed`, it was written and read back
 * @throws HoldfastError LIFECYCLE_UNSUPPORTED, LIFECYCLE_TOO_MANY, LIFECYCLE_NOT_TAKEN, STORE_DENIED
 */
export async function applyLifecycle(
  store: Store,
  policies: readonly ChainPolicy[],
  prune: boolean,
  signal: AbortSignal,
): Promise<LifecyclePlan> {
  const { bucket } = store;
  if (bucket === undefined) throw noLifecycle(store.url);
  const plan = await readPlan(store, bucket, policies, prune, signal);
  const tooMany = plan.problems.find(({ kind }) => kind === 'too-many');
  if (tooMany) throw tooManyRules(tooMany);
  if (!plan.changed) return plan;
  await bucket.putLifecycle(plan.rules, signal);
  await mustBeTaken(store, bucket, plan.rules, signal);
  return plan;
}

async function readPlan(
  store: Store,
  bucket: Bucket,
  policies: readonly ChainPolicy[],
  prune: boolean,
  signal: AbortSignal,
): Promise<LifecyclePlan> {
  const root = bucket.prefix;
  const found = await bucket.lifecycle(signal);
  const room = roomForLives(root, found);
  const inStore = (await store.folders('', signal)).flatMap((name) => daysOfPrefix(name) ?? []);
  // Old versions are no folder, and still have to go by a rule.
  const hidden = prune ? await hiddenLives(store, root, found, room, signal) : [];
  const lives = livesInUse(policies, [...inStore, ...hidden], room);
  return planLifecycle({ root, lives, found, prune });
}

/**
 * Lives of our rules below whose prefix there is any version of anything: the longest one, which stands for all shorter
 * ones; or each, where there is no room for as many rules.
 */
async function hiddenLives(
  store: Store,
  root: string,
  found: readonly LifecycleRule[],
  room: number,
  signal: AbortSignal,
): Promise<number[]> {
  const lives = found
    .filter(({ id }) => id.startsWith(ruleIdPrefix(root)))
    .flatMap(({ prefix }) => daysOfPrefix(prefix.slice(root.length, -1)) ?? [])
    .sort((a, b) => b - a);
  const hidden: number[] = [];
  for (const days of lives) {
    if (await holdsVersions(store, keepPrefix(days), signal)) hidden.push(days);
    if ((hidden[0] ?? Infinity) <= room) break;
  }
  return hidden;
}

async function holdsVersions(store: Store, prefix: string, signal: AbortSignal): Promise<boolean> {
  for await (const _ of store.versions(prefix, signal)) return true;
  return false;
}

/** What a server silently drops, or somebody else replaces at the same moment, must not pass for a promise. */
async function mustBeTaken(
  { url }: Store,
  bucket: Bucket,
  rules: readonly LifecycleRule[],
  signal: AbortSignal,
): Promise<void> {
  const byId = new Map((await bucket.lifecycle(signal)).map((rule) => [rule.id, rule]));
  for (const rule of rules) {
    const taken = byId.get(rule.id);
    if (!isDeepStrictEqual(plain(taken), plain(rule)))
      throw lifecycleNotTaken(url, `rule ${rule.id} is ${taken === undefined ? 'missing' : 'another'}`);
  }
}

/** Without keys that have no value; and what it applies to only as we understand it, for that has several spellings. */
function plain(rule: LifecycleRule | undefined): unknown {
  if (rule === undefined) return undefined;
  const { Filter: _filter, Prefix: _prefix, ...raw } = (rule.raw ?? {}) as Record<string, unknown>;
  return JSON.parse(JSON.stringify({ ...rule, raw }));
}

export interface LifecycleReport {
  /** What the store does by itself, when its rules are right. */
  readonly enforcement: Enforcement;
  /** Empty where the store has no lifecycle. */
  readonly problems: readonly LifecycleProblem[];
  /** What is there although it should long be gone. */
  readonly overdue: readonly MortalObject[];
}

/**
 * Compares what the bucket promises with what it should, and with what really happened. Changes nothing.
 * @throws HoldfastError STORE_DENIED
 */
export async function checkLifecycle(
  store: Store,
  policies: readonly ChainPolicy[],
  signal: AbortSignal,
): Promise<LifecycleReport> {
  const { bucket } = store;
  const problems = bucket ? (await readPlan(store, bucket, policies, false, signal)).problems : [];
  const versioned = await mayHaveVersions(store, signal);
  const objects = await listMortal(store, versioned, signal);
  const now = await store.now(signal);
  return {
    enforcement: { lifecycle: bucket !== undefined, versioned },
    problems,
    overdue: objects.filter((object) => isOverdue(object, now)),
  };
}

/** What a store does with objects that are past their days, as far as we may ask. */
export async function enforcementOf(store: Store, signal: AbortSignal): Promise<Enforcement> {
  const { bucket } = store;
  if (bucket === undefined) return NOTHING_ENFORCES;
  const [ruled, versioned] = await Promise.all([
    livesWithRules(bucket, signal),
    keepsVersions(bucket, signal),
  ]);
  return { lifecycle: ruled?.size !== 0, ...(ruled && { ruled }), versioned };
}

/** Who may not ask believes that they are there (undefined): `doctor` is for those who may. */
async function livesWithRules(bucket: Bucket, signal: AbortSignal): Promise<Set<number> | undefined> {
  try {
    return livesRuled(bucket.prefix, await bucket.lifecycle(signal));
  } catch (error) {
    if (isHoldfastError(error, 'STORE_DENIED')) return undefined;
    if (isHoldfastError(error, 'STORE_FAILED')) return new Set();
    throw error;
  }
}

async function keepsVersions(bucket: Bucket, signal: AbortSignal): Promise<boolean> {
  try {
    return (await bucket.versioning(signal)) !== 'off';
  } catch (error) {
    // Who may not ask gets the later date: that is the outer one.
    if (isHoldfastError(error, 'STORE_DENIED')) return true;
    throw error;
  }
}

/** Whether old versions may be there. */
export async function mayHaveVersions({ bucket }: Store, signal: AbortSignal): Promise<boolean> {
  return bucket !== undefined && keepsVersions(bucket, signal);
}
