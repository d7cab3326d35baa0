import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { LoadOptions, LoadReport, Preflight } from '../../src/sources/source.ts';
import { sqliteLoader } from '../../src/sources/sqlite/loader.ts';
import { tempFolder } from '../services/temp.ts';
import { collect, LOAD_OPTIONS, makeAwkward, NEVER, readerOf, type Collected } from './sqlite-kit.ts';

interface Restore {
  readonly folder: string;
  readonly path: string;
  readonly preflight: (options?: Partial<LoadOptions>) => Promise<Preflight>;
  readonly load: (options?: Partial<LoadOptions>, signal?: AbortSignal) => Promise<LoadReport>;
}

/** A dump of the awkward database and a path in a folder of its own to restore it to. */
async function restore(change: (dump: Collected) => Collected = (dump) => dump): Promise<Restore> {
  const base = await tempFolder('sqlite');
  makeAwkward(join(base, 'original.db'));
  const reader = readerOf(change(await collect(join(base, 'original.db'), join(base, 'scratch'))));
  const folder = join(base, 'target');
  await mkdir(folder);
  const path = join(folder, 'restored.db');
  const loader = sqliteLoader({ path });
  return {
    folder,
    path,
    preflight: (options) => loader.preflight(reader, { ...LOAD_OPTIONS, ...options }, NEVER),
    load: (options, signal = NEVER) => loader.load(reader, { ...LOAD_OPTIONS, ...options }, signal),
  };
}

/** The dump with one stream's text changed. */
function withStream(name: string, change: (text: string) => string): (dump: Collected) => Collected {
  return ({ source, streams }) => ({
    source,
    streams: streams.map((stream) =>
      stream.name === name ? { ...stream, bytes: Buffer.from(change(stream.bytes.toString())) } : stream,
    ),
  });
}

test('preflight finds a free path free and changes nothing', async () => {
  const { preflight, folder, path } = await restore();
  expect(await preflight()).toEqual({
    target: `file ${path}`,
    exists: false,
    occupied: false,
    problems: [],
    warnings: [],
  });
  expect(await readdir(folder)).toEqual([]);
});

test('progress adds up to the bytes of the dump', async () => {
  let total = 0;
  const seen = new Set<string>();
  let expected = 0;
  const { load } = await restore((dump) => {
    expected = dump.streams.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return dump;
  });
  await load({
    onProgress: (bytes, what) => {
      total += bytes;
      seen.add(what);
    },
  });
  expect(total).toBe(expected);
  expect(seen).toContain('users');
});

describe('a path that is taken is refused and left as it is', () => {
  const makers: Record<string, (path: string) => Promise<unknown> | undefined> = {
    'a database with a table': (path) => {
      const db = new DatabaseSync(path);
      db.exec('CREATE TABLE precious(v)');
      db.close();
      return undefined;
    },
    'a database in WAL mode that is open': (path) => {
      const db = new DatabaseSync(path);
      db.exec('PRAGMA journal_mode=WAL; CREATE TABLE precious(v)');
      // Let go, it would be closed some time, and its journal with it.
      return Promise.resolve(db);
    },
    'another file': (path) => writeFile(path, 'precious'),
    'a folder': (path) => mkdir(path),
    'the journal of a database that was there': (path) => writeFile(`${path}-journal`, 'precious'),
  };
  test.for(Object.keys(makers))('%s', async (what) => {
    const { load, preflight, folder, path } = await restore();
    const open = await makers[what]?.(path);
    const before = await snapshotOf(folder);
    expect(await preflight()).toMatchObject({ occupied: true });
    await expect(load()).rejects.toMatchObject({ code: 'SQLITE_TARGET_OCCUPIED', exit: 'target' });
    expect(await snapshotOf(folder)).toEqual(before);
    if (open instanceof DatabaseSync) open.close();
  });

  test('a database without any object is no reason to refuse', async () => {
    const { load, preflight, path } = await restore();
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version=5');
    db.close();
    expect(await preflight()).toMatchObject({ exists: true, occupied: false });
    expect((await load()).rows).toMatchObject({ users: 2 });
  });

  test('a file that appears during the load', async () => {
    const { load, folder, path } = await restore();
    const run = load({ onProgress: (_, what) => what === 'post-data' && writeFileSync(path, 'precious') });
    await expect(run).rejects.toMatchObject({ code: 'SQLITE_TARGET_OCCUPIED' });
    expect(await snapshotOf(folder)).toEqual({ 'restored.db': 'precious' });
  });
});

async function snapshotOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const texts = await Promise.all(
    names.map((name) => readFile(join(folder, name), 'latin1').catch(() => '(folder)')),
  );
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
}

