/**
 * One value of a row, and how its bytes become text and back without loss.
 *
 * Text of a dump is UTF-8 nearly always; SQL_ASCII databases and SQLite can hold any bytes. A byte that is no part
 * of valid UTF-8 becomes the lone surrogate U+DC00 + byte, as in Python's `surrogateescape` (PEP 383), which valid
 * UTF-8 never gives: so every byte comes back as it was.
 */
import { isUtf8 } from 'node:buffer';

/**
 * Text as the engine prints it, unescaped: `42`, `a@x.org`, `{"a":1}`, `\x00ff` for bytes (SQLite's blobs too);
 * null is NULL. A real number of SQLite is the shortest text that gives the same number, always with a point: `42.0`.
 */
export type Value = string | null;

const NOT_ASCII = /[^\0-\x7f]/;

/** The text of bytes in their latin1 view (one character for each byte). */
export function textOf(latin1: string): string {
  if (!NOT_ASCII.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : escapedText(latin1);
}

/** Characters of UTF-8 as RFC 3629, section 4, has them; the last alternative is a byte that belongs to none. */
const CHARACTERS =
  /[\0-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;

function escapedText(latin1: string): string {
  return latin1.replace(CHARACTERS, (character) =>
    character.length === 1 && character > '\x7f'
      ? String.fromCharCode(0xdc00 + character.charCodeAt(0))
      : Buffer.from(character, 'latin1').toString('utf8'),
  );
}

/**
 * The bytes of a text from `textOf`, in latin1 view.
 * @returns undefined for lone surrogates that stand for no byte: no UTF-8 holds them
 */
export function latin1Of(text: string): string | undefined {
  if (!NOT_ASCII.test(text)) return text;
  if (text.isWellFormed()) return Buffer.from(text, 'utf8').toString('latin1');
  let latin1 = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) latin1 += String.fromCharCode(code - 0xdc00);
    else if (character.isWellFormed()) latin1 += Buffer.from(character, 'utf8').toString('latin1');
    else return undefined;
  }
  return latin1;
}

/** True for the text of one JSON value. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
