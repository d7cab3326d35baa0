/**
 * Goal: whatever is wrong with the database, its tools, the configuration or the clock, a backup says it in one line
 * with one hint, makes no snapshot, and the next run works.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { Client } from 'pg';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { expectComplaint, expectNoInside } from '../services/complaint.ts';
import {
  PLACES,
  backUp,
  bucketPlace,
  committedIn,
  folderPlace,
  makeHost,
  snapshotsOf,
} from '../services/machines.ts';
import type { Host, Place, SnapshotRecord } from '../services/machines.ts';
import { freePort } from '../services/processes.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { expectRefusal } from '../services/refusal.ts';
import { openShop, dayOfBusiness } from '../services/shop.ts';
import { pathWith, recorded } from '../services/tools.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';

describe('PostgreSQL', () => {
  let postgres: PostgresAccess;
  let url: string;
  let host: Host;

  beforeAll(async () => {
    postgres = await usePostgres();
    url = await postgres.createDatabase('bad');
    const table =
      'CREATE TABLE people AS SELECT g AS id, md5(g::text) AS name FROM generate_series(1, 30000) g;';
    await postgres.psql(url, `${table} CREATE TABLE busy (id int) PARTITION BY LIST (id);`);
    host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
      env: { SHOP_DATABASE_URL: url },
    });
  });

  test('a server that does not answer', async () => {
    const away = `postgres://someone:hush-hush@127.0.0.1:${String(await freePort())}/shop`;
    await expectRefusal(host, {
      env: { SHOP_DATABASE_URL: away },
      exit: 1,
      error: /cannot reach PostgreSQL at .*127\.0\.0\.1:\d+/,
      hint: /server runs/,
      secrets: ['hush-hush'],
    });
  });

  test('a wrong password', async () => {
    await expectRefusal(host, {
      env: { SHOP_DATABASE_URL: url.replace(postgres.password, 'hush-hush') },
      exit: 1,
      error: /refused the login/,
      hint: /password/,
      secrets: ['hush-hush'],
    });
  });

  test('a database that is not there', async () => {
    const env = { SHOP_DATABASE_URL: postgres.url('not_there') };
    await expectRefusal(host, { env, exit: 1, error: /no such database: .*not_there/, hint: /psql -l/ });
  });

  test('a variable that is not set', async () => {
    const env = { SHOP_DATABASE_URL: undefined };
    await expectRefusal(host, {
      env,
      exit: 2,
      error: /SHOP_DATABASE_URL/,
      hint: /SHOP_DATABASE_URL|url_file/,
    });
  });

  test('no pg_dump', async () => {
    const env = { PATH: await tempFolder('empty') };
    const what = {
      exit: 1,
      error: /pg_dump is not on the PATH/,
      hint: /apt-get install postgresql-client-\d+/,
    };
    await expectRefusal(host, { env, ...what });
  });

  test('a pg_dump that is older than the server', async () => {
    const old = 'echo "pg_dump (PostgreSQL) 11.22"';
    const env = { PATH: await pathWith({ pg_dump: old, pg_dumpall: old }) };
    const what = { exit: 1, error: /pg_dump 11\.22 is older than the server/, hint: /postgresql-client-\d+/ };
    await expectRefusal(host, { env, ...what });
  });

  test.each([
    ['is killed', '"$REAL/pg_dump" "$@" | { head -c 100000; kill -KILL $$; }'],
    ['fails', '"$REAL/pg_dump" "$@" | head -c 100000; echo "pg_dump: error: out of luck" >&2; exit 1'],
    ['says that all is well', '"$REAL/pg_dump" "$@" | head -c 100000; exit 0'],
  ])('a pg_dump that dies half way and %s', async (_, death) => {
    const script = `case "$*" in *section=data*) ${death};; *) exec "$REAL/pg_dump" "$@";; esac`;
    await expectRefusal(host, {
      env: { PATH: await pathWith({ pg_dump: script }) },
      exit: 1,
      error:
        /pg_dump \(data\) (was killed by SIGKILL|failed with exit code 1: .*out of luck)|dump ended inside table public\.people/,
      hint: /Nothing was stored|run it again/i,
    });
  });

  test('a session that the server ends in the middle', async () => {
    const release = await holdTable();
    const ending = endWaitingDumps();
    const result = await host.run(['backup']);
    await Promise.all([ending, release()]);
    expectComplaint(result, { exit: 1, error: /pg_dump .*terminat/, hint: /server log/ });
    expect((await backUp(host)).counts.segments).toBeGreaterThan(0);
  });

  test('two backups of one set at once: the second is told, the first is not disturbed', async () => {
    const before = await committedIn(host.place);
    const pidFile = join(await tempFolder(), 'pids');
    const release = await holdTable();
    const env = { PATH: await pathWith({ pg_dump: recorded('pg_dump', pidFile) }) };
    const first = host.run(['backup', '--json'], { env });
    await expect.poll(() => readFile(pidFile, 'utf8').catch(() => ''), { timeout: 20_000 }).not.toBe('');
    const second = await host.run(['backup']);
    expectComplaint(second, { exit: 11, error: /working on set shop/, hint: /Wait/ });
    const scripted = await host.run(['backup', '--json']);
    expect(scripted.json).toEqual([expect.objectContaining({ type: 'error', code: 'LOCKED', exit: 11 })]);
    await release();
    expect((await first).exitCode).toBe(0);
    expect((await committedIn(host.place)).length).toBe(before.length + 1);
  });

  test('after all that nothing is wrong with the store', async () => {
    const { json } = await (await host.reader()).good(['verify', '--read-data', '--json']);
    expect(json.at(-1)).toMatchObject({ problems: 0, unchecked: 0 });
  });

  /** Somebody works on a table, so that pg_dump waits for its lock. */
  async function holdTable(): Promise<() => Promise<void>> {
    const client = new Client(url);
    await client.connect();
    await client.query('BEGIN; LOCK TABLE ONLY busy IN ACCESS EXCLUSIVE MODE');
    const release = () => client.end();
    onTestFinished(release);
    return release;
  }

  async function endWaitingDumps(): Promise<void> {
    const waiting = `datname = current_database() AND application_name = 'pg_dump' AND wait_event_type = 'Lock'`;
    const sql = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE ${waiting};`;
    await expect.poll(() => postgres.psql(url, sql), { timeout: 20_000 }).not.toBe('0');
  }
});

describe('SQLite', () => {
  let host: Host;
  let path: string;

  beforeAll(async () => {
    path = join(await tempFolder('shop'), 'shop.db');
    openShop(path);
    host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', path] });
    await backUp(host);
  });

  test.each([
    ['is not there', undefined, /no database at/, /path/],
    ['is not a database', Buffer.from('name,age\nJohn,7\n'.repeat(200)), /not an SQLite database/, /path/],
    ['is cut short', 'half', /damaged/, /integrity_check/],
  ])('a database that %s', async (_, put, error, hint) => {
    const good = await readFile(path);
    if (put === undefined) await execa('rm', [path]);
    else await writeFile(path, put === 'half' ? good.subarray(0, 8192 + 4096 * 3) : put);
    const mend = () => writeFile(path, good);
    await expectRefusal(host, { exit: 1, error, hint, mend });
  });
});

describe('the configuration', () => {
  test('a typing error is shown with its place, and nothing is done', async () => {
    const path = join(await tempFolder('shop'), 'shop.db');
    openShop(path, 10);
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'sqlite', '--path', path],
    });
    const file = join(host.folder, 'holdfast.yaml');
    const good = await readFile(file, 'utf8');
    const lineOf = (text: string) => good.split('\n').findIndex((line) => line.includes(text)) + 1;
    for (const [from, to, said] of [
      [
        'keep: 30d',
        'kep: 30d',
        new RegExp(`holdfast\\.yaml:${String(lineOf('keep: 30d'))}:5: .*did you mean 'keep'`),
      ],
      ['keep: 30d', 'keep: 30 fortnights', new RegExp(`holdfast\\.yaml:${String(lineOf('keep: 30d'))}:11: `)],
      ['version: 1', 'version: 1\n\tsets: {}', /holdfast\.yaml:\d+:\d+: /],
      ['store: file://', 'store: flie://', new RegExp(`holdfast\\.yaml:${String(lineOf('store:'))}:8: `)],
    ] as const) {
      await writeFile(file, good.replace(from, to));
      for (const verb of ['backup', 'doctor', 'snapshots', 'verify', 'status']) {
        const { exitCode, stdout, stderr } = await host.run([verb]);
        expect({ verb, exitCode, stdout }).toEqual({ verb, exitCode: 2, stdout: '' });
        expect(stderr).toMatch(said);
        expect(stderr).toMatch(/^holdfast: error: [^]*\nholdfast: hint: .+\n$/);
        expectNoInside(stderr);
      }
    }
    await writeFile(file, good);
    await backUp(host);
    expect(await snapshotsOf(host)).toHaveLength(1);
  });

  test('a set and a file that do not exist', async () => {
    const path = join(await tempFolder('shop'), 'shop.db');
    openShop(path, 10);
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'sqlite', '--path', path],
    });
    await expectRefusal(host, { args: ['backup', 'shpo'], exit: 2, error: /shpo/, hint: /shop/ });
    const args = ['-c', 'nowhere.yaml', 'backup'];
    await expectRefusal(host, { args, exit: 2, error: /nowhere\.yaml/, hint: /init|-c|path/i });
  });
});

describe('a host whose clock jumps', () => {
  let path: string;

  beforeAll(async () => {
    path = join(await tempFolder('shop'), 'shop.db');
    openShop(path);
  });

  test.each(PLACES)("%s: by minutes, and the store's clock counts", async (_, makePlace) => {
    await jump(await makePlace(), ['-14m', '+14m', '-12m'], 'minutes');
  });

  test("a folder: by days, and the store's clock counts", async () => {
    await jump(await folderPlace(), ['-3d', '+3d', '-1d'], '(minutes|hours|days)');
  });

  test('S3: a server refuses requests of another day, which is said', async () => {
    const host = await hostBornBefore(await bucketPlace());
    const what = {
      exit: 1,
      error: /clock of the store .* and this host's do not agree/,
      hint: /timedatectl|clock/,
    };
    for (const shift of ['-3d', '+3d']) await expectRefusal(host, { env: await clock(shift), ...what });
  });

  /** A recipient whose key is older than the jump; the new one only vouches for the host. */
  async function hostBornBefore(place: Place): Promise<Host> {
    const host = await makeHost({ place, source: ['--source', 'sqlite', '--path', path] });
    const file = join(host.folder, 'holdfast.yaml');
    const keys = 'recipients: [keys/escrow.asc]\ntrusted_signers: [keys/ops.asc]';
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^recipients: .*$/m, keys));
    return host;
  }

  async function jump(place: Place, shifts: readonly string[], unit: string): Promise<void> {
    const host = await hostBornBefore(place);
    const made: string[] = [];
    const times: number[] = [];
    for (const shift of [undefined, ...shifts, undefined]) {
      dayOfBusiness(path);
      const env = shift === undefined ? {} : await clock(shift);
      const result = await host.good(['backup', '--json'], { env });
      const record = result.json.find(({ type }) => type === 'snapshot') as unknown as SnapshotRecord;
      made.push(record.snapshot);
      times.push(new Date(record.time).getTime());
      const warned = new RegExp(`clock is \\d+ ${unit} (behind|ahead of)`).test(result.stderr);
      expect({ shift, warned }).toEqual({ shift, warned: shift !== undefined });
    }
    for (const time of times) expect(Math.abs(time - Date.now())).toBeLessThan(300_000);
    expect(await snapshotsOf(host)).toEqual(made);
    const { json } = await host.good(['verify', '--json']);
    expect(json.at(-1)).toMatchObject({ problems: 0, unchecked: 0 });
  }
});

/** An environment in which a process lives at another time; what the disk says about files stays true. */
async function clock(shift: string): Promise<Record<string, string>> {
  const { stdout } = await execa('faketime', ['-f', '+0d', 'printenv', 'LD_PRELOAD']);
  return { LD_PRELOAD: stdout, FAKETIME: shift, FAKETIME_DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' };
}
