/**
 * What may run side by side: a pure function from the steps of a restore, in the order of the dump, to a plan.
 *
 * The order of the dump is always right. A step may only overtake those that it shares nothing with. Each step says
 * what it touches and how; two steps conflict when they touch one thing in ways that do not go together, and of two
 * steps in conflict the later one waits. So nothing here needs to know why two steps conflict.
 */

/**
 * How a step touches a thing. `read` goes with `read` (two indexes of one table), `write` with `write` (rows of two
 * tables are both "data"), `alone` with nothing.
 */
export type TouchMode = 'read' | 'write' | 'alone';

export interface Touch {
  readonly thing: string;
  readonly mode: TouchMode;
}

export interface Step {
  /** What it is, for people. */
  readonly name: string;
  /** `everything` is a barrier: it waits for all before it, and all after it wait for it. */
  readonly touches: readonly Touch[] | 'everything';
  /** How long it takes compared with others, any unit. */
  readonly weight: number;
}

export interface PlannedStep<S extends Step> {
  readonly step: S;
  /** Place in the plan, which is the place in the dump. */
  readonly index: number;
  /** Steps that must have ended before this one starts; all have a smaller index. */
  readonly after: readonly number[];
  /** Why it waits: the things that it shares with the steps in `after`. */
  readonly because: readonly string[];
  /** Weight of this step and of the heaviest chain of steps that waits for it. */
  readonly urgency: number;
}

/** True when these two may not run at the same time. */
export function conflict(one: Step, other: Step): boolean {
  if (one.touches === 'everything' || other.touches === 'everything') return true;
  const theirs = other.touches;
  return one.touches.some(({ thing, mode }) =>
    theirs.some((touch) => touch.thing === thing && (touch.mode !== mode || mode === 'alone')),
  );
}

/** Plans steps that are given in the order of the dump. */
export function planSteps<S extends Step>(steps: readonly S[]): readonly PlannedStep<S>[] {
  const trails = new Trails();
  const waits = steps.map((step, index) => trails.follow(step, index));
  const urgencies = urgenciesOf(steps, waits);
  return steps.map((step, index) => {
    const wait = waits[index] ?? new Map<number, string>();
    const after = [...wait.keys()].sort((a, b) => a - b);
    return { step, index, after, because: [...new Set(wait.values())], urgency: urgencies[index] ?? 0 };
  });
}

/** Of the steps that may start now, the one that should: the longest chain first, in the dump's order when `jobs` is 1. */
export function mostUrgent<S extends Step>(
  ready: readonly PlannedStep<S>[],
  jobs: number,
): PlannedStep<S> | undefined {
  const before = (a: PlannedStep<S>, b: PlannedStep<S>): boolean =>
    jobs > 1 && a.urgency !== b.urgency ? a.urgency > b.urgency : a.index < b.index;
  return ready.reduce<PlannedStep<S> | undefined>(
    (best, each) => (best === undefined || before(each, best) ? each : best),
    undefined,
  );
}

/** Who touched one thing last, and who before them in another way: later steps wait for the newest group that conflicts. */
interface Trail {
  mode: TouchMode;
  newest: number[];
  before: readonly number[];
}

class Trails {
  readonly #trails = new Map<string, Trail>();
  #barrier: number | undefined;
  #sinceBarrier: number[] = [];

  /** The steps that this one waits for, each with the thing that they share. */
  follow(step: Step, index: number): Map<number, string> {
    const wait = new Map<number, string>();
    if (this.#barrier !== undefined) wait.set(this.#barrier, 'everything');
    if (step.touches === 'everything') this.#stop(index, wait);
    else for (const touch of step.touches) this.#touch(touch, index, wait);
    if (step.touches !== 'everything') this.#sinceBarrier.push(index);
    wait.delete(index);
    return wait;
  }

  #stop(index: number, wait: Map<number, string>): void {
    for (const earlier of this.#sinceBarrier) wait.set(earlier, 'everything');
    this.#barrier = index;
    this.#sinceBarrier = [];
    this.#trails.clear();
  }

  #touch({ thing, mode }: Touch, index: number, wait: Map<number, string>): void {
    const trail = this.#trails.get(thing);
    const joins = trail?.mode === mode && mode !== 'alone';
    const group = joins ? trail.before : (trail?.newest ?? []);
    for (const earlier of group) wait.set(earlier, thing);
    if (joins) trail.newest.push(index);
    else this.#trails.set(thing, { mode, newest: [index], before: group });
  }
}

function urgenciesOf(
  steps: readonly Step[],
  waits: readonly ReadonlyMap<number, string>[],
): readonly number[] {
  const urgencies = steps.map((step) => step.weight);
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    for (const earlier of waits[index]?.keys() ?? []) {
      const through = (steps[earlier]?.weight ?? 0) + (urgencies[index] ?? 0);
      urgencies[earlier] = Math.max(urgencies[earlier] ?? 0, through);
    }
  }
  return urgencies;
}
