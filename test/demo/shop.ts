/** The demo's shop: an SQLite database with some thousand rows, and what happens to it from day to day. */
import { DatabaseSync } from 'node:sqlite';

const SCHEMA = `
PRAGMA journal_mode = WAL;
CREATE TABLE users (
  id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, country TEXT, since TEXT NOT NULL);
CREATE TABLE products (
  id INTEGER PRIMARY KEY, title TEXT NOT NULL, cents INTEGER NOT NULL CHECK (cents > 0), picture BLOB);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users, status TEXT NOT NULL, placed TEXT NOT NULL);
CREATE TABLE items (
  order_id INTEGER NOT NULL REFERENCES orders, product_id INTEGER NOT NULL REFERENCES products,
  quantity INTEGER NOT NULL, cents INTEGER NOT NULL, total INTEGER AS (quantity * cents),
  PRIMARY KEY (order_id, product_id)) WITHOUT ROWID;
CREATE TABLE reviews (
  id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, product_id INTEGER NOT NULL REFERENCES products,
  stars INTEGER NOT NULL, text TEXT);
CREATE INDEX orders_of_user ON orders (user_id);
CREATE VIRTUAL TABLE reviews_search USING fts5 (text, content = 'reviews', content_rowid = 'id');
CREATE TRIGGER review_added AFTER INSERT ON reviews BEGIN
  INSERT INTO reviews_search (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER review_removed AFTER DELETE ON reviews BEGIN
  INSERT INTO reviews_search (reviews_search, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE VIEW revenue AS SELECT substr(placed, 1, 7) AS month, sum(total) AS cents
  FROM orders JOIN items ON items.order_id = orders.id GROUP BY 1;
`;

const FIRST = [
  'Ada',
  'Björn',
  'Chloé',
  'Dmitri',
  'Eun-ji',
  'Fatima',
  'Grace',
  'Hiro',
  'Inès',
  'José',
  'Kofi',
  'Lea',
];
const LAST = [
  "O'Neill",
  'Müller',
  'Tremblay',
  'Kowalski',
  'Park',
  'Haddad',
  'Okafor',
  'Tanaka',
  'Silva',
  'Novák',
];
const THINGS = [
  'kettle',
  'lamp',
  'blanket',
  'bicycle bell',
  'notebook',
  'teapot',
  'clock',
  'chair',
  'umbrella',
];
const KINDS = ['plain', 'splendid', 'red', 'folding', 'tiny', 'wool', 'brass', 'everyday', 'northern'];
const WORDS =
  'it came on time and works well but the colour is not what I hoped for so I gave it away; love it'.split(
    ' ',
  );
const COUNTRIES = ['CA', 'DE', 'FR', 'JP', 'NG', null];
const STATUS = ['paid', 'packed', 'shipped'];

/** The opening day: everything up to now. */
export function openShop(file: string): void {
  change(file, 1, (shop) => {
    shop.db.exec(SCHEMA);
    shop.addProducts(150);
    shop.addUsers(800);
    shop.addOrders(2500);
    shop.addReviews(1200);
  });
}

/** A day of business: new people, orders and reviews, some goods sent, some prices changed. */
export function aDayOfBusiness(file: string, day: number): void {
  change(file, day, (shop) => {
    shop.addUsers(12);
    shop.addOrders(80);
    shop.addReviews(25);
    shop.db.exec(`UPDATE orders SET status = 'shipped' WHERE id > (SELECT max(id) FROM orders) - 200;
      UPDATE products SET cents = cents + 100 WHERE id > (SELECT max(id) FROM products) - 5`);
  });
}

/** What somebody wanted to do in the test system. */
export const ACCIDENT = 'DELETE FROM reviews WHERE stars < 5';

export function accident(file: string): void {
  change(file, 0, ({ db }) => db.exec(ACCIDENT));
}

/** How many reviews the full-text index finds. */
export function searchReviews(file: string, word: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(db.prepare('SELECT count(*) AS n FROM reviews_search(?)').get(word)?.['n']);
  } finally {
    db.close();
  }
}

function change(file: string, seed: number, work: (shop: Shop) => void): void {
  const db = new DatabaseSync(file);
  try {
    work(new Shop(db, seed));
  } finally {
    db.close();
  }
}

class Shop {
  readonly db: DatabaseSync;
  #seed: number;

  /** @param seed - the same seed makes the same shop, so that every demo shows the same numbers */
  constructor(db: DatabaseSync, seed: number) {
    this.db = db;
    this.#seed = seed;
  }

  addUsers(count: number): void {
    const next = this.#nextId('users');
    this.#insert('users', 'id, email, name, country, since', count, (i) => {
      const [first, last] = [this.#pick(FIRST), this.#pick(LAST)];
      const handle = `${first}.${last}`
        .toLowerCase()
        .normalize('NFD')
        .replace(/[^a-z.]/g, '');
      return [
        next + i,
        `${handle}.${next + i}@example.com`,
        `${first} ${last}`,
        this.#pick(COUNTRIES),
        this.#day(next + i),
      ];
    });
  }

  addProducts(count: number): void {
    this.#insert('products', 'title, cents, picture', count, () => [
      `${this.#pick(KINDS)} ${this.#pick(THINGS)}`,
      500 + this.#below(20_000),
      Uint8Array.from({ length: 1500 }, () => this.#below(256)),
    ]);
  }

  addOrders(count: number): void {
    const [first, users, products] = [
      this.#nextId('orders'),
      this.#nextId('users'),
      this.#nextId('products'),
    ];
    this.#insert('orders', 'id, user_id, status, placed', count, (i) => [
      first + i,
      1 + this.#below(users - 1),
      this.#pick(STATUS),
      this.#day((first + i) / 4),
    ]);
    const lines = Array.from({ length: count }, (_, i) =>
      Array.from({ length: 1 + this.#below(4) }, (__, line) => [
        first + i,
        1 + ((i * 7 + line * 31) % (products - 1)),
      ]),
    ).flat();
    this.#insert('items', 'order_id, product_id, quantity, cents', lines.length, (i) => [
      ...(lines[i] ?? []),
      1 + this.#below(3),
      500 + this.#below(20_000),
    ]);
  }

  addReviews(count: number): void {
    const [users, products] = [this.#nextId('users'), this.#nextId('products')];
    this.#insert('reviews', 'user_id, product_id, stars, text', count, () => [
      1 + this.#below(users - 1),
      1 + this.#below(products - 1),
      1 + this.#below(5),
      Array.from({ length: 5 + this.#below(30) }, () => this.#pick(WORDS)).join(' '),
    ]);
  }

  #insert(
    table: string,
    columns: string,
    count: number,
    row: (i: number) => (string | number | null | Uint8Array)[],
  ): void {
    const marks = columns.split(',').map(() => '?');
    const statement = this.db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${marks.join()})`);
    this.db.exec('BEGIN');
    for (let i = 0; i < count; i++) statement.run(...row(i));
    this.db.exec('COMMIT');
  }

  #nextId(table: string): number {
    return 1 + Number(this.db.prepare(`SELECT max(id) AS top FROM ${table}`).get()?.['top'] ?? 0);
  }

  #day(day: number): string {
    return new Date(Date.UTC(2024, 0, 1) + Math.floor(day) * 86_400_000).toISOString().slice(0, 10);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T;
  }

  /** The generator mulberry32: a whole number from 0 to `limit` - 1. */
  #below(limit: number): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
}
