/** What can go wrong while a dump is loaded into MySQL or MariaDB. No message holds a value of the dump. */
import { HoldfastError } from '../../errors.ts';

/** The target holds something already. */
export function targetOccupied(display: string, holds: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'TARGET_OCCUPIED',
    exit: 'target',
    message: `database ${display} is not empty: it holds ${holds.join(', ')}`,
    hint: 'Restore into a database that does not exist yet; holdfast never mixes a restore with what is there.',
  });
}

/** Preflight found something that makes this restore impossible. */
export function targetUnfit(display: string, problems: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'TARGET_UNFIT',
    exit: 'target',
    message: `database ${display} cannot be restored here: ${problems.join('; ')}`,
    hint: 'Run the restore with --dry-run to see everything that is missing, then prepare the server.',
  });
}

/** The database could not be made. */
export function cannotCreate(display: string, said: string): HoldfastError {
  return new HoldfastError({
    code: 'TARGET_CREATE',
    exit: 'target',
    message: `cannot create database ${display}: ${said}`,
    hint: 'Restore as a user who may create databases, or create the empty database yourself.',
  });
}

/** What the client was doing, for people: `rows of users`, `pre-data`. */
export interface ClientFailure {
  readonly what: string;
  /** `failed with exit code 1`, `was killed by SIGKILL`. */
  readonly how: string;
  /** The last line that it wrote to stderr. */
  readonly said: string;
}

/** The client program did not exit 0: the server refused a statement, or was gone. */
export function loadFailed({ what, how, said }: ClientFailure): HoldfastError {
  const number = Number(/^ERROR (\d+)/.exec(said)?.[1]);
  const told = withoutValues(said);
  return new HoldfastError({
    code: LOST.has(number) ? 'LOAD_SERVER_GONE' : 'LOAD_STATEMENT',
    exit: 'failed',
    message: `loading ${what}: ${told === '' ? `the client ${how}` : told}`,
    hint: HINTS[number] ?? 'Run the restore with --dry-run to see what the target lacks, then run it again.',
  });
}

/** Numbers of errors: MariaDB manual, "MariaDB Error Code Reference". */
const LOST: ReadonlySet<number> = new Set([1053, 1927, 2002, 2003, 2006, 2013, 2055]);

/** Rights are given by the name of the database: those on the source's own do not count for another. */
const DEFINERS =
  'Whoever defines a view or routine needs rights on this database, too: GRANT them to the definer before, or restore with --no-owner.';

const HINTS: Readonly<Record<number, string>> = {
  1044: 'Give the user all privileges on the target database.',
  1114: 'The disk of the target server is full, or a limit of its tablespace is reached.',
  1153: 'Raise max_allowed_packet of the target server above the longest row, up to 1G.',
  1142: DEFINERS,
  1143: DEFINERS,
  1227: 'Restore as a user who may set definers (SUPER or SET USER), or with --no-owner.',
  1273: 'The target server does not know this collation: restore to the version that the dump comes from.',
  1356: DEFINERS,
  1370: DEFINERS,
  1449: DEFINERS,
  2006: 'See the log of the target server; rows longer than its max_allowed_packet end the connection, too.',
  2013: 'See the log of the target server.',
};

/** Errors name the database's objects and quote values in the same way: all that is quoted is left out. */
function withoutValues(said: string): string {
  return said.replace(/'.*'/gs, "'…'");
}

/** A data stream that is not what a dump has there. */
export function notInserts(stream: string, what: string): HoldfastError {
  return new HoldfastError({
    code: 'LOAD_NOT_INSERT',
    exit: 'failed',
    message: `${stream}: ${what}`,
    hint: 'The stored dump is not what holdfast writes. Run holdfast verify --read-data on this snapshot.',
  });
}

/** A script that cannot be cut into statements. */
export function scriptUnplaceable(stream: string, what: string): HoldfastError {
  return new HoldfastError({
    code: 'LOAD_SCRIPT',
    exit: 'failed',
    message: `${stream}: ${what}`,
    hint: 'The stored dump is not what holdfast writes. Run holdfast verify --read-data on this snapshot.',
  });
}

/** A failure, with what became of the target. */
export function withAftermath(failure: HoldfastError, text: string, hint?: string): HoldfastError {
  return new HoldfastError({
    code: failure.code,
    exit: failure.exit,
    message: `${failure.message}; ${text}`,
    hint: hint === undefined ? failure.hint : `${failure.hint} ${hint}`,
    cause: failure.cause ?? failure,
  });
}
