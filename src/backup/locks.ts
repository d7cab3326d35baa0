/** Until when what a run puts is locked, by the store's clock, which is asked once and then counted on from. */
import { DAY_MS } from '../repository/rules.ts';
import type { ObjectLock } from '../stores/store.ts';

export interface LockPolicy {
  /** Of packs, until the end of their life. */
  readonly mode: 'compliance' | 'governance';
  /** Days of governance on manifest and entry, which must be deletable: that is what makes locked packs erasable. */
  readonly manifestDays?: number;
}

export class Locks {
  readonly #policy: LockPolicy;
  readonly #startedMs: number;
  readonly #clockMs: number;

  /** @param now - the store's clock, read just before */
  constructor(policy: LockPolicy, now: Date) {
    this.#policy = policy;
    this.#clockMs = now.getTime();
    this.#startedMs = performance.now();
  }

  /**
   * Of a pack that is put now. It ends no later than the pack's life, for the clock was read before the store takes
   * the pack: so a lifecycle rule never meets a lock.
   */
  ofPack(packDays: number): ObjectLock {
    return { mode: this.#policy.mode, until: this.#in(packDays) };
  }

  /** Of a manifest and its entry; undefined: none. */
  ofManifest(): ObjectLock | undefined {
    const { manifestDays } = this.#policy;
    return manifestDays === undefined ? undefined : { mode: 'governance', until: this.#in(manifestDays) };
  }

  /** Cut to whole seconds: a store would round up, past the end of the life. */
  #in(days: number): Date {
    const ms = this.#clockMs + (performance.now() - this.#startedMs) + days * DAY_MS;
    return new Date(Math.floor(ms / 1000) * 1000);
  }
}
