/**
 * A store in a folder.
 *
 * An object is one file at its key. It is written as `.tmp-<random>` in the root, flushed to the disk, and only
 * then given its name, so a crash leaves either the whole object or a temporary file that no listing shows.
 * Nothing inside the store is reached through a symbolic link. The root itself is made by `create` alone: a put
 * into a root that is gone (a disk that is not mounted) must not start a new store on the disk below.
 */
import { realpathSync } from 'node:fs';
import { mkdir, opendir, realpath, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfCancelled } from '../errors.ts';
import { folderOf } from './address.ts';
import { cannotLock, objectMissing, storeEscape, storeMissing, type Place } from './errors.ts';
import { fileFailure, folderMissing, isSystemError } from './file-errors.ts';
import { readObject, readSmallObject, tryLink, writeTemporary } from './file-object.ts';
import {
  flushAbove,
  flushFolder,
  foldersIn,
  holdsObjects,
  infoOf,
  lstatIfThere,
  makeFolder,
  pruneEmpty,
  sweepTemporary,
  walk,
} from './file-tree.ts';
import { Pace } from './pace.ts';
import { assertFolder, assertKey, assertPrefix, assertRange, assertSize } from './keys.ts';
import { onlyVersion } from './versions.ts';
import type {
  ByteRange,
  ObjectInfo,
  ObjectVersion,
  PutOptions,
  RemoveOptions,
  Store,
  StoreFeatures,
  StuckVersion,
} from './store.ts';

/** Another process may remove a folder, empty for the moment, just before we use it; then it is made again. */
const FOLDER_ATTEMPTS = 100;

/**
 * Opens (does not create) a store in a folder.
 * @param url - `file:///absolute/path` or an absolute path.
 * @throws STORE_URL when it is neither.
 */
export function openFileStore(url: string): Store {
  return new FileStore(url, folderOf(url));
}

interface ObjectPlace extends Place {
  readonly key: string;
}

class FileStore implements Store {
  readonly url: string;
  readonly bucket = undefined;
  readonly #root: string;
  readonly #pace = new Pace();
  #realRoot: string | undefined;
  #swept = false;
  #features: StoreFeatures | undefined;

  constructor(url: string, root: string) {
    this.url = url;
    this.#root = root;
  }

