/** Bytes that are written and read by hand, because there are so many of them: as the library would have done it. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { QUOTED_MAX, quoted, quoteInto, unquoted, viewOf } from '../../src/rows/redis-quote.ts';
import { put, putNumber } from '../../src/sources/redis/put-bytes.ts';
import { ReplyParser, type Reply } from '../../src/sources/redis/replies.ts';

test.prop([fc.oneof(fc.maxSafeNat(), fc.nat(), fc.constantFrom(0, 9, 10, 999_999_999, 1_000_000_000))], {
  numRuns: 2000,
})('numbers are their digits', (number) => {
  const to = Buffer.alloc(20, 'x');
  const end = putNumber(to, 1, number);
  expect(to.toString('latin1', 0, end + 1)).toBe(`x${String(number)}x`);
});

test.prop([fc.uint8Array({ maxLength: 50 }), fc.nat({ max: 10 })])(
  'bytes are put where they belong',
  (bytes, at) => {
    const to = Buffer.alloc(70);
    expect(put(to, at, bytes)).toBe(at + bytes.length);
    expect(to).toEqual(Buffer.concat([Buffer.alloc(at), bytes, Buffer.alloc(70 - at - bytes.length)]));
  },
);

test.prop([fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 20 })])(
  'quoting needs no more room than it says, and is undone',
  (bytes, before) => {
    const from = Buffer.from(bytes);
    const to = Buffer.alloc(before + QUOTED_MAX * from.length);
    const end = quoteInto(viewOf(to), before, from, 0, from.length);
    expect(to.subarray(0, before)).toEqual(Buffer.alloc(before));
    expect(to.subarray(before, end)).toEqual(quoted(from).subarray(1, -1));
    expect(unquoted(to, before, end)).toEqual(from);
  },
);

describe('replies', () => {
  const OTHERS: readonly (readonly [string, Reply])[] = [
    ['+QUEUED\r\n', 'QUEUED'],
    [':7\r\n', 7],
    ['$3\r\nOK\r\r\n', Buffer.from('OK\r')],
    ['$-1\r\n', null],
    ['+OKAY\r\n', 'OKAY'],
  ];
  const replies = fc.array(
    fc.oneof({ weight: 4, arbitrary: fc.constant(-1) }, fc.nat({ max: OTHERS.length - 1 })),
    {
      maxLength: 60,
    },
  );

  test.prop([replies, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), fc.nat({ max: 9 })], {
    numRuns: 500,
  })('are the same when those that are OK are taken many at a time', (kinds, cuts, most) => {
    const text = Buffer.from(kinds.map((kind) => OTHERS[kind]?.[0] ?? '+OK\r\n').join(''));
    const parser = new ReplyParser();
    const read: Reply[] = [];
    for (let at = 0, index = 0; at < text.length; index += 1) {
      const size = cuts[index % cuts.length] ?? 1;
      parser.push(text.subarray(at, at + size));
      at += size;
      for (;;) {
        for (let count = parser.takeOks(most); count > 0; count -= 1) read.push('OK');
        const reply = parser.next();
        if (reply === undefined) break;
        read.push(reply);
      }
    }
    expect(read).toEqual(kinds.map((kind) => (kind === -1 ? 'OK' : OTHERS[kind]?.[1])));
  });
});
