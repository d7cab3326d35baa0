/** Goal: nobody who was erased comes back by a restore, in snapshots that no purge has reached; and what is unclear stops it. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { readPrivateKey } from '../../src/openpgp/keys.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, keysIn, makeHost, tamper } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { addCustomer, announce, customer, eventsOf, rowsOf, shopHost } from './suppression-kit.ts';
import { announceIn, configure, operatorSession, say } from './suppression-kit.ts';

/** What an erasure of a customer leaves of a database. */
function erase(path: string, id: number): Record<string, string[]> {
  withDatabase(path, (db) => {
    db.exec(`DELETE FROM a_lines WHERE order_id IN (SELECT id FROM orders WHERE customer = ${id});
      DELETE FROM orders WHERE customer = ${id}; DELETE FROM customers WHERE id = ${id};
      UPDATE invoices SET name = 'erased' WHERE customer = ${id};
      DELETE FROM newsletter WHERE mail = 'PERSON${id}@EXAMPLE.ORG'`);
  });
  return rowsOf(path);
}

async function restore(machine: Machine, args: readonly string[] = []): Promise<string> {
  const to = join(await tempFolder('restored'), 'shop.db');
  await machine.good(['restore', 'shop', '--to', to, ...args]);
  return to;
}

const CANARY = /canary-(order|line|name)-7\b|person7@/i;

describe('a snapshot that a purge has not reached', () => {
  test('restore and cat leave out all of the person and nothing else', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7, 'person7@example.org')]);
    const reader = await shop.host.reader();
    const restored = await restore(reader);
    const sql = await reader.good(['cat', 'shop']);
    const script = join(await tempFolder('sql'), 'shop.sql');
    await reader.good(['restore', 'shop', '--to', script]);
    expect(sql.stderr).toMatch(/left out whom 1 purge erased: 8 rows gone, 1 row changed/);
    expect(sql.stdout).not.toMatch(CANARY);
    const loaded = join(await tempFolder('loaded'), 'loaded.db');
    withScript(loaded, sql.stdout);
    const expected = erase(shop.path, 7);
    expect(rowsOf(restored)).toEqual(expected);
    expect(rowsOf(loaded)).toEqual(expected);
  });

  test('several purges, also of a person with whom another one shares nothing', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7, 'person7@example.org')]);
    await announce(shop, 'p2', [customer(9), customer(10)]);
    const restored = rowsOf(await restore(await shop.host.reader()));
    expect(restored['customers']).toHaveLength(17);
    expect(restored['a_lines']).toHaveLength(17 * 4);
    expect(JSON.stringify(restored)).not.toMatch(/canary-(order|line|name)-(7|9|10)\b/);
  });

  test('once the ledger says that the snapshot is clear of them, nobody is looked for', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7)]);
    await tamper(shop.host.place, async (store) => {
      const session = await operatorSession(store, shop.ops);
      await say(session, shop.ops, { type: 'amended', id: 'p1', amended: [], clear: [[shop.snapshot, 0]] });
    });
    const sql = await (await shop.host.reader()).good(['cat', 'shop']);
    expect(sql.stdout).toMatch(CANARY);
  });

  test('a host that knew of the purge: by the key alone, since an address may be taken again', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7, 'person7@example.org')]);
    withDatabase(shop.path, (db) => addCustomer(db, 70, 'person7@example.org'));
    await backUp(shop.host);
    const restored = rowsOf(await restore(await shop.host.reader()));
    expect(restored['customers']).toHaveLength(20);
    expect(JSON.stringify(restored)).toMatch(/canary-order-70/);
    expect(JSON.stringify(restored)).not.toMatch(/canary-order-7"/);
  });
});

