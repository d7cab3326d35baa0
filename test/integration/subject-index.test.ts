/**
 * The index that backups write: with it a search opens little and finds the same as without it, over real databases,
 * several days and chains; and when it is gone, damaged or of another map, the same still.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import type { SegmentHints } from '../../src/purge/locate/access.ts';
import { NO_HINTS } from '../../src/purge/locate/hints.ts';
import { locate } from '../../src/purge/locate/locate.ts';
import type { Located } from '../../src/purge/locate/located.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import type { Source } from '../../src/sources/source.ts';
import type { Engine } from '../../src/subjects/compare.ts';
import type { Subject } from '../../src/subjects/closure.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { addOrders, makeShop, mapText, nextDay } from '../services/person-shop.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { makeWorld, SET, SIGNAL } from '../services/world.ts';
import type { World } from '../services/world.ts';

const SUBJECT: Subject = { by: ['email'], known: new Map([['email', 'Person17@Example.org']]) };

interface Choices {
  readonly hints?: SegmentHints;
  readonly map?: string;
  readonly subjects?: readonly Subject[];
}

async function look(world: World, engine: Engine, { hints, map, subjects }: Choices = {}): Promise<Located> {
  await using pool = SegmentPool.forReading();
  const view = await viewSet(world.session, SET, false, SIGNAL);
  const opener = new KeyOpener([world.ops]);
  const snapshots = await Promise.all(
    view.catalog.entries.map(async (item) => ({
      item,
      manifest: await openManifest(world.session, item, opener, SIGNAL),
    })),
  );
  return await locate({
    store: world.store,
    pool,
    snapshots,
    map: parseSubjectMap(map ?? mapText(engine), 'shop.yaml').map,
    subjects: subjects ?? [SUBJECT],
    pseudonyms: Buffer.alloc(32, 1),
    ...(hints && { hints }),
    signal: SIGNAL,
  });
}

/** What was found, without how. */
function found({ snapshots }: Located): unknown {
  return snapshots.map(({ item, closure, streams }) => ({
    snapshot: item.entry.snapshot,
    counts: closure.counts,
    problems: closure.problems,
    edits: [...streams].map(([name, { units }]) => [name, [...units].map(([at, { key }]) => [at, key])]),
  }));
}

async function indexFiles(world: World): Promise<string[]> {
  const all = await readdir(world.root, { recursive: true });
  return all.filter((name) => /\/index\/[0-9a-f]{16}$/.test(name)).map((name) => join(world.root, name));
}

async function days(world: World, engine: Engine, source: Source, run: (sql: string) => Promise<void>) {
  await run(makeShop(engine));
  await run(addOrders(engine, 9_900));
  const subjects = parseSubjectMap(mapText(engine), 'shop.yaml');
  for (const day of [0, 1, 2]) {
    if (day > 0) await run(nextDay(engine, day));
    await world.backup({}, { source, full: day === 2, subjects });
  }
}

async function sqliteWorld(): Promise<World> {
  const folder = await tempFolder('subject-index');
  const path = join(folder, 'shop.db');
  const world = await makeWorld();
  const source = sqliteSource({ path, scratch: join(folder, 'scratch') });
  await days(world, 'sqlite', source, (sql) => {
    using db = new DatabaseSync(path);
    db.exec(sql);
    return Promise.resolve();
  });
  return world;
}

describe('the subject index of a set', () => {
  test('saves opening most of a PostgreSQL database, and changes nothing else', async () => {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase('subject-index');
    const world = await makeWorld();
    await days(world, 'postgres', postgresSource({ url }), async (sql) => {
      await postgres.psql(url, sql);
    });
    expect((await indexFiles(world)).length).toBeGreaterThanOrEqual(3);
    const [quick, slow] = [await look(world, 'postgres'), await look(world, 'postgres', { hints: NO_HINTS })];
    expect(found(quick)).toEqual(found(slow));
    expect(quick.snapshots[0]?.closure.counts.get('public.orders')?.delete).toBeGreaterThan(0);
    expect(slow.opened.segments).toBe(slow.opened.all);
    expect(quick.opened.segments).toBeLessThan(slow.opened.segments);
    const nobody: Subject = { by: ['id'], known: new Map([['id', '4711']]) };
    const none = await look(world, 'postgres', { subjects: [nobody] });
    // The photo is longer than a segment, which is never indexed: both chains have it.
    expect(none.opened.segments).toBeLessThanOrEqual(2 * 6);
    expect(none.snapshots.every(({ streams }) => streams.size === 0)).toBe(true);
  });

  test('is an accelerator only: damaged, gone or of another map, the same is found in SQLite', async () => {
    const world = await sqliteWorld();
    const slow = await look(world, 'sqlite', { hints: NO_HINTS });
    const quick = await look(world, 'sqlite');
    expect(found(quick)).toEqual(found(slow));
    expect(quick.opened.segments).toBeLessThan(slow.opened.segments);

    const map = mapText('sqlite').replace(
      'lines: { link: { order_id: orders.id }, erase',
      'lines: { link: { order_id: orders.id, canonical: trim }, erase',
    );
    expect(map).not.toBe(mapText('sqlite'));
    const other = await look(world, 'sqlite', { map });
    expect(found(other)).toEqual(found(await look(world, 'sqlite', { map, hints: NO_HINTS })));
    expect(other.opened.segments).toBeGreaterThan(quick.opened.segments);

    const files = await indexFiles(world);
    for (const file of files) {
      const bytes = await readFile(file);
      bytes[bytes.length - 10] = (bytes[bytes.length - 10] ?? 0) ^ 1;
      await writeFile(file, bytes);
    }
    expect(found(await look(world, 'sqlite'))).toEqual(found(slow));
    for (const file of files) await rm(file);
    expect(found(await look(world, 'sqlite'))).toEqual(found(slow));
  });
});
