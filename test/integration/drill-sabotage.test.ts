/** Goal: a drill notices a snapshot that lacks a table which it says it has, although everything in it is signed and whole. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { drillSnapshot } from '../../src/drill/drill.ts';
import type { DrillOptions } from '../../src/drill/drill.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { viewSet } from '../../src/restore/open.ts';
import { sqliteScratch } from '../../src/scratch/sqlite.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import type { Source } from '../../src/sources/source.ts';
import { sqliteInspector } from '../../src/sources/sqlite/inspect.ts';
import { sqliteLoader } from '../../src/sources/sqlite/loader.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { makeWorld, SET, SIGNAL } from '../services/world.ts';
import type { World } from '../services/world.ts';

/** A dump tool that passes over a table, and says nothing. */
function without(table: string, source: Source): Source {
  return {
    ...source,
    dump: async (signal) => {
      const dump = await source.dump(signal);
      const lanes = dump.lanes.map(async function* (lane) {
        for await (const stream of lane) {
          const text = Buffer.concat(await Array.fromAsync(stream.bytes)).toString();
          if (stream.table?.name === table) continue;
          const kept = text.split('\n').filter((line) => !line.includes(table));
          yield { ...stream, bytes: bytesOf(kept.join('\n')) };
        }
      });
      return { ...dump, lanes, [Symbol.asyncDispose]: () => dump[Symbol.asyncDispose]() };
    },
  };
}

async function* bytesOf(text: string): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield Buffer.from(text);
}

async function drill(world: World) {
  const view = await viewSet(await world.reopen(await tempFolder('reader')), SET, false, SIGNAL);
  const item = view.catalog.entries.at(-1);
  if (item === undefined) throw new Error('no snapshot');
  await using pool = SegmentPool.forReading();
  const options: DrillOptions = {
    ...{ session: world.session, view, item, pool, picking: 'newest', byRecipient: true, jobs: 1, findMs: 7 },
    opener: new KeyOpener([world.ops]),
    checks: [],
    referencesTaken: undefined,
    mapOfToday: () => Promise.resolve(undefined),
    openScratch: () => Promise.resolve(sqliteScratch()),
    openLoader: (_, path) => Promise.resolve(sqliteLoader({ path })),
    openInspector: (_, path) => sqliteInspector(path),
    readSchema: (_, path, signal) => sqliteSource({ path, scratch: join(path, '..') }).schema(signal),
    onStep: () => undefined,
    onProgress: () => undefined,
  };
  return await drillSnapshot(options, SIGNAL);
}

test('a table that the dump has left out', async () => {
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 100);
  const source = sqliteSource({ path, scratch: await tempFolder('scratch') });
  const world = await makeWorld();

  await world.backup({}, { source });
  expect(await drill(world)).toMatchObject({
    outcome: 'verified',
    problems: [],
    loaded: { tables: 2, rows: 300 },
    stages: { find: 7 },
  });

  await world.backup({}, { source: without('shop_orders', source), full: true });
  const { outcome, problems } = await drill(world);
  expect(outcome).toBe('failed');
  expect(problems).toMatchObject([
    { code: 'SCHEMA_DIFFERS', message: expect.stringContaining('table shop_orders') as string },
  ]);
});
