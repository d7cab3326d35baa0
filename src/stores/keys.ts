/**
 * Which keys and ranges a store accepts: one rule for every kind of store, so that a store can be copied from a
 * folder to a bucket and back, and so that a forged manifest can name nothing outside the store.
 */
import { badKey, badRange, objectLarge, type Place } from './errors.ts';
import type { ByteRange } from './store.ts';

/** No object of holdfast comes near this; a larger one is refused instead of filling the memory. */
const MAX_OBJECT_BYTES = 64 * 1024 * 1024;

/** S3 allows 1,024 bytes for prefix and key together; file systems 255 for a name. */
const MAX_KEY = 800;
const MAX_NAME = 200;

/** Names that start with a dot are the store's own (temporary files) or the system's (.Trash, .snapshot). */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const PREFIX = /^[A-Za-z0-9._/-]*$/;

/** Why this is no key; undefined when it is one. */
export function keyProblem(key: string): string | undefined {
  if (key.length > MAX_KEY) return `longer than ${MAX_KEY} characters`;
  for (const name of key.split('/')) {
    if (name === '') return 'an empty name between slashes';
    if (name.length > MAX_NAME) return `a name longer than ${MAX_NAME} characters`;
    if (!NAME.test(name)) return 'names are made of letters, digits, ".", "_" and "-", and start with no dot';
  }
  return undefined;
}

/**
 * Lets a key pass.
 * @throws STORE_KEY when it is outside the rule.
 */
export function assertKey(url: string, key: string): void {
  const problem = keyProblem(key);
  if (problem !== undefined) throw badKey(url, key, problem);
}

/**
 * Lets a prefix of keys pass; it may be empty and may end inside a name.
 * @throws STORE_KEY when no key can start with it.
 */
export function assertPrefix(url: string, prefix: string): void {
  const names = prefix.split('/');
  const last = names.pop() ?? '';
  const whole = names.length === 0 ? undefined : keyProblem(names.join('/'));
  if (whole !== undefined) throw badKey(url, prefix, whole);
  if (!PREFIX.test(last) || last.startsWith('.')) throw badKey(url, prefix, 'no key can start with it');
}

/**
 * Lets the prefix of a folder pass: empty, or ending with a slash.
 * @throws STORE_KEY
 */
export function assertFolder(url: string, prefix: string): void {
  assertPrefix(url, prefix);
  if (prefix !== '' && !prefix.endsWith('/')) throw badKey(url, prefix, 'a folder ends with a slash');
}

/**
 * Lets a range pass.
 * @throws STORE_RANGE when it is none, STORE_OBJECT_LARGE when it is longer than any object.
 */
export function assertRange(place: Place, range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { offset, length } = range;
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
  if (!whole || offset < 0 || length < 0 || !Number.isSafeInteger(offset + length))
    throw badRange(place, offset, length);
  assertSize(place, length);
}

/**
 * Lets an object's size pass, before memory is taken for it.
 * @throws STORE_OBJECT_LARGE
 */
export function assertSize(place: Place, bytes: number): void {
  if (bytes > MAX_OBJECT_BYTES) throw objectLarge(place, bytes, MAX_OBJECT_BYTES);
}
