/** HalfSipHash against the vectors that its authors publish (veorq/SipHash, vectors.h, vectors_hsip32; public domain). */
import { describe, expect, test } from 'vitest';
import { HalfSipHash } from '../../src/subject-index/half-siphash.ts';

const KEY = Uint8Array.from({ length: 8 }, (_, index) => index);

/** Of the inputs of 0, 1, 2 … bytes 00 01 02 …, with 2 and 4 rounds. */
const VECTORS = `a9359f5b 27475ab8 fa62a603 8afee704 2a6e4689 c5fab669 5863fc23 8bcf63c5 d0b8848f f806e779
  94b07934 08083050 57f0872f 77e663ff d6fff87c 74fe2b97 d9b5ac84 c474645b 465b8d9b 7befe387`.split(/\s+/);

describe('HalfSipHash', () => {
  test('gives the published hashes with the published rounds', () => {
    const hash = new HalfSipHash(KEY, { each: 2, last: 4 });
    const input = Uint8Array.from(VECTORS, (_, index) => index);
    const found = VECTORS.map((_, length) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(hash.of(input, 0, length));
      return bytes.toString('hex');
    });
    expect(found).toEqual(VECTORS);
  });

  test('looks at nothing outside of the bytes it is given', () => {
    const hash = new HalfSipHash(KEY);
    const input = Buffer.from('xx-abcdefg-yy');
    expect(hash.of(input, 3, 10)).toBe(hash.of(Buffer.from('abcdefg'), 0, 7));
    expect(hash.of(input, 3, 10)).not.toBe(hash.of(input, 3, 11));
  });
});
