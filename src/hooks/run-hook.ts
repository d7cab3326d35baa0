/** Runs one command of a person's, with a limit of time, and tells why it failed. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { throwIfCancelled } from '../errors.ts';

/** How long a command may take to obey SIGTERM. */
const PATIENCE_MS = 5000;
const LAST_LINES = 5;

export interface HookRun {
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly timeoutSeconds: number;
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * @param argv - a program and its arguments; there is no shell
 * @returns undefined when it ended with exit code 0, else why it did not, with the last lines that it wrote
 * @throws HoldfastError CANCELLED, after the command and all that it has started have ended
 */
export async function runHook(
  [program = '', ...args]: readonly string[],
  { env, folder, timeoutSeconds, onLine, signal }: HookRun,
): Promise<string | undefined> {
  throwIfCancelled(signal);
  // A group of its own: what it starts can be ended with it, and a ^C at the terminal reaches it through us only.
  const child = spawn(program, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = lastLines([child.stdout, child.stderr], onLine);
  const limit = { passed: false };
  const timer = setTimeout(() => {
    limit.passed = true;
    endGroup(child);
  }, timeoutSeconds * 1000);
  const onAbort = () => endGroup(child);
  signal?.addEventListener('abort', onAbort, { once: true });
  const reason = await endingOf(child).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  });
  throwIfCancelled(signal);
  const failure = limit.passed ? `it did not end within ${timeoutSeconds} s` : reason;
  return failure === undefined || said.length === 0
    ? failure
    : `${failure}, after saying: ${said.join(' / ')}`;
}

/** Waits until it has exited and nobody holds its output any more. */
async function endingOf(child: ChildProcess): Promise<string | undefined> {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return undefined;
    return code === null ? `it was ended by ${String(signal)}` : `it ended with exit code ${code}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'it was not found' : `it could not be started (${code ?? 'unknown reason'})`;
  }
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  setTimeout(() => signalGroup(pid, 'SIGKILL'), PATIENCE_MS).unref();
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}

function lastLines(streams: readonly Readable[], onLine: (line: string) => void): readonly string[] {
  const said: string[] = [];
  for (const input of streams)
    createInterface({ input }).on('line', (line) => {
      said.push(line);
      if (said.length > LAST_LINES) said.shift();
      onLine(line);
    });
  return said;
}
