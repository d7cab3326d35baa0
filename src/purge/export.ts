/** The rows of subjects themselves, from one snapshot: what a right of access asks for. Nothing is changed. */
import type { Value } from '../rows/codec.ts';
import type { Search } from './locate.ts';
import type { Prepared } from './prepare.ts';
import { rowPlace } from './tables.ts';
import { readUnits } from './units.ts';

export interface ExportedRow {
  readonly table: string;
  readonly columns: readonly string[];
  /** In the order of `columns`; as the database prints them, null for NULL. */
  readonly values: readonly Value[];
}

/** Every row that was found in a snapshot of the search, by table, in the order of the dump. */
export async function* rowsOf(
  { tables }: Pick<Search, 'tables'>,
  { prepared, closure }: Search['snapshots'][number],
  signal: AbortSignal,
): AsyncGenerator<ExportedRow> {
  for (const [table, rows] of closure.affected)
    yield* rowsOfTable(tables, prepared, table, [...rows.keys()], signal);
}

async function* rowsOfTable(
  tables: Search['tables'],
  { streams, reader }: Prepared,
  table: string,
  names: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<ExportedRow> {
  const stream = streams.get(table);
  if (stream === undefined) return;
  const { codec } = stream;
  const search = tables.searchOf(stream);
  const all = codec.columns.map((_, position) => position);
  const byUnit = Map.groupBy(names.map(rowPlace), ({ ordinal }) => ordinal);
  const units = (await stream.units(signal)).filter(({ ordinal }) => byUnit.has(ordinal));
  for await (const { placed, plain } of readUnits(reader, units, table, signal)) {
    const starts = (byUnit.get(placed.ordinal) ?? []).map(({ start }) => start).sort((a, b) => a - b);
    for (const start of starts) {
      const { end = start } = search.row(placed, start) ?? {};
      yield { table, columns: codec.columns, values: codec.read(plain.subarray(start, end), all) };
    }
  }
}
