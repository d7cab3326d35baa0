/** A data section of random tables comes apart into what made it up, however it was cut, and never if it was cut off. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { splitData } from '../../src/rows/pg-data.ts';

/** Text as COPY writes it: every backslash begins an escape, no raw line end. */
const value = fc
  .array(
    fc.constantFrom(
      '\\\\',
      '.',
      '\\N',
      '\\n',
      '.x',
      'x',
      "'",
      '"',
      '$$',
      ';',
      '--',
      '/*',
      '\r',
      'ä',
      'COPY t FROM stdin;',
      '',
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
const row = fc.array(value, { minLength: 1, maxLength: 3 }).map((values) => `${values.join('\t')}\n`);
const name = fc
  .array(fc.constantFrom('a', ' ', '""', ',', ')', '(', ';', '.', "'", '$', 'FROM stdin;', 'ü'), {
    maxLength: 5,
  })
  .map((parts) => `"${parts.join('')}x"`);
const table = fc.record({
  name,
  columns: fc.array(name, { maxLength: 3 }),
  rows: fc.array(row, { maxLength: 8 }),
});
const sql = fc.constantFrom(
  '',
  "SELECT pg_catalog.setval('public.s', 5, true);\n",
  "SELECT '\n\\.\n' AS x;\n",
  "-- a comment; it's\n",
);
const dump = fc.array(fc.tuple(table, sql), { maxLength: 5 });
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
type Table = typeof table extends fc.Arbitrary<infer T> ? T : never;

function block({ name: tableName, columns, rows }: Table): string {
  const list = columns.length === 0 ? '' : `(${columns.join(', ')})`;
  return `COPY public.${tableName} ${list} FROM stdin;\n${rows.join('')}\\.\n`;
}

const END = '--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict k3y\n';

function written(parts: readonly (readonly [Table, string])[]): Buffer {
  const body = parts.map(([each, text]) => `--\n-- Data for Name\n--\n\n${block(each)}\n\n${text}`).join('');
  return Buffer.from(
    `--\n-- PostgreSQL database dump\n--\n\n\\restrict k3y\n\nSET x = 1;\n\n${body}${END}\n`,
  );
}

async function* cut(bytes: Buffer, lengths: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(at, at + length));
    at += length;
  }
}

async function read(bytes: Buffer, lengths: readonly number[]): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const part of splitData(cut(bytes, lengths))) {
    const all: Buffer[] = [];
    for await (const piece of part.bytes) all.push(piece);
    found.push([part.dialect, Buffer.concat(all).toString()]);
  }
  return found;
}

describe('splitData', () => {
  test.prop([dump, sizes])(
    'gives back the tables and columns that made up the dump',
    async (parts, lengths) => {
      const found: { columns: readonly string[]; text: string }[] = [];
      for await (const part of splitData(cut(written(parts), lengths))) {
        const all: Buffer[] = [];
        for await (const piece of part.bytes) all.push(piece);
        if (part.table !== undefined)
          found.push({ columns: part.table.columns, text: Buffer.concat(all).toString() });
      }
      const plain = (quoted: string): string => quoted.slice(1, -1).replaceAll('""', '"');
      expect(found).toEqual(parts.map(([each]) => ({ columns: each.columns.map(plain), text: block(each) })));
    },
  );

  test.prop([dump, sizes])('reads the same in any pieces, byte by byte too', async (parts, lengths) => {
    const bytes = written(parts);
    const whole = await read(bytes, [bytes.length]);
    expect(await read(bytes, lengths)).toEqual(whole);
    expect(await read(bytes, [1])).toEqual(whole);
  });

  test.prop([dump, fc.nat(), sizes])(
    'refuses a dump that was cut off anywhere',
    async (parts, place, lengths) => {
      const bytes = written(parts);
      // Behind the last command only one empty line can be lost, which is nothing.
      const at = place % (bytes.length - 1);
      const outcome = await read(bytes.subarray(0, at), lengths).catch((error: unknown) => error);
      expect(isHoldfastError(outcome)).toBe(true);
    },
  );
});
