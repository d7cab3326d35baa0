/** A server process of our own, in a folder that goes: making its data, starting it, waiting for it, stopping it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf, throwIfCancelled } from '../errors.ts';
import { serverFailed } from './errors.ts';
import type { ScratchFolder } from './folder.ts';
import type { UnixUser } from './programs.ts';

/** Where a server lives and who runs it. */
export interface Place {
  readonly folder: ScratchFolder;
  /** Undefined: ourselves. */
  readonly user: UnixUser | undefined;
}

/** What is run in a place. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  /** What it reads; nothing when it is left out. */
  readonly input?: string;
}

const START_MS = 60_000;
const GRACE_MS = 10_000;
const POLL_MS = 20;

/** Nothing of our environment is the server's business. */
const CLEAN = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: '/' };

/** Gives files of ours to whom runs the server. */
export async function give({ user }: Place, ...paths: readonly string[]): Promise<void> {
  if (user) for (const path of paths) await chown(path, user.uid, user.gid);
}

/**
 * Runs a program to its end, e.g. one that makes a data folder.
 * @throws HoldfastError SCRATCH_SERVER_FAILED, CANCELLED
 */
export async function runInPlace(place: Place, program: Program, signal: AbortSignal): Promise<void> {
  throwIfCancelled(signal);
  const name = basename(program.file);
  const child = await spawnInPlace(place, program);
  const deadline = Date.now() + START_MS;
  while (!hasExited(child) && !signal.aborted && Date.now() < deadline) await sleep(POLL_MS);
  const { exitCode } = child;
  await stopProcess(place, child, 'SIGKILL');
  throwIfCancelled(signal);
  if (exitCode !== 0) throw serverFailed(`${name} failed`, await lastLine(place));
}

/** A server that runs; disposing it stops it. */
export interface Server extends AsyncDisposable {
  /**
   * Waits until it is ready.
   * @throws HoldfastError SCRATCH_SERVER_FAILED, CANCELLED
   */
  until(isReady: () => Promise<boolean>, signal: AbortSignal): Promise<void>;
}

/**
 * Starts a server, which is not ready yet.
 * @param stopSignal - what ends it soon: nothing in it has to last
 * @throws HoldfastError SCRATCH_SERVER_FAILED
 */
export async function startInPlace(
  place: Place,
  program: Program,
  stopSignal: 'SIGKILL' | 'SIGQUIT',
): Promise<Server> {
  const name = basename(program.file);
  const child = await spawnInPlace(place, program, stopSignal === 'SIGQUIT' ? 'QUIT' : 'KILL');
  child.unref();
  return {
    until: async (isReady, signal) => {
      const deadline = Date.now() + START_MS;
      for (;;) {
        throwIfCancelled(signal);
        if (hasExited(child)) throw serverFailed(`${name} ended`, await lastLine(place));
        if (await isReady()) return;
        if (Date.now() > deadline) throw serverFailed(`${name} is not ready`, await lastLine(place));
        await sleep(POLL_MS);
      }
    },
    [Symbol.asyncDispose]: () => stopProcess(place, child, stopSignal),
  };
}

async function spawnInPlace(place: Place, { file, args, input }: Program, guard?: 'KILL' | 'QUIT') {
  const { folder, user } = place;
  const log = await open(logOf(place), 'a', 0o600);
  try {
    const child = spawn(file, args, {
      ...(user && { uid: user.uid, gid: user.gid }),
      // A process group of its own: Ctrl-C is for us, and we end it, or the guard does.
      ...{ cwd: folder.path, env: CLEAN, detached: true },
      stdio: [input === undefined ? 'ignore' : 'pipe', log.fd, log.fd],
    });
    folder.guard(child.pid, guard);
    await once(child, 'spawn');
    // One that ends before it has read everything says why in its log.
    child.stdin?.on('error', () => undefined).end(input);
    return child;
  } catch (error) {
    throw serverFailed(`${basename(file)} cannot be run`, reasonOf(error), error);
  } finally {
    await log.close();
  }
}

/** Ends it and whatever it has started. */
async function stopProcess({ folder }: Place, child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!hasExited(child)) {
    const ended = once(child, 'exit');
    child.ref();
    killGroup(child, signal);
    const lastResort = setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(lastResort);
  }
  folder.guard(undefined);
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended in this moment.
  }
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function logOf({ folder }: Place): string {
  return join(folder.path, 'server.log');
}

async function lastLine(place: Place): Promise<string> {
  const text = await readFile(logOf(place), 'utf8').catch(() => '');
  return text.trim().split('\n').at(-1) ?? '';
}

/**
 * True when a server says something on its Unix socket.
 * @param greeting - what it is told first, where it does not begin by itself
 */
export async function answers(socket: string, greeting?: string): Promise<boolean> {
  const connection = connect({ path: socket });
  try {
    if (greeting !== undefined) connection.write(greeting);
    await once(connection, 'data', { signal: AbortSignal.timeout(ANSWER_MS) });
    return true;
  } catch {
    return false;
  } finally {
    connection.on('error', () => undefined).destroy();
  }
}

const ANSWER_MS = 1000;
