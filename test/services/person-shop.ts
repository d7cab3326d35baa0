/** A shop in which a purge finds a person along every kind of link, for both engines. */
import type { Engine } from '../../src/subjects/compare.ts';

/** Tables with the columns that do not hold pseudonyms. */
export const ROWS: readonly (readonly [table: string, columns: string])[] = [
  ['users', '*'],
  ['orders', '*'],
  ['lines', '*'],
  ['invoices', 'id, user_id, total'],
  ['comments', '*'],
  ['audit', '*'],
  ['mails', '*'],
  ['photos', 'id, user_id, length(image)'],
];

export function makeShop(engine: Engine): string {
  const [json, bytes] = engine === 'postgres' ? ['jsonb', 'bytea'] : ['TEXT', 'BLOB'];
  const photo = engine === 'postgres' ? "convert_to(repeat('x', 9000000), 'UTF8')" : 'zeroblob(9000000)';
  const image = engine === 'postgres' ? "'\\x00ff'" : "X'00ff'";
  return `
    CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL UNIQUE, name text);
    CREATE TABLE orders (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users, note text);
    CREATE TABLE lines (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders, item text);
    CREATE TABLE invoices (id integer PRIMARY KEY, user_id integer REFERENCES users, name text, total integer);
    CREATE TABLE comments (id integer PRIMARY KEY, parent integer REFERENCES comments, owner_type text, owner_id integer, body text);
    CREATE TABLE audit (id integer PRIMARY KEY, detail ${json});
    CREATE TABLE mails (id integer PRIMARY KEY, address text, subject text);
    CREATE TABLE photos (id integer PRIMARY KEY, user_id integer REFERENCES users, image ${bytes});
    ${numbers(engine, 'users', 'id, email, name', "i, 'person' || i || '@example.org', 'Person No. ' || i", 300)}
    ${numbers(engine, 'invoices', 'id, user_id, name, total', "i, 1 + i % 300, 'Person No. ' || (1 + i % 300), i * 3", 900)}
    ${numbers(engine, 'comments', 'id, parent, owner_type, owner_id, body', "i, CASE WHEN i > 300 THEN i - 300 END, CASE WHEN i % 2 = 0 THEN 'User' ELSE 'Shop' END, 1 + i % 300, 'text ' || i", 900)}
    ${numbers(engine, 'mails', 'id, address, subject', "i, CASE WHEN i % 3 = 0 THEN ' PERSON' ELSE 'person' END || (1 + i % 300) || '@example.org', 'hello'", 900)}
    ${numbers(engine, 'audit', 'id, detail', `i, CAST('{"user": {"id": ' || (1 + i % 300) || '}, "what": "x"}' AS ${json})`, 900)}
    INSERT INTO photos VALUES (1, 3, ${image}), (2, 17, ${photo}), (3, 18, ${image});
  `;
}

/** More orders, each of three lines. */
export function addOrders(engine: Engine, count: number, after = 0): string {
  const filler = "'note ' || i || ' and so on and so forth, as notes are'";
  return `
    ${numbers(engine, 'orders', 'id, user_id, note', `i + ${after}, 1 + i % 300, ${filler}`, count)}
    ${numbers(engine, 'lines', 'id, order_id, item', `i + ${after * 3}, ${after} + 1 + (i - 1) / 3, ${filler}`, count * 3)}
  `;
}

/** A day of business: orders come, the person changes their address, somebody's order goes. */
export function nextDay(engine: Engine, day: number): string {
  return `
    ${addOrders(engine, 60, 10_000 * day)}
    UPDATE users SET email = 'moved${day}@example.org' WHERE id = 17;
    DELETE FROM lines WHERE order_id = ${day}; DELETE FROM orders WHERE id = ${day};
  `;
}

/** What a person is in it. */
export function mapText(engine: Engine): string {
  const name = (table: string) => (engine === 'postgres' ? `public.${table}` : table);
  return `
version: 1
subject: customer
root: { table: ${name('users')}, key: id, lookup: { email: lower } }
tables:
  ${name('users')}: { erase: delete }
  ${name('orders')}: { link: { user_id: ${name('users')}.id }, erase: delete }
  ${name('lines')}: { link: { order_id: ${name('orders')}.id }, erase: delete }
  ${name('invoices')}: { link: { user_id: ${name('users')}.id }, keep: { because: tax law, until: 7y, set: { user_id: null, name: { pseudonym: true } } } }
  ${name('comments')}:
    links:
      - { link: { owner_id: ${name('users')}.id, when: { owner_type: User } } }
      - { link: { parent: ${name('comments')}.id } }
    erase: delete
  ${name('audit')}: { json: { detail: $.user.id }, erase: { set: { detail: null } } }
  ${name('mails')}: { link: { address: ${name('users')}.email, canonical: lower }, erase: delete }
  ${name('photos')}: { link: { user_id: ${name('users')}.id }, erase: delete }
`;
}

function numbers(engine: Engine, table: string, columns: string, values: string, count: number): string {
  const rows =
    engine === 'postgres'
      ? `generate_series(1, ${count}) AS n(i)`
      : `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n)`;
  return `INSERT INTO ${table} (${columns}) SELECT ${values} FROM ${rows};`;
}
