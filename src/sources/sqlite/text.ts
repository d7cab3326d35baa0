/** Text of an SQLite database between its bytes and JavaScript strings, without loss. */
import { isUtf8 } from 'node:buffer';

/** `PRAGMA encoding` of a database. */
export type Encoding = 'UTF-8' | 'UTF-16le' | 'UTF-16be';

/**
 * The string that these bytes of a TEXT value mean, or undefined when no string literal gives the same bytes back:
 * bytes that are not valid in the encoding, and in UTF-16 the code points U+FFFE and U+FFFF, which SQLite's
 * conversion from UTF-8 replaces (READ_UTF8 in its utf.c).
 */
export function decodeText(bytes: Uint8Array, encoding: Encoding): string | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (encoding === 'UTF-8') return isUtf8(view) ? view.toString('utf8') : undefined;
  if (view.length % 2 !== 0) return undefined;
  const text = (encoding === 'UTF-16le' ? view : Buffer.from(view).swap16()).toString('utf16le');
  return text.isWellFormed() && !/[\ufffe\uffff]/.test(text) ? text : undefined;
}

/** The bytes that a database of this encoding stores for a string. */
export function encodeText(text: string, encoding: Encoding): Buffer {
  if (encoding === 'UTF-8') return Buffer.from(text, 'utf8');
  const bytes = Buffer.from(text, 'utf16le');
  return encoding === 'UTF-16le' ? bytes : bytes.swap16();
}
