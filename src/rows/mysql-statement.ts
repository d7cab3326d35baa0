/**
 * Statements of rows, as they are stored: each segment of a stream of INSERTs is one, so that any segment can be loaded
 * alone and edited alone, and a server takes many rows at once. Names of table and columns stand once in each.
 */
import type { StreamInfo } from '../sources/source.ts';
import { LF, SEMICOLON } from './bytes.ts';
import { insertHead } from './mysql-head.ts';

/** Adds to segments of one stream, in order, what makes statements of them. */
export class Statements {
  /** What a segment gets that begins with a row. */
  readonly head: Buffer;
  #atRowStart = true;
  /** Begins with the head; the same memory for every segment. */
  #memory: Buffer;

  constructor(head: Buffer) {
    this.head = head;
    this.#memory = head;
  }

  /**
   * @param rows - `(literal,literal),` on a line each; a row that is longer than a segment goes on in the next one. Its
   *   bytes are changed
   * @returns bytes that are valid until the next call
   */
  next(rows: Buffer): Buffer {
    const beginsRow = this.#atRowStart;
    this.#atRowStart = rows[rows.length - 1] === LF;
    if (this.#atRowStart) rows[rows.length - 2] = SEMICOLON;
    return beginsRow ? this.#behindHead(rows) : rows;
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

/** What makes statements of the rows of a stream; undefined: its text is stored as it is. */
export function statementsFor({ dialect, table }: StreamInfo): Statements | undefined {
  return dialect === 'mysql-insert' && table ? new Statements(insertHead(table)) : undefined;
}
