/**
 * Redis and Valkey servers of our own: from the program of this machine, in a temporary folder, on a Unix socket in there,
 * with a password that nobody else has. They keep everything in memory, write nothing, and go with us.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { throwIfCancelled } from '../errors.ts';
import { noServerPrograms } from './errors.ts';
import { makeScratchFolder } from './folder.ts';
import { findPrograms, isOlder, serverUser, versionOf } from './programs.ts';
import type { Env, UnixUser } from './programs.ts';
import type { Scratch, ScratchSpace } from './scratch.ts';
import { answers, give, startInPlace } from './server-process.ts';

export interface RedisOptions {
  readonly flavour: 'redis' | 'valkey';
  /** Of the server that the dumps come from: `7.0.15`. */
  readonly version: string;
  /** For the PATH. */
  readonly env: Env;
}

/** Of databases; a server makes each when it starts, which takes no time. */
const DATABASES = 1024;

/**
 * A server for each snapshot, since one is restored only into an empty one.
 * @throws HoldfastError SCRATCH_NO_SERVER, SCRATCH_NO_USER; opening one: SCRATCH_SERVER_FAILED, CANCELLED
 */
export async function redisScratch(options: RedisOptions): Promise<ScratchSpace> {
  const program = await findServer(options);
  const user = await serverUser([options.flavour, 'nobody']);
  return {
    name: `${program.name} ${program.version}, a server of its own`,
    isOwn: true,
    open: (signal) => startServer(program, user, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface RedisProgram {
  /** For people. */
  readonly name: string;
  readonly file: string;
  readonly version: string;
}

/** A dump of keys is in a form that only the same product reads surely, and no older version of it. */
async function findServer({ flavour, version, env }: RedisOptions): Promise<RedisProgram> {
  const name = flavour === 'redis' ? 'Redis' : 'Valkey';
  const program = `${flavour}-server`;
  // Valkey calls itself so, also where it is installed in place of Redis.
  const says = new RegExp(`^${name} server v=(\\d[\\d.]*)`, 'i');
  for (const file of await findPrograms(env, [program])) {
    const found = await versionOf(file, ['--version'], says);
    if (found !== undefined && !isOlder(found, version)) return { name, file, version: found };
  }
  throw noServerPrograms(`${name} ${version}`, program, `Install it (Debian: ${program}).`);
}

async function startServer(
  { file }: RedisProgram,
  user: UnixUser | undefined,
  signal: AbortSignal,
): Promise<Scratch> {
  throwIfCancelled(signal);
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeScratchFolder());
  const place = { folder, user };
  const socket = join(folder.path, 'socket');
  const password = randomBytes(24).toString('hex');
  await give(place, folder.path);
  const program = { file, args: ['-'], input: configOf(folder.path, socket, password) };
  const server = stack.use(await startInPlace(place, program, 'SIGKILL'));
  await server.until(() => answers(socket, 'PING\r\n'), signal);
  const resources = stack.move();
  return {
    target: `redis://:${password}@localhost/?socket=${encodeURIComponent(socket)}`,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** It is read from stdin: neither argv nor a file has the password. */
function configOf(folder: string, socket: string, password: string): string {
  const settings: Readonly<Record<string, string>> = {
    port: '0',
    unixsocket: quoted(socket),
    unixsocketperm: '700',
    dir: quoted(folder),
    databases: String(DATABASES),
    save: '""',
    appendonly: 'no',
    daemonize: 'no',
    requirepass: password,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
