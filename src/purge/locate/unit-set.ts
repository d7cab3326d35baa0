/** Sets of units that are asked about for each segment of a set: without a name being made for each. */
import type { ChainPlace } from '../../repository/layout.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import { chainId } from './shared-reader.ts';

type SegmentPlace = Pick<SegmentRef, 'pack' | 'offset'>;

/** Between the segments of a unit's key. */
const AND = '+';

/** The key of one segment: of several, the last pack stands behind AND. */
const SINGLE = /^(.*)\/(\d{3,4}\/[0-9a-f]{16})\/(\d+)$/;

/**
 * The key of the unit of these segments.
 * @param chain - see `chainId`
 */
export function unitKeyFor(chain: string, segments: readonly SegmentPlace[]): string {
  return `${chain}/${segments.map(({ pack, offset }) => `${pack}/${offset}`).join(AND)}`;
}

/** Says of the segments of one chain whether the unit of each is in a set. */
export type HasSegment = (segment: SegmentPlace) => boolean;

export class UnitSet {
  /** Of units of one segment: offsets by pack, by chain. */
  readonly #chains = new Map<string, Map<string, Set<number>>>();
  /** Keys of units of several segments, and whatever else somebody calls a key. */
  readonly #runs = new Set<string>();

  /** @param keys - as `unitKeyFor` makes them */
  static of(keys: Iterable<string>): UnitSet {
    const units = new UnitSet();
    for (const key of keys) {
      const [, chain, pack, offset] = SINGLE.exec(key) ?? [];
      if (chain === undefined || pack === undefined) units.#runs.add(key);
      else units.#add(chain, pack, Number(offset));
    }
    return units;
  }

  add(place: ChainPlace, segments: readonly SegmentPlace[]): void {
    const [first] = segments;
    if (first === undefined) return;
    if (segments.length > 1) this.#runs.add(unitKeyFor(chainId(place), segments));
    else this.#add(chainId(place), first.pack, first.offset);
  }

  /** Many units of one segment. */
  addOnes(place: ChainPlace, segments: readonly SegmentPlace[]): void {
    const packs = this.#packsOf(chainId(place));
    let pack = '';
    let offsets = new Set<number>();
    for (const segment of segments) {
      if (segment.pack !== pack) [pack, offsets] = [segment.pack, offsetsOf(packs, segment.pack)];
      offsets.add(segment.offset);
    }
  }

  /** The units of one segment of a chain. */
  ofChain(place: ChainPlace): HasSegment {
    const chain = chainId(place);
    const packs = this.#chains.get(chain);
    const runs = this.#runs;
    return (one) =>
      packs?.get(one.pack)?.has(one.offset) === true || (runs.size > 0 && runs.has(unitKeyFor(chain, [one])));
  }

  /** True for a unit; one of several segments counts only as a whole, since rows run through it. */
  has(place: ChainPlace, segments: readonly SegmentPlace[]): boolean {
    const [first] = segments;
    if (first !== undefined && segments.length === 1) return this.ofChain(place)(first);
    return this.#runs.has(unitKeyFor(chainId(place), segments));
  }

  /** How many segments they are. */
  get segments(): number {
    let count = 0;
    for (const packs of this.#chains.values()) for (const { size } of packs.values()) count += size;
    for (const run of this.#runs) count += run.split(AND).length;
    return count;
  }

  /** Those that are not among others. */
  without(others: UnitSet): UnitSet {
    const rest = new UnitSet();
    for (const [chain, packs] of this.#chains) {
      const not = others.#chains.get(chain);
      const left = [...packs].map(([pack, offsets]) => {
        const gone = not?.get(pack);
        return [pack, gone ? new Set([...offsets].filter((at) => !gone.has(at))) : offsets] as const;
      });
      rest.#chains.set(chain, new Map(left));
    }
    for (const run of this.#runs) if (!others.#runs.has(run)) rest.#runs.add(run);
    return rest;
  }

  #add(chain: string, pack: string, offset: number): void {
    offsetsOf(this.#packsOf(chain), pack).add(offset);
  }

  #packsOf(chain: string): Map<string, Set<number>> {
    const packs = this.#chains.get(chain) ?? new Map<string, Set<number>>();
    this.#chains.set(chain, packs);
    return packs;
  }
}

function offsetsOf(packs: Map<string, Set<number>>, pack: string): Set<number> {
  const offsets = packs.get(pack) ?? new Set<number>();
  packs.set(pack, offsets);
  return offsets;
}
