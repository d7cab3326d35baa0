/** What can be wrong with the text of a dump. Every message names the stream and the line. */
import { HoldfastError } from '../errors.ts';

/** A place in a stream of text. `line` counts from 1. */
export interface Place {
  readonly name: string;
  readonly line: number;
}

const REPORT = 'Report this with the output of pg_dump --schema-only around that line; nothing was stored.';

/** A backslash where only SQL may stand: psql would run it as one of its own commands. */
export function metaCommand(place: Place): HoldfastError {
  return new HoldfastError({
    code: 'SQL_META_COMMAND',
    exit: 'failed',
    message: `psql command (backslash) outside of any literal in ${place.name}, line ${place.line}`,
    hint: `A dump must not command the program that loads it. Look at that line with pg_dump on the server: it may be an attack.`,
  });
}

/** The text ended within a statement, literal, comment or COPY block. */
export function unterminated(place: Place, what: string): HoldfastError {
  return new HoldfastError({
    code: 'SQL_UNTERMINATED',
    exit: 'failed',
    message: `${place.name} ended inside ${what} that begins at line ${place.line}`,
    hint: 'The dump was cut off. Run the backup again and look at the server log when it happens twice.',
  });
}

/** One statement (or comment) larger than the limit in bytes. */
export function statementTooLong(place: Place, limit: number): HoldfastError {
  return new HoldfastError({
    code: 'SQL_TOO_LONG',
    exit: 'failed',
    message: `statement of more than ${limit / 1048576} MiB in ${place.name}, line ${place.line}`,
    hint: 'No schema has such a statement: look at that line in the output of pg_dump.',
  });
}

/** Text that the lexer cannot place. `what` says which construct. */
export function unplaceable(place: Place, what: string): HoldfastError {
  return new HoldfastError({
    code: 'SQL_UNPLACEABLE',
    exit: 'failed',
    message: `${what} in ${place.name}, line ${place.line}`,
    hint: REPORT,
  });
}

/** The text of a dump tool without its end mark. */
export function incompleteDump(name: string): HoldfastError {
  return new HoldfastError({
    code: 'DUMP_INCOMPLETE',
    exit: 'failed',
    message: `${name} was cut off: the end mark of pg_dump is missing`,
    hint: 'Nothing was stored. Run the backup again and look at the server log when it happens twice.',
  });
}

/** The dump ended between the first and the last row of a table. */
export function cutInTable(table: string): HoldfastError {
  return new HoldfastError({
    code: 'DUMP_INCOMPLETE',
    exit: 'failed',
    message: `the dump ended inside table ${table}`,
    hint: 'Nothing was stored. Run the backup again and look at the server log when it happens twice.',
  });
}
