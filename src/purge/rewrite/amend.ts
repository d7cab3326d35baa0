/**
 * New revisions of snapshots without the rows that a purge takes away: packs, pages, manifests, amendments. None of it
 * counts for anybody before the ledger names the amendments, so a run that dies in here has done nothing.
 */
import pLimit from 'p-limit';
import { throwIfCancelled } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import type { openpgp } from '../../openpgp/library.ts';
import { currentOf } from '../../repository/catalog.ts';
import type { LedgerHeads } from '../../repository/entry.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { PageRef } from '../../repository/manifest.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import { daysLeft } from '../../repository/rules.ts';
import type { Session } from '../../repository/session.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { ObjectLock, Store } from '../../stores/store.ts';
import type { EditGuard } from './edit-guard.ts';
import { ChainIndexes } from './chain-indexes.ts';
import { editUnsound } from '../locate/locate-errors.ts';
import type { ArchiveEdit, LocatedSnapshot } from '../locate/located.ts';
import type { StreamCounts } from './manifest-text.ts';
import { NewSegments, allOrFirstError } from './new-segments.ts';
import { editPages, sealOnce } from './page-edit.ts';
import type { EditedPages, SegmentChanges } from './page-edit.ts';
import { PageReader } from './page-reader.ts';
import type { PutRevision } from '../../rotate/new-revision.ts';
import { putPurged } from './put-revision.ts';
import { Rewriter } from './rewrite.ts';
import type { SharedPages } from '../locate/shared-reader.ts';
import { changeWholeStreams } from './whole-streams.ts';

/** Packs outlive the manifests that need them by a day and the midnight that stores round up to. */
const PACK_DAYS_MORE = 2;
const AT_ONCE = 4;
/** Chains: each has a pack of its own in memory. */
const CHAINS_AT_ONCE = 3;

export interface PurgeLocks {
  /** Of a pack with this life that is put now. */
  readonly ofPack: (packDays: number) => ObjectLock | undefined;
  /** Of a manifest that is put now. */
  readonly ofManifest: () => ObjectLock | undefined;
}

export interface AmendOptions {
  readonly session: Session<Store>;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  readonly recipients: readonly openpgp.PublicKey[];
  readonly signer: openpgp.PrivateKey;
  /** Of the purge, as in the ledger. */
  readonly request: string;
  /** What the ledger shows now. */
  readonly heads: LedgerHeads;
  readonly locks: PurgeLocks;
  /** zstd level. */
  readonly level: number;
  /** The store's clock. */
  readonly now: Date;
  /** Refuses rows that are edited and stay, with an identifier left in them. */
  readonly guard?: EditGuard;
  /** What was read to find these snapshots' rows. */
  readonly pages?: SharedPages;
  readonly onProgress: (snapshot: string, bytes: number) => void;
}

export interface AmendReport {
  readonly amended: readonly PutRevision[];
  /** Sealed bytes of segments that were opened. */
  readonly bytesRead: number;
  /** Bytes of new packs, manifests and amendments. */
  readonly bytesWritten: number;
  /** Places of new packs. */
  readonly packs: readonly string[];
}

/**
 * Days that the manifest of a snapshot has left; 0: there is no prefix for a new one, it goes within the day.
 */
export function lifeLeft({ item }: Pick<LocatedSnapshot, 'item'>, now: Date): number {
  const { listed, days } = currentOf(item);
  return listed ? daysLeft(listed.modified, days, now) : 0;
}

/** True when anything of the snapshot changes. */
export function isTouched({ streams, whole }: LocatedSnapshot): boolean {
  return streams.size > 0 || whole.length > 0;
}

/**
 * Writes new revisions of these snapshots, reads everything back, and gives what the ledger is to name.
 * @param snapshots - see `affected`; each with a day left at least. Those without a change get a new revision only
 *   where they name an object of the subject index that is made anew
 * @throws HoldfastError REPLACEMENT_DIFFERS, REPLACEMENT_MISSING, PURGE_EDIT_UNSOUND, PURGE_MENTION_LEFT, and what stores and codecs throw
 */
