/**
 * Making files, folders and links below a new folder, from entries that nobody vouches for.
 *
 * Nothing is ever followed or overwritten: a folder is entered only by the descriptor under which it was made here, a
 * name is made only where none is, and an entry whose folder is not the one that stands open is refused. So no entry
 * can put a link where a later one walks.
 */
import { constants } from 'node:fs';
import { throwIfCancelled } from '../../errors.ts';
import { setAttributes, setLinkAttributes, setPipeAttributes, type Ownership } from './attributes-of-file.ts';
import { close, codeOf, ftruncate, link, lstat, mkdir, open, symlink, writeFully } from './calls.ts';
import type { Listed } from '../../rows/files/list.ts';
import { archiveRefused, listDiffers } from '../../rows/files/errors.ts';
import { writeFailed } from './errors.ts';
import { display, folderOf, lastName, ROOT, toBytes, type ByteName } from '../../rows/files/names.ts';
import { openPath, type OpenFolder, type OpenFolders, type Place } from './open-folder.ts';
import { makePipe } from './pipe.ts';
import type { Attributes } from '../../rows/files/tar-header.ts';
import { findTool, formatAttributes, setAttributesBelow } from './xattr.ts';

export interface ExtractOptions {
  readonly folders: OpenFolders;
  readonly root: OpenFolder;
  /** Where the root is, for programs that are started. */
  readonly rootPath: string;
  readonly ownership: Ownership;
  readonly onLeftOut: (listed: Listed) => void;
  /** Something went back less than it was, as a sentence without its full stop. */
  readonly onNote: (text: string) => void;
}

interface Level {
  readonly listed: Listed;
  readonly folder: OpenFolder;
  /** What is being written into it. */
  readonly underWay: Set<Promise<void>>;
}

