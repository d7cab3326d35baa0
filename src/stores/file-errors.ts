/** From what the operating system says to what a person can do about it. */
import { HoldfastError, reasonOf } from '../errors.ts';
import {
  storeDenied,
  storeFailed,
  storeFull,
  storeMissing,
  storeReadOnly,
  storeUnreachable,
  type Place,
} from './errors.ts';

/** The `code` of a system error (`ENOENT`), or undefined. */
function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True when the error is a system error with one of these codes. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  const code = systemCode(error);
  return code !== undefined && codes.includes(code);
}

/**
 * The HoldfastError for a failed file operation. `doing` completes "not allowed to …" and "cannot …".
 * ENOENT and ENOTDIR of an object are the caller's to judge; here they concern the root. What no operating system
 * said is a bug, and stays what it is.
 */
export function fileFailure(error: unknown, place: Place, doing: string): unknown {
  if (error instanceof HoldfastError || systemCode(error) === undefined) return error;
  switch (systemCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return storeDenied(place, doing, permissionHint(), error);
    case 'EROFS':
      return storeReadOnly(place, error);
    case 'ENOSPC':
      return storeFull(place, 'the disk is full', error);
    case 'EDQUOT':
      return storeFull(place, 'the quota of this user is used up', error);
    case 'EFBIG':
      return storeFull(place, 'files of this size are not allowed here', error);
    case 'ENOENT':
    case 'ENOTDIR':
      return folderMissing(place.url, error);
    case 'ESTALE':
    case 'ETIMEDOUT':
    case 'EHOSTDOWN':
    case 'EHOSTUNREACH':
    case 'ENOTCONN':
      return storeUnreachable(
        place,
        reasonOf(error),
        'Look at the network file system that holds the store.',
        error,
      );
    default:
      return storeFailed(place, doing, reasonOf(error), error);
  }
}

/** The root of a folder store is not there. */
export function folderMissing(url: string, cause?: unknown): HoldfastError {
  return storeMissing(
    url,
    'no such folder',
    'Mount the disk that holds it, correct store: in the configuration, or make a new store with holdfast init.',
    cause,
  );
}

function permissionHint(): string {
  const user = process.getuid?.();
  const who = user === undefined ? 'this user' : `the user with id ${user}`;
  return `Run as the user who owns the folder, or give it to ${who} (chown -R); files of a store are private to their owner.`;
}
