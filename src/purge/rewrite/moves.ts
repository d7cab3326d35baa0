/** Where sealed segments lie after they were copied into other packs. Pure. */
import type { SegmentRef } from '../../repository/pages.ts';
import type { MovedRange } from '../../repository/segment-index.ts';

/** Bytes in a pack. */
export type Place = Pick<SegmentRef, 'pack' | 'offset' | 'length'>;

export class Moves {
  readonly #places = new Map<string, Pick<SegmentRef, 'pack' | 'offset'>>();
  readonly #ranges = new Map<string, MovedRange[]>();

  /** In the order of `from` within each pack. What follows on both sides is told as one range. */
  add(from: Place, to: Pick<SegmentRef, 'pack' | 'offset'>): void {
    this.#places.set(nameOf(from), to);
    const ranges = this.#ranges.get(from.pack) ?? [];
    const last = ranges.at(-1);
    const [at = 0, bytes = 0, pack, offset = 0] = last ?? [];
    const follows = pack === to.pack && at + bytes === from.offset && offset + bytes === to.offset;
    if (last && follows) ranges[ranges.length - 1] = [at, bytes + from.length, to.pack, offset];
    else ranges.push([from.offset, from.length, to.pack, to.offset]);
    this.#ranges.set(from.pack, ranges);
  }

  /** The reference as it is now; its own when it was not moved. */
  follow<T extends Place>(ref: T): T {
    const to = this.#places.get(nameOf(ref));
    return to ? { ...ref, ...to } : ref;
  }

  /** What was moved out of a pack, in order. */
  rangesOf(pack: string): readonly MovedRange[] {
    return this.#ranges.get(pack) ?? [];
  }
}

function nameOf({ pack, offset }: Pick<Place, 'pack' | 'offset'>): string {
  return `${pack} ${offset}`;
}

/** Segments that are read together: gaps between them are read along, as long as they are small. */
export function readsOf<T extends Place>(sorted: readonly T[], gapMax: number): T[][] {
  const reads: T[][] = [];
  let end = 0;
  for (const place of sorted) {
    const last = reads.at(-1);
    if (last && place.offset - end <= gapMax) last.push(place);
    else reads.push([place]);
    end = place.offset + place.length;
  }
  return reads;
}
