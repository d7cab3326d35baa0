/** Phone numbers in text: the same digits, whatever people put between them and before them. */
import type { Form } from './form.ts';

const SEPARATORS = ' -./()+';
/** Those that stand alone between two digits of a group. */
const INNER = [' ', '-', '.', '/'];
const DIGITS_MIN = 7;
const DIGITS_MAX = 15;
/** How many separators may stand between two digits: `) ` and ` - ` do. */
const GAP = 3;
const TAIL = 4;

/**
 * Forms for a value that looks like a phone number (7 to 15 digits, as E.164 allows, and separators): its last four
 * digits with at most one separator among them, to be checked backwards by `endsWithDigits`.
 */
export function phoneForms(value: string): Form[] {
  const all = value.replace(/[^0-9]/g, '');
  const isPhone = /^[0-9 \-./()+]+$/.test(value) && all.length >= DIGITS_MIN && all.length <= DIGITS_MAX;
  if (!isPhone) return [];
  const digits = nationalOf(value, all);
  const tail = digits.slice(-TAIL);
  const tails = [
    tail,
    ...[1, 2, 3].flatMap((at) => INNER.map((mark) => `${tail.slice(0, at)}${mark}${tail.slice(at)}`)),
  ];
  return tails.map((text) => ({ bytes: Buffer.from(text), caseBlind: true, how: 'digits', digits }));
}

/** Country codes have up to three digits and trunk prefixes vary: without them, the rest must be there. */
function nationalOf(value: string, all: string): string {
  const significant = all.replace(/^0+/, '');
  const hasCountry = /^\s*\(?(\+|00)/.test(value);
  const kept = hasCountry ? Math.max(DIGITS_MIN, significant.length - 3) : significant.length;
  return significant.slice(-kept);
}

/** True when the digits before `end` (with separators among them) end in these, and no digit follows. */
export function endsWithDigits(bytes: Buffer, end: number, digits: string): boolean {
  if (isDigit(bytes[end] ?? 0)) return false;
  let at = end - 1;
  for (let left = digits.length - 1, gap = 0; left >= 0; at -= 1) {
    const byte = bytes[at] ?? 0;
    if (byte === digits.charCodeAt(left)) {
      left -= 1;
      gap = 0;
    } else if (gap < GAP && byte !== 0 && SEPARATORS.includes(String.fromCharCode(byte))) gap += 1;
    else return false;
  }
  return true;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
