/** Goal: a mark is read as it was written, and nothing else is a mark. */
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { markText, parseMark } from '../../src/sources/postgres/load-mark.ts';
import { quoteLiteral } from '../../src/sources/postgres/load-names.ts';

const mark = fc.record({
  label: fc.stringMatching(/^[a-z0-9_-]{1,20}@[0-9A-Za-z-]{1,30}$/),
  id: fc.stringMatching(/^[0-9a-f]{32}$/),
  oid: fc.nat().map(String),
  phase: fc.constantFrom('pre-data', 'data', 'post-data', 'loaded'),
});

describe('a mark', () => {
  property.prop([mark])('comes back from its comment', (one) => {
    expect(parseMark(markText(one))).toEqual(one);
    expect(quoteLiteral(markText(one))).toBe(`'${markText(one)}'`);
  });

  property.prop([mark, fc.string({ minLength: 1 }), fc.boolean()])(
    'is the whole comment',
    (one, more, isBefore) => {
      const text = isBefore ? more + markText(one) : markText(one) + more;
      expect(parseMark(text)).toBeUndefined();
    },
  );

  test.each([undefined, null, '', 'the shop', 'holdfast: unfinished restore of shop@1 [00 1 data]'])(
    '%s is none',
    (comment) => {
      expect(parseMark(comment)).toBeUndefined();
    },
  );
});
