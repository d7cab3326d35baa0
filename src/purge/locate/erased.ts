/** Rows that were found in a snapshot, held against what a restore of it leaves out. Pure. */
import type { RowEdit } from './located.ts';
import type { Search } from './locate.ts';
import { rowPlace } from './tables.ts';

/** The edits of a stream by the ordinals of units: what `mergeEdits` gives. */
export interface ErasedRows {
  readonly streams: ReadonlyMap<
    string,
    { readonly units: ReadonlyMap<number, { readonly edits: readonly RowEdit[] }> }
  >;
}

/**
 * What becomes of a row: `drop`, new values by position, or undefined where it stays as it is.
 * @param row - as the search names it
 */
export function changeOf(erased: ErasedRows, stream: string, row: string): RowEdit['change'] | undefined {
  const { ordinal, start } = rowPlace(row);
  const edits = erased.streams.get(stream)?.units.get(ordinal)?.edits ?? [];
  return edits.find((edit) => edit.start === start)?.change;
}

export interface ErasedCounts {
  /** Rows that are not given any more. */
  readonly dropped: number;
  /** The row of the root table is among them: it is themselves who were erased. */
  readonly isRoot: boolean;
  /** Rows that were found. */
  readonly all: number;
}

/** How many of the rows that were found in a snapshot are left out. */
export function erasedAmong(
  erased: ErasedRows,
  { prepared, closure }: Search['snapshots'][number],
): ErasedCounts {
  const roots = new Set(prepared.relations.tables.filter(({ isRoot }) => isRoot).map(({ name }) => name));
  let [dropped, all, isRoot] = [0, 0, false];
  for (const [table, rows] of closure.affected) {
    const stream = prepared.streams.get(table)?.stream.name;
    for (const row of rows.keys()) {
      all++;
      if (stream === undefined || changeOf(erased, stream, row) !== 'drop') continue;
      dropped++;
      isRoot ||= roots.has(table);
    }
  }
  return { dropped, isRoot, all };
}
