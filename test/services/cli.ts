/**
 * Runs the command line as users do: `bin/holdfast.js` in a process of its own, with a clean environment.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import { tempFolder } from './temp.ts';

export interface CliOptions {
  /** Default: a new temporary folder. */
  readonly cwd?: string;
  /** Beside PATH, LANG=C.UTF-8 and HOME (a new temporary folder). A value of undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What stdin holds. Default: nothing. stdin is never a terminal. */
  readonly input?: string | Uint8Array;
  /** How its output becomes text; `latin1` gives one character for each byte. Default: UTF-8. */
  readonly encoding?: 'latin1';
  /** Ends the program on purpose. */
  readonly kill?: Kill;
  /** Default 100 s; then the program is killed and this throws. */
  readonly timeoutMs?: number;
}

export interface Kill {
  /** Default SIGKILL. */
  readonly signal?: NodeJS.Signals;
  /** So many milliseconds after the start, or … */
  readonly afterMs?: number;
  /** … when stdout and stderr together first match, or … */
  readonly when?: RegExp;
  /** … when this is fulfilled. */
  readonly once?: Promise<unknown>;
}

export interface CliResult {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON lines. Throws when a line is something else. */
  readonly json: readonly Record<string, unknown>[];
}

/** The program's file. */
export const HOLDFAST = join(import.meta.dirname, '../../bin/holdfast.js');

/** Runs `holdfast ARGS` to its end, with the Node that runs the tests. A failing exit code is a result, not an error. */
export async function holdfast(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const program = execa(process.execPath, [HOLDFAST, ...args], {
    cwd: options.cwd ?? (await tempFolder('cwd')),
    env: await environment(options.env ?? {}),
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    ...(options.encoding && { encoding: options.encoding }),
    maxBuffer: 1 << 30,
    timeout: options.timeoutMs ?? 100_000,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  if (options.kill) armKill(program, options.kill);
  const result = await program;
  if (result.timedOut || (result.exitCode === undefined && result.signal === undefined)) {
    throw new Error(`holdfast ${args.join(' ')}: ${result.shortMessage ?? 'did not run'}`, { cause: result });
  }
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    stdout: result.stdout,
    stderr: result.stderr,
    get json() {
      return parseJsonLines(result.stdout);
    },
  };
}

/** What a program may see of this machine: where commands are, and nothing of the developer's own settings. */
async function environment(given: NonNullable<CliOptions['env']>): Promise<Record<string, string>> {
  const all = {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: given['HOME'] ?? (await tempFolder('home')),
    ...given,
  };
  return Object.fromEntries(
    Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

interface Killable {
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  kill(signal: NodeJS.Signals): boolean;
  finally(done: () => void): unknown;
}

function armKill(program: Killable, { signal = 'SIGKILL', afterMs, when, once }: Kill): void {
  void once?.then(() => program.kill(signal));
  if (afterMs !== undefined) {
    const timer = setTimeout(() => program.kill(signal), afterMs);
    program.finally(() => clearTimeout(timer));
  }
  if (when === undefined) return;
  let seen = '';
  const look = (chunk: Buffer | string) => {
    seen += chunk.toString();
    if (when.test(seen)) program.kill(signal);
  };
  program.stdout.on('data', look);
  program.stderr.on('data', look);
}

function parseJsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      try {
        return JSON.parse(line) as Record<string, unknown>;
      } catch (error) {
        throw new Error(`not a JSON line on stdout: ${line}`, { cause: error });
      }
    });
}
