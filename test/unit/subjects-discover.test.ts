/** Drafts of subject maps: what foreign keys say is in them, everything else waits for a person. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { ForeignKey, Schema, TableSchema } from '../../src/sources/schema.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { checkMap } from '../../src/subjects/check.ts';
import { discover } from '../../src/subjects/discover.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { personalColumns } from '../../src/subjects/personal.ts';
import { tempFolder } from '../services/temp.ts';

const command = 'holdfast subjects discover shop';

async function draftOf(
  sql: string,
  root = 'users.id',
): Promise<{ readonly text: string; readonly schema: Schema }> {
  const folder = await tempFolder('discover');
  const path = join(folder, 'a.db');
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
  const schema = await sqliteSource({ path, scratch: folder }).schema(new AbortController().signal);
  return { text: discover(schema, { root, command }), schema };
}

/** The draft with every proposal taken as it is. */
const taken = (text: string): string =>
  text.replace(/^ {2}# ((?: {2}.*|\S+|'[^']*'):.*\{ (?:no_personal_data|link).*)$/gm, '  $1');

describe('a shop', () => {
  const SHOP = `
    CREATE TABLE countries(code TEXT PRIMARY KEY, name TEXT);
    CREATE TABLE addresses(id INTEGER PRIMARY KEY, street TEXT);
    CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, phone TEXT, customer_no INT UNIQUE,
      address_id REFERENCES addresses, country TEXT REFERENCES countries, referred_by INT REFERENCES users);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INT NOT NULL REFERENCES users, approved_by INT REFERENCES users);
    CREATE TABLE items(order_id INT REFERENCES orders, n INT, PRIMARY KEY (order_id, n)) WITHOUT ROWID;
    CREATE TABLE visits(id INTEGER PRIMARY KEY, user_id INT REFERENCES users ON DELETE SET NULL, ip TEXT, email TEXT NOT NULL);
    CREATE TABLE comments(id INTEGER PRIMARY KEY, parent INT REFERENCES comments, author INT REFERENCES users);
    CREATE TABLE files(id INTEGER PRIMARY KEY, owner_id INT, owner_type TEXT);
    CREATE TABLE audit(id INTEGER PRIMARY KEY, userId INT, detail JSON);
    CREATE TABLE leads(id INTEGER PRIMARY KEY, email TEXT);
    CREATE VIRTUAL TABLE found USING fts5(body, content='comments', content_rowid='id');`;

  test('is drafted as far as its foreign keys go', async () => {
    const { text } = await draftOf(SHOP);
    const lines = text.split('\n').map((line) => line.trim());
    for (const line of [
      'subject: user',
      'root: { table: users, key: id, lookup: { email: lower, phone: digits, customer_no: exact } }',
      '- { link: { referred_by: users.id }, erase: { set: { referred_by: null } }, follow: false }',
      '- { link: { user_id: users.id }, erase: delete }',
      '- { link: { approved_by: users.id }, erase: { set: { approved_by: null } }, follow: false }',
      'items: { link: { order_id: orders.id }, erase: delete }',
      '- { link: { parent: comments.id }, erase: { set: { parent: null } }, follow: false }',
      'found: { rebuild: true }',
      '# addresses: { link: { id: users.address_id }, erase: delete }',
      '# countries: { no_personal_data: true }',
      '# files: { link: { owner_id: users.id, when: { owner_type: User } }, erase: delete }',
      '# audit: { link: { userId: users.id }, erase: delete }',
      '# leads: { link: { email: users.email, canonical: lower }, erase: delete }',
    ])
      expect(lines).toContain(line);
    expect(lines).toContain('erase: { set: { user_id: null, ip: null, email: { pseudonym: true } } }');
    expect(text).toContain('looks personal: email (an e-mail address), phone (a phone number)');
  });

  test('refuses until somebody has decided, and then does not', async () => {
    const { text, schema } = await draftOf(SHOP);
    const check = (map: string): readonly string[] =>
      checkMap(parseSubjectMap(map, 'm'), schema, { engine: 'sqlite' })
        .filter(({ kind }) => kind === 'problem')
        .map(({ message }) => message);
    const open = check(text);
    expect(open.map((message) => /the table (\w+)/.exec(message)?.[1])).toEqual([
      'countries',
      'addresses',
      'files',
      'audit',
      'leads',
    ]);
    expect(check(taken(text))).toEqual([]);
  });

  test.each([
    ['users', /is not table\.column/],
    ['user.id', /there is no table user/],
    ['users.ident', /has no column ident/],
    ['users.phone', /is not unique/],
  ])('--root %s is refused', async (root, expected) => {
    const { schema } = await draftOf(SHOP);
    expect(() => discover(schema, { root, command })).toThrow(expected);
  });
});

test('a key may have several columns', async () => {
  const shop = `
    CREATE TABLE people (tenant INTEGER, code TEXT, email TEXT, PRIMARY KEY (tenant, code));
    CREATE TABLE visits (id INTEGER PRIMARY KEY, tenant INTEGER, code TEXT, FOREIGN KEY (tenant, code) REFERENCES people);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, person_id TEXT);`;
  const { schema } = await draftOf(shop, 'people.tenant,code');
  const text = discover(schema, { root: 'people.tenant,code', command });
  expect(text).toContain('root: { table: people, key: [tenant, code], lookup: { email: lower } }');
  expect(text).toContain('visits: { link: { tenant: people.tenant, code: people.code }, erase: delete }');
  expect(text).toContain('# notes: { no_personal_data: true }');
  expect(checkMap(parseSubjectMap(taken(text), 'map'), schema, { engine: 'sqlite' })).toEqual([]);
  const half = { hint: expect.stringContaining('--root people.tenant,code') as string };
  expect(() => discover(schema, { root: 'people.code', command })).toThrow(expect.objectContaining(half));
});

describe('any schema', () => {
  const name = fc.oneof(
    fc.constantFrom(
      'users',
      'user_id',
      'email',
      'owner_id',
      'owner_type',
      'created_by',
      'detail',
      'no',
      'null',
      'when',
      '"odd".t',
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).filter((text) => text !== '__proto__'),
  );
  const type = fc.constantFrom(
    'bigint',
    'text',
    'jsonb',
    'oid',
    'uuid',
    'character varying(5)',
    '',
    'boolean',
  );
  const column = fc.record({ name, type, nullable: fc.boolean(), generated: fc.constant(false) });
  const quoted = (text: string): string =>
    /^[a-z_]+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
  const schema = fc
    .uniqueArray(fc.tuple(name, fc.uniqueArray(column, { selector: (each) => each.name, maxLength: 5 })), {
      selector: ([table]) => table,
      minLength: 1,
      maxLength: 7,
    })
    .chain((tables) =>
      fc
        .array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.constantFrom('cascade', 'set null', 'no action')), {
          maxLength: 10,
        })
        .map((keys): Schema => {
          const made = tables.map(([table, columns]): TableSchema => ({
            name: quoted(table),
            columns: [
              { name: 'id', type: 'bigint', nullable: false, generated: false },
              ...columns.filter((each) => each.name !== 'id'),
            ],
            primaryKey: ['id'],
            uniques: [],
            foreignKeys: [],
          }));
          for (const [from, to, at, onDelete] of keys) {
            const [one, other] = [made[from % made.length], made[to % made.length]];
            const own = one?.columns[at % one.columns.length];
            if (one === undefined || other === undefined || own?.type !== 'bigint') continue;
            const key = {
              name: `k${one.foreignKeys.length}`,
              columns: [own.name],
              references: other.name,
              referenced: ['id'],
              onDelete,
            };
            (one.foreignKeys as ForeignKey[]).push(key);
          }
          return { tables: made };
        }),
    );

  prop.prop([schema], { numRuns: 400 })(
    'its draft is a sound map, which lacks nothing but decisions',
    (any) => {
      const [root] = any.tables;
      const text = discover(any, { root: `${root?.name ?? ''}.id`, command });
      const parsed = parseSubjectMap(text, 'draft.yaml');
      const problems = checkMap(parsed, any, { engine: 'postgres' }).filter(({ kind }) => kind === 'problem');
      for (const { message } of problems) expect(message).toMatch(/^nothing is said about the table/);
      const undecided = any.tables.filter((table) => !parsed.map.tables.has(table.name));
      expect(problems).toHaveLength(undecided.length);
    },
  );
});

test.each([
  ['email', 'text', true],
  ['emailVerified', 'boolean', false],
  ['email_sent_at', 'timestamp with time zone', false],
  ['address_id', 'bigint', false],
  ['ship_address', 'text', true],
  ['description', 'text', false],
  ['zip', 'INTEGER', true],
  ['skip', 'text', false],
  ['birth_date', 'date', true],
  ['last_seen_from', 'inet', true],
  ['status', 'text', false],
])('%s %s looks personal: %s', (name, type, expected) => {
  const table = {
    name: 't',
    columns: [{ name, type, nullable: true, generated: false }],
    primaryKey: [],
    uniques: [],
    foreignKeys: [],
  };
  expect(personalColumns(table).some(({ isLikely }) => isLikely)).toBe(expected);
});
