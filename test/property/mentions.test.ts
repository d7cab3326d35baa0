/** Goal: whoever stands in a value of a row is found in that row and column, and nobody else, in both dialects. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, test as example } from 'vitest';
import { identifiersOf } from '../../src/purge/scan/identifiers.ts';
import { findMentions, mentionedColumns } from '../../src/purge/scan/mentions.ts';
import { codecFor } from '../../src/rows/codec.ts';
import type { TableSchema } from '../../src/sources/schema.ts';

const ADDRESS = 'jo.doe+x@example.org';
const COLUMNS = ['a', 'b', 'c'];
const TABLE: TableSchema = {
  name: 'public.t',
  columns: COLUMNS.map((name) => ({ name, type: 'text', nullable: true, generated: false })),
  primaryKey: [],
  uniques: [],
  foreignKeys: [],
};

const identifiers = identifiersOf([{ by: ['email'], known: new Map([['email', ADDRESS]]) }], {
  root: { table: 'public.t', key: ['id'], lookup: new Map([['email', 'lower']]) },
});

/** A value with or without them, among awkward characters. */
const value = fc.record({
  around: fc.stringMatching(/^[ a-z\t\n\\,;'"()]{0,8}$/),
  has: fc.boolean(),
  written: fc.constantFrom(
    ADDRESS,
    ADDRESS.toUpperCase(),
    encodeURIComponent(ADDRESS),
    JSON.stringify(ADDRESS),
  ),
});
const rows = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 6 });

describe.each(['pg-copy', 'sql-insert'] as const)('mentions in %s', (dialect) => {
  const codec = codecFor(dialect, { name: 'public.t', columns: COLUMNS }, TABLE);
  const empty =
    dialect === 'pg-copy'
      ? '\\N\t\\N\t\\N\n'
      : 'INSERT INTO "public.t"("a","b","c") VALUES(NULL,NULL,NULL);\n';

  test.prop([rows], { numRuns: 200 })('are found by row and column', (cells) => {
    const expected: string[] = [];
    let at = 0;
    const parts = cells.map((row) => {
      const texts = row.map(({ around, has, written }) => (has ? `${around} ${written} ${around}` : around));
      const bytes = codec.edit(Buffer.from(empty), new Map(texts.map((text, position) => [position, text])));
      row.forEach(({ has }, position) => {
        if (has) expected.push(`${at} ${position}`);
      });
      const wanted = row.flatMap(({ has }, position) => (has ? [position] : []));
      expect([...mentionedColumns(bytes, identifiers, codec)].sort()).toEqual(wanted);
      at += bytes.length;
      return bytes;
    });
    const found = findMentions(Buffer.concat(parts), { ordinal: 1, codec }, identifiers);
    expect(found.map(({ start, position }) => `${start} ${position ?? '?'}`).sort()).toEqual(expected.sort());
  });
});

describe('what somebody is looked for by', () => {
  const about = (column: string, text: string, isLookup: boolean) =>
    identifiersOf([{ by: [column], known: new Map([[column, text]]) }], {
      root: { table: 't', key: ['id'], lookup: new Map(isLookup ? [[column, 'exact']] : []) },
    });

  example.each([
    ['id', '123456', false, 0],
    ['id', '123456789', false, 1],
    ['id', '6f2b6f3e-26a0-4dd0-a5a2-7a3e4d6a5f11', false, 1],
    ['phone', '555-1234', true, 1],
    ['phone', '12345', true, 0],
    ['name', 'Bob', true, 0],
    ['name', 'erased-0123456789abcdef', true, 0],
    ['email', ' ', true, 0],
  ])('%s %j', (column, text, isLookup, values) => {
    expect(about(column, text, isLookup).values).toBe(values);
  });

  example('a number inside a longer number is another one', () => {
    const { find } = about('id', '123456789', false);
    expect(find(Buffer.from('x 123456789.'))).toHaveLength(1);
    expect(find(Buffer.from('x 9123456789 1234567890 0123456789'))).toHaveLength(0);
  });
});
