/** Goal: restoring a purged snapshot of PostgreSQL equals restoring the one of before and erasing by SQL, also in rows of many megabytes. */
import { expect, test } from 'vitest';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { usePostgres } from '../services/use.ts';
import { makeWorld } from '../services/world.ts';
import { load } from './pg-source-kit.ts';
import { apply, customer, dumpOf, plan } from './purge-kit.ts';

const MAP = `
version: 1
subject: customer
root: { table: public.customers, key: id, lookup: { email: lower } }
tables:
  public.customers: { erase: delete }
  public.orders: { link: { customer: public.customers.id }, erase: delete }
  public.files: { link: { owner: public.customers.id }, erase: { set: { owner: null, body: null } } }
  public.log: { json: { detail: $.customer }, erase: delete }
`;

const TABLES = ['customers', 'orders', 'files', 'log'];

test('as if it had been erased by SQL', { timeout: 180_000 }, async () => {
  const postgres = await usePostgres();
  const world = await makeWorld();
  const url = await postgres.createDatabase('purge');
  await load(
    url,
    `CREATE TABLE customers(id int PRIMARY KEY, email text NOT NULL);
     CREATE TABLE orders(id serial PRIMARY KEY, customer int NOT NULL REFERENCES customers, what text);
     CREATE TABLE files(id int PRIMARY KEY, owner int REFERENCES customers, body text);
     CREATE TABLE log(at int, detail jsonb);
     INSERT INTO customers SELECT n, 'Person' || n || '@example.org' FROM generate_series(1, 300) n;
     INSERT INTO orders(customer, what) SELECT 1 + n % 300, md5(n::text) FROM generate_series(1, 9000) n;
     INSERT INTO files VALUES (1, 41, repeat('a', 5000000)), (2, 42, repeat('b', 9000000)), (3, 43, repeat(E'c\\n', 2500000)), (4, 42, 'x');
     INSERT INTO log SELECT n, jsonb_build_object('customer', 1 + n % 300, 'text', md5(n::text)) FROM generate_series(1, 3000) n;`,
  );
  const source = postgresSource({ url });
  const first = (await world.backup({}, { source })).entry.snapshot;
  await load(url, "INSERT INTO orders(customer, what) VALUES (42, 'late'), (43, 'later')");
  const second = (await world.backup({}, { source })).entry.snapshot;
  const before = await Promise.all([first, second].map((id) => dumpOf(world, id)));

  const { plan: planned, report } = await plan(world, [customer(42)], { map: MAP });
  expect(report.problems).toEqual([]);
  expect(report.plan.snapshots[0]?.tables).toMatchObject({
    'public.customers': { delete: 1 },
    'public.orders': { delete: 30 },
    'public.files': { change: 2 },
    'public.log': { delete: 10 },
  });
  expect(await apply(world, planned)).toMatchObject({ complete: true, rewritten: 2 });

  for (const [index, id] of [first, second].entries()) {
    const [is, should] = [await postgres.createDatabase('is'), await postgres.createDatabase('should')];
    await load(is, await dumpOf(world, id));
    await load(should, before[index] ?? '');
    await load(
      should,
      `BEGIN; DELETE FROM log WHERE detail->>'customer' = '42'; DELETE FROM orders WHERE customer = 42;
       UPDATE files SET owner = NULL, body = NULL WHERE owner = 42; DELETE FROM customers WHERE id = 42; COMMIT`,
    );
    for (const table of TABLES) {
      const select = `SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM ${table} t`;
      expect(await postgres.psql(is, select), `${table} of ${id}`).toBe(await postgres.psql(should, select));
    }
  }
});
