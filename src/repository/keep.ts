/**
 * Calendar thinning as pure functions: which life a run gives its snapshot. Periods are those of UTC by the
 * *store's* clock, so that every host and every reader sees the same ones.
 */
import { DAY_MS } from './rules.ts';

/** One class of lives: the first snapshot of each such period is kept this long. */
export interface KeepClass {
  readonly name: 'daily' | 'weekly' | 'monthly' | 'yearly';
  readonly days: number;
}

/** From the shortest life to the longest; never empty. The first is what every other snapshot gets. */
export type KeepPolicy = readonly [KeepClass, ...KeepClass[]];

/** The names of classes, from the shortest period to the longest. */
export const KEEP_CLASSES = [
  'daily',
  'weekly',
  'monthly',
  'yearly',
] as const satisfies readonly KeepClass['name'][];

/** A committed snapshot of the same set and writer. */
export interface TakenSnapshot {
  /** When its run started, by the store's clock. */
  readonly time: Date;
  readonly keepDays: number;
}

/**
 * The class of a run that starts now: the longest one whose current period has no snapshot yet that is kept as long.
 * A longer life fills the shorter periods, too: a monthly is its week's weekly.
 *
 * @param taken - what the store shows; a run that never committed does not count, so the next one makes up for it
 * @param now - the store's clock
 */
export function chooseClass(keep: KeepPolicy, taken: Iterable<TakenSnapshot>, now: Date): KeepClass {
  const snapshots = [...taken];
  const [shortest, ...longer] = keep;
  const due = longer.findLast(
    ({ name, days }) =>
      !snapshots.some(
        ({ time, keepDays }) => keepDays >= days && periodOf(name, time) === periodOf(name, now),
      ),
  );
  return due ?? shortest;
}

/** The first day of the epoch was a Thursday; weeks start on Mondays (ISO 8601). */
const EPOCH_DAY_IN_WEEK = 3;

/** The number of the period in which a moment lies; equal numbers mean the same period. */
export function periodOf(name: KeepClass['name'], time: Date): number {
  const day = Math.floor(time.getTime() / DAY_MS);
  switch (name) {
    case 'daily':
      return day;
    case 'weekly':
      return Math.floor((day + EPOCH_DAY_IN_WEEK) / 7);
    case 'monthly':
      return time.getUTCFullYear() * 12 + time.getUTCMonth();
    case 'yearly':
      return time.getUTCFullYear();
  }
}