export async function amendSnapshots(
  snapshots: readonly LocatedSnapshot[],
  options: AmendOptions,
  signal: AbortSignal,
): Promise<AmendReport> {
  const amended: PutRevision[] = [];
  const packs: string[] = [];
  const bytes = { read: 0, written: 0 };
  const chains = Map.groupBy(snapshots, ({ item }) => `${item.entry.writer} ${item.entry.chain}`);
  const limit = pLimit(CHAINS_AT_ONCE);
  const amendChain = async (chain: readonly LocatedSnapshot[]): Promise<void> => {
    const [first] = chain;
    if (!first) return;
    const work = new ChainAmender(first, chain, options, signal);
    const done = await work.amend(chain);
    amended.push(...done);
    packs.push(...work.packs);
    bytes.read += work.bytesRead;
    bytes.written += work.bytesWritten;
  };
  await allOrFirstError([...chains.values()].map((chain) => limit(() => amendChain(chain))));
  return { amended, bytesRead: bytes.read, bytesWritten: bytes.written, packs };
}

/** Amends the snapshots of one chain, which share segments and pages. */
class ChainAmender {
  readonly #options: AmendOptions;
  readonly #signal: AbortSignal;
  readonly #into: NewSegments;
  readonly #rewriter: Rewriter;
  readonly #pages: PageReader;
  readonly #sealPage: (plain: Buffer) => Promise<SegmentRef>;
  readonly #openIndexes: () => Promise<ChainIndexes | undefined>;
  #indexes: ChainIndexes | undefined;
  #manifestBytes = 0;

  constructor(
    first: LocatedSnapshot,
    chain: readonly LocatedSnapshot[],
    options: AmendOptions,
    signal: AbortSignal,
  ) {
    const { session, pool, level, locks, now } = options;
    const { store } = session;
    const { set, writer, chain: number } = first.item.entry;
    const place = { set, writer, chain: number };
    const packDays = Math.max(...chain.map((one) => lifeLeft(one, now))) + PACK_DAYS_MORE;
    this.#options = options;
    this.#signal = signal;
    this.#into = new NewSegments({ store, place, packDays, pool, level, lockFor: locks.ofPack, signal });
    this.#rewriter = new Rewriter(store, pool, this.#into, options.guard);
    this.#pages = new PageReader({ store, place, pool }, options.pages);
    this.#sealPage = sealOnce((plain) => this.#into.seal(plain));
    this.#openIndexes = () => ChainIndexes.open(chain, { store, place, packDays, pool, signal });
  }

  get bytesRead(): number {
    return this.#rewriter.bytesRead + this.#pages.bytesRead + (this.#indexes?.bytesRead ?? 0);
  }

  get bytesWritten(): number {
    const packs = this.#into.packs.reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#manifestBytes + packs + (this.#indexes?.bytesWritten ?? 0);
  }

  get packs(): string[] {
    return this.#into.packs.map(({ ref }) => ref);
  }

