/**
 * A PostgreSQL server of our own, for scratch databases: made from the programs of this machine, in a temporary folder,
 * on a Unix socket in there, with a password that nobody else has. Nothing of it is durable, and it goes with us.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reasonOf, throwIfCancelled } from '../errors.ts';
import { serverFailed } from './errors.ts';
import { makeScratchFolder } from './folder.ts';
import { findServerPrograms, serverUser } from './postgres-programs.ts';
import type { ServerPrograms, UnixUser } from './postgres-programs.ts';
import type { Scratch, ScratchSpace } from './scratch.ts';

export interface ServerOptions {
  /** Of the server that the dumps come from. */
  readonly major: number;
  /** For the PATH. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A crash of this machine may lose what is in it: nobody will miss it. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: '5432',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum: 'off',
  maintenance_work_mem: '128MB',
  lc_messages: 'C',
  // Below the data folder, not in /dev/shm, so that nothing stays behind whatever ends the server.
  dynamic_shared_memory_type: 'mmap',
};
const USER = 'holdfast';
const START_MS = 60_000;
const GRACE_MS = 10_000;

/**
 * Starts a server: about two seconds.
 * @throws HoldfastError SCRATCH_NO_SERVER, SCRATCH_NO_USER, SCRATCH_SERVER_FAILED, CANCELLED
 */
export async function startScratchServer(options: ServerOptions, signal: AbortSignal): Promise<ScratchSpace> {
  const programs = await findServerPrograms(options.env, options.major);
  const user = await serverUser();
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeScratchFolder());
  const place: Place = { folder: folder.path, programs, user, password: randomBytes(24).toString('hex') };
  throwIfCancelled(signal);
  await makeCluster(place, signal);
  const server = await startServer(place);
  stack.defer(() => stopServer(server));
  await untilReady(place, server, signal);
  const resources = stack.move();
  return {
    name: `PostgreSQL ${programs.version}, a server of its own`,
    isOwn: true,
    open: (asked) => {
      throwIfCancelled(asked);
      return Promise.resolve(room(place));
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface Place {
  readonly folder: string;
  readonly programs: ServerPrograms;
  readonly user: UnixUser | undefined;
  readonly password: string;
}

/** What was loaded goes with the server, which is stopped soon; references are checked when they are added. */
function room({ folder, password }: Place): Scratch {
  const where = { host: folder, port: SETTINGS['port'] ?? '', user: USER, password };
  // Not URLSearchParams, which writes a blank as a plus sign: libpq takes that as one.
  const query = Object.entries(where).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return {
    target: `postgresql:///scratch_${randomBytes(4).toString('hex')}?${query.join('&')}`,
    brokenReferences: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function makeCluster({ folder, programs, user, password }: Place, signal: AbortSignal): Promise<void> {
  const passwordFile = join(folder, 'password');
  await mkdir(join(folder, 'data'), { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user)
    for (const path of [folder, join(folder, 'data'), passwordFile]) await chown(path, user.uid, user.gid);
  const args = [`--pgdata=${join(folder, 'data')}`, `--username=${USER}`, `--pwfile=${passwordFile}`];
  const more = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'];
  try {
    await promisify(execFile)(join(programs.folder, 'initdb'), [...args, ...more], {
      ...asUser(user),
      ...{ cwd: folder, env: CLEAN, signal, timeout: START_MS },
    });
  } catch (error) {
    throwIfCancelled(signal);
    const { stderr = '' } = error as { stderr?: string };
    throw serverFailed('initdb failed', lastLine(stderr) || reasonOf(error), error);
  }
  await rm(passwordFile);
}

/** Nothing of our environment is the server's business. */
const CLEAN = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: '/' };

function asUser(user: UnixUser | undefined) {
  return user ? { uid: user.uid, gid: user.gid } : {};
}

async function startServer({ folder, programs, user }: Place): Promise<ChildProcess> {
  const settings = { ...SETTINGS, unix_socket_directories: folder };
  const switches = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = await open(logOf(folder), 'a', 0o600);
  try {
    const server = spawn(join(programs.folder, 'postgres'), ['-D', join(folder, 'data'), ...switches], {
      ...asUser(user),
      // A process group of its own: Ctrl-C is for us, and we stop the server.
      ...{ cwd: folder, env: CLEAN, detached: true, stdio: ['ignore', log.fd, log.fd] },
    });
    await once(server, 'spawn');
    server.unref();
    return server;
  } catch (error) {
    throw serverFailed('postgres cannot be run', reasonOf(error), error);
  } finally {
    await log.close();
  }
}

function logOf(folder: string): string {
  return join(folder, 'server.log');
}

/** As pg_ctl decides: line 8 of postmaster.pid (LOCK_FILE_LINE_PM_STATUS in PostgreSQL's pidfile.h). */
async function untilReady({ folder }: Place, server: ChildProcess, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    throwIfCancelled(signal);
    const text = await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
    if (text.split('\n')[7]?.trim() === 'ready') return;
    if (hasExited(server) || Date.now() > deadline)
      throw serverFailed('postgres ended', lastLine(await readFile(logOf(folder), 'utf8').catch(() => '')));
    await sleep(20);
  }
}

/** "Immediate shutdown", which ends its children, too. */
async function stopServer(server: ChildProcess): Promise<void> {
  if (hasExited(server)) return;
  const ended = once(server, 'exit');
  server.ref();
  server.kill('SIGQUIT');
  const lastResort = setTimeout(() => server.kill('SIGKILL'), GRACE_MS);
  await ended;
  clearTimeout(lastResort);
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
