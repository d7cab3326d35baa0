/**
 * Rows of MySQL and MariaDB between a dump tool and the cutter: `(literal,literal),` on a line each, the same bytes wherever
 * a row stands. What makes statements of them is added where they are cut: see `mysql-statement.ts`.
 */
import { COMMA, LF, OPEN_PAREN, SEMICOLON } from './bytes.ts';
import type { RowShape } from './mysql-row-shape.ts';

/** Behind the bracket of a row: these tell whether another one follows. */
const SEPARATOR_BYTES = 3;
const OPENING = Buffer.from('(');
const BETWEEN = Buffer.from(',\n(');
const BEHIND = Buffer.from(',\n');

export type StatementProgress =
  | { readonly kind: 'ended' }
  /** More bytes are wanted; the last row goes on, or it is not known yet what stands behind it. */
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly why: string };

/** Reads the rows of one statement after another, which may come in any pieces. */
export class StatementRows {
  readonly #shape: RowShape;
  #isInRow = false;
  #parts: Buffer[] = [];
  /** Rows whose end was seen. */
  rows = 0;
  /** Bytes of the last piece that were taken: the others come again, with more behind them. */
  taken = 0;

  constructor(shape: RowShape) {
    this.#shape = shape;
  }

  /** At the first value of a statement, behind its bracket. */
  begin(): void {
    this.#parts.push(OPENING);
    this.#beginRow();
  }

  /** Takes bytes up to the end of the statement. */
  take(bytes: Buffer): StatementProgress {
    let at = 0;
    let from = 0;
    for (;;) {
      if (this.#isInRow) {
        const progress = this.#shape.walk(bytes, at);
        if (progress === 'bad') return { kind: 'bad', why: 'a row that is not written as rows are' };
        if (progress === 'more') return this.#more(bytes, from, bytes.length);
        at = this.#shape.position;
        this.#isInRow = false;
      }
      if (bytes.length - at < SEPARATOR_BYTES) return this.#more(bytes, from, at);
      const [first, second, third] = [bytes[at], bytes[at + 1], bytes[at + 2]];
      if (first === COMMA && second === LF && third === OPEN_PAREN) at += SEPARATOR_BYTES;
      else if (first === COMMA && second === OPEN_PAREN) {
        this.#parts.push(bytes.subarray(from, at), BETWEEN);
        from = at += 2;
      } else if (first === SEMICOLON && second === LF) {
        this.#parts.push(bytes.subarray(from, at), BEHIND);
        this.rows += 1;
        this.taken = at + 2;
        return { kind: 'ended' };
      } else return { kind: 'bad', why: 'something else than a row behind a row' };
      this.rows += 1;
      this.#beginRow();
    }
  }

  /** The rows so far, as they go on. */
  give(): Buffer {
    const [only] = this.#parts;
    const given = only !== undefined && this.#parts.length === 1 ? only : Buffer.concat(this.#parts);
    this.#parts = [];
    return given;
  }

  #beginRow(): void {
    this.#shape.begin();
    this.#isInRow = true;
  }

  #more(bytes: Buffer, from: number, to: number): StatementProgress {
    this.#parts.push(bytes.subarray(from, to));
    this.taken = to;
    return { kind: 'more' };
  }
}
