/**
 * Goal: for random databases, maps and subjects, restoring a purged PostgreSQL snapshot is the same as restoring the one
 * of before and running the erasure as SQL: all and only. And where SQL refuses, so does the plan.
 */
import { test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import { postgresLoader } from '../../src/sources/postgres/loader.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { LOAD_DEFAULTS } from '../integration/memory-dump.ts';
import { load, pgDump } from '../integration/pg-source-kit.ts';
import { usePostgres } from '../services/use.ts';
import { SIGNAL } from '../services/world.ts';
import { createSql, foreignKey, referencesOf, worlds } from './erasure-world.ts';
import type { World } from './erasure-world.ts';
import { bulks, days, fillNotes, oracle, Seen } from './purge-oracle-kit.ts';
import type { Bulk, Lab } from './purge-oracle-kit.ts';

const RUNS = Number(process.env['PURGE_ORACLE_RUNS'] ?? 8);
const name = (index: number) => `public.t${index}`;
const seen = new Seen();

describe('a purge of PostgreSQL snapshots', () => {
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
  const postgres = await usePostgres();
  const url = await postgres.createDatabase('oracle');
  const made = [url];
  const tables = [...world.tables.keys()];
  const keys = tables.flatMap((index) =>
    referencesOf(world, index).map(
      (one) => `ALTER TABLE ${name(index)} ADD ${foreignKey(one, name, false)};`,
    ),
  );
  const create = tables.map((index) => createSql(world, index, name, 'postgres'));
  await load(url, [...create, ...keys, fillNotes(world, bulk, name, 'postgres')].join('\n'));
  return {
    engine: 'postgres',
    name,
    source: postgresSource({ url }),
    exec: (sql) => load(url, sql),
    restore: async (dump) => {
      const target = postgres.url(`${databaseOf(url)}_${made.length}`);
      made.push(target);
      await postgresLoader({ url: target }).load(dump, LOAD_DEFAULTS, SIGNAL);
      return { contents: () => contentsOf(target), run: (sql) => load(target, sql) };
    },
    dispose: async () => {
      for (const each of made) await postgres.dropDatabase(each);
    },
  };
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/** What pg_dump says of it; rows lie where there was room, so their order says nothing. */
async function contentsOf(url: string): Promise<readonly string[]> {
  const names = new Set<string>();
  const text = (await pgDump(url)).toString('latin1').replace(/\berased-[0-9a-f]{16}\b/g, (found) => {
    if (names.has(found)) throw new Error('two rows have the same pseudonym');
    names.add(found);
    return 'a pseudonym';
  });
  return text.split('\n').sort();
}
