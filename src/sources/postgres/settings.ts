/**
 * Where a PostgreSQL server is and who connects: the URL first, then PG* variables, then libpq's defaults.
 *
 * Everything is settled here once, so that our own connection and the PostgreSQL tools cannot end up on
 * different servers. The rules are libpq's (PostgreSQL docs, "Connection Strings" and "Environment Variables").
 */
import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { badUrl } from './errors.ts';
import { ODD_PASSWORD } from '../odd-password.ts';

export interface PgSettings {
  /** Name, address or folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** From the URL or PGPASSWORD; a passfile is asked later, because it depends on the database. */
  readonly password: string | undefined;
  /** The other parameters of the URL. */
  readonly params: ReadonlyMap<string, string>;
  readonly env: NodeJS.ProcessEnv;
}

/** Parameters that libpq takes in a URL (PostgreSQL 17, section 34.1.2), without those that this program settles. */
const LIBPQ = new Set(
  `hostaddr passfile require_auth channel_binding connect_timeout client_encoding options application_name
  fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout
  gssencmode sslmode requiressl sslnegotiation sslcompression sslcert sslkey sslcertmode sslrootcert sslcrl sslcrldir
  sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version krbsrvname gsslib gssdelegation
  target_session_attrs load_balance_hosts`.split(/\s+/),
);

/** Where a server listens for local clients: Debian and Red Hat, then the default of the sources. */
const SOCKET_FOLDERS = ['/var/run/postgresql', '/tmp'];

/**
 * Reads a URL and what it leaves out.
 * @throws HoldfastError PG_URL
 */
export function readSettings(url: string, env: NodeJS.ProcessEnv): PgSettings {
  const given = splitUrl(url);
  const params = checkedParams(given);
  const port = portOf(given.get('port') ?? env['PGPORT'] ?? '5432');
  const user = given.get('user') ?? present(env['PGUSER']) ?? userInfo().username;
  const host = given.get('host') ?? present(env['PGHOST']) ?? defaultHost(port);
  if (host.includes(',')) throw badUrl('several hosts', 'Name the one server to back up.');
  return {
    host,
    port,
    user,
    database: given.get('dbname') ?? present(env['PGDATABASE']) ?? user,
    password: given.get('password') ?? present(env['PGPASSWORD']),
    params,
    env,
  };
}

/** A parameter of the URL or the variable that stands for it. */
export function param(settings: PgSettings, name: string, variable: string): string | undefined {
  return settings.params.get(name) ?? present(settings.env[variable]);
}

/** True when the server is reached by a Unix socket. */
export function isSocket(host: string): boolean {
  return host.startsWith('/') || host.startsWith('@');
}

/** The password in the passfile's terms may say localhost for these. */
export function isDefaultSocket(host: string): boolean {
  return SOCKET_FOLDERS.includes(host) || host === '/run/postgresql';
}

/** The home folder as libpq sees it. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  return present(env['HOME']) ?? homedir();
}

function defaultHost(port: number): string {
  const folder = SOCKET_FOLDERS.find((each) => existsSync(join(each, `.s.PGSQL.${port}`)));
  return folder ?? 'localhost';
}

const URL_PARTS = /^postgres(?:ql)?:\/\/(?:([^@/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s;

/** The parts of the URL under libpq's names. Not WHATWG: `user@/db?host=/folder` is right here. */
function splitUrl(url: string): Map<string, string> {
  const match = URL_PARTS.exec(url.trim());
  if (match === null) throw badUrl('it does not start with postgres:// or has no valid form');
  const [, login, authority = '', path, query] = match;
  // Else the rest of the password would be taken for a host or a database: asked of a name server, and shown.
  if (`${authority}${path ?? ''}`.includes('@')) throw badUrl(ODD_PASSWORD);
  const parts = new Map<string, string>();
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') parts.set(name, decode(value));
  };
  const colon = login?.indexOf(':') ?? -1;
  put('user', colon === -1 ? login : login?.slice(0, colon));
  put('password', colon === -1 ? undefined : login?.slice(colon + 1));
  const place = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d*))?$/.exec(authority);
  if (place === null && !authority.includes(',')) throw badUrl('host and port cannot be read');
  put('host', place?.[1] ?? place?.[2] ?? authority);
  put('port', place?.[3]);
  put('dbname', path);
  for (const pair of (query ?? '').split('&').filter((each) => each !== '')) {
    const equals = pair.indexOf('=');
    if (equals === -1) throw badUrl('a parameter has no value');
    put(decode(pair.slice(0, equals)), pair.slice(equals + 1));
  }
  return parts;
}

function checkedParams(given: ReadonlyMap<string, string>): Map<string, string> {
  const params = new Map<string, string>();
  for (const [name, value] of given) {
    if (['host', 'port', 'user', 'dbname', 'password'].includes(name)) continue;
    // JDBC's way to say it, which libpq takes too.
    if (name === 'ssl' && value === 'true') params.set('sslmode', 'require');
    else if (name === 'sslpassword')
      throw badUrl('sslpassword', 'Use a key file without passphrase, mode 0600.');
    else if (name === 'service') throw badUrl('service', 'Write host, port, user and database into the URL.');
    else if (!LIBPQ.has(name) && `${name}${value}`.includes('@')) throw badUrl(ODD_PASSWORD);
    else if (!LIBPQ.has(name))
      throw badUrl(`unknown parameter ${JSON.stringify(name)}`, 'Remove it from the URL.');
    else params.set(name, value);
  }
  return params;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535)
    throw badUrl('the port is not a number from 1 to 65535');
  return port;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl('a % stands before something that is not a hexadecimal number', 'Write % itself as %25.');
  }
}

function present(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
