/**
 * New segments of a chain, written by a purge: sealed under random keys, since a purge does not have the chain's, and
 * so never equal to anything that a host has sealed or will seal.
 */
import { hash, randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import type { PackWriter, StoredPack } from '../../repository/packs.ts';
import { packKey } from '../../repository/layout.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { SegmentIndexing } from '../../segments/work.ts';
import type { ReadStore } from '../../stores/store.ts';
import type { SegmentKeys } from '../../subject-index/read-keys.ts';
import { replacementDiffers } from '../errors.ts';
import { openPacks } from './new-packs.ts';
import type { PackPlace } from './new-packs.ts';

const READS_AT_ONCE = 4;
/** Neighbours are read back together: at most this much plaintext at once. */
const READ_PLAIN_MAX = 1024 * 1024;

export interface NewSegmentsOptions extends PackPlace {
  /** Life of the packs. */
  readonly packDays: number;
  readonly pool: Pick<SegmentPool, 'seal' | 'open'>;
  /** zstd level. */
  readonly level: number;
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
    const checks = neighbours(this.#written).map((written) => limit(() => this.#check(written)));
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
    const { packDays, signal } = this.#options;
    return openPacks(packDays, this.#packs, this.#options, signal);
  }

  async #check(written: readonly Written[]): Promise<void> {
    const { store, place, pool, signal } = this.#options;
    const refs = written.map(({ ref }) => ref);
    const plain = await openNeighbours({ store, place, pool }, refs, signal);
    let start = 0;
    for (const { ref, plainSha256 } of written) {
      const one = plain.subarray(start, (start += ref.plain));
      if (sha256Of(one) !== plainSha256) throw replacementDiffers(packKey(place, ref.pack), ref.offset);
    }
  }
}

/** Segments that lie behind each other in a pack, in groups of a bounded size. */
function neighbours(written: readonly Written[]): Written[][] {
  const groups: Written[][] = [];
  const inOrder = written.toSorted(
    ({ ref: a }, { ref: b }) => (a.pack < b.pack ? -1 : a.pack > b.pack ? 1 : 0) || a.offset - b.offset,
  );
  let bytes = 0;
  for (const one of inOrder) {
    const group = groups.at(-1);
    const before = group?.at(-1)?.ref;
    const follows = before?.pack === one.ref.pack && before.offset + before.length === one.ref.offset;
    bytes = follows ? bytes + one.ref.plain : one.ref.plain;
    if (group && follows && bytes <= READ_PLAIN_MAX) group.push(one);
    else {
      groups.push([one]);
      bytes = one.ref.plain;
    }
  }
  return groups;
}

export interface SegmentSource {
  readonly store: ReadStore;
  readonly place: ChainPlace;
  readonly pool: Pick<SegmentPool, 'open'>;
}

/** Fetches one segment and opens it; throws DAMAGED when it is not what its reference says. */
export function openSegmentAt(source: SegmentSource, ref: SegmentRef, signal: AbortSignal): Promise<Buffer> {
  return openNeighbours(source, [ref], signal);
}

/** Fetches segments of one pack, in the order in which they lie there, in one read; gives them back to back. */
async function openNeighbours(
  { store, place, pool }: SegmentSource,
  refs: readonly SegmentRef[],
  signal: AbortSignal,
): Promise<Buffer> {
  const [first, last] = [refs[0], refs.at(-1)];
  if (!first || !last) return Buffer.alloc(0);
  const { pack, offset } = first;
  const object = packKey(place, pack);
  const range = await store.get(object, { offset, length: last.offset + last.length - offset }, signal);
  const segments = refs.map(({ offset: at, length, sha256, plain, key }) => {
    return { at: at - offset, length, sha256, plain, key };
  });
  return pool.open({ range, segments, what: `${object} from ${offset}` });
}

/** Nothing is under way any more when this ends, whatever became of it. */
export async function allOrFirstError<T>(jobs: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(jobs);
  return Promise.all(jobs);
}

function sha256Of(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}
