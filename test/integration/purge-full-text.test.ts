/**
 * Goal: full-text indexes of SQLite know nothing any more of whom a purge erased, and all of the others: a restored
 * snapshot is what the erasure in SQL leaves, with the indexes made anew; by the loader, by the shell, by suppression.
 */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { planRestore, runRestore } from '../../src/restore/restore.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { sqliteLoader } from '../../src/sources/sqlite/loader.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { erasureSql } from '../../src/subjects/sql.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import { withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { makeWorld, SET, SIGNAL } from '../services/world.ts';
import { apply, customer, dumpOf, plan, rowsIn } from './purge-kit.ts';
import type { Purged } from './purge-kit.ts';
import { LOAD_OPTIONS, shellLoad } from './sqlite-kit.ts';
import { announceIn, configure } from './suppression-kit.ts';
import { readPrivateKey } from '../../src/openpgp/keys.ts';

const MAP = `
version: 1
subject: customer
root: { table: customers, key: id }
tables:
  customers: { erase: delete }
  notes: { link: { customer: customers.id }, erase: delete }
  tickets: { link: { customer: customers.id }, erase: { set: { body: null } } }
  own: { rebuild: true }
  own_content: { link: { id: notes.id }, erase: delete }
  outside: { rebuild: true }
  '"odd name"': { rebuild: true }
  old: { rebuild: true }
  old_content: { link: { docid: notes.id }, erase: delete }
  oldest: { rebuild: true }
`;

const INDEXES = ['own', 'outside', 'odd name', 'old', 'oldest'];

/** Two notes of each customer, in indexes of every kind; every word says whose it is. */
function fill(path: string): void {
  withDatabase(path, (db) => {
    db.exec(`
      CREATE TABLE customers(id INTEGER PRIMARY KEY);
      CREATE TABLE notes(id INTEGER PRIMARY KEY, customer INT NOT NULL REFERENCES customers, body TEXT);
      CREATE TABLE tickets(id INTEGER PRIMARY KEY, customer INT NOT NULL, body TEXT);
      CREATE VIRTUAL TABLE own USING fts5(body);
      CREATE VIRTUAL TABLE outside USING fts5(body, content='notes', content_rowid='id', detail=full);
      CREATE VIRTUAL TABLE "odd name" USING fts5(body, content=tickets, content_rowid=id);
      CREATE VIRTUAL TABLE old USING fts4(body);
      CREATE VIRTUAL TABLE oldest USING fts4(content="notes", body);
      INSERT INTO own(own, rank) VALUES ('pgsz', 512);`);
    for (let id = 1; id <= 40; id++) db.prepare('INSERT INTO customers VALUES (?)').run(id);
    for (let note = 1; note <= 80; note++) {
      const body = `canary${1 + (note % 40)}x note${note} says hello`;
      db.prepare('INSERT INTO notes VALUES (?, ?, ?)').run(note, 1 + (note % 40), body);
      db.prepare('INSERT INTO tickets VALUES (?, ?, ?)').run(note, 1 + (note % 40), body);
      for (const index of ['own', 'old'])
        db.prepare(`INSERT INTO ${index}(rowid, body) VALUES (?, ?)`).run(note, body);
    }
    for (const index of ['outside', '"odd name"', 'oldest'])
      db.exec(`INSERT INTO ${index}(${index}) VALUES ('rebuild')`);
  });
}

/** A word of before stays in the indexes, until their parts are merged. */
function changeNote(path: string): void {
  withDatabase(path, (db) => {
    db.exec(`INSERT INTO outside(outside, rowid, body) SELECT 'delete', id, body FROM notes WHERE id = 6;
      DELETE FROM oldest WHERE docid = 6;
      UPDATE notes SET body = 'changed note6' WHERE id = 6;
      INSERT INTO oldest(docid, body) SELECT id, body FROM notes WHERE id = 6;
      INSERT INTO outside(rowid, body) SELECT id, body FROM notes WHERE id = 6;
      UPDATE own SET body = 'changed note6' WHERE rowid = 6;`);
  });
}

/** The application deletes a customer: the indexes still have the words, marked as deleted. */
function deleteCustomer(path: string, id: number): void {
  withDatabase(path, (db) =>
    db.exec(`
      INSERT INTO outside(outside, rowid, body) SELECT 'delete', id, body FROM notes WHERE customer = ${id};
      INSERT INTO "odd name"("odd name", rowid, body) SELECT 'delete', id, body FROM tickets WHERE customer = ${id};
      DELETE FROM oldest WHERE docid IN (SELECT id FROM notes WHERE customer = ${id});
      DELETE FROM own WHERE rowid IN (SELECT id FROM notes WHERE customer = ${id});
      DELETE FROM old WHERE docid IN (SELECT id FROM notes WHERE customer = ${id});
      DELETE FROM notes WHERE customer = ${id};
      DELETE FROM tickets WHERE customer = ${id};
      DELETE FROM customers WHERE id = ${id}`),
  );
}

