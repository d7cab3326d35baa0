/**
 * What a copy has read of a source before: entries, amendments and lines of the ledger never change, so an unchanged
 * source costs listings only. Kept by key, size and time of modification; proven again at each use, since what reads
 * them checks signatures. Losing it costs reading them once more.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteRange, ObjectInfo, ReadStore } from '../stores/store.ts';

const FOLDER = 'read-before';
const KEPT = /^(ledger\/|keep-\d+\/.*\/(entry\.json|amend-\d+\.json)$)/;

export interface KeptStore extends AsyncDisposable {
  readonly store: ReadStore;
}

/** @param stateFolder - of this copy and set; when closed, what was not used any more is removed */
export function withKept(store: ReadStore, stateFolder: string): KeptStore {
  const kept = new StoreWithMemory(store, join(stateFolder, FOLDER));
  return { store: kept, [Symbol.asyncDispose]: () => kept.forgetUnused() };
}

class StoreWithMemory implements ReadStore {
  readonly #store: ReadStore;
  readonly #folder: string;
  readonly #listed = new Map<string, string>();
  readonly #used = new Set<string>();

  constructor(store: ReadStore, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  get url(): string {
    return this.#store.url;
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    const name = this.#listed.get(key);
    if (range !== undefined || name === undefined) return this.#store.get(key, range, signal);
    this.#used.add(name);
    const file = join(this.#folder, name);
    try {
      return await readFile(file);
    } catch {
      const bytes = await this.#store.get(key, range, signal);
      await this.#keep(file, bytes);
      return bytes;
    }
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    for await (const info of this.#store.list(prefix, signal)) {
      if (KEPT.test(info.key)) this.#listed.set(info.key, nameOf(info));
      yield info;
    }
  }

  head(key: string, signal?: AbortSignal) {
    return this.#store.head(key, signal);
  }

  versions(prefix: string, signal?: AbortSignal) {
    return this.#store.versions(prefix, signal);
  }

  folders(prefix: string, signal?: AbortSignal) {
    return this.#store.folders(prefix, signal);
  }

  now(signal?: AbortSignal) {
    return this.#store.now(signal);
  }

  async forgetUnused(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) if (!this.#used.has(name)) await rm(join(this.#folder, name), { force: true });
  }

  /** Nothing depends on it: a full disk costs reading again. */
  async #keep(file: string, bytes: Buffer): Promise<void> {
    const temporary = `${file}.new`;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(temporary, bytes, { mode: 0o600 });
      await rename(temporary, file);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}

function nameOf({ key, bytes, modified }: ObjectInfo): string {
  return createHash('sha256').update(`${key} ${bytes} ${modified.getTime()}`).digest('hex').slice(0, 40);
}
