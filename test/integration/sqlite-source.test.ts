import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, open, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { tempFolder } from '../services/temp.ts';
import { collect, drain, makeAwkward, NEVER, scriptOf, shellLoad, streamsOf, textOf } from './sqlite-kit.ts';

/** Two accounts whose sum never changes, with ballast between their pages, and a process that moves money. */
async function bankWithWriter(path: string, journalMode: string): Promise<ChildProcess> {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA page_size=512; PRAGMA journal_mode=${journalMode}; PRAGMA synchronous=OFF; BEGIN;
    CREATE TABLE a(v INT); INSERT INTO a VALUES(1000000);
    CREATE TABLE ballast(x); INSERT INTO ballast
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5000) SELECT randomblob(1000) FROM n;
    CREATE TABLE b(v INT); INSERT INTO b VALUES(0); COMMIT`);
  db.close();
  const code = `
    const { DatabaseSync } = require('node:sqlite');
    const db = new DatabaseSync(process.argv[1], { timeout: 20000 });
    db.exec('PRAGMA synchronous=OFF');
    for (let i = 0; ; i++) {
      db.exec('BEGIN IMMEDIATE; UPDATE a SET v=v-1; UPDATE ballast SET x=randomblob(1000) WHERE rowid=1+abs(random()%5000)');
      db.exec('UPDATE b SET v=v+1; COMMIT');
      if (i === 0) console.log('writing');
    }`;
  const writer = spawn(process.execPath, ['-e', code, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    const ended = writer.exitCode === null && writer.signalCode === null ? once(writer, 'exit') : undefined;
    writer.kill('SIGKILL');
    await ended;
  });
  await once(writer.stdout, 'data');
  return writer;
}

test.for(['wal', 'delete'])(
  'a dump is one moment while another process writes (journal_mode=%s)',
  async (mode) => {
    const folder = await tempFolder('sqlite');
    const path = join(folder, 'bank.db');
    const writer = await bankWithWriter(path, mode);

    const moved: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const dump = await collect(path, join(folder, 'scratch'));
      const valueOf = (table: string): number =>
        Number(/VALUES\(\d+,(\d+)\);/.exec(textOf(dump, table))?.[1]);
      expect(valueOf('a') + valueOf('b')).toBe(1_000_000);
      moved.push(valueOf('b'));
      expect(dump.source.facts['journalMode']).toBe(mode);
    }
    expect(writer.exitCode).toBeNull();
    expect(moved.at(-1)).toBeGreaterThan(moved[0] ?? Infinity);
    expect(await readdir(join(folder, 'scratch'))).toEqual([]);
  },
);

test('what a crashed application left in its journal is rolled back, not backed up', async () => {
  const folder = await tempFolder('sqlite');
  const path = join(folder, 'app.db');
  const code = `
    const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]);
    db.exec("CREATE TABLE t(v); INSERT INTO t VALUES('committed'); PRAGMA cache_size=5; PRAGMA cache_spill=1; BEGIN");
    const insert = db.prepare('INSERT INTO t VALUES(?)');
    for (let i = 0; i < 2000; i++) insert.run('x'.repeat(1000));
    process.kill(process.pid, 'SIGKILL')`;
  const app = spawn(process.execPath, ['-e', code, path], { stdio: 'ignore' });
  await once(app, 'exit');
  expect(await readdir(folder)).toEqual(['app.db', 'app.db-journal']);

  const dump = await collect(path, join(folder, 'scratch'));
  expect(textOf(dump, 't')).toBe(`INSERT INTO "t"("rowid","v") VALUES(1,'committed');\n`);
});

test('a WAL database that nobody has open is left without -wal and -shm files', async () => {
  const folder = await tempFolder('sqlite');
  const db = new DatabaseSync(join(folder, 'app.db'));
  db.exec('PRAGMA journal_mode=WAL; CREATE TABLE t(v)');
  db.close();
  await collect(join(folder, 'app.db'), join(folder, 'scratch'));
  expect(await readdir(folder)).toEqual(['app.db', 'scratch']);
});

test('probe tells what a restore needs to know', async () => {
  const folder = await tempFolder('sqlite');
  const path = join(folder, 'original.db');
  makeAwkward(path);
  const info = await sqliteSource({ path, scratch: join(folder, 'scratch') }).probe(NEVER);
  expect(info).toMatchObject({
    kind: 'sqlite',
    database: path,
    serverVersion: expect.stringMatching(/^3\.\d+\.\d+$/) as string,
    toolVersion: expect.stringMatching(/^3\.\d+\.\d+$/) as string,
    estimatedBytes: (await stat(path)).size,
    facts: {
      encoding: 'UTF-8',
      pageSize: 1024,
      journalMode: 'delete',
      userVersion: 41,
      applicationId: 252006673,
      modules: ['fts4', 'fts5', 'rtree'],
    },
  });
  expect(info.facts['virtualTables']).toContainEqual({
    name: 'ft_external',
    module: 'fts5',
    shadows: ['ft_external_config', 'ft_external_data', 'ft_external_docsize', 'ft_external_idx'],
  });
  // It only looks: the folder for the copy is not even made.
  expect(await readdir(folder)).toEqual(['original.db']);
});

describe('the private copy', () => {
  test('is readable by its owner only, and is removed when the dump ends or is left early', async () => {
    const folder = await tempFolder('sqlite');
    const [path, scratch] = [join(folder, 'original.db'), join(folder, 'scratch')];
    makeAwkward(path);
    {
      await using dump = await sqliteSource({ path, scratch }).dump(NEVER);
      for await (const { name } of streamsOf(dump)) {
        expect(name).toBe('pre-data');
        const [copy] = await readdir(scratch);
        expect((await stat(join(scratch, copy ?? '?'))).mode & 0o777).toBe(0o600);
        expect((await stat(scratch)).mode & 0o777).toBe(0o700);
        break;
      }
    }
    expect(await readdir(scratch)).toEqual([]);
  });

  test('of a killed run is removed by the next one, that of a running process is not', async () => {
    const folder = await tempFolder('sqlite');
    const [path, scratch] = [join(folder, 'original.db'), join(folder, 'scratch')];
    makeAwkward(path);
    await mkdir(scratch);
    const ended = spawn('true');
    await once(ended, 'exit');
    const name = (pid: number | undefined): string => `sqlite-copy-${pid ?? 0}-0123456789abcdef.db`;
    for (const left of [name(ended.pid), `${name(ended.pid)}-journal`, name(process.pid)]) {
      await writeFile(join(scratch, left), 'left over');
    }
    await writeFile(join(scratch, name(process.ppid)), 'in use');
    await writeFile(join(scratch, 'other.db'), 'not ours');
    await collect(path, scratch);
    expect(await readdir(scratch)).toEqual(['other.db', name(process.ppid)].sort());
  });

  test('is gone after a cancellation', async () => {
    const folder = await tempFolder('sqlite');
    const [path, scratch] = [join(folder, 'original.db'), join(folder, 'scratch')];
    makeAwkward(path);
    const stop = new AbortController();
    const read = (): Promise<void> => drain(sqliteSource({ path, scratch }), stop.signal, () => stop.abort());
    await expect(read()).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await readdir(scratch)).toEqual([]);
    await expect(read()).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

test('a stream that was not read to its end never passes for a whole one', async () => {
  const folder = await tempFolder('sqlite');
  makeAwkward(join(folder, 'original.db'));
  const source = sqliteSource({ path: join(folder, 'original.db'), scratch: join(folder, 'scratch') });
  const skim = async (): Promise<void> => {
    await using dump = await source.dump(NEVER);
    for await (const { name } of streamsOf(dump)) expect(name).toBe('pre-data');
  };
  await expect(skim()).rejects.toThrow('stream pre-data was not read to its end');
});

describe('a file that cannot be backed up is refused with its reason', () => {
  const expectRefusal = async (path: string, code: string, message: RegExp): Promise<void> => {
    const scratch = `${path}-scratch`;
    await expect(collect(path, scratch)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    const source = sqliteSource({ path, scratch, lockPatience: 0.2 });
    await expect(drain(source, NEVER)).rejects.toMatchObject({ code });
    expect(await readdir(scratch).catch(() => [])).toEqual([]);
  };
  const database = (path: string, sql: string): DatabaseSync => {
    const db = new DatabaseSync(path, { defensive: false });
    db.exec(sql);
    return db;
  };

  test('missing, empty, a folder, something else, cut off', async () => {
    const folder = await tempFolder('sqlite');
    await expectRefusal(join(folder, 'none.db'), 'SQLITE_MISSING', /there is no database at .*none\.db/);
    await writeFile(join(folder, 'empty.db'), '');
    await expectRefusal(join(folder, 'empty.db'), 'SQLITE_NOT_A_DATABASE', /the file is empty/);
    await expectRefusal(folder, 'SQLITE_NOT_A_DATABASE', /it is a folder/);
    await writeFile(
      join(folder, 'text.db'),
      'just text, and enough of it to be longer than a header is. '.repeat(9),
    );
    await expectRefusal(join(folder, 'text.db'), 'SQLITE_NOT_A_DATABASE', /unknown header/);
    await writeFile(join(folder, 'short.db'), 'SQLite format 3\0');
    await expectRefusal(join(folder, 'short.db'), 'SQLITE_NOT_A_DATABASE', /too short/);
  });

  test('damaged pages', async () => {
    const folder = await tempFolder('sqlite');
    const path = join(folder, 'damaged.db');
    const rows =
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 999) SELECT randomblob(90) FROM n';
    database(path, `CREATE TABLE t(v); INSERT INTO t ${rows}`).close();
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, 5 * 4096);
    await file.close();
    const dump = (): Promise<void> => drain(sqliteSource({ path, scratch: join(folder, 's') }), NEVER);
    await expect(dump()).rejects.toMatchObject({
      code: 'SQLITE_CORRUPT',
      message: expect.stringMatching(/page/i) as string,
    });
    await truncate(path, 3 * 4096);
    await expect(dump()).rejects.toMatchObject({ code: 'SQLITE_CORRUPT' });
    expect(await readdir(join(folder, 's'))).toEqual([]);
  });

  test('a virtual table of an unknown module', async () => {
    const path = join(await tempFolder('sqlite'), 'vec.db');
    const row = `'table','v','v',0,'CREATE VIRTUAL TABLE "v"  USING [Vec0](a)'`;
    database(path, `PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES(${row})`).close();
    await expectRefusal(path, 'SQLITE_MODULE_UNKNOWN', /virtual table v uses the module Vec0/);
  });

  test('a collation of the application', async () => {
    const path = join(await tempFolder('sqlite'), 'icu.db');
    const db = database(path, 'CREATE TABLE t(v TEXT COLLATE NOCASE UNIQUE) ; PRAGMA writable_schema=ON');
    db.exec("UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'german') WHERE name = 't'");
    db.close();
    await expectRefusal(path, 'SQLITE_SCHEMA_UNSUPPORTED', /no such collation sequence: german/);
  });

  test('a definition that hides another statement', async () => {
    const folder = await tempFolder('sqlite');
    const path = join(folder, 'evil.db');
    const db = database(path, 'CREATE TABLE t(v); CREATE VIEW w AS SELECT 1; PRAGMA writable_schema=ON');
    const attack = `CREATE VIEW w AS SELECT 1; ATTACH '${join(folder, 'planted.db')}' AS p; CREATE TABLE p.x(y)`;
    db.prepare("UPDATE sqlite_schema SET sql = ? WHERE name = 'w'").run(attack);
    db.close();
    await expectRefusal(path, 'SQLITE_SCHEMA_UNSUPPORTED', /not authorized/);
    expect(await readdir(folder)).not.toContain('planted.db');
  });

  test('a line end in a name, a definition that is not text', async () => {
    const folder = await tempFolder('sqlite');
    database(join(folder, 'lf.db'), 'CREATE TABLE t("a\nb")').close();
    await expectRefusal(join(folder, 'lf.db'), 'SQLITE_SCHEMA_UNSUPPORTED', /table t has a line end/);
    const db = database(join(folder, 'latin1.db'), 'CREATE TABLE t(v /*?*/); PRAGMA writable_schema=ON');
    db.exec("UPDATE sqlite_schema SET sql = CAST(replace(CAST(sql AS BLOB), X'3f', X'fc') AS TEXT)");
    db.close();
    await expectRefusal(
      join(folder, 'latin1.db'),
      'SQLITE_SCHEMA_UNSUPPORTED',
      /definition of table t is not valid UTF-8/,
    );
  });

  test('a database that stays locked', async () => {
    const folder = await tempFolder('sqlite');
    const path = join(folder, 'locked.db');
    const holder = database(path, 'CREATE TABLE t(v); BEGIN EXCLUSIVE');
    const source = sqliteSource({ path, scratch: join(folder, 'scratch'), lockPatience: 0.3 });
    await expect(source.probe(NEVER)).rejects.toMatchObject({ code: 'SQLITE_LOCKED', exit: 'failed' });
    setTimeout(() => holder.exec('COMMIT'), 200);
    const patient = sqliteSource({ path, scratch: join(folder, 'scratch'), lockPatience: 20 });
    await expect(patient.probe(NEVER)).resolves.toMatchObject({ kind: 'sqlite' });
    holder.close();
  });

  test('a folder for the copy that cannot be used', async () => {
    const folder = await tempFolder('sqlite');
    database(join(folder, 'app.db'), 'CREATE TABLE t(v)').close();
    await writeFile(join(folder, 'file'), '');
    await expect(collect(join(folder, 'app.db'), join(folder, 'file', 'scratch'))).rejects.toMatchObject({
      code: 'SQLITE_COPY',
    });
  });
});

test('a database without virtual tables loads where SQLite is defensive, as shells from 3.42 on are', async () => {
  const folder = await tempFolder('sqlite');
  const path = join(folder, 'plain.db');
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO t(v) VALUES('x');
    CREATE INDEX i ON t(v); ANALYZE`);
  db.close();
  const script = scriptOf(await collect(path, join(folder, 'scratch'))).toString();
  const copy = new DatabaseSync(':memory:', { defensive: true });
  copy.exec(script);
  expect(copy.prepare('SELECT tbl, idx, stat FROM sqlite_stat1').all()).toEqual([
    { tbl: 't', idx: 'i', stat: '1 1' },
  ]);
  copy.close();
});

test('a script that the shell loads leaves the mode of the file alone', async () => {
  const folder = await tempFolder('sqlite');
  makeAwkward(join(folder, 'original.db'));
  await writeFile(join(folder, 'copy.db'), '');
  await chmod(join(folder, 'copy.db'), 0o600);
  shellLoad(
    scriptOf(await collect(join(folder, 'original.db'), join(folder, 'scratch'))),
    join(folder, 'copy.db'),
  );
  expect((await stat(join(folder, 'copy.db'))).mode & 0o777).toBe(0o600);
});
