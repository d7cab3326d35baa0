/**
 * What can go wrong with a store, as errors for people.
 *
 * Every message names the store's address and, where one is concerned, the key. Hints that depend on the kind of
 * store (a folder's owner, a missing S3 permission) are given by the caller; the others live here.
 */
import { HoldfastError, type ExitReason } from '../errors.ts';

/** Where it went wrong. */
export interface Place {
  /** The store's address as the user wrote it. */
  readonly url: string;
  /** Undefined when the whole store is concerned. */
  readonly key?: string | undefined;
}

/** Failures that may go away by themselves: the only ones that `retry.ts` tries again. */
const TRANSIENT: ReadonlySet<string> = new Set(['STORE_UNREACHABLE', 'STORE_BUSY', 'STORE_DIGEST']);

/** True when doing the same again later can help. */
export function isTransient(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && TRANSIENT.has(error.code);
}

/** An address that names no store (exit 2). `url` is left out of the message when it may hold a secret. */
export function badStoreUrl(why: string, url?: string): HoldfastError {
  return make(
    'STORE_URL',
    'usage',
    url === undefined ? `store address: ${why}` : `store address ${url}: ${why}`,
    {
      hint: 'Write the store as file:///absolute/path or as s3://bucket/prefix.',
    },
  );
}

/** An S3 setting that cannot be used (exit 2). */
export function badStoreSetting(setting: string, why: string, cause?: unknown): HoldfastError {
  return make('STORE_SETTING', 'usage', `s3 setting ${setting}: ${why}`, {
    hint: `Correct ${setting} under s3: in the configuration.`,
    cause,
  });
}

/** Objects were to be locked, and this store cannot (exit 2). */
export function cannotLock(url: string, why: string, cause?: unknown): HoldfastError {
  return make('STORE_SETTING', 'usage', `the store ${url} cannot lock objects: ${why}`, {
    hint: 'Make a bucket with Object Lock (it is switched on when a bucket is made), or take object_lock out of the configuration.',
    cause,
  });
}

/** A key outside the alphabet or outside the store: a damaged or forged manifest can lead here. */
export function badKey(url: string, key: string, why: string): HoldfastError {
  return make(
    'STORE_KEY',
    'failed',
    `${JSON.stringify(key.slice(0, 200))} is no key of the store ${url}: ${why}`,
    {
      hint: 'No command makes such a key; whatever named it is damaged or forged, so run holdfast verify.',
    },
  );
}

/** A range that is no range. */
export function badRange(place: Place, offset: number, length: number): HoldfastError {
  return make('STORE_RANGE', 'failed', `cannot read ${length} bytes from byte ${offset} of ${named(place)}`, {
    hint: 'Whatever named this range is damaged or forged, so run holdfast verify.',
  });
}

/** The root (folder, bucket) is not there (exit 10). */
export function storeMissing(url: string, what: string, hint: string, cause?: unknown): HoldfastError {
  return make('STORE_MISSING', 'noStore', `the store ${url} is not there: ${what}`, { hint, cause });
}

/** The store is there and refuses us. `doing` completes "not allowed to …". */
export function storeDenied(place: Place, doing: string, hint: string, cause?: unknown): HoldfastError {
  return make('STORE_DENIED', 'failed', `not allowed to ${doing} ${named(place)}`, { hint, cause });
}

/** The store does not know who we are: no credentials, or wrong ones (exit 10). */
export function badCredentials(url: string, what: string, hint: string, cause?: unknown): HoldfastError {
  return make('STORE_CREDENTIALS', 'noStore', `cannot sign in to the store ${url}: ${what}`, { hint, cause });
}

/** A key that is absent. */
export function objectMissing(place: Place, cause?: unknown): HoldfastError {
  return make('STORE_OBJECT_MISSING', 'failed', `${named(place)} is not there`, {
    hint: 'Run holdfast verify to see which snapshots need it; holdfast snapshots lists the others.',
    cause,
  });
}

/** The object ends before the bytes that were asked for. */
export function objectShort(place: Place, wanted: string, cause?: unknown): HoldfastError {
  return make('STORE_OBJECT_SHORT', 'failed', `${named(place)} is too short: ${wanted}`, {
    hint: 'The object was truncated or replaced; run holdfast verify --read-data to see what it held.',
    cause,
  });
}

/** The object is larger than any that holdfast writes: not read, so that memory stays bounded. */
export function objectLarge(place: Place, bytes: number, most: number): HoldfastError {
  return make(
    'STORE_OBJECT_LARGE',
    'failed',
    `${named(place)} has ${bytes} bytes; at most ${most} are accepted`,
    {
      hint: 'Holdfast writes no object of this size, so it was replaced; run holdfast verify.',
    },
  );
}

