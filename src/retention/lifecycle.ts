/**
 * The lifecycle rules of a bucket, as pure functions: which ones a store needs, what is wrong with those that are
 * there, and the configuration that mends it without touching a rule of somebody else.
 *
 * A bucket has one configuration for all: a put replaces the rules of others too. So whoever changes it reads
 * everything, and writes everything back. Rules that are not ours go through as the server gave them (`raw`).
 */
import { hash } from 'node:crypto';
import { daysOfPrefix, keepPrefix, padDays } from '../repository/layout.ts';
import { packDaysFor } from '../repository/rules.ts';
import type { ChainPolicy } from '../repository/rules.ts';
import type { LifecycleRule } from '../stores/bucket.ts';

/** What S3 takes in one configuration, foreign rules included. */
const RULES_MAX = 1000;
/** How long an old version outlives the object: what was expired can be brought back for a day, and no longer. */
export const NONCURRENT_DAYS = 1;
const ABORT_MULTIPART_DAYS = 1;

/**
 * Every life that objects of a store may have: from one day to the longest of a pack. An object that is written again
 * goes under the days that it has left, so each number may come up.
 *
 * Where a bucket does not take so many rules because of what an older, longer policy has left, that gets a rule for each
 * life which is there: a typing error in `keep` must not leave everything else without rules until it has run out.
 * @param policies - of all sets, one for each life that a set gives
 * @param inStore - lives that the store has prefixes for: objects may have been put under an older, longer policy
 * @param room - how many rules for lives the bucket takes
 */
export function livesInUse(
  policies: readonly ChainPolicy[],
  inStore: readonly number[],
  room = Infinity,
): number[] {
  const packs = policies.map(({ keepDays, fullEveryDays }) => packDaysFor(keepDays, fullEveryDays));
  const all = upTo(Math.max(0, ...packs, ...inStore));
  if (all.length <= room) return all;
  return [...new Set([...upTo(Math.max(0, ...packs)), ...inStore])].sort((a, b) => a - b);
}

function upTo(days: number): number[] {
  return Array.from({ length: days }, (_, index) => index + 1);
}

/** How many rules for lives fit beside those of others and the two that are not for a life. */
export function roomForLives(root: string, found: readonly LifecycleRule[]): number {
  const own = ruleIdPrefix(root);
  return RULES_MAX - desiredRules(root, []).length - found.filter(({ id }) => !id.startsWith(own)).length;
}

/** What the ids of a store's rules start with; two stores in one bucket do not take each other's for their own. */
export function ruleIdPrefix(root: string): string {
  return `holdfast-${hash('sha256', root, 'hex').slice(0, 8)}-`;
}

/**
 * The rules that a store needs.
 * @param root - of the store within its bucket: empty, or with a slash at the end
 * @param lives - in days
 */
export function desiredRules(root: string, lives: readonly number[]): LifecycleRule[] {
  const id = ruleIdPrefix(root);
  // S3 does not allow this beside days in one rule.
  const markers = { id: `${id}markers`, enabled: true, prefix: `${root}keep-`, expiredDeleteMarkers: true };
  // Whoever may not delete leaves a version with each question whether a put can refuse to overwrite.
  const probe = {
    id: `${id}probe`,
    enabled: true,
    prefix: `${root}probe/`,
    noncurrentDays: NONCURRENT_DAYS,
    expiredDeleteMarkers: true,
  };
  return [...lives.map((days) => ruleOfLife(root, days)), markers, probe];
}

function ruleOfLife(root: string, days: number): LifecycleRule {
  return {
    id: `${ruleIdPrefix(root)}keep-${padDays(days)}`,
    enabled: true,
    prefix: `${root}${keepPrefix(days)}`,
    expireDays: days,
    // Also where there are no versions: they may be turned on one day, and nobody would think of this.
    noncurrentDays: NONCURRENT_DAYS,
    abortMultipartDays: ABORT_MULTIPART_DAYS,
  };
}

