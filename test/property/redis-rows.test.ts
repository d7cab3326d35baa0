/** Rows of Redis dumps: any key and value goes in and comes out; anything else is refused. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { codecFor, KeyFilter } from '../../src/rows/codec.ts';
import { closingQuote, quoted, unquoted } from '../../src/rows/redis-quote.ts';
import { REDIS_COLUMNS } from '../../src/rows/redis-restore-codec.ts';
import { latin1Of } from '../../src/rows/values.ts';

const TABLE = { name: 'db0', columns: REDIS_COLUMNS };
const SCHEMA = { name: 'db0', columns: [], primaryKey: ['key'], uniques: [], foreignKeys: [] };
const codec = codecFor('redis-restore', TABLE, SCHEMA);

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each)),
  fc
    .array(
      fc.constantFrom('"', '\\', '\n', '\r', '\t', '\0', 'n', 'x', '00', ' ', 'é', '" ABSTTL\n', 'RESTORE "'),
    )
    .map((parts) => Buffer.from(parts.join(''))),
);
const row = fc.record({ key: bytes, expires: fc.oneof(fc.constant(0), fc.nat()), payload: bytes });
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

function written({ key, expires, payload }: Row): Buffer {
  return Buffer.concat([
    Buffer.from('RESTORE '),
    quoted(key),
    Buffer.from(` ${expires} `),
    quoted(payload),
    Buffer.from(' ABSTTL\n'),
  ]);
}

const SELECT = Buffer.from('SELECT 0\n');

describe('arguments', () => {
  test.prop([bytes], { numRuns: 2000 })('any bytes come back, from one line', (value) => {
    const text = quoted(value);
    expect(text.includes(10)).toBe(false);
    expect(closingQuote(text, 1, text.length)).toBe(text.length - 1);
    expect(unquoted(text, 1, text.length - 1)).toEqual(value);
  });

  test.prop([bytes], { numRuns: 2000 })('what is read at all is what we would have written', (text) => {
    const value = unquoted(text, 0, text.length);
    if (value !== undefined) expect(quoted(value).subarray(1, -1)).toEqual(text);
  });
});

describe('rows', () => {
  test.prop([fc.array(row, { maxLength: 8 })], { numRuns: 500 })(
    'all are found, with their values',
    (rows) => {
      const piece = Buffer.concat([SELECT, ...rows.map(written)]);
      const places = [...codec.rows(piece, true)];
      expect(places.map(({ isRow }) => isRow)).toEqual([false, ...rows.map(() => true)]);
      expect(Buffer.concat(places.map(({ start, end }) => piece.subarray(start, end)))).toEqual(piece);
      const seen: (string | null)[][] = [];
      codec.scan(piece, true, { wanted: [2, 0, 1] }, (values) => seen.push(values));
      expect(seen.length).toBe(rows.length);
      for (const [index, { key, expires, payload }] of rows.entries()) {
        const [last, first, ttl] = seen[index] ?? [];
        expect(Buffer.from(latin1Of(first ?? '') ?? '', 'latin1')).toEqual(key);
        expect(last).toBe(`\\x${payload.toString('hex')}`);
        expect(ttl).toBe(expires === 0 ? null : String(expires));
      }
    },
  );

  test.prop([fc.array(row, { minLength: 1, maxLength: 8 })])('one key is picked out', (rows) => {
    const piece = Buffer.concat(rows.map(written));
    const [wanted] = codec.read(written(rows[0] as Row), [0]);
    const found: Buffer[] = [];
    const only = { position: 0, keys: new KeyFilter(new Set([wanted ?? ''])) };
    codec.scan(piece, false, { wanted: [0], only }, (_, start, end) =>
      found.push(piece.subarray(start, end)),
    );
    expect(found).toEqual(rows.filter(({ key }) => key.equals(rows[0]?.key ?? key)).map(written));
  });

  test.prop([row])('fields are the literals, and only equal values may be set', (each) => {
    const line = written(each);
    const [key, ttl, payload] = codec.fields(line).map(({ start, end }) => line.subarray(start, end));
    expect(key).toEqual(quoted(each.key));
    expect(ttl?.toString()).toBe(String(each.expires));
    expect(payload).toEqual(quoted(each.payload));
    expect(codec.edit(line, new Map(codec.read(line, [0, 1, 2]).entries()))).toBe(line);
    expect(() => codec.edit(line, new Map([[2, null]]))).toThrow(/left out as a whole/);
  });

  test.prop([row, fc.nat(), fc.integer({ min: 1, max: 255 })], { numRuns: 3000 })(
    'a changed byte is refused or gives another row, which is written just so',
    (each, place, mask) => {
      const line = written(each);
      const at = place % line.length;
      line[at] = (line[at] ?? 0) ^ mask;
      try {
        codec.fields(line);
        const [key = '', ttl, payload = ''] = codec.read(line, [0, 1, 2]);
        const again = {
          key: Buffer.from(latin1Of(key ?? '') ?? '', 'latin1'),
          expires: Number(ttl ?? 0),
          payload: Buffer.from((payload ?? '').slice(2), 'hex'),
        };
        expect(written(again)).toEqual(line);
      } catch (error) {
        expect(isHoldfastError(error, 'ROW_UNREADABLE'), String(error)).toBe(true);
      }
    },
  );

  test('a stream begins with SELECT, and nothing else does', () => {
    expect(() => [
      ...codec.rows(written({ key: Buffer.from('a'), expires: 0, payload: Buffer.from('b') }), true),
    ]).toThrow(/SELECT/);
    expect(() => codec.scan(SELECT, false, { wanted: [0] }, () => undefined)).toThrow(/RESTORE/);
    expect(() => [...codec.rows(Buffer.from('RESTORE'), false)]).toThrow(/inside a row/);
  });
});
