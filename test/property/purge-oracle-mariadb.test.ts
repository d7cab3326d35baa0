/**
 * Goal: for random databases, maps and subjects, restoring a purged MariaDB snapshot is the same as restoring the one of
 * before and running the erasure as SQL: all and only. And where SQL refuses, so does the plan.
 */
import { test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import { mysqlLoader } from '../../src/sources/mysql/loader.ts';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import { LOAD_DEFAULTS } from '../integration/memory-dump.ts';
import { mariadbDump } from '../integration/mysql-kit.ts';
import { useMariadb } from '../services/use.ts';
import { SIGNAL } from '../services/world.ts';
import { createSql, foreignKey, referencesOf, worlds } from './erasure-world.ts';
import type { World } from './erasure-world.ts';
import { bulks, days, fillNotes, oracle, Seen } from './purge-oracle-kit.ts';
import type { Bulk, Lab } from './purge-oracle-kit.ts';

const RUNS = Number(process.env['PURGE_ORACLE_RUNS'] ?? 6);
const name = (index: number) => `t${index}`;
const seen = new Seen();

describe('a purge of MariaDB snapshots', () => {
  test.prop([worlds, bulks, days], { numRuns: RUNS, endOnFailure: true })(
    'is the erasure as SQL',
    async (world, bulk, changes) => {
      const made = await lab(world, bulk);
      try {
        await oracle(world, changes, made, seen);
      } finally {
        await made.dispose();
      }
    },
    600_000,
  );

  afterAll(() => {
    // Few worlds, some of which refuse: that one of them was erased is all that is certain.
    expect(seen.erased).toBeGreaterThan(0);
    expect(seen.rows).toBeGreaterThan(0);
    expect(seen.segments).toBeGreaterThan(0);
  });
});

async function lab(world: World, bulk: Bulk): Promise<Lab & { readonly dispose: () => Promise<void> }> {
  const mariadb = await useMariadb();
  const url = await mariadb.createDatabase('oracle');
  const made = [url];
  const tables = [...world.tables.keys()];
  const keys = tables.flatMap((index) =>
    referencesOf(world, index).map(
      (one) => `ALTER TABLE ${name(index)} ADD ${foreignKey(one, name, false)};`,
    ),
  );
  const create = tables.map((index) => createSql(world, index, name, 'mysql'));
  await mariadb.sql(url, [...create, ...keys, fillNotes(world, bulk, name, 'mysql')].join('\n'));
  const run = async (target: string, sql: string): Promise<void> => {
    await mariadb.sql(target, sql);
  };
  return {
    engine: 'mysql',
    name,
    source: mysqlSource({ url }),
    // Here a day cannot delete what another table still needs.
    exec: (sql) =>
      run(url, sql).catch((error: unknown) => {
        if (!String(error).includes('foreign key constraint fails')) throw error;
      }),
    restore: async (dump) => {
      const target = mariadb.url(`${databaseOf(url)}_${made.length}`);
      made.push(target);
      await mysqlLoader({ url: target }).load(dump, LOAD_DEFAULTS, SIGNAL);
      return {
        contents: async () => masked(await mariadbDump(mariadb, target)),
        run: (sql) => run(target, sql),
      };
    },
    dispose: async () => {
      for (const each of made) await mariadb.dropDatabase(each);
    },
  };
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/** Rows without a key lie where there was room, so their order says nothing. */
function masked(dump: string): readonly string[] {
  const names = new Set<string>();
  const text = dump.replace(/\berased-[0-9a-f]{16}\b/g, (found) => {
    if (names.has(found)) throw new Error('two rows have the same pseudonym');
    names.add(found);
    return 'a pseudonym';
  });
  return text.split('\n').sort();
}
