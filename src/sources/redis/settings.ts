/** How a Redis server is reached: what a URL says. */
import { badUrl } from './errors.ts';
import { hasOddPassword, ODD_PASSWORD } from '../odd-password.ts';

export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket; host and port do not count then. */
  readonly socket?: string;
  readonly user?: string;
  readonly password?: string;
  readonly tls?: {
    /** Paths of PEM files. */
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
  /** For people: `redis.example.com:6379`, never with a password. */
  readonly display: string;
}

const PARAMETERS = ['socket', 'tls-ca', 'tls-cert', 'tls-key'];
const DEFAULT_PORT = 6379;

/**
 * Reads `redis://user:password@host:6379`, `rediss://…?tls-ca=…&tls-cert=…&tls-key=…` and `redis:///?socket=/path`.
 * A server is backed up whole, so a URL with the number of a database is refused. A password that the URL leaves out
 * comes from REDISCLI_AUTH, as with redis-cli.
 * @throws HoldfastError REDIS_URL, which never quotes the URL
 */
export function redisSettings(url: string, env: NodeJS.ProcessEnv): RedisSettings {
  const parsed = parse(url);
  const query = parsed.searchParams;
  if (hasOddPassword(parsed, PARAMETERS)) throw badUrl(ODD_PASSWORD);
  const unknown = [...query.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) throw badUrl(`it has the unknown parameter ${unknown}`);
  if (!/^\/?$/.test(parsed.pathname))
    throw badUrl('it names a database; a server is backed up, and restored, with all of them');
  const host = parsed.hostname === '' ? 'localhost' : parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = parsed.port === '' ? DEFAULT_PORT : Number(parsed.port);
  const socket = query.get('socket') ?? undefined;
  const hasTls = parsed.protocol === 'rediss:';
  const files = ['ca', 'cert', 'key'].filter((name) => query.has(`tls-${name}`));
  if (!hasTls && files.length > 0) throw badUrl('tls-ca, tls-cert and tls-key are for rediss://');
  const password = decode(parsed.password, 'password') || env['REDISCLI_AUTH'];
  return {
    host,
    port,
    ...(socket !== undefined && { socket }),
    ...(parsed.username !== '' && { user: decode(parsed.username, 'user') }),
    ...(password !== undefined && password !== '' && { password }),
    ...(hasTls && { tls: Object.fromEntries(files.map((name) => [name, query.get(`tls-${name}`)])) }),
    display: socket ?? `${host}:${port}`,
  };
}

function parse(url: string): URL {
  if (!/^(redis|rediss):\/\//.test(url)) throw badUrl('it does not begin with redis:// or rediss://');
  try {
    // Without a host, a user is nothing that the URL standard knows.
    return new URL(url.replace(/^(\w+:\/\/[^/@]*@)(?=\/|\?|$)/, '$1localhost'));
  } catch {
    throw badUrl('it cannot be read');
  }
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl(`its ${what} cannot be read: write special characters as %XX`);
  }
}
