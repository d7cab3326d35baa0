/** A store that dies with its process. */
import type { Store } from '../../src/stores/store.ts';

export class Died extends Error {}

/** At the write of this number, before or after it, and for good: nothing answers any more. */
export function dying(
  store: Store,
  at: number,
  when: 'before' | 'after',
): { store: Store; writes: () => number } {
  let writes = 0;
  let isDead = false;
  const alive = () => {
    if (isDead) throw new Died('killed');
  };
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    alive();
    writes += 1;
    if (writes === at && when === 'before') isDead = true;
    alive();
    const result = await work();
    if (writes >= at) isDead = true;
    alive();
    return result;
  };
  const proxy = new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(method, target, args);
        if (name === 'put' || name === 'remove') return write(call as () => Promise<unknown>);
        alive();
        return call();
      };
    },
  });
  return { store: proxy, writes: () => writes };
}
