/**
 * A lexer for PostgreSQL's SQL, on bytes, fed in pieces: it finds where statements end.
 *
 * The rules are those of psql's own scanner (src/fe_utils/psqlscan.l) with standard_conforming_strings on,
 * as every pg_dump sets it. They hold for every encoding in which no byte of a multi-byte character is an
 * ASCII byte, so not for SJIS, BIG5, GBK, UHC, GB18030 and JOHAB, in which no dump is made here.
 */
import { BACKSLASH, CLASS, classOf, DOLLAR, DOUBLE, isWordPart, LF } from './bytes.ts';
import { MINUS, QUOTE, SEMICOLON, SLASH, STAR } from './bytes.ts';
import { metaCommand, statementTooLong, unplaceable, unterminated, type Place } from './errors.ts';
import { StatementShape } from './shape.ts';
import { OpenToken, type TokenKind } from './token.ts';
import { ByteWindow } from './window.ts';

/** One statement of a script. */
export interface SqlStatement {
  /** The statement with its semicolon; white space and comments before it are left out. */
  readonly bytes: Buffer;
  /** The line on which it begins, counted from 1. */
  readonly line: number;
}

export interface LexerOptions {
  /** What the text is called in errors. */
  readonly name: string;
  /** Largest statement or comment, in bytes. */
  readonly limit?: number;
  /** Called with each comment between statements; a line comment comes without its line end. */
  readonly onComment?: (comment: Buffer) => void;
  /** Called with each line between statements that begins with a backslash; refused when absent. */
  readonly onCommand?: (line: Buffer, place: Place) => void;
}

/** 64 MiB: above any statement of a real schema, below what would hurt. */
const STATEMENT_LIMIT = 64 * 1024 * 1024;

/** What one step of the scanner came to: it moved on, needs more bytes, or stands behind a whole statement. */
type Step = 'moved' | 'starved' | 'statement';

export class SqlLexer {
  readonly #options: LexerOptions;
  readonly #limit: number;
  readonly #window = new ByteWindow();
  #ended = false;
  /** The literal or comment in which the scanner stands; undefined in code. */
  #token: OpenToken | undefined;
  /** Nothing but white space since the last line end. */
  #freshLine = true;
  #afterEscapeString = false;
  /** Of the statement that is being read; undefined between statements. */
  #shape: StatementShape | undefined;
  #statementLine = 1;

  constructor(options: LexerOptions) {
    this.#options = options;
    this.#limit = options.limit ?? STATEMENT_LIMIT;
  }

