/** Locks on what a copy puts: as long as those of the originals, and never past their end. */
import { isHoldfastError } from '../errors.ts';
import { DAY_MS } from '../repository/rules.ts';
import type { ObjectLock, Store } from '../stores/store.ts';
import type { PutStep } from './steps.ts';

export interface LockPolicy {
  /** Of packs, until the end of their life. */
  readonly mode: 'compliance' | 'governance';
  /** Days of governance on manifests and entries, which must stay deletable. */
  readonly manifestDays?: number;
}

/** The policy where the bucket can lock; undefined, with a note, where it cannot or does not tell. */
export async function usableLock(
  policy: LockPolicy | undefined,
  { bucket, url }: Store,
  onNote: (text: string) => void,
  signal: AbortSignal,
): Promise<LockPolicy | undefined> {
  if (!policy) return undefined;
  try {
    if (bucket && (await bucket.objectLock(signal)).enabled) return policy;
    onNote(`what is copied to ${url} is not locked: nothing there can lock it`);
  } catch (error) {
    if (!isHoldfastError(error, 'STORE_DENIED')) throw error;
    onNote(`what is copied to ${url} is not locked: ${error.message}`);
  }
  return undefined;
}

/** The lock of an object that is put at `now` under a key: packs, manifests and entries have one, nothing else has. */
export function lockOf(
  policy: LockPolicy | undefined,
): (key: string, step: PutStep, now: Date) => ObjectLock | undefined {
  return (key, { to }, now) => {
    if (!policy) return undefined;
    const days = Number(/^keep-(\d+)\//.exec(key)?.[1]);
    if (/\/packs\/[^/]+$/.test(key)) return { mode: policy.mode, until: inDays(now, days) };
    const { manifestDays } = policy;
    if (manifestDays === undefined || !('ends' in to) || !/\/(manifest[^/]*\.pgp|entry\.json)$/.test(key))
      return undefined;
    return { mode: 'governance', until: inDays(now, Math.min(manifestDays, days)) };
  };
}

/** Cut to whole seconds: a store would round up, past the end of the life. */
function inDays(now: Date, days: number): Date {
  return new Date(Math.floor((now.getTime() + days * DAY_MS) / 1000) * 1000);
}
