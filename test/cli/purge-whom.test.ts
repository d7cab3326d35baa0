/** Goal: who was named wrongly is noticed before a receipt says that they are gone, and nobody is given another one's rows. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { withDatabase } from '../services/shop.ts';
import { giveMap } from '../services/subject-map.ts';
import { tempFolder } from '../services/temp.ts';

const MAP = `version: 1
subject: customer
root: { table: people, key: id, lookup: { email: lower } }
tables:
  people:
    links: [{ link: { boss: people.id }, erase: { set: { boss: null } }, follow: false }]
    erase: delete
  visits: { json: { detail: $.who }, erase: delete }
`;

let reader: Machine;

beforeAll(async () => {
  const database = join(await tempFolder('whom'), 'shop.db');
  withDatabase(database, (db) =>
    db.exec(`CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, boss INTEGER REFERENCES people (id));
      CREATE TABLE visits (id INTEGER PRIMARY KEY, detail TEXT);
      INSERT INTO people VALUES (1, 'one@example.org', NULL), (2, 'two@example.org', 1), (3, 'ONE@example.org', 2);
      INSERT INTO visits VALUES (1, '{"who": 2}'), (2, '{"who": "002"}'), (3, '{"who": 3}');`),
  );
  const source = ['--source', 'sqlite', '--path', database];
  const host = await makeHost({ place: await folderPlace(), source });
  reader = await host.reader();
  for (const machine of [host, reader]) await giveMap(machine, MAP);
  await backUp(host);
});

async function plan(file: string, ...subjects: readonly string[]) {
  const whom = subjects.flatMap((one) => ['--subject', one]);
  const { json, stderr } = await reader.good(['purge', 'plan', 'shop', ...whom, '-o', file, '--json']);
  const of = (kind: string) => json.find(({ type }) => type === kind);
  return { plan: of('plan'), tables: of('snapshot')?.['tables'], stderr };
}

test('a plan says when nobody is like that, and when it is one of several', async () => {
  const nobody = await plan('nobody.plan', 'customer=4711');
  expect(nobody.plan).toMatchObject({ nobody: true, strangers: 1, touched: 0 });
  expect(nobody.stderr).toContain('nobody like that in 1 snapshot');
  const one = await plan('one.plan', 'customer=2', 'email=six@example.org', 'customer=4712');
  expect(one.plan).toMatchObject({ nobody: false, strangers: 2, touched: 1 });
  expect(one.stderr).toContain('2 of those you ask for have no row of people');
  expect(one.stderr).not.toMatch(/six@|4712/);
  const both = await plan('both.plan', 'customer=2', 'email=One@Example.org', 'customer=1', 'customer=3');
  expect(both.plan).toMatchObject({ nobody: false, strangers: 0 });
  expect(both.stderr).not.toContain('no row');
});

test('a number that is typed with zeros before it is the number', async () => {
  const expected = (await plan('plain.plan', 'customer=2')).tables;
  expect(expected).toMatchObject({ people: { delete: 1, change: 1 }, visits: { delete: 2 } });
  const filled = await plan('filled.plan', 'customer= 002');
  expect(filled.tables).toEqual(expected);
  expect(filled.stderr).not.toContain('warning');
});

test('an export has the rows of one person', async () => {
  const give = ['subjects', 'export', 'shop'];
  const refused = await reader.run([...give, '--subject', 'email=one@example.org', '-o', 'one']);
  expectComplaint(refused, {
    exit: 7,
    error: /led to 2 of them.*customer=1, customer=3/,
    hint: /by the key/,
  });
  const given = await reader.good([...give, '--subject', 'customer=2', '-o', 'two']);
  expect(given.stderr).toContain('left out 1 row of people');
  const text = await readFile(join(reader.folder, 'two/subject.json'), 'utf8');
  expect(text).toContain('two@example.org');
  expect(text).not.toContain('ONE@');
});

test('nothing is begun when the receipt could not be written', async () => {
  await plan('begun.plan', 'customer=3');
  await writeFile(join(reader.folder, 'other.json'), 'of somebody else');
  for (const [file, error] of [
    ['other.json', /other\.json: it is there already/],
    ['no-folder/receipt.json', /cannot write/],
  ] as const) {
    const refused = await reader.run(['purge', 'apply', 'begun.plan', '--yes', '-o', file]);
    expectComplaint(refused, { exit: 2, error, hint: /-o/ });
  }
  expect(await readFile(join(reader.folder, 'other.json'), 'utf8')).toBe('of somebody else');
  expect((await reader.good(['purge', 'list', '--json'])).json.at(-1)).toMatchObject({ requests: 0 });
});
