/**
 * Calendar thinning over simulated years: every week, month and year in which anything was committed keeps a snapshot
 * for as long as its class says, no pack ends before a manifest that needs it although snapshots of several lives share
 * chains, and a run that is done in time always commits.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { KEEP_CLASSES, chooseClass, periodOf } from '../../src/repository/keep.ts';
import type { KeepClass, KeepPolicy } from '../../src/repository/keep.ts';
import {
  DAY_MS,
  decideChain,
  earliestEnd,
  latestEnd,
  packDaysFor,
  packIsKnown,
  packIsUsable,
} from '../../src/repository/rules.ts';
import type { ChainFacts, PackLife } from '../../src/repository/rules.ts';

const HOUR = DAY_MS / 24;

interface Policy {
  readonly keep: KeepPolicy;
  readonly fullEveryDays: number;
}

const step = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 90 }));

/** Any classes with growing lives, `daily` always among them. */
const keep: fc.Arbitrary<KeepPolicy> = fc
  .tuple(fc.subarray(KEEP_CLASSES.slice(1)), step, fc.tuple(step, step, step))
  .map(([names, first, steps]) => {
    let days = first;
    const longer = names.map((name, index) => ({ name, days: (days += steps[index] ?? 1) }));
    return [{ name: 'daily', days: first }, ...longer];
  });
const policy: fc.Arbitrary<Policy> = fc.record({ keep, fullEveryDays: fc.integer({ min: 1, max: 21 }) });
const run = fc.record({
  /** Hours since the run before ended. */
  gap: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 24 * 40 })),
  /** Hours that the run takes. */
  takes: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 24 * 5 })),
  newPolicy: fc.option(policy, { freq: 20 }),
  dies: fc.constantFrom(false, false, false, true),
});
const start = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 11, 31) });

describe('lives by the calendar', () => {
  test.prop([policy, fc.array(run, { maxLength: 150 }), start], { numRuns: 300 })(
    'a pack never ends before a manifest that needs it, whatever lives share its chain',
    (first, runs, begin) => {
      const world = new World(first, begin);
      for (const step of runs) {
        world.sleep(step.gap * HOUR);
        if (step.newPolicy) world.policy = step.newPolicy;
        world.backup(step.takes * HOUR, step.dies);
      }
      for (const { needs, committed, life } of world.snapshots) {
        for (const pack of needs) {
          expect(earliestEnd(pack.modified, pack.days).getTime()).toBeGreaterThanOrEqual(
            latestEnd(committed, life.days).getTime() + DAY_MS,
          );
        }
      }
    },
  );

  test.prop([policy, fc.array(run, { maxLength: 150 }), start], { numRuns: 300 })(
    'every period with a snapshot has exactly one that was taken for it, or a longer-lived one instead',
    (fixed, runs, begin) => {
      const world = new World(fixed, begin);
      for (const step of runs) {
        world.sleep(step.gap * HOUR);
        world.backup(step.takes * HOUR, step.dies);
      }
      const [shortest, ...longer] = fixed.keep;
      expect(world.snapshots.every(({ life }) => life.days >= shortest.days)).toBe(true);
      for (const { name, days } of longer) {
        const periods = Map.groupBy(world.snapshots, ({ started }) => periodOf(name, started));
        for (const taken of periods.values()) {
          expect(taken.some(({ life }) => life.days >= days)).toBe(true);
          expect(taken.filter(({ life }) => life.name === name).length).toBeLessThanOrEqual(1);
        }
      }
    },
  );

  test.prop([policy, fc.integer({ min: 1, max: 120 }), start], { numRuns: 200 })(
    'daily runs of an hour always commit at the first attempt, and share what is long enough alive',
    (daily, days, begin) => {
      const world = new World(daily, begin);
      for (let day = 0; day < days; day++) {
        world.backup(HOUR, false);
        world.sleep(DAY_MS - HOUR);
      }
      expect(world.snapshots).toHaveLength(days);
      const longest = Math.max(...daily.keep.map((life) => life.days));
      for (const [index, { life, chain, needs }] of world.snapshots.entries()) {
        const before = world.snapshots[index - 1];
        // A run that goes on in a chain with as long a life as it began with shares something with the run that began it.
        if (before?.chain === chain && life.days <= (world.begunWith.get(chain) ?? 0))
          expect(needs.length).toBeGreaterThan(1);
        if (
          life.days === longest &&
          before &&
          before.life.days < longest &&
          world.begunWith.get(chain) === longest
        )
          expect(needs.every((pack) => pack.days >= packDaysFor(longest, daily.fullEveryDays))).toBe(true);
      }
    },
  );

  test('weeks start on Mondays, and all periods at midnight UTC', () => {
    const at = (name: KeepClass['name'], time: string) => periodOf(name, new Date(time));
    expect(at('weekly', '2026-11-22T23:59:59Z')).toBe(at('weekly', '2026-11-16T00:00:00Z'));
    expect(at('weekly', '2026-11-23T00:00:00Z')).toBe(at('weekly', '2026-11-22T23:59:59Z') + 1);
    // 1 January 2027 is in week 53 of 2026.
    expect(at('weekly', '2027-01-01T03:00:00Z')).toBe(at('weekly', '2026-12-28T03:00:00Z'));
    expect(at('monthly', '2027-01-01T00:00:00Z')).toBe(at('monthly', '2026-12-31T23:59:59Z') + 1);
    expect(at('daily', '2026-11-22T00:00:00Z')).toBe(at('daily', '2026-11-21T23:59:59Z') + 1);
    expect(at('yearly', '2027-01-01T00:00:00Z')).toBe(2027);
  });
});

interface Snapshot {
  readonly started: Date;
  readonly committed: Date;
  readonly life: KeepClass;
  readonly chain: number;
  readonly needs: readonly PackLife[];
}

/** A host that backs up: every run puts one pack under its own life, and needs all packs of its chain that are known. */
class World {
  policy: Policy;
  readonly snapshots: Snapshot[] = [];
  /** The life of the run that began a chain. */
  readonly begunWith = new Map<number, number>();
  #now: number;
  #chain: ChainFacts | undefined;
  #packs: PackLife[] = [];

  constructor(policy: Policy, begin: number) {
    this.policy = policy;
    this.#now = begin;
  }

  sleep(ms: number): void {
    this.#now += ms;
  }

  backup(takesMs: number, dies: boolean): void {
    const started = new Date(this.#now);
    const taken = this.snapshots.map(({ started: time, life }) => ({ time, keepDays: life.days }));
    const life = chooseClass(this.policy.keep, taken, started);
    const policy = { keepDays: life.days, fullEveryDays: this.policy.fullEveryDays };
    if (this.#chain === undefined || decideChain(this.#chain, policy, started, false).kind === 'start') {
      this.#chain = { chain: (this.#chain?.chain ?? 0) + 1, started, ...policy };
      this.begunWith.set(this.#chain.chain, life.days);
      this.#packs = [];
    }
    const own = { modified: started, days: packDaysFor(policy.keepDays, policy.fullEveryDays) };
    // What the index drops, it drops for good.
    this.#packs = [...this.#packs.filter((pack) => packIsKnown(pack, policy, started)), own];
    this.sleep(takesMs);
    const committed = new Date(this.#now);
    if (dies || !this.#packs.every((pack) => packIsUsable(pack, policy, committed, true))) return;
    this.snapshots.push({ started, committed, life, chain: this.#chain.chain, needs: [...this.#packs] });
  }
}
