/**
 * What a verb says. stdout is the result: lines and tables for people, or JSON lines under `--json`, the last of
 * which is a `summary` or an `error`. stderr is everything else, and `--quiet` silences it except for errors.
 */
import { maskSecrets } from '../../config/secret.ts';
import { HoldfastError } from '../../errors.ts';
import { continued, keepingColours, painter, printable, shortened } from './format.ts';
import type { Paint } from './format.ts';
import type { CliIo, OutputStream } from './io.ts';
import { tableLines } from './table.ts';
import type { Column } from './table.ts';

/** One JSON line; `type` says what it is. Secrets in it print as stars, dates as RFC 3339. */
export interface JsonRecord {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Records of what went wrong, in words that may come from elsewhere. */
const TELLING: readonly string[] = ['error', 'monitor'];

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Called before anything is written, so that a progress line makes room. */
  readonly beforeWrite?: () => void;
}

/** The reader of stdout went away (`| head`): nothing is wrong, and there is nobody left to tell. */
export class ReaderGone extends Error {
  constructor() {
    super('the reader of stdout has gone');
    this.name = 'ReaderGone';
  }
}

export class Output {
  /** Colours for stdout and for stderr. */
  readonly paint: Paint;
  readonly paintError: Paint;
  readonly #io: CliIo;
  readonly #options: OutputOptions;
  #failure: NodeJS.ErrnoException | undefined;

  constructor(io: CliIo, options: OutputOptions) {
    this.#io = io;
    this.#options = options;
    this.paint = painter(io.stdout, io.env);
    this.paintError = painter(io.stderr, io.env);
    onStreamError(io.stdout, (error) => (this.#failure ??= error));
    onStreamError(io.stderr, () => undefined);
  }

  /** A line of the result, for people only. Text from outside may stand in it: it cannot drive the terminal. */
  line(text = ''): void {
    if (this.#options.json) return;
    const isPainted = this.paint('bold', text) !== text;
    this.#toStdout(`${isPainted ? keepingColours(text, continued) : continued(text)}\n`);
  }

  /** A table of the result, for people only. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    for (const line of tableLines(columns, rows, (title) => this.paint('bold', title))) this.line(line);
  }

  /** A record of the result, under `--json` only. */
  record(record: JsonRecord): void {
    if (!this.#options.json) return;
    // Only what tells of a failure: in what was asked for, every byte is meant.
    const masked = TELLING.includes(record.type);
    this.#toStdout(`${jsonLine(record, masked ? maskSecrets : undefined)}\n`);
  }

  /** The last record of a run that succeeded, under `--json` only. */
  summary(fields: Readonly<Record<string, unknown>>): void {
    this.record({ ...fields, type: 'summary' });
  }

  /**
   * Raw bytes of the result (`cat`), waiting while the reader is slow. Throws ReaderGone once nobody reads:
   * lines may be dropped then, but a dump must stop.
   */
  async write(bytes: Uint8Array | string): Promise<void> {
    this.#options.beforeWrite?.();
    if (this.#failure !== undefined) throw writeFailure(this.#failure);
    await new Promise<void>((resolve, reject) => {
      this.#io.stdout.write(bytes, (error) => {
        if (error) reject(writeFailure(this.#failure ?? error));
        else resolve();
      });
    });
  }

  /** `holdfast: warning: …` on stderr. */
  warn(text: string): void {
    this.#toStderr(`${this.paintError('yellow', 'holdfast: warning:')} ${told(text)}\n`);
  }

  /** `holdfast: note: …` on stderr. */
  note(text: string): void {
    this.#toStderr(`holdfast: note: ${told(text)}\n`);
  }

  /** `holdfast: error: …` and `holdfast: hint: …` on stderr, which even `--quiet` does not silence. */
  error(message: string, hint: string): void {
    this.#always(`holdfast: error: ${told(message)}\nholdfast: hint: ${told(hint)}\n`);
  }

  /** A block of lines on stderr, for a bug report. */
  report(text: string): void {
    this.#always(`${printable(maskSecrets(text))}\n`);
  }

  /** Waits until stdout and stderr have taken everything. Throws OUTPUT_FAILED when stdout did not (full disk). */
  async flush(): Promise<void> {
    await Promise.all([drained(this.#io.stdout), drained(this.#io.stderr)]);
    if (this.#failure !== undefined && !isPipeError(this.#failure)) throw writeFailure(this.#failure);
  }

  #always(text: string): void {
    this.#options.beforeWrite?.();
    this.#io.stderr.write(text);
  }

  #toStdout(text: string): void {
    if (this.#failure !== undefined) return;
    this.#options.beforeWrite?.();
    this.#io.stdout.write(text);
  }

  #toStderr(text: string): void {
    if (this.#options.quiet) return;
    this.#options.beforeWrite?.();
    this.#io.stderr.write(text);
  }
}

/** What somebody is told in words that may come from elsewhere. */
export function told(text: string): string {
  return continued(maskSecrets(shortened(text)));
}

/**
 * JSON on one line; a bigint becomes a number where it fits, else text. What could drive a terminal is written as `\u009b`,
 * which is the same JSON.
 *
 * @param change - what becomes of each text in it
 */
function jsonLine(record: JsonRecord, change = (text: string): string => text): string {
  const text = JSON.stringify(record, (_, value: unknown) => {
    if (typeof value === 'string') return change(value);
    if (typeof value !== 'bigint') return value;
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  });
  return printable(text);
}

type OnError = (error: NodeJS.ErrnoException) => void;

const watched = new WeakMap<OutputStream, Set<OnError>>();

/** One listener per stream, however many runs share it; without it an EPIPE would end the process. */
function onStreamError(stream: OutputStream, act: OnError): void {
  const known = watched.get(stream);
  if (known !== undefined) {
    known.add(act);
    return;
  }
  const acts = new Set([act]);
  watched.set(stream, acts);
  stream.on('error', (error) => {
    for (const one of acts) one(error);
  });
}

function isPipeError(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED' || error.code === 'EOF';
}

function writeFailure(error: NodeJS.ErrnoException): Error {
  if (isPipeError(error)) return new ReaderGone();
  return new HoldfastError({
    code: 'OUTPUT_FAILED',
    exit: 'failed',
    message: `cannot write the result to stdout: ${error.message}`,
    hint: 'What was written so far is not complete; make room there and run the command again.',
    cause: error,
  });
}

async function drained(stream: OutputStream): Promise<void> {
  // A stream that failed calls nobody back.
  if (stream.destroyed || stream.writableEnded || stream.errored !== null) return;
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
}
