/** Segments as they are edited: whole rows, and each unit the same in all snapshots of a chain that have it. */
import { chainId, type SharedReader } from './shared-reader.ts';
import { unitKeyFor, UnitSet } from './unit-set.ts';
import { SEGMENT_PLAIN_BYTES_MAX } from '../../openpgp/segment.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { PagePart } from '../../restore/reader.ts';
import type { Unit } from './located.ts';

/** A unit in its place in a stream. */
export interface PlacedUnit {
  readonly unit: Unit;
  /** Of its first segment within the stream. */
  readonly ordinal: number;
  /** What it is called among all units that are searched; the same bytes read otherwise at the start of a stream. */
  readonly id: string;
}

/** Units that follow each other: the same object in every snapshot that shares the page which lists them. */
export interface Stretch {
  readonly units: readonly Unit[];
  /** Where each begins: segments before it, counted from the first of the stretch. */
  readonly starts: readonly number[];
  /** It begins a stream. */
  readonly isFirst: boolean;
}

/** A stretch in its place in a stream. */
export interface PlacedStretch {
  readonly stretch: Stretch;
  /** Of its first segment within the stream. */
  readonly ordinal: number;
}

const FIRST = ' first';

/** What a unit of a stretch is called; see `PlacedUnit`. */
export function unitIdIn(stretch: Stretch, at: number, { key }: Unit): string {
  return beginsStream(stretch, at) ? `${key}${FIRST}` : key;
}

/** True when nothing of its stream comes before a unit of a stretch. */
export function beginsStream({ isFirst, starts }: Stretch, at: number): boolean {
  return isFirst && starts[at] === 0;
}

/** The units of these stretches, in order. */
function* unitsIn(stretches: Iterable<PlacedStretch>): Generator<PlacedUnit> {
  for (const { stretch, ordinal } of stretches)
    for (const [at, unit] of stretch.units.entries())
      yield { unit, ordinal: ordinal + (stretch.starts[at] ?? 0), id: unitIdIn(stretch, at, unit) };
}

/** The units with these ordinals, in order. */
export function* unitsAt(
  stretches: readonly PlacedStretch[],
  ordinals: ReadonlySet<number>,
): Generator<PlacedUnit> {
  const wanted = [...ordinals].sort((a, b) => a - b);
  let at = 0;
  for (const [index, placed] of stretches.entries()) {
    const end = stretches[index + 1]?.ordinal ?? Infinity;
    if ((wanted[at] ?? Infinity) >= end) continue;
    for (const one of unitsIn([placed])) if (ordinals.has(one.ordinal)) yield one;
    while ((wanted[at] ?? Infinity) < end) at += 1;
  }
}

/** Which units are of interest: of the others nothing is kept but that they are there. */
export interface UnitFilter {
  /** None but these. */
  readonly only?: UnitSet | undefined;
  /** All but these. */
  readonly quiet?: UnitSet | undefined;
}

/** Units of all streams so far: snapshots share them, and equal references in pages that they share. */
export class KnownUnits {
  readonly byKey = new Map<string, Unit>();
  /** All of them, of interest or not. */
  readonly all = new UnitSet();
  readonly #filter: UnitFilter;
  readonly #byRef = new Map<SegmentRef, Unit>();
  /** By what a page lists, and then by the part of it. */
  readonly #stretches = new WeakMap<readonly SegmentRef[], Map<string, Stretch | undefined>>();

  constructor(filter: UnitFilter = {}) {
    this.#filter = filter;
  }

  of(place: ChainPlace, segments: readonly SegmentRef[]): Unit {
    const key = unitKeyFor(chainId(place), segments);
    const unit = this.byKey.get(key) ?? { place, segments, key };
    this.byKey.set(key, unit);
    return unit;
  }

  /** The part of a page; undefined when one of its segments may end inside a row. */
  stretch(place: ChainPlace, { refs, from, to }: PagePart, isFirst: boolean): Stretch | undefined {
    const parts = this.#stretches.get(refs) ?? new Map<string, Stretch | undefined>();
    this.#stretches.set(refs, parts);
    const name = `${from} ${to}${isFirst ? FIRST : ''}`;
    const known = parts.get(name);
    if (known !== undefined || parts.has(name)) return known;
    const some = refs.slice(from, to);
    const stretch = some.some(isFull) ? undefined : { ...this.#ofOnes(place, some), isFirst };
    parts.set(name, stretch);
    return stretch;
  }

  /** A unit of its own. */
  single(place: ChainPlace, segments: readonly SegmentRef[], isFirst: boolean): Stretch {
    const { only, quiet } = this.#filter;
    this.all.add(place, segments);
    const isWorth = only?.has(place, segments) !== false && quiet?.has(place, segments) !== true;
    return isWorth
      ? { units: [this.of(place, segments)], starts: [0], isFirst }
      : { units: [], starts: [], isFirst };
  }

  #ofOnes(place: ChainPlace, refs: readonly SegmentRef[]): Pick<Stretch, 'units' | 'starts'> {
    const [only, quiet] = [this.#filter.only?.ofChain(place), this.#filter.quiet?.ofChain(place)];
    const units: Unit[] = [];
    const starts: number[] = [];
    this.all.addOnes(place, refs);
    for (const [at, ref] of refs.entries()) {
      if (only?.(ref) === false || quiet?.(ref) === true) continue;
      units.push(this.#ofOne(place, ref));
      starts.push(at);
    }
    return { units, starts };
  }

  #ofOne(place: ChainPlace, ref: SegmentRef): Unit {
    const known = this.#byRef.get(ref);
    if (known) return known;
    const unit = this.of(place, [ref]);
    this.#byRef.set(ref, unit);
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
export async function stretchesOf(
  parts: AsyncIterable<PagePart>,
  place: ChainPlace,
  known: KnownUnits,
): Promise<readonly PlacedStretch[]> {
  const stretches: PlacedStretch[] = [];
  let run: SegmentRef[] = [];
  let ordinal = 0;
  const add = (stretch: Stretch, segments: number): void => {
    stretches.push({ stretch, ordinal });
    ordinal += segments;
  };
  const addOne = (segments: readonly SegmentRef[]): void =>
    add(known.single(place, segments, ordinal === 0), segments.length);
  for await (const part of parts) {
    const stretch = run.length === 0 ? known.stretch(place, part, ordinal === 0) : undefined;
    if (stretch !== undefined) {
      add(stretch, part.to - part.from);
      continue;
    }
    for (const ref of part.refs.slice(part.from, part.to)) {
      if (run.length === 0 && !isFull(ref)) addOne([ref]);
      else {
        run.push(ref);
        if (isFull(ref)) continue;
        addOne(run);
        run = [];
      }
    }
  }
  if (run.length > 0) addOne(run);
  return stretches;
}

/** The same, one by one. */
export async function unitsOf(
  parts: AsyncIterable<PagePart>,
  place: ChainPlace,
  known: KnownUnits,
): Promise<readonly PlacedUnit[]> {
  return [...unitsIn(await stretchesOf(parts, place, known))];
}

function isFull({ plain }: SegmentRef): boolean {
  return plain >= SEGMENT_PLAIN_BYTES_MAX;
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
