/**
 * Splits the data of a MySQL or MariaDB dump (`mariadb-dump --no-create-info --complete-insert`) into its tables, and
 * their statements into rows. No line ends within a value, since the tool escapes line ends there.
 *
 * Every line and every row must be something that is known, and nothing but that: what the plain client would read
 * otherwise is refused.
 */
import type { Dialect, TableInfo } from '../sources/source.ts';
import { incompleteDump, unplaceable } from './errors.ts';
import { readInsertHead } from './mysql-head.ts';
import type { InsertHead } from './mysql-head.ts';
import { RowShape } from './mysql-row-shape.ts';
import { StatementRows } from './mysql-rows.ts';
import { LineBatch, Pieces } from './pieces.ts';

/** A part of the data; its bytes must be read to their end before the next part is asked for. */
export interface MysqlPart {
  /** The table's name; `data-begin`, `data-end` for what stands before and behind all rows. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly table?: TableInfo;
  /** Of a table its rows, as `mysql-rows.ts` gives them. */
  readonly bytes: AsyncIterable<Buffer>;
}

const INSERT = Buffer.from('INSERT INTO `');
const END = Buffer.from('-- Dump completed');
const LF = 10;

/** A line that is no row: a setting, or the head of a row. */
const LINE_BYTES_MAX = 1024 * 1024;

/**
 * A whole statement that sets something, in a comment that the server reads or not: no comment, string or statement in it
 * goes on behind the line, and none ends before it.
 */
