/** What can go wrong while a dump is loaded into PostgreSQL. No message holds a literal of the dump. */
import pg from 'pg';
import { HoldfastError, isHoldfastError, reasonOf } from '../../errors.ts';

/** A place in a stream of the dump; lines count from 1. */
export interface LoadPlace {
  readonly stream: string;
  readonly line: number;
}

/** The target holds something already. */
export function targetOccupied(database: string, holds: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'TARGET_OCCUPIED',
    exit: 'target',
    message: `database ${database} is not empty: it holds ${holds.join(', ')}`,
    hint: 'Restore into a database that does not exist yet; holdfast never mixes a restore with what is there.',
  });
}

/** Somebody is at work in the unfinished database that a restore was to go on with. */
export function targetInUse(database: string, what: string): HoldfastError {
  return new HoldfastError({
    code: 'TARGET_IN_USE',
    exit: 'target',
    message: `database ${database} cannot be taken up: ${what}`,
    hint: 'Look at pg_stat_activity who that is. What a killed restore has left running ends by itself, or by pg_terminate_backend; then run the same command again.',
  });
}

/** Preflight found something that makes this restore impossible. */
export function targetUnfit(database: string, problems: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'TARGET_UNFIT',
    exit: 'target',
    message: `database ${database} cannot be restored here: ${problems.join('; ')}`,
    hint: 'Run the restore with --dry-run to see everything that is missing, then prepare the server.',
  });
}

/** The server refused a statement of the dump. `statement` is its first line without literals. */
export function statementFailed(place: LoadPlace, statement: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'LOAD_STATEMENT',
    exit: 'failed',
    message: `${place.stream}, line ${place.line}: ${withoutLiterals(reasonOf(cause))} (in: ${statement})`,
    hint: 'Run the restore with --dry-run to see what the target lacks, then run it again.',
    cause,
  });
}

/** The server refused rows of a table. */
export function tableFailed(table: string, jobs: number, cause: unknown): HoldfastError {
  const parallel = 'A check that reads another table needs the order of the dump: try --jobs 1.';
  return new HoldfastError({
    code: 'LOAD_ROWS',
    exit: 'failed',
    message: `rows of ${table}${rowOf(cause)}: ${reasonOf(cause)}`,
    hint:
      jobs > 1 ? parallel : 'Compare the extensions and the server version of the target with the source.',
    cause,
  });
}

/** The server refused something about the database itself, e.g. its owner. */
export function databaseFailed(what: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'LOAD_DATABASE',
    exit: 'failed',
    message: `${what}: ${reasonOf(cause)}`,
    hint: 'Restore as a superuser or as a member of that role, or with --no-owner to leave ownership out.',
    cause,
  });
}

/** A data stream that is not one COPY block. */
export function notCopy(stream: string, what: string): HoldfastError {
  return new HoldfastError({
    code: 'LOAD_NOT_COPY',
    exit: 'failed',
    message: `${stream}: ${what}`,
    hint: 'The stored dump is not what holdfast writes. Run holdfast verify --read-data on this snapshot.',
  });
}

/** The server counts other rows than it was sent. */
export function rowsLost(table: string, sent: number, found: number): HoldfastError {
  return new HoldfastError({
    code: 'LOAD_ROWS_LOST',
    exit: 'verification',
    message: `${table} holds ${found} rows after ${sent} were loaded`,
    hint: 'Something on the target changed the rows (a rule, a trigger, another session). Nothing of this restore can be trusted.',
  });
}

/** The connection to the server ended while something ran on it. */
export function serverGone(what: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'LOAD_SERVER_GONE',
    exit: 'failed',
    message: `the target server ended the connection during ${what}: ${reasonOf(cause)}`,
    hint: 'Look at the log of the target server (out of memory, disk full, restarted?), then run the restore again.',
    cause,
  });
}

/** No database of the server lets us in to create another one. */
export function noMaintenance(display: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'TARGET_NO_MAINTENANCE',
    exit: 'target',
    message: `neither database postgres nor template1 of ${display} can be opened: ${reasonOf(cause)}`,
    hint: 'Check the URL and allow the role to connect to the database postgres, or create the empty target yourself.',
    cause,
  });
}

/** CREATE DATABASE failed. */
export function cannotCreate(database: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'TARGET_CREATE',
    exit: 'target',
    message: `database ${database} cannot be created: ${reasonOf(cause)}`,
    hint: 'Give the role the right CREATEDB, or create the empty database yourself and restore into it.',
    cause,
  });
}

/** A table that was asked for is not in the dump. */
export function unknownTable(wanted: string, near: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'TABLE_UNKNOWN',
    exit: 'usage',
    message: `no table ${wanted} in this snapshot`,
    hint:
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : 'Look at the whole list with restore --dry-run.',
  });
}

/** A table name without schema that several schemas have. */
export function ambiguousTable(wanted: string, found: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'TABLE_AMBIGUOUS',
    exit: 'usage',
    message: `table ${wanted} exists in several schemas`,
    hint: `Name it with its schema: ${found.join(' or ')}.`,
  });
}

/** The first failure again, with what became of the target. */
export function withAftermath(error: HoldfastError, aftermath: string, hint?: string): HoldfastError {
  return new HoldfastError({
    code: error.code,
    exit: error.exit,
    message: `${error.message}; ${aftermath}`,
    hint: hint === undefined ? error.hint : `${hint} ${error.hint}`,
    cause: error.cause ?? error,
  });
}

/** PostgreSQL's five-character error code, undefined for anything that is no server error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

const SOCKET_ERRORS = /^(ECONN(RESET|REFUSED|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;

/** True for failures of the connection itself: nothing more can be asked through it. */
export function isConnectionLoss(error: unknown): boolean {
  if (isHoldfastError(error)) return error.code === 'PG_UNREACHABLE';
  const state = sqlState(error);
  // 57P01 to 57P05: the server or an administrator ended the session; class 08: connection exceptions.
  if (state !== undefined) return state.startsWith('57P') || state.startsWith('08');
  if (!(error instanceof Error)) return false;
  const isSocket = 'code' in error && typeof error.code === 'string' && SOCKET_ERRORS.test(error.code);
  return isSocket || /connection terminated|not queryable|connection was closed/i.test(error.message);
}

/** A syntax error quotes what it stumbled over: `at or near "'secret'"`. */
function withoutLiterals(message: string): string {
  return message.replaceAll(/"'[^]*'"/g, `"'…'"`);
}

/** `, row 12, column b` from the server's context of a COPY error, without the value it quotes. */
function rowOf(cause: unknown): string {
  if (!(cause instanceof Error) || !('where' in cause) || typeof cause.where !== 'string') return '';
  const found = /^COPY .*?, line (\d+)(?:, column ([^:]+))?/s.exec(cause.where);
  if (found === null) return '';
  return `, row ${found[1] ?? ''}${found[2] === undefined ? '' : `, column ${found[2]}`}`;
}
