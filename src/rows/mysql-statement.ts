/**
 * Statements of rows, as they are stored: each segment of a stream of INSERTs is one, so that any segment can be loaded
 * alone and edited alone, and a server takes many rows at once. Names of table and columns stand once in each.
 */
import type { StreamInfo } from '../sources/source.ts';
import { COMMA, LF, SEMICOLON } from './bytes.ts';
import { insertHead } from './mysql-head.ts';

/** Adds to segments of one stream, in order, what makes statements of them. */
class Statements {
  /** What a segment gets that begins with a row. */
  readonly head: Buffer;
  #atRowStart = true;
  /** Begins with the head; the same memory for every segment. */
  #memory: Buffer;
  #waiting: Buffer | undefined;

  constructor(head: Buffer) {
    this.head = head;
    this.#memory = head;
  }

  /**
   * Takes the rows of the next segment.
   *
   * @param rows - `(literal,literal),` on a line each; a row that is longer than a segment goes on in the next one. The
   *   bytes are changed
   * @returns the segments that are complete: one that ends inside a row waits for the next. The last is valid until the
   *   next call
   */
  take(rows: Buffer): readonly Buffer[] {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const beginsRow = this.#atRowStart;
    this.#atRowStart = rows[rows.length - 1] === LF;
    if (this.#atRowStart) end(waiting, rows);
    const segment = beginsRow ? this.#behindHead(rows) : rows;
    if (!this.#atRowStart) this.#waiting = Buffer.from(segment);
    return [...(waiting ? [waiting] : []), ...(this.#atRowStart ? [segment] : [])];
  }

  #behindHead(rows: Buffer): Buffer {
    const length = this.head.length + rows.length;
    if (this.#memory.length < length) {
      this.#memory = Buffer.allocUnsafeSlow(length * 2);
      this.#memory.set(this.head);
    }
    this.#memory.set(rows, this.head.length);
    return this.#memory.subarray(0, length);
  }
}

/** Puts a semicolon in place of the last comma, which may be the last byte of the segment before. */
function end(before: Buffer | undefined, rows: Buffer): void {
  const [where, at] =
    rows.length > 1 || before === undefined ? [rows, rows.length - 2] : [before, before.length - 1];
  if (where[at] !== COMMA) throw new Error('a row that does not end as rows do');
  where[at] = SEMICOLON;
}

/** What makes statements of the rows of a stream; undefined: its text is stored as it is. */
export function statementsFor({ dialect, table }: StreamInfo): Statements | undefined {
  return dialect === 'mysql-insert' && table ? new Statements(insertHead(table)) : undefined;
}