  /** Segments and pages of all of them first, read back; then the index; then manifest and amendment of each. */
  async amend(chain: readonly LocatedSnapshot[]): Promise<PutRevision[]> {
    try {
      this.#indexes = await this.#openIndexes();
      const drafts: Draft[] = [];
      for (const one of chain) drafts.push(await this.#draft(one));
      await this.#into.finish();
      await this.#indexes?.finish();
      const changed = drafts.filter(({ one }) => isTouched(one) || this.#indexes?.mustChange(one));
      const limit = pLimit(AT_ONCE);
      return await allOrFirstError(changed.map((draft) => limit(() => this.#put(draft))));
    } catch (error) {
      await Promise.all([this.#into.abandon(), this.#indexes?.abandon()]);
      throw error;
    }
  }

  async #draft(one: LocatedSnapshot): Promise<Draft> {
    throwIfCancelled(this.#signal);
    const { manifest, item } = one;
    const counts = new Map<string, StreamCounts>();
    const changes = await this.#changes(one, counts);
    const starts = startsOf(manifest.pages);
    const refsOf = async (index: number): Promise<SegmentRef[]> => {
      const refs = await this.#pages.read(manifest.pages[index], this.#signal);
      this.#indexes?.keep(refs, starts[index] ?? 0, changes.replaced);
      return refs;
    };
    const source = { pages: manifest.pages, refsOf, seal: this.#sealPage };
    const pages = await editPages(source, changes);
    this.#options.onProgress(item.entry.snapshot, 0);
    return { one, counts, pages };
  }

  /** What happens to which segments, and what each changed stream then holds. */
  async #changes(one: LocatedSnapshot, counts: Map<string, StreamCounts>): Promise<SegmentChanges> {
    const replaced = new Map<number, readonly SegmentRef[]>();
    const inserted = new Map<number, readonly SegmentRef[]>();
    for (const { stream, firstSegment, units, codec } of one.streams.values()) {
      const tally = { segments: stream.segments, rows: stream.rows, bytes: stream.bytes };
      const indexing = this.#indexes?.of(one, stream);
      const rewritten = await allOrFirstError(
        [...units].map(async ([ordinal, edit]) => ({
          ordinal,
          unit: await this.#rewriter.unit(edit, codec, this.#signal, indexing),
        })),
      );
      for (const { ordinal, unit } of rewritten) {
        for (let at = 0; at < unit.segments; at++)
          replaced.set(firstSegment + ordinal + at, at === 0 ? unit.refs : []);
        tally.segments += unit.refs.length - unit.segments;
        // Statements of a script are no rows.
        if (stream.table) tally.rows -= unit.rowsDropped;
        tally.bytes += unit.bytesGrown;
      }
      counts.set(stream.name, tally);
    }
    if (one.archive) await this.#changeArchive(one.archive, one.manifest.binding, replaced, counts);
    await changeWholeStreams(one, { replaced, inserted, counts }, (text) => this.#rewriter.text(text));
    return { replaced, inserted };
  }

  async #changeArchive(
    { stream, firstSegment, runs, bytes }: ArchiveEdit,
    place: ChainPlace,
    replaced: Map<number, readonly SegmentRef[]>,
    counts: Map<string, StreamCounts>,
  ): Promise<void> {
    const left = { segments: stream.segments, bytes: stream.bytes };
    for (const run of runs) {
      const refs = await this.#rewriter.run(run, place, this.#signal);
      for (let at = 0; at < run.segments.length; at++)
        replaced.set(firstSegment + run.ordinal + at, at === 0 ? refs : []);
      left.segments += refs.length - run.segments.length;
      left.bytes += plainBytes(refs) - plainBytes(run.segments);
    }
    if (left.bytes !== bytes) throw editUnsound(stream.name, `it would have ${left.bytes} of ${bytes} bytes`);
    counts.set(stream.name, { ...left, rows: stream.rows });
  }

  async #put({ one, counts, pages }: Draft): Promise<PutRevision> {
    const { locks, now } = this.#options;
    const { item } = one;
    const put = await putPurged(
      {
        item,
        days: lifeLeft(one, now),
        needs: pages.packs,
        packs: this.#into.packs,
        ...{ streams: counts, pages: pages.pages, also: withoutIndex },
        more: this.#indexes?.lines(pages.packs) ?? [],
      },
      { ...this.#options, lock: locks.ofManifest() },
      this.#signal,
    );
    this.#manifestBytes += put.bytes;
    this.#options.onProgress(put.snapshot, put.bytes);
    return put;
  }
}

interface Draft {
  readonly one: LocatedSnapshot;
  readonly counts: ReadonlyMap<string, StreamCounts>;
  readonly pages: EditedPages;
}

function plainBytes(refs: readonly SegmentRef[]): number {
  return refs.reduce((sum, { plain }) => sum + plain, 0);
}

/** The number of the first segment of each page. */
function startsOf(pages: readonly PageRef[]): number[] {
  let start = 0;
  return pages.map(({ rows }) => (start += rows) - rows);
}

/** The lines about the index are made anew: one of before says that somebody is in a segment which is gone. */
function withoutIndex(line: string): string | undefined {
  return line.startsWith('also index ') ? undefined : line;
}
