/** How a MySQL or MariaDB server is reached: what a URL says. */
import { badUrl } from './errors.ts';
import { hasOddPassword, ODD_PASSWORD } from '../odd-password.ts';

/** As `--ssl-mode` of MySQL's clients says it; MariaDB's clients know the same by other options. */
export type SslMode = 'disabled' | 'preferred' | 'required' | 'verify-ca' | 'verify-identity';

export interface MysqlSettings {
  readonly host: string;
  readonly port: number;
  /** Path of a UNIX socket; host and port do not count then. */
  readonly socket?: string;
  /** Undefined: the user of this machine, as the server's clients do it. */
  readonly user?: string;
  readonly password?: string;
  /** A file with the password, where there is none here. */
  readonly passwordFile?: string;
  readonly database: string;
  readonly ssl: {
    readonly mode: SslMode;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
  /** For people: `shop on db.example.com:3306`, never with a password. */
  readonly display: string;
}

const SSL_MODES: readonly string[] = ['disabled', 'preferred', 'required', 'verify-ca', 'verify-identity'];
const PARAMETERS = ['socket', 'password-file', 'ssl-mode', 'ssl-ca', 'ssl-cert', 'ssl-key'];

/**
 * Reads `mysql://user:password@host:3306/database?socket=…&password-file=…&ssl-mode=…&ssl-ca=…`; `mariadb://` is the same.
 * @throws HoldfastError MYSQL_URL, which never quotes the URL
 */
export function mysqlSettings(url: string): MysqlSettings {
  const parsed = parse(url);
  const query = parsed.searchParams;
  if (hasOddPassword(parsed, PARAMETERS)) throw badUrl(ODD_PASSWORD);
  const unknown = [...query.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) throw badUrl(`it has the unknown parameter ${unknown}`);
  const database = decode(parsed.pathname.slice(1), 'database');
  if (database === '') throw badUrl('it names no database');
  const host = parsed.hostname === '' ? 'localhost' : parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = parsed.port === '' ? 3306 : Number(parsed.port);
  const socket = query.get('socket') ?? undefined;
  const passwordFile = query.get('password-file') ?? undefined;
  const mode = query.get('ssl-mode') ?? 'preferred';
  if (!SSL_MODES.includes(mode)) throw badUrl(`ssl-mode must be one of ${SSL_MODES.join(', ')}`);
  const where = socket ?? `${host}:${port}`;
  return {
    host,
    port,
    ...(socket !== undefined && { socket }),
    ...(parsed.username !== '' && { user: decode(parsed.username, 'user') }),
    ...(parsed.password !== '' && { password: decode(parsed.password, 'password') }),
    ...(passwordFile !== undefined && { passwordFile }),
    database,
    ssl: {
      mode: mode as SslMode,
      ...file(query, 'ca'),
      ...file(query, 'cert'),
      ...file(query, 'key'),
    },
    display: `${database} on ${where}`,
  };
}

function parse(url: string): URL {
  if (!/^(mysql|mariadb):\/\//.test(url)) throw badUrl('it does not begin with mysql://');
  try {
    // Without a host, a user is nothing that the URL standard knows.
    return new URL(url.replace(/^(\w+:\/\/[^/@]*@)(?=\/)/, '$1localhost'));
  } catch {
    throw badUrl('it cannot be read');
  }
}

function decode(text: string, what: string): string {
  try {
    const decoded = decodeURIComponent(text);
    if (/[\0\r\n]/.test(decoded)) throw new Error('a control character');
    return decoded;
  } catch {
    throw badUrl(`its ${what} cannot be read: write special characters as %XX`);
  }
}

function file(query: URLSearchParams, name: 'ca' | 'cert' | 'key'): Readonly<Record<string, string>> {
  const path = query.get(`ssl-${name}`);
  return path === null ? {} : { [name]: path };
}
