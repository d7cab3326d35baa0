/** The tree below a folder store's root: walking it, and keeping it clean. */
import { constants, lstatSync, readdirSync, type Dirent, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError } from './file-errors.ts';
import { keyProblem } from './keys.ts';
import type { Pace } from './pace.ts';
import type { ObjectInfo } from './store.ts';

/** What temporary files are called. No key starts with a dot, so they can never be taken for objects. */
export const TEMPORARY = '.tmp-';

/** Longer than any put can take; a younger temporary file may belong to a run that is still going. */
const LEFTOVER_AFTER_MS = 24 * 60 * 60 * 1000;

const PRIVATE_FOLDER = 0o700;

/** How many files are asked for size and time at once. */
const BATCH = 64;

/** True for the name of a temporary file. */
function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY);
}

/**
 * All objects whose key starts with the prefix. Links, foreign names and temporary files are passed over, and so
 * is what vanishes meanwhile. A missing folder holds nothing: whether the root is there is the caller's question.
 */
export async function* walk(root: string, prefix: string, pace: Pace): AsyncGenerator<ObjectInfo> {
  const slash = prefix.lastIndexOf('/');
  yield* walkFolder(root, prefix.slice(0, slash + 1), prefix.slice(slash + 1), pace);
}

/** `folder` is empty or ends with a slash; `start` is how the names in it must begin. */
async function* walkFolder(
  root: string,
  folder: string,
  start: string,
  pace: Pace,
): AsyncGenerator<ObjectInfo> {
  const folders: string[] = [];
  const files: string[] = [];
  for (const entry of await entriesOf(join(root, folder), pace)) {
    const key = folder + entry.name;
    if (!entry.name.startsWith(start) || keyProblem(key) !== undefined) continue;
    if (entry.isDirectory()) folders.push(key);
    else if (entry.isFile()) files.push(key);
  }
  for (let at = 0; at < files.length; at += BATCH) yield* describe(root, files.slice(at, at + BATCH), pace);
  for (const inner of folders) yield* walkFolder(root, `${inner}/`, '', pace);
}

/** The names of the folders directly below a folder of the tree (empty, or ending with a slash). */
export async function foldersIn(root: string, folder: string, pace: Pace): Promise<string[]> {
  const entries = await entriesOf(join(root, folder), pace);
  return entries
    .filter((entry) => entry.isDirectory() && keyProblem(folder + entry.name) === undefined)
    .map(({ name }) => name);
}

/** Whether any object lies below a folder of the tree (ending with a slash). */
export async function holdsObjects(root: string, folder: string, pace: Pace): Promise<boolean> {
  return (await walk(root, folder, pace).next()).done !== true;
}

/** What is in a folder; nothing when it is not there. */
async function entriesOf(path: string, pace: Pace): Promise<readonly Dirent[]> {
  const options = { withFileTypes: true } as const;
  try {
    return await pace.run(
      () => readdirSync(path, options),
      () => readdir(path, options),
    );
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
    return [];
  }
}

async function* describe(root: string, keys: readonly string[], pace: Pace): AsyncGenerator<ObjectInfo> {
  const found = await Promise.all(
    keys.map(async (key) => {
      const path = join(root, key);
      const now = (): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });
      return { key, stats: await pace.run(now, () => lstatIfThere(path)) };
    }),
  );
  for (const { key, stats } of found) if (stats?.isFile()) yield infoOf(key, stats);
}

/** What a port reports about a file. */
export function infoOf(key: string, stats: Stats): ObjectInfo {
  return { key, bytes: stats.size, modified: stats.mtime };
}

/** Undefined when there is nothing, or when a file stands where a folder should. */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/**
 * Removes temporary files that a crash left behind. Never fails: it is housekeeping before a put.
 * @param now - by the clock of the file system.
 */
export async function sweepTemporary(root: string, now: Date, pace: Pace): Promise<void> {
  try {
    for (const entry of await entriesOf(root, pace)) {
      if (!isTemporary(entry.name) || !entry.isFile()) continue;
      const path = join(root, entry.name);
      const { mtimeMs } = await stat(path);
      if (now.getTime() - mtimeMs > LEFTOVER_AFTER_MS) await unlink(path);
    }
  } catch {
    // Another process swept at the same time, or the file is not ours to remove.
  }
}

/**
 * Removes a folder and those above it as long as they are empty.
 * @returns the first folder that stays; the root always does.
 */
export async function pruneEmpty(root: string, folder: string): Promise<string> {
  let at = folder;
  while (at !== root) {
    try {
      await rmdir(at);
    } catch (error) {
      // Gone, or never a folder: those above may be empty. Anything else (not empty, not ours): it stays.
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) return at;
    }
    at = dirname(at);
  }
  return at;
}

/** Makes one folder for the owner alone; one that is there already stays as it is. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: PRIVATE_FOLDER });
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
  }
  await flushFolder(dirname(path));
}

/** Makes new and removed names in a folder survive a power cut. */
export async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    // ENOENT: emptied and removed meanwhile. The others: file systems that cannot flush folders and need not.
    if (!isSystemError(error, 'ENOENT', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
  }
}

/**
 * Flushes the folders above the root that were made on its way, and the one that holds the first of them.
 * @param firstMade - what a recursive mkdir answers: undefined when all were there.
 */
export async function flushAbove(root: string, firstMade: string | undefined): Promise<void> {
  if (firstMade === undefined) return;
  const last = dirname(firstMade);
  for (let at = dirname(root); at !== last && at !== dirname(at); at = dirname(at)) await flushFolder(at);
  await flushFolder(last);
}
