/** Runs one command of a person's, with a limit of time, and tells why it failed. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfCancelled } from '../errors.ts';

/** How long a command may take to obey SIGTERM. */
const PATIENCE_MS = 5000;
/** How long its output is waited for when it has exited: what it has left running may hold that for ever. */
const OUTPUT_MS = 1000;
const LAST_LINES = 5;
const LINE_CHARS = 500;

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
 * @throws HoldfastError CANCELLED, after the command and all that it has started in its group have ended
 */
export async function runHook(
  [program = '', ...args]: readonly string[],
  { env, folder, timeoutSeconds, onLine, signal }: HookRun,
): Promise<string | undefined> {
  throwIfCancelled(signal);
  // A group of its own: what it starts can be ended with it, and a ^C at the terminal reaches it through us only.
  const child = spawn(program, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = lastLines([child.stdout, child.stderr], onLine);
  const ours = { limitPassed: false, isEnding: false };
  const end = () => {
    ours.isEnding = true;
    endGroup(child);
  };
  const timer = setTimeout(() => {
    ours.limitPassed = true;
    end();
  }, timeoutSeconds * 1000);
  signal?.addEventListener('abort', end, { once: true });
  const reason = await endingOf(child);
  clearTimeout(timer);
  signal?.removeEventListener('abort', end);
  await outputOf(child, ours.isEnding ? PATIENCE_MS + OUTPUT_MS : OUTPUT_MS);
  throwIfCancelled(signal);
  const failure = ours.limitPassed ? `it did not end within ${timeoutSeconds} s` : reason;
  return failure === undefined || said.length === 0
    ? failure
    : `${failure}, after saying: ${said.join(' / ')}`;
}

/** Waits until it has exited. */
async function endingOf(child: ChildProcess): Promise<string | undefined> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return undefined;
    return code === null ? `it was ended by ${String(signal)}` : `it ended with exit code ${code}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'it was not found' : `it could not be started (${code ?? 'unknown reason'})`;
  }
}

/**
 * Waits until nobody holds its output any more, but not for ever: it may have started something that is to stay, such as a
 * tunnel or a mount, which can go on writing as long as we run.
 */
async function outputOf({ pid, stdout, stderr }: ChildProcess, patienceMs: number): Promise<void> {
  if (pid === undefined) return;
  const outputs = [stdout, stderr].filter((output) => output !== null);
  const enough = new AbortController();
  const open = outputs.filter((output) => !output.closed);
  const ends = open.map((output) => once(output, 'close').catch(() => undefined));
  await Promise.race([Promise.all(ends), sleep(patienceMs, undefined, { signal: enough.signal })]);
  enough.abort();
  // They are sockets, to which the types do not own up.
  for (const output of outputs) (output as Readable & { unref?(): void }).unref?.();
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

/** The last lines, and of each of them no more than a person would read. */
function lastLines(streams: readonly Readable[], onLine: (line: string) => void): readonly string[] {
  const said: string[] = [];
  const tell = (line: string) => {
    said.push(line);
    if (said.length > LAST_LINES) said.shift();
    onLine(line);
  };
  for (const input of streams) {
    let rest = '';
    input.setEncoding('utf8').on('data', (text: string) => {
      const lines = text.split('\n');
      lines[0] = rest + (lines[0] ?? '');
      rest = (lines.pop() ?? '').slice(0, LINE_CHARS);
      for (const line of lines) tell(line.slice(0, LINE_CHARS).replace(/\r$/, ''));
    });
    input.on('end', () => {
      if (rest !== '') tell(rest);
    });
  }
  return said;
}
