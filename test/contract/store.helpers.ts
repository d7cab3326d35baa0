/** What the contract of stores is made with. */
import { onTestFinished } from 'vitest';
import type { ObjectInfo, ReadStore, Store } from '../../src/stores/store.ts';

/** One kind of store under test. */
export interface Subject {
  /** What its `features` must say. */
  readonly ifAbsent: boolean;
  readonly keepsVersions: boolean;
  readonly locks: boolean;
  /** A new, empty store. */
  empty(): Promise<Store>;
  /** A store whose root is not there. */
  rootless(): Promise<Store>;
  /**
   * The same objects as in `store`, seen by someone who may read and not write, for as long as `use` runs.
   */
  asReader(store: Store, use: (reader: Store) => Promise<void>): Promise<void>;
  /** The same for someone who may do nothing. */
  asStranger(store: Store, use: (stranger: Store) => Promise<void>): Promise<void>;
}

export const MiB = 1024 * 1024;

/** A new store, closed when the test ends. */
export async function openEmpty(subject: Subject): Promise<Store> {
  return closedAtEnd(await subject.empty());
}

/** Everything that a listing gives. */
export async function all(store: ReadStore, prefix = '', signal?: AbortSignal): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of store.list(prefix, signal)) found.push(info);
  return found;
}

/** Sorted. */
export function keysOf(found: readonly ObjectInfo[]): string[] {
  return found.map((info) => info.key).toSorted();
}

/** Closes the store when the test ends. */
export function closedAtEnd<S extends Store>(store: S): S {
  onTestFinished(() => store.close());
  return store;
}

/** Runs `work` for every item, `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
