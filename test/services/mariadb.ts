/**
 * A real MariaDB server for tests: its own data folder in a temporary folder, on a free loopback port and a unix socket.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { guardedFolder } from './guard.ts';
import { locateOrThrow } from './packages.ts';
import type { Daemon, UnixUser } from './processes.ts';
import {
  freePort,
  runTool,
  startDaemon,
  unprivilegedUser,
  waitUntilReady,
  withFreshPorts,
} from './processes.ts';

/** What another process needs to know to use a running server: plain data. */
export interface MariadbAddress {
  readonly host: string;
  readonly port: number;
  readonly socket: string;
  /** May do everything. */
  readonly user: string;
  readonly password: string;
}

/** A user that can log in. */
export interface MariadbUser {
  readonly name: string;
  readonly password: string;
}

/** What a test does with a server, its own or one it shares with other tests. */
export interface MariadbAccess extends MariadbAddress {
  /** The TCP address of a database, for the superuser or for another user. Default database: `mysql`. */
  url(database?: string, user?: MariadbUser): string;
  /** The same through the unix socket. */
  socketUrl(database?: string, user?: MariadbUser): string;
  /** Makes an empty utf8mb4 database, named `name` plus a random end, and returns its TCP address. */
  createDatabase(name?: string): Promise<string>;
  /** Drops a database by its address. */
  dropDatabase(url: string): Promise<void>;
  /** Makes a user with a random name and these rights: `GRANT …` statements with `$USER` for the user. */
  createUser(grants?: readonly string[]): Promise<MariadbUser>;
  /** Runs SQL through the client, which stops at the first error; then this throws. Returns stdout: columns parted by tabs. */
  sql(url: string, sql: string): Promise<string>;
}

/** A server that belongs to the caller. */
export interface MariadbServer extends MariadbAccess {
  /** For `mariadbAt` in another process. */
  readonly address: MariadbAddress;
  readonly pid: number;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

export interface MariadbOptions {
  /** Options of the server, e.g. `{ 'sql-mode': 'NO_BACKSLASH_ESCAPES' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** An existing folder that someone else removes. Default: a temporary folder of its own. */
  readonly folder?: string;
}

const SUPERUSER: MariadbUser = { name: 'holdfast', password: 'holdfast-test' };

/** Durability is off: a crash of this machine may lose the tests' data. */
const FAST_SETTINGS: Readonly<Record<string, string>> = {
  'innodb-flush-log-at-trx-commit': '0',
  'innodb-doublewrite': '0',
  'innodb-buffer-pool-size': '256M',
  'sync-binlog': '0',
  'max-connections': '100',
  'max-allowed-packet': '64M',
};

/** Makes a data folder and starts a server on it: 2 to 4 s. */
export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const guarded = options.folder === undefined ? await guardedFolder() : undefined;
  const folder = join(options.folder ?? guarded?.path ?? '', 'mariadb');
  const user = unprivilegedUser();
  try {
    await makeData(folder, user);
    const { daemon, port } = await withFreshPorts(() => startServer(folder, user, options.settings ?? {}));
    const { name, password } = SUPERUSER;
    const address = { host: '127.0.0.1', port, socket: socketIn(folder), user: name, password };
    return {
      ...mariadbAt(address),
      address,
      pid: daemon.pid,
      stop: async () => {
        await daemon.stop();
        await rm(folder, { recursive: true, force: true, maxRetries: 30, retryDelay: 50 });
        await guarded?.remove();
      },
    };
  } catch (error) {
    await guarded?.remove();
    throw error;
  }
}

