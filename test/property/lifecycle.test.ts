/** Whatever rules a bucket has: what is written is right the next time, and rules of others go through untouched. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { doubtClock } from '../../src/retention/clock.ts';
import { desiredRules, livesInUse, planLifecycle, ruleIdPrefix } from '../../src/retention/lifecycle.ts';
import type { LifecycleRule } from '../../src/stores/bucket.ts';
import { DAY_MS } from '../../src/repository/rules.ts';

const ROOT = 'prod/';
const days = fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined });
const prefix = fc.constantFrom(
  '',
  'prod',
  'prod/',
  'prod/keep-',
  'prod/keep-007/',
  'prod/keep-007/shop/',
  'prod/ledger/',
  'logs/',
);
const raw = fc.constantFrom(
  undefined,
  { Filter: { And: { Prefix: 'x', Tags: [{ Key: 'a', Value: 'b' }] } } },
  { Transitions: [{ StorageClass: 'GLACIER' }] },
);
const id = fc.oneof(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.constantFrom('keep-001', 'keep-007', 'keep-039', 'markers').map((end) => ruleIdPrefix(ROOT) + end),
  fc.constant(`${ruleIdPrefix('other/')}keep-007`),
);
const rule: fc.Arbitrary<LifecycleRule> = fc
  .record({ id, enabled: fc.boolean(), prefix, expireDays: days, noncurrentDays: days, raw })
  .map(
    (fields) =>
      Object.fromEntries(
        Object.entries(fields).filter(([, value]) => value !== undefined),
      ) as unknown as LifecycleRule,
  );
const rules = fc.uniqueArray(rule, { selector: (one) => one.id, maxLength: 12 });
const lives = fc.integer({ min: 1, max: 60 }).map((longest) => livesInUse([], [longest]));

describe('the rules of a bucket', () => {
  test.prop([rules, lives, fc.boolean()])(
    'are right after they were written, and those of others the same',
    (found, inUse, prune) => {
      const facts = { root: ROOT, lives: inUse, prune };
      const isOurs = (one: LifecycleRule) => one.id.startsWith(ruleIdPrefix(ROOT));
      const plan = planLifecycle({ ...facts, found });
      expect(plan.rules.filter((one) => !isOurs(one))).toEqual(found.filter((one) => !isOurs(one)));
      expect(plan.rules).toEqual(expect.arrayContaining(desiredRules(ROOT, inUse)));
      const again = planLifecycle({ ...facts, found: plan.rules });
      expect(again.changed).toBe(false);
      expect(again.problems.filter(({ kind }) => kind !== 'foreign')).toEqual([]);
      // What others do to ours does not depend on what we write.
      const foreign = ({ problems }: typeof plan) => problems.filter(({ kind }) => kind === 'foreign');
      expect(foreign(again)).toEqual(foreign(plan));
    },
  );

  test.prop([rules, lives])(
    'of others are harmful when, and only when, something of ours goes early',
    (found, inUse) => {
      const foreign = found.filter((one) => !one.id.startsWith(ruleIdPrefix(ROOT)));
      const { problems } = planLifecycle({ root: ROOT, lives: inUse, found: foreign });
      const keys = [
        ...inUse.flatMap((life) => [`${ROOT}keep-${String(life).padStart(3, '0')}/shop/chains/a-1/packs/0`]),
        ...['holdfast.json', 'ledger/shop/a/1.json', 'writers/a.asc', 'recover.sh', 'RECOVERY.md'].map(
          (key) => ROOT + key,
        ),
      ];
      for (const one of foreign) {
        const tags = JSON.stringify(one.raw ?? {}).includes('Tags');
        const early = keys.some((key) => {
          const life = Number(/keep-(\d+)/.exec(key)?.[1] ?? Infinity);
          return (
            key.startsWith(one.prefix) &&
            ((one.expireDays ?? Infinity) < life || JSON.stringify(one.raw ?? {}).includes('GLACIER'))
          );
        });
        const named = problems.some((problem) => problem.kind === 'foreign' && problem.id === one.id);
        expect(named).toBe(one.enabled && !tags && early);
      }
    },
  );
});

describe('the clock', () => {
  const START = Date.UTC(2026, 0, 1);
  const at = (day: number) => new Date(START + day * DAY_MS);
  const daily = Array.from({ length: 20 }, (_, day) => at(day));
  const judge = (now: Date, series: readonly (readonly Date[])[], believed?: Date) =>
    doubtClock({ now, series, believed, newestObject: undefined })?.code;

  test('is believed from day to day, doubted after a leap, and believed again when time was seen to pass', () => {
    expect(judge(at(20), [daily])).toBeUndefined();
    expect(judge(at(22.9), [daily])).toBeUndefined();
    expect(judge(at(23.1), [daily])).toBe('CLOCK_LEAPT');
    expect(judge(at(60), [[...daily, at(60)]])).toBe('CLOCK_LEAPT');
    // After a pause of weeks: three more snapshots over four days.
    expect(judge(at(63), [[...daily, at(60), at(61), at(62), at(63)]])).toBe('CLOCK_LEAPT');
    expect(judge(at(64), [[...daily, at(60), at(61), at(62), at(63)]])).toBeUndefined();
    // What another writer has seen counts too, and so does what an earlier run believed.
    expect(judge(at(24), [daily, [...daily, at(23)]])).toBeUndefined();
    expect(judge(at(24), [daily], at(22))).toBeUndefined();
  });

  test('a weekly pause is no leap for a set that is backed up weekly', () => {
    const weekly = Array.from({ length: 8 }, (_, week) => at(week * 7));
    expect(judge(at(63), [weekly])).toBeUndefined();
    expect(judge(at(49 + 17), [weekly])).toBe('CLOCK_LEAPT');
  });

  test('is behind when something is from the future', () => {
    expect(judge(at(18), [daily])).toBe('CLOCK_BEHIND');
    expect(judge(at(20), [daily], at(21))).toBe('CLOCK_BEHIND');
    expect(
      doubtClock({ now: at(20), series: [daily], believed: undefined, newestObject: at(30) })?.code,
    ).toBe('CLOCK_BEHIND');
  });
});
