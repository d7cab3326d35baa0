/** Store addresses: `file:///path`, `/path`, `s3://bucket/prefix`. */
import { isAbsolute, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { badStoreUrl } from './errors.ts';
import { keyProblem } from './keys.ts';

/** Which kind of store an address names. */
export type StoreScheme = 'file' | 's3';

/** Where an S3 store lives. */
export interface BucketAddress {
  readonly bucket: string;
  /** What stands before every key: empty, or a path that ends with a slash. */
  readonly prefix: string;
}

/**
 * The kind of store that an address names.
 * @throws STORE_URL for anything else; the address itself is then left out of the message, for it may be a password.
 */
export function schemeOf(url: string): StoreScheme {
  if (isAbsolute(url) || url.startsWith('file:')) return 'file';
  if (url.startsWith('s3:')) return 's3';
  const scheme = /^[a-z][a-z0-9+.-]{0,20}(?=:)/i.exec(url)?.[0];
  if (scheme !== undefined) throw badStoreUrl(`there are no stores of the kind "${scheme}:"`);
  throw badStoreUrl('not an absolute path, and no scheme');
}

/**
 * The folder of a file store.
 * @param url - `file:///absolute/path` (percent-encoded) or a plain absolute path.
 * @throws STORE_URL
 */
export function folderOf(url: string): string {
  const path = isAbsolute(url) ? url : pathOfFileUrl(url);
  if (path.includes('\0')) throw badStoreUrl('a path cannot hold a zero byte');
  const clean = normalize(path).replace(/(?<=.)\/+$/, '');
  if (clean === '/') throw badStoreUrl('the root of the file system cannot be a store', url);
  return clean;
}

function pathOfFileUrl(url: string): string {
  // new URL() would make file://folder/x a path on a host "folder", and file:x one below the root.
  if (!url.startsWith('file:///'))
    throw badStoreUrl('a folder needs an absolute path, with three slashes', url);
  if (/[?#]/.test(url)) throw badStoreUrl('write ? and # in a path as %3F and %23', url);
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw badStoreUrl(error instanceof Error ? error.message.toLowerCase() : 'not a path', url);
  }
}

/**
 * Bucket and prefix of an S3 store.
 * @param url - `s3://bucket` or `s3://bucket/prefix`, with or without a slash at the end.
 * @throws STORE_URL
 */
export function bucketOf(url: string): BucketAddress {
  const rest = /^s3:\/\/(.*)$/s.exec(url)?.[1];
  if (rest === undefined) throw badStoreUrl('a bucket is written s3://bucket/prefix');
  if (rest.includes('@'))
    throw badStoreUrl('credentials do not belong in it: they come from the AWS_* environment or a profile');
  const [bucket = '', ...names] = rest.replace(/\/+$/, '').split('/');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket)) throw badStoreUrl('not the name of a bucket', url);
  if (names.length === 0) return { bucket, prefix: '' };
  const problem = keyProblem(names.join('/'));
  if (problem !== undefined) throw badStoreUrl(problem, url);
  return { bucket, prefix: `${names.join('/')}/` };
}
