/** Goal: whoever follows the recipe erase-a-customer has one customer less in every backup, and nobody else. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDatabase } from '../services/shop.ts';
import { codeBlocks, newMachine, PROJECT } from './recipes-kit.ts';
import { contentsOf } from './sqlite-kit.ts';

const RECIPE = join(PROJECT, 'recipes/erase-a-customer');

/** The shop as it is after the first night. */
async function firstNight(file: string): Promise<void> {
  const sql = await readFile(join(RECIPE, 'shop.sql'), 'utf8');
  withDatabase(file, (db) => db.exec(sql));
}

/** What the page's map says about customer 7, written down once more. */
const WITHOUT_7 = `
  DELETE FROM newsletter WHERE email LIKE 'person7@example.org';
  UPDATE events SET detail = NULL WHERE detail ->> '$.customer' = 7;
  UPDATE invoices SET customer_id = NULL, name = NULL WHERE customer_id = 7;
  DELETE FROM items WHERE order_id IN (SELECT id FROM orders WHERE customer_id = 7);
  DELETE FROM orders WHERE customer_id = 7;
  DELETE FROM customers WHERE id = 7;`;

test('recipe erase-a-customer: one customer is in no backup any more, and everybody else is', async () => {
  const machine = await newMachine();
  await machine.install(RECIPE, 'recipe');
  const page = await readFile(join(RECIPE, 'README.md'), 'utf8');
  const said = await machine.sh(codeBlocks(page, 'sh').join(''), machine.at('recipe'));

  expect(said).toContain('in 2 of 2 snapshots');
  expect(said).toContain('customers 1 deleted');
  expect(said).toContain('invoices 5 changed');
  expect(said).toContain('2 were written anew without them');
  expect(said).toContain('the store is as it says');
  expect(said).toMatch(/^shop: DONE [0-9a-f]{16} \(TICKET-7\): customer-[0-9a-f]{8}, /m);
  expect(said).toMatch(/^OK +shop: /m);
  expect(said).toContain('nobody like that in 3 snapshots');

  const expected = machine.at('srv/shop/expected.db');
  await firstNight(expected);
  withDatabase(expected, (db) => db.exec(WITHOUT_7));
  expect(contentsOf(machine.at('srv/shop/restored.db'))).toEqual(contentsOf(expected));

  for (const file of ['ticket-7.json', 'ticket-7.json.md']) {
    const text = await readFile(machine.at(`etc/holdfast/${file}`), 'utf8');
    expect(text).toContain('TICKET-7');
    expect(text).not.toMatch(/person7|Person No/i);
  }
  expect(await readFile(machine.at('media/usb/customer-7/subject.json'), 'utf8')).toContain(
    'person7@example.org',
  );
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);
});
