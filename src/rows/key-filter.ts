/**
 * Asks a row's bytes whether a column can hold one of many keys, before anything is decoded.
 *
 * Decoding one field of each row costs more than finding the rows. A hash of the field's bytes, looked up in a bit
 * table, says "surely not" for nearly all of them.
 */
import { latin1Of } from './values.ts';

/** Odd, so that no byte's share is ever shifted out of the hash: 2^32 divided by the golden ratio. */
const MULTIPLIER = 0x9e3779b1;

/** Slots for each key: one field in 64 that holds no key is decoded in vain. */
const SLOTS_PER_KEY = 64;

export class KeyFilter {
  readonly keys: ReadonlySet<string>;
  /** One byte for each slot of the hash; 1 when a key falls on it. */
  readonly slots: Uint8Array;
  /** How far the hash is shifted to give a slot. */
  readonly shift: number;

  /** @param keys - values as `RowCodec.read` gives them */
  constructor(keys: ReadonlySet<string>) {
    const bits = Math.min(22, Math.max(12, Math.ceil(Math.log2((keys.size + 1) * SLOTS_PER_KEY))));
    this.keys = keys;
    this.slots = new Uint8Array(2 ** bits);
    this.shift = 32 - bits;
    for (const key of keys) {
      const bytes = Buffer.from(latin1Of(key) ?? '', 'latin1');
      this.slots[bytes.reduce(mix, 0) >>> this.shift] = 1;
    }
  }

  /** True when a field whose bytes have this hash may hold a key. */
  mayHold(hash: number): boolean {
    return this.slots[hash >>> this.shift] === 1;
  }
}

/** Takes one more byte into a hash that begins with 0. */
export function mix(hash: number, byte: number): number {
  return (Math.imul(hash, MULTIPLIER) + byte) | 0;
}
