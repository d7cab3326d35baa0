/** Runs an engine's own tool whose stdout is a stream. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { isHoldfastError, reasonOf, throwIfCancelled } from '../errors.ts';

export interface ToolCommand {
  /** For people: `pg_dump (data)`. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file that the tool gets as its descriptor 3, open. */
  readonly optionFile?: number;
  /**
   * The error for a tool that did not exit 0.
   * @param how - `failed with exit code 2`, `was killed by SIGKILL`
   * @param said - the last lines that it wrote to stderr
   */
  readonly died: (name: string, how: string, said: string) => Error;
}

/** A tool that has been started. */
export interface RunningTool {
  /** Its stdout. Ends normally only after it exited 0; throws what `died` makes otherwise. */
  readonly bytes: AsyncIterable<Buffer>;
  /** Ends the tool if it still runs, and waits for that. Never throws. */
  stop(): Promise<void>;
}

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

/** How long a tool may take to obey SIGTERM, in milliseconds. */
const PATIENCE = 5000;

/** Starts a tool at once. Whoever starts it must call `stop` in the end. */
export function startTool(command: ToolCommand, signal: AbortSignal): RunningTool {
  throwIfCancelled(signal);
  const child = start(command);
  // When a child exits and nobody listens yet, Node reads its stdout to the end and throws it away.
  child.stdout.on('readable', () => undefined);
  const said = lastLines(child.stderr);
  const ended = endingOf(child);
  const stop = (): Promise<void> => stopChild(child, ended);
  const onAbort = (): void => void stop();
  signal.addEventListener('abort', onAbort, { once: true });
  void ended.then(() => signal.removeEventListener('abort', onAbort));
  return { bytes: output(command, child, ended, said, signal), stop };
}

function start({ file, args, env, optionFile }: ToolCommand): Child {
  const stdio = ['ignore', 'pipe', 'pipe', ...(optionFile === undefined ? [] : [optionFile])] as const;
  return spawn(file, args, { env, stdio: [...stdio] }) as Child;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

async function* output(
  command: ToolCommand,
  child: Child,
  ended: Promise<Ending>,
  said: () => string,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  try {
    for await (const piece of child.stdout as AsyncIterable<Buffer>) yield piece;
  } catch (error) {
    // A pipe that breaks is a symptom; how the process ended is the reason.
    await stopChild(child, ended);
    rethrowAbort(signal);
    throw command.died(command.name, describe(await ended), said() || reasonOf(error));
  }
  const ending = await ended;
  rethrowAbort(signal);
  if (ending.code !== 0) throw command.died(command.name, describe(ending), said());
}

/** An abort with a reason of its own (a lost snapshot) says more than "cancelled". */
function rethrowAbort(signal: AbortSignal): void {
  if (isHoldfastError(signal.reason)) throw signal.reason;
  throwIfCancelled(signal);
}

function endingOf(child: Child): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

function describe(ending: Ending): string {
  if (ending.error !== undefined) return `could not be started (${ending.error.message})`;
  return ending.signal === null
    ? `failed with exit code ${String(ending.code)}`
    : `was killed by ${ending.signal}`;
}

async function stopChild(child: Child, ended: Promise<Ending>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  // 'close' comes only when nobody holds the pipe any more.
  child.stdout.destroy();
  const force = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  await ended;
  clearTimeout(force);
}

/** Keeps the end of stderr: tools say the reason last. */
function lastLines(stderr: Readable): () => string {
  let text = '';
  stderr.setEncoding('utf8');
  stderr.on('data', (piece: string) => {
    text = (text + piece).slice(-4096);
  });
  return () => text.trim().split('\n').slice(-8).join('; ');
}
