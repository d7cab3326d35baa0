/** Which rows are a subject's, what happens to them, and what that would break: examples, each for one rule. */
import { describe, expect, test } from 'vitest';
import type { ColumnSchema, ForeignKey, Schema, TableSchema } from '../../src/sources/schema.ts';
import { closure, type Closure, type ClosureInput } from '../../src/subjects/closure.ts';
import { describeProblem } from '../../src/subjects/integrity.ts';
import type {
  Action,
  ColumnLink,
  JsonLink,
  Link,
  Replacement,
  SubjectMap,
  TableRule,
} from '../../src/subjects/map.ts';
import type { Value } from '../../src/rows/values.ts';
import { MemoryAccess } from '../property/erasure-world.ts';

type Columns = Readonly<Record<string, string>>;

/** `'bigint!'` is NOT NULL. */
function table(name: string, columns: Columns, more: Partial<TableSchema> = {}): TableSchema {
  const all = Object.entries(columns).map(([column, type]): ColumnSchema => ({
    name: column,
    type: type.replace('!', ''),
    nullable: !type.endsWith('!'),
    generated: false,
  }));
  return { name, columns: all, primaryKey: ['id'], uniques: [], foreignKeys: [], ...more };
}

function pointsAt(column: string, references: string): ForeignKey {
  return { name: `fk_${column}`, columns: [column], references, referenced: ['id'], onDelete: 'no action' };
}

function link(columns: string, to: string, more: Partial<ColumnLink> = {}): ColumnLink {
  const [table = '', column = ''] = to.split('.');
  const parts = { canonical: 'exact' as const, when: new Map(), follow: true };
  return { kind: 'columns', columns: [columns], to: { table, columns: [column] }, ...parts, ...more };
}

const DELETE: Action = { do: 'delete' };
const set = (values: Record<string, Replacement>): Action => ({
  do: 'set',
  values: new Map(Object.entries(values)),
});
const keep = (values: Record<string, Replacement> = {}): Action => ({
  do: 'keep',
  because: 'tax law',
  until: '7y',
  values: new Map(Object.entries(values)),
});

function linked(
  links: readonly Link[],
  action: Action = DELETE,
  largeObjects: readonly string[] = [],
): TableRule {
  return { kind: 'linked', links, action, text: [], largeObjects, optional: [] };
}

interface Case {
  readonly tables: readonly TableSchema[];
  readonly rules: Readonly<Record<string, TableRule>>;
  readonly rows: Readonly<Record<string, readonly (readonly Value[])[]>>;
  readonly subjects?: ClosureInput['subjects'];
  readonly signal?: AbortSignal;
}

const CUSTOMER_1 = { by: ['id'], known: new Map([['id', '1']]) };

async function run({ tables, rules, rows, subjects = [CUSTOMER_1], signal }: Case) {
  const map: SubjectMap = {
    subject: 'customer',
    root: { table: 'users', key: ['id'], lookup: new Map([['email', 'lower']]) },
    tables: new Map(Object.entries(rules)),
    largeObjectsAreNobodys: true,
    text: '',
    sha256: '',
  };
  const schema: Schema = { tables };
  const columns = (name: string) =>
    tables.find((one) => one.name === name)?.columns.map((one) => one.name) ?? [];
  const access = new MemoryAccess(new Map(Object.entries(rows)), columns);
  const result = await closure({
    map,
    schema,
    engine: 'postgres',
    subjects,
    access,
    ...(signal && { signal }),
  });
  return { ...result, passes: access.passes };
}

/** `{ users: ['0 delete'] }`: the rows by their place, with what happens. */
function plan({ affected }: Pick<Closure, 'affected'>): Record<string, string[]> {
  return Object.fromEntries(
    [...affected].map(([name, rows]) => [
      name,
      [...rows].map(([row, { outcome }]) => `${row} ${outcome.do}`).sort(),
    ]),
  );
}

