/** One measured run of a program with everything that it starts: wall time, processor time, peak memory. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Environment } from './processes.ts';

const POLL_MS = 50;
const WRAPPER = fileURLToPath(new URL('measured.sh', import.meta.url));

export interface Command {
  readonly argv: readonly [program: string, ...args: string[]];
  readonly env: Environment;
  /** An existing folder; scratch files of the measurement go below it too. */
  readonly cwd: string;
  /** What becomes of standard output: /dev/null, or returned in the sample. */
  readonly output: 'discard' | 'keep';
}

export interface Sample {
  /** Wall time in seconds, without the start of the wrapper. */
  readonly seconds: number;
  /** User and system seconds of the program and all children that it waited for. */
  readonly cpuSeconds: number;
  /** Highest resident memory of the largest single process, bytes. */
  readonly peakBytes: number;
  /** Highest resident memory of all its processes together at one moment, bytes (shared pages count more than once). */
  readonly treePeakBytes: number;
  /** Standard output when it was kept, else empty. */
  readonly output: string;
}

/**
 * Runs the command to its end.
 *
 * @throws Error with the end of its standard error when it does not exit 0, or the signal's reason
 */
export async function measure(command: Command, signal: AbortSignal): Promise<Sample> {
  signal.throwIfAborted();
  const scratch = await mkdtemp(join(command.cwd, 'measure-'));
  try {
    const memory = await runWatched(command, scratch, signal);
    const [seconds = NaN, user = NaN, system = NaN] = (await readFile(join(scratch, 'time'), 'utf8'))
      .trim()
      .split(' ')
      .map(Number);
    return {
      seconds,
      cpuSeconds: user + system,
      ...memory,
      output: await readFile(join(scratch, 'stdout'), 'utf8'),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Memory = Pick<Sample, 'peakBytes' | 'treePeakBytes'>;

async function runWatched(command: Command, scratch: string, signal: AbortSignal): Promise<Memory> {
  const stdout = await open(join(scratch, 'stdout'), 'w');
  const stderr = await open(join(scratch, 'stderr'), 'w');
  const child = spawn('bash', [WRAPPER, join(scratch, 'time'), ...command.argv], {
    cwd: command.cwd,
    env: { ...command.env },
    stdio: ['ignore', command.output === 'keep' ? stdout.fd : 'ignore', stderr.fd],
    // A group of its own, so that cancelling can end the whole tree by its one number.
    detached: true,
  });
  const cancel = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  };
  signal.addEventListener('abort', cancel, { once: true });
  const watch = watchMemory(child.pid);
  try {
    const code = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status, killedBy) => resolve(status ?? killedBy ?? 'unknown'));
    });
    signal.throwIfAborted();
    if (code !== 0) throw new Error(await failure(command, code, scratch));
    return watch.peak();
  } finally {
    watch.stop();
    signal.removeEventListener('abort', cancel);
    await Promise.all([stdout.close(), stderr.close()]);
  }
}

/** With what it said last: a program that is asked for JSON says on standard output what was wrong. */
async function failure(command: Command, code: number | string, scratch: string): Promise<string> {
  const last = async (name: string, lines: number): Promise<string> =>
    (await readFile(join(scratch, name), 'utf8')).trim().split('\n').slice(-lines).join('\n');
  return `${command.argv.join(' ')} ended with ${code}\n${await last('stderr', 15)}\n${await last('stdout', 1)}`;
}

function watchMemory(root: number | undefined): { peak: () => Memory; stop: () => void } {
  let peakBytes = 0;
  let treePeakBytes = 0;
  const look = (): void => {
    if (root === undefined) return;
    const all = processTree(root).map(residentBytes);
    // The high-water mark is kept by the kernel: what happened between two looks is not lost.
    peakBytes = Math.max(peakBytes, ...all.map((one) => one.peak));
    treePeakBytes = Math.max(
      treePeakBytes,
      all.reduce((sum, one) => sum + one.now, 0),
    );
  };
  const timer = setInterval(look, POLL_MS);
  return { peak: () => ({ peakBytes, treePeakBytes }), stop: () => clearInterval(timer) };
}

function processTree(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

/** Children are listed by the thread that started them. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function residentBytes(pid: number): { readonly now: number; readonly peak: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const bytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
    return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
  } catch {
    // It ended between the listing and this look.
    return { now: 0, peak: 0 };
  }
}
