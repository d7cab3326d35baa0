/**
 * The store port: where sealed objects live.
 *
 * What holdfast needs from a store:
 * - an object is there whole or not at all; a put that was acknowledged survives a power cut;
 * - a get or a list after an acknowledged put sees it;
 * - `modified` times never go backwards for later puts of one store (they are the clock that retention uses).
 *
 * Keys are relative to the store's root, use `/`, and contain only `[A-Za-z0-9._/-]`; no name between slashes is
 * empty, starts with a dot or is longer than 200 characters (`keys.ts`). No key may be a folder of another (`a` and
 * `a/b`): a bucket would take both, a folder refuses. Whatever else lies in the root is not seen; in a bucket the
 * key `probe/if-absent` belongs to the probe of `features`. No object is larger than 64 MiB.
 * Every method throws a HoldfastError (see errors.ts beside this file) and nothing else; a cancelled signal
 * starts no new operation. Implementations do not retry: `stores/retry.ts` wraps them once.
 */
import type { Bucket, ObjectLock } from './bucket.ts';

export type { Bucket, ObjectLock } from './bucket.ts';

export interface StoreFeatures {
  /** `put` with `ifAbsent` really refuses to replace (probed, not assumed). When false a put may overwrite. */
  readonly ifAbsent: boolean;
  /** The store itself can expire objects by prefix and age. */
  readonly lifecycle: boolean;
  /** Old versions of an object survive a put or a remove. */
  readonly versions: boolean;
  /** Objects can be locked until a date. */
  readonly objectLock: boolean;
}

export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  /** When the store took the object, by the store's own clock; S3 cuts it to whole seconds, and so `now`. */
  readonly modified: Date;
}

/** One of the versions of an object, or a mark that it was removed. */
export interface ObjectVersion extends ObjectInfo {
  /** The store's name for it; `null` where the store keeps no versions. */
  readonly version: string;
  /** This is what a get of the key gives (a marker: that it is absent). */
  readonly isLatest: boolean;
  /** A delete marker: no bytes, it hides what is older. */
  readonly isMarker: boolean;
}

export interface PutOptions {
  /** Refuse (return 'already-there') when the key exists. */
  readonly ifAbsent?: boolean;
  /** Nobody can remove the object before. Throws STORE_SETTING when the store cannot lock. */
  readonly lock?: ObjectLock;
}

export interface RemoveOptions {
  /** Every version and delete marker, instead of a marker on top of them; needs s3:DeleteObjectVersion. */
  readonly allVersions?: boolean;
  /** Also versions that are locked in governance mode; needs s3:BypassGovernanceRetention. */
  readonly bypassGovernance?: boolean;
}

/** A version that is still there after a remove of all versions, because it is locked. */
export interface StuckVersion {
  readonly key: string;
  readonly version: string;
  /** For people: `locked in compliance mode until 2026-11-21T03:00:00Z`. */
  readonly reason: string;
  /** Undefined when no date ends it (a legal hold). */
  readonly lockedUntil?: Date;
}

/** First byte and number of bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface ReadStore {
  /** The address as the user wrote it, for messages; never holds a secret. */
  readonly url: string;
  /** Throws STORE_OBJECT_MISSING when the key is absent, STORE_OBJECT_SHORT when the range is not all there. */
  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer>;
  /** Undefined when the key is absent. */
  head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined>;
  /** All objects whose key starts with the prefix, in no particular order; half-written ones never appear. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo>;
  /**
   * Every version and delete marker of the keys that start with the prefix, in no particular order. A store without
   * versions gives what `list` gives.
   */
  versions(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectVersion>;
  /** The names directly below a prefix that ends in `/` (or is empty) and have something below them, without the slash. */
  folders(prefix: string, signal?: AbortSignal): Promise<string[]>;
  /** The store's clock. */
  now(signal?: AbortSignal): Promise<Date>;
}

export interface Store extends ReadStore {
  /** What only a bucket has; undefined for a folder. */
  readonly bucket: Bucket | undefined;
  /** What this store can do; may ask the server once. */
  features(signal?: AbortSignal): Promise<StoreFeatures>;
  /** Creates the root when it can be created (a folder); throws STORE_MISSING when it cannot (a bucket). */
  create(signal?: AbortSignal): Promise<void>;
  /** Throws STORE_MISSING (exit 10) when the root (folder, bucket) is not there, STORE_DENIED when not allowed. */
  check(signal?: AbortSignal): Promise<void>;
  put(
    key: string,
    bytes: Uint8Array,
    options?: PutOptions,
    signal?: AbortSignal,
  ): Promise<'written' | 'already-there'>;
  /**
   * Removes keys; one that is absent already is no error.
   * @returns the versions that are locked and therefore still there; with no `allVersions` always none.
   */
  remove(
    keys: readonly string[],
    options?: RemoveOptions,
    signal?: AbortSignal,
  ): Promise<readonly StuckVersion[]>;
  /** Releases sockets. */
  close(): Promise<void>;
}
