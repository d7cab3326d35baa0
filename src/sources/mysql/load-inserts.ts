/**
 * Rows of a dump as statements of the size that a server takes fastest. Stored statements are as long as segments, and are
 * joined; those of a long row are too long perhaps, and are parted.
 */
import { COMMA, LF, OPEN_PAREN, SEMICOLON } from '../../rows/bytes.ts';
import { readInsertHead } from '../../rows/mysql-head.ts';
import { RowShape } from '../../rows/mysql-row-shape.ts';
import { notInserts } from './load-errors.ts';

export interface JoinOptions {
  /** What the rows belong to, for errors. */
  readonly stream: string;
  /** As `TableInfo.name`: every row must be one of this table. */
  readonly table: string;
  /** Bytes of a statement; one row that is longer makes a statement of its own. */
  readonly statementBytes: number;
}

const NEXT_ROW = Buffer.from(',\n');
const END = Buffer.from(';\n');

/** A row without a line end is longer than any server would take it: 1 GiB is the largest packet. */
const ROW_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Joins the rows, in their order. Each must be written as a dump tool writes rows: a row that is anything else might be
 * another statement, and would run.
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
  /** Everything before the first row: `INSERT INTO … VALUES `. */
  #head: Buffer = Buffer.alloc(0);
  #shape = new RowShape(0);
  /** The statement so far, without its end. */
  #parts: Buffer[] = [];
  #size = 0;
  #line = 0;
  /** The row before ended with a comma: the next one belongs to its statement. */
  #goesOn = false;

  constructor(options: JoinOptions) {
    this.#options = options;
  }

  *add(lines: Buffer): Generator<Buffer> {
    const room = this.#options.statementBytes - END.length;
    // Rows that lie behind each other as they must are taken together.
    let from = 0;
    let to = 0;
    for (let at = 0; at < lines.length;) {
      this.#line += 1;
      const start = this.#rowAt(lines, at);
      const end = this.#rowEnd(lines, start);
      const longer = NEXT_ROW.length + end - start;
      if (this.#size === 0 || this.#size + longer > room) {
        this.#parts.push(lines.subarray(from, to));
        if (this.#size > 0) yield this.#take();
        this.#parts.push(this.#head);
        this.#size = this.#head.length + end - start;
        from = start;
      } else {
        if (start !== at || to === 0) {
          this.#parts.push(lines.subarray(from, to), NEXT_ROW);
          from = start;
        }
        this.#size += longer;
      }
      to = end;
      at = end + END.length;
    }
    this.#parts.push(lines.subarray(from, to));
  }

  *end(): Generator<Buffer> {
    if (this.#goesOn) throw this.#refused('ends inside a statement');
    if (this.#size > 0) yield this.#take();
  }

  /** Where the row of a line begins: at its bracket. */
  #rowAt(lines: Buffer, at: number): number {
    if (lines[at] === OPEN_PAREN && this.#goesOn) return at;
    if (this.#goesOn) throw this.#refused(`is no row of ${this.#options.table}`);
    const head = this.#head;
    if (head.length > 0 && isAt(lines, head, at)) return at + head.length;
    this.#readHead(lines, at);
    return at + this.#head.length;
  }

  #readHead(lines: Buffer, at: number): void {
    const found = readInsertHead(lines.subarray(at));
    if (found?.table !== this.#options.table) throw this.#refused(`is no row of ${this.#options.table}`);
    if (this.#head.length > 0) throw this.#refused('has other columns than those before it');
    this.#head = found.bytes.subarray(0, -1);
    this.#shape = new RowShape(found.columns.length);
  }

  /** Behind the bracket that ends the row, with nothing behind it but what parts or ends statements. */
  #rowEnd(lines: Buffer, start: number): number {
    this.#shape.begin();
    const progress = lines[start] === OPEN_PAREN ? this.#shape.walk(lines, start + 1) : 'bad';
    const end = this.#shape.position;
    const isRow = progress === 'row' && lines[end + 1] === LF;
    if (!isRow || (lines[end] !== COMMA && lines[end] !== SEMICOLON))
      throw this.#refused('does not end as a row does');
    this.#goesOn = lines[end] === COMMA;
    return end;
  }

  #take(): Buffer {
    const statement = Buffer.concat([...this.#parts, END]);
    this.#parts = [];
    this.#size = 0;
    return statement;
  }

  #refused(why: string): Error {
    return notInserts(this.#options.stream, `line ${this.#line} ${why}`);
  }
}

function isAt(bytes: Buffer, sought: Buffer, at: number): boolean {
  return bytes.compare(sought, 0, sought.length, at, Math.min(at + sought.length, bytes.length)) === 0;
}
