/** The rows of subjects themselves, from one snapshot: what a right of access asks for. Nothing is changed. */
import type { Value } from '../rows/codec.ts';
import type { Closure } from '../subjects/closure.ts';
import type { AffectedRow } from '../subjects/decided.ts';
import { changeOf } from './locate/erased.ts';
import type { ErasedRows } from './locate/erased.ts';
import type { Search } from './locate/locate.ts';
import type { RowEdit } from './locate/located.ts';
import type { Prepared, PreparedStream } from './locate/prepare.ts';
import { rowName, rowPlace } from './locate/tables.ts';
import { readUnits, unitsAt } from './locate/units.ts';

export interface ExportedRow {
  readonly table: string;
  readonly columns: readonly string[];
  /** In the order of `columns`; as the database prints them, null for NULL. */
  readonly values: readonly Value[];
}

/**
 * Every row that was found in a snapshot of the search, by table, in the order of the dump; without rows that were
 * erased, and with the values that an erasure has left.
 */
export async function* rowsOf(
  { tables }: Pick<Search, 'tables'>,
  { prepared, closure }: Search['snapshots'][number],
  erased: ErasedRows,
  signal: AbortSignal,
): AsyncGenerator<ExportedRow> {
  for (const [table, rows] of closure.affected) {
    const stream = prepared.streams.get(table);
    if (stream === undefined) continue;
    const changeAt = (row: string) => changeOf(erased, stream.stream.name, row);
    const names = [...rows.keys()].filter((row) => changeAt(row) !== 'drop');
    yield* rowsOfTable({ tables, prepared, table, stream, changeAt }, names, signal);
  }
}

export interface OwnRows {
  readonly closure: Closure;
  /** Rows by table that only point at them: whoever is managed by somebody is not theirs to be told of. */
  readonly others: ReadonlyMap<string, number>;
}

/** The rows that are given to a person: without those that came in only by links which are not followed. */
export function ownRows({ prepared, closure }: Search['snapshots'][number]): OwnRows {
  const others = new Map<string, number>();
  const affected = new Map<string, ReadonlyMap<string, AffectedRow>>();
  for (const [table, rows] of closure.affected) {
    const links = prepared.relations.tables.find(({ name }) => name === table)?.links ?? [];
    const isOwn = ({ reasons }: AffectedRow) => reasons.some((number) => links[number - 1]?.follow !== false);
    const own = new Map([...rows].filter(([, row]) => isOwn(row)));
    if (own.size > 0) affected.set(table, own);
    if (own.size < rows.size) others.set(table, rows.size - own.size);
  }
  return { closure: { ...closure, affected }, others };
}

interface TableRows {
  readonly tables: Search['tables'];
  readonly prepared: Prepared;
  readonly table: string;
  readonly stream: PreparedStream;
  readonly changeAt: (row: string) => RowEdit['change'] | undefined;
}

async function* rowsOfTable(
  { tables, prepared, table, stream, changeAt }: TableRows,
  names: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<ExportedRow> {
  const { reader } = prepared;
  const { codec } = stream;
  const search = tables.searchOf(stream);
  const all = codec.columns.map((_, position) => position);
  const byUnit = Map.groupBy(names.map(rowPlace), ({ ordinal }) => ordinal);
  const units = [...unitsAt(await stream.stretches(signal), new Set(byUnit.keys()))];
  for await (const { placed, plain } of readUnits(reader, units, table, signal)) {
    const starts = (byUnit.get(placed.ordinal) ?? []).map(({ start }) => start).sort((a, b) => a - b);
    for (const start of starts) {
      const { end = start } = search.row(placed, start) ?? {};
      const values = codec.read(plain.subarray(start, end), all);
      const change = changeAt(rowName(placed.ordinal, { start }));
      yield { table, columns: codec.columns, values: changed(values, change) };
    }
  }
}

function changed(values: readonly Value[], change: RowEdit['change'] | undefined): readonly Value[] {
  if (change === undefined || change === 'drop') return values;
  return values.map((value, at) => (change.has(at) ? (change.get(at) ?? null) : value));
}
