/** What the search asks of an index of subjects, if there is one. */
import type { Query } from '../../subjects/access.ts';
import type { Unit } from './located.ts';

/**
 * Says which units need not be opened. It is never a proof that somebody is in one: what it leaves is opened and read.
 *
 * A unit of which it knows nothing, or a match that it has not indexed, must be left in.
 */
export interface SegmentHints {
  /**
   * The units, of these, that may hold a row which matches one of the queries: no unit with such a row is left out.
   *
   * @param table - as `TableSchema.name`
   * @param queries - keys are in the form of `keyOf` (src/subjects/compare.ts), by each match's comparisons
   */
  narrow(
    table: string,
    units: readonly Unit[],
    queries: readonly Query[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Unit[]>;
}
