/**
 * Locating in real snapshots: backups of real databases over several days and chains, sealed in packs; the edits, carried
 * out on every unit, leave what the same erasure as SQL leaves in a copy of the database of that day.
 */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { locate } from '../../src/purge/locate/locate.ts';
import type { Located, LocatedSnapshot } from '../../src/purge/locate/located.ts';
import { SharedReader } from '../../src/purge/locate/shared-reader.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import type { SqlDatabase as Engine } from '../../src/subjects/compare.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { erasureSql } from '../../src/subjects/sql.ts';
import { editedScript, PlainStore, snapshotOf } from '../property/locate-kit.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { addOrders, makeShop, mapText, nextDay, ROWS } from '../services/person-shop.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { makeWorld, SET, SIGNAL } from '../services/world.ts';
import type { World } from '../services/world.ts';

const SUBJECTS = [{ by: ['email'], known: new Map([['email', 'Person17@Example.org']]) }];

/** The erasure as SQL, in the form in which all is known of the person that any snapshot says. */
function sqlFor({ map, schema, subjects }: LocatedSnapshot, engine: Engine): string {
  return erasureSql({ map, schema, engine, subjects, end: 'commit' }).sql;
}

async function locateAll(world: World, pool: SegmentPool, map: string): Promise<Located> {
  const view = await viewSet(world.session, SET, false, SIGNAL);
  const opener = new KeyOpener([world.ops]);
  const snapshots = await Promise.all(
    view.catalog.entries.map(async (item) => ({
      item,
      manifest: await openManifest(world.session, item, opener, SIGNAL),
    })),
  );
  return locate({
    store: world.store,
    pool,
    snapshots,
    map: parseSubjectMap(map, 'shop.yaml').map,
    subjects: SUBJECTS,
    pseudonyms: Buffer.alloc(32, 1),
    signal: SIGNAL,
  });
}

/** The streams of a snapshot after its edits, by name. */
async function edited(
  world: World,
  pool: SegmentPool,
  one: LocatedSnapshot,
): Promise<ReadonlyMap<string, Buffer>> {
  const reader = new SharedReader(world.store, one.manifest, pool, new Map());
  return editedScript(one, async (stream) => {
    const segments: Buffer[] = [];
    for await (const ref of reader.segments(stream, SIGNAL)) {
      const only = (async function* () {
        yield await Promise.resolve(ref);
      })();
      segments.push(Buffer.concat(await Array.fromAsync(reader.open(only, stream.name, SIGNAL))));
    }
    return segments;
  });
}

/** Edits, and how many of them are the same in several snapshots. */
function editKeys({ snapshots }: Located): { readonly all: number; readonly different: number } {
  const keys = snapshots.flatMap(({ streams }) =>
    [...streams.values()].flatMap(({ units }) => [...units.values()].map(({ key }) => key)),
  );
  return { all: keys.length, different: new Set(keys).size };
}

describe('SQLite', () => {
  let world: World;
  let located: Located;
  let pool: SegmentPool;
  const days: string[] = [];

  beforeAll(async () => {
    const folder = await tempFolder('locate');
    world = await makeWorld();
    pool = SegmentPool.forReading();
    const path = join(folder, 'shop.db');
    const source = sqliteSource({ path, scratch: join(folder, 'scratch') });
    const run = (sql: string) => {
      using db = new DatabaseSync(path);
      db.exec(sql);
    };
    run(makeShop('sqlite'));
    run(addOrders('sqlite', 6000));
    for (const day of [0, 1, 2]) {
      if (day > 0) run(nextDay('sqlite', day));
      await world.backup({}, { source, full: day === 2 });
      const copy = join(folder, `day-${day}.db`);
      await copyFile(path, copy);
      days.push(copy);
    }
    located = await locateAll(world, pool, mapText('sqlite'));
  });

  test('finds a person by an address that they no longer have, in every snapshot', () => {
    expect(located.snapshots).toHaveLength(3);
    for (const { closure } of located.snapshots) {
      expect(closure.problems).toEqual([]);
      expect(closure.counts.get('users')).toEqual({ delete: 1, change: 0, keep: 0 });
      expect(closure.counts.get('orders')?.delete).toBeGreaterThan(0);
    }
    const { all, different } = editKeys(located);
    expect(different).toBeLessThan(all);
    expect(located.opened.segments).toBeLessThanOrEqual(located.opened.all);
  });

  test('the edits leave what the erasure as SQL leaves', async () => {
    for (const [day, one] of located.snapshots.entries()) {
      const texts = await edited(world, pool, one);
      using after = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
      after.exec([...texts.values()].join(''));
      using erased = new DatabaseSync(days[day] ?? '');
      erased.exec(sqlFor(one, 'sqlite'));
      for (const [table, columns] of ROWS) {
        const select = `SELECT ${columns} FROM ${table} ORDER BY id`;
        expect(after.prepare(select).all(), `${table} of day ${day}`).toEqual(erased.prepare(select).all());
      }
    }
  });

  test('a row longer than a segment goes with all its segments', () => {
    const photos = located.snapshots[0]?.streams.get('photos');
    const runs = [...(photos?.units.values() ?? [])].map(({ unit }) => unit.segments.length);
    expect(Math.max(...runs)).toBeGreaterThan(2);
  });
});

