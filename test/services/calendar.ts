/** A store that lives on another day: its clock is ahead by what a test says, for `now` and for what it takes. */
import { delegating } from '../../src/stores/delegating.ts';
import type { ObjectInfo, Store } from '../../src/stores/store.ts';

export interface Calendar {
  /** Wraps the store whose clock this becomes. */
  readonly wrap: (store: Store) => Store;
  /** Sets the clock to this moment; it goes on from there. */
  set(time: Date): void;
}

export function calendar(): Calendar {
  let aheadMs = 0;
  const putAhead = new Map<string, number>();
  const shifted = <T extends ObjectInfo>(object: T): T => ({
    ...object,
    modified: new Date(object.modified.getTime() + (putAhead.get(object.key) ?? 0)),
  });
  const wrap = (store: Store): Store => ({
    ...delegating(store),
    head: async (key, signal) => {
      const found = await store.head(key, signal);
      return found && shifted(found);
    },
    list: (prefix, signal) => mapped(store.list(prefix, signal), shifted),
    versions: (prefix, signal) => mapped(store.versions(prefix, signal), shifted),
    now: async (signal) => new Date((await store.now(signal)).getTime() + aheadMs),
    put: (key, bytes, options, signal) => {
      putAhead.set(key, aheadMs);
      return store.put(key, bytes, options, signal);
    },
  });
  return { wrap, set: (time) => (aheadMs = time.getTime() - Date.now()) };
}

async function* mapped<T>(items: AsyncIterable<T>, change: (item: T) => T): AsyncGenerator<T> {
  for await (const item of items) yield change(item);
}
