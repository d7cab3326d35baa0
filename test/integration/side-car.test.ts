/** The schema beside a dump: every stream has its table there, with the keys as the catalogue has them. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import type { Schema, TableSchema } from '../../src/sources/schema.ts';
import { holdsRows, storedTables } from '../../src/sources/schema.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { awkwardDatabase, load, readLane, SIGNAL } from './pg-source-kit.ts';
import { streamsOf } from './sqlite-kit.ts';

function table(schema: Schema, name: string): TableSchema {
  const found = schema.tables.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no table ${name}`);
  return found;
}

describe('PostgreSQL', () => {
  let postgres: PostgresAccess;
  let schema: Schema;

  beforeAll(async () => {
    postgres = await usePostgres();
    const url = await postgres.createDatabase('sidecar');
    await load(
      url,
      `
      CREATE TYPE mood AS ENUM ('glad');
      CREATE DOMAIN email AS text NOT NULL;
      CREATE TABLE "order" (a int, gone int, b int, "Odd ""Col" mood, mail email, up text GENERATED ALWAYS AS (a::text) STORED,
        PRIMARY KEY (b, a));
      ALTER TABLE "order" DROP COLUMN gone;
      CREATE UNIQUE INDEX ON "order" ("Odd ""Col") INCLUDE (a);
      CREATE UNIQUE INDEX ON "order" (mail) WHERE a > 1;
      CREATE UNIQUE INDEX ON "order" (lower(mail::text));
      CREATE TABLE users (id bigint PRIMARY KEY, boss bigint CONSTRAINT up REFERENCES users ON DELETE SET NULL);
      CREATE TABLE lines (x int, y int, u bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        CONSTRAINT pair FOREIGN KEY (y, x) REFERENCES "order" (b, a));
      CREATE TABLE log (id bigint, at date, u bigint REFERENCES users, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
      CREATE TABLE log_old PARTITION OF log FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
      CREATE TABLE log_new PARTITION OF log DEFAULT PARTITION BY HASH (id);
      CREATE TABLE log_new_0 PARTITION OF log_new FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      CREATE TABLE notes (id bigint, at date, CONSTRAINT about FOREIGN KEY (id, at) REFERENCES log);
      CREATE TABLE animal (name text);
      CREATE TABLE dog (breed text) INHERITS (animal);
      CREATE TABLE "from" ();
      `,
    );
    const source = postgresSource({ url });
    await using dump = await source.dump(SIGNAL);
    schema = dump.schema;
    expect(await source.schema(SIGNAL)).toEqual(schema);
  });

  test('names, types, nullability and generated columns are those of the catalogue, dropped columns are gone', () => {
    expect(table(schema, 'public."order"')).toMatchObject({
      columns: [
        { name: 'a', type: 'integer', nullable: false, generated: false },
        { name: 'b', type: 'integer', nullable: false, generated: false },
        { name: 'Odd "Col', type: 'public.mood', nullable: true, generated: false },
        { name: 'mail', type: 'public.email', nullable: false, generated: false },
        { name: 'up', type: 'text', nullable: true, generated: true },
      ],
      primaryKey: ['b', 'a'],
      uniques: [['Odd "Col']],
      foreignKeys: [],
    });
    expect(table(schema, 'public."from"').columns).toEqual([]);
  });

  test('foreign keys keep the order of their columns and what deletion does', () => {
    expect(table(schema, 'public.lines').foreignKeys).toEqual([
      {
        name: 'lines_u_fkey',
        columns: ['u'],
        references: 'public.users',
        referenced: ['id'],
        onDelete: 'cascade',
      },
      {
        name: 'pair',
        columns: ['y', 'x'],
        references: 'public."order"',
        referenced: ['b', 'a'],
        onDelete: 'no action',
      },
    ]);
    expect(table(schema, 'public.users').foreignKeys).toMatchObject([
      { name: 'up', references: 'public.users', onDelete: 'set null' },
    ]);
  });

  test('partitions name their topmost table, and keys to partitioned tables are told once', () => {
    expect(table(schema, 'public.log')).toMatchObject({ partitioned: true });
    expect(table(schema, 'public.log_new')).toMatchObject({ partitioned: true, partitionOf: 'public.log' });
    expect(table(schema, 'public.log_new_0')).toMatchObject({
      partitionOf: 'public.log',
      primaryKey: ['id', 'at'],
      foreignKeys: [{ references: 'public.users' }],
    });
    expect(storedTables(schema, 'public.log').map(({ name }) => name)).toEqual([
      'public.log_new_0',
      'public.log_old',
    ]);
    expect(table(schema, 'public.notes').foreignKeys).toMatchObject([
      { name: 'about', references: 'public.log' },
    ]);
    expect(table(schema, 'public.notes').foreignKeys).toHaveLength(1);
  });

  test('inheritance is told, and each table has rows of its own', () => {
    expect(table(schema, 'public.dog')).toMatchObject({ parents: ['public.animal'] });
    expect(storedTables(schema, 'public.animal')).toHaveLength(1);
  });

  test('a database with every awkward thing has a table for each stream, with its columns', async () => {
    await using dump = await postgresSource({ url: await awkwardDatabase(postgres) }).dump(SIGNAL);
    const streams = (await Promise.all(dump.lanes.map(readLane))).flat();
    const tables = streams.flatMap((stream) => stream.table ?? []);
    expect(tables.length).toBeGreaterThan(30);
    for (const { name, columns } of tables) {
      const written = table(dump.schema, name).columns.filter(({ generated }) => !generated);
      expect(written.map((column) => column.name)).toEqual(columns);
    }
    const stored = dump.schema.tables.filter(holdsRows).map(({ name }) => name);
    expect(stored.sort()).toEqual(tables.map(({ name }) => name).sort());
    expect(dump.schema.largeObjects).toBe(true);
    expect(JSON.parse(JSON.stringify(dump.schema))).toEqual(dump.schema);
  });

  test('it is of the same moment as the rows', async () => {
    const url = await postgres.createDatabase('moment');
    await load(url, 'CREATE TABLE a (x int)');
    await using dump = await postgresSource({ url }).dump(SIGNAL);
    await load(url, 'CREATE TABLE b (x int)');
    const streams = (await Promise.all(dump.lanes.map(readLane))).flat();
    expect(streams.flatMap((stream) => stream.table?.name ?? [])).toEqual(['public.a']);
    expect(dump.schema.tables.map(({ name }) => name)).toEqual(['public.a']);
  });
});

describe('SQLite', () => {
  async function read(sql: string): Promise<Schema> {
    const folder = await tempFolder('sidecar');
    const path = join(folder, 'a.db');
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
    const source = sqliteSource({ path, scratch: join(folder, 'scratch') });
    await using dump = await source.dump(SIGNAL);
    for await (const stream of streamsOf(dump)) {
      await Array.fromAsync(stream.bytes);
      if (stream.table === undefined) continue;
      const { columns, rowid } = table(dump.schema, stream.table.name);
      const written = columns.filter(({ generated }) => !generated).map(({ name }) => name);
      expect([...(rowid === undefined ? [] : [rowid]), ...written]).toEqual(stream.table.columns);
    }
    expect(await source.schema(SIGNAL)).toEqual(dump.schema);
    return dump.schema;
  }

  test('keys, types, nullability and generated columns', async () => {
    const schema = await read(`
      CREATE TABLE users (Id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, tag, up AS (upper(email)));
      CREATE UNIQUE INDEX one ON users (tag, email);
      CREATE UNIQUE INDEX part ON users (tag) WHERE tag > 1;
      CREATE UNIQUE INDEX expr ON users (lower(email));
      CREATE TABLE "odd table" (b TEXT, a TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
      CREATE TABLE loose (k TEXT PRIMARY KEY);
      CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);`);
    expect(table(schema, 'users')).toEqual({
      name: 'users',
      columns: [
        { name: 'Id', type: 'INTEGER', nullable: false, generated: false },
        { name: 'email', type: 'TEXT', nullable: false, generated: false },
        { name: 'tag', type: '', nullable: true, generated: false },
        { name: 'up', type: '', nullable: true, generated: true },
      ],
      primaryKey: ['Id'],
      uniques: [['email'], ['tag', 'email']],
      foreignKeys: [],
    });
    expect(table(schema, '"odd table"')).toMatchObject({
      primaryKey: ['a', 'b'],
      columns: [{ nullable: false }, { nullable: false }],
    });
    expect(table(schema, 'loose')).toMatchObject({ rowid: 'rowid', columns: [{ nullable: true }] });
  });

  test('foreign keys: composite, to a key that is not named, in another case, to a table that is not there', async () => {
    const schema = await read(`
      CREATE TABLE Users (Id INTEGER PRIMARY KEY, boss REFERENCES users ON DELETE SET NULL);
      CREATE TABLE pairs (a, b, PRIMARY KEY (a, b));
      CREATE TABLE c (u REFERENCES USERS(ID) ON DELETE CASCADE, y, x, z REFERENCES nowhere(q), FOREIGN KEY (X, y) REFERENCES pairs);`);
    expect(table(schema, 'Users').foreignKeys).toEqual([
      {
        name: 'Users(boss)',
        columns: ['boss'],
        references: 'Users',
        referenced: ['Id'],
        onDelete: 'set null',
      },
    ]);
    expect(table(schema, 'c').foreignKeys).toMatchObject([
      { columns: ['u'], references: 'Users', referenced: ['Id'], onDelete: 'cascade' },
      { columns: ['z'], references: 'nowhere', referenced: ['q'] },
      { name: 'c(x, y)', columns: ['x', 'y'], references: 'pairs', referenced: ['a', 'b'] },
    ]);
  });

  test('virtual tables, where their text is, and the tables that they keep their data in', async () => {
    const schema = await read(`
      CREATE TABLE docs (id INTEGER PRIMARY KEY, body TEXT);
      CREATE VIRTUAL TABLE own USING fts5(body);
      CREATE VIRTUAL TABLE beside USING fts5(body, content='docs', content_rowid='id');
      CREATE VIRTUAL TABLE blind USING fts5(body, content='');
      CREATE VIRTUAL TABLE old USING fts4(content="docs", body);
      CREATE VIRTUAL TABLE box USING rtree(id, x0, x1);`);
    const virtual = schema.tables.flatMap(({ name, virtual }) => (virtual ? [[name, virtual]] : []));
    expect(Object.fromEntries(virtual)).toEqual({
      own: { module: 'fts5', content: 'own' },
      beside: { module: 'fts5', content: 'external' },
      blind: { module: 'fts5', content: 'none' },
      old: { module: 'fts4', content: 'external' },
      box: { module: 'rtree' },
    });
    expect(table(schema, 'own_content')).toMatchObject({ shadowOf: 'own' });
    expect(table(schema, 'box_node')).toMatchObject({ shadowOf: 'box' });
    expect(table(schema, 'docs').shadowOf).toBeUndefined();
  });
});
