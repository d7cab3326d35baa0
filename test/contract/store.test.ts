/** The contract of stores, over a folder and over a real S3 server. */
import { beforeAll } from 'vitest';
import { storeContract } from './store.contract.ts';
import type { Subject } from './store.helpers.ts';
import { folderSubject, s3World } from './store.subjects.ts';

let bucketSubject: Subject;

beforeAll(async () => {
  bucketSubject = (await s3World()).subject;
});

storeContract('a folder', folderSubject);

storeContract('a bucket', {
  empty: () => bucketSubject.empty(),
  rootless: () => bucketSubject.rootless(),
  asReader: (store, use) => bucketSubject.asReader(store, use),
  asStranger: (store, use) => bucketSubject.asStranger(store, use),
});
