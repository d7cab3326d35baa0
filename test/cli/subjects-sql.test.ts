/** Goal: what `subjects sql` prints, a person runs with psql or sqlite3 as it is, and the person is gone. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { holdfast } from '../services/cli.ts';
import { expectComplaint } from '../services/complaint.ts';
import { makeShop, mapText } from '../services/person-shop.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';

const SQL = ['subjects', 'sql', 'shop', '--subject'];

/** A folder with a configuration: neither store nor key is needed. */
async function place(source: string, map: string): Promise<string> {
  const folder = await tempFolder('sql');
  await mkdir(join(folder, 'subjects'));
  await writeFile(
    join(folder, 'holdfast.yaml'),
    `version: 1\nstore: file://${folder}/store\nrecipients: [ops.asc]\nsets:\n  shop:\n    ${source}\n    keep: 30d\n    subjects: subjects/shop.yaml\n`,
  );
  await writeFile(join(folder, 'subjects/shop.yaml'), map);
  return folder;
}

async function sqlitePlace(): Promise<string> {
  const cwd = await place('source: sqlite\n    path: shop.db', mapText('sqlite'));
  using db = new DatabaseSync(join(cwd, 'shop.db'));
  db.exec(
    `${makeShop('sqlite')}; INSERT INTO orders VALUES (1, 17, 'a'), (2, 18, 'b'); INSERT INTO lines VALUES (1, 1, 'x')`,
  );
  return cwd;
}

function sqlite3(cwd: string, script: string) {
  return spawnSync('sqlite3', ['shop.db'], { cwd, input: script, encoding: 'utf8' });
}

const LEFT = `SELECT (SELECT count(*) FROM users WHERE id = 17), (SELECT count(*) FROM orders), (SELECT count(*) FROM lines),
  (SELECT count(*) FROM invoices WHERE user_id = 17), (SELECT count(*) FROM users WHERE id = 18)`;

describe('sqlite3', () => {
  test('runs it as it is: first to look, then for good', async () => {
    const cwd = await sqlitePlace();
    const look = await holdfast([...SQL, 'customer=17', '--rollback'], { cwd });
    expect(look).toMatchObject({ exitCode: 0, stderr: '' });
    expect(look.stdout).toMatch(/^\.bail on\n/);
    expect(sqlite3(cwd, look.stdout)).toMatchObject({ status: 0, stderr: '' });
    expect(sqlite3(cwd, LEFT).stdout).toBe('1|2|1|3|1\n');

    const told = await holdfast([...SQL, 'email=PERSON17@example.org', '-o', 'erase.sql'], { cwd });
    expect(told).toMatchObject({ exitCode: 0 });
    expect(told.stdout + told.stderr).not.toMatch(/person17@/i);
    expect(told.stderr).toContain('whoever has that name in the database is meant');
    expect((await stat(join(cwd, 'erase.sql'))).mode & 0o777).toBe(0o600);
    const ran = spawnSync('sqlite3', ['shop.db', '.read erase.sql'], { cwd, encoding: 'utf8' });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(sqlite3(cwd, LEFT).stdout).toBe('0|1|0|0|1\n');
  });

  test('stops at the first error, and nothing is changed', async () => {
    const cwd = await sqlitePlace();
    const { stdout } = await holdfast([...SQL, 'customer=17'], { cwd });
    // Since the script was printed, the database has a trigger that keeps a row.
    sqlite3(cwd, 'CREATE TRIGGER hold BEFORE DELETE ON lines BEGIN SELECT raise(IGNORE); END;');
    const ran = sqlite3(cwd, stdout);
    expect(ran.status).not.toBe(0);
    expect(ran.stderr).toContain('a trigger of lines kept rows from being deleted');
    expect(sqlite3(cwd, LEFT).stdout).toBe('1|2|1|3|1\n');
  });

  test('a map that the database has outgrown is refused with its place', async () => {
    const cwd = await sqlitePlace();
    sqlite3(cwd, 'CREATE TABLE newcomers (id INTEGER PRIMARY KEY, phone TEXT)');
    expectComplaint(await holdfast([...SQL, 'customer=17'], { cwd }), {
      exit: 2,
      error: /subjects\/shop\.yaml:\d+:\d+: .*newcomers/,
      hint: /Correct the subject map/,
    });
    // What is not there any more holds nobody: its rule stays for the snapshots.
    sqlite3(cwd, 'DROP TABLE newcomers; DROP TABLE photos');
    expect(await holdfast([...SQL, 'customer=17'], { cwd })).toMatchObject({ exitCode: 0 });
    expectComplaint(await holdfast(['subjects', 'sql', 'shop'], { cwd }), {
      exit: 2,
      error: /--subject/,
      hint: /--help/,
    });
  });
});

test('psql runs it as it is', async () => {
  const postgres = await usePostgres();
  const url = await postgres.createDatabase('subjects_sql');
  await postgres.psql(url, makeShop('postgres'));
  await postgres.psql(
    url,
    "INSERT INTO orders VALUES (1, 17, 'a'), (2, 18, 'b'); INSERT INTO lines VALUES (1, 1, 'x')",
  );
  const cwd = await place('source: postgres\n    url_env: SHOP_URL', mapText('postgres'));
  const env = { SHOP_URL: url };
  const psql = (file: string) => spawnSync('psql', ['-X', '-q', '-f', file, url], { cwd, encoding: 'utf8' });
  const made = await holdfast([...SQL, 'customer=17', '-o', 'erase.sql', '--json'], { cwd, env });
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
  expect(made.json).toMatchObject([{ type: 'sql', engine: 'postgres', end: 'commit' }, { type: 'summary' }]);
  expect(await readFile(join(cwd, 'erase.sql'), 'utf8')).toBe(made.json[0]?.['text']);
  const left = () => postgres.psql(url, LEFT);
  const before = await left();
  await postgres.psql(
    url,
    "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER hold BEFORE DELETE ON lines FOR EACH ROW EXECUTE FUNCTION hold()",
  );
  expect(psql('erase.sql').status).toBe(3);
  expect(await left()).toEqual(before);
  await postgres.psql(url, 'DROP TRIGGER hold ON lines');
  expect(psql('erase.sql')).toMatchObject({ status: 0, stderr: '' });
  expect(await postgres.psql(url, 'SELECT count(*) FROM users WHERE id = 17')).not.toEqual(
    await postgres.psql(url, 'SELECT count(*) FROM users WHERE id = 18'),
  );
});
