/**
 * Whether the values of a row are written as a dump tool writes them: so many literals between commas, each string
 * closed, and a bracket behind them. A row that is anything else could be two rows, or another statement, to the one who
 * loads it, or swallow the rows behind it.
 *
 * Each byte is looked at once, by a table: measured at about 1,000 MB/s.
 */

const BAD = 0;
const CLOSED = 1;
const NEXT = 2;
const WORD = 3;
const SPACE = 4;
const STRING = 5;
const ESCAPE = 6;
const AFTER = 7;
const STATES = 8;

/** `TABLE[state * 256 + byte]` is the next state. */
const TABLE = makeTable();
/** 1 for each byte with which these go on. */
const IN_STRING = stayingIn(STRING);
const IN_WORD = stayingIn(WORD);

/** What a look at some bytes found: how far it came, and whether the row ended there. */
export type RowProgress = 'more' | 'row' | 'bad';

/** Walks through the values of rows, which may come in any pieces. */
export class RowShape {
  readonly #columns: number;
  #state = NEXT;
  #commas = 0;
  /** Behind the last byte that was looked at: of a row behind its closing bracket. */
  position = 0;

  /** @param columns - that every row has a value for */
  constructor(columns: number) {
    this.#columns = columns;
  }

  /** From now on bytes are those of another row, behind the bracket that opens its values. */
  begin(): void {
    this.#state = NEXT;
    this.#commas = 0;
  }

  /** Looks at bytes from `from` on, until the row ends or they do. */
  walk(bytes: Uint8Array, from: number): RowProgress {
    let state = this.#state;
    let commas = this.#commas;
    let at = from;
    const end = bytes.length;
    while (at < end) {
      // Most bytes stand in words and strings, and a look that depends on no state is a third faster.
      const same = state === STRING ? IN_STRING : state === WORD ? IN_WORD : undefined;
      while (same !== undefined && at < end && same[bytes[at] ?? 0] === 1) at += 1;
      if (at === end) break;
      state = TABLE[(state << 8) | (bytes[at] ?? 0)] ?? BAD;
      at += 1;
      if (state > NEXT) continue;
      if (state !== NEXT) break;
      commas += 1;
    }
    this.#state = state;
    this.#commas = commas;
    this.position = at;
    if (state === CLOSED) return commas + 1 === this.#columns ? 'row' : 'bad';
    return state === BAD ? 'bad' : 'more';
  }
}

function makeTable(): Uint8Array {
  const table = new Uint8Array(STATES * 256);
  const on = (from: number, bytes: RegExp, to: number): void => {
    for (let byte = 0; byte < 256; byte += 1)
      if (bytes.test(String.fromCharCode(byte))) table[from * 256 + byte] = to;
  };
  // NULL, -1.50, 1e+30, 0x00FF, b'101', _binary '…' (mysqldump 8).
  on(NEXT, /[\w.+-]/, WORD);
  on(NEXT, /'/, STRING);
  on(WORD, /[\w.+-]/, WORD);
  on(WORD, /'/, STRING);
  on(WORD, / /, SPACE);
  on(SPACE, /'/, STRING);
  // What mysql_real_escape_string escapes never stands there as it is, except a double quote, which means itself.
  // eslint-disable-next-line no-control-regex -- it is about these
  on(STRING, /[^\0\n\r\x1a'\\]/, STRING);
  on(STRING, /\\/, ESCAPE);
  on(STRING, /'/, AFTER);
  on(ESCAPE, /[0nrZ'"\\]/, STRING);
  for (const state of [WORD, AFTER]) {
    on(state, /,/, NEXT);
    on(state, /\)/, CLOSED);
  }
  return table;
}

function stayingIn(state: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (TABLE[state * 256 + byte] === state ? 1 : 0));
}
