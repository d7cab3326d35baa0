/** Rows of subjects, with what happens to each and with the values that keys are made of. */
import type { Value } from '../rows/values.ts';
import type { Outcome } from './outcome.ts';
import type { LinkedTable } from './relations.ts';

/** A row that is about a subject. */
export interface AffectedRow {
  readonly outcome: Outcome;
  /** Why: `ASKED_FOR`, and the numbers of the links that lead to it (from 1, in the map's order), in rising order. */
  readonly reasons: readonly number[];
}

/** The rows of a table with what happens to them. */
export interface DecidedRows {
  readonly table: LinkedTable;
  readonly need: readonly string[];
  readonly rows: ReadonlyMap<string, DecidedRow>;
}

export interface DecidedRow extends AffectedRow {
  /** Of the columns of `need`, before any change. */
  readonly values: readonly Value[];
}

/** The values of some of the columns that were asked for. */
export function valuesAt(
  need: readonly string[],
  values: readonly Value[],
  columns: readonly string[],
): readonly Value[] {
  return columns.map((column) => values[need.indexOf(column)] ?? null);
}
