/** From what the closure decided to edits of units. */
import { createHash } from 'node:crypto';
import type { Value } from '../../rows/codec.ts';
import type { Closure } from '../../subjects/closure.ts';
import type { Replacement } from '../../subjects/map.ts';
import type { Outcome } from '../../subjects/outcome.ts';
import { makePseudonym } from '../../subjects/pseudonym.ts';
import type { LocatedStream, RowEdit, UnitEdit } from './located.ts';
import type { Prepared, PreparedStream } from './prepare.ts';
import { rowPlace, type Tables } from './tables.ts';
import type { FoundRow, LayoutSearch } from './search.ts';
import { unitsAt, type PlacedUnit } from './units.ts';

/**
 * The edits of one snapshot, by stream. A row that has its new values already needs none.
 * @param pseudonyms - key of the pseudonyms
 */
export async function editsOf(
  { streams }: Prepared,
  { affected }: Pick<Closure, 'affected'>,
  tables: Tables,
  pseudonyms: Uint8Array,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LocatedStream>> {
  const located = new Map<string, LocatedStream>();
  for (const [table, rows] of affected) {
    const prepared = streams.get(table);
    if (prepared === undefined) continue;
    const { stream, firstSegment, codec } = prepared;
    const search = tables.searchOf(prepared);
    const byUnit = Map.groupBy(
      [...rows].map(([name, { outcome }]) => ({ ...rowPlace(name), outcome })),
      ({ ordinal }) => ordinal,
    );
    const units = new Map<number, UnitEdit>();
    for (const placed of unitsAt(await prepared.stretches(signal), new Set(byUnit.keys()))) {
      const edits = (byUnit.get(placed.ordinal) ?? []).flatMap(({ start, outcome }) =>
        editOf({ prepared, search, placed, pseudonyms }, start, outcome),
      );
      if (edits.length > 0) units.set(placed.ordinal, unitEdit(placed, table, edits));
    }
    if (units.size > 0) located.set(stream.name, { stream, firstSegment, units, codec });
  }
  return located;
}

interface RowContext {
  readonly prepared: PreparedStream;
  readonly search: LayoutSearch;
  readonly placed: PlacedUnit;
  readonly pseudonyms: Uint8Array;
}

function editOf(context: RowContext, start: number, outcome: Outcome): readonly RowEdit[] {
  const { search, placed } = context;
  const row = search.row(placed, start);
  if (row === undefined) throw new Error(`a row of ${search.table} is not where it was found`);
  const { end } = row;
  if (outcome.do === 'delete') return [{ start, end, change: 'drop' }];
  const change = changesOf(context, row, outcome.values);
  return change.size === 0 ? [] : [{ start, end, change, ...(outcome.do === 'keep' && { isKept: true }) }];
}

function changesOf(
  { prepared, search, placed, pseudonyms }: RowContext,
  row: FoundRow,
  values: ReadonlyMap<string, Replacement>,
): ReadonlyMap<number, Value> {
  const { columns } = prepared.codec;
  const read = search.reader(row);
  const change = new Map<number, Value>();
  for (const [column, replacement] of values) {
    const before = read(column);
    const position = columns.indexOf(column);
    if (position < 0) throw new Error(`the rows of ${search.table} have no column ${column}`);
    const isPseudonym = typeof replacement === 'object' && replacement !== null;
    if (isPseudonym ? isPseudonymAlready(before) : before === replacement) continue;
    const of = JSON.stringify([placed.id, row.start, column]);
    change.set(position, isPseudonym ? pseudonym(prepared, column, of, pseudonyms) : replacement);
  }
  return change;
}

/** As the erasure in SQL makes them (`subjects/sql-postgres.ts`, `sql-sqlite.ts`). */
function isPseudonymAlready(value: Value): boolean {
  return value !== null && /^erased-[0-9a-f]{16}$/.test(value);
}

function pseudonym({ table }: PreparedStream, column: string, of: string, key: Uint8Array): string {
  return makePseudonym(
    table.columns.find(({ name }) => name === column),
    of,
    key,
  );
}

export function unitEdit(
  { unit, ordinal }: PlacedUnit,
  table: string,
  unsorted: readonly RowEdit[],
): UnitEdit {
  const edits = unsorted.toSorted((a, b) => a.start - b.start);
  const isFirst = ordinal === 0;
  const said = edits.map(({ start, end, change }) => [start, end, change === 'drop' ? change : [...change]]);
  const key = createHash('sha256')
    .update(JSON.stringify([unit.key, isFirst, table, said]))
    .digest('hex');
  return { unit, table, isFirst, edits, key };
}
