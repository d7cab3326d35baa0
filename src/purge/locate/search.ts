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
import { readUnits, unitKeyOf, type PlacedUnit } from './units.ts';
import type { PreparedStream } from './prepare.ts';

/** Streams whose pages are read at once. */
const STREAMS_AT_ONCE = 3;

/** A row that matched something that was asked. */
export interface FoundRow {
  /** Within the unit's plaintext. */
  readonly start: number;
  readonly end: number;
  /** Of the columns that the search keeps. */
  readonly values: readonly Value[];
}

export interface SearchOptions {
  readonly hints?: SegmentHints;
  readonly signal: AbortSignal;
  /** Called for each unit that was opened. */
  readonly onOpened: (placed: PlacedUnit) => void;
}

/** The streams of one layout, in all snapshots. */
export class LayoutSearch {
  readonly table: string;
  readonly #streams: readonly PreparedStream[];
  readonly #codec: RowCodec;
  readonly #options: SearchOptions;
  readonly #asked = new Map<string, Set<string>>();
  readonly #found = new Map<string, Map<number, FoundRow>>();
  #columns: readonly string[];
  #units: Promise<ReadonlyMap<SharedReader, readonly PlacedUnit[]>> | undefined;

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

  /** The rows that were found in a unit so far; `read` reads the columns of one. */
  rowsOf(placed: PlacedUnit): Iterable<FoundRow> {
    return this.#found.get(placed.id)?.values() ?? [];
  }

  /** Keys of the units with a row that was found. */
  *unitsWithRows(): Iterable<string> {
    for (const [id, rows] of this.#found) if (rows.size > 0) yield unitKeyOf(id);
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
    for (const [reader, units] of await this.#unitsByChain()) {
      const { hints, signal, onOpened } = this.#options;
      const worth = await narrowed(hints, this.table, units, open, signal);
      for await (const { placed, plain } of readUnits(reader, worth, this.table, signal)) {
        throwIfCancelled(signal);
        onOpened(placed);
        visit(placed, plain);
      }
    }
    for (const { match, keys } of open) {
      const asked = this.#askedFor(match);
      for (const key of keys) asked.add(key);
    }
  }

  /** What of the query was not asked before. */
  #open({ match, keys }: Query): readonly Query[] {
    const asked = this.#askedFor(match);
    const open = asked.size === 0 ? keys : new Set([...keys].filter((key) => !asked.has(key)));
    return open.size === 0 ? [] : [{ match, keys: open }];
  }

  #askedFor(match: Match): Set<string> {
    const name = JSON.stringify({ ...match, when: [...match.when] });
    const asked = this.#asked.get(name) ?? new Set<string>();
    this.#asked.set(name, asked);
    return asked;
  }

  /** Columns that nobody thought of before: what was found lacks them, so it is looked for again. */
  #keep(columns: readonly string[]): void {
    const more = columns.filter((column) => !this.#columns.includes(column));
    const there = [...new Set(more)].filter((column) => this.#codec.columns.includes(column));
    if (there.length === 0) return;
    this.#columns = [...this.#columns, ...there];
    this.#asked.clear();
    this.#found.clear();
  }

  async #unitsByChain(): Promise<ReadonlyMap<SharedReader, readonly PlacedUnit[]>> {
    return (this.#units ??= gather(this.#streams, this.#options.signal));
  }

  /** Looks through one unit for everything that is open: quickly for exact keys, row by row for the rest. */
  #visitor(open: readonly Query[]): (placed: PlacedUnit, plain: Buffer) => void {
    const codec = this.#codec;
    const kept = this.#columns.map((column) => codec.columns.indexOf(column));
    const scans = open.map((query) => ({ query, only: exactPart(query, codec) }));
    const slow = scans.filter(({ only }) => only === undefined).map(({ query }) => query);
    const compared = [...new Set(slow.flatMap(({ match }) => columnsOf(match)))];
    const positions = compared.map((column) => codec.columns.indexOf(column));
    return (placed, plain) => {
      const isFirst = placed.ordinal === 0;
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

  #add({ id }: PlacedUnit, row: FoundRow): void {
    const rows = this.#found.get(id) ?? new Map<number, FoundRow>();
    this.#found.set(id, rows);
    if (!rows.has(row.start)) rows.set(row.start, row);
  }
}

async function narrowed(
  hints: SegmentHints | undefined,
  table: string,
  units: readonly PlacedUnit[],
  queries: readonly Query[],
  signal: AbortSignal,
): Promise<readonly PlacedUnit[]> {
  if (hints === undefined) return units;
  const all = units.map(({ unit }) => unit);
  const worth = new Set(await hints.narrow(table, all, queries, signal));
  return units.filter(({ unit }) => worth.has(unit));
}

/** Every unit once, by a reader of its chain, in an order in which neighbours in a pack are read together. */
async function gather(
  streams: readonly PreparedStream[],
  signal: AbortSignal,
): Promise<ReadonlyMap<SharedReader, readonly PlacedUnit[]>> {
  const readers = new Map<string, SharedReader>();
  const byChain = new Map<SharedReader, Map<string, PlacedUnit>>();
  const limit = pLimit(STREAMS_AT_ONCE);
  const units = await allOrFirstError(streams.map((stream) => limit(() => stream.units(signal))));
  for (const [at, stream] of streams.entries()) {
    for (const placed of units[at] ?? []) {
      const chain = chainId(placed.unit.place);
      const reader = readers.get(chain) ?? stream.reader;
      readers.set(chain, reader);
      const units = byChain.get(reader) ?? new Map<string, PlacedUnit>();
      byChain.set(reader, units);
      if (!units.has(placed.id)) units.set(placed.id, placed);
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
