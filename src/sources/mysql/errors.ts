/** What can go wrong with a MySQL or MariaDB server and its tools. No message holds a password. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { Flavour, ServerVersion } from './flavour.ts';

function failed(code: string, message: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ code, exit: 'failed', message, hint, cause });
}

/** The connection URL cannot be used; `what` never quotes the URL. */
export function badUrl(what: string): HoldfastError {
  return new HoldfastError({
    code: 'MYSQL_URL',
    exit: 'usage',
    message: `MySQL URL: ${what}`,
    hint: 'Write it as mysql://user@host:3306/database.',
  });
}

/** The file that a URL names for its password. */
export function passwordUnreadable(path: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'MYSQL_PASSWORD_FILE',
    exit: 'usage',
    message: `cannot read the password-file ${path}: ${reasonOf(cause)}`,
    hint: 'Name a file that this user may read, with the password in its first line.',
    cause,
  });
}

/** The Debian package of a program. */
const PACKAGES: Readonly<Record<Flavour, string>> = { mariadb: 'mariadb-client', mysql: 'mysql-client' };

/** A program is not on the PATH. */
export function toolMissing(names: readonly string[], flavour: Flavour): HoldfastError {
  return failed(
    'MYSQL_TOOL_MISSING',
    `none of ${names.join(', ')} is on the PATH`,
    `Install it: apt-get install ${PACKAGES[flavour]}`,
  );
}

export function toolUnreadable(tool: string, cause: unknown): HoldfastError {
  return failed(
    'MYSQL_TOOL_BROKEN',
    `${tool} does not say its version: ${reasonOf(cause)}`,
    `Run ${tool} --version by hand.`,
    cause,
  );
}

/** What it does not know of the server would be missing from the dump. */
export function toolOld(tool: string, version: ServerVersion, server: ServerVersion): HoldfastError {
  return failed(
    'MYSQL_DUMP_OLD',
    `${tool} ${version.text} is older than the server, ${server.text}`,
    `Install ${PACKAGES[server.flavour]} ${server.major}.${server.minor} or newer from the server's own package source.`,
  );
}

export function versionUnknown(display: string, text: string): HoldfastError {
  return failed(
    'MYSQL_VERSION',
    `the server of ${display} says a version that is not understood: ${JSON.stringify(text.slice(0, 80))}`,
    'MariaDB 10.5 to 11 and MySQL 8 are supported.',
  );
}

/** A query of ours was refused. */
export function queryFailed(display: string, what: string, reason: string): HoldfastError {
  return (
    known(reason, display) ?? failed('MYSQL_QUERY', `cannot read ${what} of ${display}: ${reason}`, HINT)
  );
}

/** A tool did not exit 0. */
export function toolDied(tool: string, how: string, said: string): HoldfastError {
  return (
    known(said, tool) ?? failed('MYSQL_DUMP_DIED', `${tool} ${how}${said === '' ? '' : `: ${said}`}`, HINT)
  );
}

const HINT = "Nothing was stored. See the server's log and run it again.";

type Known = readonly [pattern: RegExp, code: string, message: (at: string) => string, hint: string];

/** By the server's error codes (MariaDB manual, "MariaDB Error Code Reference"). */
const KNOWN: readonly Known[] = [
  [
    /\b1045\b|\b1698\b|Access denied for user.*using password/,
    'MYSQL_LOGIN',
    (at) => `the login was refused: ${at}`,
    'Check user and password in the URL, and the host that the user may come from.',
  ],
  [
    /\b(2002|2003|2005|2013|2006)\b/,
    'MYSQL_UNREACHABLE',
    (at) => `the server cannot be reached: ${at}`,
    'Check that it runs and that host, port, socket and firewall are right.',
  ],
  [
    /\b1049\b|Unknown database/,
    'MYSQL_DATABASE_MISSING',
    (at) => `there is no such database: ${at}`,
    'List the databases with SHOW DATABASES and correct the URL.',
  ],
  [
    /\b2026\b|SSL|TLS/,
    'MYSQL_TLS',
    (at) => `no encrypted connection came about: ${at}`,
    "Check ssl-mode and ssl-ca in the URL, and the server's certificate.",
  ],
  [
    /\b(1044|1142|1143|1227|1370)\b|command denied|Access denied; you need|insufficient privileges/,
    'MYSQL_PRIVILEGE',
    (at) => `a privilege is missing: ${at}`,
    'Give the backup user SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES on the database, and SELECT on mysql.*: see docs/engines.md.',
  ],
];

function known(said: string, at: string): HoldfastError | undefined {
  const found = KNOWN.find(([pattern]) => pattern.test(said));
  if (found === undefined) return undefined;
  const [, code, message, hint] = found;
  return failed(code, `${message(at)}: ${said}`, hint);
}

/** The database has no name of ours in it that a dump could not hold. */
export function nameUnfit(display: string, kind: string, name: string): HoldfastError {
  return failed(
    'MYSQL_NAME',
    `a ${kind} of ${display} has a control character in its name: ${JSON.stringify(name)}`,
    'Rename it: no dump of it can be split into rows for certain.',
  );
}

/** The server's own tools never end the dump of such an event. */
export function eventUnfit(display: string, event: string): HoldfastError {
  return failed(
    'MYSQL_EVENT',
    `the event ${event} of ${display} has two semicolons in a row, with which the dump tool would hang`,
    "Nothing was stored. Put a space between them, or write them as CONCAT(';', ';') where they are text.",
  );
}

/** Tables were altered while they were dumped. */
export function schemaChanged(display: string, tables: readonly string[]): HoldfastError {
  const some = tables.slice(0, 3).join(', ');
  return failed(
    'MYSQL_SCHEMA_CHANGED',
    `tables of ${display} were altered while they were dumped${some === '' ? '' : `: ${some}`}`,
    'Nothing was stored. Run the backup when no migration runs.',
  );
}
