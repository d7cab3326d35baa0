/**
 * New revisions of snapshots without the rows that a purge takes away: packs, pages, manifests, amendments. None of it
 * counts for anybody before the ledger names the amendments, so a run that dies in here has done nothing.
 */
import pLimit from 'p-limit';
import { throwIfCancelled } from '../errors.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import { MessageSealer } from '../openpgp/message.ts';
import type { openpgp } from '../openpgp/library.ts';
import { signStatement } from '../openpgp/statement.ts';
import { parseAmendment } from '../repository/amendment.ts';
import { currentOf } from '../repository/catalog.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { Binding, LedgerHeads } from '../repository/entry.ts';
import { amendmentKey, manifestKey, snapshotFolder } from '../repository/layout.ts';
import type { SegmentRef } from '../repository/pages.ts';
import { daysLeft } from '../repository/rules.ts';
import type { Session } from '../repository/session.ts';
import { openManifestText } from '../restore/open.ts';
import { nextRevision } from '../rotate/plan.ts';
import { putAndReadBack } from '../rotate/reseal.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { ObjectLock, Store } from '../stores/store.ts';
import { noCopyDrop } from './errors.ts';
import type { LocatedSnapshot } from './located.ts';
import { amendManifest } from './manifest-text.ts';
import type { StreamCounts } from './manifest-text.ts';
import { NewSegments, allOrFirstError } from './new-segments.ts';
import { editPages, sealOnce } from './page-edit.ts';
import type { EditedPages, SegmentChanges } from './page-edit.ts';
import { PageReader } from './page-reader.ts';
import { Rewriter } from './rewrite.ts';

/** Packs outlive the manifests that need them by a day and the midnight that stores round up to. */
const PACK_DAYS_MORE = 2;
const AT_ONCE = 4;

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
  readonly onProgress: (snapshot: string, bytes: number) => void;
}

export interface AmendedSnapshot {
  readonly snapshot: string;
  readonly revision: number;
  /** Of the amendment: what the ledger names. */
  readonly sha256: string;
}

export interface AmendReport {
  readonly amended: readonly AmendedSnapshot[];
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
 * @param snapshots - only touched ones, each with a day left at least
 * @throws HoldfastError REPLACEMENT_DIFFERS, REPLACEMENT_MISSING, PURGE_EDIT_UNSOUND, and what stores and codecs throw
 */
export async function amendSnapshots(
  snapshots: readonly LocatedSnapshot[],
  options: AmendOptions,
  signal: AbortSignal,
): Promise<AmendReport> {
  const amended: AmendedSnapshot[] = [];
  const packs: string[] = [];
  const bytes = { read: 0, written: 0 };
  const chains = Map.groupBy(snapshots, ({ item }) => `${item.entry.writer} ${item.entry.chain}`);
  for (const chain of chains.values()) {
    const [first] = chain;
    if (!first) continue;
    const work = new ChainAmender(first, chain, options, signal);
    const done = await work.amend(chain);
    amended.push(...done);
    packs.push(...work.packs);
    bytes.read += work.bytesRead;
    bytes.written += work.bytesWritten;
  }
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
    this.#rewriter = new Rewriter(store, pool, this.#into);
    this.#pages = new PageReader({ store, place, pool });
    this.#sealPage = sealOnce((plain) => this.#into.seal(plain));
  }

  get bytesRead(): number {
    return this.#rewriter.bytesRead + this.#pages.bytesRead;
  }

  get bytesWritten(): number {
    return this.#manifestBytes + this.#into.packs.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get packs(): string[] {
    return this.#into.packs.map(({ ref }) => ref);
  }

