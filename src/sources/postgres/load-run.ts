/** Carries out a plan of steps with several sessions. */
import { throwIfCancelled } from '../../errors.ts';
import { mostUrgent, type PlannedStep, type Step } from './schedule.ts';

/**
 * Runs every step once, each after those that it waits for, at most one per session at a time.
 *
 * On the first failure nothing new starts and `stop` is called, which must make the running steps end soon; the
 * failure is thrown when all have ended.
 */
export async function runPlan<S extends Step, Session>(
  plan: readonly PlannedStep<S>[],
  sessions: readonly Session[],
  execute: (step: S, session: Session) => Promise<void>,
  stop: (reason: unknown) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const queue = new Queue(plan, sessions.length);
  const idle = [...sessions];
  const running = new Map<number, Promise<void>>();
  const start = (planned: PlannedStep<S>, session: Session): void => {
    const work = execute(planned.step, session).then(() => {
      running.delete(planned.index);
      queue.finish(planned.index);
      idle.push(session);
    });
    running.set(planned.index, work);
  };
  try {
    while (!queue.isDone) {
      throwIfCancelled(signal);
      for (let next = idle.length > 0 ? queue.take() : undefined; next !== undefined;) {
        const session = idle.pop();
        if (session !== undefined) start(next, session);
        next = idle.length > 0 ? queue.take() : undefined;
      }
      if (running.size === 0) throw new Error('a plan of a restore waits for itself');
      await Promise.race(running.values());
    }
  } catch (error) {
    await stop(error);
    await Promise.allSettled(running.values());
    throw error;
  }
}

/** The steps that wait, and those that need wait no longer. */
class Queue<S extends Step> {
  readonly #jobs: number;
  readonly #waits: number[];
  readonly #followers: PlannedStep<S>[][];
  readonly #ready = new Set<PlannedStep<S>>();
  #left: number;

  constructor(plan: readonly PlannedStep<S>[], jobs: number) {
    this.#jobs = jobs;
    this.#left = plan.length;
    this.#waits = plan.map((planned) => planned.after.length);
    this.#followers = plan.map(() => []);
    for (const planned of plan) {
      for (const earlier of planned.after) this.#followers[earlier]?.push(planned);
      if (planned.after.length === 0) this.#ready.add(planned);
    }
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  take(): PlannedStep<S> | undefined {
    const next = mostUrgent([...this.#ready], this.#jobs);
    if (next !== undefined) this.#ready.delete(next);
    return next;
  }

  finish(index: number): void {
    this.#left -= 1;
    for (const follower of this.#followers[index] ?? []) {
      const waits = (this.#waits[follower.index] ?? 0) - 1;
      this.#waits[follower.index] = waits;
      if (waits === 0) this.#ready.add(follower);
    }
  }
}
