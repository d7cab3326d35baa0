/** Goal: `purge verify --full` restores newest and oldest of MariaDB and Redis for real, and leaves nothing of it behind. */
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { startRedis } from '../services/redis.ts';
import { giveMap } from '../services/subject-map.ts';
import { useMariadb } from '../services/use.ts';

const VERIFY = ['purge', 'verify', '--full', 'receipt.json'];

const SHOP = `
  CREATE TABLE customers (id int PRIMARY KEY, email varchar(100) NOT NULL);
  CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers (id), note text);
  CREATE VIEW busy AS SELECT customer, count(*) AS n FROM orders GROUP BY customer;
  INSERT INTO customers SELECT seq, CONCAT('person', seq, '@example.org') FROM seq_1_to_300;
  INSERT INTO orders SELECT seq, 1 + seq % 300, CONCAT('note ', seq) FROM seq_1_to_3000;`;

const SHOP_MAP = `version: 1
subject: customer
root: { table: customers, key: id, lookup: { email: lower } }
tables:
  customers: { erase: delete }
  orders: { link: { customer: customers.id }, erase: delete }
`;

const CACHE_MAP = `version: 1
subject: customer
root: { table: subjects, key: id }
tables:
  subjects: { erase: delete }
  db0: { keys: ['user:{id}'], erase: delete }
`;

interface Made {
  readonly engine: 'mysql' | 'redis';
  readonly url: string;
  readonly map: string;
  /** Whom to purge. Long enough to be looked for in all text. */
  readonly customer: string;
  /** Between the two backups. */
  readonly change: () => Promise<unknown>;
}

/** The reader of a set of two snapshots, from which a customer was purged. */
async function purged({ engine, url, map, customer, change }: Made): Promise<Machine> {
  const source = ['--source', engine, '--url-env', 'SHOP_URL'];
  const host = await makeHost({ place: await folderPlace(), source, env: { SHOP_URL: url } });
  const reader = await host.reader();
  for (const machine of [host, reader]) await giveMap(machine, map);
  await backUp(host);
  await change();
  await backUp(host);
  await reader.good(['purge', 'plan', 'shop', '--subject', `customer=${customer}`, '-o', 'plan.pgp']);
  await reader.good(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json']);
  return reader;
}

async function purgedShop(): Promise<Machine> {
  const mariadb = await useMariadb();
  const url = await mariadb.createDatabase('shop');
  onTestFinished(() => mariadb.dropDatabase(url));
  await mariadb.sql(url, SHOP);
  const change = () =>
    mariadb.sql(url, 'INSERT INTO orders SELECT 5000 + seq, 1 + seq % 300, seq FROM seq_1_to_100;');
  return purged({ engine: 'mysql', url, map: SHOP_MAP, customer: '17', change });
}

async function purgedCache(): Promise<Machine> {
  const server = await startRedis();
  const keys = Array.from({ length: 300 }, (_, i) => `SET user:person${i}@example.org something`);
  await server.cli(keys.join('\n'));
  const change = () => server.cli('SET user:person301@example.org late');
  return purged({
    engine: 'redis',
    url: server.url,
    map: CACHE_MAP,
    customer: 'person17@example.org',
    change,
  });
}

/** A temporary folder of its own, through which also the server's user gets. */
async function openTmp(): Promise<string> {
  const folder = await mkdtemp('/tmp/full-');
  await chmod(folder, 0o755);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** What processes of this machine were started with that name a folder. */
async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return all.filter((args) => args.includes(folder));
}

async function untilThere(folder: string, file: string): Promise<void> {
  for (;;) {
    const [scratch] = await readdir(folder);
    const names: readonly string[] = scratch ? await readdir(join(folder, scratch)).catch(() => []) : [];
    if (names.includes(file)) return;
    await sleep(5);
  }
}

describe('purge verify --full', () => {
  test('of MariaDB restores into a server of its own, or a named one', { timeout: 240_000 }, async () => {
    const reader = await purgedShop();
    const TMPDIR = await openTmp();
    // What is set for other servers must not lead there.
    const env = { TMPDIR, MYSQL_PWD: 'wrong', MYSQL_UNIX_PORT: '/nowhere' };
    const { json, stdout } = await reader.good([...VERIFY, '--json'], { env });
    expect(json.at(-1)).toMatchObject({ type: 'summary', problems: 0, unchecked: 0, restored: 2 });
    expect(json.find(({ type }) => type === 'receipt')).toMatchObject({
      full: {
        restored: [
          { into: expect.stringMatching(/^MariaDB 1\S+, a server of its own$/) as string, rows: 299 + 3089 },
          { tables: 2, rows: 299 + 2990 },
        ],
      },
    });
    expect(stdout).not.toContain('person17@');
    expect(await readdir(TMPDIR)).toEqual([]);
    expect(await processesIn(TMPDIR)).toEqual([]);

    const mariadb = await useMariadb();
    const databases = () => mariadb.sql(mariadb.url(), "SHOW DATABASES LIKE 'holdfast\\_scratch%';");
    const named = await reader.good([...VERIFY, '--scratch', mariadb.url('')]);
    expect(named.stdout).toMatch(/restored \S+ into a database on 127\.0\.0\.1:\d+: 2 tables/);
    expect(named.stdout + named.stderr).not.toContain(mariadb.password);
    expect((await databases()).trim()).toBe('');

    const wrong = await reader.run([...VERIFY, '--scratch', 'postgresql://localhost/x']);
    expect(wrong.exitCode).toBe(5);
    expect(wrong.stdout).toMatch(/UNKNOWN +no snapshot could be restored: .*mysql:\/\//);
  });

  test.each(['data', 'init.sql', 'socket'])(
    'of MariaDB leaves nothing when it is killed as its server has %s',
    { timeout: 240_000 },
    async (file) => {
      const reader = await purgedShop();
      const TMPDIR = await openTmp();
      const killed = await reader.run(VERIFY, { env: { TMPDIR }, kill: { once: untilThere(TMPDIR, file) } });
      expect(killed.signal).toBe('SIGKILL');
      await expect.poll(() => readdir(TMPDIR), { timeout: 20_000 }).toEqual([]);
      await expect.poll(() => processesIn(TMPDIR), { timeout: 20_000 }).toEqual([]);
    },
  );

  test('of Redis restores into servers of its own', { timeout: 240_000 }, async () => {
    const reader = await purgedCache();
    const TMPDIR = await openTmp();
    const { json } = await reader.good([...VERIFY, '--json'], { env: { TMPDIR, REDISCLI_AUTH: 'wrong' } });
    expect(json.at(-1)).toMatchObject({ type: 'summary', problems: 0, unchecked: 0, restored: 2 });
    expect(json.find(({ type }) => type === 'receipt')).toMatchObject({
      full: {
        restored: [
          { into: expect.stringMatching(/^Redis \S+, a server of its own$/) as string, rows: 300 },
          { tables: 1, rows: 299 },
        ],
      },
    });
    expect(await readdir(TMPDIR)).toEqual([]);
    expect(await processesIn(TMPDIR)).toEqual([]);

    const named = await reader.run([...VERIFY, '--scratch', 'redis://localhost']);
    expect(named.exitCode).toBe(5);
    expect(named.stdout).toMatch(/UNKNOWN .*Redis is restored only into a scratch server/);
  });
});