const USERS = table('users', { id: 'bigint!', email: 'text' });
const ORDERS = table(
  'orders',
  { id: 'bigint!', user_id: 'bigint' },
  { foreignKeys: [pointsAt('user_id', 'users')] },
);

describe('the rows', () => {
  test('come through chains of links, with one pass over each table, in whatever order they are listed', async () => {
    const result = await run({
      tables: [table('a_items', { id: 'bigint!', order_id: 'bigint' }), ORDERS, USERS],
      rules: {
        a_items: linked([link('order_id', 'orders.id')]),
        orders: linked([link('user_id', 'users.id')]),
        users: linked([]),
      },
      rows: {
        a_items: [['1', '10'], ['2', '11'], ['3', null], ['4', '12']], // prettier-ignore
        orders: [['10', '1'], ['11', '2'], ['12', '1']], // prettier-ignore
        users: [['1', 'a@x'], ['2', 'b@x']], // prettier-ignore
      },
    });
    expect(plan(result)).toEqual({
      a_items: ['0 delete', '3 delete'],
      orders: ['0 delete', '2 delete'],
      users: ['0 delete'],
    });
    expect(result.passes).toEqual(['users', 'orders', 'a_items']);
    expect(result.counts.get('orders')).toEqual({ delete: 2, change: 0, keep: 0 });
  });

  test('come through circles of tables and rows that point at themselves', async () => {
    const result = await run({
      tables: [
        table('users', { id: 'bigint!', invited_by: 'bigint', team: 'bigint' }),
        table('teams', { id: 'bigint!', owner: 'bigint' }),
      ],
      rules: {
        users: linked([link('invited_by', 'users.id'), link('team', 'teams.id')]),
        teams: linked([link('owner', 'users.id')]),
      },
      rows: {
        users: [['1', '1', null], ['2', '1', null], ['3', null, '7'], ['4', '3', null], ['5', '9', '8']], // prettier-ignore
        teams: [['7', '2'], ['8', '6']], // prettier-ignore
      },
    });
    expect(plan(result)).toEqual({
      users: ['0 delete', '1 delete', '2 delete', '3 delete'],
      teams: ['0 delete'],
    });
  });

  test('come through what is known of the subject, though its own row is gone', async () => {
    const rules = {
      users: linked([]),
      orders: linked([link('user_id', 'users.id')]),
      invites: linked([link('email', 'users.email', { canonical: 'lower' })]),
    };
    const tables = [USERS, ORDERS, table('invites', { id: 'bigint!', email: 'text' })];
    const rows = { users: [['2', 'b@x']], orders: [['10', '1']], invites: [['1', ' A@X'], ['2', 'b@x']] }; // prettier-ignore
    expect(plan(await run({ tables, rules, rows }))).toEqual({ orders: ['0 delete'] });
    const known = new Map([['id', '1'], ['email', 'a@x']]); // prettier-ignore
    expect(plan(await run({ tables, rules, rows, subjects: [{ by: ['id'], known }] }))).toEqual({
      orders: ['0 delete'],
      invites: ['0 delete'],
    });
  });

  test('of many subjects take the same passes; an address finds its owner in any case', async () => {
    const result = await run({
      tables: [USERS, ORDERS],
      rules: { users: linked([]), orders: linked([link('user_id', 'users.id')]) },
      rows: { users: [['1', 'a@x'], ['2', 'B@x'], ['3', '']], orders: [['1', '1'], ['2', '2'], ['3', '3']] }, // prettier-ignore
      subjects: [CUSTOMER_1, { by: ['email'], known: new Map([['email', 'b@X ']]) }],
    });
    expect(plan(result)).toEqual({ users: ['0 delete', '1 delete'], orders: ['0 delete', '1 delete'] });
    expect(result.passes).toEqual(['users', 'orders']);
  });

  test('are not joined by what both lack', async () => {
    const result = await run({
      tables: [USERS, table('calls', { id: 'bigint!', phone: 'text' })],
      rules: { users: linked([]), calls: linked([link('phone', 'users.email', { canonical: 'digits' })]) },
      rows: { users: [['1', 'no phone']], calls: [['1', ''], ['2', 'unknown'], ['3', null]] }, // prettier-ignore
    });
    expect(plan(result)).toEqual({ users: ['0 delete'] });
  });

  test('are compared as the engine compares them', async () => {
    const result = await run({
      tables: [
        table('users', { id: 'numeric!', email: 'character(6)' }),
        table('t', { id: 'text', n: 'numeric(9,2)' }),
      ],
      rules: { users: linked([]), t: linked([link('n', 'users.id'), link('id', 'users.email')]) },
      rows: { users: [['1', 'ab    ']], t: [['x', '1.00'], ['ab', '2.00'], ['abc', '10']] }, // prettier-ignore
    });
    expect(plan(result)).toEqual({ users: ['0 delete'], t: ['0 delete', '1 delete'] });
  });

  test('of a polymorphic or JSON reference come only where it means this table', async () => {
    const json: JsonLink = {
      kind: 'json',
      column: 'detail',
      path: '$.who[*].id',
      to: { table: 'users', columns: ['id'] },
      canonical: 'exact',
      when: new Map([['type', 'User']]),
      follow: true,
    };
    const result = await run({
      tables: [USERS, table('log', { id: 'bigint!', type: 'text', detail: 'jsonb' })],
      rules: { users: linked([]), log: linked([json]) },
      rows: {
        users: [['1', 'a@x']],
        log: [
          ['1', 'User', '{"who":[{"id":9},{"id":1.0}]}'],
          ['2', 'User', '{"who":[{"id":"1"}]}'],
          ['3', 'Org', 'not JSON at all'],
          ['4', 'User', '{"who":{"id":1}}'],
          ['5', 'User', null],
        ],
      },
    });
    expect(plan(result)).toEqual({ users: ['0 delete'], log: ['0 delete', '1 delete'] });
  });

  test('lie in partitions, under the rule of their root', async () => {
    const partitioned = table('events', { id: 'bigint!', user_id: 'bigint' }, { partitioned: true });
    const leaf = (name: string) =>
      table(name, { id: 'bigint!', user_id: 'bigint' }, { partitionOf: 'events' });
    const notes = table('notes', { id: 'bigint!', event_id: 'bigint' });
    const result = await run({
      tables: [partitioned, leaf('events_1'), leaf('events_2'), notes, USERS],
      rules: {
        users: linked([]),
        events: linked([link('user_id', 'users.id')]),
        notes: linked([link('event_id', 'events.id')]),
      },
      rows: { users: [['1', null]], events_1: [['5', '2']], events_2: [['6', '1']], notes: [['1', '5'], ['2', '6']] }, // prettier-ignore
    });
    expect(plan(result)).toEqual({ users: ['0 delete'], events_2: ['0 delete'], notes: ['1 delete'] });
  });

  test('lead no further where the map says so, unless they came in otherwise too', async () => {
    const result = await run({
      tables: [
        USERS,
        table('messages', { id: 'bigint!', sender: 'bigint', reader: 'bigint' }),
        table('files', { id: 'bigint!', message: 'bigint' }),
      ],
      rules: {
        users: linked([]),
        messages: linked([
          link('sender', 'users.id'),
          link('reader', 'users.id', { follow: false, action: keep() }),
        ]),
        files: linked([link('message', 'messages.id')]),
      },
      rows: {
        users: [['1', null]],
        messages: [['1', '1', '2'], ['2', '2', '1'], ['3', '1', '1']], // prettier-ignore
        files: [['1', '1'], ['2', '2'], ['3', '3']], // prettier-ignore
      },
    });
    expect(plan(result)).toEqual({
      users: ['0 delete'],
      messages: ['0 delete', '1 keep', '2 delete'],
      files: ['0 delete', '2 delete'],
    });
  });
});

