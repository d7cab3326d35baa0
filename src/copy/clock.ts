/** Two stores' clocks as one: asked once, then counted on, so that a put costs no question. */
import type { ReadStore } from '../stores/store.ts';

export class StoreClock {
  readonly #ms: number;
  readonly #since: number;
  /** Date.now() too: a machine that slept counts the time only there. */
  readonly #hostMs: number;

  private constructor(ms: number, since: number, hostMs: number) {
    this.#ms = ms;
    this.#since = since;
    this.#hostMs = hostMs;
  }

  /** The later one of both: what is put must not outlive its original by either. */
  static async ask(stores: readonly ReadStore[], signal: AbortSignal): Promise<StoreClock> {
    const times = await Promise.all(stores.map((store) => store.now(signal)));
    return new StoreClock(Math.max(...times.map(Number)), performance.now(), Date.now());
  }

  now(): Date {
    const passed = Math.max(performance.now() - this.#since, Date.now() - this.#hostMs, 0);
    return new Date(this.#ms + passed);
  }
}
