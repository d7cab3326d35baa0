/**
 * The oracle: for random databases, maps and subjects, applying the closure to the rows is the same as running the
 * erasure as SQL in the real engine; and where the closure sees a problem, the SQL refuses and changes nothing.
 */
import { DatabaseSync } from 'node:sqlite';
import { test } from '@fast-check/vitest';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Schema } from '../../src/sources/schema.ts';
import { readSideCar as readPostgres } from '../../src/sources/postgres/side-car.ts';
import { readSchema } from '../../src/sources/sqlite/schema.ts';
import { readSideCar as readSqlite } from '../../src/sources/sqlite/side-car.ts';
import { closure } from '../../src/subjects/closure.ts';
import { describeProblem } from '../../src/subjects/integrity.ts';
import { erasureSql } from '../../src/subjects/sql.ts';
import type { Value } from '../../src/rows/values.ts';
import type { SqlDatabase as Engine } from '../../src/subjects/compare.ts';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { useMariadb, usePostgres } from '../services/use.ts';
import { COLUMNS, comparableRows, createSql, erased, foreignKey, MemoryAccess } from './erasure-world.ts';
import { mapOf, referencesOf, subjectsOf, worlds, type Rows, type World } from './erasure-world.ts';

const RUNS = Number(process.env['ERASURE_RUNS'] ?? 150);

/** A database of a world, with what the oracle does to it. */
interface Live {
  readonly engine: Engine;
  readonly name: (index: number) => string;
  readonly schema: () => Promise<Schema>;
  readonly rows: () => Promise<Rows>;
  readonly run: (sql: string) => Promise<void>;
}

/** What happened, counted: a test of refusals only would prove nothing. */
const seen = { erased: 0, refused: 0, rows: 0 };

async function oracle(world: World, live: Live): Promise<void> {
  const input = {
    map: mapOf(world, live.name),
    schema: await live.schema(),
    engine: live.engine,
    subjects: subjectsOf(world),
  };
  const before = await live.rows();
  const { sql } = erasureSql({ ...input, end: 'commit' });
  const result = await closure({ ...input, access: new MemoryAccess(before) });
  // That a row leads to the subject again no database minds.
  const places = result.problems.filter(({ kind }) => kind !== 'relinked').map(describeProblem);
  const failure = await live.run(sql).then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
  const after = comparableRows(await live.rows());
  if (places.length > 0) {
    expect(failure, `should refuse: ${places.join('; ')}`).toBeDefined();
    expect(after).toEqual(comparableRows(before));
    seen.refused += 1;
    return;
  }
  expect(failure, sql).toBeUndefined();
  expect(after, sql).toEqual(comparableRows(erased(before, result)));
  seen.erased += 1;
  for (const rows of result.affected.values()) seen.rows += rows.size;
}

describe('SQLite', () => {
  test.prop([worlds], { numRuns: RUNS })('erases as the closure does', async (world) => {
    using db = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
    const name = (index: number) => `t${index}`;
    for (const index of world.tables.keys()) db.exec(createSql(world, index, name, 'sqlite'));
    await oracle(world, {
      engine: 'sqlite',
      name,
      schema: () => Promise.resolve(readSqlite(db, readSchema(db, 'memory'))),
      rows: () => Promise.resolve(sqliteRows(db, world, name)),
      run: async (sql) => {
        // The shell goes on after an error, so nothing must come of what follows it.
        const failures = statementsOf(sql).flatMap((statement) => {
          try {
            db.exec(statement);
            return [];
          } catch (error) {
            return [error as Error];
          }
        });
        return failures[0] === undefined ? Promise.resolve() : Promise.reject(failures[0]);
      },
    });
  });
});

describe('PostgreSQL', () => {
  let client: Client;
  beforeAll(async () => {
    const postgres = await usePostgres();
    client = new Client({ connectionString: await postgres.createDatabase('erasure') });
    await client.connect();
  });
  afterAll(() => client.end());

  test.prop([worlds], { numRuns: RUNS })('erases as the closure does', async (world) => {
    const name = (index: number) => `w.t${index}`;
    const tables = [...world.tables.keys()];
    const keys = tables.flatMap((index) =>
      referencesOf(world, index).map(
        (one) => `ALTER TABLE ${name(index)} ADD ${foreignKey(one, name, false)};`,
      ),
    );
    const create = tables.map((index) => createSql(world, index, name, 'postgres'));
    await client.query(`SET client_min_messages = warning; DROP SCHEMA IF EXISTS w CASCADE; CREATE SCHEMA w;
      ${create.join('\n')} ${keys.join('\n')}`);
    await oracle(world, {
      engine: 'postgres',
      name,
      schema: () => readPostgres(client, 'test'),
      rows: () => postgresRows(client, world, name),
      run: async (sql) => {
        try {
          await client.query(sql);
        } catch (error) {
          await client.query('ROLLBACK');
          throw error;
        }
      },
    });
  });
});

