/**
 * What only a bucket has: a place in the world, versions, locks, and rules that expire objects by themselves.
 *
 * All of it belongs to the whole bucket, which holdfast may share with others: hence whole keys (`prefix` included)
 * in the rules, and rules of others that are written back as they were.
 */

/** Until when an object cannot be removed; a host's put gives it, nothing takes it away early but a bypass. */
export interface ObjectLock {
  /** `governance` may be bypassed by whoever has the permission; `compliance` by nobody. */
  readonly mode: 'compliance' | 'governance';
  /** Whole seconds; a put rounds up. */
  readonly until: Date;
}

/** One lifecycle rule. */
export interface LifecycleRule {
  readonly id: string;
  readonly enabled: boolean;
  /** Of whole keys, the store's own prefix included; empty: the whole bucket. */
  readonly prefix: string;
  /** Days after the put at which an object goes (in a bucket with versions: is hidden). */
  readonly expireDays?: number;
  /** A date at which everything goes. Never set by us; a rule with it has `raw`. */
  readonly expireDate?: Date;
  /** Days after which a version goes that is no longer the latest. */
  readonly noncurrentDays?: number;
  readonly abortMultipartDays?: number;
  /** Delete markers go when nothing lies below them any more. */
  readonly expiredDeleteMarkers?: boolean;
  /** The rule is for some objects only: by tag or by size. Never set by us; a rule with it has `raw`. */
  readonly filtered?: boolean;
  /**
   * The rule as the SDK gave it, set only when it has something that the fields above cannot say (tags, transitions,
   * dates, sizes). Such a rule is written back from here; changes of the other fields are then not seen.
   */
  readonly raw?: unknown;
}

/** Whether the bucket can lock, and what it does to objects that come without a lock of their own. */
export interface BucketLock {
  readonly enabled: boolean;
  readonly defaultRetention?: { readonly mode: ObjectLock['mode']; readonly days: number };
}

/** Every method throws STORE_DENIED, with the permission in its hint, where we may not ask. */
export interface Bucket {
  /** The store's root inside the bucket: empty, or with its slash, such as `prod/`. */
  readonly prefix: string;
  /** The region. Undefined when the server does not tell: then nobody can say where the data is. */
  location(signal?: AbortSignal): Promise<string | undefined>;
  versioning(signal?: AbortSignal): Promise<'enabled' | 'suspended' | 'off'>;
  objectLock(signal?: AbortSignal): Promise<BucketLock>;
  /** All rules of the bucket; none when none is configured. Throws STORE_FAILED on a server without lifecycle. */
  lifecycle(signal?: AbortSignal): Promise<readonly LifecycleRule[]>;
  /** Replaces the rules of the whole bucket: callers merge. No rules takes the configuration away. */
  putLifecycle(rules: readonly LifecycleRule[], signal?: AbortSignal): Promise<void>;
  /**
   * The lock of one version (undefined: the latest); undefined when it has none. A lock in the past is one too.
   * Throws STORE_OBJECT_MISSING.
   */
  lockOf(key: string, version: string | undefined, signal?: AbortSignal): Promise<ObjectLock | undefined>;
}