describe('what happens to a row', () => {
  test('is what the first link says; the columns that further ones set are set too', async () => {
    const messages = table('messages', { id: 'bigint!', sender: 'bigint', reader: 'bigint', body: 'text' });
    const result = await run({
      tables: [USERS, messages],
      rules: {
        users: linked([]),
        messages: linked([
          link('sender', 'users.id', { action: set({ sender: null, body: '[erased]' }) }),
          link('reader', 'users.id', { action: keep({ reader: null, body: 'kept' }) }),
        ]),
      },
      rows: { users: [['1', null]], messages: [['1', '1', '1', 'hi'], ['2', '2', '1', 'hi']] }, // prettier-ignore
    });
    const [both, read] = [...(result.affected.get('messages')?.values() ?? [])];
    expect(both?.reasons).toEqual([1, 2]);
    expect(both?.outcome).toEqual({
      do: 'set',
      values: new Map([['sender', null], ['body', '[erased]'], ['reader', null]]), // prettier-ignore
    });
    expect(read?.outcome).toEqual({
      do: 'keep',
      because: 'tax law',
      until: '7y',
      values: new Map([['reader', null], ['body', 'kept']]), // prettier-ignore
    });
    expect(result.counts.get('messages')).toEqual({ delete: 0, change: 2, keep: 0 });
  });

  test('happens to its large objects', async () => {
    const result = await run({
      tables: [USERS, table('files', { id: 'bigint!', user_id: 'bigint', data: 'oid' })],
      rules: { users: linked([]), files: linked([link('user_id', 'users.id')], DELETE, ['data']) },
      rows: { users: [['1', null]], files: [['1', '1', '4242'], ['2', '2', '4243'], ['3', '1', null]] }, // prettier-ignore
    });
    expect(result.largeObjects).toEqual(new Set(['4242']));
  });
});

