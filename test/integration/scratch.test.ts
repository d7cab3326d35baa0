/** Goal: scratch databases are real, nobody else gets in, and they are gone afterwards, whatever ended the program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { scratchOnServer } from '../../src/scratch/named-server.ts';
import { startScratchServer } from '../../src/scratch/postgres-server.ts';
import { sqliteScratch } from '../../src/scratch/sqlite.ts';
import { dropDatabase } from '../../src/sources/postgres/scratch.ts';
import { usePostgres } from '../services/use.ts';
import { SIGNAL } from '../services/world.ts';
import { load } from './pg-source-kit.ts';

const SERVER = { major: 13, env: process.env };

/** Folder and port of a socket URL. */
function placeOf(target: string): { readonly folder: string; readonly withoutPassword: string } {
  const folder = decodeURIComponent(/[?&]host=([^&]*)/.exec(target)?.[1] ?? '');
  return {
    folder,
    withoutPassword: target.replace(/&password=[^&]*/, '').replace(/\/scratch_\w+/, '/postgres'),
  };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

describe('a PostgreSQL server of our own', () => {
  test('takes what its password opens, and is gone afterwards', { timeout: 60_000 }, async () => {
    const space = await startScratchServer(SERVER, SIGNAL);
    const scratch = await space.open(SIGNAL);
    const { folder, withoutPassword } = placeOf(scratch.target);
    const postgres = scratch.target.replace(/\/scratch_\w+/, '/postgres');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await load(postgres, 'CREATE TABLE t(a int); INSERT INTO t VALUES (1);');
    await expect(load(withoutPassword, 'SELECT 1')).rejects.toThrow();
    await space[Symbol.asyncDispose]();
    expect(await exists(folder)).toBe(false);
    await expect(load(postgres, 'SELECT 1')).rejects.toThrow();
  });

  test('goes with a program that is killed', { timeout: 60_000 }, async () => {
    const module = pathToFileURL(join(import.meta.dirname, '../../src/scratch/postgres-server.ts')).href;
    const code = `
      const { startScratchServer } = await import(${JSON.stringify(module)});
      const signal = new AbortController().signal;
      const space = await startScratchServer({ major: 13, env: process.env }, signal);
      console.log((await space.open(signal)).target);
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { folder } = placeOf(line.toString().trim());
    expect(await exists(folder)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await expect.poll(() => exists(folder), { timeout: 20_000 }).toBe(false);
  });

  test('says what is missing', async () => {
    await expect(startScratchServer({ ...SERVER, major: 99 }, SIGNAL)).rejects.toMatchObject({
      code: 'SCRATCH_NO_SERVER',
      exit: 'unverifiable',
    });
  });
});

test('a database on a named server is dropped, and only that', { timeout: 60_000 }, async () => {
  const postgres = await usePostgres();
  const mine = await postgres.createDatabase('mine');
  const drop = (url: string) => dropDatabase(url, {});
  await using space = scratchOnServer({ url: mine, name: 'x', drop });
  const scratch = await space.open(SIGNAL);
  const name = /\/(holdfast_scratch_\w+)$/.exec(scratch.target)?.[1] ?? '';
  await postgres.psql(mine, `CREATE DATABASE ${name}`);
  await load(scratch.target, 'CREATE TABLE t(a int)');
  await scratch[Symbol.asyncDispose]();
  const left = await postgres.psql(postgres.url(), 'SELECT datname FROM pg_database');
  expect(left).not.toContain(name);
  expect(left).toContain('mine');
  // One that was never made.
  await (await space.open(SIGNAL))[Symbol.asyncDispose]();
});

test('SQLite: the file is gone', async () => {
  await using space = sqliteScratch();
  const scratch = await space.open(SIGNAL);
  const db = new DatabaseSync(scratch.target);
  db.exec('CREATE TABLE p(id INTEGER PRIMARY KEY)');
  db.close();
  await scratch[Symbol.asyncDispose]();
  expect(await exists(dirname(scratch.target))).toBe(false);
});
