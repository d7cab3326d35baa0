/**
 * The rules of life and death, as pure functions: which packs may be referenced, when a chain ends, until when a
 * snapshot must be there. All times are the *store's* clock; the host's clock decides nothing.
 *
 * Let M be the days of a manifest, F `full_every`, both in days. Packs lie under P = M + F + 2. An object store that
 * expires by age rounds up to the next midnight UTC, so an object lives at least its days, and less than a day more.
 * A reference is safe when the pack's earliest end is a whole day past the manifest's latest end.
 */
export const DAY_MS = 86_400_000;

/** Days under which the packs of a chain lie, for snapshots kept `keepDays` in chains of `fullEveryDays`. */
export function packDaysFor(keepDays: number, fullEveryDays: number): number {
  return keepDays + fullEveryDays + 2;
}

/** The promise: readable at least until then. */
export function endOfPromise(committed: Date, keepDays: number): Date {
  return new Date(committed.getTime() + keepDays * DAY_MS);
}

/** The first moment at which a lifecycle rule may remove an object. */
export function earliestEnd(modified: Date, days: number): Date {
  return new Date(modified.getTime() + days * DAY_MS);
}

/** The last moment until which a working lifecycle rule may leave an object: the next midnight UTC. */
export function latestEnd(modified: Date, days: number): Date {
  return new Date(Math.ceil((modified.getTime() + days * DAY_MS) / DAY_MS) * DAY_MS);
}

/**
 * The days under which an object is rewritten, so that it ends with its original: of what is left until the latest
 * end of that one, whole days only. 0: there is no such prefix, it ends too soon.
 */
export function daysLeft(modified: Date, days: number, now: Date): number {
  const left = Math.floor((latestEnd(modified, days).getTime() - now.getTime()) / DAY_MS);
  return Math.max(0, Math.min(days, left));
}

export interface PackLife {
  readonly modified: Date;
  readonly days: number;
}

/** True when a manifest that is written at `now` and kept `keepDays` cannot outlive this pack, with a day to spare. */
export function packOutlives(pack: PackLife, now: Date, keepDays: number): boolean {
  return earliestEnd(pack.modified, pack.days).getTime() >= latestEnd(now, keepDays).getTime() + DAY_MS;
}

/**
 * How much of F a chain gives up at its end, so that a run which starts in time can also commit in time: half a
 * day, or half of F when that is less than a day.
 */
export function chainSlackMs(fullEveryDays: number): number {
  return Math.min(DAY_MS / 2, (fullEveryDays * DAY_MS) / 2);
}

export interface ChainFacts {
  readonly chain: number;
  /** The store's clock when the chain started. */
  readonly started: Date;
  /** The life of the snapshot that started it. */
  readonly keepDays: number;
  readonly fullEveryDays: number;
}

export interface ChainPolicy {
  /** The life of this run's snapshot. */
  readonly keepDays: number;
  readonly fullEveryDays: number;
}

export type ChainDecision =
  | { readonly kind: 'continue'; readonly reason: string }
  | { readonly kind: 'start'; readonly reason: string };

/** S3 tells its clock in whole seconds, so a run may seem to start before the one that it follows at once. */
const CLOCK_JITTER_MS = 60_000;

/** Whether this run goes on with the chain or starts a new one with a full snapshot, and why. */
export function decideChain(
  chain: ChainFacts | undefined,
  policy: ChainPolicy,
  now: Date,
  wantsFull: boolean,
): ChainDecision {
  if (!chain) return start('there is no chain on this host yet');
  if (wantsFull) return start('a full snapshot was asked for');
  // A shorter life goes on in the chain, below its own prefix. A longer one would find little that outlives it.
  if (chain.keepDays < policy.keepDays)
    return start(`it is kept ${policy.keepDays} days, and the chain began with ${chain.keepDays}`);
  if (chain.fullEveryDays !== policy.fullEveryDays) {
    return start(`full_every changed from ${chain.fullEveryDays} to ${policy.fullEveryDays} days`);
  }
  const age = now.getTime() - chain.started.getTime();
  if (age < -CLOCK_JITTER_MS) return start("the chain starts in the future by the store's clock");
  if (age >= policy.fullEveryDays * DAY_MS - chainSlackMs(policy.fullEveryDays)) {
    return start(`the chain is ${(age / DAY_MS).toFixed(1)} of ${policy.fullEveryDays} days old`);
  }
  return {
    kind: 'continue',
    reason: `chain ${chain.chain} is ${(Math.max(0, age) / DAY_MS).toFixed(1)} days old`,
  };
}

function start(reason: string): ChainDecision {
  return { kind: 'start', reason };
}

/**
 * Whether a segment in this pack counts as known for a run that starts now: younger than F, and outliving this
 * snapshot's manifest. Asked again for every referenced pack at commit, with `atCommit`, where only the second
 * half matters: it is the one that keeps the promise.
 */
export function packIsUsable(pack: PackLife, policy: ChainPolicy, now: Date, atCommit: boolean): boolean {
  const young = now.getTime() - pack.modified.getTime() < policy.fullEveryDays * DAY_MS;
  return (atCommit || young) && packOutlives(pack, now, policy.keepDays);
}

/**
 * Whether a run that starts now may look for segments in this pack. Where snapshots of several lives share a chain, a
 * pack that lies below a shorter life than this run's own might outlive the manifest at the start, and not at the commit.
 */
export function packIsKnown(pack: PackLife, policy: ChainPolicy, now: Date): boolean {
  const own = packDaysFor(policy.keepDays, policy.fullEveryDays);
  return pack.days >= own && packIsUsable(pack, policy, now, false);
}