const WORDS = [
  'hello',
  'note9',
  'note6',
  'changed',
  ...Array.from({ length: 40 }, (_, n) => `canary${n + 1}x`),
];

/** Everything that a database says: rows, and what its indexes find. */
function contentsOf(path: string): Record<string, unknown> {
  const db = new DatabaseSync(path);
  try {
    const tables = ['customers', 'notes', 'tickets', 'own_content', 'old_content'];
    const found = INDEXES.map((index) => {
      const select = db.prepare(`SELECT rowid FROM "${index}" WHERE "${index}" MATCH ? ORDER BY rowid`);
      db.exec(`INSERT INTO "${index}"("${index}") VALUES ('integrity-check')`);
      return [index, WORDS.map((word) => select.all(word).map(({ rowid }) => rowid))];
    });
    const rows = tables.map((table) => [table, db.prepare(`SELECT * FROM ${table} ORDER BY 1`).all()]);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    return Object.fromEntries([...found, ...rows]) as Record<string, unknown>;
  } finally {
    db.close();
  }
}

/** What the erasure in SQL leaves of a copy. */
async function erased(path: string, ids: readonly number[]): Promise<string> {
  const copy = join(await tempFolder('erased'), 'copy.db');
  await copyFile(path, copy);
  const schema = await sqliteSource({ path, scratch: await tempFolder('scratch') }).schema(SIGNAL);
  const { map } = parseSubjectMap(MAP, 'map.yaml');
  const { sql } = erasureSql({ map, schema, engine: 'sqlite', subjects: ids.map(customer), end: 'commit' });
  const db = new DatabaseSync(copy, { defensive: false });
  db.exec(sql);
  db.close();
  return copy;
}

async function restored(world: Purged, snapshot: string, tables?: readonly string[]): Promise<string> {
  const session = await world.reopen(await tempFolder('reader'));
  const view = await viewSet(session, SET, false, SIGNAL);
  const item = view.catalog.entries.find(({ entry }) => entry.snapshot === snapshot);
  if (!item) throw new Error(`no snapshot ${snapshot}`);
  const manifest = await openManifest(session, item, new KeyOpener([world.ops]), SIGNAL);
  await using pool = SegmentPool.forReading();
  const reader = new SnapshotReader(session.store, manifest, pool);
  const path = join(await tempFolder('restored'), 'shop.db');
  const options = { ...LOAD_OPTIONS, ...(tables && { tables }) };
  const planned = await planRestore(reader, sqliteLoader({ path }), options, SIGNAL);
  await runRestore(reader, sqliteLoader({ path }), planned, options, SIGNAL);
  return path;
}

async function threeDays() {
  const world = await makeWorld();
  const folder = await tempFolder('fts');
  const path = join(folder, 'shop.db');
  fill(path);
  const source = sqliteSource({ path, scratch: join(folder, 'scratch') });
  const day = async () => (await world.backup({}, { source })).entry;
  const days: { readonly snapshot: string; readonly copy: string }[] = [];
  for (const name of ['one', 'two', 'three']) {
    if (name === 'two') changeNote(path);
    if (name === 'three') deleteCustomer(path, 7);
    const { snapshot } = await day();
    const copy = join(folder, `${name}.db`);
    await copyFile(path, copy);
    days.push({ snapshot, copy });
  }
  return { world, path, day, days };
}