describe('PostgreSQL, with foreign keys that are checked', () => {
  const map = `version: 1
subject: customer
root: { table: public.customers, key: id, lookup: { email: lower } }
tables:
  public.customers: { erase: delete }
  public.a_lines: { link: { order_id: public.orders.id }, erase: delete }
  public.orders: { link: { customer: public.customers.id }, erase: delete }
  public.events: { json: { detail: [$.who] }, erase: { set: { detail: null } } }
`;
  const CHECKSUM = `SELECT 'customers', count(*), sum(hashtext(c::text)::bigint) FROM customers c
    UNION ALL SELECT 'orders', count(*), sum(hashtext(o::text)::bigint) FROM orders o
    UNION ALL SELECT 'a_lines', count(*), sum(hashtext(l::text)::bigint) FROM a_lines l
    UNION ALL SELECT 'events', count(*), sum(hashtext(e::text)::bigint) FROM events e ORDER BY 1;`;

  test('many segments and several lanes: the same as the erasure as SQL', async () => {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase('shop');
    await postgres.psql(
      url,
      `CREATE TABLE customers(id int PRIMARY KEY, email text);
       CREATE TABLE orders(id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, note text);
       CREATE TABLE a_lines(order_id int NOT NULL REFERENCES orders, what text);
       CREATE TABLE events(detail jsonb);
       INSERT INTO customers SELECT g, 'p' || g || '@x.org' FROM generate_series(1, 2000) g;
       INSERT INTO orders SELECT g, 1 + g % 2000, repeat(md5(g::text), 4) FROM generate_series(1, 10000) g;
       INSERT INTO a_lines SELECT 1 + (g * 7) % 10000, md5(g::text) FROM generate_series(1, 30000) g;
       INSERT INTO events SELECT jsonb_build_object('who', 1 + g % 2000, 'n', g) FROM generate_series(1, 5000) g;`,
    );
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
      env: { SHOP_DATABASE_URL: url },
    });
    await writeFile(join(host.folder, 'map.yaml'), map);
    await configure(host.folder, 'subjects: map.yaml\n');
    const record = await backUp(host);
    expect(record.counts.segments).toBeGreaterThan(20);
    const ops = await readPrivateKey(host.opsKey, () => Promise.resolve(undefined));
    const source = postgresSource({ url, env: process.env });
    const gone = [3, 700, 1999];
    await announceIn({ host, ops }, 'p1', { map, source, subjects: gone.map((id) => customer(id)) });
    const to = await postgres.createDatabase('restored');
    const reader = await host.reader();
    await reader.good(['restore', 'shop', '--to', to, '--jobs', '2']);
    const ids = gone.join(', ');
    await postgres.psql(
      url,
      `DELETE FROM a_lines WHERE order_id IN (SELECT id FROM orders WHERE customer IN (${ids}));
       DELETE FROM orders WHERE customer IN (${ids}); DELETE FROM customers WHERE id IN (${ids});
       UPDATE events SET detail = NULL WHERE (detail->>'who')::int IN (${ids});`,
    );
    expect(await postgres.psql(to, CHECKSUM)).toBe(await postgres.psql(url, CHECKSUM));
  });
});

