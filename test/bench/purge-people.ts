/** Whom the benchmark erases: found in the database itself, so that their rows lie where they happen to lie. */
import type { Server } from './postgres.ts';

export interface Person {
  readonly id: string;
  /** In all tables. */
  readonly rows: number;
}

/** In this shop orders go to any address: whoever has one that others' orders need cannot go without those. */
const CAN_GO = `NOT EXISTS (
    SELECT FROM addresses own JOIN orders other ON other.address_id = own.id
    WHERE own.user_id = u.id AND other.user_id <> u.id
  )`;

/** Rows of each customer, by table; reviews make a sixth table, so whoever has one is not asked. */
const ROWS = `
  SELECT u.id, 1 + coalesce(a.n, 0) + coalesce(o.n, 0) + coalesce(o.items, 0) + coalesce(e.n, 0) AS rows
  FROM users u
  JOIN (SELECT user_id, count(*) n FROM addresses GROUP BY 1) a ON a.user_id = u.id
  JOIN (
    SELECT user_id, count(*) n, sum(items) items
    FROM orders JOIN (SELECT order_id, count(*) items FROM order_items GROUP BY 1) i ON i.order_id = orders.id GROUP BY 1
  ) o ON o.user_id = u.id
  JOIN (SELECT user_id, count(*) n FROM events WHERE user_id IS NOT NULL GROUP BY 1) e ON e.user_id = u.id
  WHERE NOT EXISTS (SELECT FROM reviews r WHERE r.user_id = u.id) AND ${CAN_GO}`;

/** The customer whose rows are as near to this number as can be, in five tables. */
export async function personWith(server: Server, database: string, rows: number): Promise<Person> {
  const text = `SELECT id, rows FROM (${ROWS}) AS r ORDER BY abs(rows - ${rows}), id LIMIT 1`;
  const [id = '', found = ''] = (await server.sql(database, { text })).trim().split('|');
  if (id === '') throw new Error('the database has nobody with rows in five tables');
  return { id, rows: Number(found) };
}

/** Customers as they come: spread over all of them. */
export async function people(server: Server, database: string, count: number): Promise<readonly string[]> {
  const text = `SELECT id FROM users u WHERE ${CAN_GO} ORDER BY md5(id::text) LIMIT ${count}`;
  return (await server.sql(database, { text })).trim().split('\n');
}

/** What the naive way has to know beforehand: a person's orders, by which the lines of orders are told. */
export async function ordersOf(server: Server, database: string, id: string): Promise<string> {
  const text = `SELECT coalesce(string_agg(id::text, ' '), '') FROM orders WHERE user_id = ${id}`;
  return (await server.sql(database, { text })).trim();
}
