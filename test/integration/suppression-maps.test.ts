/** Goal: schemas go on after a purge, and restores of later snapshots do too, without anybody coming back. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp } from '../services/machines.ts';
import { withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { apply, customer as numbered, dumpOf, makeShop, MAP as SHOP_MAP, plan } from './purge-kit.ts';
import { announce, customer, MAP, shopHost } from './suppression-kit.ts';
import type { ShopHost } from './suppression-kit.ts';

const WITH_REVIEWS = `${MAP}  reviews: { link: { customer: customers.id }, erase: delete }\n`;

function addReviews({ path }: ShopHost): void {
  withDatabase(path, (db) =>
    db.exec(`CREATE TABLE reviews(id INTEGER PRIMARY KEY, customer INT NOT NULL, said TEXT);
      INSERT INTO reviews(customer, said) SELECT id, 'canary-review-' || id FROM customers`),
  );
}

const setMap = ({ host }: ShopHost, text: string) => writeFile(join(host.folder, 'map.yaml'), text);

test('a table that came after a purge: by the map that came with it', async () => {
  const shop = await shopHost();
  await announce(shop, 'p1', [customer(7, 'person7@example.org')]);
  addReviews(shop);
  await setMap(shop, WITH_REVIEWS);
  await announce(shop, 'p2', [customer(8)]);
  await backUp(shop.host);
  const { stdout } = await (await shop.host.reader()).good(['cat', 'shop']);
  expect(stdout).not.toMatch(/canary-(order|line|name|review)-[78]\b/);
  expect(stdout.match(/canary-review-/g)).toHaveLength(18);
});

test('a host that did not know of the purge: the map of the purge leads, the snapshot has the table that it lacks', async () => {
  const shop = await shopHost();
  addReviews(shop);
  // By this one, orders stay: the purge says otherwise.
  const kept = '  orders: { link: { customer: customers.id }, keep: { because: tax law } }';
  await setMap(shop, WITH_REVIEWS.replace(/^ {2}orders: .*$/m, kept));
  await backUp(shop.host);
  await announce(shop, 'p1', [customer(7)]);
  const { stdout } = await (await shop.host.reader()).good(['cat', 'shop']);
  expect(stdout).not.toMatch(/canary-(order|line|name|review)-7\b/);
  expect(stdout).toMatch(/canary-review-9/);
});

test('no map says anything of a table: it stops with its name, until the map of today does', async () => {
  const shop = await shopHost();
  await announce(shop, 'p1', [customer(7)]);
  addReviews(shop);
  await backUp(shop.host);
  const reader = await shop.host.reader();
  const refused = await reader.run(['cat', 'shop']);
  expectComplaint(refused, {
    exit: 5,
    error: /erased cannot be left out of snapshot \S+: no subject map says what to do with table reviews/,
    hint: /Add reviews to the set's subject map/,
  });
  expect(refused.stdout).toBe('');
  await writeFile(join(reader.folder, 'map.yaml'), WITH_REVIEWS);
  expect((await reader.good(['cat', 'shop'])).stdout).not.toMatch(/canary-(order|review)-7\b/);
});

test('a column that is gone since, and a map that has become one of something else', async () => {
  const shop = await shopHost();
  await announce(shop, 'p1', [customer(7)]);
  withDatabase(shop.path, (db) => db.exec('ALTER TABLE invoices DROP COLUMN name'));
  await setMap(shop, MAP.replace(', set: { name: erased }', ''));
  await backUp(shop.host);
  const reader = await shop.host.reader();
  expect((await reader.good(['cat', 'shop'])).stdout).not.toMatch(/canary-(order|line)-7\b/);
  const tenants = `version: 1
subject: order
root: { table: orders, key: id }
tables:
  orders: { erase: delete }
  a_lines: { link: { order_id: orders.id }, erase: delete }
  customers: { no_personal_data: true }
  invoices: { no_personal_data: true }
  newsletter: { no_personal_data: true }
  products: { no_personal_data: true }
`;
  await setMap(shop, tenants);
  await backUp(shop.host);
  // Its keys are other people's: nobody may be looked for by them.
  expectComplaint(await reader.run(['cat', 'shop']), {
    exit: 5,
    error: /table invoices/,
    hint: /--without-suppression p1/,
  });
});

test(
  'a purge that meets a snapshot with a new table goes by the map in there',
  { timeout: 60_000 },
  async () => {
    const shop = await makeShop();
    await shop.day();
    const { plan: planned } = await plan(shop, [numbered(42)]);
    const text = `${SHOP_MAP}  reviews: { link: { customer: customers.id }, erase: delete }\n`;
    let late = '';
    const done = await apply(shop, planned, {
      putSuppression: async () => {
        shop.sql(`CREATE TABLE reviews(id INTEGER PRIMARY KEY, customer INTEGER, said TEXT);
        INSERT INTO reviews(customer, said) SELECT id, 'review ' || id || '!' FROM customers`);
        late = await shop.day({
          session: await shop.reopen(await tempFolder('other')),
          writer: 'db2',
          subjects: parseSubjectMap(text, 'map.yaml'),
        });
        return undefined;
      },
    });
    expect(done).toMatchObject({ complete: true, rewritten: 2 });
    const dump = await dumpOf(shop, late);
    expect(dump).not.toMatch(/Person42@|review 42!/);
    expect(dump).toMatch(/review 43!/);
  },
);
