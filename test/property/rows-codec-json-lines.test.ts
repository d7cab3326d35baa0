/** The codec of lists of files: what was written is read, found in its place, and edited without another change. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { formatLine, LIST_SCHEMA, LIST_TABLE, parseLines } from '../../src/rows/files/list.ts';
import { pathProblem, ROOT } from '../../src/rows/files/names.ts';
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

test.prop([fc.array(lines, { maxLength: 5 })])(
  'lines of older dumps, which state an offset, are read alike',
  async (all) => {
    const old = all.map(({ row }) =>
      row.toString().replace(/"length":(\d+)\}\n$/, '"offset":99,"length":$1}\n'),
    );
    const table = { ...LIST_TABLE, columns: [...LIST_TABLE.columns.slice(0, -1), 'offset', 'length'] };
    const older = codecFor('json-lines', table, TABLE);
    const piece = Buffer.from(old.join(''));
    const rows = [...older.rows(piece, true)].map(({ start, end }) => piece.subarray(start, end));
    const positions = LIST_TABLE.columns.map((column) => table.columns.indexOf(column));
    expect(rows.map((row) => older.read(row, positions))).toEqual(all.map(({ row }) => codec.read(row, ALL)));
    const entries = all.filter(
      ({ one }) => one.type === 'file' && pathProblem(one.path) === undefined && one.path !== ROOT,
    );
    const text = entries.map(({ row }) => row.toString()).join('');
    const withOffsets = text.replaceAll(/"length":(\d+)\}\n/g, '"offset":99,"length":$1}\n');
    const parsed = (from: string) => Array.fromAsync(parseLines(piecesOf(from)));
    expect(await parsed(withOffsets)).toEqual(await parsed(text));
    expect((await parsed(text)).map(({ offset }) => offset)).toEqual(
      entries.map((_, at) => entries.slice(0, at).reduce((sum, { one }) => sum + one.length, 0)),
    );
  },
);

// eslint-disable-next-line @typescript-eslint/require-await -- as a reader gives it
async function* piecesOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
