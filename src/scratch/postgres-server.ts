/**
 * A PostgreSQL server of our own, for scratch databases: made from the programs of this machine, in a temporary folder,
 * on a Unix socket in there, with a password that nobody else has. Nothing of it is durable, and it goes with us.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfCancelled } from '../errors.ts';
import { makeScratchFolder } from './folder.ts';
import { findServerPrograms } from './postgres-programs.ts';
import type { ServerPrograms } from './postgres-programs.ts';
import { serverUser } from './programs.ts';
import type { Env } from './programs.ts';
import type { Scratch, ScratchSpace } from './scratch.ts';
import { give, runInPlace, startInPlace } from './server-process.ts';
import type { Place } from './server-process.ts';

export interface ServerOptions {
  /** Of the server that the dumps come from. */
  readonly major: number;
  /** For the PATH. */
  readonly env: Env;
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

/**
 * Starts a server: about two seconds.
 * @throws HoldfastError SCRATCH_NO_SERVER, SCRATCH_NO_USER, SCRATCH_SERVER_FAILED, CANCELLED
 */
export async function startScratchServer(options: ServerOptions, signal: AbortSignal): Promise<ScratchSpace> {
  const programs = await findServerPrograms(options.env, options.major);
  const user = await serverUser(['postgres', 'nobody']);
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeScratchFolder());
  const place: Cluster = { folder, programs, user, password: randomBytes(24).toString('hex') };
  await makeCluster(place, signal);
  const server = stack.use(await startInPlace(place, postgres(place), 'SIGQUIT'));
  await server.until(() => isReady(place), signal);
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

interface Cluster extends Place {
  readonly programs: ServerPrograms;
  readonly password: string;
}

/** What was loaded goes with the server, which is stopped soon. */
function room({ folder, password }: Cluster): Scratch {
  const where = { host: folder.path, port: SETTINGS['port'] ?? '', user: USER, password };
  // Not URLSearchParams, which writes a blank as a plus sign: libpq takes that as one.
  const query = Object.entries(where).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return {
    target: `postgresql:///scratch_${randomBytes(4).toString('hex')}?${query.join('&')}`,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function makeCluster(place: Cluster, signal: AbortSignal): Promise<void> {
  const { folder, programs, password } = place;
  const passwordFile = join(folder.path, 'password');
  await mkdir(dataOf(place), { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  await give(place, folder.path, dataOf(place), passwordFile);
  const args = [`--pgdata=${dataOf(place)}`, `--username=${USER}`, `--pwfile=${passwordFile}`];
  const more = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'];
  await runInPlace(place, { file: join(programs.folder, 'initdb'), args: [...args, ...more] }, signal);
  await rm(passwordFile);
}

function postgres(place: Cluster) {
  const settings = { ...SETTINGS, unix_socket_directories: place.folder.path };
  const switches = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return { file: join(place.programs.folder, 'postgres'), args: ['-D', dataOf(place), ...switches] };
}

function dataOf({ folder }: Place): string {
  return join(folder.path, 'data');
}

/** As pg_ctl decides: line 8 of postmaster.pid (LOCK_FILE_LINE_PM_STATUS in PostgreSQL's pidfile.h). */
async function isReady(place: Place): Promise<boolean> {
  const text = await readFile(join(dataOf(place), 'postmaster.pid'), 'utf8').catch(() => '');
  return text.split('\n')[7]?.trim() === 'ready';
}
