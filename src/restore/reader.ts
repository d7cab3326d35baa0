/**
 * Reading a snapshot's streams: pages, then ranges of packs, several at a time, opened in parallel, given out in
 * order. Every byte is checked against the signed manifest before it is decrypted.
 */
import { HoldfastError, isHoldfastError, reasonOf } from '../errors.ts';
import { damaged } from '../openpgp/errors.ts';
import { orderedMap } from '../ordered.ts';
import type { ChainPlace } from '../repository/layout.ts';
import { packKey } from '../repository/layout.ts';
import type { Manifest, ManifestStream } from '../repository/manifest.ts';
import { parsePage } from '../repository/pages.ts';
import type { SegmentRef } from '../repository/pages.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { ByteRange, DumpReader, SourceInfo, StoredStream } from '../sources/source.ts';
import type { ReadStore } from '../stores/store.ts';
import { RangeCutter } from './ranges.ts';

/** One read takes at most this many sealed bytes, and this many bytes of plaintext. */
const RANGE_BYTES_MAX = 512 * 1024;
const RANGE_PLAIN_MAX = 1024 * 1024;
/** Bytes between two wanted segments that are rather read along than asked for separately. */
const RANGE_GAP_MAX = 64 * 1024;
const RANGES_AHEAD = 6;
const PAGES_KEPT = 4;

/** What a page lists from one segment on, up to another one. */
export interface PagePart {
  /** All of the page. */
  readonly refs: readonly SegmentRef[];
  readonly from: number;
  readonly to: number;
}

export class SnapshotReader implements DumpReader {
  readonly source: SourceInfo;
  readonly streams: readonly ManifestStream[];
  readonly #manifest: Manifest;
  readonly #store: ReadStore;
  readonly #pool: Pick<SegmentPool, 'open'>;
  readonly #place: ChainPlace;
  readonly #pageStarts: number[] = [];
  readonly #pageCache = new Map<number, Promise<SegmentRef[]>>();

  constructor(store: ReadStore, manifest: Manifest, pool: Pick<SegmentPool, 'open'>) {
    this.#store = store;
    this.#manifest = manifest;
    this.#pool = pool;
    this.#place = manifest.binding;
    this.source = manifest.source;
    this.streams = manifest.streams;
    let start = 0;
    for (const page of manifest.pages) {
      this.#pageStarts.push(start);
      start += page.rows;
    }
  }

  async *read(
    stream: StoredStream,
    signal: AbortSignal,
    ranges?: readonly ByteRange[],
  ): AsyncIterable<Buffer> {
    if (ranges !== undefined) {
      yield* this.#readRanges(stream, ranges, signal);
      return;
    }
    let bytes = 0;
    for await (const piece of this.open(this.segments(stream, signal), stream.name, signal)) {
      bytes += piece.length;
      yield piece;
    }
    if (bytes !== stream.bytes)
      throw damaged(`stream ${stream.name}`, `it has ${bytes} of ${stream.bytes} bytes`);
  }

