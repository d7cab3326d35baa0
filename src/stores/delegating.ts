/** For stores that behave as another one does but for a method or two. */
import type { Store } from './store.ts';

/** The same store, as an object to spread: its methods work wherever they are put. */
export function delegating(store: Store): Store {
  return {
    url: store.url,
    bucket: store.bucket,
    get: (key, range, signal) => store.get(key, range, signal),
    head: (key, signal) => store.head(key, signal),
    list: (prefix, signal) => store.list(prefix, signal),
    versions: (prefix, signal) => store.versions(prefix, signal),
    folders: (prefix, signal) => store.folders(prefix, signal),
    now: (signal) => store.now(signal),
    features: (signal) => store.features(signal),
    create: (signal) => store.create(signal),
    check: (signal) => store.check(signal),
    put: (key, bytes, options, signal) => store.put(key, bytes, options, signal),
    remove: (keys, options, signal) => store.remove(keys, options, signal),
    close: () => store.close(),
  };
}
