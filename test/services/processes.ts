/**
 * Servers as child processes: started in a temporary folder, on free ports, ended by pid, and never longer alive than
 * the process that started them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { locateOrThrow } from './packages.ts';

/** A user of this machine, as in `/etc/passwd`. */
export interface UnixUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface RunOptions {
  /** The user to run as; needs root. Default: our own. */
  readonly user?: UnixUser | undefined;
  /** The whole environment. Default: PATH, LANG and HOME=/ only. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface DaemonOptions extends RunOptions {
  /** Takes stdout and stderr. */
  readonly logFile: string;
  /** What ends this server at once and cleanly. The kernel sends it, too, when our process dies. Default SIGKILL. */
  readonly deathSignal?: 'SIGKILL' | 'SIGQUIT';
}

/** A server process that we started. */
export interface Daemon {
  readonly pid: number;
  hasExited(): boolean;
  /** Sends a signal, unless the process has exited (its pid may then belong to another). */
  signal(signal: NodeJS.Signals): void;
  /** Sends the death signal, after 5 s SIGKILL, and waits for the end. */
  stop(): Promise<void>;
  /** The last lines of its log, for error messages. */
  logTail(): string;
}

const GRACE_MS = 5_000;

/** Starts a server and returns at once; ask the server itself whether it is ready. */
export async function startDaemon(
  command: string,
  args: readonly string[],
  options: DaemonOptions,
): Promise<Daemon> {
  const deathSignal = options.deathSignal ?? 'SIGKILL';
  const [file, ...rest] = launchLine(command, args, options.user, deathSignal);
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(file, rest, {
    // A process group of its own: Ctrl-C in the terminal is for the test runner, which then ends the servers.
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...cleanEnvironment(), ...options.env },
    cwd: options.cwd,
  });
  const exited = once(child, 'exit');
  await once(child, 'spawn');
  closeSync(log);
  child.unref();
  const pid = child.pid ?? 0;
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const signal = (name: NodeJS.Signals) => {
    if (!hasExited()) process.kill(pid, name);
  };
  return {
    pid,
    hasExited,
    signal,
    stop: async () => {
      if (hasExited()) return;
      child.ref();
      signal(deathSignal);
      const lastResort = setTimeout(() => signal('SIGKILL'), GRACE_MS);
      await exited;
      clearTimeout(lastResort);
    },
    logTail: () => tail(options.logFile),
  };
}

/** Runs a program to its end and returns its stdout; throws with its output when it fails. It dies with us. */
export async function runTool(
  command: string,
  args: readonly string[],
  options: RunOptions & { readonly input?: string | Uint8Array; readonly timeoutMs?: number } = {},
): Promise<string> {
  const [file, ...rest] = launchLine(command, args, options.user, 'SIGKILL');
  const { stdout } = await execa(file, rest, {
    env: { ...cleanEnvironment(), ...options.env },
    extendEnv: false,
    timeout: options.timeoutMs ?? 60_000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  return stdout;
}

/** Who runs servers that refuse root: undefined (ourselves) when we are not root, else `postgres` or `nobody`. */
export function unprivilegedUser(): UnixUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((fields) => fields[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('neither the user postgres nor nobody exists, and PostgreSQL refuses to run as root');
}

/** A TCP port on 127.0.0.1 that is free now. Another process can take it before you do: be ready to try again. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** Asks every 10 ms until `isReady` says yes. Throws when the daemon exits first, or after 60 s. */
export async function waitUntilReady(
  what: string,
  daemon: Daemon,
  isReady: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isReady())) {
    if (daemon.hasExited()) throw new Error(`${what} exited\n${daemon.logTail()}`);
    if (Date.now() > deadline) throw new Error(`${what} is not ready after 60 s\n${daemon.logTail()}`);
    await sleep(10);
  }
}

/** Tries again on other ports: a port that was free a moment ago may be taken. The last error is thrown. */
export async function withFreshPorts<T>(start: () => Promise<T>, attempts = 3): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (attempts <= 1) throw error;
    return withFreshPorts(start, attempts - 1);
  }
}

/**
 * `setpriv` changes the user, asks the kernel to end the program when our process dies (prctl PR_SET_PDEATHSIG), and
 * becomes the program: the pid is the program's own.
 */
function launchLine(
  command: string,
  args: readonly string[],
  user: UnixUser | undefined,
  deathSignal: string,
): [string, ...string[]] {
  const identity = user
    ? [`--reuid=${String(user.uid)}`, `--regid=${String(user.gid)}`, '--clear-groups']
    : [];
  const death = ['--pdeathsig', deathSignal.replace('SIG', '')];
  return [locateOrThrow('setpriv'), ...identity, ...death, '--', command, ...args];
}

/** Nothing of the developer's own settings (PGHOST, AWS_PROFILE, CEPH_ARGS, …) reaches a server or a tool. */
function cleanEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: '/' };
}

function tail(file: string, lines = 20): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