  /** Opens the segments that have some of the bytes, and gives those bytes only. */
  async *#readRanges(
    stream: StoredStream,
    ranges: readonly ByteRange[],
    signal: AbortSignal,
  ): AsyncIterable<Buffer> {
    const wanted = new RangeCutter(ranges);
    const needed = wanted.segments(this.segments(stream, signal));
    for await (const piece of this.open(needed, stream.name, signal)) yield* wanted.cut(piece);
    if (!wanted.isDone) throw damaged(`stream ${stream.name}`, 'it ends before what was asked for');
  }

  /** Fetches and opens segments, in order, several in one piece; `name` is what errors call them. */
  async *open(refs: AsyncIterable<SegmentRef>, name: string, signal: AbortSignal): AsyncIterable<Buffer> {
    const ranges = groupIntoRanges(refs);
    yield* orderedMap(ranges, RANGES_AHEAD, (range) => this.#openRange(range, name, signal));
  }

  /** The references of a stream's segments, in order. */
  async *segments(stream: StoredStream, signal: AbortSignal): AsyncIterable<SegmentRef> {
    for await (const refs of this.segmentGroups(stream, signal)) yield* refs;
  }

  /** The same, as many at a time as a page lists. */
  async *segmentGroups(stream: StoredStream, signal: AbortSignal): AsyncIterable<readonly SegmentRef[]> {
    for await (const { refs, from, to } of this.pageParts(stream, signal)) yield refs.slice(from, to);
  }

  /** The same, as parts of pages. */
  async *pageParts(stream: StoredStream, signal: AbortSignal): AsyncIterable<PagePart> {
    const at = this.streams.findIndex((candidate) => candidate.name === stream.name);
    const found = this.streams[at];
    if (!found) throw new Error(`the snapshot has no stream ${stream.name}`);
    const first = this.streams.slice(0, at).reduce((sum, before) => sum + before.segments, 0);
    const end = first + found.segments;
    if (end === first) return;
    const page = this.#pageStarts.findLastIndex((start) => start <= first);
    const after = this.#pageStarts.findIndex((start) => start >= end);
    const pages = numbers(page, after < 0 ? this.#pageStarts.length : after);
    let next = first;
    for await (const [index, refs] of orderedMap(pages, this.pagesAhead, async (index) => {
      return [index, await this.page(index, signal)] as const;
    })) {
      const start = this.#pageStarts[index] ?? 0;
      const part = { refs, from: next - start, to: Math.min(refs.length, end - start) };
      next = start + part.to;
      yield part;
    }
  }

  /** How many pages of a stream are read at once. */
  protected get pagesAhead(): number {
    return 1;
  }

  /** The references of one page; a few pages are kept, since streams that are read side by side share them. */
  page(index: number, signal: AbortSignal): Promise<SegmentRef[]> {
    const kept = this.#pageCache.get(index);
    if (kept) return kept;
    const page = this.#readPage(index, signal);
    this.#pageCache.set(index, page);
    const [oldest] = this.#pageCache.keys();
    if (this.#pageCache.size > PAGES_KEPT && oldest !== undefined) this.#pageCache.delete(oldest);
    return page;
  }

  async #readPage(index: number, signal: AbortSignal): Promise<SegmentRef[]> {
    const what = `key page ${index + 1}`;
    const ref = this.#manifest.pages[index];
    if (!ref) throw damaged(what, 'the manifest does not list it');
    const refs = parsePage(await this.#openRange([ref], what, signal), what);
    if (refs.length !== ref.rows) throw damaged(what, `it lists ${refs.length} of ${ref.rows} segments`);
    return refs;
  }

  /** Fetches neighbouring segments in one read and opens them. */
  async #openRange(range: readonly SegmentRef[], name: string, signal: AbortSignal): Promise<Buffer> {
    const [first] = range;
    const last = range.at(-1);
    if (!first || !last) return Buffer.alloc(0);
    const key = packKey(this.#place, first.pack);
    const bytes = { offset: first.offset, length: last.offset + last.length - first.offset };
    const sealed = await this.#fetch(key, bytes, name, signal);
    const segments = range.map(({ offset, length, sha256, plain, key: secret }) => ({
      at: offset - first.offset,
      length,
      sha256,
      plain,
      key: secret,
    }));
    return this.#pool.open({ range: sealed, segments, what: `${name}: ${key} from ${first.offset}` });
  }

  async #fetch(
    key: string,
    range: { offset: number; length: number },
    name: string,
    signal: AbortSignal,
  ): Promise<Buffer> {
    try {
      return await this.#store.get(key, range, signal);
    } catch (error) {
      const lost =
        isHoldfastError(error, 'STORE_OBJECT_MISSING') || isHoldfastError(error, 'STORE_OBJECT_SHORT');
      if (lost) throw damaged(`${name}: pack ${key}`, reasonOf(error), error);
      throw error instanceof HoldfastError ? error : damaged(key, reasonOf(error), error);
    }
  }
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

/** Groups segments that lie behind each other in one pack. */
async function* groupIntoRanges(refs: AsyncIterable<SegmentRef>): AsyncGenerator<SegmentRef[]> {
  let range: SegmentRef[] = [];
  let plain = 0;
  for await (const ref of refs) {
    const [first] = range;
    const last = range.at(-1);
    const fits =
      first &&
      last &&
      ref.pack === last.pack &&
      ref.offset >= last.offset + last.length &&
      ref.offset - (last.offset + last.length) <= RANGE_GAP_MAX &&
      ref.offset + ref.length - first.offset <= RANGE_BYTES_MAX &&
      plain + ref.plain <= RANGE_PLAIN_MAX;
    if (!fits && first) {
      yield range;
      range = [];
      plain = 0;
    }
    range.push(ref);
    plain += ref.plain;
  }
  if (range.length > 0) yield range;
}
