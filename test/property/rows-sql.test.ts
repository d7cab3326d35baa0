/** Statements of random tokens come out as they went in, however the bytes were cut. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { splitSql } from '../../src/rows/sql.ts';

const nasty = fc.constantFrom(
  ';',
  "'",
  '"',
  '$$',
  '$a$',
  '\\',
  '\\.',
  '--',
  '/*',
  '*/',
  '\n',
  '\r',
  'COPY t FROM stdin;',
  'E',
  'BEGIN ATOMIC',
  'END',
  '(',
  'ä',
  '🦀',
  ' ',
  'x',
  'begin',
  '1',
);
const inner = fc.array(nasty, { maxLength: 8 }).map((parts) => parts.join(''));

const string = inner.map((text) => `'${text.replaceAll("'", "''")}'`);
const escapeString = inner.map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`);
const doubling = inner.map((text) => `e'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);
const name = inner.map((text) => `"${text.replaceAll('"', '""')}x"`);
const dollar = inner.map((text) => `$tag$${text}$tag$`);
const blockComment = inner.map(
  (text) => `/*${text.replaceAll('/*', '').replaceAll('*/', '').replaceAll(/[*/]/g, '')}*/`,
);
const lineComment = inner.map((text) => `--${text.replaceAll(/[\r\n]/g, '')}\n`);
const word = fc.constantFrom(
  'SELECT',
  'e',
  'E1',
  'tab$le',
  'CASE',
  'ENDE',
  'größe',
  '$1',
  '1.5e7',
  '::text',
  '<>',
  '- 1',
  '4 / 2',
  'U&"x"',
);

const token: fc.Arbitrary<string> = fc.letrec<{ token: string }>((tie) => ({
  token: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    word,
    string,
    escapeString,
    doubling,
    name,
    dollar,
    blockComment,
    lineComment,
    fc.array(tie('token'), { maxLength: 3 }).map((tokens) => `( ${tokens.join(' ; ')} )`),
  ),
})).token;

const body = fc.array(token, { maxLength: 3 }).map((tokens) => `SELECT ${tokens.join(' , ')} ;`);
const statement = fc.oneof(
  // A comma between tokens: two literals on a row would be one.
  fc.array(token, { minLength: 1, maxLength: 6 }).map((tokens) => `SELECT ${tokens.join(' , ')} ;`),
  fc
    .array(body, { maxLength: 3 })
    .map((bodies) =>
      `CREATE FUNCTION f() BEGIN ATOMIC ${bodies.join(' ')} END;`.replaceAll('CASE', 'CASE 1 END'),
    ),
);
const between = fc
  .array(fc.oneof(fc.constantFrom(' ', '\n', '\t', '\r\n'), blockComment, lineComment), { maxLength: 4 })
  .map((parts) => parts.join(''));
const script = fc.array(fc.tuple(between, statement), { maxLength: 6 });
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

async function* cut(bytes: Buffer, lengths: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(at, at + length));
    at += length;
  }
}

/** The statements with their lines, or the refusal. */
async function outcome(bytes: Buffer, lengths: readonly number[]): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { bytes: each, line } of splitSql(cut(bytes, lengths), { name: 'script' })) {
      found.push(`${line}: ${each.toString('latin1')}`);
    }
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    found.push(error.message);
  }
  return found;
}

describe('splitSql', () => {
  test.prop([script, sizes])('gives back the statements that made up the script', async (parts, lengths) => {
    const bytes = Buffer.from(parts.map(([gap, text]) => gap + text).join(''));
    const found: string[] = [];
    for await (const each of splitSql(cut(bytes, lengths), { name: 'script' }))
      found.push(each.bytes.toString());
    expect(found).toEqual(parts.map(([, text]) => text));
  });

  test.prop([
    fc.oneof(
      inner,
      script.map((parts) => parts.flat().join('')),
    ),
    sizes,
  ])('comes to the same end, good or bad, byte by byte as in one piece', async (text, lengths) => {
    const bytes = Buffer.from(text);
    const whole = await outcome(bytes, [bytes.length + 1]);
    expect(await outcome(bytes, [1])).toEqual(whole);
    expect(await outcome(bytes, lengths)).toEqual(whole);
  });

  test.prop([fc.uint8Array({ maxLength: 60 })])(
    'never fails in another way than by a refusal',
    async (bytes) => {
      await outcome(Buffer.from(bytes), [7]);
    },
  );
});
