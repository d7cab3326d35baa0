/** Goal: gaps and days are what the times say, however snapshots lie; and no text from outside becomes markup. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { dayOf, daysOf, gapsIn, timesTaken } from '../../src/report/days.ts';
import { escaped, html } from '../../src/report/html/escape.ts';
import { bytesText, lengthText } from '../../src/report/html/show.ts';
import { worst } from '../../src/report/verdict.ts';
import { DAY_MS, NOW, snapshotFact } from '../unit/report-facts.kit.ts';

const HOUR_MS = 3_600_000;
const DAYS = 40;

/** Hours before now at which snapshots were taken, newest first; those older than 30 days have ended. */
const hoursAgo = fc
  .uniqueArray(fc.integer({ min: 0, max: 60 * 24 }), { maxLength: 60 })
  .map((all) => all.sort((a, b) => a - b));

/** Those that live, oldest first, each with the one before it, which may have ended. */
function living(hours: readonly number[]) {
  const times = hours.map((hour) => new Date(NOW.getTime() - hour * HOUR_MS)).toReversed();
  return times
    .map((time, at) => ({ ...snapshotFact({ day: 0 }), time, before: times[at - 1] }))
    .filter(({ time }) => NOW.getTime() - time.getTime() < 30 * DAY_MS);
}

test.prop([hoursAgo, fc.integer({ min: 2, max: 200 })])(
  'a moment lies in a gap when no run was near before it',
  (hours, limit) => {
    const snapshots = living(hours);
    const times = timesTaken({ snapshots, erasedUntil: undefined });
    const gaps = gapsIn(times, limit * HOUR_MS, new Date(NOW.getTime() - 30 * DAY_MS), NOW);
    const known = times.map(Number);
    for (let hour = 0; hour < 30 * 24; hour += 7) {
      const moment = NOW.getTime() - hour * HOUR_MS;
      const before = known.filter((time) => time <= moment).at(-1);
      const after = known.find((time) => time > moment) ?? NOW.getTime();
      const inGap = gaps.some(({ from, to }) => from.getTime() <= moment && moment < to.getTime());
      if (moment < NOW.getTime())
        expect(inGap).toBe(before !== undefined && after - before > limit * HOUR_MS);
    }
  },
);

test.prop([hoursAgo])(
  'days: each snapshot is counted on its own, and what is taken is never missed',
  (hours) => {
    const snapshots = living(hours);
    const set = { snapshots, erasedUntil: undefined };
    const gaps = gapsIn(timesTaken(set), 27 * HOUR_MS, new Date(NOW.getTime() - 30 * DAY_MS), NOW);
    const days = daysOf(set, gaps, NOW, DAYS);
    expect(days.map(({ day }) => day)).toEqual(
      Array.from({ length: DAYS }, (_, at) => dayOf(new Date(NOW.getTime() - (DAYS - 1 - at) * DAY_MS))),
    );
    for (const { day, snapshots: count, state } of days) {
      const own = snapshots.filter(({ time }) => dayOf(time) === day).length;
      expect(count).toBe(own);
      expect(state === 'taken').toBe(own > 0);
      if (state === 'missed')
        expect(
          hours.some((hour) => dayOf(new Date(NOW.getTime() - hour * HOUR_MS)) === day && hour < 720),
        ).toBe(false);
    }
  },
);

test.prop([fc.integer({ min: 24, max: 60 })])('a run at the same hour each day misses nothing', (count) => {
  const snapshots = living(Array.from({ length: count }, (_, day) => day * 24 + 3));
  expect(gapsIn(timesTaken({ snapshots, erasedUntil: undefined }), 27 * HOUR_MS, new Date(0), NOW)).toEqual(
    [],
  );
});

const verdict = fc.constantFrom('met' as const, 'broken' as const, 'not measured' as const);

test.prop([fc.array(verdict)])('met only when all are, and at least one', (verdicts) => {
  const met = verdicts.length > 0 && verdicts.every((one) => one === 'met');
  expect(worst(verdicts) === 'met').toBe(met);
  expect(worst(verdicts) === 'broken').toBe(verdicts.includes('broken'));
});

test.prop([fc.string({ unit: 'binary' })])('text stays text, in elements and in attributes', (text) => {
  const shown = html`<p title="${text}">${text}</p>`.text;
  expect(shown.match(/[<>]/g)).toEqual(['<', '>', '<', '>']);
  expect(shown.match(/"/g)).toHaveLength(2);
  expect(shown).not.toMatch(/[\u202a-\u202e\u2066-\u2069\0]/);
  const back = (part: string) =>
    part.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => BACK[name] ?? '');
  expect(back(escaped(text))).toBe(
    text.replace(/(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd'),
  );
});

const BACK: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

test.prop([fc.double({ min: 0, max: 1e17, noNaN: true }).map(Math.round)])(
  'sizes and lengths are within a percent of what they say',
  (value) => {
    const units: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 };
    const [size = '', unit = ''] = bytesText(value).split(' ');
    expect(Math.abs(Number(size) * (units[unit] ?? NaN) - value)).toBeLessThanOrEqual(value * 0.01 + 0.5);
    const lengths: Readonly<Record<string, number>> = { ms: 1, s: 1e3, min: 6e4, h: 3.6e6, days: 8.64e7 };
    const [length = '', name = ''] = lengthText(value).split(' ');
    expect(Math.abs(Number(length) * (lengths[name] ?? NaN) - value)).toBeLessThanOrEqual(value * 0.06 + 0.5);
  },
);