/** The lives that end by rules of this store which are there, enabled, and as they should be. */
export function livesRuled(root: string, found: readonly LifecycleRule[]): Set<number> {
  const byId = new Map(found.map((rule) => [rule.id, rule]));
  const lives = found.flatMap(({ prefix }) =>
    prefix.startsWith(root) ? (daysOfPrefix(prefix.slice(root.length, -1)) ?? []) : [],
  );
  const asItShouldBe = (days: number) => {
    const desired = ruleOfLife(root, days);
    const rule = byId.get(desired.id);
    return rule !== undefined && differences(desired, rule).length === 0;
  };
  return new Set(lives.filter(asItShouldBe));
}

export type LifecycleProblemKind =
  /** A rule of ours is not there. */
  | 'missing'
  /** A rule of ours says something else. */
  | 'wrong'
  /** A rule of somebody else removes ours, or makes them unreadable, before their time. */
  | 'foreign'
  /** More rules than a bucket takes. */
  | 'too-many';

export interface LifecycleProblem {
  readonly kind: LifecycleProblemKind;
  /** Of the rule. */
  readonly id: string;
  readonly prefix: string;
  /** Lower case, no full stop. */
  readonly what: string;
}

export interface LifecyclePlan {
  readonly problems: readonly LifecycleProblem[];
  /** The whole configuration as it should be: theirs untouched and first, then ours. */
  readonly rules: readonly LifecycleRule[];
  /** Whether writing `rules` would change anything. */
  readonly changed: boolean;
}

export interface LifecycleFacts {
  readonly root: string;
  readonly lives: readonly number[];
  /** What the bucket has. */
  readonly found: readonly LifecycleRule[];
  /**
   * Remove rules of ours for lives that are not in use; say so only when nothing lies below their prefixes. Otherwise
   * they stay: another host of this store may have a longer policy that it has not used yet.
   */
  readonly prune?: boolean;
}

/** Compares what a bucket has with what it should have. */
export function planLifecycle({ root, lives, found, prune = false }: LifecycleFacts): LifecyclePlan {
  const own = ruleIdPrefix(root);
  const foreign = found.filter(({ id }) => !id.startsWith(own));
  const ours = new Map(found.filter(({ id }) => id.startsWith(own)).map((rule) => [rule.id, rule]));
  const desired = desiredRules(root, lives);
  const wanted = new Set(desired.map(({ id }) => id));
  const surplus = prune ? [] : [...ours.values()].filter(({ id }) => !wanted.has(id));
  const rules = [...foreign, ...desired.map((rule) => kept(rule, ours.get(rule.id))), ...surplus];
  const ownProblems = desired.flatMap((rule) => problemWith(rule, ours.get(rule.id)));
  const pruned = prune && [...ours.keys()].some((id) => !wanted.has(id));
  return {
    problems: [
      ...ownProblems,
      ...foreign.flatMap((rule) => harmOf(rule, root, lives)),
      ...tooMany(rules, foreign, root),
    ],
    rules,
    changed: ownProblems.length > 0 || pruned,
  };
}

/** One that is right already goes back as it came. */
function kept(desired: LifecycleRule, found: LifecycleRule | undefined): LifecycleRule {
  return found !== undefined && differences(desired, found).length === 0 ? found : desired;
}

function problemWith(desired: LifecycleRule, found: LifecycleRule | undefined): LifecycleProblem[] {
  const { id, prefix } = desired;
  if (found === undefined) {
    return [
      { kind: 'missing', id, prefix, what: `nothing removes ${prefix} in time: rule ${id} is missing` },
    ];
  }
  const [difference] = differences(desired, found);
  if (difference === undefined) return [];
  return [{ kind: 'wrong', id, prefix, what: `rule ${id} ${difference}` }];
}

const FIELDS = [
  ['prefix', 'is for another prefix'],
  ['expireDays', 'expires after another number of days'],
  ['noncurrentDays', 'keeps old versions for another number of days'],
  ['abortMultipartDays', 'ends interrupted uploads after another number of days'],
  ['expiredDeleteMarkers', 'does not tidy delete markers as it should'],
] as const;

