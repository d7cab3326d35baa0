/** The database that everybody backs up: a shop, generated inside the server, the same rows every time. */
import { fileURLToPath } from 'node:url';

import type { Server } from './postgres.ts';

/** Rows on day 1 at scale 1, which is about 700 MB of dump text. */
const ROWS = {
  users: 350_000,
  addresses: 420_000,
  products: 48_000,
  reviews: 260_000,
  orders: 950_000,
  order_items: 2_600_000,
  events: 1_350_000,
} as const;

type Table = keyof typeof ROWS;
const TABLES = Object.keys(ROWS) as readonly Table[];

/** Each day appends this share of every table's first rows … */
const APPENDED_A_DAY = 0.0045;
/** … and changes the newest orders, this share of all first rows: 0.5 % together. */
const CHANGED_A_DAY = 0.0005;

/** A database and how large it is: 1 is about 700 MB of dump text, 0.1 about 70 MB. */
export interface Dataset {
  readonly database: string;
  readonly scale: number;
}

/** Creates the database as it is on day 1. */
export async function createDataset(server: Server, { database, scale }: Dataset): Promise<void> {
  await server.sql('postgres', { text: `CREATE DATABASE ${database}` });
  await server.sql(database, { files: [sqlFile('schema')] });
  await appendRows(server, database, scale, 1);
  await server.sql(database, { files: [sqlFile('keys')] });
  await settle(server, database, scale, 1);
}

/**
 * Moves the database from day `day - 1` to `day`: rows appended to every table, the newest orders updated.
 *
 * @param day - 2 for the first next day
 */
export async function nextDay(server: Server, { database, scale }: Dataset, day: number): Promise<void> {
  const all = Object.values(rowsOn(scale, 1)).reduce((sum, rows) => sum + rows, 0);
  const variables = {
    day,
    orders_to: rowsOn(scale, day - 1).orders,
    orders_changed: Math.round(all * CHANGED_A_DAY),
  };
  await server.sql(database, { files: [sqlFile('newest-orders')], variables });
  await appendRows(server, database, scale, day);
  await settle(server, database, scale, day);
}

/** How many rows each table has on a day. */
export function rowsOn(scale: number, day: number): Readonly<Record<Table, number>> {
  const grown = (rows: number): number =>
    Math.round(rows * scale) + Math.round(rows * scale * APPENDED_A_DAY) * (day - 1);
  return Object.fromEntries(TABLES.map((table) => [table, day < 1 ? 0 : grown(ROWS[table])])) as Record<
    Table,
    number
  >;
}

/**
 * Compares a restored copy with what must be in it.
 *
 * @throws Error that names the first table with another number of rows
 */
export async function checkCopy(server: Server, copy: string, scale: number, day: number): Promise<void> {
  for (const [table, rows] of Object.entries(rowsOn(scale, day))) {
    const found = Number(await server.sql(copy, { text: `SELECT count(*) FROM public.${table}` }));
    if (found !== rows)
      throw new Error(`the copy ${copy} has ${found} rows in ${table}, and should have ${rows}`);
  }
}

/** Two sessions, one for each processor; each seeds its own random numbers, so the rows do not depend on timing. */
async function appendRows(server: Server, database: string, scale: number, day: number): Promise<void> {
  const variables = { ...bounds(scale, day), seed: day / 1000 };
  const fill = (name: string): Promise<string> =>
    server.sql(database, { files: [sqlFile('words'), sqlFile(name)], variables });
  if (day === 1) {
    await Promise.all([fill('people-and-products'), fill('orders-and-events')]);
  } else {
    // Foreign keys are in force now: people and products come first.
    await fill('people-and-products');
    await fill('orders-and-events');
  }
}

async function settle(server: Server, database: string, scale: number, day: number): Promise<void> {
  await server.sql(database, { files: [sqlFile('settle')], variables: bounds(scale, day) });
}

/** `users_from`, `users_to` and so on: first and last id of the rows that a day appends. */
function bounds(scale: number, day: number): Readonly<Record<string, number>> {
  const before = rowsOn(scale, day - 1);
  const after = rowsOn(scale, day);
  return Object.fromEntries(
    TABLES.flatMap((table) => [
      [`${table}_from`, before[table] + 1],
      [`${table}_to`, after[table]],
    ]),
  );
}

function sqlFile(name: string): string {
  return fileURLToPath(new URL(`sql/${name}.sql`, import.meta.url));
}
