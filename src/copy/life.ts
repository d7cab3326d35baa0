/**
 * How long an object of a copy may live: exactly as long as the original. Pure.
 *
 * A lifecycle rule removes an object at the first midnight UTC at or after its days (`latestEnd`). With `left` the
 * whole days from now to that midnight, an object that is put now under `left` days goes at the very same midnight.
 */
import { DAY_MS, latestEnd } from '../repository/rules.ts';

/**
 * The midnight at which the original goes.
 * @param modified - when the store took it
 * @param days - of its prefix
 * @param promise - the end of the snapshot's promise: an object whose time of modification is not what it was (a
 *   folder that was copied by hand) ends within a day of that all the same
 */
export function endOfOriginal(modified: Date, days: number, promise?: Date): Date {
  const byRule = latestEnd(modified, days);
  const cap = promise && latestEnd(promise, 1);
  return cap && cap < byRule ? cap : byRule;
}

/** Whole days from now to an end; an object with none left is not copied. Changes at midnight UTC only. */
export function daysLeft(end: Date, now: Date): number {
  return Math.max(0, Math.floor((end.getTime() - now.getTime()) / DAY_MS));
}

/** The number of the day, UTC: as long as it stays, so does `daysLeft`. */
export function dayNumber(now: Date): number {
  return Math.floor(now.getTime() / DAY_MS);
}
