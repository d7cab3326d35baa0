/** What is awkward in a row, and what must be refused in one: each trap on its own. */
import { describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { codecFor, KeyFilter, type CodecOptions, type RowCodec } from '../../src/rows/codec.ts';
import type { TableSchema } from '../../src/sources/schema.ts';

type Column = readonly [name: string, type: string, nullable?: boolean];

function schemaOf(name: string, columns: readonly Column[], primaryKey: readonly string[] = []): TableSchema {
  return {
    name,
    columns: columns.map(([column, type, nullable = true]) => ({
      name: column,
      type,
      nullable,
      generated: false,
    })),
    primaryKey,
    uniques: [],
    foreignKeys: [],
  };
}

function pgCodec(columns: readonly Column[], name = 'public.t'): RowCodec {
  const table = { name, columns: columns.map(([column]) => column) };
  return codecFor('pg-copy', table, schemaOf(name, columns));
}

function sqliteCodec(
  columns: readonly Column[],
  { key = [], ...options }: CodecOptions & { readonly key?: readonly string[] } = {},
): RowCodec {
  const table = { name: 't', columns: columns.map(([column]) => column) };
  return codecFor('sql-insert', table, schemaOf('t', columns, key), options);
}

function row(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Each line of a piece, with whether it is a row. */
function linesOf(codec: RowCodec, piece: Buffer, isFirst: boolean): [string, boolean][] {
  return [...codec.rows(piece, isFirst)].map(({ start, end, isRow }) => [
    piece.toString('utf8', start, end),
    isRow,
  ]);
}

/** The first value of each row that `scan` gives. */
function scanned(codec: RowCodec, piece: Buffer, isFirst: boolean, key?: string): unknown[] {
  const found: unknown[] = [];
  const only = key === undefined ? {} : { only: { position: 0, keys: new KeyFilter(new Set([key])) } };
  codec.scan(piece, isFirst, { wanted: [0], ...only }, ([value]) => found.push(value));
  return found;
}

function refusal(act: () => unknown): { code: string; message: string } {
  try {
    act();
  } catch (error) {
    if (isHoldfastError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a COPY block', () => {
  const one = pgCodec([['a', 'text']]);

  test('begins with its header and ends with its end mark, which are no rows', () => {
    const piece = Buffer.from('COPY public.t (a) FROM stdin;\nx\n\n\\\\.\n\\.\n');
    expect(linesOf(one, piece, true)).toEqual([
      ['COPY public.t (a) FROM stdin;\n', false],
      ['x\n', true],
      ['\n', true],
      ['\\\\.\n', true],
      ['\\.\n', false],
    ]);
    expect(scanned(one, piece, true)).toEqual(['x', '', '\\.']);
  });

  test('may hold a row that looks like its header', () => {
    const piece = Buffer.from('COPY public.t (a) FROM stdin;\n');
    expect(linesOf(one, piece, false)).toEqual([['COPY public.t (a) FROM stdin;\n', true]]);
    expect(linesOf(one, Buffer.concat([piece, piece]), true).map(([, isRow]) => isRow)).toEqual([
      false,
      true,
    ]);
    expect(scanned(one, piece, false)).toEqual(['COPY public.t (a) FROM stdin;']);
  });

  test('may have names with line ends, quotes and the words of a header', () => {
    const name = 'b) FROM stdin;\nx", "c';
    const codec = pgCodec([[name, 'text']], 'public."two\nlines"');
    const header = `COPY public."two\nlines" ("${name.replaceAll('"', '""')}") FROM stdin;\n`;
    expect(linesOf(codec, Buffer.from(`${header}v\n`), true)).toEqual([
      [header, false],
      ['v\n', true],
    ]);
  });

  test('of a table without columns has empty lines', () => {
    const none = pgCodec([]);
    const piece = Buffer.from('COPY public.t  FROM stdin;\n\n\n\\.\n');
    expect(linesOf(none, piece, true).map(([, isRow]) => isRow)).toEqual([false, true, true, false]);
    expect(none.read(row('\n'), [])).toEqual([]);
    expect(none.edit(row('\n'), new Map())).toEqual(row('\n'));
    expect(refusal(() => none.edit(row('x\n'), new Map())).code).toBe('ROW_UNREADABLE');
    expect(refusal(() => none.read(row('\n'), [0])).code).toBe('ROW_UNREADABLE');
  });

  test.for([
    ['of another table', 'COPY public.u (a) FROM stdin;\n'],
    ['with other columns', 'COPY public.t (b) FROM stdin;\n'],
    ['with one column more', 'COPY public.t (a, b) FROM stdin;\n'],
    ['behind a comment', '-- x\nCOPY public.t (a) FROM stdin;\n'],
    ['missing', 'x\n'],
  ])('is refused when its header is %s', ([, header]) => {
    expect(refusal(() => [...one.rows(Buffer.from(header ?? ''), true)]).code).toMatch(
      /^(ROW_UNREADABLE|SQL_)/,
    );
  });

  test('is refused when a piece ends inside a row or goes on behind the end mark', () => {
    expect(refusal(() => [...one.rows(row('x'), false)]).message).toContain('ends inside a row');
    expect(refusal(() => [...one.rows(row('x\n\\.\ny\n'), false)]).message).toContain('end mark');
    expect(refusal(() => scanned(one, row('x\n\\.\ny\n'), false)).message).toContain('end mark');
  });
});

describe('a row of COPY', () => {
  const two = pgCodec([
    ['id', 'integer', false],
    ['v', 'text'],
  ]);

  test.for<[string, string | null]>([
    ['\\N', null],
    ['\\\\N', '\\N'],
    ['', ''],
    ['N', 'N'],
    ['\\\\.', '\\.'],
    ['\\b\\f\\n\\r\\t\\v\\\\', '\b\f\n\r\t\v\\'],
    ['\x01\x1f\x7f', '\x01\x1f\x7f'],
    ['\\\\xdeadbeef00', '\\xdeadbeef00'],
    ['\\\\x', '\\x'],
    ['{"x,y","q\\\\"z\\\\\\\\","NULL",NULL,"a\\tb"}', '{"x,y","q\\"z\\\\","NULL",NULL,"a\tb"}'],
    ['{"a": "line\\\\nbreak"}', '{"a": "line\\nbreak"}'],
  ])('%j is %j, and is written so', ([raw, value]) => {
    expect(two.read(row(`1\t${raw}\n`), [1])).toEqual([value]);
    expect(two.edit(row('1\told\n'), new Map([[1, value]]))).toEqual(row(`1\t${raw}\n`));
  });

  test('holds bytes that are no UTF-8 without loss', () => {
    const bytes = row('1\tf\xfcr \xc3\xbc \xed\xa0\x80\n');
    const [value] = two.read(bytes, [1]);
    expect(value).toBe('f\udcfcr ü \udced\udca0\udc80');
    expect(two.edit(row('1\tx\n'), new Map([[1, value ?? null]]))).toEqual(bytes);
  });

  test('gives columns in the order asked for, also twice', () => {
    expect(two.read(row('1\tx\n'), [1, 0, 1])).toEqual(['x', '1', 'x']);
  });

  test.for([
    ['an octal escape', '1\t\\101\n'],
    ['a hexadecimal escape', '1\t\\x41\n'],
    ['an escape without meaning', '1\t\\q\n'],
    ['a backslash at its end', '1\tx\\\n'],
    ['NULL with something behind it', '1\t\\Nx\n'],
    ['a raw CR', '1\ta\rb\n'],
    ['a zero byte', '1\ta\0b\n'],
    ['a column too few', '1\n'],
    ['a column too many', '1\tx\ty\n'],
    ['no line end', '1\tx'],
    ['two lines', '1\tx\n2\ty\n'],
  ])('is refused with %s', ([, text]) => {
    expect(refusal(() => two.read(row(text ?? ''), [0, 1])).code).toBe('ROW_UNREADABLE');
    expect(refusal(() => two.edit(row(text ?? ''), new Map([[1, 'new']]))).code).toBe('ROW_UNREADABLE');
  });

  test('is refused with its place, and without what it holds', () => {
    const { message } = refusal(() => two.read(row('1\tsecret\\q\n'), [1]));
    expect(message).toContain('public.t, column v at byte 8');
    expect(message).not.toContain('secret');
  });

  test('keeps every other byte, and its own memory when nothing changes', () => {
    const bytes = row('1\t\x01\\\\\xff\n');
    expect(two.edit(bytes, new Map([[0, '2']]))).toEqual(row('2\t\x01\\\\\xff\n'));
    expect(two.edit(bytes, new Map([[0, '1']]))).toBe(bytes);
  });

  test.for<[string, string | null]>([
    ['integer', 'x'],
    ['integer', '2147483648'],
    ['smallint', '40000'],
    ['bigint', '9223372036854775808'],
    ['boolean', 'maybe'],
    ['uuid', 'x'],
    ['bytea', 'x'],
    ['jsonb', '{'],
    ['text[]', 'x'],
    ['numeric(12,2)', 'x'],
    ['date', 'x'],
    ['timestamp(3) with time zone', 'x'],
    ['character varying(3)', 'four'],
    ['character(3)', 'four'],
    ['text', 'a\0b'],
    ['text', '\ud800'],
  ])('refuses for %s the value %j, at which a restore would stop', ([type, value]) => {
    const codec = pgCodec([['v', type]]);
    expect(refusal(() => codec.edit(row('\\N\n'), new Map([[0, value]]))).code).toBe('ROW_UNWRITABLE');
  });

  test('refuses NULL where the column is NOT NULL', () => {
    expect(refusal(() => two.edit(row('1\tx\n'), new Map([[0, null]]))).code).toBe('ROW_UNWRITABLE');
  });

  test('is found by a key, whatever stands around it', () => {
    const piece = Buffer.from('1\tx\n11\tx\n\\N\tx\n42\tx\n42\ty\n');
    expect(scanned(two, piece, false, '42')).toEqual(['42', '42']);
    expect(scanned(pgCodec([['v', 'text']]), Buffer.from('a\\tb\nä\n\n'), false, 'a\tb')).toEqual(['a\tb']);
    expect(scanned(pgCodec([['v', 'text']]), Buffer.from('a\\tb\nä\n\n'), false, 'ä')).toEqual(['ä']);
    expect(scanned(pgCodec([['v', 'text']]), Buffer.from('a\\tb\nä\n\n'), false, '')).toEqual(['']);
    expect(refusal(() => scanned(pgCodec([]), row('\n'), false, 'x')).code).toBe('ROW_UNREADABLE');
  });
});

describe('a row of INSERT', () => {
  const two = sqliteCodec([
    ['id', 'INTEGER'],
    ['v', ''],
  ]);
  const insert = (values: string): Buffer => Buffer.from(`INSERT INTO "t"("id","v") VALUES(${values});\n`);

  test.for<[string, string | null]>([
    ['NULL', null],
    ['42', '42'],
    ['-9223372036854775808', '-9223372036854775808'],
    ["'42'", '42'],
    ["''", ''],
    ["'it''s'", "it's"],
    ["',);'", ',);'],
    ["'NULL'", 'NULL'],
    ["X'00ff'", '\\x00ff'],
    ["X''", '\\x'],
    ['0.1', '0.1'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['42.0', '42.0'],
    ['1.0e+22', '1.0e+22'],
    ['-0.0', '-0.0'],
    ['9e999', 'Inf'],
    ['-9e999', '-Inf'],
    ['(-1.0/1125899906842624.0)', '-8.881784197001252e-16'],
    ["replace('a\\nb','\\n',char(10))", 'a\nb'],
    ["replace(replace('q''uo\\nnl\\rcr','\\r',char(13)),'\\n',char(10))", "q'uo\nnl\rcr"],
    ["replace('\\n\\012','\\012',char(10))", '\\n\n'],
    ["replace('\\n \\012 (\\n0)(\\n1)','(\\n1)',char(10))", '\\n \\012 (\\n0)\n'],
    ["CAST(X'610062' AS TEXT)", 'a\0b'],
    ["CAST(X'61ff' AS TEXT)", 'a\udcff'],
  ])('%s is %j', ([literal, value]) => {
    expect(two.read(insert(`1,${literal}`), [0, 1])).toEqual(['1', value]);
  });

  test.for([
    ['no column list', "INSERT INTO t VALUES(1,'x');\n"],
    ['another table', `INSERT INTO "u"("id","v") VALUES(1,'x');\n`],
    ['the columns in another order', `INSERT INTO "t"("v","id") VALUES(1,'x');\n`],
    ["the shell's unistr", "unistr('\\u000a')"],
    ['an expression', "'a'||'b'"],
    ['a sum', '1+2'],
    ['a function', "lower('A')"],
    ['a subquery', '(SELECT 1)'],
    ['an integer beyond 64 bits', '9223372036854775808'],
    ['an odd number of hexadecimal digits', "X'0'"],
    ['a comment', '1/*x*/'],
    ['a value too many', '1,2'],
    ['an unknown replacement', "replace('axb','x','y')"],
    ['a replacement of nothing', "replace('axb','',char(10))"],
    ['an empty value', ''],
    ['two literals', "'a' 'b'"],
  ])('is refused with %s', ([, text = '']) => {
    const bytes = text.startsWith('INSERT') ? Buffer.from(text) : insert(`1,${text}`);
    expect(refusal(() => two.read(bytes, [0, 1])).code).toBe('ROW_UNREADABLE');
    expect(refusal(() => two.edit(bytes, new Map([[1, 'new']]))).code).toBe('ROW_UNREADABLE');
  });

  test.for([
    ['a second statement', `INSERT INTO "t"("id","v") VALUES(1,2); DROP TABLE t;\n`],
    ['a second row', `INSERT INTO "t"("id","v") VALUES(1,2),(3,4);\n`],
    ['a cut off value', `INSERT INTO "t"("id","v") VALUES(1,'x\n`],
    ['a value too few', `INSERT INTO "t"("id","v") VALUES(1);\n`],
  ])('is refused with %s', ([, text = '']) => {
    expect(refusal(() => two.read(Buffer.from(text), [0, 1])).code).toBe('ROW_UNREADABLE');
    expect(refusal(() => two.edit(Buffer.from(text), new Map())).code).toBe('ROW_UNREADABLE');
  });

  test('has its rowid first where no column is it, and an odd name quoted', () => {
    const table = { name: '"odd ""name"', columns: ['rowid', 'a"b'] };
    const codec = codecFor('sql-insert', table, schemaOf(table.name, [['a"b', 'TEXT']]));
    const bytes = Buffer.from(`INSERT INTO "odd ""name"("rowid","a""b") VALUES(7,'x');\n`);
    expect(codec.read(bytes, [0, 1])).toEqual(['7', 'x']);
    expect(codec.edit(bytes, new Map([[0, '8']])).toString()).toContain('VALUES(8,');
    expect(refusal(() => codec.edit(bytes, new Map([[0, 'x']]))).code).toBe('ROW_UNWRITABLE');
  });

  test('writes values as a dump would, by the type of the column', () => {
    const written = (type: string, value: string | null, old = '1', options: CodecOptions = {}): string => {
      const codec = sqliteCodec([['v', type]], options);
      const [, literal = ''] =
        /VALUES\((.*)\);\n$/.exec(
          codec.edit(Buffer.from(`INSERT INTO "t"("v") VALUES(${old});\n`), new Map([[0, value]])).toString(),
        ) ?? [];
      return literal;
    };
    expect(written('INTEGER', '42')).toBe('42');
    expect(written('DECIMAL(10,2)', '42')).toBe('42');
    expect(written('INTEGER', '042')).toBe("'042'");
    expect(written('INTEGER', '9223372036854775808')).toBe("'9223372036854775808'");
    expect(written('TEXT', '42')).toBe("'42'");
    expect(written('VARCHAR(10)', '42')).toBe("'42'");
    expect(written('', '42')).toBe("'42'");
    expect(written('ANY', '42')).toBe("'42'");
    expect(written('TEXT', null)).toBe('NULL');
    expect(written('BLOB', '\\x00FF')).toBe("X'00FF'");
    expect(written('TEXT', '\\x00ff')).toBe("'\\x00ff'");
    expect(written('TEXT', '\\x00ff', "X'01'")).toBe("X'00ff'");
    expect(written('TEXT', 'a\0')).toBe("CAST(X'6100' AS TEXT)");
    expect(written('TEXT', 'a\0', '1', { encoding: 'UTF-16be' })).toBe("CAST(X'00610000' AS TEXT)");
    expect(written('TEXT', '\uffff', '1', { encoding: 'UTF-16le' })).toBe("CAST(X'ffff' AS TEXT)");
    expect(written('TEXT', "it's\n")).toBe("replace('it''s\\n','\\n',char(10))");
  });

  test('refuses NULL where the column is NOT NULL, and text that is none', () => {
    const codec = sqliteCodec([['v', 'TEXT', false]]);
    const bytes = Buffer.from(`INSERT INTO "t"("v") VALUES('x');\n`);
    expect(refusal(() => codec.edit(bytes, new Map([[0, null]]))).code).toBe('ROW_UNWRITABLE');
    expect(refusal(() => codec.edit(bytes, new Map([[0, '\ud800']]))).code).toBe('ROW_UNWRITABLE');
  });

  test('refuses text in an INTEGER PRIMARY KEY', () => {
    const codec = sqliteCodec([['id', 'INTEGER', false]], { key: ['id'] });
    const bytes = Buffer.from(`INSERT INTO "t"("id") VALUES(1);\n`);
    expect(refusal(() => codec.edit(bytes, new Map([[0, 'x']]))).code).toBe('ROW_UNWRITABLE');
  });

  test('leaves a value alone that is there already, in whatever form', () => {
    const bytes = insert("1,X'00FF'");
    expect(two.edit(bytes, new Map([[1, '\\x00ff']]))).toBe(bytes);
  });

  test('text of a UTF-16 database is read in its encoding', () => {
    const codec = sqliteCodec([['v', 'TEXT']], { encoding: 'UTF-16le' });
    const read = (hex: string) =>
      codec.read(Buffer.from(`INSERT INTO "t"("v") VALUES(CAST(X'${hex}' AS TEXT));\n`), [0]);
    expect(read('61000000')).toEqual(['a\0']);
    expect(read('00d8')).toEqual(['\ud800']);
    expect(read('61')).toEqual(['\\x61']);
  });

  test('is found by a key in any form of literal', () => {
    const piece = Buffer.concat(
      ["1,'x'", "'42',2", "X'3432',3", "replace('4\\n','\\n',char(10)),4", 'NULL,5', '42,6', '42.0,7'].map(
        insert,
      ),
    );
    expect(scanned(two, piece, false, '42')).toEqual(['42', '42']);
    expect(scanned(two, piece, false, '4\n')).toEqual(['4\n']);
    expect(scanned(two, piece, false, '\\x3432')).toEqual(['\\x3432']);
    expect(scanned(two, piece, false, '42.0')).toEqual(['42.0']);
    expect(scanned(two, piece, false)).toHaveLength(7);
    expect([...two.rows(piece, false)].every(({ isRow }) => isRow)).toBe(true);
    expect(refusal(() => [...two.rows(row('INSERT'), false)]).message).toContain('ends inside a row');
  });
});

test('free SQL has no rows', () => {
  const table = { name: 'pre-data', columns: [] };
  expect(refusal(() => codecFor('sql', table, schemaOf('pre-data', []))).code).toBe('ROW_NO_CODEC');
});
