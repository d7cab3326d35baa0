/** One client process that is given a script on its stdin. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isHoldfastError, throwIfCancelled } from '../../errors.ts';
import type { Client } from './client.ts';
import { loadFailed } from './load-errors.ts';
import { OPTION_FILE } from './option-file.ts';

export interface Script {
  /** For people: `rows of users`. */
  readonly what: string;
  /** That is used; undefined: none. */
  readonly database?: string;
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * A dump is code: in binary mode the client runs no command of its own but DELIMITER, whatever stands in a script; and it
 * reads no file of this machine. It would quote rows in its errors, and go on in a fresh session, without the settings of
 * the old one, if it were not told otherwise. Comments within routines and views are part of them.
 */
const ARGS = [
  OPTION_FILE,
  '--batch',
  '--skip-column-names',
  '--default-character-set=utf8mb4',
  '--binary-mode',
  '--comments',
  '--local-infile=0',
  '--skip-reconnect',
  '--max-allowed-packet=1073741824',
  '--loose-skip-print-query-on-error',
];

/** What a script may print: results of a few questions. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** How long a client may take to obey SIGTERM, in milliseconds. */
const PATIENCE = 5000;

/**
 * Runs a script, which ends at the first error.
 *
 * @returns what it printed: values parted by tabs, rows by line ends
 * @throws HoldfastError LOAD_STATEMENT, LOAD_SERVER_GONE, CANCELLED, and whatever `bytes` throws
 */
export async function runScript(client: Client, script: Script, signal: AbortSignal): Promise<string> {
  throwIfCancelled(signal);
  const args = script.database === undefined ? ARGS : [...ARGS, `--database=${script.database}`];
  const child = spawn(client.file, args, {
    env: client.env,
    stdio: ['pipe', 'pipe', 'pipe', client.options.fd],
  });
  const ended = endingOf(child);
  const said = tailOf(child.stderr, 4096);
  const printed = tailOf(child.stdout, OUTPUT_BYTES_MAX);
  const stop = (): void => void stopChild(child, ended);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const failure = await feed(child, script.bytes, ended);
    const ending = await ended;
    throwAbort(signal);
    if (ending.code !== 0) throw loadFailed({ what: script.what, how: ending.how, said: lastLine(said()) });
    if (failure !== undefined) throw failure;
    return printed();
  } catch (error) {
    await stopChild(child, ended);
    throwAbort(signal);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A script that is there already. */
export function scriptOf(text: string | Buffer): AsyncIterable<Buffer> {
  return (async function* () {
    yield await Promise.resolve(Buffer.isBuffer(text) ? text : Buffer.from(text));
  })();
}

interface Ending {
  readonly code: number | null;
  readonly how: string;
}

/** Writes everything, as fast as the client takes it; returns why it could not. An error of `bytes` is thrown. */
async function feed(
  child: ChildProcess,
  bytes: AsyncIterable<Buffer>,
  ended: Promise<Ending>,
): Promise<Error | undefined> {
  const { stdin } = child;
  if (stdin === null) throw new Error('a pipe is missing');
  let broken: Error | undefined;
  stdin.on('error', (error) => (broken ??= error));
  for await (const piece of bytes) {
    if (broken !== undefined || stdin.destroyed) return broken;
    if (!stdin.write(piece)) await Promise.race([once(stdin, 'drain').catch(() => undefined), ended]);
  }
  stdin.end();
  await ended;
  return broken;
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, how: `could not be started (${error.message})` }));
    child.once('close', (code, signal) => {
      const how = signal === null ? `failed with exit code ${String(code)}` : `was killed by ${signal}`;
      resolve({ code, how });
    });
  });
}

async function stopChild(child: ChildProcess, ended: Promise<Ending>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  child.stdin?.destroy();
  const force = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  await ended;
  clearTimeout(force);
}

/** An abort with a reason of its own says more than "cancelled". */
function throwAbort(signal: AbortSignal): void {
  if (signal.aborted && isHoldfastError(signal.reason)) throw signal.reason;
  throwIfCancelled(signal);
}

/** Keeps the end of what a process writes. */
function tailOf(output: NodeJS.ReadableStream | null, bytes: number): () => string {
  let text = '';
  output?.setEncoding('utf8');
  output?.on('data', (piece: string) => {
    text = (text + piece).slice(-bytes);
  });
  return () => text;
}

/** An error may have line ends in it: what begins with ERROR is the start of it. */
function lastLine(said: string): string {
  const at = said.lastIndexOf('ERROR ');
  return (at === -1 ? (said.trim().split('\n').at(-1) ?? '') : said.slice(at)).trim();
}
