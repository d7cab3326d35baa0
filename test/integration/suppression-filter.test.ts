/** Goal: with `on_purged: filter` a backup has all of the database but those who were erased, on a host that can open nothing. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { readPrivateKey } from '../../src/openpgp/keys.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import type { Source } from '../../src/sources/source.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, keysIn, makeHost } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { customer as numbered, dumpOf, makeShop, MAP as SHOP_MAP, rowsIn } from './purge-kit.ts';
import {
  announce,
  announceIn,
  announceInWorld,
  configure,
  customer,
  MAP,
  rowsOf,
  shopHost,
} from './suppression-kit.ts';

/** What is in the newest snapshot itself, whoever was erased: purges are overridden. */
async function raw(machine: Machine, ...purges: string[]): Promise<string> {
  const overrides = purges.flatMap((purge) => ['--without-suppression', purge]);
  return (await machine.good(['cat', 'shop', ...overrides])).stdout;
}

test('rows that go, and rows that change, along every link: a restore finds nothing to leave out', async () => {
  const shop = await shopHost('on_purged: filter\n');
  await announce(shop, 'p1', [customer(7), customer(8)]);
  const warned = await shop.host.good(['backup']);
  expect(warned.stderr).toMatch(
    /2 subjects whom purge p1 erased are in the database; the snapshot is without them: 16 rows left out, 2 changed/,
  );
  const reader = await shop.host.reader();
  const text = await raw(reader, 'p1');
  expect(text).not.toMatch(/canary-(order|line|name)-[78]\b|person[78]@/i);
  expect(text.match(/canary-order-/g)).toHaveLength(18 * 2);
  const to = join(await tempFolder('restored'), 'shop.db');
  await reader.good(['restore', 'shop', '--to', to]);
  withDatabase(shop.path, (db) =>
    db.exec(`DELETE FROM a_lines WHERE order_id IN (SELECT id FROM orders WHERE customer IN (7, 8));
      DELETE FROM orders WHERE customer IN (7, 8); DELETE FROM customers WHERE id IN (7, 8);
      UPDATE invoices SET name = 'erased' WHERE customer IN (7, 8);
      DELETE FROM newsletter WHERE mail IN ('PERSON7@EXAMPLE.ORG', 'PERSON8@EXAMPLE.ORG')`),
  );
  expect(rowsOf(to)).toEqual(rowsOf(shop.path));
  // Nobody is in it any more: one reading, and not a word.
  expect((await shop.host.good(['backup'])).stderr).not.toMatch(/purge/);
});

test('where leaving them out would break what stays, there is no snapshot', async () => {
  const shop = await shopHost('on_purged: filter\n');
  withDatabase(shop.path, (db) =>
    db.exec('CREATE TABLE reviews(id INTEGER PRIMARY KEY, customer INT NOT NULL REFERENCES customers)'),
  );
  withDatabase(shop.path, (db) => db.exec('INSERT INTO reviews VALUES (1, 7)'));
  await writeFile(join(shop.host.folder, 'map.yaml'), `${MAP}  reviews: { no_personal_data: true }\n`);
  await announce(shop, 'p1', [customer(7)]);
  const before = await keysIn(shop.host.place, 'keep-030/shop/snapshots/');
  expectComplaint(await shop.host.run(['backup']), {
    exit: 7,
    error:
      /cannot be left out of its backup: 1 row of reviews would stay and point at rows of customers that go/,
    hint: /on_purged: warn/,
  });
  expect(await keysIn(shop.host.place, 'keep-030/shop/snapshots/')).toEqual(before);
  // A table that the map does not cover: nobody can tell whose rows are in it.
  await writeFile(join(shop.host.folder, 'map.yaml'), MAP);
  expectComplaint(await shop.host.run(['backup']), {
    exit: 7,
    error: /nothing about table reviews/,
    hint: /./,
  });
});

test('a map is needed, and said so with the place', async () => {
  const shop = await shopHost('on_purged: filter\n');
  const config = join(shop.host.folder, 'holdfast.yaml');
  await writeFile(config, (await readFile(config, 'utf8')).replace('    subjects: map.yaml\n', ''));
  expectComplaint(await shop.host.run(['backup']), {
    exit: 2,
    error: /on_purged|'filter' needs subjects/,
    hint: /./,
  });
});

