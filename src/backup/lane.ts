/** One lane of a dump: its streams are cut, and their references put into pages, in order. */
import { throwIfCancelled } from '../errors.ts';
import type { ManifestStream, PageRef } from '../repository/manifest.ts';
import { PageBuilder } from '../repository/pages.ts';
import type { FinishedPage, SegmentRef } from '../repository/pages.ts';
import { digestOf } from '../segments/chain-keys.ts';
import type { ChainKeys } from '../segments/chain-keys.ts';
import { statementsFor } from '../rows/mysql-statement.ts';
import { Cutter } from '../segments/cut.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { DumpStream, StreamInfo } from '../sources/source.ts';
import type { StreamIndexing } from '../subject-index/indexing.ts';

/** What a lane asks of the run that it belongs to. */
export interface LaneShared {
  /** The reference to a segment that the store has; undefined when it does not. */
  lookUp(digest: Uint8Array): SegmentRef | undefined;
  /** The reference to a segment that the store does not have yet: under way in this run, or sealed now. */
  store(
    plain: Buffer,
    digest: Buffer,
    rows?: SegmentRows,
  ): { readonly ref: Promise<SegmentRef>; readonly isNew: boolean };
  /** How the segments of a stream are indexed; undefined: not at all. */
  indexing?(stream: StreamInfo): StreamIndexing | undefined;
  /** All segments of the stream are under way no more. */
  endIndexing?(stream: StreamIndexing): void;
}

/** A segment of whole rows that is to be indexed. */
export interface SegmentRows {
  readonly stream: StreamIndexing;
  /** It begins its stream. */
  readonly isFirst: boolean;
}

export interface LaneOptions {
  readonly keys: Pick<ChainKeys, 'cutTable'>;
  readonly pool: Pick<SegmentPool, 'threads'>;
  readonly signal: AbortSignal;
  /** Called with the bytes of dump text that were taken since the last call, and where they belong. */
  readonly onProgress: (bytes: number, stream: string) => void;
}

export interface RecordedLane {
  readonly streams: readonly ManifestStream[];
  readonly pages: readonly PageRef[];
  /** Every pack that these need. */
  readonly packs: ReadonlySet<string>;
  readonly segments: number;
  readonly newSegments: number;
  readonly plainBytes: number;
}

export interface StreamTally {
  segments: number;
  rows: number;
  bytes: number;
}

/** References that are being made at most, for each thread that makes them. */
const QUEUE_PER_THREAD = 16;
/** Pages that are being sealed at most; each is some hundred KiB of text. */
const PAGES_UNDER_WAY_MAX = 4;

export class LaneRecorder {
  readonly #shared: LaneShared;
  readonly #options: LaneOptions;
  readonly #cutter: Cutter;
  readonly #pages = new PageBuilder();
  readonly #pageRefs: Promise<PageRef>[] = [];
  readonly #streams: ManifestStream[] = [];
  readonly #packs = new Set<string>();
  /** References in the order of the dump that are not in a page yet. */
  readonly #queue: { ref: SegmentRef | Promise<SegmentRef>; tally: StreamTally }[] = [];
  readonly #queueMax: number;
  readonly #pagesUnderWay = new Set<Promise<unknown>>();
  #segments = 0;
  #newSegments = 0;
  #plainBytes = 0;

  constructor(shared: LaneShared, options: LaneOptions) {
    this.#shared = shared;
    this.#options = options;
    this.#cutter = new Cutter(options.keys.cutTable);
    this.#queueMax = options.pool.threads * QUEUE_PER_THREAD;
  }

