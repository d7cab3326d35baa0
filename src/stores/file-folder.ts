/** The folder of a store: where keys lie in it, and whether the way to them is what it should be. */
import { realpathSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { storeEscape, type Place } from './errors.ts';
import { folderMissing, isSystemError } from './file-errors.ts';
import { assertKey } from './keys.ts';

export interface ObjectPlace extends Place {
  readonly key: string;
}

/** Nothing inside it is reached through a symbolic link. */
export class StoreFolder {
  readonly url: string;
  readonly root: string;
  #realRoot: string | undefined;

  constructor(url: string, root: string) {
    this.url = url;
    this.root = root;
  }

  path(key: string): string {
    return join(this.root, key);
  }

  place(key: string): ObjectPlace {
    assertKey(this.url, key);
    return { url: this.url, key };
  }

  /** @throws STORE_MISSING */
  async mustBeThere(): Promise<void> {
    const stats = await stat(this.root).catch((error: unknown) => {
      throw isSystemError(error, 'ENOENT', 'ENOTDIR') ? folderMissing(this.url, error) : error;
    });
    if (!stats.isDirectory()) throw folderMissing(this.url);
  }

  /**
   * Whether the folder that would hold this key (or the rest of this prefix) exists.
   * @throws STORE_MISSING when even the root does not, STORE_ESCAPE when a link is on the way.
   */
  async hasFolderOf(key: string): Promise<boolean> {
    const folder = folderIn(key);
    if (folder === '') {
      await this.mustBeThere();
      return true;
    }
    try {
      this.#realRoot ??= await realpath(this.root);
      const real = await realpath(join(this.root, folder));
      if (real === join(this.#realRoot, folder)) return true;
    } catch (error) {
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
      await this.mustBeThere();
      return false;
    }
    throw storeEscape({ url: this.url, key }, 'its folder is a symbolic link');
  }

  /** As `hasFolderOf`, in this thread; false also when there is anything to say about the way: that one says it. */
  hasFolderNow(key: string): boolean {
    const folder = folderIn(key);
    if (this.#realRoot === undefined || folder === '') return false;
    try {
      return realpathSync.native(join(this.root, folder)) === join(this.#realRoot, folder);
    } catch {
      return false;
    }
  }
}

/** Empty for a key in the root itself. */
function folderIn(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}
