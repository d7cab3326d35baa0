/** What every store must do, whatever it is made of. Run by `store.test.ts` over a folder and the buckets of a real S3 server. */
import { describe } from 'vitest';
import { conductContract } from './store.contract.conduct.ts';
import { listingContract } from './store.contract.listing.ts';
import { objectContract } from './store.contract.objects.ts';
import { versionsContract } from './store.contract.versions.ts';
import type { Subject } from './store.helpers.ts';

/** Registers the suite. */
export function storeContract(name: string, subject: Subject): void {
  describe(name, () => {
    objectContract(subject);
    listingContract(subject);
    conductContract(subject);
    versionsContract(subject);
  });
}
