/** Keys of comparisons as bytes and hashes: the writer of an index and whoever asks it must agree to the bit. */
import { latin1Of } from '../rows/values.ts';
import type { CanonicalForm } from '../subjects/canonical.ts';
import type { Comparison } from '../subjects/compare.ts';
import type { HalfSipHash } from './half-siphash.ts';

/** The hash of a key as `keyOf` gives it. */
export function hashOfKey(hash: HalfSipHash, key: string): number {
  const latin1 = latin1Of(key);
  // A key that no bytes of a dump stand for: any bytes will do, as long as they are always the same.
  const bytes = latin1 === undefined ? Buffer.from(key, 'utf16le') : Buffer.from(latin1, 'latin1');
  return hash.of(bytes, 0, bytes.length);
}

/** How keys are made of plain ASCII bytes without a detour through text; undefined where there is no such way. */
export function shortcutFor({ form, kind }: Comparison): CanonicalForm | undefined {
  return kind === 'exact' ? form : undefined;
}

/**
 * Writes the key of a field of plain ASCII bytes to `into`, which is at least as long as the field.
 *
 * @returns its length; -1 for a field that equals nothing under this form
 */
export function writeKey(
  bytes: Uint8Array,
  start: number,
  end: number,
  form: CanonicalForm,
  into: Uint8Array,
): number {
  if (form === 'digits') return writeDigits(bytes, start, end, into);
  let [from, to] = [start, end];
  if (form !== 'exact') {
    while (from < to && isBlank(bytes[from] ?? 0)) from += 1;
    while (to > from && isBlank(bytes[to - 1] ?? 0)) to -= 1;
    if (from === to) return -1;
  }
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    into[at - from] = form === 'lower' && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
  }
  return to - from;
}

function writeDigits(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (isDigit && (length > 0 || byte !== 0x30)) into[length++] = byte;
  }
  return length === 0 ? -1 : length;
}

/** White space of ASCII, as `String.prototype.trim` has it. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
