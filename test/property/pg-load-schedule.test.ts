/** A restore's plan: nothing overtakes what it conflicts with, and everything is done once. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { runPlan } from '../../src/sources/postgres/load-run.ts';
import { conflict, planSteps, type Step, type TouchMode } from '../../src/sources/postgres/schedule.ts';

const touch = fc.record({
  thing: fc.constantFrom('a', 'b', 'c', 'd'),
  mode: fc.constantFrom<TouchMode>('read', 'write', 'alone'),
});
const step: fc.Arbitrary<Step> = fc.record({
  name: fc.constant('step'),
  touches: fc.oneof(
    { weight: 8, arbitrary: fc.array(touch, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constant('everything' as const) },
  ),
  weight: fc.nat(100),
});
const steps = fc.array(step, { maxLength: 30 });

/** All steps that end before step `index` may start, by the plan. */
function ancestors(plan: readonly { readonly after: readonly number[] }[]): readonly ReadonlySet<number>[] {
  const all: Set<number>[] = [];
  for (const { after } of plan) {
    const mine = new Set<number>();
    for (const earlier of after) {
      mine.add(earlier);
      for (const each of all[earlier] ?? []) mine.add(each);
    }
    all.push(mine);
  }
  return all;
}

describe('planSteps', () => {
  test.prop([steps])('two steps in conflict keep their order, others wait only for a reason', (given) => {
    const plan = planSteps(given);
    const before = ancestors(plan);
    for (const [late, planned] of plan.entries()) {
      for (const early of planned.after) expect(early).toBeLessThan(late);
      for (let early = 0; early < late; early += 1) {
        const isInConflict = conflict(given[early] as Step, given[late] as Step);
        if (isInConflict) expect(before[late]?.has(early)).toBe(true);
        if (planned.after.includes(early)) expect(isInConflict).toBe(true);
      }
      expect(planned.because.length > 0).toBe(planned.after.length > 0);
    }
  });

  test('indexes of one table run side by side, a key waits for them, another table waits for neither', () => {
    const plan = planSteps([
      { name: 'rows', touches: [{ thing: 't', mode: 'alone' }], weight: 10 },
      { name: 'index 1', touches: [{ thing: 't', mode: 'read' }], weight: 1 },
      { name: 'index 2', touches: [{ thing: 't', mode: 'read' }], weight: 1 },
      { name: 'key', touches: [{ thing: 't', mode: 'alone' }], weight: 5 },
      { name: 'other', touches: [{ thing: 'u', mode: 'alone' }], weight: 1 },
    ]);
    expect(plan.map(({ after }) => after)).toEqual([[], [0], [0], [1, 2], []]);
    expect(plan.map(({ urgency }) => urgency)).toEqual([16, 6, 6, 5, 1]);
    expect(plan[3]?.because).toEqual(['t']);
  });
});

describe('runPlan', () => {
  const signal = new AbortController().signal;
  const never = (): Promise<void> => Promise.reject(new Error('nothing failed'));

  test.prop([steps, fc.integer({ min: 1, max: 4 }), fc.scheduler()])(
    'runs each step once, never two in conflict at a time, and as many as there are sessions',
    async (given, jobs, scheduler) => {
      const plan = planSteps(given);
      const running = new Set<number>();
      const done: number[] = [];
      const sessions = Array.from({ length: jobs }, (_, at) => at);
      const busy = new Set<number>();
      const execute = async (one: Step, session: number): Promise<void> => {
        const index = given.indexOf(one);
        expect(busy.has(session)).toBe(false);
        for (const other of running) expect(conflict(one, given[other] as Step)).toBe(false);
        for (const early of plan[index]?.after ?? []) expect(done).toContain(early);
        running.add(index);
        busy.add(session);
        await scheduler.schedule(Promise.resolve());
        running.delete(index);
        busy.delete(session);
        done.push(index);
      };
      const unique = new Set(given);
      fc.pre(unique.size === given.length);
      const run = runPlan(plan, sessions, execute, never, signal);
      await scheduler.waitFor(run);
      expect([...done].sort((a, b) => a - b)).toEqual(given.map((_, index) => index));
      if (jobs === 1) expect(done).toEqual(given.map((_, index) => index));
    },
  );

  test('the first failure stops the rest: what runs is awaited, nothing new starts', async () => {
    const started: string[] = [];
    let stopped = false;
    let ended = false;
    const plan = planSteps<Step>([
      { name: 'slow', touches: [{ thing: 'a', mode: 'alone' }], weight: 9 },
      { name: 'bad', touches: [{ thing: 'b', mode: 'alone' }], weight: 5 },
      { name: 'later', touches: [], weight: 1 },
    ]);
    const execute = async ({ name }: Step): Promise<void> => {
      started.push(name);
      if (name === 'bad') throw new Error('no');
      while (!stopped) await new Promise((resolve) => setTimeout(resolve, 1));
      ended = true;
    };
    const stop = (): Promise<void> => {
      stopped = true;
      return Promise.resolve();
    };
    await expect(runPlan(plan, [1, 2], execute, stop, signal)).rejects.toThrow('no');
    expect({ started, ended }).toEqual({ started: ['slow', 'bad'], ended: true });
  });
});
