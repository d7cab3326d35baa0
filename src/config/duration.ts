/**
 * Durations of promises: whole days and hours as the calendar counts them, never milliseconds.
 *
 * A store forgets by whole days (a bucket lifecycle rule has no smaller unit), so `keep` is in days. Months and
 * years are refused: they differ in length, and a promise must not depend on the month it was made in.
 */
import { durationInvalid } from './errors.ts';

const SHAPE = /^(\d{1,6})\s*([a-z]*)$/i;

/** Whole days from `30d` or `4w`. Throws DURATION_INVALID with the reason for every other unit. */
export function parseDays(text: string): number {
  const { count, unit } = split(text, 'Write days, as in 30d, or weeks, as in 4w.');
  if (unit === 'd') return count;
  if (unit === 'w') return count * 7;
  if (unit === 'h') {
    throw durationInvalid(
      `'${text}' is in hours, but a store forgets by whole days`,
      `Write days: ${Math.max(1, Math.ceil(count / 24))}d.`,
    );
  }
  throw unknownUnit(text, 'Write days, as in 30d, or weeks, as in 4w.');
}

/** Whole hours from `24h`, `1d` or `1w`. Throws DURATION_INVALID otherwise. */
export function parseHours(text: string): number {
  const { count, unit } = split(text, 'Write hours, as in 24h, or days, as in 1d.');
  if (unit === 'h') return count;
  if (unit === 'd') return count * 24;
  if (unit === 'w') return count * 24 * 7;
  throw unknownUnit(text, 'Write hours, as in 24h, or days, as in 1d.');
}

/** Whole seconds from `30s`, `10m` or `2h`. Throws DURATION_INVALID otherwise. */
export function parseSeconds(text: string): number {
  const hint = 'Write seconds, minutes or hours, as in 30s, 10m, 2h.';
  const { count, unit } = split(text, hint);
  const seconds = { s: 1, m: 60, h: 3600 }[unit];
  if (seconds === undefined) throw durationInvalid(`'${text}' has an unknown unit`, hint);
  return count * seconds;
}

function split(text: string, hint: string): { readonly count: number; readonly unit: string } {
  const match = SHAPE.exec(text.trim());
  const count = Number(match?.[1]);
  const unit = match?.[2]?.toLowerCase();
  if (match === null || unit === undefined) throw durationInvalid(`'${text}' is not a duration`, hint);
  if (unit === '') throw durationInvalid(`'${text}' has no unit`, hint);
  if (count === 0) throw durationInvalid(`'${text}' is no time at all`, hint);
  return { count, unit };
}

function unknownUnit(text: string, hint: string): Error {
  return /(m|mo|months?|y|years?)$/i.test(text)
    ? durationInvalid(`'${text}' has no fixed length (months and years differ)`, hint)
    : durationInvalid(`'${text}' has an unknown unit`, hint);
}
