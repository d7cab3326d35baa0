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
export function incompleteDump(name: string, tool = 'pg_dump'): HoldfastError {
  return new HoldfastError({
    code: 'DUMP_INCOMPLETE',
    exit: 'failed',
    message: `${name} was cut off: the end mark of ${tool} is missing`,
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

/** Where in a row something is: the table, the column if known, and the byte of the row, counted from 0. */
export interface RowSpot {
  readonly table: string;
  readonly column?: string | undefined;
  readonly byte?: number;
}

/** Bytes of a row that its writer does not write. `what` must not quote them: they may be somebody's data. */
export function unreadableRow(spot: RowSpot, what: string): HoldfastError {
  return new HoldfastError({
    code: 'ROW_UNREADABLE',
    exit: 'failed',
    message: `a row of ${spotText(spot)} cannot be read: ${what}`,
    hint: 'Nothing was changed. Report this with the version of the database and of the tool that made the backup.',
  });
}

/** A value that a column cannot hold: a restore would stop at it. The value itself is not shown. */
export function unwritableValue(spot: RowSpot, why: string): HoldfastError {
  return new HoldfastError({
    code: 'ROW_UNWRITABLE',
    exit: 'usage',
    message: `${spotText(spot)} cannot hold the new value: ${why}`,
    hint: 'Choose another value for this column in the subject map.',
  });
}

function spotText({ table, column, byte }: RowSpot): string {
  const at = byte === undefined ? '' : ` at byte ${byte}`;
  return column === undefined ? `${table}${at}` : `${table}, column ${column}${at}`;
}

/** A stream that holds no rows. */
export function noCodec(table: string, dialect: string): HoldfastError {
  return new HoldfastError({
    code: 'ROW_NO_CODEC',
    exit: 'failed',
    message: `rows of ${table} are written in a dialect that cannot be read row by row: ${dialect}`,
    hint: 'This version can purge from PostgreSQL, SQLite, MySQL and MariaDB backups.',
  });
}

/** A path into JSON that is not one. */
export function badJsonPath(path: string, at: number): HoldfastError {
  return new HoldfastError({
    code: 'JSON_PATH',
    exit: 'usage',
    message: `JSON path ${path} cannot be read from character ${at + 1} on`,
    hint: 'Write it like $.user.id, $.items[*].owner, $[0] or $["odd name"].',
  });
}

/** A value that must be JSON and is not. `where` names table and column. */
export function notJson(where: string): HoldfastError {
  return new HoldfastError({
    code: 'JSON_INVALID',
    exit: 'unverifiable',
    message: `${where} holds a value that is not JSON`,
    hint: 'A path can only be followed in JSON: give that column another rule in the subject map.',
  });
}
