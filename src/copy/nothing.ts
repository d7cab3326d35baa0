/** A place where nothing is yet, as a store that is listed. */
import { objectMissing } from '../stores/errors.ts';
import type { ReadStore } from '../stores/store.ts';
import type { ListedStore } from './gather.ts';

/** @param clock - whose time it has */
export function nothingAt(url: string, clock: Pick<ReadStore, 'now'>): ListedStore {
  const nothing = async function* () {
    // Nothing.
  };
  return {
    url,
    bucket: undefined,
    get: (key) => Promise.reject(objectMissing({ url, key })),
    head: () => Promise.resolve(undefined),
    list: nothing,
    versions: nothing,
    folders: () => Promise.resolve([]),
    now: (signal) => clock.now(signal),
  };
}
