/** Cutting decides by content only: not by how a pipe delivered it, and not by what came long before. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { ChainKeys } from '../../src/segments/chain-keys.ts';
import { Cutter, countRows } from '../../src/segments/cut.ts';

const SIZES = { minBytes: 200, meanBytes: 200, maxBytes: 900, hardBytes: 3000 };
const table = new ChainKeys(Buffer.alloc(32, 7)).cutTable;

const row = fc.oneof(
  { weight: 20, arbitrary: fc.string({ maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 500, maxLength: 5000 }) },
);
const text = fc
  .array(row, { maxLength: 200 })
  .map((rows) => Buffer.from(rows.map((r) => `${r.replaceAll('\n', ' ')}\n`).join('')));

function cut(bytes: Buffer, chunkSizes: readonly number[]): string[] {
  const cutter = new Cutter(table, SIZES);
  const segments: Buffer[] = [];
  let offset = 0;
  for (let i = 0; offset < bytes.length; i++) {
    const size = chunkSizes[i % chunkSizes.length] ?? 1;
    segments.push(...cutter.push(bytes.subarray(offset, offset + size)));
    offset += size;
  }
  const rest = cutter.finish();
  if (rest) segments.push(rest);
  // Only now turned into text: a segment must stay what it is while the cutter goes on.
  return segments.map((segment) => segment.toString('latin1'));
}

describe('the cutter', () => {
  test.prop([text, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 })])(
    'cuts the same segments however the bytes arrive',
    (bytes, sizes) => {
      const whole = cut(bytes, [bytes.length || 1]);
      expect(cut(bytes, sizes)).toEqual(whole);
      expect(whole.join('')).toBe(bytes.toString('latin1'));
    },
  );

  test.prop([text])('cuts byte by byte as in one piece', (bytes) => {
    expect(cut(bytes, [1])).toEqual(cut(bytes, [bytes.length || 1]));
  });

  test.prop([text, fc.integer({ min: 1, max: 400 })])(
    'leaves room for a head in front of segments that begin with a row, and decides as without it',
    (bytes, head) => {
      const cutter = new Cutter(table, SIZES);
      cutter.begin(head);
      const segments = [...cutter.push(bytes)].map((segment) => segment.toString('latin1'));
      segments.push(cutter.finish()?.toString('latin1') ?? '');
      expect(segments.join('')).toBe(bytes.toString('latin1'));
      for (const [at, segment] of segments.slice(0, -1).entries()) {
        const beginsRow = at === 0 || segments[at - 1]?.at(-1) === '\n';
        const length = segment.length + (beginsRow ? head : 0);
        expect(length).toBeLessThanOrEqual(Math.max(SIZES.hardBytes, SIZES.maxBytes + head + 60));
        // What is cut inside a row is as long as a segment may be, which is how a reader knows.
        if (segment.at(-1) !== '\n') expect(length).toBe(SIZES.hardBytes);
      }
      if (
        !bytes
          .toString('latin1')
          .split('\n')
          .some((line) => line.length > 1000)
      )
        expect(segments.filter((segment) => segment !== '')).toEqual(cut(bytes, [bytes.length || 1]));
    },
  );

  test.prop([text])('ends every segment but the last on a row end, within its bounds', (bytes) => {
    const segments = cut(bytes, [4096]);
    for (const segment of segments.slice(0, -1)) {
      expect(segment.length).toBeLessThanOrEqual(SIZES.hardBytes);
      expect(segment.length).toBeGreaterThanOrEqual(SIZES.minBytes);
      if (segment.length < SIZES.hardBytes) expect(segment.at(-1)).toBe('\n');
      const beforeLastRow = segment.lastIndexOf('\n', segment.length - 2) + 1;
      expect(beforeLastRow).toBeLessThan(SIZES.maxBytes);
    }
  });

  test.prop([fc.integer({ min: 0, max: 1999 }), fc.integer({ min: 1, max: 50 }), fc.nat()], { numRuns: 30 })(
    'keeps nearly all segments when rows are inserted somewhere',
    (at, count, seed) => {
      // Rows that differ in the middle only, as INSERT statements do.
      const rows = Array.from(
        { length: 2000 },
        (_, i) => `INSERT INTO "orders"("id","note") VALUES(${i},NULL,NULL);\n`,
      );
      const inserted = Array.from({ length: count }, (_, i) => `new ${seed} ${i}\n`);
      const before = cut(Buffer.from(rows.join('')), [65536]);
      const after = cut(Buffer.from(rows.toSpliced(at, 0, ...inserted).join('')), [65536]);
      const known = new Set(before);
      const fresh = after.filter((segment) => !known.has(segment));
      expect(fresh.join('').length).toBeLessThan(inserted.join('').length + 12 * SIZES.maxBytes);
    },
  );

  test.prop([fc.uint8Array({ maxLength: 500 })])('counts row ends', (bytes) => {
    expect(countRows(bytes)).toBe(bytes.filter((byte) => byte === 10).length);
  });
});
