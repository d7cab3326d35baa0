/** Carries a plan out: reads each object from the source, proves it where something signed says how, and puts it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isHoldfastError, throwIfCancelled } from '../errors.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { Lease } from '../repository/lease.ts';
import { DAY_MS } from '../repository/rules.ts';
import type { ObjectLock, ReadStore, Store } from '../stores/store.ts';
import { Budget } from './budget.ts';
import { dayNumber } from './life.ts';
import type { StoreClock } from './clock.ts';
import { keyOf } from './steps.ts';
import type { CopyPlan, PutStep, Remark, RemoveStep, Stage } from './steps.ts';

/** What is under way at once: some packs, or many small objects. */
const BYTES_UNDER_WAY = 96 * 1024 * 1024;
const OBJECTS_UNDER_WAY = 16;
const REMOVED_AT_ONCE = 100;
/** A put of a small object takes less. */
const MIDNIGHT_MARGIN_MS = 20_000;

export interface ExecuteOptions {
  readonly source: ReadStore;
  readonly destination: Store;
  readonly clock: StoreClock;
  /** Remove what was superseded also where governance locks it. */
  readonly bypassGovernance: boolean;
  /**
   * Called before the stages of a wave that make snapshots seen, and closed behind them: from then until then nobody
   * rotates, purges or expires. Throws SourceChanged when somebody has, since the plan was made.
   */
  readonly guard: () => Promise<Guard>;
  /** The lock of an object that is put now under this key; undefined: none. */
  readonly lockOf: (key: string, step: PutStep, now: Date) => ObjectLock | undefined;
  readonly onPut: (step: PutStep, key: string) => void;
  readonly onRemoved: (step: RemoveStep) => void;
  /** A snapshot whose content at the source is not what was signed, or what could not be removed. */
  readonly onProblem: (problem: Remark) => void;
}

export interface Guard extends AsyncDisposable {
  readonly check: Lease['check'];
}

/** The source is not what it was when the plan was made, or midnight has passed: it has to be planned again. */
export class SourceChanged extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'SourceChanged';
  }
}

/** These make a snapshot seen, or take something away. */
const GUARDED: ReadonlySet<Stage['name']> = new Set(['manifests', 'amendments', 'entries', 'remove']);

/**
 * Carries out one stage after another.
 * @throws SourceChanged when it has to be planned again; what was put until then counts
 */
export async function execute(plan: CopyPlan, options: ExecuteOptions, signal: AbortSignal): Promise<void> {
  const run = new Execution(options, signal);
  let guarded: Guard | undefined;
  try {
    for (const stage of plan.stages) {
      if (GUARDED.has(stage.name)) guarded ??= await options.guard();
      else {
        await guarded?.[Symbol.asyncDispose]();
        guarded = undefined;
      }
      await run.stage(stage, guarded);
    }
  } finally {
    await guarded?.[Symbol.asyncDispose]();
  }
}

class Execution {
  readonly #options: ExecuteOptions;
  readonly #signal: AbortSignal;
  readonly #day: number;
  readonly #spoiled = new Set<string>();
  readonly #budget = new Budget(BYTES_UNDER_WAY, OBJECTS_UNDER_WAY);

  constructor(options: ExecuteOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#day = dayNumber(options.clock.now());
  }

  async stage({ puts, removals, inOrder }: Stage, guard: Guard | undefined): Promise<void> {
    const work = (step: PutStep) => this.#put(step, guard);
    const budget = inOrder ? new Budget(BYTES_UNDER_WAY, 1) : this.#budget;
    await budget.forEach(puts, ({ bytes }) => bytes, work, this.#signal);
    // What was put until after midnight may outlive its original: it is not seen before that is put right.
    if (puts.some(({ to }) => 'ends' in to)) this.#mustBeSameDay();
    await this.#remove(removals, guard);
  }

  async #put(step: PutStep, guard: Guard | undefined): Promise<void> {
    const { destination, clock, lockOf, onPut } = this.#options;
    if (step.snapshot !== undefined && this.#spoiled.has(step.snapshot)) return;
    const bytes = await this.#read(step);
    if (!bytes) return;
    await guard?.check();
    if ('ends' in step.to) await this.#mustBeWellBeforeMidnight();
    throwIfCancelled(this.#signal);
    const now = clock.now();
    const key = keyOf(step.to, now);
    if (key === undefined) throw new SourceChanged(`the time of ${step.from} is over`);
    const lock = lockOf(key, step, now);
    await destination.put(key, bytes, { ifAbsent: !step.replace, ...(lock && { lock }) }, this.#signal);
    onPut(step, key);
  }

  /** Undefined when it is not what was signed: then its snapshot is left out. */
  async #read(step: PutStep): Promise<Buffer | undefined> {
    let bytes: Buffer;
    try {
      bytes = await this.#options.source.get(step.from, undefined, this.#signal);
    } catch (error) {
      if (!isHoldfastError(error, 'STORE_OBJECT_MISSING')) throw error;
      throw new SourceChanged(`${step.from} is gone`);
    }
    if (bytes.length !== step.bytes) throw new SourceChanged(`${step.from} has another size`);
    if (!step.sha256 || step.sha256.includes(sha256Hex(bytes))) return bytes;
    if (step.snapshot !== undefined) this.#spoiled.add(step.snapshot);
    const about = step.snapshot ?? step.from;
    this.#options.onProblem({ about, text: `${step.from} is not what was signed; it is not copied` });
    return undefined;
  }

  async #remove(removals: readonly RemoveStep[], guard: Guard | undefined): Promise<void> {
    const { destination, bypassGovernance, onRemoved, onProblem } = this.#options;
    for (let at = 0; at < removals.length; at += REMOVED_AT_ONCE) {
      const steps = removals.slice(at, at + REMOVED_AT_ONCE);
      await guard?.check();
      throwIfCancelled(this.#signal);
      const keys = steps.map(({ key }) => key);
      const stuck = await destination.remove(keys, { allVersions: true, bypassGovernance }, this.#signal);
      const still = new Set(stuck.map(({ key }) => key));
      for (const { key, reason } of stuck)
        onProblem({ about: key, text: `it was replaced and is still there: ${reason}` });
      for (const step of steps) if (!still.has(step.key)) onRemoved(step);
    }
  }

  /** Days are counted at the put; one that arrives after midnight would live a day longer. */
  async #mustBeWellBeforeMidnight(): Promise<void> {
    this.#mustBeSameDay();
    const leftMs = (this.#day + 1) * DAY_MS - this.#options.clock.now().getTime();
    if (leftMs > MIDNIGHT_MARGIN_MS) return;
    await sleep(leftMs + 1000, undefined, { signal: this.#signal }).catch(() => undefined);
    throwIfCancelled(this.#signal);
    throw new SourceChanged('midnight has passed');
  }

  #mustBeSameDay(): void {
    if (dayNumber(this.#options.clock.now()) !== this.#day) throw new SourceChanged('midnight has passed');
  }
}
