/**
 * Names in PostgreSQL's SQL: tokens of a statement, qualified names, and one form for comparing them.
 *
 * Statements come whole from the splitter of src/rows; here they are only looked at, never changed.
 * Rules: PostgreSQL documentation, "Lexical Structure".
 */

export interface Token {
  /** `word` is unquoted, `name` is quoted with double quotes, `literal` any string constant. */
  readonly kind: 'word' | 'name' | 'literal' | 'symbol';
  /** A word as written, a name without its quotes, a literal as written, one symbol character. */
  readonly text: string;
}

/** The parts of a name, unquoted and folded: `['public', 'Odd Name']`. */
export type NameParts = readonly string[];

const TOKEN =
  /\s+|--[^\n\r]*|\/\*[\s\S]*?\*\/|"((?:[^"]|"")*)"|([eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|\$([\p{L}_][\p{L}\p{N}_]*)?\$[\s\S]*?\$\3\$)|([\p{L}_\u0080-\uffff][\p{L}\p{N}_$\u0080-\uffff]*|\d[\w.]*)|([\s\S])/uy;

/** The tokens of a statement, lazily: who needs only the first ones does not pay for a long body. */
export function* tokensOf(sql: string): Generator<Token> {
  const pattern = new RegExp(TOKEN);
  for (let match = pattern.exec(sql); match !== null; match = pattern.exec(sql)) {
    const [, name, literal, , word, symbol] = match;
    if (name !== undefined) yield { kind: 'name', text: name.replaceAll('""', '"') };
    else if (literal !== undefined) yield { kind: 'literal', text: literal };
    else if (word !== undefined) yield { kind: 'word', text: word };
    else if (symbol !== undefined) yield { kind: 'symbol', text: symbol };
  }
}

/** Reads tokens one after another; the parsers of single statements are written with it. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The token `ahead` places further, undefined behind the end. */
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): Token | undefined {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    return token;
  }

  /** Moves on when exactly these key words follow, in any case of letters. */
  take(...words: readonly string[]): boolean {
    if (!words.every((word, index) => isWord(this.peek(index), word))) return false;
    this.#at += words.length;
    return true;
  }

  /** Moves behind the next occurrence of the key word outside of parentheses; false (at the end) without one. */
  seek(word: string): boolean {
    for (let depth = 0, token = this.next(); token !== undefined; token = this.next()) {
      if (isSymbol(token, '(')) depth += 1;
      else if (isSymbol(token, ')')) depth -= 1;
      else if (depth === 0 && isWord(token, word)) return true;
    }
    return false;
  }

  /** A qualified name; undefined when none stands here. */
  name(): NameParts | undefined {
    const parts: string[] = [];
    for (let token = this.peek(); token !== undefined; token = this.peek()) {
      if (token.kind !== 'word' && token.kind !== 'name') break;
      parts.push(token.kind === 'word' ? token.text.toLowerCase() : token.text);
      this.#at += 1;
      if (!isSymbol(this.peek(), '.')) return parts;
      this.#at += 1;
    }
    return undefined;
  }

  /** The tokens that are left. */
  rest(): readonly Token[] {
    return this.#tokens.slice(this.#at);
  }
}

export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word;
}

export function isSymbol(token: Token | undefined, symbol: string): boolean {
  return token?.kind === 'symbol' && token.text === symbol;
}

/** Every part quoted: equal for equal names however they were written. */
export function nameKey(parts: NameParts): string {
  return parts.map(quoteName).join('.');
}

/** A name as SQL, always quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string constant as SQL, under any setting of standard_conforming_strings. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}

/** The key of a name as SQL writes it (`public."Odd Name"`); undefined when it is no qualified name. */
export function keyOfName(text: string): string | undefined {
  const reader = new TokenReader([...tokensOf(text)]);
  const parts = reader.name();
  return parts !== undefined && reader.peek() === undefined ? nameKey(parts) : undefined;
}

/** The first line of a statement for an error message: no literals (they may hold secrets), at most 120 characters. */
export function firstLine(sql: string): string {
  const line = /^[^\n]*/.exec(sql.trimStart())?.[0] ?? '';
  const bare = line.replaceAll(/'(?:[^']|'')*'?/g, "'…'").replaceAll(/(\$\w*\$).*$/g, '$1…');
  return bare.length > 120 ? `${bare.slice(0, 119)}…` : bare;
}
