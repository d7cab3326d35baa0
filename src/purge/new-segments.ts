/**
 * New segments of a chain, written by a purge: sealed under random keys, since a purge does not have the chain's, and
 * so never equal to anything that a host has sealed or will seal.
 */
import { createHash, randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import { PackWriter } from '../repository/packs.ts';
import type { StoredPack } from '../repository/packs.ts';
import { packKey } from '../repository/layout.ts';
import type { ChainPlace } from '../repository/layout.ts';
import type { SegmentRef } from '../repository/pages.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { SegmentIndexing } from '../segments/work.ts';
import type { ObjectLock, ReadStore, Store } from '../stores/store.ts';
import type { SegmentKeys } from '../subject-index/read-keys.ts';
import { replacementDiffers } from './errors.ts';

const READS_AT_ONCE = 8;

export interface NewSegmentsOptions {
  readonly store: Store;
  readonly place: ChainPlace;
  /** Life of the packs. */
  readonly packDays: number;
  readonly pool: Pick<SegmentPool, 'seal' | 'open'>;
  /** zstd level. */
  readonly level: number;
  /** The lock of a pack that is put now; undefined: none. */
  readonly lockFor: (packDays: number) => ObjectLock | undefined;
  readonly signal: AbortSignal;
}

/** How the new segments of a stream are indexed. */
export interface NewSegmentIndex extends Pick<SegmentIndexing, 'plan'> {
  /** Takes the keys of a segment that was put into a pack. */
  readonly add: (pack: string, offset: number, keys: readonly SegmentKeys[]) => void;
}

interface Written {
  readonly ref: SegmentRef;
  readonly plainSha256: string;
}

export class NewSegments {
  readonly #options: NewSegmentsOptions;
  readonly #packs: StoredPack[] = [];
  #written: Written[] = [];
  #writer: PackWriter;

  constructor(options: NewSegmentsOptions) {
    this.#options = options;
    this.#writer = this.#open();
  }

  /** Seals one segment; it is in the store after `finish`. */
  async seal(plain: Buffer, index?: NewSegmentIndex & Pick<SegmentIndexing, 'isFirst'>): Promise<SegmentRef> {
    const { pool, level } = this.#options;
    const key = randomBytes(32);
    const indexing = index && { plan: index.plan, isFirst: index.isFirst };
    const { sealed, sha256, rows, keys } = await pool.seal(plain, key, level, indexing);
    const { pack, offset } = this.#writer.place(sealed);
    if (keys) index?.add(pack, offset, keys);
    const ref: SegmentRef = {
      pack,
      offset,
      length: sealed.length,
      sha256: Buffer.from(sha256).toString('hex'),
      plain: plain.length,
      rows,
      key: key.toString('hex'),
    };
    this.#written.push({ ref, plainSha256: sha256Of(plain) });
    await this.#writer.ready();
    return ref;
  }

  /**
   * Puts the last pack, reads everything back and opens it. More may be sealed afterwards.
   * @throws HoldfastError REPLACEMENT_DIFFERS
   */
  async finish(): Promise<void> {
    await this.#writer.finish();
    const limit = pLimit(READS_AT_ONCE);
    const checks = this.#written.map((written) => limit(() => this.#check(written)));
    this.#written = [];
    await allOrFirstError(checks);
    this.#writer = this.#open();
  }

  /** Waits until nothing is under way any more. */
  abandon(): Promise<void> {
    return this.#writer.abandon();
  }

  /** What was put, after `finish`. */
  get packs(): readonly StoredPack[] {
    return this.#packs;
  }

  #open(): PackWriter {
    const { store, place, packDays, lockFor, signal } = this.#options;
    const lock = lockFor(packDays);
    return new PackWriter({
      store,
      place,
      packDays,
      ...(lock && { lock: () => lockFor(packDays) ?? lock }),
      onStored: (pack) => Promise.resolve(void this.#packs.push(pack)),
      signal,
    });
  }

  async #check({ ref, plainSha256 }: Written): Promise<void> {
    const { store, place, pool, signal } = this.#options;
    const plain = await openSegmentAt({ store, place, pool }, ref, signal);
    if (sha256Of(plain) !== plainSha256) throw replacementDiffers(packKey(place, ref.pack), ref.offset);
  }
}

export interface SegmentSource {
  readonly store: ReadStore;
  readonly place: ChainPlace;
  readonly pool: Pick<SegmentPool, 'open'>;
}

/** Fetches one segment and opens it; throws DAMAGED when it is not what its reference says. */
export async function openSegmentAt(
  { store, place, pool }: SegmentSource,
  { pack, offset, length, sha256, plain, key }: SegmentRef,
  signal: AbortSignal,
): Promise<Buffer> {
  const object = packKey(place, pack);
  const range = await store.get(object, { offset, length }, signal);
  const segments = [{ at: 0, length, sha256, plain, key }];
  return pool.open({ range, segments, what: `${object} from ${offset}` });
}

/** Nothing is under way any more when this ends, whatever became of it. */
export async function allOrFirstError<T>(jobs: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(jobs);
  return Promise.all(jobs);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