// Each world costs some starts of the client here.
describe('MariaDB', () => {
  let mariadb: MariadbAccess;
  let url: string;
  beforeAll(async () => {
    mariadb = await useMariadb();
    url = await mariadb.createDatabase('erasure');
  });

  test.prop([worlds], { numRuns: Math.ceil(RUNS / 3) })(
    'erases as the closure does',
    async (world) => {
      const name = (index: number) => `t${index}`;
      const tables = [...world.tables.keys()];
      const keys = tables.flatMap((index) =>
        referencesOf(world, index).map(
          (one) => `ALTER TABLE ${name(index)} ADD ${foreignKey(one, name, false)};`,
        ),
      );
      const create = tables.map((index) => createSql(world, index, name, 'mysql'));
      const old = Array.from({ length: 5 }, (_, index) => name(index)).join(', ');
      await mariadb.sql(
        url,
        `SET foreign_key_checks = 0; DROP TABLE IF EXISTS ${old}; ${create.join('\n')} ${keys.join('\n')}`,
      );
      await oracle(world, {
        engine: 'mysql',
        name,
        schema: () => mysqlSource({ url }).schema(new AbortController().signal),
        rows: () => mariadbRows(mariadb, url, world, name),
        run: async (sql) => {
          await mariadb.sql(url, sql);
        },
      });
    },
    600_000,
  );
});

afterAll(() => {
  // Most worlds must come to an erasure, and most erasures find somebody.
  expect(seen.erased).toBeGreaterThan(RUNS / 4);
  expect(seen.rows).toBeGreaterThan(RUNS);
  expect(seen.refused).toBeGreaterThan(0);
});

function sqliteRows(db: DatabaseSync, world: World, name: (index: number) => string): Rows {
  const columns = COLUMNS.map((column) => `CAST(${column} AS TEXT) AS ${column}`).join(', ');
  return new Map(
    [...world.tables.keys()].map((index) => {
      const rows = db.prepare(`SELECT ${columns} FROM ${name(index)}`).all();
      return [name(index), rows.map((row) => COLUMNS.map((column) => row[column] as string | null))];
    }),
  );
}

async function postgresRows(client: Client, world: World, name: (index: number) => string): Promise<Rows> {
  const rows = new Map<string, (string | null)[][]>();
  for (const index of world.tables.keys()) {
    const columns = COLUMNS.map(
      (column) => `CASE WHEN ${column} IS NOT NULL THEN format('%s', ${column}) END`,
    );
    const result = await client.query<(string | null)[]>({
      text: `SELECT ${columns.join(', ')} FROM ${name(index)}`,
      rowMode: 'array',
    });
    rows.set(name(index), result.rows);
  }
  return rows;
}

async function mariadbRows(
  mariadb: MariadbAccess,
  url: string,
  world: World,
  name: (index: number) => string,
): Promise<Rows> {
  const columns = COLUMNS.map((column) => `CAST(${column} AS CHAR)`).join(', ');
  const selects = [...world.tables.keys()].map(
    (index) => `SELECT HEX(JSON_ARRAY(${index}, ${columns})) FROM ${name(index)};`,
  );
  const lines = (await mariadb.sql(url, selects.join('\n'))).split('\n').filter((line) => line !== '');
  const all = lines.map((line) => JSON.parse(Buffer.from(line, 'hex').toString()) as [number, ...Value[]]);
  return new Map(
    [...world.tables.keys()].map((index) => [
      name(index),
      all.flatMap(([table, ...row]) => (table === index ? [row] : [])),
    ]),
  );
}

/** Statements end at the end of a line: text with a semicolon there is not among these worlds. */
function statementsOf(sql: string): readonly string[] {
  return sql.split(/;\n/);
}
