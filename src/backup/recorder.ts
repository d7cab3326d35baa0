/**
 * The heart of a backup: streams of rows become segments, segments become references, references become pages.
 * What the store already has is referenced; what it does not have is sealed by the pool and put into packs.
 */
import { digestOf, newSalt } from '../segments/chain-keys.ts';
import { Cutter } from '../segments/cut.ts';
import { Slabs } from '../segments/slabs.ts';
import type { Lent } from '../segments/slabs.ts';
import type { ChainKeys } from '../segments/chain-keys.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { PackWriter, StoredPack } from '../repository/packs.ts';
import type { SegmentRef } from '../repository/pages.ts';
import type { KnownIndex } from '../repository/index-state.ts';
import type { IndexedSegment, SegmentIndex } from '../repository/segment-index.ts';
import { throwIfCancelled } from '../errors.ts';
import type { StreamInfo } from '../sources/source.ts';
import { LaneRecorder } from './lane.ts';
import type { LaneOptions, LaneShared, RecordedLane, SegmentRows } from './lane.ts';
import type { RunIndexing, StreamIndexing } from '../subject-index/indexing.ts';

export interface RecorderOptions extends LaneOptions {
  readonly keys: ChainKeys;
  readonly index: SegmentIndex;
  readonly pool: Pick<SegmentPool, 'seal' | 'threads'>;
  /** zstd level. */
  readonly level: number;
}

/** All lanes together: what the manifest states. */
export interface Recorded extends RecordedLane {
  /** Sealed bytes that were put into new packs. */
  readonly newBytes: number;
  /** Where the side-car lies, in order. */
  readonly sidecar: readonly SegmentRef[];
  /** Objects of the subject index that this run has put. */
  readonly newIndexes: readonly KnownIndex[];
}

