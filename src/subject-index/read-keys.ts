/**
 * The keys of one segment's rows, by comparison: what is looked for in them later. It runs where the segment is
 * sealed, for new segments only, while their plaintext is at hand.
 */
import { codecFor, type RowCodec, type Value } from '../rows/codec.ts';
import { valuesInside } from '../rows/key-pattern.ts';
import { PgCopyCodec } from '../rows/pg-copy-codec.ts';
import { CopyPlaces } from '../rows/pg-copy-places.ts';
import { keyOf, type Comparison } from '../subjects/compare.ts';
import { Distinct } from './distinct.ts';
import { HalfSipHash } from './half-siphash.ts';
import { integerIn, Runs } from './integers.ts';
import { hashOfKey, shortcutFor, writeKey } from './keys.ts';
import type { IndexedMatch, StreamPlan } from './plan.ts';

/** The keys of a segment for one comparison: hashes, each once, or (whole numbers in order) runs: first, last, first … */
export type SegmentKeys =
  | { readonly kind: 'hashes'; readonly hashes: Uint32Array }
  | { readonly kind: 'runs'; readonly runs: Float64Array };

/** What was read of a segment. */
export interface ReadSegment {
  /** In the order of the plan's matches. */
  readonly keys: readonly SegmentKeys[];
  /** Line ends, where they were counted on the way. */
  readonly lineEnds?: number;
}

export class KeyReader {
  readonly #plan: StreamPlan;
  readonly #codec: RowCodec;
  readonly #hash: HalfSipHash;
  /** What is read by the places of its bytes, with its slot among the wanted positions. */
  readonly #quick: readonly { readonly comparison: Comparison; readonly slot: number }[];
  readonly #positions: readonly number[];
  /** The header of the COPY block may be a row too, elsewhere: then the same bytes must not be known as one of both. */
  readonly #headerIsRow: boolean;
  readonly #places = new CopyPlaces();
  readonly #seen = new Distinct();

