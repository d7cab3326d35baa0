/**
 * Arguments of Redis commands as `redis-cli` takes them on a line (sdssplitargs in Redis' sds.c): in double quotes,
 * with escapes. Only one way of writing is used here, so that equal bytes are equal text: printable ASCII and
 * every byte from 0x80 on as they are; `"` and `\` behind a backslash; LF, CR and TAB as `\n`, `\r`, `\t`; every
 * other byte as `\xHH` in lower case. No line end stands inside an argument.
 */
import { BACKSLASH, DOUBLE } from './bytes.ts';

/** A byte becomes this many bytes at most. */
export const QUOTED_MAX = 4;

const LOWER_X = 0x78;
/** How a byte is written: 0 as it is, 1 as `\xHH`, else behind a backslash, as this letter. */
const LETTERS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x0a) return 0x6e;
  if (byte === 0x0d) return 0x72;
  if (byte === 0x09) return 0x74;
  if (byte === DOUBLE || byte === BACKSLASH) return byte;
  return byte < 0x20 || byte === 0x7f ? 1 : 0;
});

/** How each byte is written: the bytes of it as one little-endian number, and how many they are. */
const WRITTEN = Uint32Array.from(LETTERS, (letter, byte) => {
  if (letter === 0) return byte;
  if (letter !== 1) return BACKSLASH | (letter << 8);
  return Buffer.from(`\\x${byte.toString(16).padStart(2, '0')}`).readUInt32LE();
});
const WIDTHS = Uint8Array.from(LETTERS, (letter) => (letter === 0 ? 1 : letter === 1 ? QUOTED_MAX : 2));

/**
 * Writes `from[start, end)` as the inside of a quoted argument.
 * @param to - with room for QUOTED_MAX times as many bytes from `at` on: behind what is written, bytes change, too
 * @returns where the next byte goes
 */
export function quoteInto(to: DataView, at: number, from: Uint8Array, start: number, end: number): number {
  let next = at;
  // Four bytes each time, of which the next ones write over what is too much: no byte is a question. It takes a third
  // of the time.
  for (let index = start; index < end; index += 1) {
    const byte = from[index] ?? 0;
    to.setUint32(next, WRITTEN[byte] ?? 0, true);
    next += WIDTHS[byte] ?? 0;
  }
  return next;
}

/** A view for `quoteInto` of a buffer's bytes. */
export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The argument in its quotes. */
export function quoted(bytes: Buffer): Buffer {
  const to = Buffer.allocUnsafe(bytes.length * QUOTED_MAX + 2);
  to[0] = DOUBLE;
  const end = quoteInto(viewOf(to), 1, bytes, 0, bytes.length);
  to[end] = DOUBLE;
  return to.subarray(0, end + 1);
}

/** The bytes that stand escaped in `from[start, end)`, without quotes; undefined where we would have written them otherwise. */
export function unquoted(from: Buffer, start: number, end: number): Buffer | undefined {
  const slash = from.indexOf(BACKSLASH, start);
  if (slash === -1 || slash >= end) {
    for (let at = start; at < end; at += 1) if (LETTERS[from[at] ?? 0] !== 0) return undefined;
    return from.subarray(start, end);
  }
  const to = Buffer.allocUnsafe(end - start);
  const length = unquoteInto(to, 0, from, start, end);
  return length === -1 ? undefined : to.subarray(0, length);
}

/**
 * Writes the bytes that stand escaped in `from[start, end)`.
 * @returns where the next byte goes, or -1 where we would have written them otherwise
 */
export function unquoteInto(to: Buffer, at: number, from: Buffer, start: number, end: number): number {
  let next = at;
  for (let index = start; index < end; index += 1) {
    const byte = from[index] ?? 0;
    if (LETTERS[byte] === 0) {
      to[next++] = byte;
      continue;
    }
    if (byte !== BACKSLASH) return -1;
    index += 1;
    const letter = index < end ? (from[index] ?? 0) : 0;
    if (letter === LOWER_X) {
      const value = index + 2 < end ? digit(from[index + 1]) * 16 + digit(from[index + 2]) : Number.NaN;
      if (Number.isNaN(value) || LETTERS[value] !== 1) return -1;
      to[next++] = value;
      index += 2;
    } else {
      const value = MEANINGS[letter] ?? 0;
      if (value === 0) return -1;
      to[next++] = value;
    }
  }
  return next;
}

/** By the letter behind a backslash. */
const MEANINGS = Uint8Array.from({ length: 256 }, (_, letter) => {
  if (letter <= 1) return 0;
  const byte = LETTERS.indexOf(letter);
  return byte === -1 ? 0 : byte;
});

function digit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : Number.NaN;
}

/**
 * The quote that ends the argument whose inside begins at `from`; -1 when there is none before `end`.
 */
export function closingQuote(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === DOUBLE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  return -1;
}
