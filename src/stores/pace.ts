/**
 * Small calls to the file system, made at once instead of by the thread pool while that is the faster way: what comes
 * from the cache of the kernel takes a tenth of what the trip through the pool takes, and a listing makes thousands.
 * Where calls are slow (a network share, a sleeping disk) the pool makes them, side by side.
 */

/** A call that takes longer does not come from memory, or this thread was not let run: which, the next ones show. */
const SLOW_MS = 0.5;
/** How many calls the pool makes after a slow one; twice as many each time when the next try is slow as well. */
const AWAY_LEAST = 16;
const AWAY_MOST = 4096;
/** In one turn of the event loop: signals and timers must not wait longer. */
const TURN_MS = 8;

export class Pace {
  /** Calls that the pool makes before the next one is made at once. */
  #away = 0;
  #nextAway = AWAY_LEAST;
  #spentMs = 0;
  readonly #clock: () => number;

  /** @param clock - milliseconds */
  constructor(clock = (): number => performance.now()) {
    this.#clock = clock;
  }

  /**
   * Runs `now` when that is the faster way, else `pooled`.
   * @param now - synchronous, of a few microseconds; undefined: it would be too much, so `pooled` does it
   */
  async run<T>(now: () => T | undefined, pooled: () => Promise<T>): Promise<T> {
    return (this.#isQuick() ? this.#timed(now) : undefined) ?? pooled();
  }

  #isQuick(): boolean {
    if (this.#away > 0) {
      this.#away--;
      return false;
    }
    return this.#spentMs < TURN_MS;
  }

  #timed<T>(now: () => T): T {
    const begin = this.#clock();
    try {
      return now();
    } finally {
      this.#note(this.#clock() - begin);
    }
  }

  #note(tookMs: number): void {
    if (tookMs > SLOW_MS) {
      this.#away = this.#nextAway;
      this.#nextAway = Math.min(AWAY_MOST, this.#nextAway * 2);
    } else this.#nextAway = AWAY_LEAST;
    if (this.#spentMs === 0) setImmediate(() => (this.#spentMs = 0));
    this.#spentMs += tookMs;
  }
}
