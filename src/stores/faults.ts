/**
 * A test seam: a store that fails on request.
 *
 * Tests wrap a real store with `withFaults`. A whole program is reached through the environment variable
 * HOLDFAST_TEST_FAULT, which `open.ts` looks at and nothing else does; it counts write operations (put, remove, putLifecycle):
 *
 * | value | what happens |
 * |---|---|
 * | `kill-before:7` | SIGKILL to this process instead of the 7th write |
 * | `kill-after:7` | SIGKILL right after the 7th write was acknowledged |
 * | `fail:3:STORE_FULL` | the 3rd write fails with this code and is not done |
 * | `fail-from:3:STORE_FULL` | the 3rd write and all later ones fail |
 * | `lose:3` | the 3rd write is done, and its answer is lost (STORE_UNREACHABLE) |
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, throwIfCancelled } from '../errors.ts';
import { aroundBucket, type BucketMethod } from './around-bucket.ts';
import type { Bucket } from './bucket.ts';
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

/** One misfortune. */
export type Fault =
  | 'none'
  /** Not done. */
  | { readonly fail: HoldfastError }
  /** Done, but the caller hears this. */
  | { readonly lose: HoldfastError }
  | { readonly delayMs: number }
  /** A get gives this many bytes less than it should, as if that were all. A list ends after this many objects. */
  | { readonly truncate: number }
  | { readonly kill: 'before' | 'after' };

export type Method =
  | 'create'
  | 'check'
  | 'features'
  | 'put'
  | 'get'
  | 'head'
  | 'list'
  | 'versions'
  | 'folders'
  | 'remove'
  | 'now'
  | BucketMethod;

const WRITES: ReadonlySet<Method> = new Set(['put', 'remove', 'putLifecycle']);

export interface FaultPlan {
  /** For each method, what happens to its first call, its second, and so on; nothing when the queue is empty. */
  readonly calls?: Partial<Readonly<Record<Method, readonly Fault[]>>>;
  /** By number (from 1) over all write operations (put, remove, putLifecycle) together. */
  readonly writes?: (n: number) => Fault;
}

/** A store with misfortunes, and what a test wants to know afterwards. */
export interface FaultyStore extends Store {
  /** Calls of a method so far, refused ones too. */
  count(method: Method): number;
  /** Write operations (put, remove, putLifecycle) so far. */
  readonly writes: number;
  /** @throws Error when a planned misfortune never came: the test then tested something else. */
  assertAllUsed(): void;
}

/** Wraps a store. Wrap it below `withRetry`, so that the retries meet the faults. */
export function withFaults(store: Store, plan: FaultPlan): FaultyStore {
  return new StoreWithFaults(store, plan);
}

/**
 * Reads HOLDFAST_TEST_FAULT.
 * @throws Error for anything but the forms above: a test with a typo must not pass.
 */
export function parseFault(text: string): FaultPlan {
  const [, kind = '', at = '', code = ''] = /^([a-z-]+):([1-9][0-9]*)(?::([A-Z_]+))?$/.exec(text) ?? [];
  const n = Number(at);
  const only = (fault: Fault): FaultPlan => ({ writes: (write) => (write === n ? fault : 'none') });
  if (kind === 'kill-before' && code === '') return only({ kill: 'before' });
  if (kind === 'kill-after' && code === '') return only({ kill: 'after' });
  if (kind === 'lose' && code === '') return only({ lose: planned('STORE_UNREACHABLE') });
  if (kind === 'fail' && code !== '') return only({ fail: planned(code) });
  if (kind === 'fail-from' && code !== '') {
    return { writes: (write) => (write >= n ? { fail: planned(code) } : 'none') };
  }
  throw new Error(`HOLDFAST_TEST_FAULT=${text} is not understood`);
}

/** An error that a test asked for. */
export function planned(code: string): HoldfastError {
  return new HoldfastError({
    code,
    exit: code === 'STORE_UNREACHABLE' || code === 'STORE_MISSING' ? 'noStore' : 'failed',
    message: `a test made the store fail with ${code}`,
    hint: 'Unset HOLDFAST_TEST_FAULT.',
  });
}

class StoreWithFaults implements FaultyStore {
  readonly bucket: Bucket | undefined;
  readonly #store: Store;
  readonly #plan: FaultPlan;
  readonly #counts = new Map<Method, number>();
  #writes = 0;

