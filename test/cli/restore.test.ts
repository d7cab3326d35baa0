/** Goal: what people type for restore and cat gives the snapshot and the tables that they mean, or says what there is. */
import { existsSync, writeFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { HOLDFAST } from '../services/cli.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Host, Machine, SnapshotRecord } from '../services/machines.ts';
import { countIn, dayOfBusiness, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';

describe('SQLite', () => {
  let host: Host;
  let reader: Machine;
  let path: string;
  const days: { readonly record: SnapshotRecord; readonly orders: number }[] = [];

  beforeAll(async () => {
    path = join(await tempFolder('shop'), 'shop.db');
    openShop(path, 100);
    host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', path] });
    for (let day = 0; day < 3; day++) {
      dayOfBusiness(path, 10);
      days.push({ record: await backUp(host), orders: countIn(path, 'shop_orders') });
      // RFC 3339 times tell snapshots apart by their seconds.
      if (day < 2) await new Promise((resume) => setTimeout(resume, 1100));
    }
    reader = await host.reader();
  });

  const dayAt = (index: number) => {
    const day = days[index];
    if (!day) throw new Error('no such day');
    return day;
  };

  async function ordersOf(name: string): Promise<number> {
    const { stdout } = await reader.good(['cat', name, '--table', 'shop_orders']);
    return stdout.match(/^INSERT INTO "shop_orders"/gm)?.length ?? 0;
  }

  test('names of snapshots: latest, oldest, id, start of an id, date, time', async () => {
    const [first, second, third] = [dayAt(0), dayAt(1), dayAt(2)];
    const today = third.record.time.slice(0, 10);
    for (const [when, day] of [
      ['', third],
      ['@latest', third],
      ['@oldest', first],
      [`@${second.record.snapshot}`, second],
      [`@${second.record.snapshot.slice(0, -2)}`, second],
      [`@${today}`, third],
      [`@${second.record.time}`, second],
      [`@${new Date(new Date(third.record.time).getTime() - 1).toISOString()}`, second],
    ] as const) {
      expect({ when, orders: await ordersOf(`shop${when}`) }).toEqual({ when, orders: day.orders });
    }
  });

  test.each([
    ['shop@2001-01-01', 2, /no snapshot 2001-01-01/, /holdfast snapshots shop/],
    ['shop@20010101T000000Z-00000000', 2, /no snapshot/, /holdfast snapshots shop/],
    ['shop@yesterday', 2, /yesterday is not a time/, /latest, oldest/],
    ['shop@../../etc', 2, /WHEN is latest/, /--help/],
    ['shpo', 2, /shpo/, /shop/],
  ])('%s is refused with what there is', async (name, exit, error, hint) => {
    for (const args of [
      ['cat', name],
      ['restore', name, '--to', 'never.db'],
    ]) {
      expectComplaint(await reader.run(args), { exit, error, hint });
    }
    expect(existsSync(join(reader.folder, 'never.db'))).toBe(false);
  });

  test('a table that the snapshot does not have', async () => {
    const args = ['--table', 'shop_order'];
    const what = { exit: 2, error: /no table shop_order/, hint: /shop_orders/ };
    expectComplaint(await reader.run(['cat', 'shop', ...args]), what);
    expectComplaint(await reader.run(['restore', 'shop', '--to', 'never.db', ...args]), what);
    expect(existsSync(join(reader.folder, 'never.db'))).toBe(false);
  });

  test('--resume is for PostgreSQL; nothing is in the way of another run here', async () => {
    for (const to of ['never.db', 'never.sql'])
      expectComplaint(await reader.run(['restore', 'shop', '--to', to, '--resume']), {
        exit: 2,
        error: /--resume is for databases of PostgreSQL/,
        hint: /without --resume/,
      });
    expect(await readdir(reader.folder)).not.toContain('never.db');
  });

  test.each(['0', '65', 'many', '-1'])('--jobs %s is a usage error', async (jobs) => {
    const result = await reader.run(['restore', 'shop', '--to', 'never.db', `--jobs=${jobs}`]);
    expectComplaint(result, { exit: 2, error: /whole number from 1 to 64/, hint: /--help/ });
  });

  test('without --to it goes beside the database, under a name that tells the snapshot', async () => {
    const env = { HOLDFAST_KEY: host.opsKey };
    const { stdout } = await host.good(['restore', 'shop'], { env });
    const to = /^restored shop@\S+ to (.+)$/m.exec(stdout)?.[1] ?? '';
    expect(to).toContain(dayAt(2).record.snapshot);
    expect(countIn(to, 'shop_orders')).toBe(dayAt(2).orders);
    expectComplaint(await host.run(['restore', 'shop'], { env }), {
      exit: 6,
      error: /already|exists/,
      hint: /\w/,
    });
  });

  test.each([
    ['a database', (to: string) => openShop(to, 3)],
    ['a file of another kind', (to: string) => writeFileSync(to, 'my thesis')],
  ])('%s that is there is refused and stays as it is', async (_, make) => {
    const folder = await tempFolder('target');
    const to = join(folder, 'taken.db');
    make(to);
    const before = await readFile(to);
    const dry = await reader.run(['restore', 'shop', '--to', to, '--dry-run']);
    expect(dry).toMatchObject({ exitCode: 6, stderr: '' });
    expect(dry.stdout).toMatch(/OCCUPIED, would be refused/);
    expectComplaint(await reader.run(['restore', 'shop', '--to', to]), {
      exit: 6,
      error: /taken\.db/,
      hint: /--to|path/,
    });
    expect((await readFile(to)).equals(before)).toBe(true);
    expect(await readdir(folder)).toEqual(['taken.db']);
  });

  test('a target whose folder is not there', async () => {
    const result = await reader.run(['restore', 'shop', '--to', '/nowhere/at/all.db']);
    expectComplaint(result, { exit: 6, error: /nowhere/, hint: /--dry-run|folder/ });
    const script = await reader.run(['restore', 'shop', '--to', '/nowhere/at/all.sql']);
    expect(script.exitCode).not.toBe(0);
    expectComplaint(script, { exit: script.exitCode ?? 0, error: /nowhere/, hint: /folder|exists/i });
  });

  test.each(['full.db', 'full.sql'])(
    'a disk that is full, for %s: said with the place, and nothing is left',
    async (name) => {
      const folder = await tempFolder('small');
      // In a namespace of its own, so it is gone with the program.
      const small =
        'mount -t tmpfs -o size=16k holdfast "$0" && { "$@"; ended=$?; ls -A "$0"; exit $ended; }';
      const asRoot = process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user'];
      const program = [process.execPath, HOLDFAST, 'restore', 'shop', '--to', join(folder, name)];
      const { exitCode, stdout, stderr } = await execa(
        'unshare',
        [...asRoot, '--mount', 'sh', '-c', small, folder, ...program],
        { cwd: reader.folder, env: { ...reader.env }, reject: false },
      );
      expect({ stdout, failed: exitCode !== 0 }).toEqual({ stdout: '', failed: true });
      expect(stderr).toMatch(/error: .*(no space left|disk is full)/);
      expect(stderr).toMatch(/hint: Make room there/);
    },
  );

  test.each(['postgres://db/shop', 'file:///srv/shop.db'])('a URL is no path: %s', async (to) => {
    const result = await reader.run(['restore', 'shop', '--to', to]);
    expectComplaint(result, { exit: 2, error: /--to is a URL/, hint: /path/ });
  });

  test('a restore that is killed leaves nothing under the name of the target', async () => {
    const folder = await tempFolder('target');
    const to = join(folder, 'restored.db');
    for (const afterMs of [150, 250, 350, 450]) {
      const { signal } = await reader.run(['restore', 'shop', '--to', to], { kill: { afterMs } });
      if (signal === undefined) break;
      if (existsSync(to)) expect(countIn(to, 'shop_orders')).toBe(dayAt(2).orders);
    }
    if (!existsSync(to)) await reader.good(['restore', 'shop', '--to', to]);
    expect(countIn(to, 'shop_orders')).toBe(dayAt(2).orders);
  });

  test('--json ends with a summary that tells the target and the rows', async () => {
    const to = join(await tempFolder('target'), 'restored.db');
    const { json, stderr } = await reader.good(['restore', 'shop', '--to', to, '--json']);
    expect(stderr).toBe('');
    expect(json.at(-1)).toMatchObject({ type: 'summary', target: to });
    expect(JSON.stringify(json.at(-1))).toContain('"shop_orders":');
  });
});

describe('PostgreSQL', () => {
  test('without --to a new database is made on the same server; one that holds anything is refused', async () => {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase('shop');
    await postgres.psql(url, 'CREATE TABLE t AS SELECT g AS x FROM generate_series(1, 500) g;');
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
      env: { SHOP_DATABASE_URL: url },
    });
    await backUp(host);
    const reader = await host.reader();
    const env = { SHOP_DATABASE_URL: url };
    const { stdout } = await reader.good(['restore', 'shop'], { env });
    const typo = 'postgre://someone:hush-hush@db/shop';
    const mistyped = await reader.run(['restore', 'shop', '--to', typo], { env });
    expect(mistyped).toMatchObject({ exitCode: 2, stdout: '' });
    expect(mistyped.stderr).toMatch(/error: --to must start with postgres:\/\//);
    expect(mistyped.stderr).not.toContain('hush-hush');
    const to = new URL(/^restored shop@\S+ to (\S+)$/m.exec(stdout)?.[1] ?? '');
    to.password = postgres.password;
    onTestFinished(() => postgres.dropDatabase(to.href));
    expect(to.pathname).toMatch(/_restored_/);
    expect(await postgres.psql(to.href, 'SELECT sum(x) FROM t;')).toBe('125250');

    const taken = await postgres.createDatabase('taken');
    await postgres.psql(taken, 'CREATE TABLE mine AS SELECT 7 AS x;');
    const refused = await reader.run(['restore', 'shop', '--to', taken]);
    expectComplaint(refused, {
      exit: 6,
      error: /taken_.* (already )?holds/,
      hint: /--to/,
      secrets: [postgres.password],
    });
    expect(
      await postgres.psql(
        taken,
        'SELECT x FROM mine; SELECT count(*) FROM pg_tables WHERE tablename = $$t$$;',
      ),
    ).toBe('7\n0');

    const empty = await postgres.createDatabase('empty');
    await reader.good(['restore', 'shop', '--to', empty]);
    expect(await postgres.psql(empty, 'SELECT sum(x) FROM t;')).toBe('125250');
  });

  test('a server that does not let us in, or may not make databases', async () => {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase('shop');
    await postgres.psql(url, 'CREATE TABLE t AS SELECT 1 AS x;');
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
      env: { SHOP_DATABASE_URL: url },
    });
    await backUp(host);
    const reader = await host.reader();
    const role = await postgres.createRole();
    const wrong = postgres.url('new_one', { ...role, password: 'hush-hush' });
    const refused = await reader.run(['restore', 'shop', '--to', wrong]);
    expectComplaint(refused, {
      exit: 1,
      error: /refused the login/,
      hint: /password/,
      secrets: ['hush-hush'],
    });
    const humble = await reader.run(['restore', 'shop', '--to', postgres.url('new_one', role)]);
    expectComplaint(humble, {
      exit: 6,
      error: /CREATEDB|may not create|create/i,
      hint: /\w/,
      secrets: [role.password],
    });
  });
});
