/** Subject maps: what a file says, and everything that is wrong with one, with its place. */
import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { HoldfastError, isHoldfastError } from '../../src/errors.ts';
import type { Schema } from '../../src/sources/schema.ts';
import { canonical, CANONICAL_FORMS } from '../../src/subjects/canonical.ts';
import { ruleFor, type Linked } from '../../src/subjects/map.ts';
import { mapFor } from '../../src/subjects/narrow.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { joinReference, splitReference } from '../../src/subjects/reference.ts';

const HEAD =
  'version: 1\nsubject: customer\nroot: { table: users, key: id, lookup: { email: lower } }\ntables:\n';

function linked(text: string, table: string): Linked {
  const rule = parseSubjectMap(text, 'map.yaml').map.tables.get(table);
  if (rule?.kind !== 'linked') throw new Error(`${table} is not linked`);
  return rule;
}

/** The complaints of a file, each with its place. */
function complaints(text: string): readonly string[] {
  try {
    parseSubjectMap(text, 'map.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    expect(error).toMatchObject({ code: 'SUBJECTS_INVALID', exit: 'usage' });
    return error.message
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('map.yaml'));
  }
}

describe('what a map says', () => {
  const text = `${HEAD}
  users:       { erase: delete }
  orders:      { link: { user_id: users.id }, erase: delete }
  lines:       { link: { b: orders.b, a: orders.a }, erase: delete }
  events:      { link: { user_id: users.id }, erase: { set: { user_id: null, n: 0, s: '', mail: { pseudonym: true } } } }
  invoices:    { link: { user_id: users.id }, keep: { because: tax law, until: 7y, set: { name: erased } } }
  comments:    { link: { owner_id: users.id, when: { owner_type: User, n: 3 } }, erase: delete }
  newsletter:  { link: { mail: users.email, canonical: lower }, erase: delete }
  odd:         { link: { when: users.id, canonical: users.id2 }, erase: delete }
  '"Odd.T"':   { link: { 'a b': 'lines."x.y"' }, erase: delete }
  audit:       { json: { detail: [$.user.id, '$.seen[*]'], more: { path: $.mail, to: users.email, canonical: lower } }, erase: { set: { detail: null } }, text: [note] }
  messages:
    links:
      - { link: { sender: users.id }, erase: delete }
      - { link: { recipient: users.id }, keep: { because: the sender's too }, follow: false }
  countries:   { no_personal_data: true, not_personal: [name] }
  docs:        { rebuild: true }
`;

  test('links, polymorphic and composite, with what they are compared in', () => {
    expect(linked(text, 'lines').links).toEqual([
      {
        kind: 'columns',
        columns: ['b', 'a'],
        to: { table: 'orders', columns: ['b', 'a'] },
        when: new Map(),
        canonical: 'exact',
        follow: true,
      },
    ]);
    expect(linked(text, 'comments').links[0]?.when).toEqual(
      new Map([
        ['owner_type', 'User'],
        ['n', '3'],
      ]),
    );
    expect(linked(text, 'newsletter').links[0]?.canonical).toBe('lower');
    expect(linked(text, 'odd').links).toMatchObject([
      { columns: ['when', 'canonical'], to: { columns: ['id', 'id2'] }, canonical: 'exact' },
    ]);
    expect(linked(text, '"Odd.T"').links).toMatchObject([
      { columns: ['a b'], to: { table: 'lines', columns: ['x.y'] } },
    ]);
  });

  test('paths into JSON lead to the root key unless they say otherwise', () => {
    expect(linked(text, 'audit')).toMatchObject({
      text: ['note'],
      links: [
        { kind: 'json', column: 'detail', path: '$.user.id', to: { table: 'users', columns: ['id'] } },
        { kind: 'json', column: 'detail', path: '$.seen[*]' },
        { column: 'more', path: '$.mail', to: { columns: ['email'] }, canonical: 'lower' },
      ],
    });
  });

  test('what happens, for the table or for each owner', () => {
    expect(linked(text, 'events').action).toEqual({
      do: 'set',
      values: new Map<string, unknown>([
        ['user_id', null],
        ['n', '0'],
        ['s', ''],
        ['mail', { pseudonym: true }],
      ]),
    });
    expect(linked(text, 'invoices').action).toEqual({
      do: 'keep',
      because: 'tax law',
      until: '7y',
      values: new Map([['name', 'erased']]),
    });
    expect(linked(text, 'messages').links).toMatchObject([
      { action: { do: 'delete' }, follow: true },
      { action: { do: 'keep', values: new Map() }, follow: false },
    ]);
  });

  test('partitions and what an index keeps its data in follow the whole; SQLite’s own tables are nobody’s', () => {
    const { map } = parseSubjectMap(text, 'map.yaml');
    expect(ruleFor(map, { name: 'orders_2024', partitionOf: 'orders' })).toBe(map.tables.get('orders'));
    expect(ruleFor(map, { name: 'docs_data', shadowOf: 'docs' })).toEqual({ kind: 'rebuilt' });
    expect(ruleFor(map, { name: 'countries' })).toEqual({ kind: 'no-personal-data', notPersonal: ['name'] });
    expect(ruleFor(map, { name: 'sqlite_sequence' })).toEqual({ kind: 'no-personal-data' });
    expect(ruleFor(map, { name: 'unheard_of' })).toBeUndefined();
  });

  test('the hash is that of the text', () => {
    const { map } = parseSubjectMap(text, 'map.yaml');
    expect(map).toMatchObject({ text, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(parseSubjectMap(`${text}# more\n`, 'map.yaml').map.sha256).not.toBe(map.sha256);
  });
});

describe('what is wrong is said with its place', () => {
  const of = (lines: string): readonly string[] => complaints(`${HEAD}  users: { erase: delete }\n${lines}`);

  test.each<[string, RegExp]>([
    [
      '  a: { link: { u: users.id }, eraze: delete }',
      /:6:31: tables\.a\.eraze: unknown key; did you mean 'erase'\?/,
    ],
    ['  a: { link: { u: users.id } }', /:6:3: tables\.a: needs erase: delete/],
    ['  a: { link: { u: users.id }, erase: drop }', /:6:38: tables\.a\.erase: must be delete or \{ set/],
    [
      '  a: { link: { u: users.id }, erase: delete, keep: { because: x } }',
      /erase and keep exclude each other/,
    ],
    ['  a: { link: { u: users.id }, erase: { set: {} } }', /:6:45: .*must name a column/],
    ['  a: { link: { u: users.id }, erase: { set: { b: true } } }', /:6:50: .*t or f in PostgreSQL/],
    ['  a: { link: { u: users.id }, erase: { set: { b: 1.5 } } }', /quote it/],
    ['  a: { link: { u: users.id }, keep: { until: 7y } }', /because is missing/],
    ['  a: { link: { u: users.id }, keep: { because: x, until: 2033-02-30 } }', /:6:58: .*must be a date/],
    ['  a: { erase: delete }', /:6:3: tables\.a: needs a link/],
    ['  a: { link: {}, erase: delete }', /:6:14: .*names no column/],
    ['  a: { link: { u: id }, erase: delete }', /:6:19: .*must be table\.column/],
    [
      '  a: { link: { u: user.id }, erase: delete }',
      /:6:14: .*leads to user, which is not among the tables; did you mean 'users'\?/,
    ],
    ['  a: { link: { u: users.id, v: a.id }, erase: delete }', /leads to several tables/],
    [
      '  a: { link: { u: users.id, canonical: lowr }, erase: delete }',
      /:6:40: .*must be one of exact, trim, lower, digits/,
    ],
    ['  a: { json: { d: user.id }, erase: delete }', /:6:19: .*must be a path such as \$\.user\.id/],
    ['  a: { links: [], erase: delete }', /:6:15: .*must not be empty/],
    ['  a: { links: [{ erase: delete }] }', /needs link or json/],
    ['  a: { links: [{ link: { u: users.id } }] }', /needs erase or keep, here or in each of its links/],
    ['  a: { no_personal_data: false }', /must be true, or be left out/],
    ['  a: { no_personal_data: true, erase: delete }', /no_personal_data and erase exclude each other/],
    ['  a b: { no_personal_data: true }', /is not a name of a table/],
    [
      '  c: { no_personal_data: true }\n  a: { link: { u: c.id }, erase: delete }',
      /:7:14: .*leads to c, whose rows are nobody's/,
    ],
    [
      '  a: { link: { u: b.id }, erase: delete }\n  b: { link: { u: a.id }, erase: delete }',
      /:6:3: .*no chain of links leads from here to the root users/,
    ],
    [
      '  b: { link: { u: users.id }, follow: false, erase: delete }\n  a: { link: { u: b.id }, erase: delete }',
      /:7:3: .*no chain of links/,
    ],
  ])('%s', (lines, expected) => {
    const found = of(lines);
    expect(found.length === 1 || /b\.id.*\n.*a\.id/.test(lines)).toBe(true);
    expect(found[0]).toMatch(expected);
  });

  test('circles that hang on the root are no mistake', () => {
    expect(
      of(
        '  a: { links: [{ link: { u: users.id } }, { link: { b: b.id } }], erase: delete }\n  b: { link: { a: a.id }, erase: delete }',
      ),
    ).toEqual([]);
  });

  test('all of it at once, in the order of the file, and not of its YAML alone', () => {
    const found = complaints(
      'version: 2\nsubject: A B\nroot: { table: users }\ntables: { users: { erase: delete } }\nextra: 1\n',
    );
    expect(found.map((line) => line.replace(/: .*/, ''))).toEqual([
      'map.yaml:1:10',
      'map.yaml:2:10',
      'map.yaml:3:1',
      'map.yaml:5:1',
    ]);
    expect(complaints('')).toEqual([expect.stringContaining('is empty')]);
    expect(complaints('- 1')).toEqual([expect.stringContaining('must be a map')]);
    expect(complaints(`${HEAD}  users: { erase: delete }\n  users: { erase: delete }\n`)).toEqual([
      expect.stringMatching(/:6:3: this key is given twice/),
    ]);
  });

  prop.prop([fc.nat(400), fc.string({ unit: 'grapheme', maxLength: 12 })])(
    'a damaged file is refused with places, or read; nothing else is ever thrown',
    (at, junk) => {
      const text = `${HEAD}  users: { erase: delete }\n  orders: { link: { u: users.id, when: { t: User } }, keep: { because: tax, until: 7y, set: { a: null } } }\n`;
      const damaged = text.slice(0, at) + junk + text.slice(at + junk.length);
      try {
        expect(parseSubjectMap(damaged, 'map.yaml').map.text).toBe(damaged);
      } catch (error) {
        expect(isHoldfastError(error, 'SUBJECTS_INVALID')).toBe(true);
        expect(String(error)).toMatch(/map\.yaml:\d+:\d+: /);
      }
    },
  );
});

describe('a map for an older schema', () => {
  const text = `${HEAD}  users: { erase: { set: { email: null, nick: null } }, optional: [nick] }
  late: { link: { u: users.id }, erase: delete }
  orders: { links: [{ link: { u: users.id } }, { link: { n: users.nick } }], erase: delete, optional: [n] }
`;
  const column = (name: string) => ({ name, type: 'text', nullable: true, generated: false });
  const keys = { primaryKey: ['id'], uniques: [], foreignKeys: [] };
  const schema = (users: readonly string[]): Schema => ({
    tables: [
      { name: 'users', columns: users.map(column), ...keys },
      { name: 'orders', columns: ['id', 'u', 'n'].map(column), ...keys },
    ],
  });

  test('is without the tables that are not there, and without what needs an optional column that is not there', () => {
    const { map } = parseSubjectMap(text, 'map.yaml');
    const narrow = mapFor(map, schema(['id', 'email']));
    expect([...narrow.tables.keys()]).toEqual(['users', 'orders']);
    expect(narrow.tables.get('users')).toMatchObject({ action: { values: new Map([['email', null]]) } });
    expect((narrow.tables.get('orders') as Linked).links).toHaveLength(1);
    const all = mapFor(map, schema(['id', 'email', 'nick']));
    expect(all.tables.get('orders')).toEqual(map.tables.get('orders'));
  });
});

describe('small parts', () => {
  prop.prop([
    fc.string({ minLength: 1, unit: 'binary' }),
    fc.constantFrom('users', 'public."A.b"', '"x""."'),
  ])('a reference is split into what it was joined of', (column, table) => {
    expect(splitReference(joinReference({ table, column }))).toEqual({ table, column });
  });

  prop.prop([fc.string({ unit: 'binary' }), fc.constantFrom(...CANONICAL_FORMS)])(
    'a canonical form of a canonical form is the same',
    (value, form) => {
      expect(canonical(canonical(value, form), form)).toBe(canonical(value, form));
    },
  );

  test('ways to write the same address and the same number', () => {
    expect(canonical(' Zoë@Example.ORG\n', 'lower')).toBe(canonical('ZOE\u0308@example.org', 'lower'));
    expect(canonical('+49 (0)30-1', 'digits')).toBe('490301');
  });
});
