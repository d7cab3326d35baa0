/** The shop that the SQL engines hold, in words that all of them understand. */
import { createHash } from 'node:crypto';
import { ACCOUNTS } from './engine.contract.ts';
import type { Person } from './engine.subject.ts';

const CUSTOMERS = 200;
const ORDERS = 12_000;
const NEW_ORDERS = 50;
const PERSON = 7;
const MARK = `mark-of-${PERSON}-only`;

/** Tables and rows; about 1 MiB. */
export const SHOP = `
  CREATE TABLE customers (id int PRIMARY KEY, email varchar(60) NOT NULL UNIQUE, name varchar(60));
  CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, note text, FOREIGN KEY (customer) REFERENCES customers (id));
  CREATE TABLE settings (name varchar(60) PRIMARY KEY, value varchar(60));
  INSERT INTO settings VALUES ('currency', 'CAD'), ('quote', 'it''s "so"');
  ${inserts('customers', numbers(1, CUSTOMERS).map(customer))}
  ${inserts('orders', numbers(1, ORDERS).map(order))}`;

/** Orders of a day, the person's among them. */
export const A_DAY = inserts('orders', numbers(ORDERS + 1, NEW_ORDERS).map(order));

/** How the person is erased by hand. */
export const ERASURE = `DELETE FROM orders WHERE customer = ${PERSON}; DELETE FROM customers WHERE id = ${PERSON};`;

/** The person, where tables are called what `named` makes of their names. */
export function shopPerson(named: (table: string) => string, erase: () => Promise<void>): Person {
  return {
    map: `version: 1
subject: customer
root: { table: ${named('customers')}, key: id, lookup: { email: lower } }
tables:
  ${named('customers')}: { erase: delete }
  ${named('orders')}: { link: { customer: ${named('customers')}.id }, erase: delete }
  ${named('settings')}: { no_personal_data: true }
`,
    name: `email=${MARK.toUpperCase()}@example.org`,
    mark: MARK,
    erase,
  };
}

/** Two halves of a bank, something between them that takes time to read, and a journal with a column `amount`. */
export const BANK = `
  CREATE TABLE checking (id int PRIMARY KEY, amount int);
  CREATE TABLE filler (id int PRIMARY KEY, note varchar(200));
  CREATE TABLE savings (id int PRIMARY KEY, amount int);
  ${inserts(
    'checking',
    numbers(1, ACCOUNTS).map((id) => `${id}, 100`),
  )}
  ${inserts(
    'filler',
    numbers(1, 40_000).map((id) => `${id}, '${digest(id)}${digest(-id)}'`),
  )}
  ${inserts(
    'savings',
    numbers(1, ACCOUNTS).map((id) => `${id}, 100`),
  )}`;

/** One row: total, half, journal, transfers. */
export const BOOKS = `SELECT (SELECT sum(amount) FROM checking) + (SELECT sum(amount) FROM savings),
  (SELECT sum(amount) FROM checking), (SELECT coalesce(sum(amount), 0) FROM transfers) + ${ACCOUNTS * 100},
  (SELECT count(*) FROM transfers)`;

function customer(id: number): string {
  const who = id === PERSON ? MARK : `person${id}`;
  return `${id}, '${who}@example.org', 'Somebody ${id} ü'`;
}

function order(id: number): string {
  const owner = 1 + (id % CUSTOMERS);
  return `${id}, ${owner}, '${owner === PERSON ? MARK : 'note'} ${digest(id)} \\ "x"'`;
}

function inserts(table: string, rows: readonly string[]): string {
  const batches = numbers(0, Math.ceil(rows.length / 500)).map((at) => rows.slice(at * 500, at * 500 + 500));
  return batches
    .map((batch) => `INSERT INTO ${table} VALUES ${batch.map((row) => `(${row})`).join(', ')};`)
    .join('\n');
}

function digest(number: number): string {
  return createHash('md5').update(String(number)).digest('hex');
}

function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
