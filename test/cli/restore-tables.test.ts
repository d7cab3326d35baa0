/** Goal: `--table` means what a person means by it, for `restore` and for `cat` alike, and nothing twice. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';

const tableArgs = (tables: readonly string[]) => tables.flatMap((table) => ['--table', table]);

describe('PostgreSQL', () => {
  let postgres: PostgresAccess;
  let host: Host;
  let url: string;

  beforeAll(async () => {
    postgres = await usePostgres();
    url = await postgres.createDatabase('tables');
    await postgres.psql(
      url,
      `CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
       CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2025-01-01');
       CREATE TABLE parts_new PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2030-01-01') PARTITION BY LIST (id);
       CREATE TABLE parts_new_1 PARTITION OF parts_new DEFAULT;
       INSERT INTO parts VALUES (1, '2021-01-01'), (2, '2022-01-01'), (3, '2026-01-01');
       CREATE SCHEMA sales; CREATE TABLE sales.orders (id int); INSERT INTO sales.orders VALUES (7);
       CREATE TABLE twins (id int); CREATE TABLE sales.twins (id int);`,
    );
    const source = ['--source', 'postgres', '--url-env', 'SHOP_URL'];
    host = await makeHost({ place: await folderPlace(), source, env: { SHOP_URL: url } });
    await backUp(host);
  });

  test.each([
    [['parts'], 'the partitions of a table, and theirs', '3|0'],
    [['public.parts_new', 'parts'], 'a part of the whole that is named, too', '3|0'],
    [['orders'], 'a table of the only schema that has it', '0|1'],
  ] as const)('%s: %s', async (tables, _, counts) => {
    const to = postgres.url(`${decodeURIComponent(new URL(url).pathname.slice(1))}_restored`);
    onTestFinished(() => postgres.dropDatabase(to));
    await host.good(['restore', 'shop', '--to', to, '--key', host.opsKey, ...tableArgs(tables)]);
    expect(
      await postgres.psql(to, 'SELECT (SELECT count(*) FROM parts), (SELECT count(*) FROM sales.orders)'),
    ).toBe(counts);
    const { stdout } = await host.good(['cat', 'shop', '--key', host.opsKey, ...tableArgs(tables)]);
    expect(stdout.match(/^\d+/gm)).toHaveLength(counts === '3|0' ? 3 : 1);
  });

  test('two tables of one name, and one that nobody has, are asked about before anything is printed', async () => {
    const named = (table: string) => host.run(['cat', 'shop', '--key', host.opsKey, '--table', table]);
    const twins = await named('twins');
    expectComplaint(twins, {
      exit: 2,
      error: /exists in several schemas/,
      hint: /public\.twins or sales\.twins/,
    });
    const nobody = await named('ordres');
    expectComplaint(nobody, { exit: 2, error: /no table ordres/, hint: /sales\.orders/ });
    expect(twins.stdout + nobody.stdout).toBe('');
  });
});

describe('SQLite', () => {
  test('a full-text index, and names in any case, each once', async () => {
    const folder = await tempFolder('tables');
    const path = join(folder, 'shop.db');
    const db = new DatabaseSync(path);
    db.exec(`CREATE TABLE Orders (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT); INSERT INTO Orders VALUES (1, 'tea');
      CREATE VIRTUAL TABLE docs USING fts5(text); INSERT INTO docs VALUES ('hello world');`);
    db.close();
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'sqlite', '--path', path],
    });
    await backUp(host);
    const to = join(folder, 'restored.db');
    const key = ['--key', host.opsKey];
    await host.good(['restore', 'shop', '--to', to, ...key, ...tableArgs(['docs'])]);
    const restored = new DatabaseSync(to);
    expect(restored.prepare("SELECT text FROM docs WHERE docs MATCH 'world'").all()).toEqual([
      { text: 'hello world' },
    ]);
    expect(restored.prepare('SELECT * FROM Orders').all()).toEqual([]);
    restored.close();
    await rm(to);

    const { stdout } = await host.good(['cat', 'shop', ...key, ...tableArgs(['orders', 'ORDERS'])]);
    expect(stdout).toBe(`INSERT INTO "Orders"("id","what") VALUES(1,'tea');\n`);
    const index = await host.good(['cat', 'shop', ...key, ...tableArgs(['docs'])]);
    expect(index.stdout).toContain('docs_content');
    expect(index.stdout).not.toContain('Orders');
  });
});
