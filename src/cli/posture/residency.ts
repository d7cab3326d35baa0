/** The promise of where data lies, kept before the first byte: a store elsewhere is not read and not written. */
import { HoldfastError, isHoldfastError } from '../../errors.ts';
import type { Store } from '../../stores/store.ts';
import { residencyRefused, residencyUnknown } from './residency-errors.ts';

/** Refusals of the server to say where a bucket is; that a bucket is missing, or unreachable, is said as such. */
const NOT_TOLD = new Set(['STORE_DENIED', 'STORE_FAILED']);

/**
 * Asks the store where it is and compares. Asks nothing when nothing was promised.
 *
 * @param residency - the regions that were promised; empty: any
 * @returns the region; undefined when nothing was promised
 * @throws HoldfastError RESIDENCY_REFUSED, RESIDENCY_UNKNOWN (it does not tell, or a folder), STORE_MISSING
 */
export async function mustReside(
  store: Store,
  residency: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (residency.length === 0) return undefined;
  const location = await locationOf(store, signal);
  if (!residency.includes(location)) throw residencyRefused(store.url, location, residency);
  return location;
}

/**
 * The region of a store.
 * @throws HoldfastError RESIDENCY_UNKNOWN
 */
export async function locationOf({ bucket, url }: Store, signal: AbortSignal): Promise<string> {
  if (bucket === undefined) throw residencyUnknown(url, 'a folder has no region');
  try {
    const location = await bucket.location(signal);
    if (location === undefined || location === '') throw residencyUnknown(url, 'the server does not tell');
    return location;
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED') || !(error instanceof HoldfastError)) throw error;
    throw NOT_TOLD.has(error.code) ? residencyUnknown(url, error.message, error) : error;
  }
}
