/** Writing a few bytes into a buffer: for so many keys, a call of the library for each would cost more than all else. */

/** Writes these bytes; returns where the next one goes. */
export function put(to: Buffer, at: number, bytes: Uint8Array): number {
  for (let index = 0; index < bytes.length; index += 1) to[at + index] = bytes[index] ?? 0;
  return at + bytes.length;
}

const NINE_DIGITS = 1_000_000_000;

/** Writes a whole number from 0 to 2^53 in digits; returns where the next byte goes. */
export function putNumber(to: Buffer, at: number, value: number): number {
  const high = Math.floor(value / NINE_DIGITS);
  if (high === 0) return putDigits(to, at, value, digitsOf(value));
  const end = putDigits(to, at, high, digitsOf(high));
  return putDigits(to, end, value - high * NINE_DIGITS, 9);
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit && digits < 9; limit *= 10) digits += 1;
  return digits;
}

function putDigits(to: Buffer, at: number, value: number, digits: number): number {
  let left = value | 0;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    const next = (left / 10) | 0;
    to[place] = 0x30 + left - next * 10;
    left = next;
  }
  return at + digits;
}
