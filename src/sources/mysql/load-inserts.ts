/**
 * Rows of a dump, one INSERT in each line, as statements of many rows: a server takes these about ten times as fast.
 */
import { readInsertHead } from '../../rows/mysql-head.ts';
import { notInserts } from './load-errors.ts';

export interface JoinOptions {
  /** What the rows belong to, for errors. */
  readonly stream: string;
  /** As `TableInfo.name`: every row must be one of this table. */
  readonly table: string;
  /** Bytes of a statement; one row that is longer makes a statement of its own. */
  readonly statementBytes: number;
}

const LF = 10;
const COMMA = Buffer.from(',');
const END = Buffer.from(';\n');
const ROW_END = Buffer.from(');\n');

/** A row without a line end is longer than any server would take it: 1 GiB is the largest packet. */
const ROW_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Joins the rows, in their order.
 *
 * @param pieces - the stream, cut anywhere
 * @returns statements with their semicolon and line end
 * @throws HoldfastError LOAD_NOT_INSERT for a line that is no row of the table
 */
export async function* joinInserts(
  pieces: AsyncIterable<Buffer>,
  options: JoinOptions,
): AsyncGenerator<Buffer> {
  const joiner = new Joiner(options);
  for await (const lines of wholeLines(pieces, options.stream)) yield* joiner.add(lines);
  yield* joiner.end();
}

/** Bytes up to the last line end so far. */
async function* wholeLines(pieces: AsyncIterable<Buffer>, stream: string): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(LF) + 1;
    if (end > 0) {
      yield waiting.length === 0
        ? piece.subarray(0, end)
        : Buffer.concat([...waiting, piece.subarray(0, end)]);
      waiting = [];
      size = 0;
    }
    if (end < piece.length) waiting.push(piece.subarray(end));
    size += piece.length - end;
    if (size > ROW_BYTES_MAX) throw notInserts(stream, 'a row is longer than any server takes');
  }
  if (size > 0) throw notInserts(stream, 'its last row has no end');
}

class Joiner {
  readonly #options: JoinOptions;
  /** Everything before the first value: `INSERT INTO … VALUES (`. */
  #head: Buffer = Buffer.alloc(0);
  /** The statement so far: rows of lines that have been seen. */
  readonly #statement: Buffer;
  #size = 0;
  #line = 0;

  constructor(options: JoinOptions) {
    this.#options = options;
    this.#statement = Buffer.allocUnsafe(options.statementBytes);
  }

  *add(lines: Buffer): Generator<Buffer> {
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(LF, start) + 1;
      this.#line += 1;
      this.#check(lines, start, end);
      yield* this.#row(lines, start + this.#head.length - 1, end - END.length);
      start = end;
    }
  }

  *end(): Generator<Buffer> {
    if (this.#size > 0) yield this.#take();
  }

  #check(lines: Buffer, start: number, end: number): void {
    if (!this.#isRow(lines, start, end)) {
      const head = readInsertHead(lines.subarray(start, end));
      if (head?.table !== this.#options.table)
        throw notInserts(this.#options.stream, `line ${this.#line} is no row of ${this.#options.table}`);
      if (this.#line > 1)
        throw notInserts(this.#options.stream, `line ${this.#line} has other columns than those before it`);
      this.#head = head.bytes;
      if (!this.#isRow(lines, start, end))
        throw notInserts(this.#options.stream, `line ${this.#line} does not end as a row does`);
    }
  }

  #isRow(lines: Buffer, start: number, end: number): boolean {
    const head = this.#head;
    return (
      head.length > 0 &&
      end - start >= head.length + ROW_END.length &&
      lines.compare(head, 0, head.length, start, start + head.length) === 0 &&
      lines.compare(ROW_END, 0, ROW_END.length, end - ROW_END.length, end) === 0 &&
      !endsEarly(lines, start + head.length, end - END.length)
    );
  }

  /** Takes one row, with its brackets. */
  *#row(lines: Buffer, from: number, to: number): Generator<Buffer> {
    const bytes = to - from;
    const room = this.#statement.length - END.length;
    if (this.#size > 0 && this.#size + COMMA.length + bytes > room) yield this.#take();
    const opening = this.#head.length - 1;
    if (this.#size === 0 && opening + bytes > room) {
      yield Buffer.concat([this.#head.subarray(0, opening), lines.subarray(from, to), END]);
      return;
    }
    this.#size +=
      this.#size === 0
        ? this.#head.copy(this.#statement, 0, 0, opening)
        : COMMA.copy(this.#statement, this.#size);
    this.#size += lines.copy(this.#statement, this.#size, from, to);
  }

  #take(): Buffer {
    const statement = Buffer.concat([this.#statement.subarray(0, this.#size), END]);
    this.#size = 0;
    return statement;
  }
}

const SEMICOLON = 0x3b;
const QUOTE = 0x27;
const BACKSLASH = 0x5c;

/** What stands between literals: numbers, NULL, 0x…, b'…', _utf8mb4 '…', and the bracket at the end. */
const BETWEEN = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[\w.,+() -]/.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0,
);

/**
 * True where a row may end before its line does, and another statement follow: it would run. Most rows have no semicolon at
 * all, and need no further look; in the others it must be in a literal, and nothing around these may hide a quote.
 */
function endsEarly(lines: Buffer, from: number, to: number): boolean {
  const first = lines.indexOf(SEMICOLON, from);
  if (first === -1 || first >= to) return false;
  let isInside = false;
  for (let at = from; at < to; at += 1) {
    const byte = lines[at] ?? 0;
    if (byte === QUOTE) isInside = !isInside;
    else if (isInside && byte === BACKSLASH) at += 1;
    else if (!isInside && BETWEEN[byte] === 0) return true;
  }
  return isInside;
}