/** Disk full or a quota reached. */
export function storeFull(place: Place, what: string, cause?: unknown): HoldfastError {
  return make('STORE_FULL', 'failed', `no room to write ${named(place)}: ${what}`, {
    hint: 'Make room or raise the quota, then run the same command again; nothing half-written counts.',
    cause,
  });
}

/** A file system that is mounted read-only. */
export function storeReadOnly(place: Place, cause?: unknown): HoldfastError {
  return make('STORE_READ_ONLY', 'failed', `cannot write ${named(place)}: the file system is read-only`, {
    hint: 'Mount it for writing (a disk that reported errors remounts itself read-only: see dmesg), then run again.',
    cause,
  });
}

/** No answer (exit 10). Transient. */
export function storeUnreachable(place: Place, what: string, hint: string, cause?: unknown): HoldfastError {
  return make('STORE_UNREACHABLE', 'noStore', `cannot reach ${named(place)}: ${what}`, { hint, cause });
}

/** The store answers that it cannot right now. Transient. */
export function storeBusy(place: Place, what: string, cause?: unknown): HoldfastError {
  return make('STORE_BUSY', 'failed', `the store cannot serve ${named(place)} now: ${what}`, {
    hint: "The store's own trouble: wait, look at its status page, and run the same command again.",
    cause,
  });
}

/** The bytes that arrived at the store are not those that were sent. Transient. */
export function digestMismatch(place: Place, cause?: unknown): HoldfastError {
  return make('STORE_DIGEST', 'failed', `${named(place)} arrived damaged, and the store refused it`, {
    hint: 'Something on the way changes the data: look at proxies, the network card and the memory of this host.',
    cause,
  });
}

/** Plain http to another machine (exit 7). */
export function transportRefused(url: string, host: string): HoldfastError {
  return make('STORE_TRANSPORT', 'policy', `refusing to send to ${host} without TLS (store ${url})`, {
    hint: 'Use an https:// endpoint; plain http is accepted on the loopback address only.',
  });
}

/** The server cannot prove who it is (exit 10). */
export function certificateRefused(url: string, why: string, cause?: unknown): HoldfastError {
  return make('STORE_CERTIFICATE', 'noStore', `the certificate of the store ${url} is not trusted: ${why}`, {
    hint: 'For a server with a certificate authority of its own name that in s3.ca_file; otherwise do not go on.',
    cause,
  });
}

/** This host's clock and the store's are too far apart, or the store has none. */
export function clockSkew(url: string, what: string, cause?: unknown): HoldfastError {
  return make(
    'STORE_CLOCK',
    'failed',
    `the clock of the store ${url} and this host's do not agree: ${what}`,
    {
      hint: "Set this host's clock (timedatectl set-ntp true) and run again.",
      cause,
    },
  );
}

/** A request to a bucket is signed for a region, and none is known (exit 2). */
export function regionMissing(url: string, cause?: unknown): HoldfastError {
  return make('STORE_REGION', 'usage', `the region of the store ${url} is not known`, {
    hint: 'Find it in the console of your provider, and set s3.region in the configuration (init: --region).',
    cause,
  });
}

/** The bucket lives in another region (exit 2). */
export function wrongRegion(url: string, right: string | undefined, cause?: unknown): HoldfastError {
  const where = right === undefined ? 'another region' : `the region ${right}`;
  return make(
    'STORE_REGION',
    'usage',
    `the bucket of the store ${url} is in ${where}, not in the one that is set`,
    {
      hint:
        right === undefined
          ? 'Find the region in the console of your provider, and set s3.region in the configuration.'
          : `Set s3.region to ${right} in the configuration, if the data may be there at all.`,
      cause,
    },
  );
}

/** A link that leads out of the store, or something that is neither file nor folder. */
export function storeEscape(place: Place, what: string): HoldfastError {
  return make('STORE_ESCAPE', 'failed', `${named(place)} is not used: ${what}`, {
    hint: 'Holdfast makes no links; remove it after you know who put it there, then run holdfast verify.',
  });
}

/** Anything else, with the store's own words. */
export function storeFailed(place: Place, doing: string, why: string, cause?: unknown): HoldfastError {
  return make('STORE_FAILED', 'failed', `cannot ${doing} ${named(place)}: ${why}`, {
    hint: 'Run holdfast doctor; it checks every part of the store and says which one is wrong.',
    cause,
  });
}

function named(place: Place): string {
  return place.key === undefined ? `the store ${place.url}` : `${place.key} in the store ${place.url}`;
}

function make(
  code: string,
  exit: ExitReason,
  message: string,
  more: { readonly hint: string; readonly cause?: unknown },
): HoldfastError {
  return new HoldfastError({ code, exit, message, hint: more.hint, cause: more.cause });
}
