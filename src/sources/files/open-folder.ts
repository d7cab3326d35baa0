/**
 * Folders that are held open, and names in them: what `openat` and its family are for. A name is looked up in the
 * folder that was opened and nowhere else, so nobody can put a link into the way while we walk.
 *
 * Node has no `openat`. On Linux `/proc/self/fd/N/name` is the same; elsewhere paths are used as they are, and each
 * folder is opened without following a link in its last part.
 */
import { constants, existsSync } from 'node:fs';
import { close, open } from './calls.ts';
import { joinNames, ROOT, toBytes, type ByteName } from '../../rows/files/names.ts';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/** Linux, with /proc in place. */
const HAS_PROC = process.platform === 'linux' && existsSync('/proc/self/fd');

/** All folders that one piece of work has open; disposing it closes them. */
export class OpenFolders implements AsyncDisposable {
  readonly #open = new Set<OpenFolder>();

  /** Opens the root. A link is followed here: it is the person's own path. */
  async root(path: Buffer): Promise<OpenFolder> {
    return this.#add(await open(path, FOLDER), path);
  }

  /** Opens a folder in another one; throws ELOOP or ENOTDIR when the name is a link. */
  async within(folder: OpenFolder, name: ByteName): Promise<OpenFolder> {
    const path = folder.at(name);
    return this.#add(await open(path, FOLDER | constants.O_NOFOLLOW), path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#open].map((folder) => folder.close()));
  }

  #add(fd: number, path: Buffer): OpenFolder {
    const folder = new OpenFolder(fd, path, () => this.#open.delete(folder));
    this.#open.add(folder);
    return folder;
  }
}

export class OpenFolder {
  readonly fd: number;
  readonly #prefix: Buffer;
  readonly #onClose: () => void;
  #users = 1;
  #isOpen = true;

  constructor(fd: number, path: Buffer, onClose: () => void) {
    this.fd = fd;
    this.#prefix = HAS_PROC ? Buffer.from(`/proc/self/fd/${fd}/`) : Buffer.concat([path, Buffer.from('/')]);
    this.#onClose = onClose;
  }

  /** The folder itself, for readdir. */
  get here(): Buffer {
    return this.#prefix;
  }

  /** A name in this folder, as a path for this process; valid until the folder is closed. */
  at(name: ByteName): Buffer {
    return Buffer.concat([this.#prefix, toBytes(name)]);
  }

  /** One more who needs it open. */
  retain(): this {
    this.#users++;
    return this;
  }

  /** One less; the last one closes it. */
  async release(): Promise<void> {
    this.#users--;
    if (this.#users === 0) await this.close();
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onClose();
    await close(this.fd);
  }
}

/**
 * Opens the folder of a path, part by part from the root, following no link.
 * @returns a folder of its own, which the caller closes
 */
export async function openPath(folders: OpenFolders, root: OpenFolder, path: ByteName): Promise<OpenFolder> {
  let folder = root.retain();
  if (path === ROOT) return folder;
  for (const name of path.split('/')) {
    const next = await folders.within(folder, name);
    await folder.release();
    folder = next;
  }
  return folder;
}

/** A name somewhere below a root. */
export interface Place {
  readonly path: ByteName;
  readonly folder: OpenFolder;
  readonly name: ByteName;
}

/** The place of a name in a folder whose path is known. */
export function placeIn(folder: OpenFolder, folderPath: ByteName, name: ByteName): Place {
  return { path: joinNames(folderPath, name), folder, name };
}
