/**
 * Splits the data of a MySQL or MariaDB dump (`mariadb-dump --no-create-info --skip-extended-insert --complete-insert`)
 * into its tables: each line is one statement or one comment, since the tool escapes line ends within values.
 *
 * What a line is, is decided by its first bytes alone, and every line must be something that is known.
 */
import type { Dialect, TableInfo } from '../sources/source.ts';
import { incompleteDump, unplaceable } from './errors.ts';
import { readInsertHead } from './mysql-head.ts';
import type { InsertHead } from './mysql-head.ts';
import { LineBatch, Pieces } from './pieces.ts';

/** A part of the data; its bytes must be read to their end before the next part is asked for. */
export interface MysqlPart {
  /** The table's name; `data-begin`, `data-end` for what stands before and behind all rows. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly table?: TableInfo;
  readonly bytes: AsyncIterable<Buffer>;
}

const INSERT = Buffer.from('INSERT INTO `');
const END = Buffer.from('-- Dump completed');
const ROW_END = Buffer.from(');\n');
const LF = 10;

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
      if (seen.has(table)) throw unplaceable(lines.place, `table ${table} a second time`);
      seen.add(table);
      yield {
        name: table,
        dialect: 'mysql-insert',
        table: { name: table, columns },
        bytes: lines.rows(prefix),
      };
      if (lines.isInside) throw new Error('a part of the dump was not read to its end');
    }
    yield { name: 'data-end', dialect: 'sql', bytes: settings(lines, COMMIT, 'before') };
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

/** Reads line by line; rows are passed on in the pieces in which they came. */
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
      // `/*M!999999\- … */`, with which MariaDB's client enters its sandbox, ends without a semicolon.
      if (/^(\/\*M?!\d{5,6}|SET ).*;$/.test(text) || /^\/\*M?!999999\\- .*\*\/ ?$/.test(text)) return line;
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
    const line = await this.#peek();
    const head = line && readInsertHead(line);
    if (head === undefined) throw unplaceable(this.place, 'an INSERT without names of columns');
    this.#isInside = true;
    return head;
  }

  /** The rows that begin with this, whole lines. */
  async *rows(prefix: Buffer): AsyncIterable<Buffer> {
    for (;;) {
      const end = this.#rowsEnd(prefix);
      if (end > 0) {
        yield this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end);
      }
      if (this.#rest.length > 0 && this.#rest.includes(LF)) break;
      if (!(await this.#more())) break;
    }
    this.#isInside = false;
  }

  /** Where the whole rows in what is there end. */
  #rowsEnd(prefix: Buffer): number {
    const bytes = this.#rest;
    let start = 0;
    for (let lf = bytes.indexOf(LF); lf !== -1; lf = bytes.indexOf(LF, start)) {
      const end = lf + 1;
      if (
        end - start < prefix.length ||
        bytes.compare(prefix, 0, prefix.length, start, start + prefix.length) !== 0
      )
        break;
      if (bytes.compare(ROW_END, 0, 3, end - 3, end) !== 0)
        throw unplaceable(this.place, 'a row that does not end with its line');
      this.#line += 1;
      start = end;
    }
    return start;
  }

  #isComment(line: Buffer): boolean {
    if (line[0] !== 0x2d || line[1] !== 0x2d) return false;
    if (line.subarray(0, END.length).equals(END)) this.#isComplete = true;
    return true;
  }

  #startsWith(prefix: Buffer, isThere: boolean): boolean {
    return isThere && this.#rest.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
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

  async #more(): Promise<boolean> {
    if (this.#isEnded) return false;
    const piece = await this.#pieces.next();
    if (piece === undefined) {
      this.#isEnded = true;
      return false;
    }
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    return true;
  }
}