describe('a database that changes between the readings', () => {
  const isIn = (dump: string, id: number) =>
    dump.includes(`Person${id}@example.org`) || new RegExp(`"orders"\\S* VALUES\\(\\d+,${id},`).test(dump);

  /** Changes that come before a dump, by its number. */
  const changes = fc.array(
    fc.array(
      fc.record({
        what: fc.constantFrom('orders', 'leaves', 'comes', 'moves'),
        id: fc.constantFrom(3, 4, 5),
      }),
      { maxLength: 3 },
    ),
    { maxLength: 6 },
  );

  test.prop([changes], { numRuns: 8 })(
    'whoever was erased is left out, whatever comes meanwhile, and nobody else',
    async (days) => {
      const shop = await makeShop();
      await shop.day();
      await announceInWorld(
        shop,
        'p1',
        [3, 4].map((id) => numbered(id)),
        shop.database,
      );
      let dumps = 0;
      const source = sqliteSource({ path: shop.database, scratch: await tempFolder('scratch') });
      const changing: Source = {
        ...source,
        dump: async (signal) => {
          for (const { what, id } of days[dumps] ?? []) shop.sql(SQL[what](id));
          dumps += 1;
          return source.dump(signal);
        },
      };
      const subjects = parseSubjectMap(SHOP_MAP, 'map.yaml');
      const id = await shop.day({ source: changing, subjects, onPurged: 'filter' });
      const dump = await dumpOf(shop, id);
      for (const gone of [3, 4]) expect(isIn(dump, gone)).toBe(false);
      const there = rowsIn(shop.database, 'SELECT count(*) AS n FROM orders WHERE customer NOT IN (3, 4)');
      expect(dump.match(/^INSERT INTO "orders"/gm)).toHaveLength(Number(there[0]?.['n']));
      expect(dump).toMatch(/Person6@example\.org/);
    },
    120_000,
  );

  const SQL: Record<'orders' | 'leaves' | 'comes' | 'moves', (id: number) => string> = {
    orders: (id) => `INSERT INTO orders(customer, what) SELECT ${id}, 'late' FROM customers WHERE id = ${id}`,
    leaves: (id) =>
      `DELETE FROM orders WHERE customer = ${id}; DELETE FROM events WHERE customer = ${id}; DELETE FROM customers WHERE id = ${id}`,
    comes: (id) =>
      `INSERT OR IGNORE INTO customers VALUES (${id}, 'Person${id}@example.org', 'again'); INSERT INTO orders(customer, what) VALUES (${id}, 'again')`,
    moves: (id) =>
      `UPDATE orders SET customer = ${id} WHERE id IN (SELECT id FROM orders WHERE customer = 6 LIMIT 2) AND EXISTS (SELECT 1 FROM customers WHERE id = ${id})`,
  };
});

describe('PostgreSQL', () => {
  const map = `version: 1
subject: customer
root: { table: public.customers, key: id, lookup: { email: lower } }
tables:
  public.customers: { erase: delete }
  public.a_lines: { link: { order_id: public.orders.id }, erase: delete }
  public.orders: { link: { customer: public.customers.id }, erase: delete }
  public.events: { json: { detail: [$.who] }, erase: { set: { detail: null, who: { pseudonym: true } } } }
`;
  test('several lanes, json paths, pseudonyms', async () => {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase('shop');
    await postgres.psql(
      url,
      `CREATE TABLE customers(id int PRIMARY KEY, email text);
       CREATE TABLE orders(id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, note text);
       CREATE TABLE a_lines(order_id int NOT NULL REFERENCES orders, what text);
       CREATE TABLE events(who text UNIQUE, detail jsonb);
       INSERT INTO customers SELECT g, 'p' || g || '@x.org' FROM generate_series(1, 2000) g;
       INSERT INTO orders SELECT g, 1 + g % 2000, repeat(md5(g::text), 4) FROM generate_series(1, 10000) g;
       INSERT INTO a_lines SELECT 1 + (g * 7) % 10000, md5(g::text) FROM generate_series(1, 30000) g;
       INSERT INTO events SELECT 'e' || g, jsonb_build_object('who', 1 + g % 2000) FROM generate_series(1, 5000) g;`,
    );
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
      env: { SHOP_DATABASE_URL: url },
    });
    await writeFile(join(host.folder, 'map.yaml'), map);
    await configure(host.folder, 'subjects: map.yaml\non_purged: filter\n');
    await backUp(host);
    const ops = await readPrivateKey(host.opsKey, () => Promise.resolve(undefined));
    const source = postgresSource({ url, env: process.env });
    await announceIn({ host, ops }, 'p1', { map, source, subjects: [3, 700].map((id) => customer(id)) });
    expect((await host.good(['backup'])).stderr).toMatch(/without them: 42 rows left out, 6 changed/);
    const to = await postgres.createDatabase('restored');
    const reader = await host.reader();
    await reader.good(['restore', 'shop', '--to', to, '--without-suppression', 'p1']);
    await postgres.psql(
      url,
      `DELETE FROM a_lines WHERE order_id IN (SELECT id FROM orders WHERE customer IN (3, 700));
       DELETE FROM orders WHERE customer IN (3, 700); DELETE FROM customers WHERE id IN (3, 700);
       UPDATE events SET detail = NULL WHERE (detail->>'who')::int IN (3, 700);`,
    );
    const SUM = `SELECT 'customers', count(*), sum(hashtext(c::text)::bigint) FROM customers c
      UNION ALL SELECT 'orders', count(*), sum(hashtext(o::text)::bigint) FROM orders o
      UNION ALL SELECT 'a_lines', count(*), sum(hashtext(l::text)::bigint) FROM a_lines l
      UNION ALL SELECT 'events', count(*), sum(hashtext(e::text)::bigint) FROM events e WHERE detail IS NOT NULL ORDER BY 1;`;
    expect(await postgres.psql(to, SUM)).toBe(await postgres.psql(url, SUM));
    const ERASED = `SELECT count(*), count(DISTINCT who) FROM events WHERE detail IS NULL AND who LIKE 'erased-%'`;
    expect((await postgres.psql(to, ERASED)).trim()).toBe('6|6');
  });
});
