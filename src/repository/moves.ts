/**
 * Segments that lie in other packs than they were put into: a purge that takes packs with erased segments out of the
 * store copies the living ones, sealed as they are, into new packs, and says in the ledger where they lie now. So a host
 * goes on to refer to them, and need not upload them again.
 */
import { byTime, retiredPlaces } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { knownEvents } from './ledger-events.ts';
import type { MovedRange, SegmentIndex } from './segment-index.ts';

/** A pack whose living segments were moved. */
export interface MovedPack {
  readonly writer: string;
  readonly chain: number;
  /** `NNN/ID`: where they lay. */
  readonly pack: string;
  /** In the order of `from`; what is in none of them was moved nowhere. */
  readonly ranges: readonly MovedRange[];
  /** Of the new packs. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The line that says so: whoever has seen it does not refer to the old place any more. */
  readonly line: { readonly writer: string; readonly seq: number };
}

/** All that were moved, in the order in which it happened. Throws MALFORMED. */
export function movedPacks(ledger: Ledger): MovedPack[] {
  const events = knownEvents(ledger).toSorted((a, b) => byTime(a.line, b.line));
  return events.flatMap((event) => {
    if (event.type !== 'amended') return [];
    const sizes = new Map(event.packs ?? []);
    const { writer: by, seq } = event.line;
    return (event.moved ?? []).map(([writer, chain, pack, ranges]) => ({
      ...{ writer, chain, pack, ranges, sizes },
      line: { writer: by, seq },
    }));
  });
}

/**
 * Tells the index of one chain what purges have done to its segments: which must not be referred to again, and which
 * lie elsewhere now. In the order in which it happened, since a segment may have been retired where it was moved to.
 * @returns how many segments it knew as they were before
 */
export function followPurges(index: SegmentIndex, ledger: Ledger, writer: string, chain: number): number {
  const moves = Map.groupBy(movedPacks(ledger), ({ line }) => `${line.writer} ${line.seq}`);
  const ours = (one: string, number: number) => one === writer && number === chain;
  let known = 0;
  for (const { event, writer: by, seq } of ledger.lines.toSorted(byTime)) {
    const places = (event.retired ?? []).filter(([one, number]) => ours(one, number));
    if (places.length > 0) known += index.retire(places.map(([, , ref, offset]) => [ref, offset]));
    for (const { writer: one, chain: number, pack, ranges, sizes } of moves.get(`${by} ${seq}`) ?? [])
      if (ours(one, number)) known += index.move(pack, ranges, sizes);
  }
  // Once more, since clocks of different operators are not in order.
  return known + index.retire(retiredPlaces(ledger, writer, chain));
}
