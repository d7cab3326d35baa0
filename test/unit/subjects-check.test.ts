/** A subject map held against a schema of SQLite and of PostgreSQL: what would make a purge miss somebody is said. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Schema, TableSchema } from '../../src/sources/schema.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { checkMap } from '../../src/subjects/check.ts';
import type { CheckOptions } from '../../src/subjects/finding.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { tempFolder } from '../services/temp.ts';

const SQLITE: CheckOptions = { engine: 'sqlite' };
const POSTGRES: CheckOptions = { engine: 'postgres' };

async function sqlite(sql: string): Promise<Schema> {
  const folder = await tempFolder('check');
  const path = join(folder, 'a.db');
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
  return sqliteSource({ path, scratch: join(folder, 'scratch') }).schema(new AbortController().signal);
}

/** Columns as `name type`, `!` for NOT NULL, `=` for generated. */
function table(name: string, columns: readonly string[], more: Partial<TableSchema> = {}): TableSchema {
  return {
    name,
    columns: columns.map((text) => {
      const [column = '', ...type] = text.replace(/[!=]$/, '').split(' ');
      return {
        name: column,
        type: type.join(' '),
        nullable: !text.endsWith('!'),
        generated: text.endsWith('='),
      };
    }),
    primaryKey: ['id'],
    uniques: [],
    foreignKeys: [],
    ...more,
  };
}

function check(tables: string, schema: Schema, options = POSTGRES): readonly string[] {
  const head =
    'version: 1\nsubject: customer\nroot: { table: users, key: id, lookup: { email: lower } }\ntables:\n';
  const parsed = parseSubjectMap(`${head}  users: { erase: delete }\n${tables}`, 'm');
  return checkMap(parsed, schema, options).map((finding) => `${finding.kind} ${parsed.describe(finding)}`);
}

const USERS = table('users', ['id bigint!', 'email text']);
const withUsers = (...tables: readonly TableSchema[]): Schema => ({ tables: [USERS, ...tables] });

describe('every table of a dump has a rule', () => {
  test('one that is not listed is refused, with what looks personal in it; of partitions the whole', () => {
    const schema = withUsers(
      table('people', ['id bigint', 'first_name text']),
      table('log', ['id bigint'], { partitioned: true }),
      table('log_1', ['id bigint'], { partitionOf: 'log' }),
      table('log_2', ['id bigint'], { partitionOf: 'log' }),
    );
    expect(check('', schema)).toEqual([
      expect.stringMatching(
        /^problem m:4:1: .* the table people \(its column first_name looks like the name of a person\)/,
      ),
      expect.stringMatching(/^problem m:4:1: .* the table log: /),
    ]);
    expect(
      check(
        '  people: { no_personal_data: true, not_personal: [first_name] }\n  log: { no_personal_data: true }',
        schema,
      ),
    ).toEqual([]);
  });

  test('a table that is not there is refused today, and nothing in a schema of the past', () => {
    const rules = '  order: { link: { u: users.id }, erase: delete }';
    const schema = withUsers(table('orders', ['u bigint']));
    expect(check(rules, schema)).toEqual([
      expect.stringContaining('nothing is said about the table orders'),
      expect.stringMatching(/^problem m:6:3: tables\.order: there is no such table; did you mean 'orders'\?/),
    ]);
    expect(check(rules, withUsers(), { ...POSTGRES, isPast: true })).toEqual([]);
  });

  test('full-text indexes are built again, their text is linked, and what cannot be built again is refused', async () => {
    const schema = await sqlite(`
      CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, note TEXT);
      CREATE VIRTUAL TABLE own USING fts5(note);
      CREATE VIRTUAL TABLE beside USING fts5(note, content='users', content_rowid='id');
      CREATE VIRTUAL TABLE blind USING fts5(note, content='');
      CREATE VIRTUAL TABLE box USING rtree(id, x0, x1);`);
    const rules = (own: string, blind: string): string =>
      `  own: { rebuild: true }\n${own}  beside: { rebuild: true }\n  blind: { ${blind}: true }\n  box: { ${blind}: true }`;
    expect(check(rules('', 'rebuild'), schema, SQLITE)).toEqual([
      expect.stringMatching(/^problem m:6:3: .*the text of own is in the table own_content/),
      expect.stringMatching(/^problem m:8:3: .*keeps no text/),
      expect.stringMatching(/^problem m:9:3: .*module rtree cannot be built again/),
    ]);
    const linked = '  own_content: { link: { id: users.id }, erase: delete }\n';
    expect(check(rules(linked, 'no_personal_data'), schema, SQLITE)).toEqual([]);
    expect(check('  own: { link: { note: users.note }, erase: delete }', schema, SQLITE)).toContainEqual(
      expect.stringMatching(/^problem m:6:3: .*has no rows of its own/),
    );
  });

  test('large objects are spoken about', () => {
    const schema: Schema = {
      ...withUsers(table('files', ['id bigint', 'u bigint', 'body oid'])),
      largeObjects: true,
    };
    const files = (more: string): string => `  files: { link: { u: users.id }, erase: delete${more} }`;
    expect(check(files(''), schema)).toEqual([
      expect.stringMatching(/^problem .*the database has large objects/),
      expect.stringMatching(/^warning .*body may hold numbers of large objects/),
    ]);
    expect(check(files(', large_objects: [body]'), schema)).toEqual([]);
    expect(check(files(', large_objects: [u, body], text: [nothing]'), schema)).toEqual([
      expect.stringMatching(/^problem m:6:\d+: tables\.files\.text: files has no column nothing/),
    ]);
  });
});

