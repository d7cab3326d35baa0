/**
 * HalfSipHash (Aumasson and Bernstein, the 32-bit member of SipHash's family) with 1 round for each word and 3 at the
 * end, as Linux uses it for hash tables: short values are hashed in some tens of nanoseconds.
 *
 * It keeps apart what the index holds and what was hashed for whoever lacks the key; that nobody without the key of
 * the index reads any of it is not its task but that of the sealing.
 */
export const HASH_KEY_BYTES = 8;

export interface HashRounds {
  readonly each: number;
  readonly last: number;
}

const ROUNDS: HashRounds = { each: 1, last: 3 };

export class HalfSipHash {
  readonly #k0: number;
  readonly #k1: number;
  readonly #rounds: HashRounds;

  /**
   * @param key - 8 bytes
   * @param rounds - other numbers are for the published test vectors only
   */
  constructor(key: Uint8Array, rounds: HashRounds = ROUNDS) {
    if (key.length !== HASH_KEY_BYTES) throw new Error(`a hash key has ${HASH_KEY_BYTES} bytes`);
    const words = new DataView(key.buffer, key.byteOffset, key.length);
    this.#k0 = words.getInt32(0, true);
    this.#k1 = words.getInt32(4, true);
    this.#rounds = rounds;
  }

  /** The hash of `bytes[start, end)`: 32 bits, with a sign, for such a number needs no memory of its own. */
  of(bytes: Uint8Array, start: number, end: number): number {
    const { each, last } = this.#rounds;
    let v0 = this.#k0;
    let v1 = this.#k1;
    let v2 = 0x6c796765 ^ this.#k0;
    let v3 = 0x74656462 ^ this.#k1;
    const words = (end - start) >> 2;
    let at = start;
    // One more than there are words: the rest, with the length in its uppermost byte. Then the end.
    for (let step = 0; step <= words + 1; step++) {
      let word = 0;
      let rounds = each;
      if (step < words) {
        word =
          (bytes[at] ?? 0) |
          ((bytes[at + 1] ?? 0) << 8) |
          ((bytes[at + 2] ?? 0) << 16) |
          ((bytes[at + 3] ?? 0) << 24);
        at += 4;
      } else if (step === words) {
        word = (end - start) << 24;
        for (let shift = 0; at < end; at++, shift += 8) word |= (bytes[at] ?? 0) << shift;
      } else {
        v2 ^= 0xff;
        rounds = last;
      }
      v3 ^= word;
      for (let round = 0; round < rounds; round++) {
        v0 = (v0 + v1) | 0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        v0 = (v0 << 16) | (v0 >>> 16);
        v2 = (v2 + v3) | 0;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        v2 = (v2 << 16) | (v2 >>> 16);
      }
      v0 ^= word;
    }
    return v1 ^ v3;
  }
}
