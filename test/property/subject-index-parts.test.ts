/** What an index object is made of comes back as it was written. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, test as example } from 'vitest';
import { BitReader, BitWriter } from '../../src/subject-index/bits.ts';
import { Distinct } from '../../src/subject-index/distinct.ts';
import { decodeBlock, encodeHashes, HASH_BITS, valueOf } from '../../src/subject-index/hash-blocks.ts';
import { holds, Runs } from '../../src/subject-index/integers.ts';
import { decodeRuns, encodeRuns } from '../../src/subject-index/run-blocks.ts';

describe('the parts of an index', () => {
  test.prop([
    fc.array(
      fc
        .integer({ min: 1, max: 32 })
        .chain((bits) =>
          fc.tuple(fc.constant(bits), fc.integer({ min: 0, max: 2 ** bits - 1 }), fc.nat({ max: 70 })),
        ),
    ),
  ])('bits come back as they were put', (all) => {
    const writer = new BitWriter();
    for (const [bits, value, ones] of all) {
      writer.put(value, bits);
      writer.putUnary(ones);
    }
    const reader = new BitReader(writer.finish());
    for (const [bits, value, ones] of all) {
      expect(reader.get(bits)).toBe(value);
      expect(reader.getUnary()).toBe(ones);
    }
  });

  test.prop([
    fc.array(
      fc.option(
        fc.array(
          fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 31)),
          { maxLength: 40 },
        ),
        { nil: undefined },
      ),
      { maxLength: 20 },
    ),
    fc.constantFrom(32, 32, 8, 20),
  ])('hashes come back, but for the bits that are dropped', (all, known) => {
    const chunks = all.map((one) => one && Uint32Array.from(one));
    const { bits, blocks } = encodeHashes(chunks, known);
    const found: string[] = [];
    for (const [number, block] of blocks.entries())
      decodeBlock(block, { bits, blocks: blocks.length, segments: chunks.length }, number, (value, segment) =>
        found.push(`${value} ${segment}`),
      );
    const expected = all.flatMap((one, segment) =>
      (one ?? []).map((hash) => `${valueOf(hash, bits)} ${segment}`),
    );
    expect(bits).toBeLessThanOrEqual(known);
    expect(found.sort()).toEqual(expected.sort());
  });

  example('large blocks come back too', () => {
    const chunks = Array.from({ length: 30 }, (_, at) =>
      Uint32Array.from({ length: 3000 }, (_unused, row) => Math.imul(at * 3000 + row, 0x9e3779b1) >>> 0),
    );
    const { bits, blocks } = encodeHashes(chunks);
    expect(blocks.length).toBeGreaterThan(8);
    expect(bits).toBeLessThan(HASH_BITS);
    const found = new Set<string>();
    for (const [number, block] of blocks.entries())
      decodeBlock(block, { bits, blocks: blocks.length, segments: 30 }, number, (value, segment) =>
        found.add(`${value} ${segment}`),
      );
    for (const [segment, chunk] of chunks.entries())
      for (const hash of chunk) expect(found.has(`${valueOf(hash, bits)} ${segment}`)).toBe(true);
  });

  test.prop([
    fc.array(fc.integer({ min: -(10 ** 15) + 1, max: 10 ** 15 - 1 })),
    fc.array(fc.integer({ min: 0, max: 99 })),
  ])('runs hold every number that was put in, and come back', (far, near) => {
    const runs = new Runs();
    const all = [...near, ...far, ...near];
    for (const value of all) runs.add(value);
    const done = runs.finish();
    for (const value of all) expect(holds(done, value)).toBe(true);
    expect(holds(done, 10 ** 15 + 100)).toBe(false);
    const back: [number, number[]][] = [];
    for (const block of encodeRuns([undefined, done, new Float64Array(0), done]))
      decodeRuns(block, 4, (segment, some) => back.push([segment, [...some]]));
    expect(back).toEqual(
      all.length === 0
        ? []
        : [
            [1, [...done]],
            [3, [...done]],
          ],
    );
  });

  test.prop([fc.array(fc.integer({ min: 0, max: 300 })), fc.integer({ min: 1, max: 20_000 })], {
    numRuns: 15,
  })('each hash is taken once, however many there are', (few, many) => {
    const distinct = new Distinct();
    for (let round = 0; round < 2; round++) {
      distinct.begin();
      for (const hash of few) distinct.add(hash);
      for (let hash = 0; hash < many; hash++) distinct.add(Math.imul(hash, 8192));
      for (const hash of few) distinct.add(hash);
      const all = new Set([...few, ...Array.from({ length: many }, (_, hash) => Math.imul(hash, 8192))]);
      const taken = distinct.take();
      expect(taken.length).toBe(all.size);
      expect(taken.every((hash) => all.has(hash | 0))).toBe(true);
      expect(new Set(taken).size).toBe(all.size);
    }
  });
});
