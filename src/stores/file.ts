/**
 * A store in a folder.
 *
 * An object is one file at its key. It is written as `.tmp-<random>` in the root, flushed to the disk, and only
 * then given its name, so a crash leaves either the whole object or a temporary file that no listing shows.
 * Nothing inside the store is reached through a symbolic link. The root itself is made by `create` alone: a put
 * into a root that is gone (a disk that is not mounted) must not start a new store on the disk below.
 */
import { mkdir, opendir, rm, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { throwIfCancelled } from '../errors.ts';
import { folderOf } from './address.ts';
import { cannotLock, objectMissing, storeEscape, storeMissing } from './errors.ts';
import { fileFailure, isSystemError } from './file-errors.ts';
import { StoreFolder } from './file-folder.ts';
import type { ObjectPlace } from './file-folder.ts';
import { readObject, readSmallObject, writeTemporary } from './file-object.ts';
import { canLink, holdsObject, publish } from './file-publish.ts';
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

/**
 * Opens (does not create) a store in a folder.
 * @param url - `file:///absolute/path` or an absolute path.
 * @throws STORE_URL when it is neither.
 */
export function openFileStore(url: string): Store {
  return new FileStore(url, folderOf(url));
}

class FileStore implements Store {
  readonly url: string;
  readonly bucket = undefined;
  readonly #root: string;
  readonly #folder: StoreFolder;
  readonly #pace = new Pace();
  #swept = false;
  #features: StoreFeatures | undefined;

  constructor(url: string, root: string) {
    this.url = url;
    this.#root = root;
    this.#folder = new StoreFolder(url, root);
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
      ifAbsent: await this.#guard(undefined, 'write', () => canLink(this.#folder)),
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
    const place = this.#folder.place(key);
    assertSize(place, bytes.length);
    // A folder could only pretend: its owner can always remove a file.
    if (options.lock !== undefined) throw cannotLock(this.url, 'a folder has no locks');
    throwIfCancelled(signal);
    return this.#guard(key, 'write', async () => {
      if (options.ifAbsent && (await holdsObject(this.#folder, place))) return 'already-there';
      const { path, written } = await writeTemporary(this.#root, bytes);
      try {
        if (!this.#swept) await sweepTemporary(this.#root, written, this.#pace);
        this.#swept = true;
        throwIfCancelled(signal);
        return await publish(this.#folder, path, place, options.ifAbsent ?? false);
      } finally {
        await rm(path, { force: true });
      }
    });
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    const place = this.#folder.place(key);
    assertRange(place, range);
    throwIfCancelled(signal);
    const pooled = async (): Promise<Buffer> => {
      if (!(await this.#folder.hasFolderOf(key))) throw objectMissing(place);
      return readObject(this.#folder.path(key), place, range);
    };
    // A range is of a pack, which is large.
    const now = range === undefined ? () => this.#readNow(place) : () => undefined;
    return this.#guard(key, 'read', () => this.#pace.run(now, pooled));
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    const place = this.#folder.place(key);
    throwIfCancelled(signal);
    return this.#guard(key, 'read', async () => {
      if (!(await this.#folder.hasFolderOf(key))) return undefined;
      const stats = await lstatIfThere(this.#folder.path(key));
      if (stats?.isSymbolicLink()) throw storeEscape(place, 'it is a symbolic link');
      return stats?.isFile() ? infoOf(key, stats) : undefined;
    });
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(this.url, prefix);
    throwIfCancelled(signal);
    try {
      await this.#folder.mustBeThere();
      if (!(await this.#folder.hasFolderOf(prefix))) return;
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
      await this.#folder.mustBeThere();
      if (!(await this.#folder.hasFolderOf(prefix))) return [];
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
    const byFolder = Map.groupBy(keys, (key) => dirname(this.#folder.path(key)));
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
    await this.#guard(undefined, 'read', () => this.#folder.mustBeThere());
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

  async #unlink(key: string): Promise<void> {
    if (!(await this.#folder.hasFolderOf(key))) return;
    try {
      await unlink(this.#folder.path(key));
    } catch (error) {
      // EISDIR: a folder at this key is no object, so the object is absent.
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error;
    }
  }

  /** A small object; undefined when it is large, or when there is anything to say about it: reading as ever says that. */
  #readNow(place: ObjectPlace): Buffer | undefined {
    if (!this.#folder.hasFolderNow(place.key)) return undefined;
    try {
      return readSmallObject(this.#folder.path(place.key), place);
    } catch {
      return undefined;
    }
  }

  async #guard<T>(key: string | undefined, doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileFailure(error, { url: this.url, key }, doing);
    }
  }
}
