/** For stores that behave as another one does but for a method or two. */
import type { Store } from '../../src/stores/store.ts';

/** Everything but `now` and `put`, passed on. */
export function delegating(store: Store): Omit<Store, 'now' | 'put'> {
  return {
    url: store.url,
    bucket: store.bucket,
    get: (key, range, signal) => store.get(key, range, signal),
    head: (key, signal) => store.head(key, signal),
    list: (prefix, signal) => store.list(prefix, signal),
    versions: (prefix, signal) => store.versions(prefix, signal),
    folders: (prefix, signal) => store.folders(prefix, signal),
    features: (signal) => store.features(signal),
    create: (signal) => store.create(signal),
    check: (signal) => store.check(signal),
    remove: (keys, options, signal) => store.remove(keys, options, signal),
    close: () => store.close(),
  };
}
