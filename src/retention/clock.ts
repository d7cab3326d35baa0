/**
 * Whether the store's clock may be believed when something is to be removed by age. Pure.
 *
 * A clock that is ahead makes everything look old. So time has to be seen passing: by snapshots, which say when they
 * were made, and by earlier runs of `expire`. A leap after which nobody has seen time pass for a while is not believed.
 */
import { DAY_MS } from '../repository/rules.ts';

/** S3 tells its clock in whole seconds, and a run may take its time between two looks. */
const JITTER_MS = 60_000;
const LEAP_MS = 2 * DAY_MS;
/** So many of the newest intervals say what is usual. */
const INTERVALS_MAX = 10;

export interface ClockFacts {
  /** What the store's clock says. */
  readonly now: Date;
  /** When snapshots were made, verified ones only: for each writer, in the order of their numbers. */
  readonly series: readonly (readonly Date[])[];
  /** The latest time that an earlier run of `expire` saw and believed. */
  readonly believed: Date | undefined;
  /** When the store took its newest object. */
  readonly newestObject: Date | undefined;
}

export interface ClockDoubt {
  readonly code: 'CLOCK_BEHIND' | 'CLOCK_LEAPT';
  /** Lower case, no full stop. */
  readonly reason: string;
}

/** What speaks against the clock; undefined when nothing does. */
export function doubtClock(facts: ClockFacts): ClockDoubt | undefined {
  return behind(facts) ?? leapt(facts);
}

function behind({ now, series, believed, newestObject }: ClockFacts): ClockDoubt | undefined {
  const known = [...series.flat(), believed, newestObject].flatMap((time) => time?.getTime() ?? []);
  const newest = known.reduce((a, b) => Math.max(a, b), 0);
  if (newest <= now.getTime() + JITTER_MS) return undefined;
  const reason = `the store's clock says ${shown(now.getTime())}, and something there is from ${shown(newest)}`;
  return { code: 'CLOCK_BEHIND', reason };
}

/** One writer who has seen time pass is enough: another one may be gone for good. */
function leapt({ now, series, believed }: ClockFacts): ClockDoubt | undefined {
  const leaps = series
    .filter(({ length }) => length > 0)
    .map((times) => leapIn(times.map(Number), now.getTime(), believed?.getTime()));
  const [first] = leaps;
  if (first === undefined || leaps.includes(undefined)) return undefined;
  const [before, since] = first;
  const reason = `the clock went from ${shown(before)} to ${shown(since)}, and nobody saw the time between`;
  return { code: 'CLOCK_LEAPT', reason };
}

/**
 * So many snapshots after a leap, over as long a time as a leap is, make it a pause, or a clock that was put right: a
 * single run cannot do that.
 */
const WITNESSES = 3;

/** The newest leap between two times that were seen, as from and to; undefined when there is none, or it is forgiven. */
function leapIn(
  series: readonly number[],
  now: number,
  believed: number | undefined,
): [number, number] | undefined {
  const limit = LEAP_MS + 2 * usualInterval(series);
  const seen = believed === undefined ? series : [believed, ...series.filter((time) => time > believed)];
  let since = now;
  let witnesses = 0;
  for (const time of seen.toReversed()) {
    // Made by a clock that was ahead: those that were made after it say so.
    if (time > since) continue;
    if (since - time > limit) {
      const forgiven = now - since >= limit && witnesses >= WITNESSES;
      return forgiven ? undefined : [time, since];
    }
    since = time;
    witnesses++;
  }
  return undefined;
}

/** With fewer intervals a leap could pass for what is usual. */
const INTERVALS_MIN = 5;

/** The median of the newest intervals between snapshots; a day while there are too few to say. */
function usualInterval(series: readonly number[]): number {
  const intervals = series
    .slice(1)
    .map((time, index) => time - (series[index] ?? time))
    .filter((interval) => interval >= 0)
    .slice(-INTERVALS_MAX)
    .sort((a, b) => a - b);
  if (intervals.length < INTERVALS_MIN) return DAY_MS;
  return intervals[Math.floor((intervals.length - 1) / 2)] ?? DAY_MS;
}

function shown(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16)}Z`;
}
