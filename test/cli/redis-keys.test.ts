/** Goal: single keys of a Redis backup come back into a server that runs, into an empty one, and into a file. */
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { fillAwkward } from '../integration/redis-kit.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, makeHost, type Machine } from '../services/machines.ts';
import { startRedis, type RedisServer } from '../services/redis.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

let server: RedisServer;
let reader: Machine;

beforeAll(async () => {
  server = await startRedis();
  await fillAwkward(server, 3000);
  const host = await makeHost({
    place: await folderPlace(),
    source: ['--source', 'redis', '--url-env', 'CACHE_URL'],
    env: { CACHE_URL: server.url },
  });
  await backUp(host);
  reader = await host.reader();
});

test('cat gives them as commands, which a server in use takes, and which lose nothing in it', async () => {
  const args = ['cat', 'shop', '--match', 'session:7:*', '--match', 'user:?'];
  const { stdout } = await reader.good(args, { encoding: 'latin1' });
  const keys = [...stdout.matchAll(/^RESTORE "([^"]*)"/gm)].map(([, key]) => key);
  expect(keys.length).toBe(61);
  expect(keys.filter((key) => !/^(session:7:\d+|user:1)$/.test(key ?? ''))).toEqual([]);
  expect(stdout).not.toContain('FUNCTION');
  const inUse = await startRedis();
  await inUse.cli('SET session:7:7 newer\nSET other 1');
  await inUse.cli(Buffer.from(stdout, 'latin1'));
  expect((await inUse.cli('GET session:7:7')).trim()).toBe('newer');
  expect((await inUse.cli('GET session:7:57')).trim()).toBe((await server.cli('GET session:7:57')).trim());
  expect([await inUse.count('db0'), await inUse.count('db3')]).toEqual([61, 1]);
  const one = await reader.good(['cat', 'shop', '--match', '*', '--table', 'db15'], { encoding: 'latin1' });
  expect(one.stdout).toMatch(/^SELECT 15\nRESTORE "last" 0 ".*" ABSTTL\n$/);
});

test('restore loads them into an empty server', async () => {
  const target = await startRedis();
  const args = ['restore', 'shop', '--match', 'session:7:*', '--to', target.url];
  const plan = await reader.good([...args, '--dry-run']);
  expect(plan.stdout).toContain('some of 3 databases');
  expect(await target.count('db0')).toBe(0);
  const done = await reader.good([...args, '--json']);
  expect(done.json.at(-1)).toMatchObject({ type: 'summary', rows: { db0: 60, db3: 0, db15: 0 } });
  expect(await target.count('db0')).toBe(60);
  expect((await target.cli('FUNCTION LIST')).trim()).toBe('');
  await expectOccupied(target);
});

async function expectOccupied(target: RedisServer): Promise<void> {
  const again = await reader.run(['restore', 'shop', '--match', 'user:1', '--to', target.url]);
  expectComplaint(again, { exit: 6, error: /already holds something/, hint: /--to/ });
  expect(await target.count('db3')).toBe(0);
}

describe('a file', () => {
  test('has everything that a server needs to start', async () => {
    const folder = await tempFolder();
    await chmod(folder, 0o755);
    const file = join(folder, 'copy.rdb');
    const plan = await reader.good(['restore', 'shop', '--to', file, '--dry-run']);
    expect(plan.stdout).toContain(`target    file ${file}: will be created`);
    const { stdout } = await reader.good(['restore', 'shop', '--to', file]);
    expect(stdout).toMatch(/^3 databases, [\d,]+ keys: the counts match the snapshot/m);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await chmod(file, 0o644);
    const copy = await startRedis({ settings: { dir: folder, dbfilename: 'copy.rdb' } });
    expect(await copy.digest()).toBe(await server.digest());
  });

  test('is written over nothing', async () => {
    const file = join(await tempFolder(), 'mine.rdb');
    await writeFile(file, 'mine');
    const refused = await reader.run(['restore', 'shop', '--to', file]);
    expectComplaint(refused, { exit: 6, error: /already holds something/, hint: /--to/ });
    expect(await readFile(file, 'utf8')).toBe('mine');
  });
});

describe('what is not there is said', () => {
  test('no key fits', async () => {
    for (const args of [
      ['cat', 'shop'],
      ['restore', 'shop', '--to', (await startRedis()).url],
    ]) {
      const { stderr, exitCode } = await reader.run([...args, '--match', 'user:12', '--match', 'nobody']);
      expect(stderr).toContain('error: the snapshot has no key that fits user:12 or nobody');
      expect(exitCode).toBe(2);
    }
  });

  test('a snapshot without keys', async () => {
    const path = join(await tempFolder(), 'shop.db');
    openShop(path, 5);
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'sqlite', '--path', path],
    });
    await backUp(host);
    const files = await (await host.reader()).run(['cat', 'shop', '--match', 'user:*']);
    expectComplaint(files, {
      ...{ exit: 2, error: /--match is for keys of Redis, and this is a snapshot of sqlite/ },
      hint: /--table/,
    });
  });
});
