/** What a purge says in the ledger before it changes anything: which snapshots, and which segments nobody may use again. */
import type { NewEvent } from '../../repository/ledger-writer.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { RetiredPlace } from '../../repository/purges.ts';
import { isTouched } from '../rewrite/amend.ts';
import type { LocatedSnapshot } from '../locate/located.ts';
import { touchedPages } from '../rewrite/page-edit.ts';
import type { PurgePlan } from '../plan/request.ts';

/** Every segment and page that the purge replaces. A host knows pages as segments too. */
export function retirements(snapshots: readonly LocatedSnapshot[]): RetiredPlace[] {
  const found = new Map<string, RetiredPlace>();
  for (const one of snapshots.filter(isTouched)) {
    const { writer, chain } = one.item.entry;
    const retire = ({ pack, offset }: SegmentRef) =>
      found.set(`${writer} ${chain} ${pack} ${offset}`, [writer, chain, pack, offset]);
    for (const { units } of one.streams.values())
      for (const { unit } of units.values()) for (const ref of unit.segments) retire(ref);
    for (const { segments = [] } of one.whole) for (const ref of segments) retire(ref);
    for (const { segments } of one.archive?.runs ?? []) for (const ref of segments) retire(ref);
    const { pages } = one.manifest;
    for (const index of touchedPages(pages, numbersOf(one))) {
      const page = pages[index];
      if (page) retire(page);
    }
  }
  return [...found.values()].sort(byPlace);
}

/** The numbers of the segments that change, and of those before which something comes. */
function numbersOf({ manifest, streams, whole, archive }: LocatedSnapshot) {
  const replaced = new Map<number, true>();
  const inserted = new Map<number, true>();
  for (const { firstSegment, units } of streams.values())
    for (const [ordinal, { unit }] of units)
      for (let at = 0; at < unit.segments.length; at++) replaced.set(firstSegment + ordinal + at, true);
  for (const { ordinal, segments } of archive?.runs ?? [])
    for (let at = 0; at < segments.length; at++)
      replaced.set((archive?.firstSegment ?? 0) + ordinal + at, true);
  for (const { stream: name, drop, append } of whole) {
    let first = 0;
    for (const stream of manifest.streams) {
      if (stream.name === name) {
        for (let at = 0; drop && at < stream.segments; at++) replaced.set(first + at, true);
        if (append !== undefined) inserted.set(first + stream.segments, true);
      }
      first += stream.segments;
    }
  }
  return { replaced, inserted };
}

function byPlace(a: RetiredPlace, b: RetiredPlace): number {
  const [one, other] = [a.join(' '), b.join(' ')];
  return one < other ? -1 : one > other ? 1 : 0;
}

export interface IntentExtras {
  /** As the suppression objects were put. */
  readonly suppression?: object | undefined;
  /** Packs with erased segments are to go. */
  readonly rewritePacks?: boolean;
  /** The statement of a second person. */
  readonly approval?: string | undefined;
  /** Of a whole set: chains that go, as their folders are named. */
  readonly chains?: readonly string[];
}

/** A line that announces these snapshots. */
export function intentEvent(
  plan: PurgePlan,
  snapshots: readonly string[],
  retired: readonly RetiredPlace[],
  { suppression, rewritePacks = false, approval, chains }: IntentExtras,
): NewEvent {
  return {
    type: 'purge-intent',
    id: plan.id,
    ...(plan.ref !== undefined && { ref: plan.ref }),
    subject: plan.alias,
    ...(plan.whole ? { whole: true } : { map: plan.mapSha256 }),
    plan: plan.sha256,
    snapshots: [...snapshots],
    ...(chains && { chains: [...chains] }),
    ...(suppression && { suppression }),
    ...(rewritePacks && { rewrite_packs: true }),
    ...(approval !== undefined && { approval }),
    retired: retired.map(([writer, chain, pack, offset]) => [writer, chain, pack, offset]),
  };
}
