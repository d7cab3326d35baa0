/** A stopwatch for the stages of a drill. */
import type { DrillStage } from '../repository/drills.ts';

export type StageTimes = Readonly<Partial<Record<DrillStage, number>>>;

export class Stages {
  readonly #times: Partial<Record<DrillStage, number>> = {};
  #current: DrillStage = 'find';

  /** The one that was entered last. */
  get current(): DrillStage {
    return this.#current;
  }

  /** Whole milliseconds of the stages that were entered, ended or not. */
  get times(): StageTimes {
    return Object.fromEntries(Object.entries(this.#times).map(([stage, ms]) => [stage, Math.round(ms)]));
  }

  /** What was measured elsewhere. */
  add(stage: DrillStage, ms: number): void {
    this.#times[stage] = (this.#times[stage] ?? 0) + ms;
  }

  /** Does the work and adds the time that it took, also when it failed. */
  async time<T>(stage: DrillStage, work: () => Promise<T>): Promise<T> {
    this.#current = stage;
    const began = performance.now();
    try {
      return await work();
    } finally {
      this.add(stage, performance.now() - began);
    }
  }
}

/** What a restore takes; undefined when it did not get that far. */
export function recoveryTime({ find = 0, open = 0, load }: StageTimes): number | undefined {
  return load === undefined ? undefined : find + open + load;
}
