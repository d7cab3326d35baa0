/**
 * The heart of a backup: streams of rows become segments, segments become references, references become pages.
 * What the store already has is referenced; what it does not have is sealed by the pool and put into packs.
 */
import { ChainKeys, digestOf, newSalt } from '../segments/chain-keys.ts';
import { Cutter } from '../segments/cut.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { ManifestStream, PageRef } from '../repository/manifest.ts';
import type { PackWriter, StoredPack } from '../repository/packs.ts';
import { PageBuilder } from '../repository/pages.ts';
import type { FinishedPage, SegmentRef } from '../repository/pages.ts';
import type { IndexedSegment, SegmentIndex } from '../repository/segment-index.ts';
import { throwIfCancelled } from '../errors.ts';
import type { DumpStream, StreamInfo } from '../sources/source.ts';

export interface RecorderOptions {
  readonly keys: ChainKeys;
  readonly index: SegmentIndex;
  readonly pool: Pick<SegmentPool, 'seal' | 'threads'>;
  /** zstd level. */
  readonly level: number;
  readonly signal: AbortSignal;
  /** Called with the bytes of dump text that were taken since the last call, and where they belong. */
  readonly onProgress: (bytes: number, stream: string) => void;
}

export interface Recorded {
  readonly streams: readonly ManifestStream[];
  readonly pages: readonly PageRef[];
  /** Every pack that the snapshot needs. */
  readonly packs: ReadonlySet<string>;
  readonly segments: number;
  readonly newSegments: number;
  readonly plainBytes: number;
  /** Sealed bytes that were put into new packs. */
  readonly newBytes: number;
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #cutter: Cutter;
  readonly #pages = new PageBuilder();
  readonly #pageRefs: Promise<PageRef>[] = [];
  readonly #streams: ManifestStream[] = [];
  readonly #packs = new Set<string>();
  readonly #packRefs: Map<number, string>;
  /** Sealed in this run, not acknowledged yet: by id. */
  readonly #pending = new Map<string, Promise<SegmentRef>>();
  /** What to index once its pack is acknowledged: by pack. */
  readonly #unindexed = new Map<string, { segment: IndexedSegment; name: string }[]>();
  /** References in the order of the dump that are still being made. */
  readonly #queue: { ref: SegmentRef | Promise<SegmentRef>; tally: StreamTally }[] = [];
  readonly #queueMax: number;
  #writer: PackWriter | undefined;
  #segments = 0;
  #newSegments = 0;
  #plainBytes = 0;
  #newBytes = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#cutter = new Cutter(options.keys.cutTable);
    this.#packRefs = new Map([...options.index.packs()].map(({ pack, ref }) => [pack, ref]));
    this.#queueMax = options.pool.threads * 3;
  }

  /** The writer reports back here (see `stored`), so it is given after both exist. */
  writeTo(writer: PackWriter): void {
    this.#writer = writer;
  }

  /** Takes one stream to its end. */
  async addStream(stream: DumpStream): Promise<void> {
    const { signal, onProgress } = this.#options;
    const tally: StreamTally = { segments: 0, rows: 0, bytes: 0 };
    for await (const chunk of stream.bytes) {
      throwIfCancelled(signal);
      for (const segment of this.#cutter.push(chunk)) await this.#take(segment, tally);
      onProgress(chunk.length, stream.name);
    }
    const rest = this.#cutter.finish();
    if (rest) await this.#take(rest, tally);
    await this.#drain(0);
    const { name, section, dialect, table } = stream;
    const { segments, bytes } = tally;
    const rows = rowsOf(stream, tally.rows);
    this.#streams.push({ name, section, dialect, ...(table && { table }), segments, rows, bytes });
  }

  /** Takes a segment whose plaintext is known only by its hash and length; it must be in the index. */
  async addKnown(digest: Uint8Array, tally: StreamTally): Promise<boolean> {
    const ref = this.#lookUp(digest);
    if (!ref) return false;
    await this.#reference(ref, tally);
    return true;
  }

  /** Ends the last page, waits for every pack, and returns what the manifest states. */
  async finish(): Promise<Recorded> {
    await this.#drain(0);
    this.#endPage(this.#pages.finish());
    const pages = await Promise.all(this.#pageRefs);
    await this.#writer?.finish();
    return {
      streams: this.#streams,
      pages,
      packs: this.#packs,
      segments: this.#segments,
      newSegments: this.#newSegments,
      plainBytes: this.#plainBytes,
      newBytes: this.#newBytes,
    };
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

  async #take(plain: Buffer, tally: StreamTally): Promise<void> {
    this.#plainBytes += plain.length;
    await this.#reference(this.#resolve(plain), tally);
  }

  async #reference(ref: SegmentRef | Promise<SegmentRef>, tally: StreamTally): Promise<void> {
    this.#segments++;
    // Handled when it is its turn in the queue; until then a failure must not count as unhandled.
    if (ref instanceof Promise) ref.catch(() => undefined);
    this.#queue.push({ ref, tally });
    await this.#drain(this.#queueMax);
  }

  /** Puts finished references into pages, in order, until at most `most` are under way. */
  async #drain(most: number): Promise<void> {
    while (this.#queue.length > most || (this.#queue[0] && !(this.#queue[0].ref instanceof Promise))) {
      const next = this.#queue.shift();
      if (!next) return;
      const ref = next.ref instanceof Promise ? await next.ref : next.ref;
      next.tally.segments++;
      next.tally.rows += ref.rows;
      next.tally.bytes += ref.plain;
      this.#packs.add(ref.pack);
      this.#endPage(this.#pages.add(ref));
    }
  }

  #endPage(page: FinishedPage | undefined): void {
    if (!page) return;
    const ref = Promise.resolve(this.#resolve(page.plain)).then((found) => {
      this.#packs.add(found.pack);
      return { ...found, rows: page.segments };
    });
    ref.catch(() => undefined);
    this.#pageRefs.push(ref);
  }

  /** The reference to this plaintext: known, under way in this run, or sealed now. */
  #resolve(plain: Buffer): SegmentRef | Promise<SegmentRef> {
    const digest = digestOf(plain);
    const known = this.#lookUp(digest);
    if (known) return known;
    const id = this.#options.keys.id(digest);
    const name = id.toString('latin1');
    const pending = this.#pending.get(name);
    if (pending) return pending;
    const sealing = this.#seal(plain, digest, id, name);
    this.#pending.set(name, sealing);
    return sealing;
  }

  #lookUp(digest: Uint8Array): SegmentRef | undefined {
    const { index, keys } = this.#options;
    const found = index.find(keys.id(digest));
    const pack = found && this.#packRefs.get(found.pack);
    if (!found || pack === undefined) return undefined;
    const { offset, length, plain, rows } = found;
    const sha256 = Buffer.from(found.sha256).toString('hex');
    return { pack, offset, length, sha256, plain, rows, key: keys.sessionKey(found.salt, digest).toString('hex') };
  }

  async #seal(plain: Buffer, digest: Buffer, id: Buffer, name: string): Promise<SegmentRef> {
    const { keys, pool, level, signal } = this.#options;
    const salt = newSalt();
    const key = keys.sessionKey(salt, digest);
    const { sealed, sha256, rows } = await pool.seal(plain, key, level);
    throwIfCancelled(signal);
    if (!this.#writer) throw new Error('the recorder has no pack writer');
    this.#newSegments++;
    this.#newBytes += sealed.length;
    const { pack, offset } = this.#writer.place(sealed);
    const segment = { id, salt, sha256, offset, length: sealed.length, plain: plain.length, rows };
    const waiting = this.#unindexed.get(pack) ?? [];
    waiting.push({ segment, name });
    this.#unindexed.set(pack, waiting);
    await this.#writer.ready();
    return {
      pack,
      offset,
      length: sealed.length,
      sha256: Buffer.from(sha256).toString('hex'),
      plain: plain.length,
      rows,
      key: key.toString('hex'),
    };
  }
}

export interface StreamTally {
  segments: number;
  rows: number;
  bytes: number;
}

/** Data rows of a stream, from its line ends: a COPY block has a header and an end mark, which are not rows. */
function rowsOf(stream: StreamInfo, lineEnds: number): number {
  if (stream.dialect === 'sql') return 0;
  if (stream.dialect === 'sql-insert') return lineEnds;
  // A quoted name may itself hold line ends, and the header shows each of them once.
  const named = [stream.table?.name ?? '', ...(stream.table?.columns ?? [])].join('').split('\n').length - 1;
  return lineEnds - 2 - named;
}
