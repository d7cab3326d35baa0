/** The text of a COPY stream: however it is cut into pieces, exactly its rows reach the server. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, test as example } from 'vitest';
import { openCopy } from '../../src/sources/postgres/load-copy.ts';

const HEAD = 'COPY public."odd ""name" (id, "a, b") FROM stdin;\n';
const KEY = '"public"."odd ""name"';

/** Rows as COPY writes them: a backslash is always followed by something, and no row is `\.`. */
const row = fc
  .array(fc.constantFrom('a', 'ü', '\\\\', '.', '\\.x', '\t', '\\N', '\r', '\\\\.'), { maxLength: 6 })
  .map((parts) => parts.join(''))
  .filter((text) => text !== '\\.');
const rows = fc.array(row, { maxLength: 12 }).map((lines) => lines.map((line) => `${line}\n`).join(''));

async function* cut(text: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield await Promise.resolve(text.subarray(at, at + size));
    at += size;
  }
}

async function sent(text: string, sizes: readonly number[]): Promise<{ target: string; rows: string }> {
  const copy = await openCopy(cut(Buffer.from(text), sizes), 'public."odd ""name"', KEY);
  const pieces: Buffer[] = [];
  for await (const piece of copy.rows) pieces.push(Buffer.from(piece));
  return { target: copy.target, rows: Buffer.concat(pieces).toString() };
}

const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

describe('openCopy', () => {
  test.prop([rows, sizes, fc.constantFrom('\\.\n', '\\.', '\\.\n\n\n')])(
    'gives exactly the rows',
    async (text, by, end) => {
      expect(await sent(HEAD + text + end, by)).toEqual({
        target: 'public."odd ""name" (id, "a, b")',
        rows: text,
      });
    },
  );

  test.prop([rows, sizes])('refuses rows without an end', async (text, by) => {
    await expect(sent(HEAD + text, by)).rejects.toMatchObject({ code: 'LOAD_NOT_COPY' });
  });

  test.prop([rows, rows.filter((text) => /[^\n]/.test(text)), sizes])(
    'refuses what follows the end: a server would drop it without a word',
    async (text, more, by) => {
      await expect(sent(`${HEAD}${text}\\.\n${more}\\.\n`, by)).rejects.toMatchObject({
        code: 'LOAD_NOT_COPY',
      });
    },
  );

  example.for([
    ['a COPY that runs a program', `COPY public."odd ""name" FROM PROGRAM 'touch /tmp/x';\n`],
    ['a COPY with options', 'COPY public."odd ""name" (id) FROM stdin WITH (FORMAT binary);\n'],
    ['a COPY into another table', 'COPY public.other (id) FROM stdin;\n'],
    ['a statement before it', 'DROP TABLE x; COPY public."odd ""name" (id) FROM stdin;\n'],
    ['nothing at all', ''],
  ])('refuses %s', async ([, head]) => {
    await expect(sent(`${head ?? ''}1\n\\.\n`, [1000])).rejects.toMatchObject({ code: 'LOAD_NOT_COPY' });
  });

  example('reads a table without columns, and a name with a line end in it', async () => {
    const empty = await openCopy(
      cut(Buffer.from('COPY public.none  FROM stdin;\n\n\n\\.\n'), [9]),
      'x',
      '"public"."none"',
    );
    const pieces: string[] = [];
    for await (const piece of empty.rows) pieces.push(piece.toString());
    expect({ target: empty.target, rows: pieces.join('') }).toEqual({ target: 'public.none', rows: '\n\n' });
    const odd = await openCopy(
      cut(Buffer.from('COPY "two\nlines" (a) FROM stdin;\n\\.\n'), [3]),
      'x',
      '"two\nlines"',
    );
    expect(odd.table).toBe('"two\nlines"');
  });
});