const BODY = /(?:[^'"`*/;#\\-]|\*(?!\/)|\/(?!\*)|-(?!-)|'(?:[^'\\*/]|\*(?!\/)|\/(?!\*)|\\.)*')*/.source;
const SETTING = new RegExp(`^(?:SET ${BODY}|/\\*M?!\\d{5,6} ${BODY} \\*/);$`);
/** With which MariaDB's client enters its sandbox; it ends without a semicolon. */
const SANDBOX = /^\/\*M?!999999\\- [^*]*\*\/ ?$/;

/** What stands behind all rows. */
export const DATA_END = 'data-end';

/** Plain clients would make each row durable by itself otherwise. */
const BEGIN = 'SET autocommit=0;';
const COMMIT = 'COMMIT;';

/**
 * The parts in order.
 * @throws HoldfastError SQL_UNPLACEABLE, DUMP_INCOMPLETE
 */
export async function* splitMysqlData(bytes: AsyncIterable<Uint8Array>): AsyncIterable<MysqlPart> {
  const lines = new Lines(bytes);
  try {
    yield { name: 'data-begin', dialect: 'sql', bytes: settings(lines, BEGIN, 'after') };
    const seen = new Set<string>();
    for (let head = await lines.insert(); head !== undefined; head = await lines.insert()) {
      const { table, columns, bytes: prefix } = head;
      if (lines.isComplete) throw unplaceable(lines.place, 'rows behind the end of the dump');
      if (seen.has(table)) throw unplaceable(lines.place, `table ${table} a second time`);
      seen.add(table);
      yield {
        name: table,
        dialect: 'mysql-insert',
        table: { name: table, columns },
        bytes: lines.rows(prefix, columns.length),
      };
      if (lines.isInside) throw new Error('a part of the dump was not read to its end');
    }
    yield { name: DATA_END, dialect: 'sql', bytes: settings(lines, COMMIT, 'before') };
    if (!lines.isAtEnd) throw unplaceable(lines.place, 'rows behind the settings that end the dump');
    if (!lines.isComplete) throw incompleteDump('data', 'mariadb-dump');
  } finally {
    await lines.close();
  }
}

/** The settings up to the first row, or behind the last one, with a statement of ours. */
async function* settings(lines: Lines, own: string, where: 'before' | 'after'): AsyncIterable<Buffer> {
  const batch = new LineBatch();
  if (where === 'before') batch.add(Buffer.from(own));
  for (let line = await lines.setting(); line !== undefined; line = await lines.setting()) batch.add(line);
  if (where === 'after') batch.add(Buffer.from(own));
  const text = batch.take();
  if (text !== undefined) yield text;
}

/** Reads line by line; rows are passed on as they come. */
class Lines {
  readonly #pieces: Pieces;
  /** Begins at the start of a line. */
  #rest: Buffer = Buffer.alloc(0);
  #line = 1;
  #isInside = false;
  #isComplete = false;
  #isEnded = false;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#pieces = new Pieces(bytes);
  }

  get place() {
    return { name: 'data', line: this.#line };
  }

  /** Rows of a table are being read. */
  get isInside(): boolean {
    return this.#isInside;
  }

  /** The tool has said that it was done. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** All has been read. */
  get isAtEnd(): boolean {
    return this.#isEnded && this.#rest.length === 0;
  }

  close(): Promise<void> {
    return this.#pieces.close();
  }

  /** The next statement that is no row, without its line end; undefined before a row and at the end. */
  async setting(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#startsWith(INSERT, await this.#atLeast(INSERT.length))) return undefined;
      const line = await this.#take();
      if (line === undefined) return undefined;
      if (this.#isComplete && line.length > 0)
        throw unplaceable(this.place, 'text behind the end of the dump');
      if (line.length === 0 || this.#isComment(line)) continue;
      const text = line.toString('latin1');
      if (SETTING.test(text) || SANDBOX.test(text)) return line;
      throw unplaceable(this.place, 'a line that is no setting, comment or row');
    }
  }

  /** What the next row says of its table; the row stays. Undefined when no row follows at once. */
  async insert(): Promise<InsertHead | undefined> {
    for (;;) {
      if (this.#startsWith(INSERT, await this.#atLeast(INSERT.length))) break;
      const line = await this.#peek();
      if (line === undefined || !(line.length === 0 || this.#isComment(line))) return undefined;
      await this.#take();
    }
    const head = await this.#head();
    if (head === undefined) throw unplaceable(this.place, 'an INSERT without names of columns');
    this.#isInside = true;
    return head;
  }

  /** A row may be long: its head is read from as much of it as that takes. */
  async #head(): Promise<InsertHead | undefined> {
    for (;;) {
      const head = readInsertHead(this.#rest.subarray(0, LINE_BYTES_MAX));
      if (head !== undefined) return head;
      if (this.#rest.includes(LF) || this.#rest.length > LINE_BYTES_MAX) return undefined;
      if (!(await this.#more())) return undefined;
    }
  }

  /** The rows of all statements that begin with this. */
  async *rows(prefix: Buffer, columns: number): AsyncIterable<Buffer> {
    const rows = new StatementRows(new RowShape(columns));
    // At the first statement, whose head has been read.
    for (let isOne = true; isOne; isOne = await this.#isNext(prefix)) yield* this.#statement(prefix, rows);
    this.#isInside = false;
  }

  async #isNext(prefix: Buffer): Promise<boolean> {
    return this.#startsWith(prefix, await this.#atLeast(prefix.length));
  }

  /** The rows of the statement that begins here. */
  async *#statement(prefix: Buffer, rows: StatementRows): AsyncIterable<Buffer> {
    this.#rest = this.#rest.subarray(prefix.length);
    rows.begin();
    for (;;) {
      const before = rows.rows;
      const progress = rows.take(this.#rest);
      this.#line += rows.rows - before;
      if (progress.kind === 'bad') throw unplaceable(this.place, progress.why);
      this.#rest = this.#rest.subarray(rows.taken);
      const given = rows.give();
      if (given.length > 0) yield given;
      if (progress.kind === 'ended') return;
      if (!(await this.#more())) throw incompleteDump('data', 'mariadb-dump');
    }
  }

  /** As the client reads it: without the space it would be part of a statement. */
  #isComment(line: Buffer): boolean {
    if (line[0] !== 0x2d || line[1] !== 0x2d || (line.length > 2 && line[2] !== 0x20)) return false;
    if (line.subarray(0, END.length).equals(END)) this.#isComplete = true;
    return true;
  }

  #startsWith(prefix: Buffer, isThere: boolean): boolean {
    return isThere && isAt(this.#rest, prefix, 0);
  }

  async #take(): Promise<Buffer | undefined> {
    const line = await this.#peek();
    if (line === undefined) return undefined;
    this.#rest = this.#rest.subarray(Math.min(line.length + 1, this.#rest.length));
    this.#line += 1;
    return line;
  }

  /** The next line without its end; undefined when all has been read. */
  async #peek(): Promise<Buffer | undefined> {
    let lf = this.#rest.indexOf(LF);
    while (lf === -1) {
      if (this.#rest.length > LINE_BYTES_MAX) throw unplaceable(this.place, 'a line that is too long');
      const before = this.#rest.length;
      if (!(await this.#more())) return before === 0 ? undefined : this.#rest;
      lf = this.#rest.indexOf(LF, before);
    }
    return this.#rest.subarray(0, lf);
  }

  async #atLeast(bytes: number): Promise<boolean> {
    while (this.#rest.length < bytes) if (!(await this.#more())) return false;
    return true;
  }

  /** Reads on, by as much again as is there: a long row must not be copied once for each piece of it. */
  async #more(): Promise<boolean> {
    const parts = [this.#rest];
    for (let more = 0; !this.#isEnded && (more === 0 || more < this.#rest.length);) {
      const piece = await this.#pieces.next();
      if (piece === undefined) this.#isEnded = true;
      else {
        parts.push(piece);
        more += piece.length;
      }
    }
    if (parts.length === 1) return false;
    this.#rest = this.#rest.length === 0 && parts[1] && parts.length === 2 ? parts[1] : Buffer.concat(parts);
    return true;
  }
}

function isAt(bytes: Buffer, prefix: Buffer, at: number): boolean {
  return bytes.compare(prefix, 0, prefix.length, at, at + prefix.length) === 0;
}
