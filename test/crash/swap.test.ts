/**
 * Goal: whatever ends a restore with --swap, the database in use stays open to all under one of its names, and the same
 * command with --resume finishes what is left, or says that nothing is.
 */
import { execFileSync } from 'node:child_process';
import pg from 'pg';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { ENTER, onTerminal } from '../services/terminal.ts';
import { usePostgres } from '../services/use.ts';

let postgres: PostgresAccess;
let host: Host;
/** The shop in use: 5 rows, of which the backup has 3. */
let shop: string;
let name: string;
let to: string;

beforeEach(async () => {
  postgres = await usePostgres();
  shop = await postgres.createDatabase('swap');
  name = nameOf(shop);
  to = postgres.url(`${name}_new`);
  await postgres.psql(
    shop,
    `CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3); COMMENT ON DATABASE "${name}" IS 'the shop'`,
  );
  onTestFinished(async () => {
    for (const each of await namesLike(name)) await postgres.dropDatabase(postgres.url(each));
  });
  host = await makeHost({
    place: await folderPlace(),
    source: ['--source', 'postgres', '--url-env', 'SHOP_URL'],
    env: { SHOP_URL: shop, PGPASSWORD: postgres.password },
  });
  await backUp(host);
  await postgres.psql(shop, 'INSERT INTO t VALUES (4), (5)');
});

const nameOf = (url: string) => decodeURIComponent(new URL(url).pathname.slice(1));
const args = (...more: string[]) => [
  ...['restore', 'shop', '--to', to, '--key', host.opsKey, '--swap', name, '--yes'],
  ...more,
];

async function namesLike(start: string): Promise<string[]> {
  const sql = `SELECT datname FROM pg_database WHERE starts_with(datname, '${start}') ORDER BY 1`;
  return (await postgres.psql(postgres.url(), sql)).split('\n').filter((each) => each !== '');
}

const commentOn = (database: string) =>
  postgres.psql(
    postgres.url(),
    `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${database}'`,
  );
const rows = (url: string) => postgres.psql(url, 'SELECT count(*) FROM t');

async function session(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(async () => {
    await client.end().catch(() => undefined);
  });
  return client;
}

/** Renames nothing, but whoever wants to rename the shop has to wait. */
async function holdName(): Promise<() => Promise<unknown>> {
  const client = await session(postgres.url());
  await client.query(`BEGIN; ALTER DATABASE "${name}" RENAME TO "${name}_held"`);
  return () => client.query('ROLLBACK');
}

const isRenaming = async () => {
  const sql = `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER DATABASE "${name}" RENAME%' AND wait_event_type = 'Lock'`;
  await expect.poll(() => postgres.psql(postgres.url(), sql), { timeout: 60_000 }).toBe('1');
};

test('killed while the names are swapped: nothing is closed, and the same command with --resume finishes it', async () => {
  const release = await holdName();
  const killed = await host.run(args('--end-sessions'), { kill: { once: isRenaming() } });
  expect(killed.signal).toBe('SIGKILL');
  await release();
  await expect.poll(() => rows(shop), { timeout: 20_000 }).toBe('5');
  expect(await rows(to)).toBe('3');
  expect(await commentOn(nameOf(to))).toMatch(/^holdfast: .* loaded\]$/);

  expectComplaint(await host.run(args('--end-sessions')), {
    exit: 6,
    error: /holds a restore of shop@\S+ that waits for its name/,
    hint: /--resume/,
  });
  const dry = await host.run(args('--resume', '--dry-run'));
  expect(dry.stdout).toContain('only the names are left to be swapped');
  expect(await rows(shop)).toBe('5');
  const { stdout } = await host.good(args('--end-sessions', '--resume'));
  expect(stdout).toContain('the counts match the snapshot');
  expect(await rows(shop)).toBe('3');
  expect(await commentOn(name)).toBe('the shop');
});