describe('PostgreSQL', () => {
  test('the edits leave what the erasure as SQL leaves', async () => {
    const postgres: PostgresAccess = await usePostgres();
    const world = await makeWorld();
    await using pool = SegmentPool.forReading();
    const url = await postgres.createDatabase('locate');
    const days: string[] = [];
    await postgres.psql(url, makeShop('postgres') + addOrders('postgres', 6000));
    for (const day of [0, 1]) {
      if (day > 0) await postgres.psql(url, nextDay('postgres', day));
      await world.backup({}, { source: postgresSource({ url }) });
      const copy = await postgres.createDatabase('locate-day');
      const name = new URL(url).pathname.slice(1);
      const copied = new URL(copy).pathname.slice(1);
      await postgres.psql(
        postgres.url(),
        `DROP DATABASE "${copied}"; CREATE DATABASE "${copied}" TEMPLATE "${name}"`,
      );
      days.push(copy);
    }
    const located = await locateAll(world, pool, mapText('postgres'));
    for (const [day, one] of located.snapshots.entries()) {
      expect(one.closure.problems).toEqual([]);
      expect(one.closure.counts.size).toBeGreaterThan(3);
      const texts = await edited(world, pool, one);
      const after = await postgres.createDatabase('locate-after');
      const script = [...texts].filter(([name]) => name !== 'globals').map(([, text]) => text.toString());
      await postgres.psql(after, script.join(''));
      const copy = days[day] ?? '';
      await postgres.psql(copy, sqlFor(one, 'postgres'));
      for (const [table, columns] of ROWS) {
        const select = `SELECT ${columns} FROM ${table} ORDER BY id`;
        expect(await postgres.psql(after, select), `${table} of day ${day}`).toBe(
          await postgres.psql(copy, select),
        );
      }
    }
    expect(editKeys(located).different).toBeLessThan(editKeys(located).all);
  });
});

describe('a name that is somebody else’s now', () => {
  test('leads to nobody where another row of the root has it', async () => {
    const folder = await tempFolder('locate');
    const path = join(folder, 'shop.db');
    const source = sqliteSource({ path, scratch: join(folder, 'scratch') });
    const plain = new PlainStore();
    const run = (sql: string) => {
      using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
      db.exec(sql);
    };
    run(`${makeShop('sqlite')} DELETE FROM photos;`);
    const snapshots = [await snapshotOf(source, plain, 'before')];
    run("DELETE FROM users WHERE id = 17; UPDATE users SET email = 'person17@example.org' WHERE id = 18");
    snapshots.push(await snapshotOf(source, plain, 'after'));
    const { map } = parseSubjectMap(mapText('sqlite'), 'shop.yaml');
    const subjects = [{ by: ['id'], known: new Map([['id', '17']]) }];
    const pseudonyms = Buffer.alloc(32);
    const found = await locate({
      store: plain.store,
      pool: plain.pool,
      snapshots,
      map,
      subjects,
      pseudonyms,
      signal: SIGNAL,
    });
    const [before, after] = found.snapshots.map(({ closure }) => closure.counts);
    expect(before?.get('mails')).toEqual({ delete: 3, change: 0, keep: 0 });
    expect(after?.get('mails')).toBeUndefined();
    expect(after?.get('invoices')).toEqual({ delete: 0, change: 3, keep: 0 });
  });
});