  /** Segments and pages of all of them first, read back; then manifest and amendment of each. */
  async amend(chain: readonly LocatedSnapshot[]): Promise<AmendedSnapshot[]> {
    try {
      const drafts: Draft[] = [];
      for (const one of chain) drafts.push(await this.#draft(one));
      await this.#into.finish();
      const limit = pLimit(AT_ONCE);
      return await allOrFirstError(drafts.map((draft) => limit(() => this.#put(draft))));
    } catch (error) {
      await this.#into.abandon();
      throw error;
    }
  }

  async #draft(one: LocatedSnapshot): Promise<Draft> {
    throwIfCancelled(this.#signal);
    const { manifest, item } = one;
    const counts = new Map<string, StreamCounts>();
    const changes = await this.#changes(one, counts);
    const source = {
      pages: manifest.pages,
      refsOf: (index: number) => this.#pages.read(manifest.pages[index], this.#signal),
      seal: this.#sealPage,
    };
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
      const rewritten = await allOrFirstError(
        [...units].map(async ([ordinal, edit]) => ({
          ordinal,
          unit: await this.#rewriter.unit(edit, codec, this.#signal),
        })),
      );
      for (const { ordinal, unit } of rewritten) {
        for (let at = 0; at < unit.segments; at++)
          replaced.set(firstSegment + ordinal + at, at === 0 ? unit.refs : []);
        tally.segments += unit.refs.length - unit.segments;
        tally.rows -= unit.rowsDropped;
        tally.bytes += unit.bytesGrown;
      }
      counts.set(stream.name, tally);
    }
    await this.#wholeStreams(one, { replaced, inserted, counts });
    return { replaced, inserted };
  }

  async #wholeStreams(
    { manifest, whole }: LocatedSnapshot,
    {
      replaced,
      inserted,
      counts,
    }: {
      replaced: Map<number, readonly SegmentRef[]>;
      inserted: Map<number, readonly SegmentRef[]>;
      counts: Map<string, StreamCounts>;
    },
  ): Promise<void> {
    for (const { stream: name, drop, append } of whole) {
      const at = manifest.streams.findIndex((stream) => stream.name === name);
      const stream = manifest.streams[at];
      if (!stream) throw new Error(`the snapshot has no stream ${name}`);
      const first = manifest.streams.slice(0, at).reduce((sum, before) => sum + before.segments, 0);
      let tally: StreamCounts = counts.get(name) ?? stream;
      if (drop) {
        if (stream.dialect === 'pg-copy') throw noCopyDrop(name);
        for (let segment = 0; segment < stream.segments; segment++) replaced.set(first + segment, []);
        tally = { segments: 0, rows: 0, bytes: 0 };
      }
      if (append !== undefined) {
        const refs = await this.#rewriter.text(append);
        const end = first + stream.segments;
        inserted.set(end, [...(inserted.get(end) ?? []), ...refs]);
        const bytes = tally.bytes + Buffer.byteLength(append);
        tally = { rows: tally.rows, segments: tally.segments + refs.length, bytes };
      }
      counts.set(name, { segments: tally.segments, rows: tally.rows, bytes: tally.bytes });
    }
  }

  async #put({ one, counts, pages }: Draft): Promise<AmendedSnapshot> {
    throwIfCancelled(this.#signal);
    const { session, opener, recipients, signer, request, heads, locks, now } = this.#options;
    const { item } = one;
    const current = currentOf(item);
    const revision = nextRevision(item, current);
    const days = lifeLeft(one, now);
    const { plain } = await openManifestText(session, item, opener, this.#signal);
    const binding: Binding = {
      ...current.binding,
      revision,
      ledger_seen: heads,
      recipients: recipients.map((key) => key.getFingerprint()),
    };
    const folder = snapshotFolder(item.entry.set, days, item.entry.snapshot);
    const key = manifestKey(folder, revision);
    const text = amendManifest(
      plain,
      { binding, streams: counts, pages: pages.pages, also: withoutIndex },
      key,
    );
    const sealed = await new MessageSealer(recipients, signer).seal(text.plain);
    const needed = new Set([...pages.packs, ...(text.manifest.sidecar ?? []).map(({ pack }) => pack)]);
    const amendment = {
      kind: 'amendment',
      ...binding,
      life: days,
      reason: 'purge',
      request,
      manifest: { sha256: sha256Hex(sealed), bytes: sealed.length },
      packs: this.#sizes(needed, current.packs),
      entry: item.sha256,
    };
    const statementKey = amendmentKey(folder, revision);
    parseAmendment(amendment, item, { revision, days }, statementKey);
    const statement = await signStatement(amendment, signer);
    const lock = locks.ofManifest();
    const put = { ifAbsent: true, ...(lock && { lock }) };
    const { snapshot } = item.entry;
    await putAndReadBack(session.store, key, sealed, put, snapshot, this.#signal);
    await putAndReadBack(session.store, statementKey, statement, put, snapshot, this.#signal);
    this.#manifestBytes += sealed.length + statement.length;
    this.#options.onProgress(snapshot, sealed.length);
    return { snapshot, revision, sha256: sha256Hex(statement) };
  }

  /** The packs that are needed, sorted, with their sizes. */
  #sizes(
    needed: ReadonlySet<string>,
    before: readonly (readonly [string, number])[],
  ): (readonly [string, number])[] {
    const sizes = new Map(before);
    for (const { ref, bytes } of this.#into.packs) sizes.set(ref, bytes);
    return [...needed].sort().map((ref) => {
      const bytes = sizes.get(ref);
      if (bytes === undefined) throw new Error(`the size of pack ${ref} is not known`);
      return [ref, bytes] as const;
    });
  }
}

interface Draft {
  readonly one: LocatedSnapshot;
  readonly counts: ReadonlyMap<string, StreamCounts>;
  readonly pages: EditedPages;
}

/** An index still says that somebody is in a segment which is gone: without it, the segments are looked through. */
function withoutIndex(line: string): string | undefined {
  return line.startsWith('also index ') ? undefined : line;
}