describe('full-text indexes', () => {
  test('are made anew without whom a purge erases, twice in a row', { timeout: 120_000 }, async () => {
    const { world, path, day, days } = await threeDays();
    const last = await dumpOf(world, days[2]?.snapshot ?? '');
    expect(last).not.toMatch('canary7x');
    expect(last).toMatch(hexOf('canary7x'));
    const gone: number[] = [];
    for (const id of [7, 9]) {
      gone.push(id);
      const planned = await plan(world, [customer(id)], { map: MAP });
      expect(planned.report.problems).toEqual([]);
      expect(await apply(world, planned.plan)).toMatchObject({ complete: true, rewritten: 3 });
      for (const { snapshot, copy } of days) {
        const dump = await dumpOf(world, snapshot);
        expect(dump.match(/INSERT INTO "own"\("own"\) VALUES\('rebuild'\)/g)).toHaveLength(1);
        for (const one of gone)
          expect(dump).not.toMatch(new RegExp(`canary${one}x|${hexOf(`canary${one}x`)}`, 'i'));
        const file = await restored(world, snapshot);
        const wanted = contentsOf(await erased(copy, gone));
        expect(contentsOf(file)).toEqual(wanted);
        for (const one of gone) expect((await readFile(file)).includes(`canary${one}x`)).toBe(false);
        const shell = join(await tempFolder('shell'), 'shop.db');
        shellLoad(Buffer.from(dump), shell);
        expect(contentsOf(shell)).toEqual(wanted);
      }
    }
    // The next day goes on with the chain, and brings the indexes that the live database has.
    await copyFile(await erased(path, gone), path);
    const next = await day();
    expect(next.chain).toBe(1);
    expect(contentsOf(await restored(world, next.snapshot))).toEqual(contentsOf(path));
  });

  test('of which some are not restored stay empty and working', async () => {
    const { world, days } = await threeDays();
    const { plan: planned } = await plan(world, [customer(7)], { map: MAP });
    await apply(world, planned);
    const file = await restored(world, days[1]?.snapshot ?? '', [
      'customers',
      'notes',
      'outside_data',
      'oldest_segdir',
    ]);
    expect(rowsIn(file, "SELECT rowid FROM outside WHERE outside MATCH 'hello'").length).toBeGreaterThan(70);
    expect(rowsIn(file, "SELECT rowid FROM own WHERE own MATCH 'hello'")).toEqual([]);
    withDatabase(file, (db) => db.exec("INSERT INTO own(body) VALUES ('hello')"));
    expect(rowsIn(file, "SELECT rowid FROM own WHERE own MATCH 'hello'")).toHaveLength(1);
  });

  test('that keep no text are refused, by name', async () => {
    const world = await makeWorld();
    const folder = await tempFolder('fts');
    const path = join(folder, 'shop.db');
    withDatabase(path, (db) =>
      db.exec(`CREATE TABLE customers(id INTEGER PRIMARY KEY); INSERT INTO customers VALUES (7);
        CREATE VIRTUAL TABLE words USING fts5(body, content=''); INSERT INTO words(rowid, body) VALUES (7, 'canary');
        CREATE VIRTUAL TABLE lost USING fts5(body, content='nowhere')`),
    );
    await world.backup({}, { source: sqliteSource({ path, scratch: join(folder, 'scratch') }) });
    for (const index of ['words', 'lost']) {
      const map =
        `{ version: 1, subject: customer, root: { table: customers, key: id }, tables: { customers: { erase: delete },
        words: { no_personal_data: true }, lost: { no_personal_data: true }, ${index}: { rebuild: true } } }`
          .replace(`${index}: { no_personal_data: true },`, '')
          .replace(`${index}: { no_personal_data: true }, `, '');
      const failure = plan(world, [customer(7)], { map });
      await expect(failure).rejects.toThrow(new RegExp(`index ${index} keeps no text`));
    }
  });

  test('that could not be built again are refused before anything changes', async () => {
    const world = await makeWorld();
    const folder = await tempFolder('fts');
    const path = join(folder, 'shop.db');
    withDatabase(path, (db) =>
      db.exec(`CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO customers VALUES (7, 'canary');
        CREATE VIRTUAL TABLE stale USING fts5(renamed, content='customers', content_rowid='id');
        INSERT INTO stale(rowid, renamed) VALUES (7, 'canary')`),
    );
    await world.backup({}, { source: sqliteSource({ path, scratch: join(folder, 'scratch') }) });
    const map = `{ version: 1, subject: customer, root: { table: customers, key: id }, tables: { customers: { erase: delete }, stale: { rebuild: true } } }`;
    await expect(plan(world, [customer(7)], { map })).rejects.toThrow(
      /index stale cannot be made again: no such column: .*renamed/,
    );
  });

  test('are made anew by a restore of what a purge has not reached', { timeout: 120_000 }, async () => {
    const path = join(await tempFolder('shop'), 'shop.db');
    fill(path);
    const host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'sqlite', '--path', path],
    });
    await configure(host.folder, '');
    await backUp(host);
    const ops = await readPrivateKey(host.opsKey, () => Promise.resolve(undefined));
    const source = sqliteSource({ path, scratch: await tempFolder('scratch') });
    await announceIn({ host, ops }, 'p1', { map: MAP, source, subjects: [customer(7)] });
    // Another map makes other indexes anew; both belong to one restore.
    const map = MAP.replace('outside: { rebuild: true }', 'outside: { no_personal_data: true }');
    await announceIn({ host, ops }, 'p2', { map, source, subjects: [customer(9)] });
    const reader = await host.reader();
    const to = join(await tempFolder('restored'), 'shop.db');
    await reader.good(['restore', 'shop', '--to', to]);
    expect(contentsOf(to)).toEqual(contentsOf(await erased(path, [7, 9])));
    const { stdout } = await reader.good(['cat', 'shop']);
    for (const word of ['canary7x', 'canary9x'])
      expect(stdout).not.toMatch(new RegExp(`${word}|${hexOf(word)}`, 'i'));
  });
});

function hexOf(word: string): string {
  return Buffer.from(word).toString('hex');
}
