/** What a bucket does by itself: rules that end backups, and locks that would keep them from ending. */
import { isHoldfastError, reasonOf } from '../errors.ts';
import type { ChainPolicy } from '../repository/rules.ts';
import { applyLifecycle } from '../retention/apply-lifecycle.ts';
import type { Store } from '../stores/store.ts';
import { defaultLock } from './errors.ts';

/**
 * Refuses a bucket that would lock what must stay deletable.
 * @throws HoldfastError DEFAULT_LOCK
 */
export async function mustNotLockManifests({ bucket, url }: Store, signal: AbortSignal): Promise<void> {
  if (bucket === undefined) return;
  try {
    const { defaultRetention } = await bucket.objectLock(signal);
    if (defaultRetention) throw defaultLock(url, defaultRetention.mode, defaultRetention.days);
  } catch (error) {
    // A host need not have the right to ask; `doctor` says that it could not look.
    if (!isHoldfastError(error, 'STORE_DENIED')) throw error;
  }
}

/**
 * Writes the lifecycle rules. The store is made already, so this never fails: what cannot be done now is said, with the
 * way to do it.
 */
export async function applyRules(
  store: Store,
  policy: ChainPolicy,
  signal: AbortSignal,
): Promise<{ readonly count: number | undefined; readonly warnings: readonly string[] }> {
  if (store.bucket === undefined) return { count: undefined, warnings: [] };
  try {
    const { rules, problems } = await applyLifecycle(store, [policy], false, signal);
    const foreign = problems.filter(({ kind }) => kind === 'foreign').map(({ what }) => what);
    return { count: rules.length, warnings: foreign };
  } catch (error) {
    const todo = 'nothing ends these backups until somebody who may runs: holdfast store lifecycle apply';
    return {
      count: undefined,
      warnings: [`the lifecycle rules were not written: ${reasonOf(error)}; ${todo}`],
    };
  }
}