describe('what a map names is there, and can take what is put into it', () => {
  const schema = withUsers(
    table(
      'a',
      [
        'id bigint!',
        'u bigint',
        'n text!',
        'code character varying(8)!',
        'flag boolean',
        'up text=',
        'f bigint!',
        'd date!',
        'uid uuid!',
        'mail text',
      ],
      { uniques: [['n'], ['code', 'flag']], foreignKeys: [] },
    ),
  );
  const set = (values: string): readonly string[] =>
    check(`  a: { link: { u: users.id }, erase: { set: { ${values} } } }`, schema).filter(
      (line) => !line.startsWith('warning'),
    );

  test.each<[string, RegExp]>([
    ['nam: null', /a has no column nam; did you mean 'n'\?|a has no column nam$/],
    ['n: null', /must not be null/],
    ['id: null', /must not be null/],
    ['n: x', /is unique/],
    ['up: x', /computed by the database/],
    ['code: abcdefghi', /no room for 9 characters/],
    ['code: { pseudonym: true }', /no room for 23/],
    ['d: { pseudonym: true }', /cannot take a pseudonym, being date/],
    ['flag: "yes"', /prints as t or f/],
    ['f: abc', /no such number/],
  ])('set %s', (values, expected) => {
    expect(set(values)).toEqual([expect.stringMatching(expected)]);
  });

  test.each([
    'n: { pseudonym: true }',
    'uid: { pseudonym: true }',
    'code: abc',
    'flag: t',
    'f: -1',
    'u: null',
  ])('set %s is fine', (values) => {
    expect(set(values)).toEqual([]);
  });

  test.each<[string, RegExp]>([
    ['{ link: { x: users.id }, erase: delete }', /m:6:14: .*a has no column x/],
    [
      '{ link: { u: users.ident }, erase: delete }',
      /users has no column ident; did you mean|users has no column ident/,
    ],
    ['{ link: { u: users.id, when: { typ: U } }, erase: delete }', /a has no column typ/],
    ['{ link: { u: users.id, when: { flag: yes } }, erase: delete }', /prints as t or f/],
    ['{ link: { up: users.email }, erase: delete }', /a\.up is computed by the database and in no dump/],
    ['{ link: { d: users.id }, erase: delete }', /date and bigint are never equal/],
    ['{ json: { d: $.id }, erase: delete }', /d is date, which holds no JSON/],
    ['{ link: { u: users.id }, erase: delete, text: [bdy] }', /a has no column bdy/],
  ])('%s', (rule, expected) => {
    expect(check(`  a: ${rule}`, schema)).toContainEqual(expect.stringMatching(expected));
  });

  test('an optional column may be missing', () => {
    expect(check('  a: { link: { x: users.id }, erase: delete, optional: [x] }', schema)).toEqual([]);
  });

  test('text, numbers and UUIDs may be equal; case and blanks are warned of', () => {
    const mixed = withUsers(
      table('b', ['u text', 'c public.citext', 'p character(8)', 'j jsonb', 'l bigint[]']),
    );
    const link = (text: string): readonly string[] =>
      check(`  b: { link: { ${text} }, erase: delete }`, mixed);
    expect(link('u: users.id')).toEqual([]);
    expect(link('c: users.email')).toEqual([
      expect.stringMatching(/^warning m:6:16: .*add canonical: lower/),
    ]);
    expect(link('c: users.email, canonical: lower')).toEqual([]);
    expect(link('p: users.email')).toEqual([expect.stringMatching(/^warning .*add canonical: trim/)]);
    expect(link('j: users.id')).toEqual([expect.stringMatching(/^problem .*look into it with json/)]);
    expect(link('l: users.id')).toEqual([expect.stringMatching(/^problem .*never equal/)]);
  });

  test('the root key tells one subject from another', () => {
    const shared = { tables: [table('users', ['id bigint!', 'email text'], { primaryKey: [] })] };
    expect(check('', shared)).toEqual([
      expect.stringMatching(/^problem m:3:28: root\.key: is not unique in users/),
    ]);
    const without = { tables: [table('users', ['id bigint!'])] };
    expect(check('', without)).toEqual([
      expect.stringMatching(/^problem m:3:49: root\.lookup\.email: users has no column email/),
    ]);
  });
});

