/** Real Redis servers for tests: in a temporary folder, on a free loopback port and a Unix socket, well under 1 s each. */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, onTestFinished, TestRunner } from 'vitest';
import { locateOrThrow } from './packages.ts';
import {
  freePort,
  runTool,
  startDaemon,
  unprivilegedUser,
  waitUntilReady,
  withFreshPorts,
} from './processes.ts';
import type { Daemon } from './processes.ts';

/** A server that belongs to the caller. */
export interface RedisServer {
  readonly port: number;
  readonly password: string;
  /** With the password. */
  readonly url: string;
  /** The same through the Unix socket. */
  readonly socketUrl: string;
  readonly folder: string;
  readonly pid: number;
  /** Runs commands, one on each line in redis-cli's own syntax; returns what it prints. */
  cli(commands: string | Buffer): Promise<string>;
  /** Everything in it, as one number that the server computes (DEBUG DIGEST), and its functions. */
  digest(): Promise<string>;
  /** Keys of a database. */
  count(database: string): Promise<number>;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

export interface RedisOptions {
  /** Lines for redis.conf, e.g. `{ maxmemory: '10mb' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Ends with the test, or with the run when it was started outside of one. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const folder = join(inject('runFolder'), `redis-${randomBytes(6).toString('hex')}`);
  const server = await withFreshPorts(() => start(folder, options));
  if (TestRunner.getCurrentTest()) onTestFinished(() => server.stop());
  return server;
}

async function start(folder: string, { settings = {} }: RedisOptions): Promise<RedisServer> {
  const user = unprivilegedUser();
  await mkdir(folder, { recursive: true });
  await chmod(inject('runFolder'), 0o711);
  if (user) await chown(folder, user.uid, user.gid);
  const port = await freePort();
  const password = randomBytes(9).toString('base64');
  const socket = join(folder, 's');
  const all: Readonly<Record<string, string>> = {
    port: String(port),
    bind: '127.0.0.1',
    unixsocket: socket,
    dir: folder,
    save: '',
    appendonly: 'no',
    requirepass: password,
    'enable-debug-command': 'yes',
    // Otherwise each dump begins five seconds late.
    'repl-diskless-sync-delay': '0',
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const log = join(folder, 'log');
  const daemon = await startDaemon(locateOrThrow('redis-server'), args, { logFile: log, user });
  const cli = redisCli(port, password);
  await waitUntilReady('redis', daemon, async () => (await cli('PING').catch(() => '')).trim() === 'PONG');
  const login = `:${encodeURIComponent(password)}@`;
  return {
    port,
    password,
    url: `redis://${login}127.0.0.1:${port}`,
    socketUrl: `redis://${login}/?socket=${encodeURIComponent(socket)}`,
    folder,
    pid: daemon.pid,
    cli,
    digest: async () => `${await cli('DEBUG DIGEST')}${await cli('FUNCTION LIST WITHCODE')}`,
    count: async (database) =>
      Number(/(\d+)\s*$/.exec(await cli(`SELECT ${database.slice(2)}\nDBSIZE`))?.[1]),
    stop: () => stop(daemon, folder),
  };
}

/** redis-cli reading commands from stdin, as a person would feed it a script. */
export function redisCli(port: number, password: string): (commands: string | Buffer) => Promise<string> {
  return (commands) =>
    runTool(locateOrThrow('redis-cli'), ['-p', String(port)], {
      env: { REDISCLI_AUTH: password },
      input: Buffer.isBuffer(commands) ? commands : `${commands}\n`,
    });
}

async function stop(daemon: Daemon, folder: string): Promise<void> {
  await daemon.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 30, retryDelay: 50 });
}