  /** Takes one stream to its end. */
  async addStream(stream: DumpStream): Promise<void> {
    const { signal, onProgress } = this.#options;
    const tally: StreamTally = { segments: 0, rows: 0, bytes: 0 };
    const indexing = this.#shared.indexing?.(stream);
    const rows = new RowEnds(indexing);
    const statements = statementsFor(stream);
    this.#cutter.begin(statements?.head.length);
    const add = async (cut: Buffer): Promise<void> => {
      for (const segment of statements?.take(cut) ?? [cut])
        await this.addSegment(segment, tally, rows.next(segment));
    };
    for await (const chunk of stream.bytes) {
      throwIfCancelled(signal);
      for (const cut of this.#cutter.push(chunk)) await add(cut);
      onProgress(chunk.length, stream.name);
    }
    const rest = this.#cutter.finish();
    if (rest) await add(rest);
    await this.#drain(0);
    if (indexing) this.#shared.endIndexing?.(indexing);
    this.#streams.push(streamOf(stream, tally));
  }

  /** Takes one segment of plaintext; the bytes may change afterwards. */
  addSegment(plain: Buffer, tally: StreamTally, rows?: SegmentRows): Promise<void> | undefined {
    const digest = digestOf(plain);
    this.#plainBytes += plain.length;
    return this.#add(this.#shared.lookUp(digest) ?? this.#store(plain, digest, rows), tally);
  }

  /**
   * Takes a segment of which only the hash of the plaintext is given.
   * @returns false when the store does not have it, and nothing was taken
   */
  async addKnown(digest: Uint8Array, tally: StreamTally): Promise<boolean> {
    const known = this.#shared.lookUp(digest);
    if (!known) return false;
    this.#plainBytes += known.plain;
    await this.#add(known, tally);
    return true;
  }

  /** Ends a stream whose segments were added one by one. */
  async endStream(stream: StreamInfo, tally: StreamTally): Promise<void> {
    await this.#drain(0);
    this.#streams.push(streamOf(stream, tally));
  }

  async finish(): Promise<RecordedLane> {
    await this.#drain(0);
    this.#endPage(this.#pages.finish());
    const pages = await Promise.all(this.#pageRefs);
    for (const page of pages) this.#packs.add(page.pack);
    return {
      streams: this.#streams,
      pages,
      packs: this.#packs,
      segments: this.#segments,
      newSegments: this.#newSegments,
      plainBytes: this.#plainBytes,
    };
  }

  #store(plain: Buffer, digest: Buffer, rows: SegmentRows | undefined): Promise<SegmentRef> {
    const { ref, isNew } = this.#shared.store(plain, digest, rows);
    if (isNew) this.#newSegments++;
    return ref;
  }

  /** Returns a promise only when there is something to wait for: an unchanged day is millions of calls. */
  #add(ref: SegmentRef | Promise<SegmentRef>, tally: StreamTally): Promise<void> | undefined {
    this.#segments++;
    if (!(ref instanceof Promise) && this.#queue.length === 0) {
      this.#reference(ref, tally);
      return this.#pagesUnderWay.size > PAGES_UNDER_WAY_MAX ? this.#settlePages() : undefined;
    }
    this.#queue.push({ ref, tally });
    return this.#queue.length > this.#queueMax ? this.#drain(this.#queueMax) : undefined;
  }

  /** Puts references into pages, in order, until at most `most` are left. */
  async #drain(most: number): Promise<void> {
    while (this.#queue.length > most) {
      const next = this.#queue.shift();
      if (next) this.#reference(await next.ref, next.tally);
      if (this.#pagesUnderWay.size > PAGES_UNDER_WAY_MAX) await this.#settlePages();
    }
  }

  async #settlePages(): Promise<void> {
    while (this.#pagesUnderWay.size > PAGES_UNDER_WAY_MAX) await Promise.race(this.#pagesUnderWay);
  }

  #reference(ref: SegmentRef, tally: StreamTally): void {
    tally.segments++;
    tally.rows += ref.rows;
    tally.bytes += ref.plain;
    this.#packs.add(ref.pack);
    this.#endPage(this.#pages.add(ref));
  }

  /** A page is a segment like any other; its `rows` in the manifest count what it lists. */
  #endPage(page: FinishedPage | undefined): void {
    if (!page) return;
    const digest = digestOf(page.plain);
    const found = this.#shared.lookUp(digest) ?? this.#shared.store(page.plain, digest).ref;
    const ref = Promise.resolve(found).then((place) => ({ ...place, rows: page.segments }));
    this.#pageRefs.push(ref);
    this.#pagesUnderWay.add(ref);
    // A failure is thrown where the pages are gathered; here it only must not count as unhandled.
    ref.catch(() => undefined).finally(() => this.#pagesUnderWay.delete(ref));
  }
}

/** Says of the segments of a stream, in order, whether they hold whole rows: others cannot be indexed. */
class RowEnds {
  readonly #stream: StreamIndexing | undefined;
  #isFirst = true;
  #atRowStart = true;

  constructor(stream: StreamIndexing | undefined) {
    this.#stream = stream;
  }

  next(segment: Buffer): SegmentRows | undefined {
    const isWhole = this.#atRowStart && segment[segment.length - 1] === LF;
    const rows = this.#stream && isWhole ? { stream: this.#stream, isFirst: this.#isFirst } : undefined;
    this.#atRowStart = segment[segment.length - 1] === LF;
    this.#isFirst = false;
    return rows;
  }
}

const LF = 10;

function streamOf({ name, section, dialect, table }: StreamInfo, tally: StreamTally): ManifestStream {
  const about = { name, section, dialect, ...(table && { table }) };
  return { ...about, segments: tally.segments, bytes: tally.bytes, rows: rowsOf(about, tally.rows) };
}

/** Data rows of a stream, from its line ends: a COPY block has a header and an end mark, which are not rows. */
function rowsOf(stream: StreamInfo, lineEnds: number): number {
  if (stream.dialect === 'sql' || stream.dialect === 'tar') return 0;
  // SELECT comes first.
  if (stream.dialect === 'redis-restore') return lineEnds - 1;
  if (stream.dialect !== 'pg-copy') return lineEnds;
  // A quoted name may itself hold line ends, and the header shows each of them once.
  const named = [stream.table?.name ?? '', ...(stream.table?.columns ?? [])].join('').split('\n').length - 1;
  return lineEnds - 2 - named;
}
