/** Reading what a name stands for, and knowing whether it held still. */
import { constants } from 'node:fs';
import { neverStill, unreadable } from './errors.ts';
import { close, codeOf, fstat, lstat, open, readFully, readlink, type Stat } from './calls.ts';
import type { EntryType } from '../../rows/files/entry.ts';
import { typeOf } from './entry.ts';
import { fromBytes, type ByteName } from '../../rows/files/names.ts';
import type { Place } from './open-folder.ts';
import type { Found } from './walk.ts';

/** Files up to this size are read whole, several at a time, and again when they changed meanwhile. */
export const SMALL_BYTES_MAX = 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
/** How often something that changes while it is read is read again. */
const ATTEMPTS = 3;
/** Without O_NONBLOCK opening a pipe that somebody has put there would wait for ever. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What there is at a name, as far as it is in memory. */
export interface Loaded {
  readonly type: EntryType;
  readonly stat: Stat;
  /** Of small files. */
  readonly bytes?: Buffer;
  /** Of symbolic links. */
  readonly target?: ByteName;
  readonly changed?: true;
}

/**
 * Loads what was found.
 * @returns undefined when it is gone, or is nothing that can be kept (a socket)
 * @throws HoldfastError FILES_UNREADABLE, FILES_NEVER_STILL
 */
export async function load(found: Found): Promise<Loaded | undefined> {
  let stat: Stat | undefined = found.stat;
  for (let attempt = 1; attempt <= ATTEMPTS && stat; attempt++) {
    const type = typeOf(stat);
    if (type === undefined) return undefined;
    const loaded = await attemptLoad(found, type, stat, attempt === ATTEMPTS);
    if (loaded !== 'changed') return loaded;
    stat = await lookAgain(found);
  }
  if (stat === undefined) return undefined;
  throw neverStill(found.path);
}

async function attemptLoad(
  place: Place,
  type: EntryType,
  stat: Stat,
  isLast: boolean,
): Promise<Loaded | undefined | 'changed'> {
  try {
    if (type === 'symlink')
      return { type, stat, target: fromBytes(await readlink(place.folder.at(place.name))) };
    if (type !== 'file' || stat.size > SMALL_BYTES_MAX) return { type, stat };
    return await loadSmall(place, isLast);
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code === 'ENOENT') return undefined;
    // It was a file or a link when we looked, and is something else.
    if (['ELOOP', 'ENXIO', 'EINVAL', 'EISDIR'].includes(code)) return 'changed';
    throw unreadable(place.path, error);
  }
}

async function loadSmall(place: Place, isLast: boolean): Promise<Loaded | 'changed'> {
  const fd = await open(place.folder.at(place.name), READ);
  try {
    const stat = await fstat(fd);
    if (!stat.isFile()) return 'changed';
    if (stat.size > SMALL_BYTES_MAX) return { type: 'file', stat };
    const bytes = Buffer.allocUnsafeSlow(Number(stat.size));
    const count = await readFully(fd, bytes, 0);
    const isStill = count === bytes.length && isSame(stat, await fstat(fd));
    if (!isStill && !isLast) return 'changed';
    return { type: 'file', stat, bytes: bytes.fill(0, count), ...(!isStill && { changed: true }) };
  } finally {
    await close(fd);
  }
}

/**
 * The bytes of a large file: exactly as many as `size`, whatever happens to it: zeros where it became shorter.
 * @param onEnd - told whether it was written to since `stat`
 * @throws HoldfastError FILES_UNREADABLE
 */
export async function* readLarge(
  place: Place,
  stat: Stat,
  onEnd: (changed: boolean) => void,
): AsyncGenerator<Buffer> {
  const size = Number(stat.size);
  try {
    const fd = await open(place.folder.at(place.name), READ);
    try {
      let position = 0;
      while (position < size) {
        const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, size - position));
        const count = await readFully(fd, piece, position);
        yield piece.fill(0, count);
        position += piece.length;
      }
      onEnd(!isSame(stat, await fstat(fd)));
    } finally {
      await close(fd);
    }
  } catch (error) {
    throw codeOf(error) === undefined ? error : unreadable(place.path, error);
  }
}

function isSame(a: Stat, b: Stat): boolean {
  return (
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.ino === b.ino &&
    a.dev === b.dev
  );
}

async function lookAgain({ folder, name, path }: Place): Promise<Stat | undefined> {
  try {
    return await lstat(folder.at(name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
}
