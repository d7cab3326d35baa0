/**
 * Goal: for random databases, maps and subjects, restoring a purged SQLite snapshot is the same as restoring the one of
 * before and running the erasure as SQL: all and only. And where SQL refuses, so does the plan.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import { sqliteLoader } from '../../src/sources/sqlite/loader.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { contentsOf, LOAD_OPTIONS } from '../integration/sqlite-kit.ts';
import { tempFolder } from '../services/temp.ts';
import { SIGNAL } from '../services/world.ts';
import { createSql, worlds } from './erasure-world.ts';
import { bulks, days, fillNotes, oracle, Seen } from './purge-oracle-kit.ts';
import type { Bulk, Lab, Restored } from './purge-oracle-kit.ts';
import type { World } from './erasure-world.ts';

const RUNS = Number(process.env['PURGE_ORACLE_RUNS'] ?? 40);
const name = (index: number) => `t${index}`;
const seen = new Seen();

describe('a purge of SQLite snapshots', () => {
  test.prop([worlds, bulks, days], { numRuns: RUNS, endOnFailure: true })(
    'is the erasure as SQL',
    async (world, bulk, changes) => {
      await oracle(world, changes, await lab(world, bulk), seen);
    },
    600_000,
  );

  afterAll(() => {
    expect(seen.erased).toBeGreaterThan(RUNS / 8);
    expect(seen.rows).toBeGreaterThan(RUNS);
    expect(seen.indexed).toBeGreaterThan(0);
    expect(seen.segments).toBeGreaterThan(0);
  });
});

async function lab(world: World, bulk: Bulk): Promise<Lab> {
  const folder = await tempFolder('oracle');
  const path = join(folder, 'live.db');
  await inDatabase(
    path,
    [...world.tables.keys()].map((index) => createSql(world, index, name, 'sqlite')).join('\n'),
  );
  await inDatabase(path, fillNotes(world, bulk, name, 'sqlite'));
  let restored = 0;
  return {
    engine: 'sqlite',
    name,
    source: sqliteSource({ path, scratch: join(folder, 'scratch') }),
    exec: (sql) => inDatabase(path, sql),
    restore: async (dump) => {
      const target = join(folder, `restored-${++restored}.db`);
      await sqliteLoader({ path: target }).load(dump, LOAD_OPTIONS, SIGNAL);
      return restoredAt(target);
    },
  };
}

function restoredAt(path: string): Restored {
  return {
    contents: () => Promise.resolve(masked(contentsOf(path))),
    run: (sql) => inDatabase(path, sql),
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
async function inDatabase(path: string, sql: string): Promise<void> {
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec(sql);
}

/** `erased-` and 16 hex digits as the hex of a text: each another one, else two rows would still be the same person's. */
const PSEUDONYM = /x6572617365642d(?:3[0-9]|6[1-6]){16}(?![0-9a-f])/g;

function masked(contents: Record<string, unknown>): Record<string, unknown> {
  const names = new Set<string>();
  const mask = (row: string) =>
    row.replace(PSEUDONYM, (found) => {
      if (names.has(found)) throw new Error('two rows have the same pseudonym');
      names.add(found);
      return 'a pseudonym';
    });
  return Object.fromEntries(
    Object.entries(contents).map(([key, rows]) => [
      key,
      key.startsWith('table ') ? (rows as string[]).map(mask).sort() : rows,
    ]),
  );
}
