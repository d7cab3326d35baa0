/** Giving a finished file its key in a store's folder: at once and for good, and never over an object that must stay. */
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storeEscape } from './errors.ts';
import { isSystemError } from './file-errors.ts';
import type { ObjectPlace, StoreFolder } from './file-folder.ts';
import { tryLink, writeTemporary } from './file-object.ts';
import { flushFolder, lstatIfThere, makeFolder } from './file-tree.ts';

/** Another process may remove a folder, empty for the moment, just before we use it; then it is made again. */
const FOLDER_ATTEMPTS = 100;

/**
 * Gives it its name, and makes the name survive a power cut.
 * @throws STORE_ESCAPE, STORE_MISSING, or what the operating system says
 */
export async function publish(
  folder: StoreFolder,
  temporary: string,
  place: ObjectPlace,
  ifAbsent: boolean,
): Promise<'written' | 'already-there'> {
  const path = folder.path(place.key);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await makeFolders(folder, dirname(place.key));
      if (!ifAbsent) await rename(temporary, path);
      else if (!(await linkIfAbsent(folder, temporary, place))) return 'already-there';
      break;
    } catch (error) {
      if (isSystemError(error, 'ENOTDIR')) throw storeEscape(place, 'a file is in the place of its folder');
      if (isSystemError(error, 'EISDIR')) throw storeEscape(place, 'a folder is in its place');
      if (!isSystemError(error, 'ENOENT') || attempt === FOLDER_ATTEMPTS) throw error;
    }
  }
  await flushFolder(dirname(path));
  return 'written';
}

/** @throws STORE_ESCAPE when something that is no object stands at the key. */
export async function holdsObject(folder: StoreFolder, place: ObjectPlace): Promise<boolean> {
  if (!(await folder.hasFolderOf(place.key))) return false;
  const stats = await lstatIfThere(folder.path(place.key));
  if (stats === undefined || stats.isFile()) return stats !== undefined;
  throw storeEscape(
    place,
    stats.isDirectory() ? 'a folder is in its place' : 'it is neither file nor folder',
  );
}

/** Whether the file system has hard links, without which `ifAbsent` has a gap. False, too, where nothing may be written. */
export async function canLink({ root }: StoreFolder): Promise<boolean> {
  try {
    const { path } = await writeTemporary(root, Buffer.of(0));
    const second = `${path}-link`;
    const outcome = await tryLink(path, second).finally(() => rm(path, { force: true }));
    await rm(second, { force: true });
    return outcome === 'linked';
  } catch (error) {
    if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) return false;
    throw error;
  }
}

/** False when the key exists. A link never replaces, so of several writers exactly one gets true. */
async function linkIfAbsent(folder: StoreFolder, temporary: string, place: ObjectPlace): Promise<boolean> {
  const path = folder.path(place.key);
  const outcome = await tryLink(temporary, path);
  if (outcome === 'linked') return true;
  // Looks also when taken: what stands there may be no object.
  const isThere = await holdsObject(folder, place);
  if (outcome === 'taken' || isThere) return false;
  // No hard links here, which features() says as ifAbsent: false. The best that is left has a gap.
  await rename(temporary, path);
  return true;
}

/** Makes the folders of a key, below a root that must be there. `relative` is `.` for the root. */
async function makeFolders(folder: StoreFolder, relative: string): Promise<void> {
  if (relative === '.' || (await folder.hasFolderOf(`${relative}/`))) return;
  await makeFolders(folder, dirname(relative));
  await makeFolder(folder.path(relative));
}
