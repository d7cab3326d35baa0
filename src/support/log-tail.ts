/** The end of a log, line by line: when, how bad, and the words of ours that it says. */
import { open } from 'node:fs/promises';
import { scrubbed, scrubbedCode } from './scrub.ts';

const TAIL_BYTES = 256 * 1024;
const LINES_MAX = 400;

/** The last lines of a file. */
export async function readTail(path: string): Promise<string[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, from);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    // The first one of a tail is half a line.
    return lines
      .slice(from > 0 ? 1 : 0)
      .filter((line) => line !== '')
      .slice(-LINES_MAX);
  } finally {
    await file.close();
  }
}

export interface LogLine {
  readonly time?: string;
  readonly level?: string;
  readonly code?: string;
  /** Whole numbers of fields that count something. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly text: string;
}

const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'note', 'hint']);
const COUNTING = ['bytes', 'ms', 'rows', 'attempt', 'segments', 'packs', 'snapshots', 'exit', 'duration_ms'];
const TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?/;

/** A line of pino's JSON, of `--json`, or of text. */
export function scrubbedLine(line: string): LogLine {
  const fields = asObject(line);
  if (fields === undefined) return scrubbedText(line);
  const { time, level, code, msg, message } = fields;
  const words = typeof msg === 'string' ? msg : typeof message === 'string' ? message : '';
  const numbers = COUNTING.flatMap((name) => {
    const value = fields[name];
    return typeof value === 'number' && Number.isSafeInteger(value) ? [[name, value] as const] : [];
  });
  return {
    ...(typeof time === 'string' && timed(time)),
    ...levelled(level),
    ...coded(code),
    ...(numbers.length > 0 && { numbers: Object.fromEntries(numbers) }),
    text: scrubbed(words),
  };
}

function scrubbedText(line: string): LogLine {
  const [, level, words = line] = /holdfast: (\w+): (.*)$/.exec(line) ?? [];
  return { ...timed(line), ...levelled(level), text: scrubbed(words) };
}

function timed(text: string): { readonly time?: string } {
  const time = TIME.exec(text.slice(0, 60))?.[0];
  return time === undefined ? {} : { time };
}

function levelled(level: unknown): { readonly level?: string } {
  return typeof level === 'string' && LEVELS.has(level) ? { level } : {};
}

function coded(code: unknown): { readonly code?: string } {
  const known = scrubbedCode(code);
  return known === undefined ? {} : { code: known };
}

function asObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
