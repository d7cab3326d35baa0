/** What can go wrong with a PostgreSQL server and its tools, with what to do about it. No message holds a password. */
import { HoldfastError, reasonOf } from '../../errors.ts';

function failed(code: string, message: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ code, exit: 'failed', message, hint, cause });
}

/** The connection URL cannot be used; `what` never quotes the URL. */
export function badUrl(
  what: string,
  hint = 'Write it as postgres://user@host:5432/database.',
): HoldfastError {
  return new HoldfastError({ code: 'PG_URL', exit: 'usage', message: `PostgreSQL URL: ${what}`, hint });
}

/** A certificate or key file of the connection cannot be read. */
export function tlsFile(what: string, cause: unknown): HoldfastError {
  return failed(
    'PG_TLS_FILE',
    `cannot read ${what}: ${reasonOf(cause)}`,
    'Check sslrootcert, sslcert and sslkey.',
    cause,
  );
}

/** The server did not answer. */
export function unreachable(display: string, cause: unknown): HoldfastError {
  return failed(
    'PG_UNREACHABLE',
    `cannot reach PostgreSQL at ${display}: ${describe(cause)}`,
    'Check that the server runs and that host, port and firewall are right.',
    cause,
  );
}

/** The server does not let this user in. */
export function loginRefused(display: string, cause: unknown): HoldfastError {
  return failed(
    'PG_LOGIN',
    `PostgreSQL at ${display} refused the login: ${describe(cause)}`,
    'Check user and password (URL, PGPASSWORD or a passfile that only you can read) and pg_hba.conf on the server.',
    cause,
  );
}

/** The server wants a password and there is none. */
export function passwordMissing(display: string): HoldfastError {
  return failed(
    'PG_LOGIN',
    `PostgreSQL at ${display} asks for a password and none was given`,
    'Put it into the URL, PGPASSWORD or ~/.pgpass; a passfile that others can read (mode above 0600) is ignored.',
  );
}

/** The database in the URL does not exist. */
export function databaseMissing(display: string, cause?: unknown): HoldfastError {
  return failed(
    'PG_DATABASE_MISSING',
    `there is no such database: ${display}`,
    'List the databases with psql -l and correct the URL.',
    cause,
  );
}

/** Any other refusal at connection time. */
export function connectionFailed(display: string, cause: unknown): HoldfastError {
  return failed(
    'PG_CONNECTION',
    `cannot use PostgreSQL at ${display}: ${describe(cause)}`,
    'See the server log for the reason.',
    cause,
  );
}

/** An AggregateError of several addresses has no message of its own. */
function describe(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === '') return cause.errors.map(reasonOf).join('; ');
  return reasonOf(cause).replace(/\.$/, '');
}

const INSTALL = (major: number): string =>
  `Install the package postgresql-client-${major} (Debian, Ubuntu: apt-get install postgresql-client-${major}) or newer`;

/** A PostgreSQL program is not on the PATH. */
export function toolMissing(tool: string, major: number): HoldfastError {
  return failed('PG_TOOL_MISSING', `${tool} is not on the PATH`, `${INSTALL(major)}.`);
}

/** The version of a PostgreSQL program cannot be read. */
export function toolUnreadable(tool: string, cause: unknown): HoldfastError {
  return failed(
    'PG_TOOL_BROKEN',
    `cannot run ${tool} --version: ${reasonOf(cause)}`,
    'Run it by hand and repair the installation.',
    cause,
  );
}

/** pg_dump refuses servers that are newer than itself. */
export function toolOld(tool: string, version: string, serverVersion: string, major: number): HoldfastError {
  return failed(
    'PG_DUMP_OLD',
    `${tool} ${version} is older than the server (${serverVersion}) and cannot dump it`,
    `${INSTALL(major)}, and make sure that it comes first on the PATH.`,
  );
}

/** A tool ended with an error, by itself or by a signal. `said` is the end of what it wrote on stderr. */
export function toolDied(tool: string, how: string, said: string): HoldfastError {
  const known = KNOWN.find(([pattern]) => pattern.test(said));
  const [, code, hint] = known ?? [
    undefined,
    'PG_DUMP_DIED',
    'Nothing was stored. See the server log and run it again.',
  ];
  return failed(code, said === '' ? `${tool} ${how}` : `${tool} ${how}: ${said}`, hint);
}

const KNOWN: readonly (readonly [RegExp, string, string])[] = [
  [
    /lock timeout|could not obtain lock/,
    'PG_LOCKED',
    'Something holds or waits for an exclusive lock (a migration?). Run the backup again when it has ended.',
  ],
  [
    /row-level security|row security/,
    'PG_ROW_SECURITY',
    'Use a role with BYPASSRLS or a superuser: a dump without the hidden rows would not be a backup.',
  ],
  [/permission denied/, 'PG_PERMISSION', 'GRANT pg_read_all_data TO this role, or use the owner.'],
  [
    /invalid snapshot identifier/,
    'PG_SNAPSHOT_LOST',
    'Connect to the server itself: a pooler such as pgbouncer, or a switch of servers, breaks the shared snapshot.',
  ],
  [
    /conflict with recovery/,
    'PG_DUMP_DIED',
    'The standby cancelled the dump to go on replaying: set hot_standby_feedback or raise max_standby_streaming_delay.',
  ],
  [
    /server version mismatch/,
    'PG_DUMP_OLD',
    'Install the postgresql-client package of the server, or newer.',
  ],
];

/** Row security would hide rows from this role. */
export function rowsHidden(tables: readonly string[]): HoldfastError {
  return failed(
    'PG_ROW_SECURITY',
    `row security hides rows of ${some(tables)} from this role`,
    'Use a superuser or a role with BYPASSRLS: a dump without the hidden rows would not be a backup.',
  );
}

/** The role may not read everything that a dump must hold. */
export function notReadable(objects: readonly string[]): HoldfastError {
  return failed(
    'PG_PERMISSION',
    `this role may not read ${some(objects)}`,
    'GRANT pg_read_all_data TO this role (PostgreSQL 14 and newer), or use the owner or a superuser.',
  );
}

/** The connection that keeps the snapshot for all tools broke. */
export function snapshotLost(display: string, cause: unknown): HoldfastError {
  return failed(
    'PG_SNAPSHOT_LOST',
    `lost the connection to ${display} that holds the snapshot: ${describe(cause)}`,
    'Nothing was stored. See the server log; was the session ended, or the server restarted?',
    cause,
  );
}

/** A query of our own failed. */
export function queryFailed(display: string, what: string, cause: unknown): HoldfastError {
  return failed(
    'PG_QUERY',
    `cannot read ${what} of ${display}: ${describe(cause)}`,
    'See the server log.',
    cause,
  );
}

/** A lane of the dump did not hold the tables that were chosen for it. */
export function tablesMissing(chosen: number, found: number): HoldfastError {
  return failed(
    'DUMP_INCOMPLETE',
    `pg_dump wrote ${found} tables where ${chosen} were asked for`,
    'Nothing was stored. Report this with the version of pg_dump.',
  );
}

/** The first few names, and how many more. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
