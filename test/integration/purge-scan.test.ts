/**
 * Goal: a plan that scans says in which tables and columns somebody is still named after the purge, in whatever way it
 * is written and however many snapshots share it; nothing in plan or receipt says what stands there; and a row that loses
 * its link to them does not go on naming them.
 */
import { describe, expect, test } from 'vitest';
import { describeReceipt } from '../../src/purge/evidence/receipt.ts';
import { apply, customer, dumpOf, makeShop, plan } from './purge-kit.ts';
import type { Shop } from './purge-kit.ts';

const ADDRESS = 'Person42@example.org';

function write(shop: Shop, statement: string): void {
  shop.sql(statement);
}

/** Mentions in rows of others, in several writings. */
function plant(shop: Shop): void {
  const base64 = Buffer.from(`to: ${ADDRESS}; hello`).toString('base64');
  const wide = Buffer.from(ADDRESS, 'utf16le').toString('hex');
  write(
    shop,
    `UPDATE orders SET what = 'for PERSON42@EXAMPLE.ORG please' WHERE id = (SELECT min(id) FROM orders WHERE customer = 7);
     UPDATE orders SET what = '${base64}' WHERE id = (SELECT min(id) FROM orders WHERE customer = 8);
     UPDATE customers SET note = '{"friend":"person42%40example.org"}' WHERE id = 9;
     UPDATE events SET what = X'${wide}' WHERE id = (SELECT min(id) FROM events WHERE customer = 10);
     INSERT INTO countries VALUES ('person42@example.org');`,
  );
}

describe('a scan', () => {
  test('finds mentions in what stays, by table and column, once for all snapshots that share the row', async () => {
    const shop = await makeShop();
    plant(shop);
    await shop.day();
    write(shop, "INSERT INTO orders(customer, what) VALUES (11, 'late: Person42@example.org')");
    const last = await shop.day();

    const { report, plan: planned } = await plan(shop, [customer(42)], { scan: true });
    expect(report.problems).toEqual([]);
    expect(report.plan.scan).toMatchObject({
      values: 1,
      columns: ['email'],
      tooShort: ['id'],
      mentions: [
        { table: 'countries', column: 'code', rows: 1, own: 0, snapshots: 2 },
        { table: 'customers', column: 'note', rows: 1, own: 0, snapshots: 2 },
        { table: 'events', column: 'what', rows: 1, own: 0, snapshots: 2 },
        { table: 'orders', column: 'what', rows: 3, own: 0, snapshots: 2 },
      ],
    });
    const done = await apply(shop, planned);
    expect(done.receipt?.receipt).toMatchObject({
      scan: 'scanned',
      scanned: { mentions: report.plan.scan?.mentions },
    });
    expect(done.page).toContain('orders, column what: 3 rows in 2 snapshots');
    expect(done.page + JSON.stringify(done.receipt?.receipt)).not.toMatch(/person42/i);
    // What was said to stay is what stays.
    expect((await dumpOf(shop, last)).match(/person42@example\.org/gi)).toHaveLength(3);
  });

  test('says when nothing was looked for, and when nothing is long enough', async () => {
    const shop = await makeShop();
    await shop.day();
    const none = await plan(shop, [customer(42)]);
    expect(none.report.plan.scan).toBeUndefined();
    const map = `
version: 1
subject: customer
root: { table: customers, key: id }
tables:
  customers: { erase: delete }
  orders: { link: { customer: customers.id }, erase: delete }
  events: { link: { customer: customers.id }, erase: delete }
  countries: { no_personal_data: true }
`;
    const { report, plan: planned } = await plan(shop, [customer(42)], { scan: true, map });
    expect(report.plan.scan).toMatchObject({ values: 0, tooShort: ['id'], segments: 0, mentions: [] });
    const { receipt } = await apply(shop, planned);
    expect(receipt && describeReceipt(receipt)).toContain('too short to be looked for: id');
  });
});

describe('a row that loses its link and stays', () => {
  test('is refused at plan time when it names them in another column, with table and column', async () => {
    const shop = await makeShop();
    write(
      shop,
      `UPDATE events SET what = 'wrote to ${ADDRESS}' WHERE id = (SELECT min(id) FROM events WHERE customer = 42)`,
    );
    await shop.day();
    const { report, plan: planned } = await plan(shop, [customer(42)]);
    expect(report.problems).toEqual([expect.stringMatching(/events that stays .* column what/)]);
    // Whoever applies it all the same is stopped before anything counts.
    await expect(apply(shop, planned)).rejects.toMatchObject({
      code: 'PURGE_MENTION_LEFT',
      message: expect.stringContaining('events') as string,
    });
  });

  test('may name them where the map keeps it on a legal basis; the scan counts it as their own', async () => {
    const shop = await makeShop();
    await shop.day();
    const map = `
version: 1
subject: customer
root: { table: customers, key: id, lookup: { email: lower } }
tables:
  customers: { erase: delete }
  orders: { link: { customer: customers.id }, erase: delete }
  events: { link: { customer: customers.id }, keep: { because: tax law, until: 7y, set: { customer: null } } }
  countries: { no_personal_data: true }
`;
    const { report, plan: planned } = await plan(shop, [customer(42)], { scan: true, map });
    expect(report.problems).toEqual([]);
    expect(report.plan.scan?.mentions).toEqual([
      { table: 'events', column: 'who', rows: 20, own: 20, snapshots: 1 },
    ]);
    expect(await apply(shop, planned)).toMatchObject({ complete: true });
  });
});
