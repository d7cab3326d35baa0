/** Writing packs: sealed segments back to back in objects of 8 to 12 MiB, uploaded a few at a time. */
import { randomBytes } from 'node:crypto';
import type { ObjectLock, Store } from '../stores/store.ts';
import { packKey, packRef } from './layout.ts';
import type { ChainPlace } from './layout.ts';
import { SEGMENT_PLAIN_BYTES_MAX } from '../openpgp/segment.ts';

const PACK_BYTES_TARGET = 8 * 1024 * 1024;
/** Target, plus one largest segment with its overhead: what a buffer must hold. */
const PACK_BYTES_MAX = PACK_BYTES_TARGET + SEGMENT_PLAIN_BYTES_MAX + 64 * 1024;
const UPLOADS_MAX = 2;

export interface Placement {
  readonly pack: string;
  readonly offset: number;
}

export interface StoredPack {
  readonly ref: string;
  readonly bytes: number;
}

export interface PackWriterOptions {
  readonly store: Store;
  readonly place: ChainPlace;
  readonly packDays: number;
  /** The lock of a pack that is put now; absent: none. */
  readonly lock?: () => ObjectLock;
  /** Called once for every pack that the store has acknowledged, in any order. */
  readonly onStored: (pack: StoredPack) => Promise<void>;
  readonly signal: AbortSignal;
}

interface OpenPack {
  readonly ref: string;
  readonly buffer: Buffer;
  bytes: number;
}

export class PackWriter {
  readonly #options: PackWriterOptions;
  readonly #buffers: Buffer[] = [];
  readonly #uploads = new Set<Promise<void>>();
  #current: OpenPack | undefined;
  #failure: unknown;

  constructor(options: PackWriterOptions) {
    this.#options = options;
  }

  /**
   * Puts a sealed segment into the current pack; starts the upload of a pack that is full.
   * @returns where the segment will be
   */
  place(sealed: Uint8Array): Placement {
    this.#throwFailure();
    const pack = (this.#current ??= this.#openPack());
    const placement = { pack: pack.ref, offset: pack.bytes };
    pack.buffer.set(sealed, pack.bytes);
    pack.bytes += sealed.length;
    if (pack.bytes >= PACK_BYTES_TARGET) this.#close(pack);
    return placement;
  }

  /** Waits while too many uploads are under way: this is what holds the dump back when the store is slow. */
  async ready(): Promise<void> {
    while (this.#uploads.size > UPLOADS_MAX) await Promise.race(this.#uploads);
    this.#throwFailure();
  }

  /** Uploads the last pack and waits for all of them. */
  async finish(): Promise<void> {
    if (this.#current) this.#close(this.#current);
    await Promise.all(this.#uploads);
    this.#throwFailure();
  }

  /** Waits until nothing is under way any more, whatever became of it. */
  async abandon(): Promise<void> {
    await Promise.all(this.#uploads);
  }

  #openPack(): OpenPack {
    return {
      ref: packRef(this.#options.packDays, randomBytes(8).toString('hex')),
      buffer: this.#buffers.pop() ?? Buffer.allocUnsafeSlow(PACK_BYTES_MAX),
      bytes: 0,
    };
  }

  #close(pack: OpenPack): void {
    this.#current = undefined;
    const upload = this.#upload(pack)
      .catch((error: unknown) => void (this.#failure ??= error))
      .finally(() => this.#uploads.delete(upload));
    this.#uploads.add(upload);
  }

  async #upload(pack: OpenPack): Promise<void> {
    const { store, place, lock, onStored, signal } = this.#options;
    const outcome = await store.put(
      packKey(place, pack.ref),
      pack.buffer.subarray(0, pack.bytes),
      { ifAbsent: true, ...(lock && { lock: lock() }) },
      signal,
    );
    // Ids are 64 random bits: an object that is there already cannot be ours, so it must not be relied on.
    if (outcome !== 'written') throw new Error(`pack ${pack.ref} exists already`);
    this.#buffers.push(pack.buffer);
    await onStored({ ref: pack.ref, bytes: pack.bytes });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined)
      throw this.#failure instanceof Error ? this.#failure : new Error('an upload failed');
  }
}
