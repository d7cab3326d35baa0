/** Where statements end: the rules of psql's scanner, and what is refused. */
import { describe, expect, test } from 'vitest';
import { splitSql } from '../../src/rows/sql.ts';

async function* pieces(text: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function split(text: string | Buffer, size = 65536): Promise<string[]> {
  const found: string[] = [];
  for await (const { bytes } of splitSql(pieces(text, size), { name: 'script' }))
    found.push(bytes.toString());
  return found;
}

async function refusal(text: string | Buffer, size = 65536): Promise<unknown> {
  return split(text, size).then(
    (found) => found,
    (error: unknown) => error,
  );
}

describe('splitSql', () => {
  test.each([
    ['two on a line', 'SELECT 1; SELECT 2;', ['SELECT 1;', 'SELECT 2;']],
    ['nothing', '', []],
    ['only comments and blanks', ' -- a;\n/* b; */\n', []],
    ['an empty statement', ';', [';']],
    ['comments before and within', '-- x;\nSELECT /* ; */ 1 -- ;\n;', ['SELECT /* ; */ 1 -- ;\n;']],
    ['a string', "SELECT ';', 'a''b;';", ["SELECT ';', 'a''b;';"]],
    ['a backslash is nothing special in a string', "SELECT '\\'; SELECT 2;", ["SELECT '\\';", 'SELECT 2;']],
    ['escape strings', "SELECT E'a\\';b', e'\\\\'; SELECT 2;", ["SELECT E'a\\';b', e'\\\\';", 'SELECT 2;']],
    ['doubled quotes in an escape string', "SELECT E'a''\\''; SELECT 2;", ["SELECT E'a''\\'';", 'SELECT 2;']],
    ['a name that ends in e', "SELECT te'\\'; SELECT 2;", ["SELECT te'\\';", 'SELECT 2;']],
    ['national, bit and unicode strings', "SELECT N'\\', B'1', X'f', U&'\\0041;';", undefined],
    ['quoted names', 'SELECT "a;""b", U&"\\0041;";', undefined],
    ['a quote in a quoted name', 'SELECT "it\'s;"; SELECT 2;', ['SELECT "it\'s;";', 'SELECT 2;']],
    ['dollar quotes', 'SELECT $$;\'"$$, $a$ $$;$b$ $a$;', undefined],
    ['a dollar in a name', 'SELECT a$b$; SELECT c$b$;', ['SELECT a$b$;', 'SELECT c$b$;']],
    ['parameters', 'SELECT $1; SELECT $2$x$;', ['SELECT $1;', 'SELECT $2$x$;']],
    ['tags beyond ASCII', 'SELECT $ä$ ; $ä$;', undefined],
    ['nested comments', 'SELECT /* a /* b; */ ; */ 1;', undefined],
    ['slashes and stars that open nothing', 'SELECT 4 / 2 * 3 /*/ ; /*x*/ */ - 1;', undefined],
    ['parentheses', 'CREATE RULE r AS ON DELETE TO t DO ALSO (DELETE FROM a; DELETE FROM b);', undefined],
    ['a carriage return ends a comment', 'SELECT 1 -- x\r; SELECT 2;', ['SELECT 1 -- x\r;', 'SELECT 2;']],
    ['bytes that are no UTF-8', Buffer.from("SELECT '\xff;\xfe';", 'latin1').toString(), undefined],
    ['begin outside of a function', 'BEGIN; SELECT 1; END;', ['BEGIN;', 'SELECT 1;', 'END;']],
    ['a column called atomic', 'SELECT begin, atomic; SELECT 2;', ['SELECT begin, atomic;', 'SELECT 2;']],
  ])('%s', async (_, text, expected) => {
    const wanted = expected ?? [text];
    expect(await split(text)).toEqual(wanted);
    expect(await split(text, 1)).toEqual(wanted);
  });

  test.each([
    ['function', 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;'],
    ['lower case', 'create or replace function f() returns int begin atomic select 1; end;'],
    ['procedure', 'CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC DELETE FROM t; END;'],
    [
      'with CASE',
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2 END END; END;',
    ],
    [
      'with CASE in parentheses',
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT (CASE WHEN a THEN 1 END); END;',
    ],
    [
      'with a column called begin, which psql trips over',
      'CREATE FUNCTION f(begin int) RETURNS int BEGIN ATOMIC SELECT t.begin FROM t; END;',
    ],
    ['called begin', 'CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql AS $$SELECT 1$$;'],
  ])('takes the body of a SQL function whole: %s', async (_, text) => {
    expect(await split(`${text}\nSELECT 'after';`)).toEqual([text, "SELECT 'after';"]);
    expect(await split(`${text}\nSELECT 'after';`, 1)).toEqual([text, "SELECT 'after';"]);
  });

  test('tells the line on which a statement begins', async () => {
    const lines: number[] = [];
    const text = "-- 1\n\nSELECT\n'\n\n';\n/*\n*/ SELECT 2; SELECT 3;\nSELECT 4;";
    for await (const { line } of splitSql(pieces(text, 3), { name: 'script' })) lines.push(line);
    expect(lines).toEqual([3, 8, 8, 9]);
  });

  test.each([
    ['at the beginning of a line', 'SELECT 1;\n\\! id\n', 2],
    ['inside a statement', 'SELECT 1\n\\gexec\n', 2],
    ['escaped semicolon', 'SELECT 1 \\; SELECT 2;', 1],
    ['restrict', '\\restrict abc\n', 1],
    ['after a comment', '/* x */ \\! id\n', 1],
    ['after a carriage return in a comment', '-- x\r\\! id\n', 1],
    ['after a string', "SELECT 'x' \\g |id\n", 1],
  ])('refuses a psql command: %s', async (_, text, line) => {
    const wanted = { code: 'SQL_META_COMMAND', exitCode: 1 };
    expect(await refusal(text)).toMatchObject(wanted);
    expect(await refusal(text, 1)).toMatchObject({
      message: expect.stringContaining(`line ${line}`) as string,
    });
  });

  test.each([
    ['a statement', 'SELECT 1;\nSELECT 2', 2],
    ['a string literal', "SELECT 1;\n\nSELECT 'x;", 3],
    ['a string literal', "SELECT E'x\\'", 1],
    ['a quoted name', 'SELECT "x;', 1],
    ['a dollar-quoted literal', 'SELECT $a$;\n$b$;', 1],
    ['a comment', 'SELECT 1;\n/* /* */', 2],
    ['a statement', 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;', 1],
    ['a statement', 'SELECT (1;', 1],
  ])('refuses an end inside %s', async (what, text, line) => {
    const wanted = {
      code: 'SQL_UNTERMINATED',
      message: `script ended inside ${what} that begins at line ${line}`,
    };
    expect(await refusal(text)).toMatchObject(wanted);
    expect(await refusal(text, 1)).toMatchObject(wanted);
  });

  test.each([
    ['rows', 'COPY t (a) FROM stdin;\n1\n\\.\n'],
    ['rows, in lower case', 'copy t from stdin;\n'],
    ['a zero byte', 'SELECT \0;'],
    ['a literal that goes on', "SELECT E'a'\n'\\'';"],
    ['a number that touches a literal', "SELECT 1e'\\'';"],
  ])('refuses what it cannot place: %s', async (_, text) => {
    expect(await refusal(text)).toMatchObject({ code: 'SQL_UNPLACEABLE' });
  });

  test('refuses a statement beyond 64 MiB and holds no more than that', async () => {
    let given = 0;
    const endless = async function* (): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from("SELECT '"));
      for (; given < 1000; given += 1) yield Buffer.alloc(1024 * 1024, 'x');
    };
    const reading = Array.fromAsync(splitSql(endless(), { name: 'script' }));
    await expect(reading).rejects.toMatchObject({ code: 'SQL_TOO_LONG' });
    expect(given).toBeLessThan(70);
  });

  test('a long statement in small pieces takes time in proportion to its length', async () => {
    const long = `SELECT '${'x'.repeat(8 * 1024 * 1024)}';`;
    expect(await split(long, 4096)).toEqual([long]);
  });
});
