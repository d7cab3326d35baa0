/**
 * Looking for rows in the units of all snapshots at once.
 *
 * A unit that many snapshots share is opened once for what is asked, and what was found is kept: whoever asks for the
 * same keys again, for another snapshot, is answered from that. So is exactly who asks for fewer.
 */
import pLimit from 'p-limit';
import { KeyFilter, type RowCodec, type Value } from '../../rows/codec.ts';
import { matches, type Query, type ReadColumn } from '../../subjects/access.ts';
import { columnMissing } from '../../subjects/closure-errors.ts';
import { columnsOf, type Match } from '../../subjects/relations.ts';
import { throwIfCancelled } from '../../errors.ts';
import type { SegmentHints } from './access.ts';
import { allOrFirstError } from '../rewrite/new-segments.ts';
import { chainId, type SharedReader } from './shared-reader.ts';
import type { Unit } from './located.ts';
import { beginsStream, readUnits, unitIdIn } from './units.ts';
import type { PlacedStretch, PlacedUnit, Stretch } from './units.ts';
import type { PreparedStream } from './prepare.ts';

/** Streams whose pages are read at once. */
const STREAMS_AT_ONCE = 3;
/** Chains that are looked through at once: each has some ranges of packs in memory. */
const CHAINS_AT_ONCE = 3;

/** A row that matched something that was asked. */
export interface FoundRow {
  /** Within the unit's plaintext. */
  readonly start: number;
  readonly end: number;
  /** Of the columns that the search keeps. */
  readonly values: readonly Value[];
}

/** Rows that were found in one unit. */
export interface FoundUnit {
  readonly placed: PlacedUnit;
  readonly rows: Iterable<FoundRow>;
}

/** A unit as it is searched, wherever snapshots have it. */
type SearchedUnit = Pick<PlacedUnit, 'unit' | 'id'> & { readonly isFirst: boolean };

export interface SearchOptions {
  readonly hints?: SegmentHints;
  readonly signal: AbortSignal;
  /** Called for each unit that was opened. */
  readonly onOpened: (placed: Pick<PlacedUnit, 'unit'>) => void;
}

/** The streams of one layout, in all snapshots. */
export class LayoutSearch {
  readonly table: string;
  readonly #streams: readonly PreparedStream[];
  readonly #codec: RowCodec;
  readonly #options: SearchOptions;
  readonly #asked = new Map<string, Set<string>>();
  /** Also what was forgotten since, when more columns were wanted. */
  readonly #everAsked = new Map<string, Set<string>>();
  readonly #everLoud = new Map<string, Unit>();
  readonly #found = new Map<string, Map<number, FoundRow>>();
  /** Of each stretch, the places of units with rows; forgotten when there are further units. */
  readonly #loud = new Map<Stretch, readonly number[]>();
  #columns: readonly string[];
  #units: Promise<ReadonlyMap<SharedReader, readonly SearchedUnit[]>> | undefined;

  /**
   * @param streams - at least one; all of one layout
   * @param columns - to be kept of rows that are found; those that the rows lack are left out
   */
  constructor(
    table: string,
    [first, ...others]: readonly [PreparedStream, ...PreparedStream[]],
    columns: Iterable<string>,
    options: SearchOptions,
  ) {
    this.table = table;
    this.#streams = [first, ...others];
    this.#codec = first.codec;
    this.#options = options;
    this.#columns = [...columns].filter((column) => this.#codec.columns.includes(column));
  }