  /** Gives the lexer the next piece. Call `next` until it returns undefined before the next `push`. */
  push(piece: Uint8Array): void {
    if (this.#window.size > this.#limit)
      throw statementTooLong(this.#place(this.#statementLine), this.#limit);
    this.#window.push(piece);
  }

  /** Says that no more pieces follow: what is left must be whole. */
  end(): void {
    this.#ended = true;
  }

  /**
   * The next whole statement, or undefined when more bytes are needed (after `end`: when all has been read).
   * @throws HoldfastError SQL_META_COMMAND, SQL_UNPLACEABLE, SQL_TOO_LONG, and after `end` SQL_UNTERMINATED.
   */
  next(): SqlStatement | undefined {
    const window = this.#window;
    while (window.position < window.length) {
      const step = this.#token === undefined ? this.#code() : this.#inside(this.#token);
      if (step === 'statement') return this.#statement();
      if (step === 'starved') break;
    }
    if (this.#ended) this.#checkEnd();
    return undefined;
  }

  /** Takes out what has not been scanned yet, because it is not SQL. The lexer is finished afterwards. */
  takeRest(): Buffer {
    const { bytes, position, length } = this.#window;
    this.#window.dropTo(length);
    return bytes.subarray(position, length);
  }

  /** One token outside of literals and comments. */
  #code(): Step {
    const { bytes, position } = this.#window;
    const byte = bytes[position] ?? 0;
    const kind = classOf(byte);
    if (kind === CLASS.space) return this.#space(byte);
    if (byte === MINUS || byte === SLASH) return this.#perhapsComment(byte);
    if (byte === BACKSLASH) return this.#command();
    if (byte === 0) throw unplaceable(this.#place(), 'a zero byte');
    this.#begin();
    if (kind === CLASS.word) return this.#word();
    if (kind === CLASS.digit) return this.#number();
    if (byte === DOLLAR) return this.#dollar();
    if (byte === QUOTE) return this.#quote();
    if (byte === DOUBLE) return this.#open('name', 1);
    this.#symbol(byte);
    return byte === SEMICOLON && this.#shape?.isOpen === false ? 'statement' : 'moved';
  }

  #space(byte: number): Step {
    if (byte === LF) this.#freshLine = true;
    return this.#advance(this.#window.position + 1);
  }

  #perhapsComment(byte: number): Step {
    const { bytes, position, length } = this.#window;
    if (position + 1 === length && !this.#ended) return 'starved';
    const second = position + 1 < length ? bytes[position + 1] : 0;
    if (byte === MINUS && second === MINUS) return this.#open('line-comment', 2);
    if (byte === SLASH && second === STAR) return this.#open('block-comment', 2);
    this.#begin();
    this.#symbol(byte);
    return 'moved';
  }

  /** A psql command: allowed only as a whole line between statements, and only if the caller takes it. */
  #command(): Step {
    const { bytes, position, length } = this.#window;
    const { onCommand } = this.#options;
    const place = this.#place();
    if (onCommand === undefined || this.#shape !== undefined || !this.#freshLine) throw metaCommand(place);
    const end = bytes.subarray(0, length).indexOf(LF, position);
    if (end === -1 && this.#ended) throw unterminated(place, 'a command');
    if (end === -1) return 'starved';
    onCommand(bytes.subarray(position, end), place);
    return this.#advance(end);
  }

  #word(): Step {
    const { bytes, position, length } = this.#window;
    const end = wordEnd(bytes, position, length);
    if (end === length && !this.#ended) return 'starved';
    const isEscape = end === position + 1 && ((bytes[position] ?? 0) | 0x20) === 0x65;
    if (isEscape && end < length && bytes[end] === QUOTE) return this.#open('escape-string', 2);
    this.#shape?.word(bytes.toString('latin1', position, end));
    this.#afterEscapeString = false;
    return this.#advance(end);
  }

  /** Takes letters too (1e5, 0xff, 1_000); where an `e` would touch a literal, scanners of old disagree. */
  #number(): Step {
    const { bytes, position, length } = this.#window;
    const end = wordEnd(bytes, position, length);
    if (end === length && !this.#ended) return 'starved';
    const touches = end < length && bytes[end] === QUOTE;
    if (touches && ((bytes[end - 1] ?? 0) | 0x20) === 0x65) {
      throw unplaceable(this.#place(), 'a number that touches a literal');
    }
    this.#shape?.symbol(0);
    this.#afterEscapeString = false;
    return this.#advance(end);
  }

  /** `$tag$` opens a literal; `$1` is a parameter. */
  #dollar(): Step {
    const { bytes, position, length } = this.#window;
    let end = position + 1;
    while (end < length && bytes[end] !== DOLLAR && isWordPart(bytes[end] ?? 0)) end += 1;
    if (end === length && !this.#ended) return 'starved';
    const isTag = bytes[end] === DOLLAR && end < length && classOf(bytes[position + 1] ?? 0) !== CLASS.digit;
    if (!isTag) {
      this.#symbol(DOLLAR);
      return 'moved';
    }
    const tag = Buffer.from(bytes.subarray(position, end + 1));
    return this.#open('dollar', tag.length, tag);
  }

  #quote(): Step {
    if (this.#afterEscapeString) throw unplaceable(this.#place(), 'a continued escape string');
    return this.#open('string', 1);
  }

  #symbol(byte: number): void {
    this.#shape?.symbol(byte);
    this.#afterEscapeString = false;
    this.#advance(this.#window.position + 1);
  }

  /** Goes on inside a literal or comment. */
  #inside(token: OpenToken): Step {
    const end = token.findEnd(this.#window, this.#ended);
    if (end === undefined) return 'starved';
    const { bytes, keep } = this.#window;
    this.#token = undefined;
    if (this.#shape === undefined) this.#options.onComment?.(bytes.subarray(keep, end));
    if (!token.isComment) {
      this.#shape?.symbol(0);
      this.#afterEscapeString = token.kind === 'escape-string';
    }
    return this.#advance(end);
  }

  #begin(): void {
    if (this.#shape !== undefined) return;
    this.#shape = new StatementShape();
    this.#statementLine = this.#window.lineAt(this.#window.position);
  }

  #open(kind: TokenKind, length: number, tag?: Buffer): Step {
    this.#token = new OpenToken(kind, this.#window.lineAt(this.#window.position), tag);
    this.#freshLine = false;
    this.#window.position += length;
    return 'moved';
  }

  #advance(position: number): Step {
    if (classOf(this.#window.bytes[position - 1] ?? 0) !== CLASS.space) this.#freshLine = false;
    this.#window.position = position;
    if (this.#shape === undefined) this.#window.dropTo(position);
    return 'moved';
  }

  #statement(): SqlStatement {
    const { bytes, keep, position } = this.#window;
    this.#shape = undefined;
    this.#window.dropTo(position);
    return { bytes: bytes.subarray(keep, position), line: this.#statementLine };
  }

  #checkEnd(): void {
    const token = this.#token;
    if (token !== undefined && token.kind !== 'line-comment')
      throw unterminated(this.#place(token.line), token.called);
    if (this.#shape !== undefined) throw unterminated(this.#place(this.#statementLine), 'a statement');
  }

  #place(line = this.#window.lineAt(this.#window.position)): Place {
    return { name: this.#options.name, line };
  }
}

function wordEnd(bytes: Buffer, position: number, length: number): number {
  let end = position + 1;
  while (end < length && isWordPart(bytes[end] ?? 0)) end += 1;
  return end;
}
