/** A port beside that of loaders: asking what was restored, to see whether it is what somebody expects. */

/** A question in the engine's own words. */
export type Question =
  | { readonly sql: string }
  /** Redis: a command by its words, and the number of the database. */
  | { readonly command: readonly string[]; readonly database: number }
  /** Files: how many paths match this pattern. */
  | { readonly files: string };

/** One value as text (null: NULL, nothing), or why there is not one: the engine refused, or there were several. */
export type Answer =
  | {
      readonly value: string | null;
      /** Of files: when the newest of them was changed, in RFC 3339. */
      readonly newest?: string;
    }
  | { readonly refused: string };

export interface Inspector extends AsyncDisposable {
  /**
   * Asks, and changes nothing.
   * @throws HoldfastError where the question could not be asked: no server, no time
   */
  ask(question: Question, signal: AbortSignal): Promise<Answer>;
}

/** How long an answer may take. */
export const ANSWER_MS = 300_000;

/** One row of one column, out of up to two rows that were read. */
export function onlyValue(rows: readonly (readonly (string | null)[])[]): Answer {
  const [row] = rows;
  if (row === undefined) return { value: null };
  if (rows.length > 1) return { refused: 'it gives more than one row' };
  if (row.length !== 1) return { refused: `it gives ${row.length} columns, and one is wanted` };
  return { value: row[0] ?? null };
}
