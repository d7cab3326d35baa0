/** Goal: a person who knows no option is led to a restore, sees what it takes, can lose nothing, and learns the command. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Host, Machine } from '../services/machines.ts';
import { countIn, dayOfBusiness, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { CTRL_C, DOWN, ENTER, onTerminal } from '../services/terminal.ts';
import { usePostgres } from '../services/use.ts';
import { HOLDFAST } from '../services/cli.ts';
import { SIGNAL } from '../services/world.ts';

describe('SQLite', () => {
  let host: Host;
  let reader: Machine;
  const orders: number[] = [];

  beforeAll(async () => {
    const path = join(await tempFolder('shop'), 'shop.db');
    openShop(path, 100);
    host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', path] });
    for (let day = 0; day < 2; day++) {
      dayOfBusiness(path, 10);
      await backUp(host);
      orders.push(countIn(path, 'shop_orders'));
    }
    const { HOLDFAST_KEY: _, ...env } = (await host.reader()).env;
    reader = { ...(await host.reader()), env };
  });

  test('set, moment, key, a place that is taken, another one: restored, with the command for next time', async () => {
    await writeFile(join(reader.folder, 'taken.db'), 'something');
    const { exitCode, shown } = await onTerminal(
      reader,
      ['restore'],
      [
        ['Which moment?', DOWN + ENTER],
        ['What opens the backup?', ENTER],
        ['File of the private key:', `nowhere.key${ENTER}`],
        ['no such file', `\u0015${host.opsKey}${ENTER}`],
        ['Where to?', `\u0015taken.db${ENTER}`],
        ['choose another name', ''],
        ['Where to?', `older.db${ENTER}`],
        ['Start?', ENTER],
      ],
    );
    expect({ exitCode, shown }).toMatchObject({ exitCode: 0 });
    expect(shown).toMatch(/never drilled/);
    expect(shown).toMatch(/time +about .*rule of thumb/);
    expect(shown).toMatch(/disk +about .* are free/);
    expect(shown).toContain('the counts match the snapshot');
    expect(countIn(join(reader.folder, 'older.db'), 'shop_orders')).toBe(orders[0]);

    const command = /the same without questions: holdfast (.*)/.exec(shown)?.[1]?.trim() ?? '';
    await rm(join(reader.folder, 'older.db'));
    execFileSync('sh', ['-c', `"$0" "$1" ${command}`, process.execPath, HOLDFAST], {
      cwd: reader.folder,
      env: { ...reader.env, PATH: process.env['PATH'] },
    });
    expect(countIn(join(reader.folder, 'older.db'), 'shop_orders')).toBe(orders[0]);
  });

  test('what was chosen by options is in the command for next time, too', async () => {
    const { exitCode, shown } = await onTerminal(
      reader,
      ['restore', '--table', 'shop_orders', '--key', host.opsKey],
      [
        ['Which moment?', ENTER],
        ['Where to?', `\u0015orders.db${ENTER}`],
        ['Start?', ENTER],
      ],
    );
    expect({ exitCode, shown }).toMatchObject({ exitCode: 0 });
    expect(shown).toMatch(/the same without questions: holdfast .* --table shop_orders /);
    const keys = await onTerminal(
      reader,
      ['restore', '--match', 'user:*', '--key', host.opsKey],
      [['Which moment?', ENTER]],
    );
    expect(keys).toMatchObject({ exitCode: 2 });
    expect(keys.shown).toContain('--match is for keys of Redis');
  });

  test('whoever leaves has changed nothing', async () => {
    const { exitCode } = await onTerminal(reader, ['restore'], [['Which moment?', CTRL_C]]);
    expect(exitCode).toBe(130);
    const said = await onTerminal(
      reader,
      ['restore', '--key', host.opsKey],
      [
        ['Which moment?', ENTER],
        ['Where to?', `\u0015never.db${ENTER}`],
        ['Start?', `n${ENTER}`],
      ],
    );
    expect(said).toMatchObject({ exitCode: 0 });
    expect(said.shown).toContain('nothing was changed');
    expect(execFileSync('ls', { cwd: reader.folder, encoding: 'utf8' })).not.toContain('never.db');
  });

  test('a day that is typed, and one that there is not', async () => {
    const { exitCode, shown } = await onTerminal(
      reader,
      ['restore', '--key', host.opsKey],
      [
        ['Which moment?', DOWN + DOWN + ENTER],
        ['Day, time or id', `yesterday at noon${ENTER}`],
        ['WHEN is', `\u00152001-01-01${ENTER}`],
      ],
    );
    expect(exitCode).not.toBe(0);
    expect(shown).toContain('hint:');
  });

  test('without a terminal a set is needed', async () => {
    const { exitCode, stderr } = await reader.run(['restore']);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2 });
    expect(stderr).toContain("missing required argument 'SET[@WHEN]'");
  });

  test('--swap takes the place of the file in use, and the printed way back gives it back', async () => {
    const shop = join(reader.folder, 'in-use.db');
    openShop(shop, 7);
    const before = countIn(shop, 'shop_orders');
    const args = ['restore', 'shop', '--to', 'new.db', '--key', host.opsKey, '--swap', 'in-use.db'];
    const refused = await reader.run(args);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain('nobody is there to ask');
    expect(countIn(shop, 'shop_orders')).toBe(before);
    const shown = await reader.good([...args, '--dry-run']);
    expect(shown.stdout).toMatch(/^swap .* in-use\.db, .*; nobody is seen to use it$/m);

    const { stdout } = await reader.good([...args, '--yes']);
    expect(countIn(shop, 'shop_orders')).toBe(orders[1]);
    const back = stdout.slice(stdout.indexOf('the way back:\n') + 14);
    execFileSync('sh', ['-ec', back], { cwd: reader.folder });
    expect(countIn(shop, 'shop_orders')).toBe(before);
    expect(countIn(join(reader.folder, 'new.db'), 'shop_orders')).toBe(orders[1]);
  });

  test('no log of SQLite is ever left to a file that it is not of', async () => {
    const { DatabaseSync } = await import('node:sqlite');
    const [stray, log] = [join(reader.folder, 'stray.db'), join(reader.folder, 'logged.db')];
    await writeFile(`${stray}-wal`, 'of a database that was deleted');
    const args = ['restore', 'shop', '--key', host.opsKey, '--yes'];
    const refused = await reader.run([...args, '--to', 'alone.db', '--swap', 'stray.db']);
    expect(refused).toMatchObject({ exitCode: 6 });
    expect(refused.stderr).toContain('a log of a database that is gone');

    openShop(log, 7);
    const before = countIn(log, 'shop_orders');
    const { stdout } = await reader.good([...args, '--to', 'fresh.db', '--swap', 'logged.db']);
    // An application with the way in that leaves a log, and that is not stopped in good order.
    const db = new DatabaseSync(log);
    db.exec('PRAGMA journal_mode = WAL; DELETE FROM shop_orders;');
    const back = stdout.slice(stdout.indexOf('the way back:\n') + 14);
    execFileSync('sh', ['-ec', back], { cwd: reader.folder });
    const files = execFileSync('ls', { cwd: reader.folder, encoding: 'utf8' });
    expect(files).toContain('fresh.db-wal');
    expect(files).not.toContain('logged.db-wal');
    expect(countIn(log, 'shop_orders')).toBe(before);
    try {
      db.close();
    } catch {
      // Its files have gone away under it.
    }
  });

  test('--swap is refused, and not forgotten, where it makes no sense', async () => {
    const args = ['restore', 'shop', '--key', host.opsKey, '--yes'];
    const asText = await reader.run([...args, '--to', 'text.sql', '--swap', 'in-use.db']);
    expect(asText).toMatchObject({ exitCode: 2 });
    expect(asText.stderr).toContain('a file of text cannot take the place of what is in use');
    const nothing = await reader.run([...args, '--to', 'named.db', '--swap', '']);
    expect(nothing).toMatchObject({ exitCode: 2 });
    expect(nothing.stderr).toContain('--swap names nothing');
    expect(execFileSync('ls', { cwd: reader.folder, encoding: 'utf8' })).not.toMatch(/text\.sql|named\.db/);
  });

  test('--swap refuses a part of the whole', async () => {
    const args = [
      'restore',
      'shop',
      '--to',
      'part.db',
      '--table',
      'shop_orders',
      '--swap',
      'in-use.db',
      '--yes',
    ];
    const { exitCode, stderr } = await reader.run([...args, '--key', host.opsKey]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2 });
    expect(stderr).toContain('a part cannot take the place of the whole');
  });

  test('--swap refuses a file that a program has open, which waits and holds no lock', async () => {
    const shop = join(reader.folder, 'idle.db');
    openShop(shop, 7);
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(shop);
    db.exec('PRAGMA journal_mode = DELETE');
    db.prepare('SELECT count(*) FROM shop_orders').get();
    const args = ['restore', 'shop', '--to', 'anew.db', '--key', host.opsKey, '--swap', 'idle.db', '--yes'];
    const { exitCode, stderr } = await reader.run(args);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 6 });
    expect(stderr).toMatch(/idle\.db is in use: process \d+ \(\S+\) has it open/);
    db.close();
    const byHand = /by hand: (.*)$/m.exec(stderr)?.[1] ?? '';
    execFileSync('sh', ['-ec', byHand], { cwd: reader.folder });
    expect(countIn(shop, 'shop_orders')).toBe(orders[1]);
  });

  test('--swap refuses a file that somebody has open', async () => {
    const shop = join(reader.folder, 'busy.db');
    openShop(shop, 7);
    const { DatabaseSync } = await import('node:sqlite');
    using db = new DatabaseSync(shop);
    db.exec('BEGIN IMMEDIATE; DELETE FROM shop_orders');
    const args = ['restore', 'shop', '--to', 'beside.db', '--key', host.opsKey, '--swap', 'busy.db', '--yes'];
    const { stdout } = await reader.good([...args, '--dry-run']);
    expect(stdout).toMatch(/^swap +then it takes the name busy\.db, .* set aside; it is in use: /m);
    expect(existsSync(join(reader.folder, 'beside.db'))).toBe(false);
    const { exitCode, stderr } = await reader.run(args);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 6 });
    expect(stderr).toMatch(/busy\.db is in use: /);
    db.exec('ROLLBACK');
    expect(countIn(shop, 'shop_orders')).toBeGreaterThan(0);
    expect(countIn(join(reader.folder, 'beside.db'), 'shop_orders')).toBe(orders[1]);
  });
});

describe('PostgreSQL', () => {
  test('a missing role is made, the database in use is set aside with its sessions ended, and there is a way back', async () => {
    const postgres = await usePostgres();
    const role = await postgres.createRole();
    const url = await postgres.createDatabase('guided');
    const name = new URL(url).pathname.slice(1);
    await postgres.psql(
      url,
      `CREATE TABLE t (a int PRIMARY KEY); ALTER TABLE t OWNER TO "${role.name}"; INSERT INTO t SELECT generate_series(1, 100);`,
    );
    const env = { SHOP_URL: url, PGPASSWORD: postgres.password };
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_URL'],
      env,
    });
    await backUp(host);
    await postgres.psql(
      url,
      `DELETE FROM t WHERE a > 50; ALTER TABLE t OWNER TO "${postgres.user}"; DROP ROLE "${role.name}";`,
    );
    const target = `postgres://${postgres.user}@${postgres.host}:${String(postgres.port)}/${name}_new`;
    const { exitCode, shown } = await onTerminal(
      host,
      ['restore', '--key', host.opsKey, '--swap', name],
      [
        ['Which moment?', ENTER],
        ['Where to?', `${target}${ENTER}`],
        ['What now?', ENTER],
        ['Start?', ENTER],
        ['Type its name to go on', `${name}${ENTER}`],
      ],
    );
    expect({ exitCode, shown }).toMatchObject({ exitCode: 0 });
    const count = async () => (await postgres.psql(url, 'SELECT count(*) FROM t;')).trim();
    expect(await count()).toContain('100');
    expect(shown).not.toContain(postgres.password);
    const back = /^ +(psql .*)$/m.exec(shown)?.[1] ?? '';
    execFileSync('sh', ['-ec', back], { env: { ...env, PATH: process.env['PATH'] } });
    expect(await count()).toContain('50');
  });

  test('sessions are ended only when that was said', async () => {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase('busy');
    const name = new URL(url).pathname.slice(1);
    await postgres.psql(url, 'CREATE TABLE t (a int);');
    const env = { SHOP_URL: url };
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_URL'],
      env,
    });
    await backUp(host);
    const { default: pg } = await import('pg');
    const session = new pg.Client({ connectionString: url });
    session.on('error', () => undefined);
    await session.connect();
    const to = (suffix: string) => url.replace(name, `${name}_${suffix}`);
    const args = (suffix: string) => [
      'restore',
      'shop',
      '--to',
      to(suffix),
      '--key',
      host.opsKey,
      '--swap',
      name,
      '--yes',
    ];
    const refused = await host.run(args('one'));
    expect(refused).toMatchObject({ exitCode: 6 });
    expect(refused.stderr).toContain(`${name} is in use: 1 session`);
    expect((await session.query('SELECT 1')).rowCount).toBe(1);
    await host.good([...args('two'), '--end-sessions']);
    await expect(session.query('SELECT 1')).rejects.toThrow();
    await session.end().catch(() => undefined);
    // The one in use is open to all again, under either name.
    await postgres.psql(url, 'SELECT * FROM t;');
  });

  test('a role that may not end a session leaves the database open to all', async () => {
    const postgres = await usePostgres();
    const role = await postgres.createRole('CREATEDB');
    const owned = async (name: string) => {
      const url = await postgres.createDatabase(name);
      const database = new URL(url).pathname.slice(1);
      await postgres.psql(url, `ALTER DATABASE "${database}" OWNER TO "${role.name}"`);
      return { url, database };
    };
    const [inUse, restored] = [await owned('door'), await owned('restored')];
    const { default: pg } = await import('pg');
    const session = new pg.Client({ connectionString: inUse.url });
    session.on('error', () => undefined);
    await session.connect();
    const { postgresSwap } = await import('../../src/sources/postgres/swap.ts');
    const url = postgres.url(restored.database, role);
    const swap = postgresSwap({ url, name: inUse.database, suffix: 'before_x', comment: undefined, env: {} });
    await expect(swap.run(true, SIGNAL)).rejects.toMatchObject({ code: 'SWAP_FAILED', exit: 'target' });
    // A new session comes in, and the old one is still there.
    expect(await postgres.psql(inUse.url, 'SELECT 42;')).toContain('42');
    expect((await session.query('SELECT 1')).rowCount).toBe(1);
    await session.end();
  });
});
