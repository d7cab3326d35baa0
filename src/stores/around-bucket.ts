/** Wraps every question to a bucket in the same way: for `retry.ts` and `faults.ts`. */
import type { Bucket } from './bucket.ts';

/** The methods of a bucket. */
export type BucketMethod = Exclude<keyof Bucket, 'prefix'>;

/** Does the work, and something around it. */
export type Around = <T>(
  method: BucketMethod,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
) => Promise<T>;

/** The same bucket, with every method done inside of `around`. */
export function aroundBucket(bucket: Bucket, around: Around): Bucket {
  return {
    prefix: bucket.prefix,
    location: (signal) => around('location', signal, () => bucket.location(signal)),
    versioning: (signal) => around('versioning', signal, () => bucket.versioning(signal)),
    objectLock: (signal) => around('objectLock', signal, () => bucket.objectLock(signal)),
    lifecycle: (signal) => around('lifecycle', signal, () => bucket.lifecycle(signal)),
    putLifecycle: (rules, signal) => around('putLifecycle', signal, () => bucket.putLifecycle(rules, signal)),
    lockOf: (key, version, signal) => around('lockOf', signal, () => bucket.lockOf(key, version, signal)),
  };
}
