/** Bytes that SQL gives a meaning, and the classes its scanner sorts all bytes into. */
export const LF = 0x0a;
export const CR = 0x0d;
export const DOUBLE = 0x22;
export const DOLLAR = 0x24;
export const QUOTE = 0x27;
export const OPEN_PAREN = 0x28;
export const CLOSE_PAREN = 0x29;
export const STAR = 0x2a;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const SLASH = 0x2f;
export const SEMICOLON = 0x3b;
export const BACKSLASH = 0x5c;

export const CLASS = { other: 0, space: 1, word: 2, digit: 3 } as const;

const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return CLASS.space;
  if (byte >= 0x30 && byte <= 0x39) return CLASS.digit;
  const letter = byte | 0x20;
  if ((letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte >= 0x80) return CLASS.word;
  return CLASS.other;
});

/** The class of a byte: white space, the start of a word (every byte above ASCII counts as a letter), a digit, other. */
export function classOf(byte: number): number {
  return CLASSES[byte] ?? CLASS.other;
}

/** True for a byte that can go on in an unquoted name or key word. */
export function isWordPart(byte: number): boolean {
  return classOf(byte) >= CLASS.word || byte === DOLLAR;
}