const NO_ATTRIBUTES: Attributes = new Map();
/** Small files that are written at the same time. */
const FILES_MAX = 16;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export class Extractor {
  readonly #options: ExtractOptions;
  readonly #signal: AbortSignal;
  readonly #levels: Level[] = [];
  readonly #underWay = new Set<Promise<void>>();
  /** The first thing that failed while others went on. */
  #failure: { readonly error: unknown } | undefined;
  #count = 0;
  /** What setfattr has to set when all is there. */
  readonly #attributes: string[] = [];

  constructor(options: ExtractOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Entries that were restored. */
  get count(): number {
    return this.#count;
  }

  /**
   * Makes an entry; the root comes first, and each folder before what is in it.
   * @param content - of a file: all of it, or its pieces, which are taken before this returns
   * @throws HoldfastError FILES_ARCHIVE_REFUSED, FILES_WRITE
   */
  async add(
    listed: Listed,
    content: Buffer | AsyncIterable<Buffer>,
    attributes: Attributes = NO_ATTRIBUTES,
  ): Promise<void> {
    throwIfCancelled(this.#signal);
    this.#throwFailure();
    if (listed.path === ROOT && this.#levels.length === 0 && this.#count === 0) {
      this.#levels.push({ listed, folder: this.#options.root.retain(), underWay: new Set() });
    } else {
      const level = await this.#levelOf(listed.path);
      const place = { path: listed.path, folder: level.folder, name: lastName(listed.path) };
      if (!(await named(place, this.#make(place, listed, level, content)))) {
        this.#options.onLeftOut(listed);
        return;
      }
    }
    this.#count++;
    const text = formatAttributes(listed.path, attributes, this.#options.ownership ? 'all' : 'own');
    if (text !== '') this.#attributes.push(text);
  }

  /** Ends all folders, whose time and permissions come last. */
  async finish(): Promise<void> {
    while (this.#levels.length > 0) await this.#leave();
    this.#throwFailure();
    if (this.#attributes.length > 0) await this.#setAttributes();
  }

  async #setAttributes(): Promise<void> {
    const { rootPath, onNote } = this.#options;
    const tool = await findTool('setfattr');
    const missed =
      tool === undefined
        ? 'install the package attr (setfattr), and restore again'
        : await setAttributesBelow(tool, rootPath, this.#attributes.join(''), this.#signal);
    if (missed !== undefined) onNote(`access lists and extended attributes are not all back: ${missed}`);
  }

  /** Waits until nothing is written any more, whatever became of it. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #levelOf(path: ByteName): Promise<Level> {
    const parent = folderOf(path);
    for (let level = this.#levels.at(-1); level; level = this.#levels.at(-1)) {
      if (level.listed.path === parent) return level;
      await this.#leave();
    }
    throw archiveRefused(display(path), 'the folder that it lies in does not come before it');
  }

  async #leave(): Promise<void> {
    const level = this.#levels.pop();
    if (!level) return;
    await Promise.all(level.underWay);
    this.#throwFailure();
    await named(level.listed, setAttributes(level.folder.fd, level.listed, this.#options.ownership));
    await level.folder.release();
  }

  /** False for what can only be left out. */
  async #make(
    place: Place,
    listed: Listed,
    level: Level,
    content: Buffer | AsyncIterable<Buffer>,
  ): Promise<boolean> {
    const { ownership, folders, rootPath } = this.#options;
    const path = place.folder.at(place.name);
    switch (listed.type) {
      case 'folder':
        await mkdir(path, 0o700);
        this.#levels.push({
          listed,
          folder: await folders.within(place.folder, place.name),
          underWay: new Set(),
        });
        return true;
      case 'symlink':
        await symlink(toBytes(listed.target ?? ''), path);
        await setLinkAttributes(place, listed, ownership);
        return true;
      case 'link':
        await this.#link(place, listed.target ?? '');
        return true;
      case 'fifo':
        await makePipe(rootPath, place.path, this.#signal);
        await setPipeAttributes(place, listed, ownership);
        return true;
      case 'char':
      case 'block':
        return false;
      case 'file':
        await this.#file(place, listed, level, content);
        return true;
    }
  }

  async #file(
    place: Place,
    listed: Listed,
    level: Level,
    content: Buffer | AsyncIterable<Buffer>,
  ): Promise<void> {
    const { ownership } = this.#options;
    const path = place.folder.at(place.name);
    if (!Buffer.isBuffer(content)) {
      await writeFile(path, listed, content, ownership);
      return;
    }
    const writing = named(place, writeFile(path, listed, [content], ownership)).catch((error: unknown) => {
      this.#failure ??= { error };
    });
    const done = writing.finally(() => {
      this.#underWay.delete(done);
      level.underWay.delete(done);
    });
    this.#underWay.add(done);
    level.underWay.add(done);
    if (this.#underWay.size >= FILES_MAX) await Promise.race(this.#underWay);
  }

  async #link(place: Place, target: ByteName): Promise<void> {
    const { folders, root } = this.#options;
    await Promise.all(this.#underWay);
    this.#throwFailure();
    const folder = await openPath(folders, root, folderOf(target) ?? ROOT);
    try {
      const path = folder.at(lastName(target));
      if (!(await lstat(path)).isFile())
        throw listDiffers(place.path, 'what it is a further name of is no file');
      // link(2) does not follow a link in the last part.
      await link(path, place.folder.at(place.name));
    } finally {
      await folder.release();
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

async function writeFile(
  path: Buffer,
  listed: Listed,
  pieces: AsyncIterable<Buffer> | readonly Buffer[],
  ownership: Ownership,
): Promise<void> {
  const fd = await open(path, CREATE, 0o600);
  try {
    let position = 0;
    for await (const piece of pieces) {
      if (listed.sparse) await writeWithHoles(fd, piece, position);
      else await writeFully(fd, piece, position);
      position += piece.length;
    }
    if (listed.sparse) await ftruncate(fd, listed.size);
    await setAttributes(fd, listed, ownership);
  } finally {
    await close(fd);
  }
}

const HOLE = Buffer.alloc(4096);

/** Passes over blocks of zeros, by their place in the file. */
async function writeWithHoles(fd: number, piece: Buffer, position: number): Promise<void> {
  let from = 0;
  let at = 0;
  while (at < piece.length) {
    const length = Math.min(HOLE.length - ((position + at) % HOLE.length), piece.length - at);
    if (piece.subarray(at, at + length).equals(HOLE.subarray(0, length))) {
      if (at > from) await writeFully(fd, piece.subarray(from, at), position + from);
      from = at + length;
    }
    at += length;
  }
  if (from < piece.length) await writeFully(fd, piece.subarray(from), position + from);
}

/** Says where it was that a system call failed; that a name is there already is the archive's doing. */
async function named<T>({ path }: { readonly path: ByteName }, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') throw archiveRefused(display(path), 'there is such a name already');
    if (code === 'ELOOP' || code === 'ENOTDIR')
      throw archiveRefused(display(path), 'it leads through a link');
    if (code === undefined || !('syscall' in (error as object))) throw error;
    throw writeFailed(path, error);
  }
}
