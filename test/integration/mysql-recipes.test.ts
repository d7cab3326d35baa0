/** Goal: whoever types what the recipes for MariaDB say has a database that comes back, and can erase a user of WordPress. */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { useMariadb } from '../services/use.ts';
import { mariadbDump } from './mysql-kit.ts';
import { readersDatabase, writeOptionFile } from './mysql-recipes-kit.ts';
import { codeBlocks, newMachine, PROJECT } from './recipes-kit.ts';

const SHOP = `
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(99) UNIQUE, about JSON);
  CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, cents INT, note TEXT, FOREIGN KEY (user_id) REFERENCES users (id));
  CREATE VIEW revenue AS SELECT user_id, SUM(cents) AS cents FROM orders GROUP BY user_id;
  INSERT INTO users SELECT seq, CONCAT('u', seq, '@example.com'), JSON_OBJECT('n', seq) FROM seq_1_to_3000;
  INSERT INTO orders SELECT seq, 1 + seq % 3000, seq % 977, CONCAT('tab\\tline\\nü', seq) FROM seq_1_to_20000;`;

function pageOf(recipe: string): Promise<string> {
  return readFile(join(PROJECT, 'recipes', recipe, 'README.md'), 'utf8');
}

test('recipe mariadb-daily: backs up every night and comes back', async () => {
  const mariadb = await useMariadb();
  const shop = await readersDatabase(mariadb, 'shop');
  await mariadb.sql(shop.original, SHOP);
  const machine = await newMachine(shop.replacements);
  const page = await pageOf('mariadb-daily');
  for (const sql of codeBlocks(page, 'sql')) await mariadb.sql(shop.original, machine.fit(sql));
  await machine.install(join(PROJECT, 'recipes/mariadb-daily'), 'recipe');
  const [first = '', ...rest] = codeBlocks(page, 'sh');
  await machine.sh([first, 'cp holdfast.yaml by-init.yaml\n', ...rest].join(''), machine.at('recipe'));

  expect(await mariadbDump(mariadb, shop.restored)).toBe(await mariadbDump(mariadb, shop.original));
  const load = (name: string) => loadConfig(machine.at(`etc/holdfast/${name}`), {});
  const [own, byInit] = await Promise.all([load('holdfast.yaml'), load('by-init.yaml')]);
  expect({ ...own, file: '', promises: {} }).toEqual({ ...byInit, file: '', promises: {} });
  await rename(machine.at('media/usb/ops.key'), machine.at('ops.key'));
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);
});

/** What the page's table says about user 7, Ana, written down once more in another way. */
const WITHOUT_ANA = `
  DELETE FROM wp_users WHERE ID = 7;
  DELETE FROM wp_usermeta WHERE user_id = 7;
  DELETE FROM wp_posts WHERE ID = 15;
  DELETE FROM wp_postmeta WHERE post_id = 15 OR (meta_key = '_edit_last' AND meta_value = '7');
  UPDATE wp_posts SET post_author = 0 WHERE post_author = 7;
  UPDATE wp_posts SET post_excerpt = '', post_password = '' WHERE ID IN (101, 102, 104);
  DELETE FROM wp_postmeta WHERE post_id IN (101, 102, 104)
    AND meta_key NOT IN ('_order_total', '_order_tax', '_order_currency', '_billing_country', '_refund_amount');
  DELETE FROM wp_comments WHERE comment_ID IN (5, 6);
  DELETE FROM wp_commentmeta WHERE meta_key IN ('akismet_as_submitted', 'verified', 'is_customer_note');
  UPDATE wp_comments SET comment_author = 'Anonymous', comment_author_email = '', comment_author_url = '', comment_author_IP = '',
    comment_agent = '', user_id = 0 WHERE comment_ID IN (1, 3, 4);
  UPDATE wp_links SET link_owner = 0 WHERE link_owner = 7;
  UPDATE wp_wc_orders SET customer_id = 0, billing_email = NULL, ip_address = NULL, user_agent = NULL, customer_note = NULL
    WHERE id IN (201, 202, 204);
  UPDATE wp_wc_order_addresses SET first_name = NULL, last_name = NULL, company = NULL, address_1 = NULL, address_2 = NULL,
    city = NULL, postcode = NULL, email = NULL, phone = NULL WHERE order_id IN (201, 204);
  UPDATE wp_wc_order_operational_data SET order_key = NULL, cart_hash = NULL WHERE order_id IN (201, 204);
  DELETE FROM wp_wc_orders_meta WHERE order_id IN (201, 202, 204);
  DELETE FROM wp_woocommerce_order_itemmeta WHERE order_item_id IN (1, 3) AND meta_key = 'Engraving';
  DELETE FROM wp_woocommerce_downloadable_product_permissions WHERE permission_id IN (1, 3);
  DELETE FROM wp_woocommerce_sessions WHERE session_key = '7';
  DELETE FROM wp_woocommerce_payment_tokens WHERE token_id = 1;
  DELETE FROM wp_woocommerce_payment_tokenmeta WHERE payment_token_id = 1;
  DELETE FROM wp_wc_customer_lookup WHERE customer_id IN (1, 3);
  UPDATE wp_wc_order_stats SET customer_id = 0 WHERE customer_id IN (1, 3);
  UPDATE wp_wc_order_product_lookup SET customer_id = NULL WHERE customer_id IN (1, 3);`;