  constructor(plan: StreamPlan) {
    const { dialect, table, schema, encoding, matches } = plan;
    this.#plan = plan;
    this.#codec = codecFor(dialect, table, schema, encoding === undefined ? {} : { encoding });
    const names = [table.name, ...table.columns];
    this.#headerIsRow = table.columns.length === 1 || names.some((name) => name.includes('\t'));
    this.#hash = new HalfSipHash(Buffer.from(plan.hashKey, 'hex'));
    const positions = matches.filter(isQuick).map((match) => this.#position(match.columns[0] ?? ''));
    this.#positions = [...new Set(positions)].sort((a, b) => a - b);
    this.#quick = matches.filter(isQuick).map(({ comparisons: [comparison = EXACT] }, index) => ({
      comparison,
      slot: this.#positions.indexOf(positions[index] ?? -1),
    }));
  }

  /**
   * Reads a segment of whole rows.
   *
   * @param isFirst - the segment begins its stream
   * @returns undefined when the segment cannot be indexed: it is opened then whenever something is looked for
   */
  read(plain: Buffer, isFirst: boolean): ReadSegment | undefined {
    try {
      return this.#read(plain, isFirst);
    } catch {
      // A backup does not fail for want of an index: what this does not understand is looked through by a purge.
      return undefined;
    }
  }

  #read(plain: Buffer, isFirst: boolean): ReadSegment | undefined {
    const { matches } = this.#plan;
    const codec = this.#codec;
    if (!(codec instanceof PgCopyCodec))
      return { keys: matches.map((match) => this.#scan(plain, isFirst, match)) };
    if (this.#headerIsRow && (isFirst || plain.subarray(0, COPY.length).equals(COPY))) return undefined;
    const { from, to } = rowsIn(codec, plain, isFirst);
    if (this.#positions.length > 0 && !this.#places.find(plain, from, to, this.#positions)) return undefined;
    let quick = 0;
    const keys = matches.map((match) =>
      isQuick(match) ? this.#quickKeys(codec, plain, quick++) : this.#scan(plain, isFirst, match),
    );
    if (this.#positions.length === 0) return { keys };
    const around = [plain.subarray(0, from), plain.subarray(to)].join('').split('\n').length - 1;
    return { keys, lineEnds: this.#places.rows + around };
  }

  /** The keys of one column, from the places of its fields. */
  #quickKeys(codec: PgCopyCodec, plain: Buffer, index: number): SegmentKeys {
    const { comparison, slot } = this.#quick[index] ?? { comparison: EXACT, slot: 0 };
    const runs =
      comparison.form === 'exact' && comparison.kind === 'exact' ? this.#runs(plain, slot) : undefined;
    if (runs) return { kind: 'runs', runs };
    const { places, rows } = this.#places;
    const step = 2 * this.#positions.length;
    const position = this.#positions[slot] ?? 0;
    const form = shortcutFor(comparison);
    this.#seen.begin();
    for (let row = 0, at = 2 * slot; row < rows; row += 1, at += step) {
      const start = places[at] ?? 0;
      const end = places[at + 1] ?? 0;
      if (start >= 0 && form !== undefined) {
        if (form === 'exact') {
          this.#seen.add(this.#hash.of(plain, start, end));
          continue;
        }
        const key = end - start <= KEY.length ? KEY : Buffer.alloc(end - start);
        const length = writeKey(plain, start, end, form, key);
        if (length >= 0) this.#seen.add(this.#hash.of(key, 0, length));
      } else if (!isNull(plain, start, end)) {
        this.#addKey([codec.decode(plain, start < 0 ? ~start : start, end, position)], [comparison]);
      }
    }
    return { kind: 'hashes', hashes: this.#seen.take() };
  }

  /** The whole numbers of a column, when there is nothing else in it and they lie in runs. */
  #runs(plain: Buffer, slot: number): Float64Array | undefined {
    const { places, rows } = this.#places;
    const step = 2 * this.#positions.length;
    const runs = new Runs();
    for (let row = 0, at = 2 * slot; row < rows; row += 1, at += step) {
      const start = places[at] ?? 0;
      const end = places[at + 1] ?? 0;
      if (start < 0 && isNull(plain, start, end)) continue;
      const value = start < 0 ? NaN : integerIn(plain, start, end);
      if (Number.isNaN(value) || !runs.add(value)) return undefined;
    }
    return runs.isWorth() ? runs.finish() : undefined;
  }

  /** The keys of any comparison, from the values. */
  #scan(plain: Buffer, isFirst: boolean, match: IndexedMatch): SegmentKeys {
    const columns = 'json' in match ? [match.json] : match.columns;
    const wanted = columns.map((column) => this.#position(column));
    this.#seen.begin();
    this.#codec.scan(plain, isFirst, { wanted }, (values) => {
      if (!('json' in match)) this.#addKey(values, match.comparisons);
      else
        for (const value of valuesInside(values[0] ?? null, match.path, match.json))
          this.#addKey([value], match.comparisons);
    });
    return { kind: 'hashes', hashes: this.#seen.take() };
  }

  #addKey(values: readonly Value[], comparisons: readonly Comparison[]): void {
    const key = keyOf(values, comparisons);
    if (key !== null) this.#seen.add(hashOfKey(this.#hash, key));
  }

  #position(column: string): number {
    const position = this.#plan.table.columns.indexOf(column);
    if (position === -1) throw new Error(`the dump has no column ${column}`);
    return position;
  }
}

type QuickMatch = Extract<IndexedMatch, { readonly columns: readonly string[] }>;

function isQuick(match: IndexedMatch): match is QuickMatch {
  return 'columns' in match && match.columns.length === 1;
}

const EXACT: Comparison = { form: 'exact', kind: 'exact' };
const COPY = Buffer.from('COPY ');
const KEY = Buffer.alloc(4096);
const BACKSLASH = 0x5c;
const LETTER_N = 0x4e;

/** `\N`; its place is marked as not plain. */
function isNull(plain: Buffer, start: number, end: number): boolean {
  return start < 0 && end - ~start === 2 && plain[~start] === BACKSLASH && plain[end - 1] === LETTER_N;
}

/** Where the rows of a piece lie between a header and an end line. */
function rowsIn(
  codec: RowCodec,
  plain: Buffer,
  isFirst: boolean,
): { readonly from: number; readonly to: number } {
  let from = 0;
  if (isFirst) {
    for (const place of codec.rows(plain, true)) {
      if (!place.isRow) from = place.end;
      break;
    }
  }
  const hasEnd = plain.length - 3 >= from && plain.toString('latin1', plain.length - 3) === '\\.\n';
  const isEnd = hasEnd && (plain.length === 3 || plain[plain.length - 4] === 0x0a);
  return { from, to: isEnd ? plain.length - 3 : plain.length };
}
