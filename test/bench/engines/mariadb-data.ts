/** The shop in MariaDB: the same rows every time, loaded through the client. */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import type { Environment } from '../processes.ts';
import { PIPELINES } from './engine.ts';
import { Random } from './random.ts';

/** Rows on day 1 at scale 1, which is about 500 MB of dump text. */
const ROWS = {
  users: 360_000,
  orders: 880_000,
  order_items: 2_500_000,
  events: 1_250_000,
  reviews: 330_000,
} as const;

export type Table = keyof typeof ROWS;
export const TABLES = Object.keys(ROWS) as readonly Table[];

/** Each day appends this share of every table's first rows … */
const APPENDED_A_DAY = 0.0045;
/** … and changes the newest orders, this share of all first rows: 0.5 % together. */
const CHANGED_A_DAY = 0.0005;

const START_MS = Date.UTC(2021, 0, 1);

export const SCHEMA = `
  CREATE TABLE users (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, email VARCHAR(120) NOT NULL, name VARCHAR(80) NOT NULL,
    password_hash CHAR(60) NOT NULL, phone VARCHAR(30), profile JSON NOT NULL, created_at DATETIME NOT NULL,
    UNIQUE KEY email (email)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
  CREATE TABLE orders (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, number CHAR(13) NOT NULL, user_id INT UNSIGNED NOT NULL,
    status ENUM('cart','paid','packed','shipped','delivered','returned') NOT NULL, total DECIMAL(10,2) NOT NULL,
    currency CHAR(3) NOT NULL, note TEXT, placed_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
    UNIQUE KEY number (number), KEY placed (placed_at),
    CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
  CREATE TABLE order_items (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, order_id INT UNSIGNED NOT NULL,
    product INT UNSIGNED NOT NULL, quantity SMALLINT NOT NULL, unit_price DECIMAL(10,2) NOT NULL, tax DECIMAL(10,2) NOT NULL,
    KEY product (product), CONSTRAINT items_order FOREIGN KEY (order_id) REFERENCES orders (id)) ENGINE=InnoDB;
  CREATE TABLE events (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, user_id INT UNSIGNED, session BINARY(16) NOT NULL,
    kind VARCHAR(40) NOT NULL, payload JSON NOT NULL, at DATETIME NOT NULL, KEY user (user_id, at)) ENGINE=InnoDB
    DEFAULT CHARSET=utf8mb4;
  CREATE TABLE reviews (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, product INT UNSIGNED NOT NULL, user_id INT UNSIGNED NOT NULL,
    rating TINYINT NOT NULL, title VARCHAR(120) NOT NULL, body TEXT NOT NULL, created_at DATETIME NOT NULL,
    KEY product (product), CONSTRAINT reviews_user FOREIGN KEY (user_id) REFERENCES users (id)) ENGINE=InnoDB
    DEFAULT CHARSET=utf8mb4;`;

/** How many rows each table has on a day. */
export function rowsOn(scale: number, day: number): Readonly<Record<Table, number>> {
  const grown = (rows: number): number =>
    Math.round(rows * scale) + Math.round(rows * scale * APPENDED_A_DAY) * (day - 1);
  return Object.fromEntries(TABLES.map((table) => [table, day < 1 ? 0 : grown(ROWS[table])])) as Record<
    Table,
    number
  >;
}

/** What a day changes in rows that were there. */
export function changesOf(scale: number, day: number): string {
  const all = Object.values(rowsOn(scale, 1)).reduce((sum, rows) => sum + rows, 0);
  const { orders } = rowsOn(scale, day - 1);
  const from = orders - Math.round(all * CHANGED_A_DAY);
  return `UPDATE orders SET status = 'returned', updated_at = updated_at + INTERVAL 3 DAY WHERE id > ${String(from)};`;
}

export interface Loading {
  /** An option file with host, user and password. */
  readonly login: string;
  readonly database: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/** Appends the rows of one day to every table. */
export async function appendRows(loading: Loading, scale: number, day: number): Promise<void> {
  const before = rowsOn(scale, day - 1);
  const after = rowsOn(scale, day);
  for (const table of TABLES) await load(loading, table, lines(table, before[table] + 1, after));
}

/** Text as LOAD DATA takes it: no value of ours has a tab, a backslash or a line end. */
function* lines(table: Table, from: number, rows: Readonly<Record<Table, number>>): Generator<string> {
  const random = new Random(from * 31 + TABLES.indexOf(table));
  let text = '';
  for (let id = from; id <= rows[table]; id++) {
    text += `${rowOf(table, id, random, rows).join('\t')}\n`;
    if (text.length < 1 << 18) continue;
    yield text;
    text = '';
  }
  yield text;
}

function rowOf(
  table: Table,
  id: number,
  random: Random,
  rows: Readonly<Record<Table, number>>,
): readonly (string | number)[] {
  const user = () => 1 + random.below(rows.users);
  const price = () => (3 + random.next() * random.next() * 900).toFixed(2);
  switch (table) {
    case 'users': {
      const name = random.name();
      const profile = `{"theme": "${random.next() < 0.3 ? 'dark' : 'light'}", "points": ${String(random.below(5000))}}`;
      return [
        ...[id, `${name.toLowerCase()}.${String(id)}@example.com`, `${name} ${random.name()}`],
        ...[
          `$2y$12$${random.hex(53)}`,
          random.next() < 0.6 ? `+1 ${String(random.below(1e9))}` : '\\N',
          profile,
        ],
        at(id, 300),
      ];
    }
    case 'orders': {
      const note = random.next() < 0.08 ? random.words(8) : '\\N';
      return [
        ...[
          id,
          `H${String(id).padStart(12, '0')}`,
          user(),
          random.next() < 0.93 ? 'delivered' : 'paid',
          price(),
        ],
        ...['EUR', note, at(id, 120), at(id + random.below(4000), 120)],
      ];
    }
    case 'order_items': {
      const order = 1 + Math.floor(((id - 1) * rows.orders) / rows.order_items);
      return [id, order, 1 + random.below(48_000), 1 + random.below(5), price(), price()];
    }
    case 'events': {
      const payload = `{"path": "/${random.words(1)}/${String(random.below(48_000))}", "ms": ${String(random.below(900))}}`;
      const kind = ['page.viewed', 'product.viewed', 'cart.item_added'][random.below(3)] ?? '';
      return [id, random.next() < 0.7 ? user() : '\\N', random.hex(16), kind, payload, at(id, 75)];
    }
    case 'reviews':
      return [
        ...[id, 1 + random.below(48_000), user(), 1 + random.below(5), random.words(3)],
        ...[`${random.words(15 + random.below(50))}.`, at(id, 480)],
      ];
  }
}

/** Times rise with the id, as in a table that is only appended to. */
function at(id: number, everySeconds: number): string {
  return new Date(START_MS + id * everySeconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

async function load(
  { login, database, env, signal }: Loading,
  table: Table,
  text: Iterable<string>,
): Promise<void> {
  const variables = { LOGIN: login, DATABASE: database, TABLE: table };
  const child = spawn('bash', [PIPELINES, 'mariadb-load'], {
    env: { ...env, ...variables },
    signal,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  // What is wrong with a client that reads no further is in its exit code.
  child.stdin.on('error', () => undefined);
  for (const piece of text)
    if (!child.stdin.write(piece)) await Promise.race([once(child.stdin, 'drain'), ended]);
  child.stdin.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`the client ended with ${String(code)} while it loaded ${table}`);
}
