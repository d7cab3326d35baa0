import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { sqliteLoader } from '../../src/sources/sqlite/loader.ts';
import { tempFolder } from '../services/temp.ts';
import { collect, contentsOf, LOAD_OPTIONS, makeAwkward, NEVER, readerOf } from './sqlite-kit.ts';
import { scriptOf, shellDump, shellLoad, textOf } from './sqlite-kit.ts';

describe.for(['UTF-8', 'UTF-16le', 'UTF-16be'] as const)('an awkward database in %s', (encoding) => {
  test('comes back through the stock sqlite3 shell', async () => {
    const folder = await tempFolder('sqlite');
    const [original, copy] = [join(folder, 'original.db'), join(folder, 'copy.db')];
    makeAwkward(original, encoding);
    const dump = await collect(original, join(folder, 'scratch'));

    shellLoad(scriptOf(dump), copy);

    expect(contentsOf(copy)).toEqual(contentsOf(original));
    // Where a table has no key the shell does not say in which order it dumps: rows are compared as a set.
    expect(shellDump(copy).sort()).toEqual(shellDump(original).sort());
  });

  test('comes back through the loader, and its dump is the same again', async () => {
    const folder = await tempFolder('sqlite');
    const [original, copy] = [join(folder, 'original.db'), join(folder, 'copy.db')];
    makeAwkward(original, encoding);
    const dump = await collect(original, join(folder, 'scratch'));

    const report = await sqliteLoader({ path: copy }).load(readerOf(dump), LOAD_OPTIONS, NEVER);

    expect(contentsOf(copy)).toEqual(contentsOf(original));
    expect(scriptOf(await collect(copy, join(folder, 'scratch'))).toString()).toBe(scriptOf(dump).toString());
    const stored = readerOf(dump).streams.filter(({ table }) => table);
    expect(report.rows).toEqual(Object.fromEntries(stored.map(({ name, rows }) => [name, rows])));
    expect(report.leftOut).toEqual([]);
    expect(report.brokenReferences).toEqual([{ table: 'orders', references: 'users', rows: 1 }]);
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['copy.db', 'original.db', 'scratch']);
  });

  test('has one statement on each line of its rows, and no NUL anywhere', async () => {
    const folder = await tempFolder('sqlite');
    makeAwkward(join(folder, 'original.db'), encoding);
    const dump = await collect(join(folder, 'original.db'), join(folder, 'scratch'));

    for (const { dialect, bytes, table } of dump.streams) {
      expect(bytes.includes(0)).toBe(false);
      if (dialect !== 'sql-insert' || bytes.length === 0) continue;
      const lines = bytes.toString('utf8').split('\n');
      expect(lines.pop()).toBe('');
      const columns = (table?.columns ?? []).map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
      for (const line of lines) {
        expect(line).toMatch(/^INSERT INTO "/);
        expect(line).toContain(`(${columns}) VALUES(`);
        expect(line.endsWith(');')).toBe(true);
      }
    }
  });
});

test('full-text and r-tree queries work after the restore, and triggers have not fired', async () => {
  const folder = await tempFolder('sqlite');
  const copy = join(folder, 'copy.db');
  makeAwkward(join(folder, 'original.db'));
  const dump = await collect(join(folder, 'original.db'), join(folder, 'scratch'));
  await sqliteLoader({ path: copy }).load(readerOf(dump), LOAD_OPTIONS, NEVER);

  const db = new DatabaseSync(copy);
  const first = (sql: string): unknown => Object.values(db.prepare(sql).get() ?? {})[0];
  expect(first("SELECT title FROM ft WHERE ft MATCH 'words'")).toBe('hello');
  expect(first("SELECT rowid FROM ft_external WHERE ft_external MATCH 'lazy'")).toBe(20);
  expect(first(`SELECT a FROM "old fts" WHERE "old fts" MATCH 'words'`)).toBe('four');
  expect(first('SELECT id FROM places WHERE minx > 4')).toBe(2);
  db.exec("INSERT INTO ft_external(ft_external, rank) VALUES('integrity-check', 1)");
  expect(first('SELECT count(*) FROM log')).toBe(0);
  db.exec("INSERT INTO users(email) VALUES('new@x.org')");
  expect(first('SELECT max(id) FROM users')).toBe(10);
  expect(first('SELECT count(*) FROM log')).toBe(1);
  db.close();
});

