/** What stops an erasure before any row is looked at: `subjects check` finds the same, with the place in the map. */
import { HoldfastError } from '../errors.ts';

/** A table for which the map says nothing. */
export function tableUncovered(table: string): HoldfastError {
  return new HoldfastError({
    code: 'SUBJECTS_UNCOVERED',
    exit: 'policy',
    message: `the subject map says nothing about table ${table}`,
    hint: 'Add the table to the map, with no_personal_data where that is so; holdfast subjects check lists all of them.',
  });
}

/** A link between texts that nobody but the server can compare. */
export function collationUnknown(table: string, why: string): HoldfastError {
  return new HoldfastError({
    code: 'SUBJECTS_COLLATION',
    exit: 'policy',
    message: `rows of ${table} cannot be compared as the database does it: ${why}`,
    hint: 'Say in the map how they are compared: canonical: lower, or canonical: trim.',
  });
}

/** A column that the map names and the table lacks. */
export function columnMissing(table: string, column: string): HoldfastError {
  return new HoldfastError({
    code: 'SUBJECTS_COLUMN',
    exit: 'policy',
    message: `table ${table} has no column ${column}, which the subject map names`,
    hint: 'Run holdfast subjects check SET --key FILE: it shows the place in the map for every schema that snapshots have.',
  });
}
