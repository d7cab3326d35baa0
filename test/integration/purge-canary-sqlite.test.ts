/**
 * Goal: as purge-canary.test.ts, in SQLite: twenty people in every kind of value and in full-text indexes, over 30 days
 * of backups in two chains; one is purged.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { makeWorld } from '../services/world.ts';
import { openAll, Person } from './purge-canary-kit.ts';
import { nameOf, PEOPLE, personOf } from './purge-canary-people.ts';
import { apply, dumpOf, plan } from './purge-kit.ts';
import { shellLoad } from './sqlite-kit.ts';

const DAYS = Number(process.env['CANARY_DAYS'] ?? 30);
const VICTIM = 7;

/** How a name (?1) gets into a column without a type. */
const PLACES = [
  '?1',
  `char(10) || ?1 || char(13)`,
  'lower(?1)',
  'upper(?1)',
  `json_object('name', ?1)`,
  `json_array(json_object('body', json_quote(?1)))`,
  'CAST(?1 AS BLOB)',
  `CAST(json_object('name', ?1) AS BLOB)`,
  'hex(?1)',
  'quote(?1)',
  `?1 || char(0)`,
];

const MAP = `
version: 1
subject: person
root: { table: people, key: id, lookup: { mail: lower } }
tables:
  people: { erase: delete }
${PLACES.map((_, at) => `  p${at}: { link: { person: people.id }, erase: delete }`).join('\n')}
  docs: { link: { person: people.id }, erase: delete }
  tickets: { link: { person: people.id }, erase: { set: { person: null, body: null } } }
  own: { rebuild: true }
  own_content: { link: { c0: people.id }, erase: delete }
  outside: { rebuild: true }
  old: { rebuild: true }
  old_content: { link: { docid: docs.id }, erase: delete }
  noise: { no_personal_data: true }
`;

test('in SQLite', { timeout: 600_000 }, async () => {
  const world = await makeWorld();
  const folder = await tempFolder('canary');
  const path = join(folder, 'people.db');
  makePeople(path);
  const subjects = parseSubjectMap(MAP, 'people.yaml');
  const options = { source: sqliteSource({ path, scratch: join(folder, 'scratch') }), subjects };
  const ids: string[] = [];
  for (let day = 1; day <= DAYS; day++) {
    fillDay(path, day);
    const full = day === Math.floor(DAYS / 2) + 1;
    ids.push((await world.backup({}, { ...options, full })).entry.snapshot);
  }
  const root = fileURLToPath(world.store.url);
  const victim = new Person(personOf(VICTIM));
  const isTheirs = (line: string) => victim.isIn(Buffer.from(line));
  const before = await openAll(root, [world.ops, world.host]);
  expect(before.failures).toEqual([]);
  expect(victim.findIn(before.pieces).length).toBeGreaterThan(2 * PLACES.length);
  const dumps = await Promise.all(ids.map((id) => dumpOf(world, id)));
  for (const table of ['own_content', 'own_data', 'outside_data', 'old_content', 'old_segdir'])
    expect(rowsOf(dumps.at(-1) ?? '', table), table).not.toEqual([]);

  const subject = { by: ['mail'], known: new Map([['mail', nameOf(VICTIM).mail]]) };
  const { plan: planned, report } = await plan(world, [subject], { map: MAP });
  expect(report.problems).toEqual([]);
  const done = await apply(world, planned);
  expect(done.left).toEqual([]);
  expect(isTheirs(done.page) || isTheirs(done.receipt?.bytes.toString() ?? '')).toBe(false);

  for (const [at, id] of ids.entries()) {
    const [was, is] = [dumps[at] ?? '', await dumpOf(world, id)];
    for (const table of ['people', ...PLACES.map((_, place) => `p${place}`), 'docs', 'own_content', 'noise'])
      expect(rowsOf(is, table), `${table} of ${id}`).toEqual(
        rowsOf(was, table).filter((line) => !isTheirs(line)),
      );
    const [tickets, left] = [rowsOf(was, 'tickets'), rowsOf(is, 'tickets')];
    expect(left.length).toBe(tickets.length);
    expect(left.filter((line) => !/VALUES\(\d+,NULL,NULL\)/.test(line))).toEqual(
      tickets.filter((line) => !isTheirs(line)),
    );
  }

  const restored = join(folder, 'restored.db');
  shellLoad(Buffer.from(await dumpOf(world, ids.at(-1) ?? '')), restored);
  for (const index of ['own', 'outside', 'old']) {
    expect(found(restored, index, VICTIM), index).toBe(0);
    expect(found(restored, index, VICTIM + 1), index).toBe(DAYS);
  }

  // The host learns of it, and its database lets go of them: overwritten, in indexes as well.
  erase(path);
  await world.backup({}, options);
  const after = await openAll(root, [world.ops, world.host]);
  expect(after.failures).toEqual([]);
  expect(victim.findIn(after.messages)).toEqual([]);
  expect(victim.findIn(after.pieces)).toEqual([]);
  expect(await victim.findBelow(root), 'the store').toEqual([]);
  expect(await victim.findBelow(join(root, '..', 'state')), "the host's state").toEqual([]);
  for (let person = 1; person <= PEOPLE; person++)
    if (person !== VICTIM)
      expect(new Person([nameOf(person).name]).findIn(after.pieces).length).toBeGreaterThan(PLACES.length);
});

