/**
 * Values of SQLite as SQL literals on one line.
 *
 * The forms are those of the sqlite3 shell's `.dump` up to 3.49, which every SQLite reads; what they lose
 * (text with NUL, text that is not valid in the database's encoding, some reals) is written in a longer form.
 */

/** A value as node:sqlite returns it with `readBigInts`: a number is a REAL, a bigint an INTEGER. */
export type SqlValue = null | bigint | number | string | Uint8Array;

/** Values above this many characters or bytes are rendered in pieces. */
export const PIECE = 256 * 1024;

/** A literal that may be long: `open`, then `escape` of each piece of `text` in order, then `close`. */
export interface TextPlan {
  readonly open: string;
  readonly text: string;
  readonly close: string;
  readonly escape: (piece: string) => string;
}

/** An INTEGER. */
export function integerLiteral(value: bigint): string {
  return value.toString();
}

/**
 * A REAL, such that SQLite reads the same 64 bits back; NaN is NULL, as SQLite stores it.
 *
 * SQLite before 3.43 multiplies with powers of ten in 80 bits. Measured with 3.40.1 and 1.5 million doubles: 17
 * digits come back exactly down to 1e-280, the shortest form of 16 or 17 digits does not, and below 1e-280
 * no number of digits does. There it is an integer divided by powers of two, which is exact everywhere.
 */
export function realLiteral(value: number): string {
  if (Number.isNaN(value)) return 'NULL';
  if (!Number.isFinite(value)) return value > 0 ? '9e999' : '-9e999';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (Math.abs(value) < 1e-280) return tinyLiteral(value);
  const shortest = String(value);
  return withPoint(shortest.length <= MOST_FOR_15_DIGITS ? shortest : value.toPrecision(17));
}

/** A text of this length has at most 15 digits, beside its point or sign. */
const MOST_FOR_15_DIGITS = 16;

/** `1e22` would do as a REAL too, `1` would not: both get a fraction. */
function withPoint(digits: string): string {
  if (digits.includes('.')) return digits;
  return digits.includes('e') ? digits.replace('e', '.0e') : `${digits}.0`;
}

/** 2^50: an integer literal that every SQLite reads exactly. */
const STEP_BITS = 50;

/** The 53-bit integer of the double, divided by powers of two: no step rounds, since the last one does not. */
function tinyLiteral(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const integer = (bits & (2n ** 52n - 1n)) + (exponent === 0 ? 0n : 2n ** 52n);
  const halvings = 1075 - Math.max(exponent, 1);
  const steps = `/${2 ** STEP_BITS}.0`.repeat(Math.floor(halvings / STEP_BITS));
  return `(${value < 0 ? '-' : ''}${integer}.0${steps}/${2 ** (halvings % STEP_BITS)}.0)`;
}

/** A BLOB in one piece. */
export function blobLiteral(bytes: Uint8Array): string {
  return `X'${hexOf(bytes)}'`;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/**
 * How to write a text that has no NUL. Line ends become a placeholder which the text does not contain, and
 * `replace()` turns it back: so the statement stays on one line.
 */
function textPlan(text: string): TextPlan {
  const quote = (piece: string): string => (piece.includes("'") ? piece.replaceAll("'", "''") : piece);
  const lf = text.includes('\n') ? unusedIn(text, '\\n', '\\012') : undefined;
  const cr = text.includes('\r') ? unusedIn(text, '\\r', '\\015') : undefined;
  if (lf === undefined && cr === undefined) return { open: "'", text, close: "'", escape: quote };
  let open = "'";
  let close = "'";
  let escape = quote;
  for (const [end, placeholder, code] of [['\r', cr, 13] as const, ['\n', lf, 10] as const]) {
    if (placeholder === undefined) continue;
    const inner = escape;
    escape = (piece) => inner(piece).replaceAll(end, () => placeholder);
    open = `replace(${open}`;
    close = `${close},'${placeholder}',char(${code}))`;
  }
  return { open, text, close, escape };
}

/** The first of `first`, `second`, `(first0)`, `(first1)`, … that the text does not contain. */
function unusedIn(text: string, first: string, second: string): string {
  if (!text.includes(first)) return first;
  if (!text.includes(second)) return second;
  for (let number = 0; ; number += 1) {
    const candidate = `(${first}${number})`;
    if (!text.includes(candidate)) return candidate;
  }
}

/** A text without NUL in one piece. */
export function textLiteral(text: string): string {
  const { open, close, escape } = textPlan(text);
  return open + escape(text) + close;
}

/** A text that no string literal can hold, from its bytes in the database's encoding. */
export function rawTextPieces(bytes: Uint8Array): Iterable<string> {
  return hexPieces('CAST(', bytes, ' AS TEXT)');
}

/** A BLOB of any size, in pieces. */
export function blobPieces(bytes: Uint8Array): Iterable<string> {
  return hexPieces('', bytes, '');
}

function* hexPieces(open: string, bytes: Uint8Array, close: string): Iterable<string> {
  yield `${open}X'`;
  for (let at = 0; at < bytes.length; at += PIECE) yield hexOf(bytes.subarray(at, at + PIECE));
  yield `'${close}`;
}

/** A text without NUL, of any size, in pieces that never part a surrogate pair. */
export function* textPieces(value: string): Iterable<string> {
  const { open, text, close, escape } = textPlan(value);
  yield open;
  for (let at = 0; at < text.length;) {
    const end = at + PIECE;
    const isPair = /^[\ud800-\udbff]$/.test(text.charAt(end - 1));
    const piece = text.slice(at, isPair ? end + 1 : end);
    yield escape(piece);
    at += piece.length;
  }
  yield close;
}
