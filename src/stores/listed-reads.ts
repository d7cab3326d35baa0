/**
 * A store that gives small objects again which were read a moment ago, as long as listings show the same ones: for work
 * that reads everything anew before each of its steps, to see what is new.
 */
import { BoundedCache } from '../bounded-cache.ts';
import { throwIfCancelled } from '../errors.ts';
import { delegating } from './delegating.ts';
import type { ObjectInfo, Store } from './store.ts';

interface Kept {
  readonly bytes: Buffer;
  /** As the listing showed it before it was read. */
  readonly mark: string;
}

/**
 * Answers the read of a whole object from memory where the newest listing shows it with the time and size of the one
 * that was read. What is put or removed here is forgotten: whoever reads it back has it from the store. A copy of an
 * object under its name, of the same size and second, would not be seen, for as long as the process runs; what is kept
 * must be signed or have a hash that is checked.
 *
 * @param wanted - true for keys to keep
 * @param bytesMax - memory for them; what was read first is forgotten first
 */
export function withListedReads(store: Store, wanted: (key: string) => boolean, bytesMax: number): Store {
  const marks = new Map<string, string>();
  const kept = new BoundedCache<Kept>(bytesMax, ({ bytes }) => bytes.length);
  const changed = (key: string): void => {
    marks.delete(key);
    kept.delete(key);
  };
  return {
    ...delegating(store),
    get: async (key, range, signal) => {
      throwIfCancelled(signal);
      const known = range ? undefined : kept.get(key);
      if (known) return known.bytes;
      const mark = marks.get(key);
      const read = await store.get(key, range, signal);
      if (!range && mark !== undefined && marks.get(key) === mark) kept.set(key, { bytes: read, mark });
      return read;
    },
    list: async function* (prefix, signal) {
      for await (const info of store.list(prefix, signal)) {
        if (wanted(info.key)) {
          const mark = markOf(info);
          if (kept.get(info.key)?.mark !== mark) kept.delete(info.key);
          marks.set(info.key, mark);
        }
        yield info;
      }
    },
    put: async (key, content, options, signal) => {
      changed(key);
      const outcome = await store.put(key, content, options, signal);
      changed(key);
      return outcome;
    },
    remove: async (keys, options, signal) => {
      for (const key of keys) changed(key);
      return store.remove(keys, options, signal);
    },
  };
}

function markOf({ bytes, modified }: ObjectInfo): string {
  return `${bytes} ${modified.getTime()}`;
}