describe('foreign keys', () => {
  const key = {
    name: 'fk',
    columns: ['u'],
    references: 'users',
    referenced: ['id'],
    onDelete: 'no action' as const,
  };
  const invoices = (u: string): Schema =>
    withUsers(table('invoices', ['id bigint!', u], { foreignKeys: [key] }));
  const keep = (more: string): string =>
    `  invoices: { link: { u: users.id }, keep: { because: tax${more} } }`;

  test('rows that stay and point at rows that go are refused, with what to do', () => {
    expect(check(keep(''), invoices('u bigint'))).toEqual([
      expect.stringMatching(/^problem m:6:21: .*set u to null/),
    ]);
    expect(check(keep(', set: { u: null }'), invoices('u bigint'))).toEqual([]);
    expect(check(keep(''), invoices('u bigint!'))).toEqual([
      expect.stringMatching(/^problem .*u cannot be null/),
    ]);
    expect(check('  invoices: { link: { u: users.id }, erase: delete }', invoices('u bigint!'))).toEqual([]);
  });

  test('a foreign key that is no link is said', () => {
    expect(check('  invoices: { no_personal_data: true }', invoices('u bigint'))).toEqual([
      expect.stringMatching(/^warning m:6:3: .*foreign key fk \(u\) is no link/),
    ]);
  });

  test('words that a trigger has made of columns which are set are said, those that the database computes are not', () => {
    const posts = table('posts', [
      'id bigint',
      'author bigint',
      'what text',
      'words tsvector',
      'more tsvector=',
    ]);
    const rule = (set: string) =>
      check(`  posts: { link: { author: users.id }, erase: { set: { ${set} } } }`, withUsers(posts));
    expect(rule('author: null, what: null')).toEqual([
      expect.stringMatching(/^warning m:6:3: .*words may hold the words of columns that are set/),
    ]);
    expect(rule('author: null, what: null, words: null')).toEqual([]);
  });

  test('rows that stay with something personal in them are said, unless somebody has looked', () => {
    const schema = withUsers(table('o', ['id bigint!', 'u bigint', 'phone text', 'phone_ok boolean']));
    const rule = (more: string, set = ''): string =>
      `  o: { link: { u: users.id }, erase: { set: { u: null${set} } }${more} }`;
    expect(check(rule(''), schema)).toEqual([
      expect.stringMatching(/^warning m:6:3: .*phone stays .* looks like a phone number/),
    ]);
    expect(check(rule(', not_personal: [phone]'), schema)).toEqual([]);
    expect(check(rule('', ', phone: null'), schema)).toEqual([]);
  });
});
