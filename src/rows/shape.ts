/** What nests inside a statement, so that a semicolon there does not end it. */
import { CLOSE_PAREN, OPEN_PAREN } from './bytes.ts';

/** CREATE [OR REPLACE] FUNCTION or PROCEDURE, the only statements that may have a BEGIN ATOMIC body. */
const ROUTINE = /^create (or replace )?(function|procedure)( |$)/;

/**
 * Follows parentheses and, in CREATE FUNCTION and CREATE PROCEDURE, `BEGIN ATOMIC … END` with the CASE … END
 * within it.
 *
 * psql counts every BEGIN there and so trips over a column or argument called begin; asking for ATOMIC does not.
 */
export class StatementShape {
  #parens = 0;
  #body = 0;
  #words = 0;
  #opening = '';
  #isRoutine = false;
  #previous = '';

  /** True while a semicolon would not end the statement. */
  get isOpen(): boolean {
    return this.#parens > 0 || this.#body > 0;
  }

  /** Takes an unquoted word, in any case. */
  word(text: string): void {
    const word = text.toLowerCase();
    if (this.#words < 4) {
      this.#opening += `${word} `;
      this.#isRoutine = ROUTINE.test(this.#opening);
    }
    this.#words += 1;
    if (this.#isRoutine && this.#parens === 0) this.#routineWord(word);
    this.#previous = word;
  }

  /** Takes any other token; only parentheses matter. */
  symbol(byte: number): void {
    if (byte === OPEN_PAREN) this.#parens += 1;
    else if (byte === CLOSE_PAREN && this.#parens > 0) this.#parens -= 1;
    this.#previous = '';
  }

  #routineWord(word: string): void {
    if (word === 'atomic' && this.#previous === 'begin') this.#body += 1;
    else if (this.#body === 0) return;
    else if (word === 'case') this.#body += 1;
    else if (word === 'end') this.#body -= 1;
  }
}
