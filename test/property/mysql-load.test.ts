/** Rows joined to statements of another size, and scripts cut: whatever comes, in whatever pieces. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, test as example } from 'vitest';
import { joinInserts } from '../../src/sources/mysql/load-inserts.ts';
import { splitScript } from '../../src/sources/mysql/load-script.ts';

const HEAD = 'INSERT INTO `t` (`a`, `b`) VALUES (';
const row = fc
  .array(fc.constantFrom('x', 'é', ',', ')', '(', ';', "\\'", '\\\\', '\\n', 'VALUES (', ' '), {
    maxLength: 30,
  })
  .map((parts) => `1,'${parts.join('')}'`);
const rows = fc.array(row, { maxLength: 40 });

async function* cut(text: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? text.length;
    yield await Promise.resolve(text.subarray(at, at + size));
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 });
const OPTIONS = { stream: 't', table: 't' };

const join = async (text: string, pieces: readonly number[], statementBytes: number) =>
  (await Array.fromAsync(joinInserts(cut(Buffer.from(text), pieces), { ...OPTIONS, statementBytes }))).map(
    String,
  );

/** Lines of statements of so many rows each. */
const linesOf = (values: readonly string[], rowsEach: number): string[] =>
  values.map((value, at) => {
    const isLast = at === values.length - 1 || at % rowsEach === rowsEach - 1;
    return `${at % rowsEach === 0 ? HEAD : '('}${value})${isLast ? ';' : ','}\n`;
  });
const rowsEach = fc.integer({ min: 1, max: 12 });

describe('rows', () => {
  test.prop([rows, rowsEach, sizes, fc.integer({ min: 60, max: 2000 })])(
    'are all there, in order, in statements that are no longer than said unless a row is',
    async (values, each, pieces, statementBytes) => {
      const found = await join(linesOf(values, each).join(''), pieces, statementBytes);
      const again = found.flatMap((statement) => {
        expect(statement.startsWith(HEAD) && statement.endsWith(');\n')).toBe(true);
        const inner = statement.slice(HEAD.length, -3).split('),\n(');
        expect(Buffer.byteLength(statement) <= statementBytes || inner.length === 1).toBe(true);
        return inner;
      });
      expect(again).toEqual(values);
    },
  );

  test.prop([rows, rowsEach, sizes])(
    'are the same however the stream is cut',
    async (values, each, pieces) => {
      const text = linesOf(values, each).join('');
      expect(await join(text, pieces, 500)).toEqual(await join(text, [text.length + 1], 500));
    },
  );

  test.prop([rows, rowsEach, sizes])('fill the statements', async (values, each, pieces) => {
    const found = await join(linesOf(values, each).join(''), pieces, 300);
    for (const [at, statement] of found.slice(1).entries()) {
      const [first = ''] = statement.slice(HEAD.length - 1).split('\n');
      expect(Buffer.byteLength(`${found[at] ?? ''}${first}`) + 1).toBeGreaterThan(300);
    }
  });

  test.prop([
    fc.array(row, { minLength: 1, maxLength: 10 }),
    ...([rowsEach, sizes, fc.nat(), fc.nat({ max: 7 })] as const),
  ])(
    'with one byte changed outside of values, or an end missing, are refused',
    async (values, each, pieces, place, bit) => {
      const lines = linesOf(values, each);
      const at = place % lines.length;
      const bytes = Buffer.from(lines[at] ?? '');
      const fixed = Array.from({ length: at % each === 0 ? HEAD.length : 1 }, (_, index) => index).concat(
        [1, 2, 3].map((back) => bytes.length - back),
      );
      const where = fixed[place % fixed.length] ?? 0;
      bytes[where] = (bytes[where] ?? 0) ^ (1 << bit);
      // A changed name of a column in every row, or of one alone, is found by the server or by the comparison of rows.
      const text = Buffer.concat([
        ...lines.slice(0, at).map((line) => Buffer.from(line)),
        bytes,
        ...lines.slice(at + 1).map((line) => Buffer.from(line)),
      ]);
      const run = Array.fromAsync(joinInserts(cut(text, pieces), { ...OPTIONS, statementBytes: 500 }));
      const columns = where > HEAD.indexOf('(') && where < HEAD.indexOf(') VALUES');
      if (columns && lines.length <= each) await run.catch(() => undefined);
      else await expect(run).rejects.toMatchObject({ code: 'LOAD_NOT_INSERT' });
    },
  );
});

describe('a row that is more than a row is refused', () => {
  example.each([
    "1,'a'); DROP TABLE t; INSERT INTO `t` (`a`, `b`) VALUES (2,'b'",
    "1,/*'*/2); DROP TABLE t; SELECT (/*'*/1",
    "1,'a\\\\'); DROP TABLE t; SELECT ('",
    '1,"\'"); DROP TABLE t; SELECT ("\'"',
    "1,'a;",
  ])('%s', async (values) => {
    await expect(join(`${HEAD}${values});\n`, [7], 500)).rejects.toMatchObject({ code: 'LOAD_NOT_INSERT' });
  });
});

describe('scripts', () => {
  const part = fc.constantFrom(
    "'a;\\'b'",
    '"x;"',
    '`y;`',
    '-- c;\n',
    '# d;\n',
    '/* e; */',
    '/*!50001 f */',
    ';',
    ';;',
    '\n',
    ' ',
    'g',
    '-',
    '/',
    '*',
    '\nDELIMITER ;;\n',
    '\nDELIMITER ;\n',
    "'",
    '`',
    '/*',
  );
  test.prop([fc.array(part, { maxLength: 40 })])('are whole again when joined, or refused', (parts) => {
    const text = parts.join('');
    let found: string[];
    try {
      found = splitScript('x', text);
    } catch (error) {
      expect(error).toMatchObject({ code: 'LOAD_SCRIPT' });
      return;
    }
    expect(found.join('')).toBe(text);
  });
});