  async create(signal?: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    await this.#guard(undefined, 'create', async () => {
      const made = await mkdir(dirname(this.#root), { recursive: true });
      await makeFolder(this.#root);
      await flushAbove(this.#root, made);
      await rm((await writeTemporary(this.#root, Buffer.of(0))).path);
    });
    await this.check(signal);
  }

  async check(signal?: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    await this.#guard(undefined, 'read', async () => {
      const stats = await stat(this.#root);
      if (!stats.isDirectory()) {
        throw storeMissing(this.url, 'not a folder', 'Correct store: in the configuration.');
      }
      // Tried, not asked: access() answers for another user when the process changed its own.
      await (await opendir(this.#root)).close();
      await stat(`${this.#root}/.`);
    });
  }

  async features(signal?: AbortSignal): Promise<StoreFeatures> {
    throwIfCancelled(signal);
    this.#features ??= {
      ifAbsent: await this.#guard(undefined, 'write', () => this.#canLink()),
      lifecycle: false,
      versions: false,
      objectLock: false,
    };
    return this.#features;
  }

  async put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
    signal?: AbortSignal,
  ): Promise<'written' | 'already-there'> {
    const place = this.#place(key);
    assertSize(place, bytes.length);
    // A folder could only pretend: its owner can always remove a file.
    if (options.lock !== undefined) throw cannotLock(this.url, 'a folder has no locks');
    throwIfCancelled(signal);
    return this.#guard(key, 'write', async () => {
      if (options.ifAbsent && (await this.#isThere(place))) return 'already-there';
      const { path, written } = await writeTemporary(this.#root, bytes);
      try {
        if (!this.#swept) await sweepTemporary(this.#root, written, this.#pace);
        this.#swept = true;
        throwIfCancelled(signal);
        return await this.#publish(path, place, options.ifAbsent ?? false);
      } finally {
        await rm(path, { force: true });
      }
    });
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    const place = this.#place(key);
    assertRange(place, range);
    throwIfCancelled(signal);
    const pooled = async (): Promise<Buffer> => {
      if (!(await this.#folderIsThere(key))) throw objectMissing(place);
      return readObject(this.#path(key), place, range);
    };
    // A range is of a pack, which is large.
    const now = range === undefined ? () => this.#readNow(place) : () => undefined;
    return this.#guard(key, 'read', () => this.#pace.run(now, pooled));
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    const place = this.#place(key);
    throwIfCancelled(signal);
    return this.#guard(key, 'read', async () => {
      if (!(await this.#folderIsThere(key))) return undefined;
      const stats = await lstatIfThere(this.#path(key));
      if (stats?.isSymbolicLink()) throw storeEscape(place, 'it is a symbolic link');
      return stats?.isFile() ? infoOf(key, stats) : undefined;
    });
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(this.url, prefix);
    throwIfCancelled(signal);
    try {
      await this.#requireRoot();
      if (!(await this.#folderIsThere(prefix))) return;
      for await (const info of walk(this.#root, prefix, this.#pace)) {
        throwIfCancelled(signal);
        yield info;
      }
    } catch (error) {
      throw fileFailure(error, { url: this.url, key: prefix || undefined }, 'list');
    }
  }

  async *versions(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectVersion> {
    for await (const info of this.list(prefix, signal)) yield onlyVersion(info);
  }

  async folders(prefix: string, signal?: AbortSignal): Promise<string[]> {
    assertFolder(this.url, prefix);
    throwIfCancelled(signal);
    return this.#guard(prefix || undefined, 'list', async () => {
      await this.#requireRoot();
      if (!(await this.#folderIsThere(prefix))) return [];
      const used: string[] = [];
      for (const name of await foldersIn(this.#root, prefix, this.#pace)) {
        throwIfCancelled(signal);
        if (await holdsObjects(this.#root, `${prefix}${name}/`, this.#pace)) used.push(name);
      }
      return used;
    });
  }

  async remove(
    keys: readonly string[],
    _options?: RemoveOptions,
    signal?: AbortSignal,
  ): Promise<readonly StuckVersion[]> {
    for (const key of keys) assertKey(this.url, key);
    const byFolder = Map.groupBy(keys, (key) => dirname(this.#path(key)));
    for (const [folder, inside] of byFolder) {
      for (const key of inside) {
        throwIfCancelled(signal);
        await this.#guard(key, 'remove', () => this.#unlink(key));
      }
      await this.#guard(inside[0], 'remove', async () => flushFolder(await pruneEmpty(this.#root, folder)));
    }
    return [];
  }

  async now(signal?: AbortSignal): Promise<Date> {
    throwIfCancelled(signal);
    await this.#guard(undefined, 'read', () => this.#requireRoot());
    try {
      const { path, written } = await writeTemporary(this.#root, Buffer.of(0));
      await rm(path, { force: true });
      return written;
    } catch {
      // A reader without the right to write: folders mostly live on this host, whose clock is then the same.
      return new Date();
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Gives a finished file its name, and makes the name survive a power cut. */
  async #publish(
    temporary: string,
    place: ObjectPlace,
    ifAbsent: boolean,
  ): Promise<'written' | 'already-there'> {
    const path = this.#path(place.key);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#makeFolders(dirname(place.key));
        if (!ifAbsent) await rename(temporary, path);
        else if (!(await this.#linkIfAbsent(temporary, place))) return 'already-there';
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

  /** False when the key exists. A link never replaces, so of several writers exactly one gets true. */
  async #linkIfAbsent(temporary: string, place: ObjectPlace): Promise<boolean> {
    const outcome = await tryLink(temporary, this.#path(place.key));
    if (outcome === 'linked') return true;
    // Looks also when taken: what stands there may be no object.
    const isThere = await this.#isThere(place);
    if (outcome === 'taken' || isThere) return false;
    // No hard links here, which features() says as ifAbsent: false. The best that is left has a gap.
    await rename(temporary, this.#path(place.key));
    return true;
  }

  /** @throws STORE_ESCAPE when something that is no object stands at the key. */
  async #isThere(place: ObjectPlace): Promise<boolean> {
    if (!(await this.#folderIsThere(place.key))) return false;
    const stats = await lstatIfThere(this.#path(place.key));
    if (stats === undefined || stats.isFile()) return stats !== undefined;
    throw storeEscape(
      place,
      stats.isDirectory() ? 'a folder is in its place' : 'it is neither file nor folder',
    );
  }

  /** False, too, where nothing may be written at all. */
  async #canLink(): Promise<boolean> {
    try {
      const { path } = await writeTemporary(this.#root, Buffer.of(0));
      const second = `${path}-link`;
      const outcome = await tryLink(path, second).finally(() => rm(path, { force: true }));
      await rm(second, { force: true });
      return outcome === 'linked';
    } catch (error) {
      if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) return false;
      throw error;
    }
  }

  async #unlink(key: string): Promise<void> {
    if (!(await this.#folderIsThere(key))) return;
    try {
      await unlink(this.#path(key));
    } catch (error) {
      // EISDIR: a folder at this key is no object, so the object is absent.
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error;
    }
  }

  /** Makes the folders of a key, below a root that must be there. `folder` is relative, `.` is the root. */
  async #makeFolders(folder: string): Promise<void> {
    if (folder === '.' || (await this.#folderIsThere(`${folder}/`))) return;
    await this.#makeFolders(dirname(folder));
    await makeFolder(join(this.#root, folder));
  }

  /**
   * Whether the folder that would hold this key (or the rest of this prefix) exists.
   * @throws STORE_MISSING when even the root does not, STORE_ESCAPE when a link is on the way.
   */
  async #folderIsThere(key: string): Promise<boolean> {
    const folder = key.includes('/') ? key.slice(0, key.lastIndexOf('/')) : '';
    if (folder === '') {
      await this.#requireRoot();
      return true;
    }
    try {
      this.#realRoot ??= await realpath(this.#root);
      const real = await realpath(join(this.#root, folder));
      if (real === join(this.#realRoot, folder)) return true;
    } catch (error) {
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
      await this.#requireRoot();
      return false;
    }
    throw storeEscape({ url: this.url, key }, 'its folder is a symbolic link');
  }

  /** A small object; undefined when it is large, or when there is anything to say about the way to it. */
  #readNow(place: ObjectPlace): Buffer | undefined {
    const folder = place.key.slice(0, Math.max(0, place.key.lastIndexOf('/')));
    if (this.#realRoot === undefined || folder === '') return undefined;
    try {
      const real = realpathSync.native(join(this.#root, folder));
      return real === join(this.#realRoot, folder)
        ? readSmallObject(this.#path(place.key), place)
        : undefined;
    } catch {
      return undefined; // The other way says what is wrong.
    }
  }

  /** @throws STORE_MISSING */
  async #requireRoot(): Promise<void> {
    const stats = await stat(this.#root).catch((error: unknown) => {
      throw isSystemError(error, 'ENOENT', 'ENOTDIR') ? folderMissing(this.url, error) : error;
    });
    if (!stats.isDirectory()) throw folderMissing(this.url);
  }

  #path(key: string): string {
    return join(this.#root, key);
  }

  #place(key: string): ObjectPlace {
    assertKey(this.url, key);
    return { url: this.url, key };
  }

  async #guard<T>(key: string | undefined, doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileFailure(error, { url: this.url, key }, doing);
    }
  }
}
