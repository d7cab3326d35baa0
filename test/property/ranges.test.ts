/** Parts of a stream are what they would be of the whole, and no segment is opened that has none of them. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { RangeCutter } from '../../src/restore/ranges.ts';

const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 });
const cuts = fc
  .uniqueArray(fc.nat(120), { minLength: 2, maxLength: 10 })
  .map((all) => all.sort((a, b) => a - b));

test.prop([sizes, cuts, fc.integer({ min: 1, max: 5 })], { numRuns: 500 })(
  'ranges are cut out of the stream',
  async (plain, ends, together) => {
    const whole = Buffer.from(Array.from({ length: plain.reduce((a, b) => a + b, 0) }, (_, i) => i));
    const ranges = ends.flatMap((end, at) => {
      const offset = ends[at - 1];
      const isOne = at % 2 === 1 && offset !== undefined && end <= whole.length;
      return isOne ? [{ offset, length: end - offset }] : [];
    });
    const cutter = new RangeCutter(ranges);
    const found: Buffer[] = [];
    let opened: Buffer[] = [];
    let start = 0;
    const starts = plain.map((size) => (start += size) - size);
    const refs = plain.map((size, at) => ({ plain: size, offset: starts[at] }) as SegmentRef);
    const wanted: number[] = [];
    for await (const { offset, plain: size } of cutter.segments(streamOf(refs))) {
      wanted.push(offset);
      opened.push(whole.subarray(offset, offset + size));
      if (opened.length < together) continue;
      found.push(...cutter.cut(Buffer.concat(opened)));
      opened = [];
    }
    found.push(...cutter.cut(Buffer.concat(opened)));
    const expected = ranges.map(({ offset, length }) => whole.subarray(offset, offset + length));
    expect(Buffer.concat(found).equals(Buffer.concat(expected))).toBe(true);
    expect(cutter.isDone).toBe(true);
    const overlaps = (at: number, size: number) =>
      ranges.some(({ offset, length }) => offset < at + size && at < offset + length);
    expect(wanted).toEqual(starts.filter((at, i) => overlaps(at, plain[i] ?? 0)));
  },
);

// eslint-disable-next-line @typescript-eslint/require-await -- a stream
async function* streamOf(refs: readonly SegmentRef[]): AsyncGenerator<SegmentRef> {
  yield* refs;
}