  /** The rows that were found in a stream so far, in its order; `reader` reads the columns of one. */
  *rowsIn(stretches: Iterable<PlacedStretch>): Generator<FoundUnit> {
    for (const { stretch, ordinal } of stretches)
      for (const at of this.#loudIn(stretch)) {
        const unit = stretch.units[at];
        if (unit === undefined) continue;
        const id = unitIdIn(stretch, at, unit);
        const placed = { unit, ordinal: ordinal + (stretch.starts[at] ?? 0), id };
        yield { placed, rows: this.#found.get(id)?.values() ?? [] };
      }
  }

  #loudIn(stretch: Stretch): readonly number[] {
    const known = this.#loud.get(stretch);
    if (known !== undefined) return known;
    const places: number[] = [];
    for (const [at, unit] of stretch.units.entries())
      if (this.#found.has(unitIdIn(stretch, at, unit))) places.push(at);
    this.#loud.set(stretch, places);
    return places;
  }

  /** The units with a row that was found at any time. */
  get unitsWithRows(): Iterable<Unit> {
    return this.#everLoud.values();
  }

  /** Everything that was asked at any time, in an order of its own: by match, its keys. */
  get questions(): readonly (readonly [match: string, keys: readonly string[]])[] {
    return [...this.#everAsked].map(([match, keys]) => [match, [...keys].sort()] as const).sort(byFirst);
  }

  /** A row that was found, by its place. */
  row(placed: PlacedUnit, start: number): FoundRow | undefined {
    return this.#found.get(placed.id)?.get(start);
  }

  /** Reads a column of a row that was found; NULL where the dump leaves out what the database computes. */
  reader({ values }: FoundRow): ReadColumn {
    return (column) => values[this.#columns.indexOf(column)] ?? null;
  }

  /** Makes sure that all rows which match one of the queries are found, in all snapshots. */
  async find(queries: readonly Query[], need: readonly string[]): Promise<void> {
    for (const column of queries.flatMap(({ match }) => columnsOf(match)))
      if (!this.#codec.columns.includes(column)) throw columnMissing(this.table, column);
    this.#keep([...queries.flatMap(({ match }) => columnsOf(match)), ...need]);
    const open = queries.flatMap((query) => this.#open(query));
    if (open.length === 0) return;
    const visit = this.#visitor(open);
    const { hints, signal, onOpened } = this.#options;
    const lookThrough = async (reader: SharedReader, units: readonly SearchedUnit[]): Promise<void> => {
      const worth = await narrowed(hints, this.table, units, open, signal);
      for await (const { placed, plain } of readUnits(reader, worth, this.table, signal)) {
        throwIfCancelled(signal);
        onOpened(placed);
        visit(placed, plain);
      }
    };
    const limit = pLimit(CHAINS_AT_ONCE);
    const chains = await this.#unitsByChain();
    await allOrFirstError([...chains].map(([reader, units]) => limit(() => lookThrough(reader, units))));
    for (const { match, keys } of open)
      for (const asked of [this.#askedFor(match), setFor(this.#everAsked, nameOf(match))])
        for (const key of keys) asked.add(key);
  }

  /** What of the query was not asked before. */
  #open({ match, keys }: Query): readonly Query[] {
    const asked = this.#askedFor(match);
    const open = asked.size === 0 ? keys : new Set([...keys].filter((key) => !asked.has(key)));
    return open.size === 0 ? [] : [{ match, keys: open }];
  }

  #askedFor(match: Match): Set<string> {
    return setFor(this.#asked, nameOf(match));
  }

  /** Columns that nobody thought of before: what was found lacks them, so it is looked for again. */
  #keep(columns: readonly string[]): void {
    const more = columns.filter((column) => !this.#columns.includes(column));
    const there = [...new Set(more)].filter((column) => this.#codec.columns.includes(column));
    if (there.length === 0) return;
    this.#columns = [...this.#columns, ...there];
    this.#asked.clear();
    this.#found.clear();
    this.#loud.clear();
  }

  async #unitsByChain(): Promise<ReadonlyMap<SharedReader, readonly SearchedUnit[]>> {
    return (this.#units ??= gather(this.#streams, this.#options.signal));
  }

  /** Looks through one unit for everything that is open: quickly for exact keys, row by row for the rest. */
  #visitor(open: readonly Query[]): (placed: SearchedUnit, plain: Buffer) => void {
    const codec = this.#codec;
    const kept = this.#columns.map((column) => codec.columns.indexOf(column));
    const scans = open.map((query) => ({ query, only: exactPart(query, codec) }));
    const slow = scans.filter(({ only }) => only === undefined).map(({ query }) => query);
    const compared = [...new Set(slow.flatMap(({ match }) => columnsOf(match)))];
    const positions = compared.map((column) => codec.columns.indexOf(column));
    return (placed, plain) => {
      const { isFirst } = placed;
      for (const { query, only } of scans) {
        if (only === undefined) continue;
        codec.scan(plain, isFirst, { wanted: kept, only }, (values, start, end) => {
          const row = { start, end, values };
          if (matches(query, this.reader(row), this.table)) this.#add(placed, row);
        });
      }
      if (slow.length === 0) return;
      codec.scan(plain, isFirst, { wanted: positions }, (values, start, end) => {
        const read: ReadColumn = (column) => values[compared.indexOf(column)] ?? null;
        if (!slow.some((query) => matches(query, read, this.table))) return;
        this.#add(placed, { start, end, values: codec.read(plain.subarray(start, end), kept) });
      });
    };
  }

  #add({ id, unit }: SearchedUnit, row: FoundRow): void {
    let rows = this.#found.get(id);
    if (rows === undefined) {
      rows = new Map();
      this.#found.set(id, rows);
      this.#everLoud.set(unit.key, unit);
      this.#loud.clear();
    }
    if (!rows.has(row.start)) rows.set(row.start, row);
  }
}

function nameOf(match: Match): string {
  return JSON.stringify({ ...match, when: [...match.when] });
}

function setFor(sets: Map<string, Set<string>>, name: string): Set<string> {
  const found = sets.get(name) ?? new Set<string>();
  sets.set(name, found);
  return found;
}

function byFirst([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function narrowed(
  hints: SegmentHints | undefined,
  table: string,
  units: readonly SearchedUnit[],
  queries: readonly Query[],
  signal: AbortSignal,
): Promise<readonly SearchedUnit[]> {
  if (hints === undefined) return units;
  const all = units.map(({ unit }) => unit);
  const worth = new Set(await hints.narrow(table, all, queries, signal));
  return units.filter(({ unit }) => worth.has(unit));
}

/** Every unit once, by a reader of its chain, in an order in which neighbours in a pack are read together. */
async function gather(
  streams: readonly PreparedStream[],
  signal: AbortSignal,
): Promise<ReadonlyMap<SharedReader, readonly SearchedUnit[]>> {
  const readers = new Map<string, SharedReader>();
  const byChain = new Map<SharedReader, Map<string, SearchedUnit>>();
  const seen = new Set<Stretch>();
  const limit = pLimit(STREAMS_AT_ONCE);
  const placed = await allOrFirstError(streams.map((stream) => limit(() => stream.stretches(signal))));
  for (const [index, stream] of streams.entries()) {
    const chain = chainId(stream.place);
    const reader = readers.get(chain) ?? stream.reader;
    readers.set(chain, reader);
    const units = byChain.get(reader) ?? new Map<string, SearchedUnit>();
    byChain.set(reader, units);
    for (const { stretch } of placed[index] ?? []) {
      if (seen.has(stretch)) continue;
      seen.add(stretch);
      for (const [at, unit] of stretch.units.entries()) {
        const id = unitIdIn(stretch, at, unit);
        if (!units.has(id)) units.set(id, { unit, id, isFirst: beginsStream(stretch, at) });
      }
    }
  }
  return new Map([...byChain].map(([reader, units]) => [reader, [...units.values()]]));
}

/** A column of the query that can be compared byte by byte, with its keys; undefined when there is none. */
function exactPart(
  { match, keys }: Query,
  codec: RowCodec,
): { readonly position: number; readonly keys: KeyFilter } | undefined {
  if (match.kind === 'json') return undefined;
  const part = match.comparisons.findIndex(({ form, kind }) => form === 'exact' && kind === 'exact');
  const column = match.columns[part];
  if (column === undefined) return undefined;
  const isWhole = match.comparisons.length === 1;
  const values = [...keys].map((key) => (isWhole ? key : ((JSON.parse(key) as string[])[part] ?? '')));
  return { position: codec.columns.indexOf(column), keys: new KeyFilter(new Set(values)) };
}