function makePeople(path: string): void {
  withDatabase(path, (db) => {
    db.exec(`
      CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT NOT NULL UNIQUE, name TEXT, phone TEXT);
      ${PLACES.map((_, at) => `CREATE TABLE p${at} (id INTEGER PRIMARY KEY, person INT, v);`).join('\n')}
      CREATE TABLE docs (id INTEGER PRIMARY KEY, person INT, body TEXT);
      CREATE TABLE tickets (id INTEGER PRIMARY KEY, person INT, body TEXT);
      CREATE TABLE noise (id INTEGER PRIMARY KEY, body TEXT);
      CREATE VIRTUAL TABLE own USING fts5 (person UNINDEXED, body);
      CREATE VIRTUAL TABLE outside USING fts5 (body, content='docs', content_rowid='id');
      CREATE VIRTUAL TABLE old USING fts4 (body);`);
    for (let person = 1; person <= PEOPLE; person++) {
      const { id, mail, name, phone } = nameOf(person);
      db.prepare('INSERT INTO people VALUES (?, ?, ?, ?)').run(id, mail, name, phone);
    }
    const noise = db.prepare('INSERT INTO noise (body) VALUES (?)');
    for (let n = 0; n < 1500; n++) noise.run(`${(n * 2654435761) % 4294967291} ${'x'.repeat(400)}`);
  });
}

function fillDay(path: string, day: number): void {
  withDatabase(path, (db) => {
    for (let person = 1; person <= PEOPLE; person++) {
      const { id, mail, name } = nameOf(person);
      for (const [at, expression] of PLACES.entries())
        if (day === 1 || (at + day + person) % 8 === 0)
          db.prepare(`INSERT INTO p${at} (person, v) SELECT ${id}, ${expression}`).run(name);
      const text = `day ${day}: ${name}, zoe${person}canary wrote from ${mail}`;
      const doc = db.prepare('INSERT INTO docs (person, body) VALUES (?, ?)').run(id, text).lastInsertRowid;
      db.prepare('INSERT INTO tickets (person, body) VALUES (?, ?)').run(id, text);
      db.prepare('INSERT INTO own (person, body) VALUES (?, ?)').run(id, text);
      db.prepare('INSERT INTO outside (rowid, body) VALUES (?, ?)').run(doc, text);
      db.prepare('INSERT INTO old (docid, body) VALUES (?, ?)').run(doc, text);
    }
    db.exec(`UPDATE noise SET body = body || 'z' WHERE id = ${day} * 40`);
  });
}

function erase(path: string): void {
  const { id } = nameOf(VICTIM);
  withDatabase(path, (db) => {
    for (const at of PLACES.keys()) db.exec(`DELETE FROM p${at} WHERE person = ${id}`);
    db.exec(`
      DELETE FROM old WHERE docid IN (SELECT id FROM docs WHERE person = ${id});
      DELETE FROM own WHERE person = '${id}'; DELETE FROM docs WHERE person = ${id};
      UPDATE tickets SET person = NULL, body = NULL WHERE person = ${id};
      DELETE FROM people WHERE id = ${id};
      INSERT INTO own (own) VALUES ('rebuild'); INSERT INTO outside (outside) VALUES ('rebuild');
      INSERT INTO old (old) VALUES ('rebuild');`);
  });
}

/** The lines of a dump that put rows into a table. */
function rowsOf(dump: string, table: string): string[] {
  return dump.split('\n').filter((line) => line.startsWith(`INSERT INTO "${table}"`));
}

/** How many texts of somebody a full-text index finds. */
function found(path: string, index: string, person: number): number {
  const sql = `SELECT count(*) AS n FROM ${index} WHERE ${index} MATCH 'zoe${person}canary'`;
  return withDatabase(path, (db) => Number(db.prepare(sql).get()?.['n']));
}
