/** Goal: `subjects discover` drafts a map that a person can finish, and `subjects check` says what is wrong with one. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { holdfast } from '../services/cli.ts';
import { expectComplaint } from '../services/complaint.ts';
import { openShop, withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';

/** A folder with a configuration; neither verb needs the store or a key. */
async function place(source: string): Promise<string> {
  const folder = await tempFolder('subjects');
  await mkdir(join(folder, 'subjects'));
  await writeFile(
    join(folder, 'holdfast.yaml'),
    `version: 1\nstore: file://${folder}/store\nrecipients: [ops.asc]\nsets:\n  shop:\n    ${source}\n    keep: 30d\n    subjects: subjects/shop.yaml\n`,
  );
  return folder;
}

async function sqlitePlace(): Promise<string> {
  const folder = await place('source: sqlite\n    path: shop.db');
  openShop(join(folder, 'shop.db'), 5);
  return folder;
}

const DISCOVER = ['subjects', 'discover', 'shop', '--root', 'shop_customers.id'];

describe('SQLite', () => {
  test('a draft passes once it is written where the configuration says', async () => {
    const cwd = await sqlitePlace();
    const shown = await holdfast(DISCOVER, { cwd });
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout).toMatch(
      /^# A draft, made by: holdfast subjects discover shop --root shop_customers\.id\n/,
    );
    const written = await holdfast([...DISCOVER, '-o', 'subjects/shop.yaml'], { cwd });
    expect(written).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readFile(join(cwd, 'subjects/shop.yaml'), 'utf8')).toBe(shown.stdout);
    expect(await holdfast(['subjects', 'check'], { cwd })).toMatchObject({
      exitCode: 0,
      stdout: 'shop: 2 tables, 0 problems, 0 warnings\n',
      stderr: '',
    });
  });

  test('a draft does not overwrite what somebody wrote', async () => {
    const cwd = await sqlitePlace();
    await writeFile(join(cwd, 'subjects/shop.yaml'), 'mine');
    expectComplaint(await holdfast([...DISCOVER, '-o', 'subjects/shop.yaml'], { cwd }), {
      exit: 2,
      error: /cannot write subjects\/shop\.yaml: it is there already/,
      hint: /Name a new file/,
    });
    expect(await readFile(join(cwd, 'subjects/shop.yaml'), 'utf8')).toBe('mine');
  });

  test('a new table fails the check with its place, as text and as JSON', async () => {
    const cwd = await sqlitePlace();
    await holdfast([...DISCOVER, '-o', 'subjects/shop.yaml'], { cwd });
    withDatabase(join(cwd, 'shop.db'), (db) =>
      db.exec('CREATE TABLE newcomers(id INTEGER PRIMARY KEY, phone TEXT)'),
    );
    const text = await holdfast(['subjects', 'check', 'shop'], { cwd });
    expect(text).toMatchObject({ exitCode: 2, stderr: '' });
    expect(text.stdout).toMatch(
      /^PROBLEM {2}subjects\/shop\.yaml:\d+:1: tables: nothing is said about the table newcomers \(its column phone/,
    );
    const { json, exitCode } = await holdfast(['subjects', 'check', '--json'], { cwd });
    expect(exitCode).toBe(2);
    expect(json).toMatchObject([
      {
        type: 'finding',
        set: 'shop',
        kind: 'problem',
        file: 'subjects/shop.yaml',
        column: 1,
        path: ['tables'],
      },
      { type: 'summary', sets: ['shop'], problems: 1, warnings: 0 },
    ]);
  });

  test.each<[string, readonly string[], string | undefined, RegExp, RegExp]>([
    [
      'a map that is no map',
      ['subjects', 'check'],
      'version: 1\nsubject: a\nroot: { table: t, key: id }\n',
      /shop\.yaml:1:1: the file lacks the key 'tables'/,
      /discover/,
    ],
    [
      'a map that is not there',
      ['subjects', 'check'],
      undefined,
      /cannot read the subject map subjects\/shop\.yaml: there is no such file/,
      /discover/,
    ],
    [
      'a root that is not there',
      ['subjects', 'discover', 'shop', '--root', 'shop_customer.id'],
      undefined,
      /there is no table shop_customer/,
      /Did you mean 'shop_customers'/,
    ],
    ['a name that is none', [...DISCOVER, '--subject', 'A'], undefined, /--subject/, /--help/],
    ['no root', ['subjects', 'discover', 'shop'], undefined, /--root/, /--help/],
  ])('%s', async (_, args, map, error, hint) => {
    const cwd = await sqlitePlace();
    if (map !== undefined) await writeFile(join(cwd, 'subjects/shop.yaml'), map);
    expectComplaint(await holdfast(args, { cwd }), { exit: 2, error, hint });
  });
});

test('PostgreSQL: a draft of the live database passes its own check', async () => {
  const postgres = await usePostgres();
  const url = await postgres.createDatabase('subjects');
  await postgres.psql(
    url,
    `CREATE TABLE users (id bigint PRIMARY KEY, email text);
     CREATE TABLE "Order" (id bigint PRIMARY KEY, "userId" bigint NOT NULL REFERENCES users, at date);
     CREATE TABLE log (id bigint, u bigint REFERENCES users ON DELETE SET NULL, ip inet) PARTITION BY LIST (id);
     CREATE TABLE log_1 PARTITION OF log DEFAULT;`,
  );
  const cwd = await place('source: postgres\n    url_env: SHOP_URL');
  const env = { SHOP_URL: url };
  const draft = await holdfast(
    ['subjects', 'discover', 'shop', '--root', 'public.users.id', '-o', 'subjects/shop.yaml'],
    { cwd, env },
  );
  expect(draft).toMatchObject({ exitCode: 0, stderr: '' });
  const text = await readFile(join(cwd, 'subjects/shop.yaml'), 'utf8');
  expect(text).toContain(`'public."Order"': { link: { userId: public.users.id }, erase: delete }`);
  expect(text).toContain(
    'public.log: { link: { u: public.users.id }, erase: { set: { u: null, ip: null } } }',
  );
  const checked = await holdfast(['subjects', 'check', 'shop'], { cwd, env });
  expect(checked).toMatchObject({
    exitCode: 0,
    stdout: 'shop: 4 tables, 0 problems, 0 warnings\n',
    stderr: '',
  });
});
