/** What the closure asks of the rows of a snapshot, wherever they lie. */
import { valuesInside } from '../rows/key-pattern.ts';
import type { Value } from '../rows/values.ts';
import { keyOf } from './compare.ts';
import type { Match } from './relations.ts';

/** Rows that match one of these keys. */
export interface Query {
  readonly match: Match;
  /** In the form that `keyOf` gives them. */
  readonly keys: ReadonlySet<string>;
}

export interface Hit {
  /** Names the row among those of its table, the same each time: stream and ordinal, or its primary key. */
  readonly row: string;
  /** The queries that it matches, by their place in the list; never empty. */
  readonly hits: readonly number[];
  /** Of the columns that were asked for, in their order. */
  readonly values: readonly Value[];
}

export interface TableAccess {
  /**
   * The rows of a stored table that match any of the queries: one pass, however many there are.
   *
   * @param table - as `TableSchema.name`
   * @param need - columns of which the values are wanted
   */
  find(
    table: string,
    queries: readonly Query[],
    need: readonly string[],
    signal?: AbortSignal,
  ): AsyncIterable<Hit>;
}

/** Reads a column of one row. */
export type ReadColumn = (column: string) => Value;

/**
 * True when the row matches: the one definition that every access goes by.
 *
 * @param table - for the place in errors
 * @throws HoldfastError JSON_INVALID for a value that a path cannot be followed in
 */
export function matches({ match, keys }: Query, read: ReadColumn, table: string): boolean {
  for (const [column, value] of match.when) if (read(column) !== value) return false;
  if (match.kind === 'columns') {
    const key = keyOf(match.columns.map(read), match.comparisons);
    return key !== null && keys.has(key);
  }
  const where = `${table}.${match.column}`;
  return valuesInside(read(match.column), match.path, where).some((value) => {
    const key = keyOf([value], match.comparisons);
    return key !== null && keys.has(key);
  });
}
