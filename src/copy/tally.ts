/** What a run of `copy` has done, over all of its rounds. */
import type { CopyPlan, PutStep, Remark } from './steps.ts';

export interface CopyReport {
  readonly set: string;
  /** Snapshots that the copy has now and the source too. */
  readonly covered: number;
  /** Of those, the ones that were not level before. */
  readonly brought: number;
  readonly objects: number;
  readonly bytes: number;
  readonly removed: number;
  readonly left: readonly Remark[];
  /** Empty: the copy is level. */
  readonly problems: readonly Remark[];
}

/** Adds up over the rounds of one run. */
export class Tally {
  removed = 0;
  #objects = 0;
  #bytes = 0;
  #brought = 0;
  #plan: CopyPlan | undefined;
  #problems: Remark[] = [];

  planned(plan: CopyPlan, problems: readonly Remark[]): void {
    this.#brought = Math.max(this.#brought, plan.behind);
    this.#plan = plan;
    this.#problems = [...problems, ...plan.problems];
  }

  put({ bytes }: PutStep): void {
    this.#objects += 1;
    this.#bytes += bytes;
  }

  problem(problem: Remark): void {
    this.#problems.push(problem);
  }

  report(set: string): CopyReport {
    return {
      set,
      covered: this.#plan?.covered ?? 0,
      brought: this.#brought,
      objects: this.#objects,
      bytes: this.#bytes,
      removed: this.removed,
      left: this.#plan?.left ?? [],
      problems: this.#problems,
    };
  }
}
