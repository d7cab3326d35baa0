/** Key pages after a purge: those that list a changed segment are written anew, the others stay as they are. */
import { hash } from 'node:crypto';
import { FORMAT } from '../../repository/layout.ts';
import { PAGE_SEGMENTS_MAX, formatRef } from '../../repository/pages.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { PageRef } from '../../repository/manifest.ts';

/** What happens to the segments of a snapshot, which are numbered from 0 through all of its streams. */
export interface SegmentChanges {
  /** By the segment's number: what takes its place. */
  readonly replaced: ReadonlyMap<number, readonly SegmentRef[]>;
  /** By the number of the segment before which they come; the number of all segments: at the end. */
  readonly inserted: ReadonlyMap<number, readonly SegmentRef[]>;
}

export interface PageSource {
  readonly pages: readonly PageRef[];
  /** The references of one page. */
  readonly refsOf: (index: number) => Promise<readonly SegmentRef[]>;
  /** Seals the plaintext of a new page. */
  readonly seal: (plain: Buffer) => Promise<SegmentRef>;
}

export interface EditedPages {
  readonly pages: readonly PageRef[];
  /** Every pack that pages or the segments in them lie in. */
  readonly packs: ReadonlySet<string>;
}

/** The pages that list a changed segment: by arithmetic, nothing is read. */
export function touchedPages(
  pages: readonly PageRef[],
  { replaced, inserted }: { replaced: ReadonlyMap<number, unknown>; inserted: ReadonlyMap<number, unknown> },
): number[] {
  const changed = [...replaced.keys(), ...inserted.keys()].sort((a, b) => a - b);
  const touched: number[] = [];
  let start = 0;
  let at = 0;
  for (const [index, { rows }] of pages.entries()) {
    const end = start + rows;
    const isLast = index === pages.length - 1;
    const before = at;
    while (at < changed.length && ((changed[at] ?? 0) < end || isLast)) at++;
    if (at > before) touched.push(index);
    start = end;
  }
  return touched;
}

/** Writes the touched pages anew. */
export async function editPages(source: PageSource, changes: SegmentChanges): Promise<EditedPages> {
  const touched = new Set(touchedPages(source.pages, changes));
  const pages: PageRef[] = [];
  const packs = new Set<string>();
  let start = 0;
  for (const [index, page] of source.pages.entries()) {
    const refs = await source.refsOf(index);
    const isLast = index === source.pages.length - 1;
    const listed = touched.has(index) ? edited(refs, start, isLast, changes) : refs;
    for (const pack of packsOf(listed)) packs.add(pack);
    if (touched.has(index)) pages.push(...(await sealPages(listed, source)));
    else pages.push(page);
    start += refs.length;
  }
  if (source.pages.length === 0) {
    const refs = changes.inserted.get(0) ?? [];
    for (const { pack } of refs) packs.add(pack);
    pages.push(...(await sealPages(refs, source)));
  }
  for (const { pack } of pages) packs.add(pack);
  return { pages, packs };
}

/** Packs of pages that are the same in many snapshots. */
const packsKnown = new WeakMap<readonly SegmentRef[], ReadonlySet<string>>();

function packsOf(refs: readonly SegmentRef[]): ReadonlySet<string> {
  const packs = packsKnown.get(refs) ?? new Set(refs.map(({ pack }) => pack));
  packsKnown.set(refs, packs);
  return packs;
}

function edited(
  refs: readonly SegmentRef[],
  start: number,
  isLast: boolean,
  { replaced, inserted }: SegmentChanges,
): SegmentRef[] {
  const listed = refs.flatMap((ref, index) => [
    ...(inserted.get(start + index) ?? []),
    ...(replaced.get(start + index) ?? [ref]),
  ]);
  return isLast ? [...listed, ...(inserted.get(start + refs.length) ?? [])] : listed;
}

async function sealPages(refs: readonly SegmentRef[], { seal }: PageSource): Promise<PageRef[]> {
  const pages: PageRef[] = [];
  for (let at = 0; at < refs.length; at += PAGE_SEGMENTS_MAX) {
    const some = refs.slice(at, at + PAGE_SEGMENTS_MAX);
    const ref = await seal(formatPage(some));
    pages.push({ ...ref, rows: some.length });
  }
  return pages;
}

/** The plaintext of a page; see `repository/pages.ts`. */
export function formatPage(refs: readonly SegmentRef[]): Buffer {
  const head = `${JSON.stringify({ format: FORMAT, kind: 'page' })}\n`;
  return Buffer.from(head + refs.map(formatRef).join(''), 'latin1');
}

/** Seals equal plaintexts once: snapshots that share a page share it afterwards too. */
export function sealOnce(
  seal: (plain: Buffer) => Promise<SegmentRef>,
): (plain: Buffer) => Promise<SegmentRef> {
  const known = new Map<string, Promise<SegmentRef>>();
  return (plain) => {
    const digest = hash('sha256', plain, 'hex');
    const found = known.get(digest) ?? seal(plain);
    known.set(digest, found);
    return found;
  };
}