test('values that are hard to write are written in the documented forms', async () => {
  const folder = await tempFolder('sqlite');
  makeAwkward(join(folder, 'original.db'));
  const dump = await collect(join(folder, 'original.db'), join(folder, 'scratch'));

  const untyped = textOf(dump, 'untyped');
  for (const form of [
    "'it''s'",
    String.raw`replace('a\nb','\n',char(10))`,
    String.raw`replace(replace('\r\n','\r',char(13)),'\n',char(10))`,
    String.raw`replace('has \n too\012','\012',char(10))`,
    "CAST(X'61006200' AS TEXT)",
    "CAST(X'61ff62' AS TEXT)",
    "'\ufffd'",
    '9e999',
    '-0.0',
    '-9223372036854775808',
  ]) {
    expect(untyped).toContain(`,${form});\n`);
  }
  expect(textOf(dump, 'norowidkey')).toContain('INSERT INTO "norowidkey"("rowid","a","b") VALUES(-5,1,2);');
  expect(textOf(dump, 'shadowed')).toContain('INSERT INTO "shadowed"("oid","rowid","_rowid_","v") VALUES(2,');
  expect(textOf(dump, 'orders')).toContain('INSERT INTO "orders"("id","user_id","cents","note") VALUES(');
  expect(dump.source.warnings).toEqual([
    'rows of table all_shadowed get new rowids: its columns take all names of the rowid',
  ]);
});

test('two dumps of an unchanged database are the same bytes, and an appended row changes only the end', async () => {
  const folder = await tempFolder('sqlite');
  const path = join(folder, 'original.db');
  makeAwkward(path);
  const first = await collect(path, join(folder, 'scratch'));
  expect(scriptOf(await collect(path, join(folder, 'scratch'))).equals(scriptOf(first))).toBe(true);

  const db = new DatabaseSync(path);
  db.exec("INSERT INTO untyped VALUES('appended')");
  db.close();
  const later = await collect(path, join(folder, 'scratch'));
  for (const { name, bytes } of later.streams) {
    const before = textOf(first, name);
    if (name === 'untyped') expect(bytes.toString().startsWith(before)).toBe(true);
    else expect(bytes.toString()).toBe(before);
  }
});

test('no table is sorted on the way out', async () => {
  const folder = await tempFolder('sqlite');
  makeAwkward(join(folder, 'original.db'));
  const db = new DatabaseSync(join(folder, 'original.db'));
  const { readSchema } = await import('../../src/sources/sqlite/schema.ts');
  for (const { name, order } of readSchema(db, 'original.db').tables) {
    const sql = `SELECT * FROM "${name.replaceAll('"', '""')}" NOT INDEXED ${order}`;
    const plan = db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row['detail']));
    expect(plan.join()).not.toMatch(/TEMP B-TREE|COVERING/);
  }
  db.close();
});

test('rows larger than a piece, with any bytes in them', async () => {
  const folder = await tempFolder('sqlite');
  const [original, copy, other] = ['original.db', 'copy.db', 'other.db'].map((name) => join(folder, name));
  if (!original || !copy || !other) throw new Error('no paths');
  const db = new DatabaseSync(original);
  db.exec('CREATE TABLE big(id INTEGER PRIMARY KEY, a, b)');
  const insert = db.prepare('INSERT INTO big(a, b) VALUES(?, ?)');
  insert.run(Buffer.alloc(9_000_001, 'blob\0\n'), 'small');
  insert.run(`${'x'.repeat(262_143)}😀'\n`.repeat(20), "it's\r\n".repeat(700_000));
  insert.run('a\0b'.repeat(300_000), 'é'.repeat(300_000));
  insert.run(1, 2);
  db.close();

  const dump = await collect(original, join(folder, 'scratch'));
  await sqliteLoader({ path: copy }).load(readerOf(dump, 1_000_000), LOAD_OPTIONS, NEVER);
  shellLoad(scriptOf(dump), other);

  expect(contentsOf(copy)).toEqual(contentsOf(original));
  expect(contentsOf(other)).toEqual(contentsOf(original));
});

test('a database in WAL mode comes back in WAL mode, an empty one empty', async () => {
  const folder = await tempFolder('sqlite');
  const original = join(folder, 'original.db');
  const db = new DatabaseSync(original);
  db.exec('PRAGMA journal_mode=WAL; PRAGMA user_version=3');
  db.close();
  await writeFile(join(folder, 'copy.db'), '', { mode: 0o640 });

  const dump = await collect(original, join(folder, 'scratch'));
  await sqliteLoader({ path: join(folder, 'copy.db') }).load(readerOf(dump), LOAD_OPTIONS, NEVER);

  expect(contentsOf(join(folder, 'copy.db'))).toEqual(contentsOf(original));
  const copy = new DatabaseSync(join(folder, 'copy.db'));
  expect(copy.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  copy.close();
  // Whoever made the empty file has said who may read it.
  expect((await stat(join(folder, 'copy.db'))).mode & 0o777).toBe(0o640);
});
