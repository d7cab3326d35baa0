/** Walking a folder: every name below it, in the order of paths, through folders that are held open. */
import { unreadable } from './errors.ts';
import { codeOf, fstat, lstat, readdir, type Stat } from './calls.ts';
import { fromBytes, joinNames, ROOT, type ByteName } from '../../rows/files/names.ts';
import { placeIn, type OpenFolder, type OpenFolders, type Place } from './open-folder.ts';
import type { Excludes } from './patterns.ts';

/** A name that was found; whoever gets it releases its folder. */
export interface Found extends Place {
  readonly stat: Stat;
}

export interface WalkOptions {
  readonly excludes: Excludes;
  /** Folders that must never be in a backup, by device and inode: `8:12345`. */
  readonly never: ReadonlySet<string>;
  /** Called for each folder of `never` that was met. */
  readonly onNever: (path: ByteName) => void;
}

interface Level {
  readonly path: ByteName;
  readonly folder: OpenFolder;
  readonly names: readonly ByteName[];
  /** Names before this one are behind us. */
  next: number;
  /** Looked at ahead, from `next` on. */
  readonly ahead: (Stat | undefined)[];
}

/** Names that are looked at together. */
const AHEAD = 32;

/**
 * The root as `.`, then everything below it. A folder comes before what is in it, and names are in the order of their
 * bytes, so that two walks of the same folder are the same.
 * @throws HoldfastError FILES_UNREADABLE. What vanishes while we walk was not there.
 */
export async function* walk(
  folders: OpenFolders,
  root: OpenFolder,
  options: WalkOptions,
): AsyncGenerator<Found> {
  yield { path: ROOT, name: ROOT, folder: root.retain(), stat: await fstat(root.fd) };
  const levels = [await openLevel(root.retain(), ROOT)];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const found = await nextOf(level);
    if (found === undefined) {
      levels.pop();
      await level.folder.release();
      continue;
    }
    const isFolder = found.stat.isDirectory();
    if (options.excludes(found.path, isFolder)) continue;
    if (isFolder && options.never.has(identityOf(found.stat))) {
      options.onNever(found.path);
      continue;
    }
    const below = isFolder ? await enter(folders, found) : undefined;
    if (isFolder && !below) continue;
    found.folder.retain();
    yield found;
    if (below) levels.push(below);
  }
}

/** What makes a file the same file. */
export function identityOf({ dev, ino }: Stat): string {
  return `${dev}:${ino}`;
}

async function nextOf(level: Level): Promise<Found | undefined> {
  for (;;) {
    if (level.ahead.length === 0) await lookAhead(level);
    const name = level.names[level.next++];
    if (name === undefined) return undefined;
    const stat = level.ahead.shift();
    if (stat) return { ...placeIn(level.folder, level.path, name), stat };
  }
}

async function lookAhead(level: Level): Promise<void> {
  const names = level.names.slice(level.next, level.next + AHEAD);
  const look = (name: ByteName): Promise<Stat | undefined> =>
    lstat(level.folder.at(name)).catch((error: unknown) => goneOrThrow(joinNames(level.path, name), error));
  level.ahead.push(...(await Promise.all(names.map(look))));
}

/** Undefined when something else than a folder is there by now. */
async function enter(folders: OpenFolders, { folder, name, path }: Found): Promise<Level | undefined> {
  try {
    return await openLevel(await folders.within(folder, name), path);
  } catch (error) {
    const isOther = ['ELOOP', 'ENOTDIR'].includes(codeOf(error) ?? '');
    if (!isOther) goneOrThrow(path, error);
    return undefined;
  }
}

async function openLevel(folder: OpenFolder, path: ByteName): Promise<Level> {
  const names = (await readdir(folder.here)).map(fromBytes);
  // Strings of latin1 compare as their bytes do.
  return { path, folder, names: names.sort((a, b) => (a < b ? -1 : 1)), next: 0, ahead: [] };
}

function goneOrThrow(path: ByteName, error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw unreadable(path, error);
}
