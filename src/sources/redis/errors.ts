/** What can go wrong with a Redis server, as a source and as a restore target. No message holds a key, value or password. */
import { HoldfastError, reasonOf } from '../../errors.ts';

function failed(code: string, message: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ code, exit: 'failed', message, hint, cause });
}

function refused(code: string, message: string, hint: string): HoldfastError {
  return new HoldfastError({ code, exit: 'target', message, hint });
}

/** The connection URL cannot be used; `what` never quotes the URL. */
export function badUrl(what: string): HoldfastError {
  return new HoldfastError({
    code: 'REDIS_URL',
    exit: 'usage',
    message: `Redis URL: ${what}`,
    hint: 'Write it as redis://user@host:6379, rediss:// for TLS, or redis:///?socket=/path for a Unix socket.',
  });
}

/** No connection, or it broke. */
export function unreachable(server: string, cause: unknown): HoldfastError {
  return failed(
    'REDIS_UNREACHABLE',
    `the connection to ${server} failed: ${reasonOf(cause)}`,
    'Check that it runs, and that host, port, TLS and firewall are right.',
    cause,
  );
}

/** What the server answered with an error to one of our commands; `text` is its first words. */
export function commandFailed(server: string, command: string, text: string): HoldfastError {
  if (/^(NOAUTH|WRONGPASS|ERR invalid password|ERR AUTH|ERR Client sent AUTH)/.test(text))
    return failed(
      'REDIS_LOGIN',
      `${server} refused the login: ${text}`,
      'Check user and password in the URL, or REDISCLI_AUTH.',
    );
  if (text.startsWith('NOPERM'))
    return failed(
      'REDIS_PRIVILEGE',
      `${server} does not allow ${command}: ${text}`,
      'A backup needs ACL SETUSER … +info +sync +replconf; a restore +@all ~*.',
    );
  if (text.startsWith('LOADING'))
    return failed('REDIS_LOADING', `${server} is still loading its data`, 'Run it again when that is done.');
  return failed('REDIS_COMMAND', `${server} answered ${command} with: ${text}`, "See the server's log.");
}

/** The server does not give its data away as a replica would get it. */
export function noDump(server: string, text: string): HoldfastError {
  return failed(
    'REDIS_NO_DUMP',
    `${server} does not start a dump: ${text}`,
    'It needs the command SYNC, which some hosted services do not have, and memory for a fork. See its log.',
  );
}

/** The connection ended before the dump did. */
export function dumpCut(server: string, what: string): HoldfastError {
  return failed(
    'REDIS_DUMP_CUT',
    `the dump of ${server} was cut off: ${what}`,
    "Nothing was stored. See the server's log: client-output-buffer-limit and repl-timeout end slow readers.",
  );
}

/** Bytes that no RDB of a version that we know has. `at` counts from the start of the RDB. */
export function dumpUnreadable(server: string, at: number, what: string): HoldfastError {
  return failed(
    'REDIS_DUMP_UNREADABLE',
    `the dump of ${server} cannot be read at byte ${at}: ${what}`,
    'Nothing was stored. Report this with the version of the server and its modules.',
  );
}

/** A value that RESTORE could not take. */
export function valueTooLarge(server: string, database: number, limit: number): HoldfastError {
  return failed(
    'REDIS_VALUE_TOO_LARGE',
    `a value in db${database} of ${server} is larger than ${limit / 1048576} MiB, which no RESTORE takes`,
    'Find it with redis-cli --memkeys and split it, or back the RDB file up as a file.',
  );
}

/** A database that was not there when the backup began. */
export function databaseAppeared(server: string, database: number): HoldfastError {
  return failed(
    'REDIS_CHANGED',
    `db${database} of ${server} got its first key while the dump began`,
    'Nothing was stored. Run the backup again.',
  );
}

/** The restore target cannot be used, or is not what a restore may write to. */
export function targetRefused(target: string, why: string): HoldfastError {
  return refused(
    'REDIS_TARGET',
    `${target} ${why}`,
    'Give the URL of an empty server, or a path ending in .rdb.',
  );
}

/** A restore stopped halfway. */
export function loadFailed(target: string, what: string, left: string, cause?: unknown): HoldfastError {
  return failed('REDIS_LOAD', `loading into ${target} failed: ${what}`, left, cause);
}

/** A stored row that our dumps do not have. */
export function rowDamaged(stream: string, row?: number): HoldfastError {
  return failed(
    'REDIS_ROW',
    `${row === undefined ? 'a row' : `row ${row}`} of ${stream} is no RESTORE command as our dumps have it`,
    'Verify the snapshot with holdfast verify --read-data.',
  );
}