async function fillSite(mariadb: MariadbAccess, url: string, ...parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    await mariadb.sql(url, await readFile(join(PROJECT, 'test/services/wordpress', `${part}.sql`), 'utf8'));
  }
}

test('recipe wordpress: one user is in no backup and not in the site, orders stay for the tax office', async () => {
  const mariadb = await useMariadb();
  const site = await readersDatabase(mariadb, 'wordpress');
  await fillSite(mariadb, site.original, 'wordpress', 'woocommerce', 'people');
  const machine = await newMachine(site.replacements);
  await writeOptionFile(machine, mariadb);
  const page = await pageOf('wordpress');
  for (const sql of codeBlocks(page, 'sql')) await mariadb.sql(site.original, machine.fit(sql));
  await machine.install(join(PROJECT, 'recipes/wordpress'), 'recipe');
  const said = await machine.sh(codeBlocks(page, 'sh').join(''), machine.at('recipe'));

  expect(said).toContain('in 2 of 2 snapshots');
  expect(said).toMatch(/^site: DONE [0-9a-f]{16} \(TICKET-7\): user-[0-9a-f]{8}, /m);
  const expected = await mariadb.createDatabase('expected');
  await fillSite(mariadb, expected, 'wordpress', 'woocommerce', 'people');
  await mariadb.sql(expected, WITHOUT_ANA);
  const wanted = await mariadbDump(mariadb, expected);
  expect(await mariadbDump(mariadb, site.restored)).toBe(wanted);
  expect(await mariadbDump(mariadb, site.original)).toBe(wanted);
  expect(wanted).not.toMatch(/ana@example|Novák|Dlouhá|For Ana|192\.0\.2\.7|a101/i);
  const receipt = await readFile(machine.at('etc/holdfast/ticket-7.json.md'), 'utf8');
  expect(receipt).toContain('tax law');
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);
});

test('recipe wordpress: the map without its part for WooCommerce fits a site without it', async () => {
  const mariadb = await useMariadb();
  const site = await readersDatabase(mariadb, 'wordpress');
  await fillSite(mariadb, site.original, 'wordpress');
  const machine = await newMachine(site.replacements);
  const page = await pageOf('wordpress');
  for (const sql of codeBlocks(page, 'sql')) await mariadb.sql(site.original, machine.fit(sql));
  await machine.install(join(PROJECT, 'recipes/wordpress'), 'recipe');
  const [, cut = ''] = /^- Without WooCommerce: `(.*)`\.$/m.exec(page) ?? [];
  const [setUp = ''] = codeBlocks(page, 'sh');
  const commands = setUp.replace('holdfast subjects check', `${cut}\nholdfast subjects check`);
  expect(commands).toContain('sed');
  const said = await machine.sh(commands, machine.at('recipe'));
  expect(said).toContain('site: 12 tables, 0 problems, 0 warnings');
});
