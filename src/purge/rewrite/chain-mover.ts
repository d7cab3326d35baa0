/**
 * Takes living segments of one chain out of packs that are to go: copied as they are, with their keys, into new packs;
 * then pages and manifests say where they lie. Nothing of it counts before the ledger names the amendments.
 */
import pLimit from 'p-limit';
import { currentOf } from '../../repository/catalog.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import { daysOfPack } from '../../repository/layout.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { LedgerHeads } from '../../repository/entry.ts';
import type { Manifest, PageRef } from '../../repository/manifest.ts';
import type { StoredPack } from '../../repository/packs.ts';
import { formatRef, parseRef } from '../../repository/pages.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { MovedRange } from '../../repository/segment-index.ts';
import { openManifest } from '../../restore/open.ts';
import { lifeLeft } from './amend.ts';
import type { ApplyOptions } from '../apply/apply-options.ts';
import { moveSegments } from './move-segments.ts';
import type { Sealed } from './move-segments.ts';
import type { Moves } from './moves.ts';
import { NewSegments, allOrFirstError } from './new-segments.ts';
import { formatPage, sealOnce } from './page-edit.ts';
import { PageReader } from './page-reader.ts';
import type { PutRevision } from '../../rotate/new-revision.ts';
import { putPurged } from './put-revision.ts';

/** Packs outlive the manifests that need them by a day and the midnight that stores round up to. */
const PACK_DAYS_MORE = 2;
const AT_ONCE = 4;
const SIDECAR = 'also sidecar ';

export interface ChainMove {
  readonly place: ChainPlace;
  /** Packs that are to go, `NNN/ID`. */
  readonly packs: ReadonlySet<string>;
  /** Every snapshot that lives, needs one of them and has a day left at least. */
  readonly items: readonly CatalogEntry[];
  /** Its writer may go on with the chain, and refer to what was moved. */
  readonly goesOn: boolean;
}

export interface MoverOptions extends Pick<
  ApplyOptions,
  'session' | 'opener' | 'pool' | 'recipients' | 'signer' | 'level' | 'locksAt' | 'onProgress'
> {
  /** As in the line of the ledger that will name the amendments. */
  readonly request: string;
  readonly heads: LedgerHeads;
  /** The store's clock. */
  readonly now: Date;
}

