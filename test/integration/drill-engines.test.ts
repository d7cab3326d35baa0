/** Goal: a drill of MariaDB, Redis and files restores for real, asks in the engine's own words, and leaves nothing. */
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { startRedis } from '../services/redis.ts';
import { tempFolder } from '../services/temp.ts';
import { useMariadb } from '../services/use.ts';
import { openTmp, processesIn } from './drill-kit.ts';
import { configure } from './suppression-kit.ts';

interface Made {
  readonly source: readonly string[];
  readonly url?: string;
  readonly lines: string;
  readonly map?: string;
}

async function backedUp({ source, url, lines, map }: Made): Promise<Machine> {
  const host = await makeHost({
    place: await folderPlace(),
    source,
    ...(url !== undefined && { env: { SHOP_URL: url } }),
  });
  if (map !== undefined) await writeFile(join(host.folder, 'map.yaml'), map);
  await configure(host.folder, lines);
  await backUp(host);
  const reader = await host.reader();
  if (map !== undefined) await writeFile(join(reader.folder, 'map.yaml'), map);
  return reader;
}

/** Drills, and sees that nothing stays. */
async function drill(reader: Machine, args: readonly string[] = []) {
  const TMPDIR = await openTmp();
  const env = { TMPDIR, MYSQL_PWD: 'wrong', MYSQL_UNIX_PORT: '/nowhere', REDISCLI_AUTH: 'wrong' };
  const result = await reader.run(['drill', 'shop', '--json', ...args], { env });
  expect(await readdir(TMPDIR)).toEqual([]);
  expect(await processesIn(TMPDIR)).toEqual([]);
  return { ...result, drills: result.json.filter(({ type }) => type === 'drill') };
}

describe('drill of MariaDB', () => {
  test('restores, asks, and tells what is wrong', async () => {
    const mariadb = await useMariadb();
    const url = await mariadb.createDatabase('drilled');
    onTestFinished(() => mariadb.dropDatabase(url));
    await mariadb.sql(
      url,
      `CREATE TABLE customers (id int PRIMARY KEY, email varchar(100) NOT NULL);
       CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers (id), at datetime);
       INSERT INTO customers SELECT seq, CONCAT('person', seq, '@example.org') FROM seq_1_to_300;
       INSERT INTO orders SELECT seq, 1 + seq % 300, UTC_TIMESTAMP() - INTERVAL 90 MINUTE FROM seq_1_to_3000;`,
    );
    const reader = await backedUp({
      source: ['--source', 'mysql', '--url-env', 'SHOP_URL'],
      url,
      lines: `checks:
  - { name: newest order, sql: SELECT max(at) FROM orders, newer_than: 2h }
  - { name: customers, sql: SELECT count(*) FROM customers;, equals: 300 }
  - { name: nobody, sql: SELECT max(id) FROM customers WHERE id < 0, equals: null }
  - { name: rows, sql: SELECT email FROM customers, equals: x }
  - { name: invoices, sql: SELECT count(*) FROM invoices, at_least: 1 }
`,
    });
    const { exitCode, drills } = await drill(reader);
    expect(exitCode).toBe(4);
    expect(drills).toMatchObject([
      {
        outcome: 'failed',
        reasons: ['CHECK_FAILED'],
        server: expect.stringMatching(/^MariaDB 1/) as string,
        tables: 2,
        rows: 3300,
        checks: { passed: 3, failed: 2 },
        answers: [
          { verdict: 'passed' },
          { verdict: 'passed', found: '300' },
          { verdict: 'passed', found: 'nothing' },
          { verdict: 'failed', found: 'it gives more than one row' },
          {
            verdict: 'failed',
            found: expect.stringMatching(/^ERROR 1146 .*invoices' doesn't exist$/) as string,
          },
        ],
      },
    ]);
  });
});

describe('drill of Redis', () => {
  test('restores, asks, and looks for those who were erased', async () => {
    const server = await startRedis();
    const keys = Array.from({ length: 300 }, (_, i) => `SET user:person${i}@example.org something`);
    await server.cli([...keys, 'SET orders:count 4711', 'SELECT 3', 'RPUSH queue a b'].join('\n'));
    const reader = await backedUp({
      source: ['--source', 'redis', '--url-env', 'SHOP_URL'],
      url: server.url,
      lines: `subjects: map.yaml
checks:
  - { name: orders, command: GET orders:count, at_least: 4000 }
  - { name: queue, command: [LLEN, queue], db: 3, equals: 2 }
  - { name: users, command: DBSIZE, equals: 1 }
`,
      map: `version: 1
subject: customer
root: { table: subjects, key: id }
tables:
  subjects: { erase: delete }
  db0: { keys: ['user:{id}'], erase: delete }
  db3: { no_personal_data: true }
`,
    });
    const failed = await drill(reader);
    expect(failed.exitCode).toBe(4);
    expect(failed.drills[0]).toMatchObject({
      answers: [
        { verdict: 'passed' },
        { verdict: 'passed' },
        { verdict: 'failed', found: '301, and 1 is expected' },
      ],
    });
    const person = 'customer=person17@example.org';
    await reader.good(['purge', 'plan', 'shop', '--subject', person, '-o', 'plan.pgp']);
    await reader.good(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json']);
    const { drills } = await drill(reader);
    expect(drills[0]).toMatchObject({ purges: 1, reasons: ['CHECK_FAILED'], rows: 301 });
    expect(JSON.stringify(drills[0])).toContain('300, and 1 is expected');

    const named = await drill(reader, ['--scratch', 'redis://localhost']);
    expect(named.exitCode).toBe(5);
    expect(named.drills[0]).toMatchObject({ outcome: 'not-run', reasons: ['SCRATCH_NOT_NAMED'] });
  });
});

describe('drill of files', () => {
  test('restores, counts what matches, and sees how old the newest is', async () => {
    const root = join(await tempFolder('uploads'), 'uploads');
    await mkdir(join(root, 'users/7'), { recursive: true });
    for (const name of ['a.png', 'b.png', 'c.txt']) await writeFile(join(root, 'users/7', name), name);
    const old = new Date(Date.now() - 30 * 3_600_000);
    for (const name of ['a.png', 'b.png']) await utimes(join(root, 'users/7', name), old, old);
    const reader = await backedUp({
      source: ['--source', 'files', '--path', root],
      lines: `checks:
  - { name: pictures, files: 'users/**/*.png', at_least: 2, at_most: 2 }
  - { name: all, files: 'users/**', equals: 3 }
  - { name: newest, files: 'users/**', newer_than: 2h }
  - { name: newest picture, files: '*.png', newer_than: 24h }
  - { name: none, files: '*.pdf', newer_than: 24h }
`,
    });
    const { exitCode, drills } = await drill(reader);
    expect(exitCode).toBe(4);
    expect(drills[0]).toMatchObject({
      server: 'a temporary folder',
      checks: { passed: 3, failed: 2 },
      answers: [
        { found: '2' },
        { found: '3' },
        { verdict: 'passed' },
        { verdict: 'failed' },
        { verdict: 'failed' },
      ],
    });
  });
});