test('done, and nobody heard of it: the same command with --resume does nothing, and says the way back', async () => {
  const { stdout } = await host.good(args());
  expect(await commentOn(name)).toBe('the shop');
  const before = await namesLike(name);
  const again = await host.run(args('--resume'));
  expectComplaint(again, {
    exit: 6,
    error: /names seem to be swapped already/,
    hint: /The way back would be: psql/,
  });
  expect(await namesLike(name)).toEqual(before);
  const back = /^ +(psql .*)$/m.exec(stdout)?.[1] ?? '';
  expect(again.stderr).toContain(back);

  // All or nothing: with somebody in the shop neither name changes.
  const visitor = await session(shop);
  const shell = () =>
    execFileSync('sh', ['-ec', back], { env: { ...host.env, PATH: process.env['PATH'] }, stdio: 'pipe' });
  expect(shell).toThrow(/being accessed/);
  expect(await namesLike(name)).toEqual(before);
  await visitor.end();
  shell();
  expect(await rows(shop)).toBe('5');
  expect(await rows(to)).toBe('3');
});

test('refused because somebody is connected: said before the loading, and finished once they are gone', async () => {
  const visitor = await session(shop);
  const refused = await host.run(args());
  expect(refused).toMatchObject({ exitCode: 6 });
  expect(refused.stderr).toMatch(/warning: .* is in use: 1 session; unless that has ended by then/);
  expect(refused.stderr).toMatch(/hint: Stop the application.*same command again with --resume/);
  await visitor.end();
  await host.good(args('--resume'));
  expect(await rows(shop)).toBe('3');
});

test('sessions that come again and again are ended, and wait for the new one', async () => {
  const comers = [true];
  const coming = (async () => {
    const seen: number[] = [];
    while (comers[0] === true) {
      const client = new pg.Client({ connectionString: shop });
      client.on('error', () => undefined);
      try {
        await client.connect();
        seen.push((await client.query('TABLE t')).rows.length);
      } catch {
        // Ended, or renamed under it.
      }
      await client.end().catch(() => undefined);
    }
    return seen;
  })();
  onTestFinished(() => {
    comers[0] = false;
  });
  await host.good(args('--end-sessions'));
  expect(await rows(shop)).toBe('3');
  comers[0] = false;
  expect((await coming).every((count) => count === 5 || count === 3)).toBe(true);
});

test('a restored database whose rows somebody has changed does not take the place', async () => {
  const visitor = await session(shop);
  expect(await host.run(args())).toMatchObject({ exitCode: 6 });
  await visitor.end();
  await postgres.psql(to, 'DELETE FROM t WHERE a = 2');
  expectComplaint(await host.run(args('--resume')), {
    exit: 4,
    error: /holds 2 rows after 3 were loaded/,
    hint: /./,
  });
  expect(await rows(shop)).toBe('5');
  expect(await rows(to)).toBe('2');
});

test('without --swap it stays under its own name, and is a database like any other', async () => {
  const visitor = await session(shop);
  expect(await host.run(args())).toMatchObject({ exitCode: 6 });
  const plain = ['restore', 'shop', '--to', to, '--key', host.opsKey, '--resume'];
  await host.good(plain);
  expect(await commentOn(nameOf(to))).toBe('the shop');
  expect(await rows(to)).toBe('3');
  await visitor.end();
});

test('whoever does not type the name is told how to come to it again', async () => {
  const asked = args().filter((word) => word !== '--yes');
  const { exitCode, shown } = await onTerminal(host, asked, [['Type its name', `nope${ENTER}`]]);
  expect({ exitCode, shown }).toMatchObject({ exitCode: 2 });
  expect(shown).toMatch(/same command again with --resume/);
  expect(await rows(shop)).toBe('5');
});

test('it cannot take the name that it would be restored under', async () => {
  await postgres.psql(postgres.url(), `ALTER DATABASE "${name}" RENAME TO "${name}_gone"`);
  const there = args().map((word) => (word === to ? shop : word));
  expectComplaint(await host.run(there), {
    exit: 2,
    error: /the one to swap with/,
    hint: /leave out --swap/,
  });
  expect(await namesLike(name)).toEqual([`${name}_gone`]);
});
