/** What the times of snapshots say: gaps that were longer than promised, and one state for each day. Pure. */
import { DAY_MS } from '../repository/rules.ts';
import type { SetFacts } from './facts.ts';
import type { DayEvidence, DayState } from './evidence.ts';

/** A time without a snapshot that was longer than promised. */
export interface Gap {
  readonly from: Date;
  readonly to: Date;
}

type Taken = Pick<SetFacts, 'snapshots' | 'erasedUntil'>;

/**
 * When snapshots were taken, oldest first: those that live, and those of which the ones after them tell, though they
 * have ended. What was begun before all of the set was erased does not count.
 */
export function timesTaken({ snapshots, erasedUntil }: Taken): Date[] {
  const times = snapshots.flatMap(({ time, before }) => [
    time.getTime(),
    ...(before ? [before.getTime()] : []),
  ]);
  const since = erasedUntil?.getTime() ?? -Infinity;
  // A name has whole seconds, an entry milliseconds: both tell of the same run.
  const bySecond = new Map(
    times.filter((time) => time >= since).map((time) => [Math.floor(time / 1000), time]),
  );
  return [...bySecond.values()].sort((a, b) => a - b).map((time) => new Date(time));
}

/**
 * The gaps that end after `since`, oldest first; the last one may still be open. Before the first snapshot nothing was
 * promised.
 * @param limitMs - the longest that is fine
 * @param since - before it snapshots may have ended without another one that tells of them
 */
export function gapsIn(times: readonly Date[], limitMs: number, since: Date, now: Date): Gap[] {
  return times
    .map((from, at) => ({ from, to: times[at + 1] ?? now }))
    .filter(({ from, to }) => to > since && to.getTime() - from.getTime() > limitMs);
}

/**
 * One line for each day of UTC, today last.
 * @param gaps - days that lie in one wholly, and today's open one, are missed
 */
export function daysOf(set: Taken, gaps: readonly Gap[], now: Date, days: number): DayEvidence[] {
  const live = Map.groupBy(set.snapshots, ({ time }) => dayOf(time));
  const taken = new Set(timesTaken(set).map(dayOf));
  const today = Math.floor(now.getTime() / DAY_MS);
  return Array.from({ length: days }, (_, at) => {
    const number = today - days + 1 + at;
    const day = dayOf(new Date(number * DAY_MS));
    const own = live.get(day) ?? [];
    const missed = gaps.some(({ from, to }) => dayOf(from) < day && (day < dayOf(to) || to >= now));
    const state: DayState = own.length > 0 ? 'taken' : taken.has(day) ? 'ended' : missed ? 'missed' : 'none';
    return {
      day,
      state,
      snapshots: own.length,
      newBytes: own.reduce((sum, { newBytes }) => sum + newBytes, 0),
    };
  });
}

/** The date in UTC. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
