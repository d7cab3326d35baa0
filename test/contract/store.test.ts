/** The contract of stores, over a folder and over every kind of bucket of a real S3 server. */
import { beforeAll, describe } from 'vitest';
import { storeContract } from './store.contract.ts';
import { versionsContract } from './store.contract.versions.ts';
import { bucketSubject, folderSubject, s3World, type S3World } from './store.subjects.ts';

let world: S3World;

beforeAll(async () => {
  world = await s3World();
});

storeContract('a folder', folderSubject);

storeContract(
  'a bucket',
  bucketSubject('plain', () => world),
);

storeContract(
  'a bucket with versions',
  bucketSubject('versioned', () => world),
);

// In all else it is a bucket with versions.
describe('a bucket with Object Lock', () => {
  versionsContract(bucketSubject('locked', () => world));
});
