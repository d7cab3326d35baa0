/** The file that a restore makes: what may stand at its path, and how it gets there whole or not at all. */
import { randomBytes } from 'node:crypto';
import { constants as fsConstants, type Stats } from 'node:fs';
import { access, chmod, chown, link, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { targetOccupied, targetUnusable } from './errors.ts';

export interface TargetState {
  readonly exists: boolean;
  /** Why the path is taken, as the end of a sentence that begins with the path; undefined when it is free. */
  readonly occupied?: string;
  /** Why nothing can be written there, one sentence. */
  readonly problem?: string;
}

/** Looks at the path and changes nothing. */
export async function inspectTarget(path: string): Promise<TargetState> {
  const folder = dirname(path);
  const found = await stat(path).catch(() => undefined);
  const problem = await access(folder, fsConstants.W_OK | fsConstants.X_OK).then(
    () => undefined,
    () => `The folder ${folder} does not exist or may not be written to: make it, or choose another path.`,
  );
  const occupied = (found && (await whyOccupied(path, found))) ?? (await strayCompanion(path));
  return { exists: found !== undefined, ...(occupied && { occupied }), ...(problem && { problem }) };
}

/**
 * Asks the bytes and not SQLite, which would leave files beside a database in WAL mode: page 1 is the root of
 * `sqlite_schema`, and a leaf without cells means that there is no object (sqlite.org/fileformat2.html section 1.6).
 */
async function whyOccupied(path: string, found: Stats): Promise<string | undefined> {
  if (!found.isFile()) return 'is not a regular file';
  if (found.size === 0) return undefined;
  const start = await firstBytes(path);
  if (start?.toString('latin1', 0, 16) !== 'SQLite format 3\0') return 'is a file and not an SQLite database';
  const hasNoObject = start.length === PAGE_START && start[100] === LEAF && start.readUInt16BE(103) === 0;
  return hasNoObject ? undefined : 'is a database that holds something';
}

const PAGE_START = 105;
const LEAF = 0x0d;

async function firstBytes(path: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  try {
    const read = await file?.read(Buffer.alloc(PAGE_START), 0, PAGE_START, 0);
    return read?.buffer.subarray(0, read.bytesRead);
  } finally {
    await file?.close();
  }
}

/** SQLite would play a journal that lies beside the path into whatever database appears there. */
async function strayCompanion(path: string): Promise<string | undefined> {
  for (const suffix of ['-journal', '-wal']) {
    const found = await stat(path + suffix).catch(() => undefined);
    if (found) return `has a journal beside it (${basename(path)}${suffix})`;
  }
  return undefined;
}

/** A new file beside the target, of which only its owner may read anything. */
export interface DraftFile {
  readonly file: string;
  /** Makes it durable and puts it at the target's path, unless something has come there meanwhile. */
  place(): Promise<void>;
  /** Removes it and its journals; does nothing to a placed one. */
  discard(): Promise<void>;
}

/**
 * Begins the file that `place` later puts at the path.
 * @throws HoldfastError SQLITE_TARGET_UNUSABLE
 */
export async function draftFile(path: string): Promise<DraftFile> {
  const file = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    await (await open(file, 'wx', 0o600)).close();
  } catch (error) {
    throw targetUnusable(path, error);
  }
  return {
    file,
    place: () => placeFile(file, path),
    discard: async () => {
      await Promise.all(['', '-journal', '-wal', '-shm'].map((suffix) => rm(file + suffix, { force: true })));
    },
  };
}

async function placeFile(file: string, path: string): Promise<void> {
  const state = await inspectTarget(path);
  if (state.occupied !== undefined) throw targetOccupied(path, state.occupied);
  try {
    if (state.exists) await takeOver(file, path);
    await syncPath(file);
    if (state.exists) await rename(file, path);
    else await linkOrRename(file, path);
    await syncPath(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw targetOccupied(path, 'has appeared meanwhile');
    throw targetUnusable(path, error);
  }
}

/** Who made an empty file for us has said who may use it. */
async function takeOver(file: string, path: string): Promise<void> {
  const { mode, uid, gid } = await stat(path);
  await chown(file, uid, gid).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  });
  await chmod(file, mode & 0o777);
}

/** A link never replaces what has appeared at the path, a rename does; some file systems have no links. */
async function linkOrRename(file: string, path: string): Promise<void> {
  try {
    await link(file, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error;
    return rename(file, path);
  }
  await unlink(file);
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
