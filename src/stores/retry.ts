/**
 * The one retry layer: waits and tries again what may go better the next time, and nothing else.
 *
 * A put whose answer was lost may have happened. Without a condition, putting the same bytes again is harmless.
 * With `ifAbsent` the second try meets its own object; see `ownOrOther`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isHoldfastError, throwIfCancelled, type HoldfastError } from '../errors.ts';
import { aroundBucket, type Around } from './around-bucket.ts';
import type { Bucket } from './bucket.ts';
import { isTransient } from './errors.ts';
import type {
  ByteRange,
  ObjectInfo,
  ObjectVersion,
  PutOptions,
  RemoveOptions,
  Store,
  StoreFeatures,
  StuckVersion,
} from './store.ts';

export interface RetryPlan {
  /** How often in all. Default 7. */
  readonly attempts?: number;
  /** The first pause in milliseconds; each further one is twice as long. Default 250. */
  readonly minMs?: number;
  /** The longest pause in milliseconds. Default 15,000. */
  readonly maxMs?: number;
  /** Told before each pause. */
  readonly onRetry?: (event: RetryEvent) => void;
}

export interface RetryEvent {
  readonly method: string;
  readonly error: HoldfastError;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly waitMs: number;
}

/** A person waits for the first contact, and a mistyped address does not get better. */
const FIRST_CONTACT_ATTEMPTS = 3;

/** The same store, more patient. */
export function withRetry(store: Store, plan: RetryPlan = {}): Store {
  return new PatientStore(store, plan);
}

/** How long to wait after the nth failed attempt (from 1): doubling, capped, and half of it left to chance. */
export function pauseMs(attempt: number, plan: Pick<RetryPlan, 'minMs' | 'maxMs'>, chance: number): number {
  const whole = Math.min(plan.maxMs ?? 15_000, (plan.minMs ?? 250) * 2 ** (attempt - 1));
  return whole / 2 + (whole / 2) * chance;
}

class PatientStore implements Store {
  readonly bucket: Bucket | undefined;
  readonly #store: Store;
  readonly #plan: RetryPlan;

  constructor(store: Store, plan: RetryPlan) {
    this.#store = store;
    this.#plan = plan;
    const attempt: Around = (method, signal, work) => this.#try(method, signal, work);
    this.bucket = store.bucket && aroundBucket(store.bucket, attempt);
  }

  get url(): string {
    return this.#store.url;
  }

  create(signal?: AbortSignal): Promise<void> {
    return this.#try('create', signal, () => this.#store.create(signal), FIRST_CONTACT_ATTEMPTS);
  }

  check(signal?: AbortSignal): Promise<void> {
    return this.#try('check', signal, () => this.#store.check(signal), FIRST_CONTACT_ATTEMPTS);
  }

  features(signal?: AbortSignal): Promise<StoreFeatures> {
    return this.#try('features', signal, () => this.#store.features(signal));
  }

  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    return this.#try('get', signal, () => this.#store.get(key, range, signal));
  }

  head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    return this.#try('head', signal, () => this.#store.head(key, signal));
  }

  folders(prefix: string, signal?: AbortSignal): Promise<string[]> {
    return this.#try('folders', signal, () => this.#store.folders(prefix, signal));
  }

  now(signal?: AbortSignal): Promise<Date> {
    return this.#try('now', signal, () => this.#store.now(signal));
  }

  /** A second try finds the locked versions of the first one again: its answer is complete. */
  remove(
    keys: readonly string[],
    options: RemoveOptions = {},
    signal?: AbortSignal,
  ): Promise<readonly StuckVersion[]> {
    return this.#try('remove', signal, () => this.#store.remove(keys, options, signal));
  }

  put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
    signal?: AbortSignal,
  ): Promise<'written' | 'already-there'> {
    return this.#try('put', signal, async (attempt) => {
      const outcome = await this.#store.put(key, bytes, options, signal);
      if (outcome === 'written' || attempt === 1) return outcome;
      return this.#ownOrOther(key, bytes, signal);
    });
  }

  list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    return this.#listing(
      'list',
      () => this.#store.list(prefix, signal),
      ({ key }) => key,
      signal,
    );
  }

  versions(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectVersion> {
    const named = ({ key, version }: ObjectVersion) => `${key} ${version}`;
    return this.#listing('versions', () => this.#store.versions(prefix, signal), named, signal);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /**
   * An earlier try of this put may have been the one that the store took: then the object is ours.
   *
   * The content decides where it may be read. Where it may not (a host cannot read the packs that it writes) its
   * size does, and where even that is refused it counts as ours: a host is kept from reading only under keys
   * that it made up at random, so nobody else can have chosen the same key between two tries.
   */
  async #ownOrOther(
    key: string,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<'written' | 'already-there'> {
    const info = await ifAllowed(this.head(key, signal));
    if (info === 'denied') return 'written';
    if (info?.bytes !== bytes.length) return 'already-there';
    const there = await ifAllowed(this.get(key, undefined, signal));
    return there === 'denied' || there.equals(bytes) ? 'written' : 'already-there';
  }

  /** Starts over after a failure and leaves out what was already given: listings have no order to resume from. */
  async *#listing<T>(
    method: string,
    open: () => AsyncIterable<T>,
    nameOf: (found: T) => string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<T> {
    const given = new Set<string>();
    for (let attempt = 1; ; attempt += 1) {
      const before = given.size;
      try {
        for await (const found of open()) {
          const name = nameOf(found);
          if (given.has(name)) continue;
          given.add(name);
          yield found;
        }
        return;
      } catch (error) {
        // A listing that gets on is worth every patience.
        if (given.size > before) attempt = 1;
        await this.#pause(method, error, attempt, this.#attempts, signal);
      }
    }
  }

  get #attempts(): number {
    return this.#plan.attempts ?? 7;
  }

  async #try<T>(
    method: string,
    signal: AbortSignal | undefined,
    work: (attempt: number) => Promise<T>,
    most = this.#attempts,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      throwIfCancelled(signal);
      try {
        return await work(attempt);
      } catch (error) {
        await this.#pause(method, error, attempt, Math.min(most, this.#attempts), signal);
      }
    }
  }

  /** Waits, or throws the error when it is final. */
  async #pause(
    method: string,
    error: unknown,
    attempt: number,
    most: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    throwIfCancelled(signal);
    if (!isTransient(error) || attempt >= most) throw error;
    const waitMs = pauseMs(attempt, this.#plan, Math.random());
    this.#plan.onRetry?.({ method, error, attempt, waitMs });
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() =>
      throwIfCancelled(signal),
    );
  }
}

async function ifAllowed<T>(asked: Promise<T>): Promise<T | 'denied'> {
  try {
    return await asked;
  } catch (error) {
    if (isHoldfastError(error, 'STORE_DENIED')) return 'denied';
    throw error;
  }
}
