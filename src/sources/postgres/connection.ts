/** One address of a PostgreSQL database, for our own connections and for PostgreSQL's tools alike. */
import pg from 'pg';
import type { Client } from 'pg';
import { isHoldfastError } from '../../errors.ts';
import {
  badUrl,
  connectionFailed,
  databaseMissing,
  loginRefused,
  passwordMissing,
  unreachable,
} from './errors.ts';
import { passwordFromFile } from './passfile.ts';
import { isSocket, param, readSettings, type PgSettings } from './settings.ts';
import { tlsAttempts, type TlsAttempt } from './tls.ts';

export interface PgConnection {
  /** For the arguments of pg_dump and psql: complete (host, port, user, database), without password. */
  readonly libpqUrl: string;
  /** The whole environment for these tools: what the caller's was, the password, untranslated messages. */
  readonly env: Readonly<Record<string, string>>;
  /** For people: `host:port/database`, without user and password. */
  readonly display: string;
  readonly database: string;
  /**
   * A connected client; the caller ends it.
   * @throws HoldfastError PG_UNREACHABLE, PG_LOGIN, PG_DATABASE_MISSING, PG_CONNECTION, PG_TLS_FILE
   */
  client(overrides?: { readonly database?: string }): Promise<Client>;
  /** The same server and user, another database. */
  withDatabase(name: string): PgConnection;
}

/**
 * Reads a connection URL; what it leaves out comes from PG* variables, ~/.pgpass and libpq's defaults.
 * @param url - `postgres://` or `postgresql://`; a Unix socket as `postgres:///db?host=/folder`
 * @throws HoldfastError PG_URL (which never quotes the URL)
 */
export function pgConnection(url: string, env: NodeJS.ProcessEnv = process.env): PgConnection {
  if ((env['PGSERVICE'] ?? '') !== '') {
    throw badUrl('PGSERVICE is set', 'Unset it and write host, port, user and database into the URL.');
  }
  return connectionTo(readSettings(url, env));
}

function connectionTo(settings: PgSettings): PgConnection {
  const password = settings.password ?? passwordFromFile(settings);
  const withDatabase = (database: string): PgConnection => connectionTo({ ...settings, database });
  return {
    libpqUrl: libpqUrl(settings),
    env: toolEnvironment(settings.env, password),
    display: `${settings.host}:${settings.port}/${settings.database}`,
    database: settings.database,
    withDatabase,
    client: ({ database } = {}) =>
      database === undefined || database === settings.database
        ? connect(settings, password)
        : withDatabase(database).client(),
  };
}

/** Not URLSearchParams, which writes a blank as `+`: libpq would take that as a plus. */
function libpqUrl({ host, port, user, database, params }: PgSettings): string {
  const place = isSocket(host)
    ? ''
    : `${host.includes(':') ? `[${host}]` : encodeURIComponent(host)}:${port}`;
  const socket: [string, string][] = isSocket(host)
    ? [
        ['host', host],
        ['port', String(port)],
      ]
    : [];
  const query = [...socket, ...params]
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const address = `postgresql://${encodeURIComponent(user)}@${place}/${encodeURIComponent(database)}`;
  return query === '' ? address : `${address}?${query}`;
}

/** Secrets of this program are none of the tools' business; messages must be readable by this program. */
function toolEnvironment(env: NodeJS.ProcessEnv, password: string | undefined): Record<string, string> {
  const kept = Object.entries(env).filter(
    (each): each is [string, string] => each[1] !== undefined && !each[0].startsWith('HOLDFAST_'),
  );
  const all: Record<string, string> = { ...Object.fromEntries(kept), LC_ALL: 'C' };
  if (password !== undefined) all['PGPASSWORD'] = password;
  return all;
}

async function connect(settings: PgSettings, password: string | undefined): Promise<Client> {
  const display = `${settings.host}:${settings.port}/${settings.database}`;
  const attempts = tlsAttempts(settings);
  let last: unknown;
  for (const ssl of attempts) {
    const client = new pg.Client(clientConfig(settings, ssl, password, display));
    // Without a listener a connection that breaks while idle would end the process; queries report it anyway.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      last = error;
      await client.end().catch(() => undefined);
      if (!mayTryNext(error)) break;
    }
  }
  throw connectError(display, last);
}

function clientConfig(
  settings: PgSettings,
  ssl: TlsAttempt,
  password: string | undefined,
  display: string,
): pg.ClientConfig {
  const timeout = Number(param(settings, 'connect_timeout', 'PGCONNECT_TIMEOUT') ?? 30);
  const hostaddr = param(settings, 'hostaddr', 'PGHOSTADDR');
  return {
    host: hostaddr ?? settings.host,
    port: settings.port,
    user: settings.user,
    database: settings.database,
    // A function, so that the library does not look for a password of its own.
    password: () => {
      if (password === undefined) throw passwordMissing(display);
      return password;
    },
    ssl: ssl === false || hostaddr === undefined ? ssl : { servername: settings.host, ...ssl },
    options: param(settings, 'options', 'PGOPTIONS'),
    application_name: param(settings, 'application_name', 'PGAPPNAME') ?? 'holdfast',
    client_encoding: 'UTF8',
    connectionTimeoutMillis: Number.isFinite(timeout) && timeout > 0 ? timeout * 1000 : 30_000,
    keepAlive: true,
    enableChannelBinding: param(settings, 'channel_binding', 'PGCHANNELBINDING') === 'require',
  };
}

/** libpq tries the other way when the server has no TLS, or when pg_hba.conf has no line for this way. */
function mayTryNext(error: unknown): boolean {
  return codeOf(error) === '28000' || (error instanceof Error && /does not support SSL/.test(error.message));
}

const UNREACHABLE = new Set(
  'ECONNREFUSED ECONNRESET ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOENT EPIPE 57P03'.split(
    ' ',
  ),
);

function connectError(display: string, error: unknown): Error {
  if (isHoldfastError(error)) return error;
  const code = codeOf(error) ?? '';
  if (UNREACHABLE.has(code) || /timeout expired|terminated unexpectedly/.test(String(error))) {
    return unreachable(display, error);
  }
  if (code === '28P01' || code === '28000') return loginRefused(display, error);
  if (code === '3D000') return databaseMissing(display, error);
  return connectionFailed(display, error);
}

function codeOf(error: unknown): string | undefined {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code: unknown = first instanceof Error && 'code' in first ? first.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
