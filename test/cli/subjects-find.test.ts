/** Goal: a privacy officer sees where somebody is in the snapshots, and gives them what is said of them there. */
import { readdir, readFile, stat, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { holdfast } from '../services/cli.ts';
import { expectComplaint } from '../services/complaint.ts';
import { makeShop, mapText, nextDay } from '../services/person-shop.ts';
import { tempFolder } from '../services/temp.ts';

let cwd: string;
let snapshots: readonly string[];

function run(sql: string): void {
  using db = new DatabaseSync(join(cwd, 'shop.db'));
  db.exec(sql);
}

async function ok(args: readonly string[]) {
  const result = await holdfast(args, { cwd });
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  return result;
}

beforeAll(async () => {
  cwd = await tempFolder('find');
  await mkdir(join(cwd, 'subjects'));
  run(makeShop('sqlite'));
  run(
    "INSERT INTO orders VALUES (1, 17, 'a, \"b\"'), (2, 17, ''), (3, 18, NULL); INSERT INTO lines VALUES (1, 1, NULL)",
  );
  const set = ['--set', 'shop', '--source', 'sqlite', '--path', 'shop.db'];
  await ok(['init', '--yes', '--store', `file://${cwd}/store`, ...set, '--private-key-out', 'ops.key']);
  const config = await readFile(join(cwd, 'holdfast.yaml'), 'utf8');
  await writeFile(
    join(cwd, 'holdfast.yaml'),
    config.replace(/^( +)keep:/m, '$1subjects: subjects/shop.yaml\n$1keep:'),
  );
  await writeFile(join(cwd, 'subjects/shop.yaml'), mapText('sqlite'));
  await ok(['backup']);
  run(nextDay('sqlite', 1).replace(/DELETE.*/, ''));
  await ok(['backup']);
  const { json } = await holdfast(['snapshots', 'shop', '--json'], { cwd });
  snapshots = json.filter(({ type }) => type === 'snapshot').map(({ snapshot }) => String(snapshot));
});

const FIND = ['subjects', 'find', 'shop', '--key', 'ops.key', '--subject'];
const EXPORT_OLDEST = ['subjects', 'export', 'shop@oldest', '--key', 'ops.key', '--subject'];
const EXPORT = ['subjects', 'export', 'shop', '--key', 'ops.key', '--subject'];

describe('find', () => {
  test('counts rows of each table in every snapshot, by an address that they had', async () => {
    const text = await ok([...FIND, 'email=PERSON17@example.org']);
    expect(text.stdout).toMatch(/^SNAPSHOT +TABLE +DELETE +CHANGE +KEEP\n/);
    expect(text.stdout).toMatch(/ orders +2 +0 +0\n/);
    expect(text.stdout).toMatch(/ invoices +0 +3 +0\n/);
    expect(text.stdout).toMatch(/\nin 2 of 2 snapshots\n$/);
    expect(text.stdout).not.toContain('person17@');
    const { json } = await ok([...FIND, 'customer=17', '--json']);
    const users = json.filter(({ table }) => table === 'users');
    expect(users.map(({ snapshot }) => snapshot)).toEqual(snapshots);
    expect(json.at(-1)).toMatchObject({ type: 'summary', snapshots: 2, holding: 2, unsearched: [] });
  });

  test('says so when nobody is found', async () => {
    expect((await ok([...FIND, 'customer=4711'])).stdout).toBe('nobody like that in 2 snapshots\n');
  });

  test('asks by which names somebody can be found, and repeats no value', async () => {
    const result = await holdfast([...FIND, 'phone=secret-number'], { cwd });
    expectComplaint(result, { exit: 2, error: /./, hint: /customer=.*email=/ });
    expect(result.stderr).not.toContain('secret-number');
  });
});

describe('export', () => {
  test('writes JSON and a CSV file of each table, for its owner alone', async () => {
    const folder = join(cwd, 'person');
    const result = await ok([...EXPORT_OLDEST, 'customer=17', '-o', 'person']);
    expect(result.stdout).toMatch(/^wrote \d+ rows of 8 tables to person\n$/);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const files = await readdir(folder);
    expect(files).toHaveLength(9);
    for (const file of files) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    const json = JSON.parse(await readFile(join(folder, 'subject.json'), 'utf8')) as {
      tables: Record<string, unknown>;
    };
    expect(json).toMatchObject({ set: 'shop', snapshot: snapshots[0], subject: 'customer=17' });
    expect(json.tables['users']).toEqual([
      { id: '17', email: 'person17@example.org', name: 'Person No. 17' },
    ]);
    expect(json.tables['lines']).toEqual([{ id: '1', order_id: '1', item: null }]);
    const orders = files.find((file) => file.endsWith('-orders.csv')) ?? '';
    expect(await readFile(join(folder, orders), 'utf8')).toBe(
      'id,user_id,note\r\n1,17,"a, ""b"""\r\n2,17,""\r\n',
    );
    expectComplaint(await holdfast([...EXPORT, 'customer=17', '-o', 'person'], { cwd }), {
      exit: 6,
      error: /cannot write person: it is there already/,
      hint: /not there yet/,
    });
  });

  test('prints JSON when no folder is named, of the snapshot that is meant', async () => {
    const { stdout } = await ok([...EXPORT, 'email=moved1@example.org']);
    expect(JSON.parse(stdout)).toMatchObject({
      snapshot: snapshots[1],
      tables: { users: [{ email: 'moved1@example.org' }] },
    });
  });
});

describe('check', () => {
  test('with a key, also against the schemas of snapshots', async () => {
    expect((await ok(['subjects', 'check'])).stdout).toMatch(/shop: 8 tables, 0 problems, \d+ warnings?\n$/);
    run('DROP TABLE photos');
    const map = join(cwd, 'subjects/shop.yaml');
    const text = await readFile(map, 'utf8');
    await writeFile(map, text.replace(/^ +photos:.*\n/m, ''));
    expect((await holdfast(['subjects', 'check'], { cwd })).exitCode).toBe(0);
    const past = await holdfast(['subjects', 'check', '--key', 'ops.key'], { cwd });
    expect(past.exitCode).toBe(2);
    expect(past.stdout).toMatch(/nothing is said about the table photos/);
    expect(past.stdout).toMatch(/\nshop: 2 snapshots, 1 problem/);
  });
});
