/** Bounded memory: so many bytes and no more are under way at once, in as many or as few objects as they are. */
import { throwIfCancelled } from '../errors.ts';

/** An object that is larger than the budget goes alone. */
export class Budget {
  readonly #bytesMax: number;
  readonly #countMax: number;
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;
  #count = 0;

  /**
   * @param bytesMax - bytes under way
   * @param countMax - calls under way
   */
  constructor(bytesMax: number, countMax: number) {
    this.#bytesMax = bytesMax;
    this.#countMax = countMax;
  }

  /** Runs work for each item as the budget allows. After a failure nothing new starts, and what runs is waited for. */
  async forEach<T>(
    items: readonly T[],
    weigh: (item: T) => number,
    work: (item: T) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (const item of items) {
      const bytes = weigh(item);
      await this.#take(bytes);
      if (failures.length > 0 || signal.aborted) {
        this.#give(bytes);
        break;
      }
      const running = work(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => {
          underWay.delete(running);
          this.#give(bytes);
        });
      underWay.add(running);
    }
    await Promise.all(underWay);
    if (failures.length > 0) throw failures[0];
    throwIfCancelled(signal);
  }

  async #take(bytes: number): Promise<void> {
    while (this.#count > 0 && (this.#bytes + bytes > this.#bytesMax || this.#count >= this.#countMax))
      await new Promise<void>((resume) => this.#waiting.push(resume));
    this.#bytes += bytes;
    this.#count += 1;
  }

  #give(bytes: number): void {
    this.#bytes -= bytes;
    this.#count -= 1;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