  constructor(store: Store, plan: FaultPlan) {
    this.#store = store;
    this.#plan = plan;
    this.bucket =
      store.bucket && aroundBucket(store.bucket, (method, signal, work) => this.#meet(method, signal, work));
  }

  get url(): string {
    return this.#store.url;
  }

  get writes(): number {
    return this.#writes;
  }

  count(method: Method): number {
    return this.#counts.get(method) ?? 0;
  }

  assertAllUsed(): void {
    for (const [method, faults] of Object.entries(this.#plan.calls ?? {})) {
      const unused = faults.length - this.count(method as Method);
      if (unused > 0) throw new Error(`${unused} planned faults of ${method} were never met`);
    }
  }

  create(signal?: AbortSignal): Promise<void> {
    return this.#meet('create', signal, () => this.#store.create(signal));
  }

  check(signal?: AbortSignal): Promise<void> {
    return this.#meet('check', signal, () => this.#store.check(signal));
  }

  features(signal?: AbortSignal): Promise<StoreFeatures> {
    return this.#meet('features', signal, () => this.#store.features(signal));
  }

  put(
    key: string,
    bytes: Uint8Array,
    options?: PutOptions,
    signal?: AbortSignal,
  ): Promise<'written' | 'already-there'> {
    return this.#meet('put', signal, () => this.#store.put(key, bytes, options, signal));
  }

  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    return this.#meet('get', signal, async (fault) => {
      const bytes = await this.#store.get(key, range, signal);
      return bytes.subarray(0, Math.max(0, bytes.length - truncation(fault, 0)));
    });
  }

  head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    return this.#meet('head', signal, () => this.#store.head(key, signal));
  }

  folders(prefix: string, signal?: AbortSignal): Promise<string[]> {
    return this.#meet('folders', signal, () => this.#store.folders(prefix, signal));
  }

  remove(
    keys: readonly string[],
    options?: RemoveOptions,
    signal?: AbortSignal,
  ): Promise<readonly StuckVersion[]> {
    return this.#meet('remove', signal, () => this.#store.remove(keys, options, signal));
  }

  now(signal?: AbortSignal): Promise<Date> {
    return this.#meet('now', signal, () => this.#store.now(signal));
  }

  list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    return this.#listing('list', () => this.#store.list(prefix, signal), signal);
  }

  versions(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectVersion> {
    return this.#listing('versions', () => this.#store.versions(prefix, signal), signal);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** `lose` breaks the listing off after its first object. */
  async *#listing<T>(
    method: Method,
    open: () => AsyncIterable<T>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<T> {
    const fault = this.#next(method);
    await before(fault, signal);
    let left = truncation(fault, Infinity);
    for await (const found of open()) {
      if (left === 0) return;
      left -= 1;
      yield found;
      if (typeof fault === 'object' && 'lose' in fault) break;
    }
    after(fault);
  }

  async #meet<T>(
    method: Method,
    signal: AbortSignal | undefined,
    work: (fault: Fault) => Promise<T>,
  ): Promise<T> {
    const fault = this.#next(method);
    await before(fault, signal);
    const result = await work(fault);
    after(fault);
    return result;
  }

  #next(method: Method): Fault {
    const n = this.count(method) + 1;
    this.#counts.set(method, n);
    const isWrite = WRITES.has(method);
    if (isWrite) this.#writes += 1;
    const ofCall = this.#plan.calls?.[method]?.[n - 1] ?? 'none';
    return isWrite && ofCall === 'none' ? (this.#plan.writes?.(this.#writes) ?? 'none') : ofCall;
  }
}

async function before(fault: Fault, signal: AbortSignal | undefined): Promise<void> {
  if (fault === 'none') return;
  if ('kill' in fault && fault.kill === 'before') die();
  if ('fail' in fault) throw fault.fail;
  if (!('delayMs' in fault)) return;
  await sleep(fault.delayMs, undefined, signal === undefined ? {} : { signal }).catch(() =>
    throwIfCancelled(signal),
  );
}

function after(fault: Fault): void {
  if (fault === 'none') return;
  if ('kill' in fault && fault.kill === 'after') die();
  if ('lose' in fault) throw fault.lose;
}

function truncation(fault: Fault, otherwise: number): number {
  return typeof fault === 'object' && 'truncate' in fault ? fault.truncate : otherwise;
}

/** No handler, no flush, no `finally`: what a power cut is to a process. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