/** What all lanes of a run share: the index, the packs, and what is under way. */
export class Recorder implements LaneShared {
  readonly #options: RecorderOptions;
  readonly #lanes: LaneRecorder[] = [];
  readonly #slabs = new Slabs();
  readonly #packRefs: Map<number, string>;
  /** Sealed in this run, not acknowledged yet: by id. */
  readonly #pending = new Map<string, Promise<SegmentRef>>();
  /** What to index once its pack is acknowledged: by pack. */
  readonly #unindexed = new Map<string, { segment: IndexedSegment; name: string }[]>();
  readonly #sidecar: Promise<SegmentRef>[] = [];
  #writer: PackWriter | undefined;
  #indexing: RunIndexing | undefined;
  #newBytes = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#packRefs = new Map([...options.index.packs()].map(({ pack, ref }) => [pack, ref]));
  }

  /** The writer reports back here (see `stored`), so it is given after both exist. */
  writeTo(writer: PackWriter): void {
    this.#writer = writer;
  }

  /** New segments are indexed from now on. */
  indexWith(indexing: RunIndexing | undefined): void {
    this.#indexing = indexing;
  }

  indexing(stream: StreamInfo): StreamIndexing | undefined {
    return this.#indexing?.of(stream);
  }

  endIndexing(stream: StreamIndexing): void {
    this.#indexing?.end(stream);
  }

  /** A new lane; the snapshot has the lanes in the order in which they were made. */
  lane(): LaneRecorder {
    const lane = new LaneRecorder(this, this.#options);
    this.#lanes.push(lane);
    return lane;
  }

  /** Takes the side-car, which is no stream: whoever loads the dump never sees it. */
  addSidecar(plain: Buffer): void {
    const cutter = new Cutter(this.#options.keys.cutTable);
    const add = (segment: Buffer): void => {
      const digest = digestOf(segment);
      const ref = Promise.resolve(this.lookUp(digest) ?? this.store(segment, digest).ref);
      // A failure is thrown at the end; until then it must not count as unhandled.
      ref.catch(() => undefined);
      this.#sidecar.push(ref);
    };
    for (const segment of cutter.push(plain)) add(segment);
    const rest = cutter.finish();
    if (rest) add(rest);
  }

  /** Ends the last pages, waits for every pack, and returns what the manifest states. */
  async finish(): Promise<Recorded> {
    const lanes = await Promise.all(this.#lanes.map((lane) => lane.finish()));
    const sidecar = await Promise.all(this.#sidecar);
    await this.#writer?.finish();
    const { indexes = [], bytes: indexBytes = 0 } = (await this.#indexing?.finish()) ?? {};
    const sum = (of: (lane: RecordedLane) => number) => lanes.reduce((total, lane) => total + of(lane), 0);
    return {
      streams: lanes.flatMap((lane) => lane.streams),
      pages: lanes.flatMap((lane) => lane.pages),
      packs: new Set([...lanes.flatMap((lane) => [...lane.packs]), ...sidecar.map(({ pack }) => pack)]),
      segments: sum((lane) => lane.segments),
      newSegments: sum((lane) => lane.newSegments),
      plainBytes: sum((lane) => lane.plainBytes),
      newBytes: this.#newBytes + indexBytes,
      sidecar,
      newIndexes: indexes,
    };
  }

  /** Waits until nothing is under way any more, whatever became of it. */
  async abandon(): Promise<void> {
    await this.#writer?.abandon();
    await this.#indexing?.abandon();
  }

  /** A pack was acknowledged: from now on its segments are known. */
  stored(pack: StoredPack): Promise<void> {
    const rows = this.#unindexed.get(pack.ref) ?? [];
    const number = this.#options.index.add(
      pack,
      rows.map(({ segment }) => segment),
    );
    this.#packRefs.set(number, pack.ref);
    this.#unindexed.delete(pack.ref);
    for (const { name } of rows) this.#pending.delete(name);
    return Promise.resolve();
  }

  lookUp(digest: Uint8Array): SegmentRef | undefined {
    const { index, keys } = this.#options;
    const found = index.find(keys.id(digest));
    const pack = found && this.#packRefs.get(found.pack);
    if (!found || pack === undefined) return undefined;
    const { offset, length, plain, rows } = found;
    return {
      pack,
      offset,
      length,
      sha256: found.sha256,
      plain,
      rows,
      key: keys.sessionKey(found.salt, digest),
    };
  }

  store(
    plain: Buffer,
    digest: Buffer,
    rows?: SegmentRows,
  ): { readonly ref: Promise<SegmentRef>; readonly isNew: boolean } {
    const id = this.#options.keys.id(digest);
    const name = id.toString('latin1');
    const pending = this.#pending.get(name);
    if (pending) return { ref: pending, isNew: false };
    const ref = this.#seal(this.#slabs.lend(plain), digest, id, name, rows);
    // Handled when it is its turn in a lane; until then a failure must not count as unhandled.
    ref.catch(() => undefined);
    this.#pending.set(name, ref);
    return { ref, isNew: true };
  }

  async #seal(
    lent: Lent,
    digest: Buffer,
    id: Buffer,
    name: string,
    rowsIn: SegmentRows | undefined,
  ): Promise<SegmentRef> {
    const { keys, pool, level, signal } = this.#options;
    const salt = newSalt();
    const key = keys.sessionKey(salt, digest);
    const plain = lent.bytes.length;
    const index = rowsIn && { plan: rowsIn.stream.plan, isFirst: rowsIn.isFirst };
    const sealing = pool.seal(lent.bytes, Buffer.from(key, 'hex'), level, index);
    const { sealed, sha256, rows, keys: keysIn } = await sealing.finally(() => lent.release());
    throwIfCancelled(signal);
    if (!this.#writer) throw new Error('the recorder has no pack writer');
    this.#newBytes += sealed.length;
    const { pack, offset } = this.#writer.place(sealed);
    if (rowsIn && keysIn) this.#indexing?.add(rowsIn.stream, pack, offset, keysIn);
    const segment = { id, salt, sha256, offset, length: sealed.length, plain, rows };
    const waiting = this.#unindexed.get(pack) ?? [];
    waiting.push({ segment, name });
    this.#unindexed.set(pack, waiting);
    await this.#writer.ready();
    return {
      pack,
      offset,
      length: sealed.length,
      sha256: Buffer.from(sha256).toString('hex'),
      plain,
      rows,
      key,
    };
  }
}
