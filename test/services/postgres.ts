/**
 * A real PostgreSQL server for tests: its own cluster in a temporary folder, on a free loopback port and a unix socket.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly socketFolder: string;
  /** A superuser. Both TCP and the socket ask for the password (scram-sha-256). */
  readonly user: string;
  readonly password: string;
}

/** A role that can log in. */
export interface PostgresRole {
  readonly name: string;
  readonly password: string;
}

/** What a test does with a server, its own or one it shares with other tests. */
export interface PostgresAccess extends PostgresAddress {
  /** The TCP address of a database, for the superuser or for a role. Default database: `postgres`. */
  url(database?: string, role?: PostgresRole): string;
  /** The same through the unix socket, in libpq's query form (`postgresql:///db?host=/path&…`). */
  socketUrl(database?: string, role?: PostgresRole): string;
  /** Makes an empty database, named `name` plus a random end, and returns its TCP address. */
  createDatabase(name?: string): Promise<string>;
  /** Drops a database by its address, with whoever is connected to it. */
  dropDatabase(url: string): Promise<void>;
  /** Makes a role with a random name. `attributes`: SQL after `CREATE ROLE … LOGIN PASSWORD …`, e.g. `CREATEDB`. */
  createRole(attributes?: string): Promise<PostgresRole>;
  /**
   * Runs SQL (psql's commands and COPY data too) through psql, which stops at the first error; then this throws. Returns
   * stdout: unaligned, without headers, columns parted by `|`.
   */
  psql(url: string, sql: string): Promise<string>;
}

/** A server that belongs to the caller. */
export interface PostgresServer extends PostgresAccess {
  /** For `postgresAt` in another process. */
  readonly address: PostgresAddress;
  /** The pid of the postmaster. */
  readonly pid: number;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Lines for postgresql.conf, e.g. `{ wal_level: 'logical' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** An existing folder that someone else removes. Default: a temporary folder of its own. */
  readonly folder?: string;
}

const SUPERUSER: PostgresRole = { name: 'holdfast', password: 'holdfast-test' };

/** Durability is off: a crash of this machine may lose the tests' data. WAL stays as users have it. */
const FAST_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  jit: 'off',
  max_connections: '100',
  lc_messages: 'C',
  // Below the data folder, not in /dev/shm, so that nothing stays behind whatever ends the server.
  dynamic_shared_memory_type: 'mmap',
};

/** Makes a cluster and starts a server on it: well under 2 s. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const guarded = options.folder === undefined ? await guardedFolder() : undefined;
  const folder = join(options.folder ?? guarded?.path ?? '', 'postgres');
  const user = unprivilegedUser();
  try {
    await makeCluster(folder, user);
    const { daemon, port } = await withFreshPorts(() => startServer(folder, user, options.settings ?? {}));
    const address = {
      host: '127.0.0.1',
      port,
      socketFolder: folder,
      user: SUPERUSER.name,
      password: SUPERUSER.password,
    };
    return {
      ...postgresAt(address),
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
export function postgresAt(address: PostgresAddress): PostgresAccess {
  const superuser: PostgresRole = { name: address.user, password: address.password };
  const url = (database = 'postgres', role = superuser) =>
    `postgresql://${encodeURIComponent(role.name)}:${encodeURIComponent(role.password)}` +
    `@${address.host}:${String(address.port)}/${encodeURIComponent(database)}`;
  const socketUrl = (database = 'postgres', role = superuser) => {
    const where = {
      host: address.socketFolder,
      port: String(address.port),
      user: role.name,
      password: role.password,
    };
    // encodeURIComponent, not URLSearchParams: libpq does not read "+" as a space.
    const query = Object.entries(where).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
    return `postgresql:///${encodeURIComponent(database)}?${query.join('&')}`;
  };
  return {
    ...address,
    url,
    socketUrl,
    createDatabase: async (name = 'test') => {
      const unique = `${name}_${randomBytes(4).toString('hex')}`;
      await psql(url(), `CREATE DATABASE ${quoteIdentifier(unique)};`);
      return url(unique);
    },
    dropDatabase: async (databaseUrl) => {
      const name = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
      await psql(url(), `DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE);`);
    },
    createRole: async (attributes = '') => {
      const role = {
        name: `role_${randomBytes(4).toString('hex')}`,
        password: randomBytes(12).toString('base64'),
      };
      await psql(
        url(),
        `CREATE ROLE ${quoteIdentifier(role.name)} LOGIN PASSWORD '${role.password}' ${attributes};`,
      );
      return role;
    },
    psql,
  };
}

async function psql(url: string, sql: string): Promise<string> {
  // The password is visible in argv; it protects nothing but a test's data on loopback.
  const args = [
    '--no-psqlrc',
    '--quiet',
    '--no-align',
    '--tuples-only',
    '--set=ON_ERROR_STOP=1',
    `--dbname=${url}`,
  ];
  return runTool(program('psql'), [...args, '--file=-'], { input: sql, timeoutMs: 300_000 });
}

async function makeCluster(folder: string, user: UnixUser | undefined): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, SUPERUSER.password, { mode: 0o600 });
  if (user) {
    await chown(folder, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  const login = [`--username=${SUPERUSER.name}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  const text = ['--encoding=UTF8', '--locale=C.UTF-8'];
  await runTool(program('initdb'), [`--pgdata=${dataFolder(folder)}`, ...login, ...text, '--no-sync'], {
    user,
    cwd: folder,
  });
  await rm(passwordFile);
}

async function startServer(
  folder: string,
  user: UnixUser | undefined,
  settings: Readonly<Record<string, string>>,
): Promise<{ daemon: Daemon; port: number }> {
  const port = await freePort();
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    ...FAST_SETTINGS,
    ...settings,
  };
  const switches = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const daemon = await startDaemon(program('postgres'), ['-D', dataFolder(folder), ...switches], {
    user,
    cwd: folder,
    logFile: join(folder, 'server.log'),
    // "Immediate shutdown": ends the server's children and its System V shared memory too, which SIGKILL would leave.
    deathSignal: 'SIGQUIT',
  });
  await waitUntilReady('postgres', daemon, () => postmasterIsReady(folder));
  return { daemon, port };
}

/** As pg_ctl decides: line 8 of postmaster.pid (LOCK_FILE_LINE_PM_STATUS in PostgreSQL's pidfile.h). */
async function postmasterIsReady(folder: string): Promise<boolean> {
  const text = await readFile(join(dataFolder(folder), 'postmaster.pid'), 'utf8').catch(() => '');
  return text.split('\n')[7]?.trim() === 'ready';
}

function dataFolder(folder: string): string {
  return join(folder, 'data');
}

/** All programs from the server's own version: `/usr/bin/psql` is a slow wrapper on Debian. */
function program(name: string): string {
  return join(dirname(locateOrThrow('postgres')), name);
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
