/** Segments as they are edited: whole rows, and each unit the same in all snapshots of a chain that have it. */
import { chainId, type SharedReader } from './shared-reader.ts';
import { SEGMENT_PLAIN_BYTES_MAX } from '../../openpgp/segment.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { Unit } from './located.ts';

/** A unit in its place in a stream. */
export interface PlacedUnit {
  readonly unit: Unit;
  /** Of its first segment within the stream. */
  readonly ordinal: number;
  /** What it is called among all units that are searched; the same bytes read otherwise at the start of a stream. */
  readonly id: string;
}

const FIRST = ' first';

/** The key of the unit that is called so. */
export function unitKeyOf(id: PlacedUnit['id']): Unit['key'] {
  return id.endsWith(FIRST) ? id.slice(0, -FIRST.length) : id;
}

/** Units of all streams so far: snapshots share them, and equal references in pages that they share. */
export class KnownUnits {
  readonly byKey = new Map<string, Unit>();
  readonly #byRef = new Map<SegmentRef, Unit>();

  /** The unit of one segment. */
  ofOne(place: ChainPlace, ref: SegmentRef): Unit {
    const known = this.#byRef.get(ref);
    if (known) return known;
    const unit = this.of(place, [ref]);
    this.#byRef.set(ref, unit);
    return unit;
  }

  of(place: ChainPlace, segments: readonly SegmentRef[]): Unit {
    const key = keyOf(place, segments);
    const unit = this.byKey.get(key) ?? { place, segments, key };
    this.byKey.set(key, unit);
    return unit;
  }
}

/**
 * The units of a stream.
 *
 * A segment as large as one may be is cut inside a row, or could be: whether it is, only its last byte says. What
 * follows belongs to it then, and does no harm otherwise.
 *
 * @param known - added to
 */
export async function unitsOf(
  groups: AsyncIterable<readonly SegmentRef[]>,
  place: ChainPlace,
  known: KnownUnits,
): Promise<readonly PlacedUnit[]> {
  const units: PlacedUnit[] = [];
  let run: SegmentRef[] = [];
  let ordinal = 0;
  const add = (unit: Unit): void => {
    units.push({ unit, ordinal, id: ordinal === 0 ? `${unit.key}${FIRST}` : unit.key });
    ordinal += unit.segments.length;
  };
  for await (const refs of groups)
    for (const ref of refs) {
      const isFull = ref.plain >= SEGMENT_PLAIN_BYTES_MAX;
      if (run.length === 0 && !isFull) add(known.ofOne(place, ref));
      else {
        run.push(ref);
        if (isFull) continue;
        add(known.of(place, run));
        run = [];
      }
    }
  if (run.length > 0) add(known.of(place, run));
  return units;
}

function keyOf(place: ChainPlace, segments: readonly SegmentRef[]): string {
  return `${chainId(place)}/${segments.map(({ pack, offset }) => `${pack}/${offset}`).join('+')}`;
}

/** Fetches and opens units of one chain, in order, many at a time. */
export async function* readUnits<T extends Pick<PlacedUnit, 'unit'>>(
  reader: Pick<SharedReader, 'open'>,
  units: readonly T[],
  name: string,
  signal: AbortSignal,
): AsyncGenerator<{ readonly placed: T; readonly plain: Buffer }> {
  const pieces = reader.open(segmentsOf(units), name, signal)[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  try {
    for (const placed of units) {
      let open = placed.unit.segments.reduce((sum, { plain }) => sum + plain, 0);
      const parts: Buffer[] = [];
      while (open > 0) {
        if (rest.length === 0) {
          const next = await pieces.next();
          if (next.done === true) throw new Error(`segments of ${name} are missing`);
          rest = next.value;
        }
        const part = rest.subarray(0, open);
        rest = rest.subarray(part.length);
        open -= part.length;
        parts.push(part);
      }
      yield { placed, plain: parts[0] !== undefined && parts.length === 1 ? parts[0] : Buffer.concat(parts) };
    }
  } finally {
    await pieces.return?.();
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- the reader takes references as they come
async function* segmentsOf(units: readonly Pick<PlacedUnit, 'unit'>[]): AsyncGenerator<SegmentRef> {
  for (const { unit } of units) yield* unit.segments;
}
