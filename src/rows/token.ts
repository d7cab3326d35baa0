/** Literals and comments: where one ends that has begun, when its bytes come in pieces. */
import { BACKSLASH, CR, DOUBLE, LF, QUOTE, SLASH, STAR } from './bytes.ts';
import type { ByteWindow } from './window.ts';

export type TokenKind = 'string' | 'escape-string' | 'name' | 'dollar' | 'line-comment' | 'block-comment';

const CALLED: Readonly<Record<TokenKind, string>> = {
  string: 'a string literal',
  'escape-string': 'a string literal',
  name: 'a quoted name',
  dollar: 'a dollar-quoted literal',
  'line-comment': 'a comment',
  'block-comment': 'a comment',
};

const MARK: Readonly<Record<'string' | 'name', Buffer>> = {
  string: Buffer.from([QUOTE]),
  name: Buffer.from([DOUBLE]),
};

/** A literal or comment that has begun. */
export class OpenToken {
  readonly kind: TokenKind;
  /** The line on which it begins. */
  readonly line: number;
  readonly #tag: Buffer;
  #depth = 1;

  /** @param tag - of a dollar-quoted literal: `$tag$` */
  constructor(kind: TokenKind, line: number, tag: Buffer = Buffer.alloc(0)) {
    this.kind = kind;
    this.line = line;
    this.#tag = tag;
  }

  get isComment(): boolean {
    return this.kind === 'line-comment' || this.kind === 'block-comment';
  }

  /** What it is, for people. */
  get called(): string {
    return CALLED[this.kind];
  }

  /**
   * The position behind it; undefined when its end has not come yet. Then the window's position remembers how
   * far was looked, so that a long literal is looked through only once.
   */
  findEnd(window: ByteWindow, isLast: boolean): number | undefined {
    const bytes = window.bytes.subarray(0, window.length);
    switch (this.kind) {
      case 'line-comment':
        return lineCommentEnd(bytes, window, isLast);
      case 'block-comment':
        return this.#blockCommentEnd(bytes, window);
      case 'escape-string':
        return escapeStringEnd(bytes, window, isLast);
      case 'dollar':
        return markEnd(bytes, window, this.#tag);
      default:
        return markEnd(bytes, window, MARK[this.kind]);
    }
  }

  /** Block comments nest. */
  #blockCommentEnd(bytes: Buffer, window: ByteWindow): number | undefined {
    let at = window.position;
    for (; at + 1 < bytes.length; at += 1) {
      const isOpen = bytes[at] === SLASH && bytes[at + 1] === STAR;
      const isClose = bytes[at] === STAR && bytes[at + 1] === SLASH;
      if (!isOpen && !isClose) continue;
      this.#depth += isOpen ? 1 : -1;
      at += 1;
      if (this.#depth === 0) return at + 1;
    }
    window.position = at;
    return undefined;
  }
}

/** A doubled quote ends one literal and opens the next: for finding statements that is the same. */
function markEnd(bytes: Buffer, window: ByteWindow, mark: Buffer): number | undefined {
  const at = bytes.indexOf(mark, window.position);
  if (at !== -1) return at + mark.length;
  window.position = Math.max(window.position, bytes.length - mark.length + 1);
  return undefined;
}

/** Both CR and LF end a comment, as in psql: what follows a CR is code. */
function lineCommentEnd(bytes: Buffer, window: ByteWindow, isLast: boolean): number | undefined {
  let at = window.position;
  while (at < bytes.length && bytes[at] !== LF && bytes[at] !== CR) at += 1;
  window.position = at;
  return at < bytes.length || isLast ? at : undefined;
}

/** Steps over pairs: a backslash with what it escapes, and a doubled quote. */
function escapeStringEnd(bytes: Buffer, window: ByteWindow, isLast: boolean): number | undefined {
  let at = window.position;
  for (; at < bytes.length; at += 2) {
    while (at < bytes.length && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at += 1;
    const pairIsThere = at + 1 < bytes.length;
    if (!pairIsThere && !(isLast && bytes[at] === QUOTE)) break;
    if (bytes[at] === QUOTE && bytes[at + 1] !== QUOTE) return at + 1;
  }
  window.position = Math.min(at, bytes.length);
  return undefined;
}