/** The use of a server that runs already. */
export function mariadbAt(address: MariadbAddress): MariadbAccess {
  const superuser: MariadbUser = { name: address.user, password: address.password };
  const login = ({ name, password }: MariadbUser) =>
    `${encodeURIComponent(name)}:${encodeURIComponent(password)}`;
  const url = (database = 'mysql', user = superuser) =>
    `mysql://${login(user)}@${address.host}:${String(address.port)}/${encodeURIComponent(database)}`;
  return {
    ...address,
    url,
    socketUrl: (database = 'mysql', user = superuser) =>
      `mysql://${login(user)}@localhost/${encodeURIComponent(database)}?socket=${encodeURIComponent(address.socket)}`,
    createDatabase: async (name = 'test') => {
      const unique = `${name}_${randomBytes(4).toString('hex')}`;
      await sql(url(), `CREATE DATABASE ${quoted(unique)} CHARACTER SET utf8mb4;`);
      return url(unique);
    },
    dropDatabase: async (databaseUrl) => {
      const name = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
      await sql(url(), `DROP DATABASE IF EXISTS ${quoted(name)};`);
    },
    createUser: async (grants = []) => {
      const user = {
        name: `user_${randomBytes(4).toString('hex')}`,
        password: randomBytes(12).toString('base64'),
      };
      const account = `'${user.name}'@'%'`;
      const statements = grants.map((grant) => `${grant.replaceAll('$USER', account)};`).join('\n');
      await sql(url(), `CREATE USER ${account} IDENTIFIED BY '${user.password}';\n${statements}`);
      return user;
    },
    sql,
  };
}

async function sql(url: string, text: string): Promise<string> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const socket = searchParams.get('socket');
  // The password is visible in argv; it protects nothing but a test's data on loopback.
  const args = [
    '--no-defaults',
    ...(socket === null
      ? [`--host=${hostname}`, `--port=${port}`, '--protocol=tcp']
      : [`--socket=${socket}`]),
    `--user=${decodeURIComponent(username)}`,
    `--password=${decodeURIComponent(password)}`,
    `--database=${decodeURIComponent(pathname.slice(1))}`,
    '--default-character-set=utf8mb4',
    '--batch',
    '--skip-column-names',
    '--binary-mode',
  ];
  return runTool(locateOrThrow('mariadb'), args, { input: text, timeoutMs: 300_000 });
}

async function makeData(folder: string, user: UnixUser | undefined): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  const init = initIn(folder);
  await writeFile(init, INIT);
  if (user) {
    await chown(folder, user.uid, user.gid);
    await chown(init, user.uid, user.gid);
  }
  const args = ['--no-defaults', `--datadir=${dataIn(folder)}`, '--auth-root-authentication-method=normal'];
  await runTool(locateOrThrow('mariadb-install-db'), [...args, '--skip-test-db'], {
    user,
    cwd: folder,
  });
}

const INIT = `CREATE USER IF NOT EXISTS '${SUPERUSER.name}'@'%' IDENTIFIED BY '${SUPERUSER.password}';
GRANT ALL PRIVILEGES ON *.* TO '${SUPERUSER.name}'@'%' WITH GRANT OPTION;
`;

async function startServer(
  folder: string,
  user: UnixUser | undefined,
  settings: Readonly<Record<string, string>>,
): Promise<{ daemon: Daemon; port: number }> {
  const port = await freePort();
  const all = {
    datadir: dataIn(folder),
    socket: socketIn(folder),
    'pid-file': join(folder, 'pid'),
    'bind-address': '127.0.0.1',
    port: String(port),
    'skip-name-resolve': '1',
    'character-set-server': 'utf8mb4',
    'init-file': initIn(folder),
    ...FAST_SETTINGS,
    ...settings,
  };
  const switches = Object.entries(all).map(([name, value]) => `--${name}=${value}`);
  const daemon = await startDaemon(locateOrThrow('mariadbd'), ['--no-defaults', ...switches], {
    user,
    cwd: folder,
    logFile: join(folder, 'server.log'),
  });
  const address = {
    host: '127.0.0.1',
    port,
    socket: socketIn(folder),
    user: SUPERUSER.name,
    password: SUPERUSER.password,
  };
  await waitUntilReady('mariadbd', daemon, async () => {
    const answer = await mariadbAt(address)
      .sql(mariadbAt(address).url(), 'SELECT 1;')
      .catch(() => '');
    return answer.trim() === '1';
  });
  return { daemon, port };
}

function dataIn(folder: string): string {
  return join(folder, 'data');
}

function initIn(folder: string): string {
  return join(folder, 'init.sql');
}

function socketIn(folder: string): string {
  return join(folder, 'socket');
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
