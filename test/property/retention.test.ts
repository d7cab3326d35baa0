/**
 * The promise of retention over simulated years: nothing inside its promise is lost, nothing can be read past its outer
 * date; whatever days are missed, whatever the clock does in single runs, however the policy changes in between.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { KeepPolicy } from '../../src/repository/keep.ts';
import { DAY_MS } from '../../src/repository/rules.ts';
import { FOREIGN, World } from './retention-world.ts';

const HOUR = DAY_MS / 24;
const START = Date.UTC(2026, 0, 1, 3, 7, 11);

const keep: fc.Arbitrary<KeepPolicy> = fc
  .tuple(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 120 }),
    fc.integer({ min: 1, max: 3 }),
  )
  .map(([daily, weekly, monthly, classes]) => {
    const [first, ...more] = [
      { name: 'daily', days: daily },
      { name: 'weekly', days: daily + weekly },
      { name: 'monthly', days: daily + weekly + monthly },
    ] as const;
    return [first, ...more.slice(0, classes - 1)];
  });
const policy = fc.record({ keep, fullEveryDays: fc.integer({ min: 1, max: 14 }) });

/** Or most lists would be short. */
const YEARS = { size: 'max' } as const;

const event = fc.record({
  /** Hours until the next run: about a day, or some days missed. */
  gap: fc.oneof(
    { arbitrary: fc.integer({ min: 20, max: 28 }), weight: 8 },
    fc.integer({ min: 1, max: 24 * 12 }),
  ),
  takes: fc.oneof(
    { arbitrary: fc.integer({ min: 0, max: 3 }), weight: 8 },
    fc.integer({ min: 0, max: 24 * 4 }),
  ),
  newPolicy: fc.option(policy, { freq: 25 }),
  full: fc.boolean(),
  dies: fc.constantFrom(false, false, false, false, true),
});

describe('a bucket with lifecycle rules, and nobody who runs expire', () => {
  test.prop(
    [policy, fc.array(event, { ...YEARS, maxLength: 400 }), fc.boolean(), fc.integer({ min: 0, max: 23 })],
    { numRuns: 25 },
  )('keeps what is promised, and nothing past its outer date', (first, events, versioned, hour) => {
    const world = new World(first, START + hour * HOUR, { lifecycle: true, versioned });
    const outer = new Map<string, Date>();
    const check = () => {
      expect(world.taken.filter((taken) => taken.end > world.now && !world.restores(taken))).toEqual([]);
      const past = world.taken.filter(({ snapshot }) => (outer.get(snapshot) ?? world.now) < world.now);
      expect(past.filter((taken) => world.canBeRead(taken))).toEqual([]);
    };
    for (const { gap, takes, newPolicy, full, dies } of events) {
      if (newPolicy) world.setPolicy(newPolicy);
      world.backup(takes * HOUR, { full, dies });
      for (const taken of world.taken) {
        const by = world.goneBy(taken);
        if (by) outer.set(taken.snapshot, by);
      }
      expect(world.forever()).toEqual([]);
      world.sleep(gap * HOUR, check);
    }
    world.sleep(400 * DAY_MS, check);
    expect([...world.objects.keys()]).toEqual([]);
    expect(world.foreignRules).toEqual([FOREIGN]);
  });
});

/** What a single run's clock is wrong by: so much that it is noticed, or backwards. */
const skew = fc.oneof(
  { arbitrary: fc.constant(0), weight: 12 },
  fc.integer({ min: 60, max: 800 }).map((days) => days * DAY_MS),
  fc.integer({ min: 1, max: 800 * 24 }).map((hours) => -hours * HOUR),
);

const nights = fc.array(
  fc.record({
    ...{ event, skewMs: skew },
    /** Whether a backup runs, and expire after it, and after how many removals it dies. */
    backup: fc.constantFrom(true, true, true, true, false),
    expire: fc.option(
      fc.record({
        steps: fc.oneof(fc.constant(10_000), fc.integer({ min: 0, max: 6 })),
        later: fc.boolean(),
      }),
      {
        freq: 2,
      },
    ),
  }),
  { ...YEARS, maxLength: 400 },
);

describe('a folder where expire runs on some days', () => {
  test.prop([policy, nights], { numRuns: 60 })(
    'keeps what is promised, whatever the clock of single runs says; what it may remove, goes',
    (first, all) => {
      const world = new World(first, START, { lifecycle: false });
      let quiet = 0;
      for (const { event: night, skewMs: wanted, backup, expire } of all) {
        // Single runs: a clock that is wrong the same way for many runs cannot be told from one that is right.
        const skewMs = quiet > 5 ? wanted : 0;
        const before = world.taken.length;
        if (night.newPolicy) world.setPolicy(night.newPolicy);
        if (backup) world.backup(night.takes * HOUR, { ...night, skewMs });
        quiet = skewMs === 0 ? quiet + world.taken.length - before : 0;
        if (expire) {
          const later = expire.later ? 0 : skewMs;
          const plan = world.expire({ steps: expire.steps, skewMs: later });
          const done = expire.steps === 10_000 && plan.refusal === undefined;
          if (done) expectClean(world, new Date(world.now.getTime() + later));
        }
        expect(world.taken.filter((taken) => taken.end > world.now && !world.restores(taken))).toEqual([]);
        // A crash anywhere leaves it whole or gone: never a manifest whose packs are missing.
        const needed = world.taken.filter((taken) => world.canBeRead(taken)).flatMap(({ packs }) => packs);
        expect(needed.filter((key) => !world.has(key))).toEqual([]);
        world.sleep(night.gap * HOUR);
      }
      world.sleep(2500 * DAY_MS);
      // A person looks, says that the clock is right, and that nothing is wanted any more.
      world.expire({ evenLast: true, trustClock: true });
      expect([...world.objects.keys()]).toEqual([]);
    },
  );
});

/** After a run that was not refused: no snapshot past its end but the newest, and it can be restored. */
function expectClean(world: World, now: Date): void {
  const past = world.taken.filter((taken) => taken.end <= now && world.canBeRead(taken));
  expect(past.length).toBeLessThanOrEqual(1);
  const present = world.taken.filter((taken) => world.canBeRead(taken));
  for (const taken of past) expect([taken, present.at(-1)]).toEqual([taken, taken]);
  for (const taken of past) expect(world.restores(taken)).toBe(true);
}
