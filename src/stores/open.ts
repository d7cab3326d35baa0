/** From a store's address to a store that is ready to use. */
import { schemeOf } from './address.ts';
import { parseFault, withFaults } from './faults.ts';
import { openFileStore } from './file.ts';
import { withRetry, type RetryPlan } from './retry.ts';
import type { S3Settings } from './s3-settings.ts';
import type { Store } from './store.ts';

export interface OpenStoreSettings {
  /** Used for `s3://` only. */
  readonly s3?: S3Settings | undefined;
  readonly retry?: RetryPlan | undefined;
}

/**
 * Opens the store at an address, patient with what passes by itself. Connects at the first operation.
 * @param url - `file:///absolute/path`, `/absolute/path` or `s3://bucket/prefix`.
 * @throws STORE_URL (exit 2), STORE_SETTING (exit 2), STORE_TRANSPORT (exit 7).
 */
export async function openStore(url: string, settings: OpenStoreSettings = {}): Promise<Store> {
  const bare = schemeOf(url) === 'file' ? openFileStore(url) : await openS3(url, settings.s3);
  return withRetry(withPlannedFaults(bare), settings.retry);
}

async function openS3(url: string, settings: S3Settings | undefined): Promise<Store> {
  // Late: the AWS SDK takes longer to load than most commands take to run.
  const { openS3Store } = await import('./s3.ts');
  return openS3Store(url, settings);
}

/** The test seam of `faults.ts`. */
function withPlannedFaults(store: Store): Store {
  const fault = process.env['HOLDFAST_TEST_FAULT'];
  return fault === undefined || fault === '' ? store : withFaults(store, parseFault(fault));
}
