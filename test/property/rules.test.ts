/**
 * The promise of the rules, over simulated years: no pack ends before a manifest that needs it, whatever runs are
 * missed, however long a run takes, however the policy changes, and whatever the host's clock says (it is not asked).
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  DAY_MS,
  decideChain,
  earliestEnd,
  endOfPromise,
  latestEnd,
  packDaysFor,
  packIsUsable,
} from '../../src/repository/rules.ts';
import type { ChainFacts, ChainPolicy } from '../../src/repository/rules.ts';

interface Pack {
  readonly modified: Date;
  readonly days: number;
}

const HOUR = DAY_MS / 24;
const policy = fc.record({
  keepDays: fc.integer({ min: 1, max: 90 }),
  fullEveryDays: fc.integer({ min: 1, max: 14 }),
});
const run = fc.record({
  /** Hours since the run before ended. */
  gap: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 24 * 40 })),
  /** Hours that the run takes. */
  takes: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 24 * 5 })),
  newPolicy: fc.option(policy, { freq: 20 }),
  full: fc.boolean(),
  /** The store removes packs at the first moment at which its rules allow it. */
  dies: fc.constantFrom(false, false, false, true),
});

describe('the rules of life', () => {
  test.prop([policy, fc.array(run, { maxLength: 120 }), fc.integer({ min: 0, max: 23 })], { numRuns: 300 })(
    'a pack never ends before a manifest that needs it',
    (first, runs, hour) => {
      const world = new World(first, Date.UTC(2026, 0, 1, hour, 7, 11));
      for (const step of runs) {
        world.sleep(step.gap * HOUR);
        if (step.newPolicy) world.policy = step.newPolicy;
        world.backup(step.takes * HOUR, step.full, step.dies);
      }
      for (const { needs, written, keepDays } of world.manifests) {
        for (const pack of needs) {
          const packGone = earliestEnd(pack.modified, pack.days).getTime();
          expect(packGone).toBeGreaterThanOrEqual(latestEnd(written, keepDays).getTime() + DAY_MS);
          expect(packGone).toBeGreaterThan(endOfPromise(written, keepDays).getTime());
        }
      }
    },
  );

  test.prop([policy, fc.integer({ min: 1, max: 60 })], { numRuns: 200 })(
    'daily runs that take an hour always commit, and share segments within a chain',
    (daily, days) => {
      const world = new World(daily, Date.UTC(2026, 4, 5, 3));
      for (let day = 0; day < days; day++) {
        world.backup(HOUR, false, false);
        world.sleep(DAY_MS - HOUR);
      }
      expect(world.manifests).toHaveLength(days);
      const fulls = world.manifests.filter(({ needs }) => needs.length === 1).length;
      expect(fulls).toBe(Math.ceil(days / daily.fullEveryDays));
    },
  );
});

/** A host that backs up and a store that keeps; every run adds one pack and needs all usable ones of its chain. */
class World {
  policy: ChainPolicy;
  readonly manifests: { needs: Pack[]; written: Date; keepDays: number }[] = [];
  #now: number;
  #chain: ChainFacts | undefined;
  #packs: Pack[] = [];

  constructor(policy: ChainPolicy, start: number) {
    this.policy = policy;
    this.#now = start;
  }

  sleep(ms: number): void {
    this.#now += ms;
  }

  backup(takesMs: number, full: boolean, dies: boolean): void {
    const startedAt = new Date(this.#now);
    const decision = decideChain(this.#chain, this.policy, startedAt, full);
    if (decision.kind === 'start') {
      this.#chain = { chain: (this.#chain?.chain ?? 0) + 1, started: startedAt, ...this.policy };
      this.#packs = [];
    }
    const known = this.#packs.filter((pack) => packIsUsable(pack, this.policy, startedAt, false));
    const own = {
      modified: new Date(this.#now),
      days: packDaysFor(this.policy.keepDays, this.policy.fullEveryDays),
    };
    this.#packs = [...known, own];
    this.sleep(takesMs);
    const now = new Date(this.#now);
    if (dies || !this.#packs.every((pack) => packIsUsable(pack, this.policy, now, true))) return;
    this.manifests.push({ needs: [...this.#packs], written: now, keepDays: this.policy.keepDays });
  }
}