describe('what cannot be told stops a restore', () => {
  test('the suppression of a purge is gone; one who types its name goes on, and the ledger says so', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7)]);
    const [key] = (await keysIn(shop.host.place, 'keep-')).filter((name) => name.endsWith('p1.pgp'));
    await tamper(shop.host.place, (store) => store.remove([key ?? '']));
    const reader = await shop.host.reader();
    expectComplaint(await reader.run(['cat', 'shop']), {
      exit: 5,
      error: /purge p1 of set shop cannot be told/,
      hint: /--without-suppression p1/,
    });
    expectComplaint(await reader.run(['cat', 'shop', '--without-suppression', 'p2']), {
      exit: 2,
      error: /purge p2 leaves nobody out/,
      hint: /p1/,
    });
    const sql = await reader.good(['cat', 'shop', '--without-suppression', 'p1']);
    expect(sql.stdout).toMatch(CANARY);
    expect(sql.stderr).toMatch(/whom purge p1 erased is given out again/);
    expect(await eventsOf(shop)).toContainEqual(
      expect.objectContaining({
        type: 'suppression-override',
        purges: ['p1'],
        snapshot: shop.snapshot,
        without_ledger: false,
      }),
    );
  });

  test('a purge that never began, and was given up: nobody is stopped for ever', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7)]);
    // Its suppression is there, and the ledger has no line of it.
    await rm(join(shop.host.place.url.slice('file://'.length), 'ledger'), { recursive: true });
    const reader = await shop.host.reader();
    expectComplaint(await reader.run(['cat', 'shop']), {
      exit: 5,
      error: /of which the ledger does not know/,
      hint: /with them, when that purge was given up: --without-suppression p1/,
    });
    const sql = await reader.good(['cat', 'shop', '--without-suppression', 'p1']);
    expect(sql.stdout).toMatch(CANARY);
    expect(await eventsOf(shop)).toMatchObject([{ type: 'suppression-override', purges: ['p1'] }]);
  });

  test('another object in its place', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7)]);
    await announce(shop, 'p2', [customer(8)]);
    const keys = (await keysIn(shop.host.place, 'keep-')).filter((name) => /p\d\.pgp$/.test(name));
    await tamper(shop.host.place, async (store) => {
      await store.put(keys[0] ?? '', await store.get(keys[1] ?? ''));
    });
    expectComplaint(await (await shop.host.reader()).run(['cat', 'shop']), {
      exit: 5,
      error: /none of the objects is the one that the ledger names/,
      hint: /--without-suppression p1/,
    });
  });

  test('the ledger is gone: told by suppression that it does not know, and by what snapshots have seen', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7)]);
    const later = await shopHost();
    await announce(later, 'p1', [customer(7)]);
    await backUp(later.host);
    for (const [one, error] of [
      [shop, /suppression of purge p1, of which the ledger does not know/],
      [later, /line 1 of key-\w+ is gone/],
    ] as const) {
      await rm(join(one.host.place.url.slice('file://'.length), 'ledger'), { recursive: true });
      const reader = await one.host.reader();
      for (const name of ['shop', `shop@${one.snapshot}`]) {
        const refused = await reader.run(['cat', name]);
        expectComplaint(refused, { exit: one === shop ? 5 : 4, error, hint: /./ });
        expect(refused.stdout).toBe('');
      }
    }
  });

  test('without the ledger, for whoever types the name of the set: suppression that is there still counts', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7, 'person7@example.org')]);
    await backUp(shop.host);
    await rm(join(shop.host.place.url.slice('file://'.length), 'ledger'), { recursive: true });
    const reader = await shop.host.reader();
    expectComplaint(await reader.run(['cat', 'shop', '--without-ledger', 'shpo']), {
      exit: 2,
      error: /names shpo/,
      hint: /--without-ledger shop/,
    });
    const sql = await reader.good(['cat', 'shop', '--without-ledger', 'shop']);
    expect(sql.stdout).not.toMatch(CANARY);
    expect(sql.stdout).toMatch(/canary-order-8/);
    expect(await eventsOf(shop)).toMatchObject([
      { type: 'suppression-override', without_ledger: true, purges: [] },
    ]);
  });

  test('all of a set was erased: what was made before does not come back, what was made since does', async () => {
    const shop = await shopHost();
    await tamper(shop.host.place, async (store) => {
      const session = await operatorSession(store, shop.ops);
      const sha256 = '0'.repeat(64);
      const event = { type: 'purge-intent', id: 'all', subject: 'all', whole: true, plan: sha256 };
      await say(session, shop.ops, { ...event, snapshots: [] });
    });
    const reader = await shop.host.reader();
    expectComplaint(await reader.run(['cat', 'shop']), {
      exit: 7,
      error: /purge all has erased all that set shop had/,
      hint: /purge resume shop/,
    });
    await backUp(shop.host);
    await reader.good(['cat', 'shop']);
  });
});

describe('a backup of a database with somebody who was erased', () => {
  test('says so, by token, and not any more once they are gone', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7), customer(8)]);
    await announce(shop, 'p2', [customer(9), customer(10_000)]);
    const warned = await shop.host.good(['backup']);
    expect(warned.stderr).toMatch(/3 subjects whom purge p1, p2 erased are in the database/);
    for (const id of [7, 8, 9]) erase(shop.path, id);
    const quiet = await shop.host.good(['backup']);
    expect(quiet.stderr).not.toMatch(/purge/);
  });

  test('on_purged: refuse makes no snapshot of them', async () => {
    const shop = await shopHost('on_purged: refuse\n');
    await announce(shop, 'p1', [customer(7)]);
    const before = await keysIn(shop.host.place, 'keep-030/shop/snapshots/');
    expectComplaint(await shop.host.run(['backup']), {
      exit: 7,
      error: /holds 1 subject whom purge p1 has erased; no snapshot was made/,
      hint: /on_purged: warn/,
    });
    expect(await keysIn(shop.host.place, 'keep-030/shop/snapshots/')).toEqual(before);
    erase(shop.path, 7);
    await shop.host.good(['backup']);
  });

  test('tokens say nothing of the person, and are gone from no purge unnoticed', async () => {
    const shop = await shopHost();
    await announce(shop, 'p1', [customer(7, 'person7@example.org')]);
    const [key = ''] = (await keysIn(shop.host.place, 'keep-')).filter((name) => name.endsWith('p1.tokens'));
    await tamper(shop.host.place, async (store) => {
      expect((await store.get(key)).toString()).not.toMatch(/person7|"7"/);
      await store.remove([key]);
    });
    expect((await shop.host.good(['backup'])).stderr).toMatch(/whether people whom purge p1 erased/);
  });
});

function withScript(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}