function differences(desired: LifecycleRule, found: LifecycleRule): string[] {
  const differing = FIELDS.filter(([field]) => (desired[field] ?? false) !== (found[field] ?? false)).map(
    ([field, what]) => `${what}: ${shown(found[field])}, should be ${shown(desired[field])}`,
  );
  return [
    ...(found.enabled ? [] : ['is disabled']),
    ...differing,
    ...(found.filtered === true ? ['applies to some objects only: it has a filter'] : []),
    ...(found.expireDate === undefined ? [] : ['expires at a date']),
    ...((rawOf(found).Transitions?.length ?? 0) > 0 ? ['moves objects to another storage class'] : []),
  ];
}

function shown(value: string | number | boolean | undefined): string {
  return value === undefined ? 'none' : String(value);
}

/** What must stay as long as the store does. */
const LASTING = ['holdfast.json', 'ledger/', 'writers/', 'RECOVERY.md', 'recover.sh'];
/** Objects there cannot be read before somebody has thawed them. */
const FROZEN = new Set(['GLACIER', 'DEEP_ARCHIVE']);

function harmOf(rule: LifecycleRule, root: string, lives: readonly number[]): LifecycleProblem[] {
  const raw = rawOf(rule);
  // Our objects have no tags, so a rule for tags does not see them.
  if (!rule.enabled || hasTagFilter(raw)) return [];
  const { id, prefix } = rule;
  const harm = [...expiryHarm(rule, root, lives), ...freezingHarm(rule, raw, root, lives)];
  return harm.map((what) => ({ kind: 'foreign', id, prefix, what: `rule ${id || '(without id)'} ${what}` }));
}

function expiryHarm(rule: LifecycleRule, root: string, lives: readonly number[]): string[] {
  // At a date everything goes, whatever its age.
  const days = rule.expireDate === undefined ? rule.expireDays : 0;
  if (days === undefined) return [];
  const lasting = LASTING.filter((name) => overlap(rule.prefix, root + name));
  const early = lives.filter((life) => life > days && overlap(rule.prefix, root + keepPrefix(life)));
  const when = days === 0 ? 'at a date' : `after ${days} days`;
  return [
    ...(lasting.length > 0 ? [`removes ${root}${lasting[0] ?? ''} ${when}, which must stay`] : []),
    ...(early.length > 0
      ? [`removes ${root}${keepPrefix(early.at(-1) ?? 1)} ${when}: the shorter of two rules wins`]
      : []),
  ];
}

function freezingHarm({ prefix }: LifecycleRule, raw: RawRule, root: string, lives: readonly number[]) {
  const frozen = (raw.Transitions ?? []).find(({ StorageClass = '' }) => FROZEN.has(StorageClass));
  if (frozen === undefined) return [];
  const touched = [...LASTING, ...lives.map(keepPrefix)].find((name) => overlap(prefix, root + name));
  if (touched === undefined) return [];
  return [`moves ${root}${touched} to ${frozen.StorageClass ?? ''}, where it cannot be read at once`];
}

/** Whether some key can start with both. */
function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function tooMany(
  rules: readonly LifecycleRule[],
  foreign: readonly LifecycleRule[],
  root: string,
): LifecycleProblem[] {
  if (rules.length <= RULES_MAX) return [];
  const others = foreign.length === 0 ? '' : `, ${foreign.length} of them not ours`;
  const what = `${rules.length} lifecycle rules are needed${others}, and a bucket takes ${RULES_MAX}`;
  return [{ kind: 'too-many', id: ruleIdPrefix(root), prefix: root, what }];
}

/** The parts of the SDK's rule that the port does not model and that matter here. */
interface RawRule {
  readonly Filter?: RawFilter & { readonly And?: RawFilter };
  readonly Transitions?: readonly { readonly StorageClass?: string }[];
}

interface RawFilter {
  readonly Tag?: unknown;
  readonly Tags?: readonly unknown[];
}

function rawOf({ raw }: LifecycleRule): RawRule {
  return raw ?? {};
}

function hasTagFilter({ Filter = {} }: RawRule): boolean {
  return [Filter, Filter.And ?? {}].some(({ Tag, Tags = [] }) => Tag !== undefined || Tags.length > 0);
}
