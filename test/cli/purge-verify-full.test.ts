/**
 * Goal: `purge verify --full` says that somebody is in nothing that can be opened when that is so, restores for real what
 * was written anew, leaves nothing behind, and finds them when anything was put back.
 */
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backUp, folderPlace, keysIn, makeHost, tamper } from '../services/machines.ts';
import type { Host, Machine, Place } from '../services/machines.ts';
import { setKey } from './posture.kit.ts';
import { addOrders, makeShop, mapText } from '../services/person-shop.ts';
import { withDatabase } from '../services/shop.ts';
import { giveMap } from '../services/subject-map.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';

interface Shop {
  readonly host: Host;
  readonly reader: Machine;
  readonly place: Place;
  sql(text: string): Promise<unknown>;
}

async function setUp(
  engine: 'postgres' | 'sqlite',
  source: readonly string[],
  sql: Shop['sql'],
  env: Readonly<Record<string, string>> = {},
): Promise<Shop> {
  await sql(makeShop(engine) + addOrders(engine, 300));
  const place = await folderPlace();
  const host = await makeHost({ place, source, env });
  const reader = await host.reader();
  for (const machine of [host, reader]) await giveMap(machine, mapText(engine));
  await backUp(host);
  await sql(addOrders(engine, 50, 5000));
  await backUp(host);
  return { host, reader, place, sql };
}

async function sqliteShop(): Promise<Shop> {
  const path = join(await tempFolder('shop'), 'shop.db');
  const sql = (text: string) => {
    withDatabase(path, (db) => db.exec(text));
    return Promise.resolve();
  };
  return setUp('sqlite', ['--source', 'sqlite', '--path', path], sql);
}

async function purge({ reader }: Shop, ...more: string[]): Promise<void> {
  await reader.good(['purge', 'plan', 'shop', '--subject', 'customer=17', '-o', 'plan.pgp', ...more]);
  await reader.good(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json']);
}

const VERIFY = ['purge', 'verify', '--full', 'receipt.json'];

async function scratches(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('holdfast-scratch-'));
}

describe('verify --full of SQLite', () => {
  test('finds nobody, and restores newest and oldest', { timeout: 180_000 }, async () => {
    const shop = await sqliteShop();
    await purge(shop, '--scan');
    const before = await scratches();
    const { stdout, json } = await shop.reader.good([...VERIFY, '--json']);
    expect(json.at(-1)).toMatchObject({ type: 'summary', problems: 0, unchecked: 0, restored: 2 });
    const receipt = json.find(({ type }) => type === 'receipt') as {
      full: { notes: string[]; restored: unknown };
    };
    expect(receipt.full.restored).toMatchObject([{ into: 'a temporary file' }, { into: 'a temporary file' }]);
    expect(stdout).not.toMatch(/person17@/i);
    const mine = (await scratches()).filter((name) => !before.includes(name));
    expect(mine).toEqual([]);
    const said = await shop.reader.good(VERIFY);
    expect(said.stdout).toContain('they are in nothing that can be opened');
  });

  test('finds them in a manifest that was put back', { timeout: 180_000 }, async () => {
    const shop = await sqliteShop();
    const [old = ''] = (await keysIn(shop.place)).filter((key) => key.endsWith('/manifest.pgp'));
    const saved = await copyOf(shop.place, old);
    await purge(shop);
    await tamper(shop.place, (store) => store.put(old, saved));
    const found = await shop.reader.run(VERIFY);
    expect(found.exitCode).toBe(4);
    expect(found.stdout).toContain(`${old} can be opened, and names them in`);
    expect(found.stdout).not.toMatch(/person17@/i);
  });

  test('tells a mention in free text, and rows that came back', { timeout: 180_000 }, async () => {
    const shop = await sqliteShop();
    await shop.sql(
      "UPDATE comments SET body = 'ask Person17@example.org' WHERE id = 1 AND owner_type <> 'User'",
    );
    await backUp(shop.host);
    await purge(shop);
    await backUp(shop.host);
    const { stdout } = await shop.reader.good(VERIFY);
    expect(stdout).toMatch(/note +they are named in comments, column body: 1 row in 2 snapshots/);
    expect(stdout).toMatch(/note +snapshot \S+ has rows of theirs in .*users.*made since/);
  });

  test(
    'takes references that led nowhere before for what they are, once that is said',
    { timeout: 180_000 },
    async () => {
      const shop = await sqliteShop();
      await shop.sql(
        "COMMIT; PRAGMA foreign_keys = OFF; BEGIN; INSERT INTO orders VALUES (90001, 777777, 'of nobody')",
      );
      await backUp(shop.host);
      await purge(shop);
      const found = await shop.reader.run(VERIFY);
      expect(found.exitCode).toBe(4);
      expect(found.stdout).toMatch(
        /^PROBLEM +snapshot \S+ 1 references of table orders to rows of users .*broken_references: 1$/m,
      );
      await setKey(shop.reader, 'broken_references: 1');
      const { stdout } = await shop.reader.good(VERIFY);
      expect(stdout).toMatch(
        /^note +snapshot \S+ 1 references of table orders .* broken_references takes 1$/m,
      );
    },
  );

  test('needs a key, and the store', { timeout: 60_000 }, async () => {
    const shop = await sqliteShop();
    await purge(shop);
    expect(await shop.reader.run([...VERIFY, '--offline'])).toMatchObject({ exitCode: 2 });
    expect(
      await shop.reader.run([...VERIFY.filter((one) => one !== '--full'), '--scratch', 'x']),
    ).toMatchObject({
      exitCode: 2,
    });
    expect(await shop.reader.run(VERIFY, { env: { HOLDFAST_KEY: '' } })).toMatchObject({ exitCode: 12 });
  });
});

async function copyOf(place: Place, key: string): Promise<Buffer> {
  const store = await place.open();
  try {
    return await store.get(key);
  } finally {
    await store.close();
  }
}

describe('verify --full of PostgreSQL', () => {
  test(
    'restores into a server that it starts, or into one that was named, and cleans up',
    { timeout: 240_000 },
    async () => {
      const postgres = await usePostgres();
      const url = await postgres.createDatabase('shop');
      const env = { SHOP_DATABASE_URL: url };
      const sql = (text: string) => postgres.psql(url, text);
      const shop = await setUp(
        'postgres',
        ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
        sql,
        env,
      );
      await purge(shop);
      const own = await shop.reader.good(VERIFY);
      expect(own.stdout).toMatch(/restored \S+ into PostgreSQL \S+, a server of its own: 8 tables/);
      expect(own.stdout).toContain('the store is as it says');
      const count = () =>
        postgres.psql(postgres.url(), "SELECT count(*) FROM pg_database WHERE datname ~ 'scratch'");
      const databases = await count();
      const named = await shop.reader.good([...VERIFY, '--scratch', postgres.url()]);
      expect(named.stdout).toMatch(/restored \S+ into a database on 127\.0\.0\.1:\d+: 8 tables/);
      expect(named.stdout).not.toContain(postgres.password);
      expect(await count()).toBe(databases);
    },
  );
});
