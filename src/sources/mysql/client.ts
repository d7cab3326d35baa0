/** Questions to the server, through its own client program: what it answers comes as JSON, a value on each line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer, text as textOf } from 'node:stream/consumers';
import { throwIfCancelled } from '../../errors.ts';
import { queryFailed } from './errors.ts';
import { OPTION_FILE } from './option-file.ts';
import type { OptionFile } from './option-file.ts';

export interface Client {
  /** Path of `mariadb` or `mysql`. */
  readonly file: string;
  readonly options: OptionFile;
  readonly env: NodeJS.ProcessEnv;
  /** For people: see `MysqlSettings.display`. */
  readonly display: string;
}

export interface Question {
  /** Statements with answers of one column, without the last semicolon. */
  readonly sql: string;
  /** What is asked, for messages. */
  readonly what: string;
  /** That is used; absent: none. */
  readonly database?: string;
  /** A statement that fails has no answer, and the others go on. */
  readonly force?: boolean;
}

/**
 * Asks the server.
 * @returns the values, in order
 * @throws HoldfastError MYSQL_LOGIN, MYSQL_UNREACHABLE, MYSQL_DATABASE_MISSING, MYSQL_TLS, MYSQL_PRIVILEGE, MYSQL_QUERY
 */
export async function query(
  { file, options, env, display }: Client,
  { sql, what, database, force = false }: Question,
  signal: AbortSignal,
): Promise<string[]> {
  throwIfCancelled(signal);
  const args = [OPTION_FILE, '--batch', '--skip-column-names', '--default-character-set=utf8mb4'];
  const more = [...(database === undefined ? [] : [`--database=${database}`]), ...(force ? ['--force'] : [])];
  const child = spawn(file, [...args, ...more], {
    env,
    stdio: ['pipe', 'pipe', 'pipe', options.fd],
    signal,
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('a pipe is missing');
  stdin.on('error', () => undefined); // How it ended is the reason, not the pipe.
  stdin.end(`${sql};\n`);
  const ended = once(child, 'close').catch((error: unknown) => {
    throwIfCancelled(signal);
    throw queryFailed(display, what, String(error));
  });
  const [out, said] = await Promise.all([buffer(stdout), textOf(stderr)]);
  const [code] = (await ended) as [number | null];
  throwIfCancelled(signal);
  if (code !== 0 && !force)
    throw queryFailed(display, what, said.trim().split('\n').at(-1) ?? `exit code ${String(code)}`);
  const lines = out.toString('utf8').split('\n');
  return lines.slice(0, -1).map(unescape);
}

/** The same for values that are JSON. */
export async function queryJson<T>(client: Client, question: Question, signal: AbortSignal): Promise<T[]> {
  return (await query(client, question, signal)).map((line) => JSON.parse(line) as T);
}

/** What --batch does to a value (mariadb manual page): line ends, tabs, NUL and backslashes are escaped. */
function unescape(line: string): string {
  return line.replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', 0: '\0' };