describe('an erasure is refused when', () => {
  const problems = async (one: Case) => (await run(one)).problems.map(describeProblem);

  test('rows that stay would point at rows that go', async () => {
    const rows = { users: [['1', 'a@x']], orders: [['10', '1'], ['11', '2']] }; // prettier-ignore
    const refused = [
      '1 row of orders would stay and point at rows of users that go (foreign key fk_user_id)',
    ];
    const withRule = (rule: TableRule) =>
      problems({ tables: [USERS, ORDERS], rules: { users: linked([]), orders: rule }, rows });
    expect(await withRule(linked([link('user_id', 'users.id')], keep()))).toEqual(refused);
    expect(await withRule({ kind: 'no-personal-data' })).toEqual(refused);
    expect(await withRule(linked([link('user_id', 'users.id')], keep({ user_id: null })))).toEqual([]);
    expect(await withRule(linked([link('user_id', 'users.id')]))).toEqual([]);
  });

  test('rows that stay would lose the key that others point at', async () => {
    const users = table('users', { id: 'bigint!', email: 'text' }, { uniques: [['email']] });
    const key = { ...pointsAt('email', 'users'), referenced: ['email'] };
    const logins = table('logins', { id: 'bigint!', email: 'text' }, { foreignKeys: [key] });
    const rules = {
      users: linked([], set({ email: { pseudonym: true } })),
      logins: { kind: 'no-personal-data' } as const,
    };
    const rows = { users: [['1', 'a@x']], logins: [['1', 'a@x'], ['2', 'b@x']] }; // prettier-ignore
    expect(await problems({ tables: [users, logins], rules, rows })).toEqual([
      '1 row of logins would stay and point at rows of users that go (foreign key fk_email)',
    ]);
  });

  test('rows would be given to somebody who is not there, or goes', async () => {
    const rows = { users: [['1', 'a@x'], ['2', 'b@x']], orders: [['10', '1'], ['11', '1']] }; // prettier-ignore
    const giveTo = (user_id: Replacement) =>
      problems({
        tables: [USERS, ORDERS],
        rules: { users: linked([]), orders: linked([link('user_id', 'users.id')], set({ user_id })) },
        rows,
      });
    const refused = ['2 rows of orders would point at no row of users (foreign key fk_user_id)'];
    expect(await giveTo('2')).toEqual([]);
    expect(await giveTo('1')).toEqual([
      '2 rows of orders would be set to a user_id that leads to the subject again',
      ...refused,
    ]);
    expect(await giveTo('0')).toEqual(refused);
    expect(await giveTo({ pseudonym: true })).toEqual(refused);
  });

  test('rows would get a unique key that another row has, or no value where one must be', async () => {
    const users = table('users', { id: 'bigint!', email: 'text!', boss: 'bigint' }, { uniques: [['email']] });
    const withSet = (email: Replacement, rows: readonly (readonly Value[])[]) =>
      problems({
        tables: [users],
        rules: { users: linked([link('boss', 'users.id')], set({ email })) },
        rows: { users: rows },
      });
    const two = [['1', 'a@x', null], ['2', 'b@x', '1']]; // prettier-ignore
    expect(await withSet('gone', two)).toEqual(['2 rows of users would have the same email as another row']);
    expect(
      await withSet('gone', [
        ['1', 'a@x', null],
        ['2', 'gone', null],
      ]),
    ).toEqual([
      // prettier-ignore
      '1 row of users would have the same email as another row',
    ]);
    expect(await withSet({ pseudonym: true }, two)).toEqual([]);
    expect(await withSet(null, two)).toEqual(['2 rows of users would have no email, which must not be null']);
  });

  test('rows that stay get a value that leads to the subject again', async () => {
    const messages = table('messages', { id: 'bigint!', sender: 'bigint', reader: 'bigint', kind: 'text' });
    const withSet = (values: Record<string, Replacement>, kind = 'a') =>
      problems({
        tables: [messages, USERS],
        rules: {
          users: linked([]),
          messages: linked(
            [link('sender', 'users.id'), link('reader', 'users.id', { when: new Map([['kind', 'b']]) })],
            set(values),
          ),
        },
        rows: { users: [['1', 'a@x'], ['2', 'b@x']], messages: [['7', '1', '2', kind]] }, // prettier-ignore
      });
    expect(await withSet({ sender: '1' })).toEqual([
      '1 row of messages would be set to a sender that leads to the subject again',
    ]);
    expect(await withSet({ sender: '2' })).toEqual([]);
    expect(await withSet({ sender: null })).toEqual([]);
    expect(await withSet({ sender: null, reader: '1' })).toEqual([]);
    expect(await withSet({ sender: null, reader: '1' }, 'b')).toEqual([
      '1 row of messages would be set to a reader that leads to the subject again',
    ]);
    expect(await withSet({ sender: null, reader: '1', kind: 'b' })).toHaveLength(1);
  });

  test('the map says nothing about a table, or names a column that is not there', async () => {
    const rules = { users: linked([]) };
    await expect(run({ tables: [USERS, ORDERS], rules, rows: {} })).rejects.toMatchObject({
      code: 'SUBJECTS_UNCOVERED',
    });
    const wrong = { ...rules, orders: linked([link('customer', 'users.id')]) };
    await expect(run({ tables: [USERS, ORDERS], rules: wrong, rows: {} })).rejects.toMatchObject({
      code: 'SUBJECTS_COLUMN',
      message: 'table orders has no column customer, which the subject map names',
    });
  });
});

test('nothing is asked after a cancellation', async () => {
  const signal = AbortSignal.abort();
  const one = { tables: [USERS], rules: { users: linked([]) }, rows: { users: [['1', null]] }, signal };
  await expect(run(one)).rejects.toMatchObject({ code: 'CANCELLED' });
});