export interface ChainMoved {
  readonly amended: readonly PutRevision[];
  /** As in the ledger. */
  readonly moved: readonly (readonly [string, number, string, readonly MovedRange[]])[];
  readonly packs: readonly StoredPack[];
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

interface Opened {
  readonly item: CatalogEntry;
  readonly manifest: Manifest;
}

/**
 * Moves them.
 * @throws HoldfastError DAMAGED, REPLACEMENT_DIFFERS, REPLACEMENT_MISSING, and what stores and opening throw
 */
export async function moveChain(
  move: ChainMove,
  options: MoverOptions,
  signal: AbortSignal,
): Promise<ChainMoved> {
  const { place, packs, items } = move;
  const { session, pool, level, locksAt, now, opener } = options;
  const { store } = session;
  const opened: Opened[] = [];
  for (const item of items)
    opened.push({ item, manifest: await openManifest(session, item, opener, signal) });
  const pages = new PageReader({ store, place, pool });
  const left = Math.max(0, ...items.map((item) => lifeLeft({ item }, now))) + PACK_DAYS_MORE;
  const lockFor = locksAt(now).ofPack;
  // A host refers only to packs with the whole life of its own; where none does, they end with who needs them.
  const daysFor = (pack: string) => (move.goesOn ? daysOfPack(pack) : Math.min(left, daysOfPack(pack)));
  const living = await livingIn(packs, opened, pages, signal);
  const copied = await moveSegments(living, { store, place, daysFor, lockFor }, signal);
  const into = new NewSegments({ store, place, packDays: left, pool, level, lockFor, signal });
  const rewriter = { packs, pages, moves: copied.moves, seal: sealOnce((plain) => into.seal(plain)) };
  try {
    const drafts: (Opened & NewPages)[] = [];
    for (const one of opened) drafts.push({ ...one, ...(await movePages(one, rewriter, signal)) });
    await into.finish();
    const added = [...copied.packs, ...into.packs];
    const limit = pLimit(AT_ONCE);
    const put = await allOrFirstError(
      drafts.map((draft) => limit(() => putMoved(draft, { moves: copied.moves, added }, options, signal))),
    );
    const sum = (of: readonly { readonly bytes: number }[]) =>
      of.reduce((total, { bytes }) => total + bytes, 0);
    return {
      amended: put,
      moved: [...packs].sort().map((pack) => [place.writer, place.chain, pack, copied.moves.rangesOf(pack)]),
      packs: copied.packs,
      bytesRead: copied.bytesRead + pages.bytesRead,
      bytesWritten: sum(put) + sum(added),
    };
  } catch (error) {
    await into.abandon();
    throw error;
  }
}

/** Everything in these packs that one of the snapshots needs, but pages that are written anew. */
async function livingIn(
  packs: ReadonlySet<string>,
  opened: readonly Opened[],
  pages: PageReader,
  signal: AbortSignal,
): Promise<Sealed[]> {
  const living = new Map<string, Sealed>();
  const keep = ({ pack, offset, length, sha256 }: SegmentRef): void => {
    if (packs.has(pack)) living.set(`${pack} ${offset}`, { pack, offset, length, sha256 });
  };
  for (const { manifest } of opened) {
    for (const segment of manifest.sidecar ?? []) keep(segment);
    for (const page of manifest.pages) {
      const refs = await pages.read(page, signal);
      if (!refs.some(({ pack }) => packs.has(pack))) keep(page);
      for (const ref of refs) keep(ref);
    }
  }
  return [...living.values()];
}

interface PageRewriter {
  readonly packs: ReadonlySet<string>;
  readonly pages: PageReader;
  readonly moves: Moves;
  readonly seal: (plain: Buffer) => Promise<SegmentRef>;
}

interface NewPages {
  readonly pages: readonly PageRef[];
  /** Packs that pages and the segments in them lie in. */
  readonly needs: ReadonlySet<string>;
}

/** The pages of a snapshot: written anew where they list what was moved, else as they are, wherever they lie. */
async function movePages(
  { manifest }: Opened,
  { packs, pages, moves, seal }: PageRewriter,
  signal: AbortSignal,
): Promise<NewPages> {
  const moved: PageRef[] = [];
  const needs = new Set<string>();
  for (const page of manifest.pages) {
    const before = await pages.read(page, signal);
    const isTouched = before.some(({ pack }) => packs.has(pack));
    const refs = isTouched ? before.map((ref) => moves.follow(ref)) : before;
    for (const { pack } of refs) needs.add(pack);
    const now = isTouched ? { ...(await seal(formatPage(refs))), rows: refs.length } : moves.follow(page);
    needs.add(now.pack);
    moved.push(now);
  }
  return { pages: moved, needs };
}

async function putMoved(
  { item, pages, needs }: Opened & NewPages,
  { moves, added }: { readonly moves: Moves; readonly added: readonly StoredPack[] },
  options: MoverOptions,
  signal: AbortSignal,
): Promise<PutRevision> {
  const { now, locksAt, onProgress } = options;
  const what = currentOf(item).manifestKey;
  const also = (line: string): string =>
    line.startsWith(SIDECAR)
      ? `${SIDECAR}${formatRef(moves.follow(parseRef(line.slice(SIDECAR.length), what))).trimEnd()}`
      : line;
  const put = await putPurged(
    { item, days: lifeLeft({ item }, now), needs, packs: added, streams: new Map(), pages, also },
    { ...options, lock: locksAt(now).ofManifest() },
    signal,
  );
  onProgress(put.snapshot, put.bytes);
  return put;
}
