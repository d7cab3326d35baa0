/** All rows of all snapshots, as the closure asks for them: for several snapshots as if they were one, or for one. */
import { hash } from 'node:crypto';
import { matches, type Hit, type Query, type TableAccess } from '../../subjects/access.ts';
import { columnsByTable } from './columns.ts';
import type { SegmentHints } from './access.ts';
import type { Unit } from './located.ts';
import type { Prepared, PreparedStream } from './prepare.ts';
import { LayoutSearch, type FoundRow } from './search.ts';

export interface TablesOptions {
  readonly hints?: SegmentHints;
  readonly signal: AbortSignal;
  readonly onOpened: (table: string, unit: Unit) => void;
}

export class Tables {
  readonly #searches: ReadonlyMap<string, LayoutSearch>;
  readonly #signal: AbortSignal;

  constructor(prepared: readonly Prepared[], { onOpened, ...options }: TablesOptions) {
    this.#signal = options.signal;
    const wanted = prepared.map(({ map, relations }) => columnsByTable(map, relations));
    const streams = prepared.flatMap((one) => [...one.streams.values()]);
    const layouts = Map.groupBy(streams, ({ layout }) => layout);
    this.#searches = new Map(
      [...layouts].flatMap(([layout, [first, ...others]]) => {
        if (first === undefined) return [];
        const { name } = first.table;
        const columns = wanted.flatMap((tables) => [...(tables.get(name) ?? [])]);
        const about = { ...options, onOpened: ({ unit }: { readonly unit: Unit }) => onOpened(name, unit) };
        return [[layout, new LayoutSearch(name, [first, ...others], new Set(columns), about)] as const];
      }),
    );
  }

  /** The rows of these snapshots, which have one schema; a row that they share is one row. */
  access(snapshots: readonly Prepared[]): TableAccess {
    const [only, ...others] = snapshots;
    if (only !== undefined && others.length === 0)
      return { find: (table, queries, need) => this.#inOne(only, table, queries, need) };
    return { find: (table, queries, need) => this.#inAll(snapshots, table, queries, need) };
  }

  /** The units in which a row was found, each once. */
  get loud(): readonly Unit[] {
    const units = [...this.#searches.values()].flatMap((search) => [...search.unitsWithRows]);
    return [...new Map(units.map((unit) => [unit.key, unit])).values()];
  }

  /** A hash of all that was asked, of which rows: equal ones mean the same questions. */
  get asked(): string {
    const all = [...this.#searches].map(([layout, { questions }]) => [layout, questions] as const);
    const said = all.filter(([, questions]) => questions.length > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    return hash('sha256', JSON.stringify(said), 'hex');
  }

  /** What was found of a stream. */
  searchOf({ layout }: PreparedStream): LayoutSearch {
    const search = this.#searches.get(layout);
    if (search === undefined) throw new Error('a stream of another search');
    return search;
  }

  async *#inOne(
    { streams }: Prepared,
    table: string,
    queries: readonly Query[],
    need: readonly string[],
  ): AsyncGenerator<Hit> {
    const stream = streams.get(table);
    if (stream === undefined) return;
    const search = this.searchOf(stream);
    await search.find(queries, need);
    for (const { placed, rows } of search.rowsIn(await stream.stretches(this.#signal))) {
      for (const row of rows) {
        const hit = hitOf(search, row, rowName(placed.ordinal, row), queries, need);
        if (hit !== undefined) yield hit;
      }
    }
  }

  async *#inAll(
    snapshots: readonly Prepared[],
    table: string,
    queries: readonly Query[],
    need: readonly string[],
  ): AsyncGenerator<Hit> {
    const streams = snapshots.flatMap((one) => one.streams.get(table) ?? []);
    for (const [layout, alike] of Map.groupBy(streams, (stream) => stream.layout)) {
      const search = this.#searches.get(layout);
      if (search === undefined) continue;
      await search.find(queries, need);
      const seen = new Set<string>();
      for (const stream of alike) {
        for (const { placed, rows } of search.rowsIn(await stream.stretches(this.#signal))) {
          if (seen.has(placed.id)) continue;
          seen.add(placed.id);
          for (const row of rows) {
            const hit = hitOf(search, row, `${layout} ${placed.id} ${row.start}`, queries, need);
            if (hit !== undefined) yield hit;
          }
        }
      }
    }
  }
}

/** A row's name within its snapshot and table: the unit's ordinal, and where the row begins in it. */
export function rowName(ordinal: number, { start }: Pick<FoundRow, 'start'>): string {
  return `${ordinal}@${start}`;
}

/** What `rowName` was made of. */
export function rowPlace(name: string): { readonly ordinal: number; readonly start: number } {
  const [ordinal, start] = name.split('@');
  return { ordinal: Number(ordinal), start: Number(start) };
}

function hitOf(
  search: LayoutSearch,
  row: FoundRow,
  name: string,
  queries: readonly Query[],
  need: readonly string[],
): Hit | undefined {
  const read = search.reader(row);
  const hits = queries.flatMap((query, place) => (matches(query, read, search.table) ? [place] : []));
  return hits.length === 0 ? undefined : { row: name, hits, values: need.map(read) };
}
