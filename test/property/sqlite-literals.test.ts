import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { realLiteral, textLiteral, textPieces } from '../../src/sources/sqlite/render.ts';
import { decodeText, encodeText } from '../../src/sources/sqlite/text.ts';
import { tempFolder } from '../services/temp.ts';

const anyDouble = fc.oneof(
  fc.double({ noNaN: true }),
  // Every exponent equally often, subnormal numbers among them.
  fc
    .bigInt({ min: 0n, max: 2n ** 64n - 1n })
    .map((bits) => new Float64Array(new BigUint64Array([bits]).buffer)[0] ?? 0),
  fc
    .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -30, max: 30 }))
    .map(([x, e]) => x * 10 ** e),
);

test('every double comes back with all its bits, through this SQLite and through the stock shell', async () => {
  const path = join(await tempFolder('sqlite'), 'reals.db');
  const extremes = [
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    1e-280,
    9.99e-281,
    2 ** 53,
    1e15,
    1e16,
    1e21,
    -0,
    Infinity,
  ];
  const values = [...extremes, ...fc.sample(anyDouble, 20_000)].filter((value) => !Number.isNaN(value));
  const script = `BEGIN; CREATE TABLE t(v);\n${values.map((v) => `INSERT INTO t VALUES(${realLiteral(v)});`).join('\n')}\nCOMMIT;`;

  execFileSync('sqlite3', [path], { input: script });
  const here = new DatabaseSync(':memory:');
  here.exec(script);
  const there = new DatabaseSync(path);

  for (const db of [here, there]) {
    const read = db.prepare('SELECT v, typeof(v) AS type FROM t ORDER BY rowid').all();
    expect(read.length).toBe(values.length);
    expect(
      read.filter((row, index) => row['type'] !== 'real' || !Object.is(row['v'], values[index])),
    ).toEqual([]);
    db.close();
  }
  expect(realLiteral(NaN)).toBe('NULL');
});

/** Texts full of what placeholders and quotes are made of. */
const trickyText = fc
  .array(
    fc.constantFrom(
      '\n',
      '\r',
      '\\',
      'n',
      'r',
      '0',
      '1',
      '2',
      '5',
      '(',
      ')',
      "'",
      '"',
      'é',
      '😀',
      '\\n',
      '(\\n0)',
      '\\012',
    ),
    {
      maxLength: 40,
    },
  )
  .map((parts) => parts.join(''));

test('every text is one line of SQL that gives the same text', () => {
  const db = new DatabaseSync(':memory:');
  const text = fc.oneof(trickyText, fc.string({ unit: 'binary' })).filter((value) => !value.includes('\0'));
  fc.assert(
    fc.property(text, (value) => {
      const literal = textLiteral(value);
      expect(literal).not.toMatch(/[\n\r]/);
      expect([...textPieces(value)].join('')).toBe(literal);
      expect(db.prepare(`SELECT ${literal} AS v`).get()?.['v']).toBe(value);
    }),
    { numRuns: 2000 },
  );
  db.close();
});

test('bytes that decode to a text encode to the same bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 6 }).map((text) => encodeText(text, 'UTF-16be')),
    fc.string({ unit: 'binary', maxLength: 6 }).map((text) => encodeText(text, 'UTF-8')),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom('UTF-8', 'UTF-16le', 'UTF-16be'), (value, encoding) => {
      const text = decodeText(value, encoding);
      if (text !== undefined) expect(encodeText(text, encoding)).toEqual(Buffer.from(value));
    }),
    { numRuns: 2000 },
  );
  expect(decodeText(Buffer.from('é'), 'UTF-8')).toBe('é');
  expect(decodeText(Buffer.from([0xd8, 0x3d, 0xde, 0x00]), 'UTF-16be')).toBe('😀');
  expect(decodeText(Buffer.from([0xd8, 0x3d]), 'UTF-16be')).toBeUndefined();
});
