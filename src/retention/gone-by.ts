/** The outer date of a promise: until when something can be read at most, by whoever has a key and the store. Pure. */
import type { CatalogEntry } from '../repository/catalog.ts';
import { DAY_MS, earliestEnd, latestEnd } from '../repository/rules.ts';
import type { PackLife } from '../repository/rules.ts';
import { NONCURRENT_DAYS } from './lifecycle.ts';

/** What the store does with an object that is past its days. */
export interface Enforcement {
  /** Rules of the store remove it; otherwise somebody has to run `expire`. */
  readonly lifecycle: boolean;
  /** The lives for which there is such a rule. Not given: for all, as far as we may ask. */
  readonly ruled?: ReadonlySet<number>;
  /** A removed object stays as an old version for a while. Unknown counts as true: the later date is the outer one. */
  readonly versioned: boolean;
}

/** Of a folder, and of every store that does not expire by itself. */
export const NOTHING_ENFORCES: Enforcement = { lifecycle: false, versioned: false };

/**
 * The latest moment at which a manifest can still be read where the lifecycle rules work; undefined where nothing but
 * `expire` removes it, since then there is no such moment.
 *
 * An object that was put at x under N days goes at the first midnight UTC at or after x + N days. With versions it then
 * becomes an old one, a moment after that midnight, and stays for another day, which is rounded up to a midnight too:
 * nearly two days. A lock keeps the old version beyond that, until the midnight after it ends.
 * @param manifest - when the store took it, and its days
 * @param lockedUntil - of its version, where it is locked
 */
export function goneBy(
  manifest: PackLife,
  { lifecycle, ruled, versioned }: Enforcement,
  lockedUntil?: Date,
): Date | undefined {
  if (!lifecycle || ruled?.has(manifest.days) === false) return undefined;
  const removed = latestEnd(manifest.modified, manifest.days).getTime();
  const old = versioned ? removed + (NONCURRENT_DAYS + 1) * DAY_MS : removed;
  return new Date(Math.max(old, lockedUntil === undefined ? 0 : latestEnd(lockedUntil, 0).getTime()));
}

/**
 * The outer date of a snapshot: of its current manifest, or of its entry's promise where a listing does not show one.
 * @param lockDays - days of governance on manifests, by the set's policy
 */
export function snapshotGoneBy(
  { entry, current }: CatalogEntry,
  enforcement: Enforcement,
  lockDays: number | undefined,
): Date | undefined {
  const put = current?.listed?.modified ?? earliestEnd(new Date(entry.end), -entry.keep_days);
  const locked = lockDays === undefined ? undefined : earliestEnd(put, lockDays);
  return goneBy({ modified: put, days: current?.days ?? entry.keep_days }, enforcement, locked);
}

/** How much later than it should a server may remove something before that is an alarm. */
const SLACK_DAYS = 3;
/** An old version may stay until then: a midnight, its own day, and another midnight. */
const OLD_VERSION_DAYS = NONCURRENT_DAYS + 1;

/**
 * Whether an object is there although it should long be gone: rules are set, but nothing executes them (or nobody runs
 * `expire`).
 * @param now - the store's clock
 */
export function isOverdue(object: PackLife & { readonly isLatest: boolean }, now: Date): boolean {
  const days = object.days + SLACK_DAYS + (object.isLatest ? 0 : OLD_VERSION_DAYS);
  return earliestEnd(object.modified, days) < now;
}