describe('nothing half-written is left behind', () => {
  test('by a statement that fails', async () => {
    const { load, folder } = await restore(withStream('orders', (text) => text + text));
    await expect(load()).rejects.toMatchObject({
      code: 'SQLITE_LOAD',
      message: expect.stringMatching(
        /^loading orders failed: UNIQUE constraint failed: orders\.id$/,
      ) as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('by a cancellation', async () => {
    const stop = new AbortController();
    const { load, folder } = await restore();
    const run = load({ onProgress: (_, what) => what === 'users' && stop.abort() }, stop.signal);
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('by a dump that ends early', async () => {
    const { load, folder } = await restore(withStream('post-data', () => 'SELECT 1;\n'));
    await expect(load()).rejects.toMatchObject({
      code: 'SQLITE_LOAD',
      message: expect.stringMatching(/COMMIT/) as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('by a definition that opens another file', async () => {
    const { load, folder } = await restore(
      withStream('pre-data', (text) => text.replace('BEGIN', "ATTACH 'planted.db' AS planted; BEGIN")),
    );
    await expect(load()).rejects.toMatchObject({
      code: 'SQLITE_LOAD',
      message: expect.stringMatching(/not authorized/) as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a choice of tables', () => {
  test('loads their rows, all definitions and the counters', async () => {
    const { load, path } = await restore();
    const report = await load({ tables: ['Users', '"odd ""name"" ünïcode 表"'] });
    expect(report.rows).toEqual({ users: 2, '"odd ""name"" ünïcode 表"': 1, sqlite_sequence: 2 });
    expect(report.leftOut).toContain('the content of virtual table ft, which was not chosen');

    const db = new DatabaseSync(path);
    const count = (from: string): unknown => db.prepare(`SELECT count(*) AS n FROM ${from}`).get()?.['n'];
    expect(count('orders')).toBe(0);
    expect(count("sqlite_schema WHERE type IN ('index', 'trigger', 'view') AND sql IS NOT NULL")).toBe(7);
    expect(db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'users'").get()).toEqual({ seq: 9 });
    db.close();
  });

  test('leaves virtual tables that were not chosen empty and working', async () => {
    const { load, path } = await restore();
    await load({ tables: ['docs'] });
    const db = new DatabaseSync(path);
    expect(db.prepare("SELECT * FROM ft WHERE ft MATCH 'words'").all()).toEqual([]);
    db.exec(
      "INSERT INTO ft VALUES('fresh', 'words'); INSERT INTO ft_external(ft_external) VALUES('rebuild')",
    );
    expect(db.prepare("SELECT title FROM ft WHERE ft MATCH 'words'").all()).toEqual([{ title: 'fresh' }]);
    expect(db.prepare("SELECT rowid FROM ft_external WHERE ft_external MATCH 'lazy'").all()).toEqual([
      { rowid: 20 },
    ]);
    db.exec("INSERT INTO places VALUES(9,0,1,0,1); INSERT INTO \"old fts\" VALUES('a','b')");
    expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    db.close();
  });

  test.for(['ft', 'FT', 'ft_content'])(
    'takes the shadow tables of a virtual table together (%s)',
    async (name) => {
      const { load, path } = await restore();
      const { rows } = await load({ tables: [name] });
      expect(Object.keys(rows)).toEqual([
        'ft_data',
        'ft_idx',
        'ft_content',
        'ft_docsize',
        'ft_config',
        'sqlite_sequence',
      ]);
      const db = new DatabaseSync(path);
      expect(db.prepare("SELECT title FROM ft WHERE ft MATCH 'words'").all()).toEqual([{ title: 'hello' }]);
      db.close();
    },
  );

  test('that the snapshot does not have is a problem before anything is made', async () => {
    const { load, preflight, folder } = await restore();
    const problem = 'There is no table nobody in this snapshot: correct --table.';
    expect((await preflight({ tables: ['users', 'nobody'] })).problems).toEqual([problem]);
    await expect(load({ tables: ['users', 'nobody'] })).rejects.toMatchObject({
      message: problem,
      exit: 'target',
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

test('a module that is not there and a folder that is not there are problems', async () => {
  const { preflight } = await restore((dump) => ({
    ...dump,
    source: { ...dump.source, facts: { virtualTables: [{ name: 'v', module: 'vec0', shadows: [] }] } },
  }));
  expect((await preflight()).problems).toEqual([
    'Virtual table v needs the SQLite module vec0: use a Node that has it.',
  ]);

  const base = await tempFolder('sqlite');
  const path = join(base, 'missing', 'restored.db');
  const { problems } = await sqliteLoader({ path }).preflight(await awkwardReader(base), LOAD_OPTIONS, NEVER);
  expect(problems).toEqual([
    `The folder ${join(base, 'missing')} does not exist or may not be written to: make it, or choose another path.`,
  ]);
});

async function awkwardReader(base: string): Promise<ReturnType<typeof readerOf>> {
  makeAwkward(join(base, 'original.db'));
  return readerOf(await collect(join(base, 'original.db'), join(base, 'scratch')));
}
