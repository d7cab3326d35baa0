/** The codec of lists of files: what was written is read, found in its place, and edited without another change. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { formatLine, LIST_SCHEMA, LIST_TABLE } from '../../src/rows/files/list.ts';
import { codecFor } from '../../src/rows/codec.ts';

const [TABLE] = LIST_SCHEMA.tables;
if (TABLE === undefined) throw new Error('no table');
const codec = codecFor('json-lines', LIST_TABLE, TABLE);
const ALL = codec.columns.map((_, position) => position);

const name = fc.oneof(
  fc
    .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
    .map((text) => Buffer.from(text).toString('latin1')),
  fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);
const listed = fc.record({
  path: name,
  type: fc.constantFrom('file', 'symlink', 'char'),
  size: fc.nat(),
  mode: fc.nat(0o7777),
  uid: fc.nat(),
  gid: fc.nat(),
  user: fc.string(),
  group: fc.string(),
  mtime: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
  length: fc.nat(),
});
const lines = listed.map((one) => ({
  one,
  row: Buffer.from(formatLine(one as Parameters<typeof formatLine>[0])),
}));

test.prop([fc.array(lines, { maxLength: 9 })])('every row is where it is, with its values', (all) => {
  const piece = Buffer.concat(all.map(({ row }) => row));
  const places = [...codec.rows(piece, true)];
  expect(places.map(({ start, end }) => piece.subarray(start, end).toString())).toEqual(
    all.map(({ row }) => row.toString()),
  );
  const seen: unknown[] = [];
  codec.scan(piece, true, { wanted: ALL }, (values) => seen.push(values));
  expect(seen).toEqual(all.map(({ row }) => codec.read(row, ALL)));
});

test.prop([lines])('values stand where the fields say', ({ row }) => {
  const values = codec.read(row, ALL);
  for (const [position, { start, end }] of codec.fields(row).entries()) {
    const text = row.toString('utf8', start, end);
    if (text === '') expect(values[position]).toBe(null);
    else if (values[position]?.isWellFormed() === true && !text.startsWith('"'))
      expect(text).toBe(values[position]);
    else if (values[position]?.isWellFormed() === true)
      expect([
        values[position],
        Buffer.from(JSON.parse(text) as string, 'base64').toString('utf8'),
      ]).toContain(values[position]);
  }
});

test.prop([lines, lines])('a row that takes the values of another is that one', ({ row }, other) => {
  const values = codec.read(other.row, ALL);
  expect(codec.edit(row, new Map(values.map((value, at) => [at, value]))).toString()).toBe(
    other.row.toString(),
  );
  expect(codec.edit(row, new Map()).equals(row)).toBe(true);
});

test.each([
  ['{"path":"a"', /JSON|line/],
  ['{"path":"a", "type":"file"}\n', /written/],
  ['{"path":"a","strange":1}\n', /column/],
  ['[1]\n', /object/],
])('%j is no row', (text, reason) => {
  expect(() => codec.read(Buffer.from(text), ALL)).toThrow(reason);
});
