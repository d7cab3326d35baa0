import { describe, expect, test } from 'vitest';
import type { StoredStream } from '../../src/sources/source.ts';
import { displayName, foldName, moduleOf, quoteName, undisplayName } from '../../src/sources/sqlite/names.ts';
import { realLiteral, textLiteral } from '../../src/sources/sqlite/render.ts';
import { rehearse } from '../../src/sources/sqlite/rehearse.ts';
import type { Schema, SchemaObject } from '../../src/sources/sqlite/schema.ts';
import { postData, preData, sequenceReset } from '../../src/sources/sqlite/script.ts';
import { selectStreams, virtualTablesOf } from '../../src/sources/sqlite/selection.ts';

describe('names', () => {
  test.for([
    ['users', 'users'],
    ['_u$1', '_u$1'],
    ['a b', '"a b"'],
    ['1a', '"1a"'],
    ['quo"te', '"quo""te"'],
    ['ü', '"ü"'],
    ['', '""'],
  ] as const)('%s is shown as %s, and back', ([name, shown]) => {
    expect(displayName(name)).toBe(shown);
    expect(undisplayName(shown)).toBe(name);
  });

  test('are always quoted in SQL and folded in ASCII only', () => {
    expect(quoteName('users')).toBe('"users"');
    expect(foldName('ÄBC')).toBe('Äbc');
  });

  test.for([
    ['CREATE VIRTUAL TABLE ft USING fts5(a, b)', 'fts5'],
    ['CREATE VIRTUAL TABLE "a USING b" using "FTS4"', 'FTS4'],
    ["CREATE VIRTUAL TABLE 'x' \n USING\t[rtree](a)", 'rtree'],
    ['CREATE VIRTUAL TABLE `t` USING `m`', 'm'],
    ['CREATE VIRTUAL TABLE übel USING vec0', 'vec0'],
    ['CREATE TABLE t(a)', undefined],
  ] as const)('%s uses the module %s', ([sql, module]) => expect(moduleOf(sql)).toBe(module));
});

test.for([
  [1, '1.0'],
  [-1.5, '-1.5'],
  [1e22, '1.0e+22'],
  [0.1 + 0.2, '0.30000000000000004'],
  [1 / 3, '0.33333333333333331'],
  [-Infinity, '-9e999'],
  [1e-300, expect.stringMatching(/^\(\d+\.0(\/1125899906842624\.0)+\/\d+\.0\)$/) as string],
] as const)('the real %s is written as %s', ([value, literal]) =>
  expect(realLiteral(value)).toEqual(literal),
);

test('a placeholder for line ends is one that the text does not contain', () => {
  expect(textLiteral('a\nb')).toBe(String.raw`replace('a\nb','\n',char(10))`);
  expect(textLiteral('\\n\n')).toBe(String.raw`replace('\n\012','\012',char(10))`);
  expect(textLiteral('\\n\\012(\\n0)\n')).toBe(String.raw`replace('\n\012(\n0)(\n1)','(\n1)',char(10))`);
});

function schemaOf(...objects: SchemaObject[]): Schema {
  const settings = {
    encoding: 'UTF-8',
    pageSize: 4096,
    pageCount: 9,
    autoVacuum: 0,
    journalMode: 'delete',
    userVersion: 0,
    applicationId: 0,
  } as const;
  return { settings, objects, tables: [], virtualTables: [] };
}

describe('the script', () => {
  test('of a plain schema has nothing that needs a special shell', () => {
    const schema = schemaOf(
      { type: 'table', name: 't', sql: 'CREATE TABLE t(a)' },
      { type: 'index', name: 'i', sql: 'CREATE INDEX i ON t(a)' },
    );
    expect(preData(schema).split('\n').slice(1)).toEqual([
      'PRAGMA foreign_keys=OFF;',
      "PRAGMA encoding='UTF-8';",
      'PRAGMA page_size=4096;',
      'BEGIN TRANSACTION;',
      'PRAGMA ignore_check_constraints=ON;',
      'CREATE TABLE t(a);',
      '',
    ]);
    expect(sequenceReset(schema)).toBe('');
    expect(postData(schema)).toBe('CREATE INDEX i ON t(a);\nPRAGMA ignore_check_constraints=OFF;\nCOMMIT;\n');
  });

  test.for([
    ['CREATE TABLE t(a) -- comment', '\n;'],
    ['CREATE TABLE t(a) /* open', '*/;'],
    ['CREATE TABLE t(a) /*/', '*/;'],
    ['CREATE TABLE t(a) /* closed */', ';'],
    ["CREATE TABLE t(a DEFAULT '--')", ';'],
    ['CREATE TABLE t("--" -- c\n)', ';'],
    ["CREATE TABLE t([a'] DEFAULT '/*')", ';'],
  ] as const)('ends %s so that the next statement is not swallowed', ([sql, end]) => {
    const schema = schemaOf(
      { type: 'table', name: 't', sql },
      { type: 'table', name: 'u', sql: 'CREATE TABLE u(a)' },
    );
    expect(preData(schema)).toContain(`${sql}${end}\nCREATE TABLE u(a);\n`);
    rehearse(schema, 'x.db');
  });

  test('that does not make what it should is refused', () => {
    const schema = schemaOf({ type: 'table', name: 'renamed', sql: 'CREATE TABLE t(a)' });
    expect(() => rehearse(schema, 'x.db')).toThrow('the stored definition of table renamed does not make it');
  });
});

describe('a choice of tables', () => {
  const stream = (name: string): StoredStream => ({
    name,
    section: 'data',
    dialect: 'sql-insert',
    table: { name, columns: ['a'] },
    rows: 1,
    bytes: 10,
  });
  const script = (name: string): StoredStream => ({
    name,
    section: 'pre-data',
    dialect: 'sql',
    rows: 0,
    bytes: 10,
  });
  const streams = [
    script('pre-data'),
    ...['users', '"a b"', 'ft_data', 'ft_content'].map(stream),
    script('sqlite_sequence reset'),
    stream('sqlite_sequence'),
  ];
  const ft = { name: 'ft', module: 'fts5', shadows: ['ft_content', 'ft_data'] };
  const names = (tables?: string[]): string[] =>
    selectStreams(streams, [ft], tables).streams.map(({ name }) => name);

  test('is everything when none is named', () => expect(names()).toEqual(streams.map(({ name }) => name)));

  test.for([
    [['USERS'], ['users']],
    [['a b'], ['"a b"']],
    [['"A b"'], ['"a b"']],
    [['ft'], ['ft_data', 'ft_content']],
    [['ft_data'], ['ft_data', 'ft_content']],
  ] as const)('%j', ([tables, chosen]) => {
    const counters = ['sqlite_sequence reset', 'sqlite_sequence'];
    expect(names([...tables])).toEqual(['pre-data', ...chosen, ...counters]);
  });

  test('tells which names are unknown and which virtual tables will be empty', () => {
    expect(selectStreams(streams, [ft], ['users', 'nobody'])).toMatchObject({
      unknown: ['nobody'],
      emptied: [ft],
    });
    expect(selectStreams(streams, [ft], ['FT'])).toMatchObject({ unknown: [], emptied: [] });
  });

  test('takes no strange facts for virtual tables', () => {
    const source = {
      kind: 'sqlite',
      database: '',
      serverVersion: '',
      toolVersion: '',
      warnings: [],
    } as const;
    expect(virtualTablesOf({ ...source, facts: {} })).toEqual([]);
    expect(virtualTablesOf({ ...source, facts: { virtualTables: [ft, null, { name: 1 }] } })).toEqual([ft]);
  });
});
