/** A PostgreSQL server of our own: loopback, free port, temporary folder, gone at the end. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chown, mkdir, open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Environment } from './processes.ts';
import { run } from './processes.ts';

const START_SECONDS = 30;

/**
 * Durability stays as shipped (fsync, full_page_writes, synchronous_commit), because a restore into a server
 * without it says nothing. Checkpoints and autovacuum are kept out of the way: they would hit contestants at random.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '512MB',
  maintenance_work_mem: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  jit: 'off',
  timezone: 'UTC',
};

export interface Server {
  /** Connection URL of a database of this server. */
  url(database: string): string;
  /** Runs SQL (a text or a file) with psql, stops at the first error, returns what it printed, unaligned. */
  sql(database: string, input: SqlInput): Promise<string>;
  /** User and system seconds that all sessions which have ended took so far: the server's part of a dump or a load. */
  sessionSeconds(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SqlInput {
  readonly files?: readonly string[];
  readonly text?: string;
  /** psql variables, used as `:name` in the SQL. */
  readonly variables?: Readonly<Record<string, string | number>>;
}

export interface ServerOptions {
  /** An existing folder that the server's user may enter; the cluster goes below it. */
  readonly folder: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/** Creates a cluster and starts it; disposing stops the server (its folder is the caller's). */
export async function startPostgres(options: ServerOptions): Promise<Server> {
  const home = join(options.folder, 'postgres');
  const owner = await serverUser();
  await mkdir(home, { mode: 0o700 });
  if (owner !== undefined) await chown(home, owner.uid, owner.gid);
  const as = asUser(owner);

  const cluster = join(home, 'data');
  const initdb = [
    'initdb',
    '--pgdata',
    cluster,
    '--username=bench',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
  ];
  await run('setpriv', [...as, ...initdb], { ...options, cwd: home });

  const port = await freePort();
  const log = await open(join(options.folder, 'postgres.log'), 'w');
  const settings = Object.entries({ ...SETTINGS, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  // SIGINT is PostgreSQL's fast shutdown: the server ends by itself when the benchmark is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'INT', ...as, 'postgres', '-D', cluster, ...settings], {
    cwd: home,
    env: { ...options.env },
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  });
  await log.close();

  const url = (database: string): string => `postgres://bench@127.0.0.1:${port}/${database}`;
  try {
    await answers(child, url('postgres'), options);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return {
    url,
    sql: (database, input) => run('psql', psqlArguments(url(database), input), sqlOptions(options, input)),
    sessionSeconds: () => reapedSeconds(child),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root; the Debian package brings the user `postgres`. */
async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('there is no user postgres to run the server as');
  return { uid: Number(uid), gid: Number(gid) };
}

function asUser(user: User | undefined): readonly string[] {
  return user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no free port'));
      });
    });
  });
}

async function answers(child: ChildProcess, url: string, options: ServerOptions): Promise<void> {
  const until = Date.now() + START_SECONDS * 1000;
  for (;;) {
    options.signal.throwIfAborted();
    if (child.exitCode !== null)
      throw new Error(`postgres ended at its start; see ${options.folder}/postgres.log`);
    try {
      await run('pg_isready', ['--quiet', '--dbname', url], { ...options, cwd: options.folder });
      return;
    } catch (error) {
      if (Date.now() > until) throw new Error('postgres does not answer', { cause: error });
      await sleep(100);
    }
  }
}

function psqlArguments(url: string, input: SqlInput): readonly string[] {
  const variables = Object.entries(input.variables ?? {}).flatMap(([name, value]) => [
    '-v',
    `${name}=${value}`,
  ]);
  const files = (input.files ?? (input.text === undefined ? [] : ['-'])).flatMap((file) => ['-f', file]);
  return ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...variables, ...files, '--dbname', url];
}

function sqlOptions(options: ServerOptions, input: SqlInput): Parameters<typeof run>[2] {
  const base = { env: options.env, signal: options.signal, cwd: options.folder };
  return input.text === undefined ? base : { ...base, input: input.text };
}

/** Linux counts in hundredths of a second here, whatever its own tick is (proc(5), USER_HZ). */
const TICKS_A_SECOND = 100;
/** A session ends a moment after its client. */
const SESSION_END_MS = 100;

async function reapedSeconds(child: ChildProcess): Promise<number> {
  await sleep(SESSION_END_MS);
  const line = await readFile(`/proc/${child.pid ?? 0}/stat`, 'latin1');
  // After the name in parentheses: state is field 3, so cutime and cstime (fields 16 and 17) are 13 and 14 here.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await ended;
}
