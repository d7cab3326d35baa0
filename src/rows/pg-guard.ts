/**
 * What frames the output of pg_dump and pg_dumpall: the end mark, and `\restrict` … `\unrestrict`.
 *
 * Since August 2025 (CVE-2025-8714) the text is framed by `\restrict KEY` and `\unrestrict KEY` with a random
 * key (pg_dump closes behind its end mark, pg_dumpall before); psql then takes no other command. Here no other command is let through, so the two lines are dropped
 * (they would make every dump differ). psql once ran what stood in back quotes after `\unrestrict`
 * (CVE-2026-18408): the key must be letters and digits.
 */
import { incompleteDump, metaCommand, unplaceable, type Place } from './errors.ts';
import type { LexerOptions } from './lexer.ts';

const COMMAND = /^\\(restrict|unrestrict) ([A-Za-z0-9]+)$/;
const END_MARK = /^-- PostgreSQL database (cluster )?dump complete$/;

export class DumpGuard {
  readonly #name: string;
  #key: string | undefined;
  #isReleased = false;
  #statements = 0;
  #isComplete = false;

  /** @param name - what the text is called in errors */
  constructor(name: string) {
    this.#name = name;
  }

  /** For the lexer that reads the text. */
  get lexerOptions(): Pick<LexerOptions, 'name' | 'onComment' | 'onCommand'> {
    return {
      name: this.#name,
      onComment: (comment) => this.#comment(comment),
      onCommand: (line, place) => this.#command(line.toString('latin1'), place),
    };
  }

  /**
   * Must see every statement and block of rows.
   * @throws HoldfastError SQL_UNPLACEABLE when it stands behind the end
   */
  statement(line: number): void {
    const place = { name: this.#name, line };
    if (this.#isComplete || this.#isReleased)
      throw unplaceable(place, 'a statement behind the end of the dump');
    this.#statements += 1;
  }

  /** @throws HoldfastError DUMP_INCOMPLETE when the end mark was missing: the text was cut off */
  finish(): void {
    const isFramed = this.#key === undefined || this.#isReleased;
    if (!this.#isComplete || !isFramed) throw incompleteDump(this.#name);
  }

  #comment(comment: Buffer): void {
    if (comment.length < 64 && END_MARK.test(comment.toString('latin1'))) this.#isComplete = true;
  }

  #command(line: string, place: Place): void {
    const [, command, key] = COMMAND.exec(line) ?? [];
    const opens =
      command === 'restrict' && this.#key === undefined && this.#statements === 0 && !this.#isComplete;
    const closes = command === 'unrestrict' && key !== undefined && this.#key === key && !this.#isReleased;
    if (opens) this.#key = key;
    else if (closes) this.#isReleased = true;
    else throw metaCommand(place);
  }
}
