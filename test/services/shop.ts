/** A small shop in SQLite that changes from day to day. */
import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

/** Makes the shop's tables in a database, with as many orders as said. */
export function openShop(path: string, orders = 2000): void {
  withDatabase(path, (db) => {
    db.exec('CREATE TABLE shop_customers(id INTEGER PRIMARY KEY, email TEXT NOT NULL)');
    db.exec(
      'CREATE TABLE shop_orders(id INTEGER PRIMARY KEY, customer INT REFERENCES shop_customers, note TEXT)',
    );
    const insert = db.prepare('INSERT INTO shop_customers(email) VALUES (?)');
    for (let i = 1; i <= 200; i++) insert.run(`person${i}@example.org`);
    addOrders(db, orders);
  });
}

/** Who is a customer of it. */
export const SHOP_MAP = `version: 1
subject: customer
root: { table: shop_customers, key: id, lookup: { email: lower } }
tables:
  shop_customers: { erase: delete }
  shop_orders: { link: { customer: shop_customers.id }, erase: delete }
`;

/** A day of business: new orders, a changed customer, a cancelled order. */
export function dayOfBusiness(path: string, orders = 50): void {
  withDatabase(path, (db) => {
    addOrders(db, orders);
    db.exec(`UPDATE shop_customers SET email = 'moved.' || email WHERE id = 1 + abs(random()) % 200`);
    db.exec('DELETE FROM shop_orders WHERE id = (SELECT max(id) - 7 FROM shop_orders)');
  });
}

/** Bytes that no compression makes smaller, so that packs of 8 MiB fill quickly. */
export function addBulk(path: string, mebibytes: number): void {
  withDatabase(path, (db) => {
    db.exec('CREATE TABLE IF NOT EXISTS shop_scans(id INTEGER PRIMARY KEY, image BLOB)');
    const insert = db.prepare('INSERT INTO shop_scans(image) VALUES (?)');
    for (let i = 0; i < mebibytes * 16; i++) insert.run(randomBytes(64 * 1024));
  });
}

/** Opens a database and does something in one transaction. */
export function withDatabase<T>(path: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA synchronous = OFF; BEGIN');
    const result = work(db);
    db.exec('COMMIT');
    return result;
  } finally {
    db.close();
  }
}

/** How many rows a table has. */
export function countIn(path: string, table: string): number {
  const sql = `SELECT count(*) AS n FROM "${table.replaceAll('"', '""')}"`;
  return withDatabase(path, (db) => Number(db.prepare(sql).get()?.['n']));
}

function addOrders(db: DatabaseSync, count: number): void {
  const insert = db.prepare('INSERT INTO shop_orders(customer, note) VALUES (?, ?)');
  for (let i = 0; i < count; i++) insert.run(1 + (i % 200), randomBytes(40).toString('base64'));
}
