/** One file of a folder store: writing it so that it survives a power cut, reading it without being led astray. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { link, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { objectMissing, objectShort, storeEscape, type Place } from './errors.ts';
import { isSystemError } from './file-errors.ts';
import { TEMPORARY } from './file-tree.ts';
import { assertSize } from './keys.ts';
import type { ByteRange } from './store.ts';

const PRIVATE_FILE = 0o600;

/** Entries, ledger lines and keys are smaller, packs are not. */
const SMALL_BYTES = 64 * 1024;

/** File systems without hard links (exFAT, some network shares) answer with one of these. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** A finished file that has no key yet. */
export interface Temporary {
  readonly path: string;
  /** When it was written, by the clock of the file system. */
  readonly written: Date;
}

/** Writes and flushes a temporary file in the root; nothing is left when that fails. */
export async function writeTemporary(root: string, bytes: Uint8Array): Promise<Temporary> {
  const path = join(root, TEMPORARY + randomBytes(12).toString('hex'));
  const file = await open(path, 'wx', PRIVATE_FILE);
  try {
    await writeAll(file, bytes);
    await file.sync();
    return { path, written: (await file.stat()).mtime };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  // Not writeFile(): it cuts 12 MiB into 24 trips through the thread pool.
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}

/**
 * Reads an object, or a range of it.
 * @throws STORE_OBJECT_MISSING, STORE_OBJECT_SHORT, STORE_OBJECT_LARGE, STORE_ESCAPE (a symbolic link), or what the
 *   operating system says.
 */
export async function readObject(path: string, place: Place, range: ByteRange | undefined): Promise<Buffer> {
  const file = await openObject(path, place);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw objectMissing(place);
    return await readRange(file, stats.size, place, range);
  } finally {
    await file.close();
  }
}

/**
 * As `readObject`, in this thread, when the whole object is small.
 * @returns undefined when it is not.
 */
export function readSmallObject(path: string, place: Place): Buffer | undefined {
  const file = openObjectNow(path, place);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw objectMissing(place);
    if (stats.size > SMALL_BYTES) return undefined;
    const bytes = Buffer.allocUnsafe(stats.size);
    const read = readSync(file, bytes, 0, stats.size, 0);
    return read === stats.size ? bytes : undefined;
  } finally {
    closeSync(file);
  }
}

// Non-blocking: opening a pipe that someone put there must not wait for a writer.
const HOW_TO_OPEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

async function openObject(path: string, place: Place): Promise<FileHandle> {
  try {
    return await open(path, HOW_TO_OPEN);
  } catch (error) {
    throw openFailure(error, place);
  }
}

function openObjectNow(path: string, place: Place): number {
  try {
    return openSync(path, HOW_TO_OPEN);
  } catch (error) {
    throw openFailure(error, place);
  }
}

function openFailure(error: unknown, place: Place): unknown {
  if (isSystemError(error, 'ELOOP')) return storeEscape(place, 'it is a symbolic link');
  if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ENXIO')) return objectMissing(place, error);
  return error;
}

async function readRange(
  file: FileHandle,
  size: number,
  place: Place,
  range: ByteRange | undefined,
): Promise<Buffer> {
  const { offset, length } = range ?? { offset: 0, length: size };
  assertSize(place, length);
  const wanted = `${length} bytes from byte ${offset} of ${size}`;
  if (offset + length > size) throw objectShort(place, wanted);
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw objectShort(place, wanted);
    done += bytesRead;
  }
  return bytes;
}

/**
 * Gives a file a second name unless that name is taken.
 * @returns what happened; `unsupported` where the file system has no hard links.
 */
export async function tryLink(from: string, to: string): Promise<'linked' | 'taken' | 'unsupported'> {
  try {
    await link(from, to);
    return 'linked';
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return 'taken';
    if (isSystemError(error, ...NO_LINKS)) return 'unsupported';
    throw error;
  }
}
