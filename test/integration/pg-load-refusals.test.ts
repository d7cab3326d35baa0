/** What a restore refuses, and what it leaves out when asked to. Nothing is changed in a target that is refused. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { postgresLoader } from '../../src/sources/postgres/loader.ts';
import type { LoadOptions, Preflight } from '../../src/sources/source.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { LOAD_DEFAULTS } from './memory-dump.ts';
import type { MemoryDump } from './memory-dump.ts';
import {
  databaseOf,
  databaseWith,
  dumpOf,
  dumpText,
  exists,
  freshTarget,
  load,
  sharedDump,
  NEVER,
} from './pg-load-kit.ts';

const SHOP = `
  CREATE TABLE users (id int PRIMARY KEY, name text);
  CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users, photo oid);
  CREATE TABLE countries (id int PRIMARY KEY);
  ALTER TABLE orders ADD CONSTRAINT own FOREIGN KEY (id) REFERENCES orders;
  CREATE SEQUENCE counter;
  SELECT setval('counter', 42);
  INSERT INTO users VALUES (1, 'anna'), (2, 'bob');
  INSERT INTO orders VALUES (1, 1, lo_from_bytea(4242, 'x')), (2, 2, NULL);
  INSERT INTO countries VALUES (7);
  CREATE MATERIALIZED VIEW sums AS SELECT 1 / count(*) AS one FROM countries;`;

const shop = sharedDump(usePostgres, SHOP);

const preflight = (url: string, dump: MemoryDump, options: Partial<LoadOptions> = {}): Promise<Preflight> =>
  postgresLoader({ url }).preflight(dump, { ...LOAD_DEFAULTS, ...options }, NEVER);

describe('an occupied target', () => {
  test.for([
    ['a table', 'CREATE TABLE mine (id int); INSERT INTO mine VALUES (1);'],
    ['a view', 'CREATE VIEW v AS SELECT 1;'],
    ['a function', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$;'],
    ['a type', 'CREATE TYPE pair AS (a int, b int);'],
    ['a domain', 'CREATE DOMAIN d AS int;'],
    ['a sequence', 'CREATE SEQUENCE s;'],
    ['a schema', 'CREATE SCHEMA app;'],
    ['an extension', 'CREATE EXTENSION citext;'],
    ['a large object', 'SELECT lo_create(0);'],
    ['a publication', 'CREATE PUBLICATION p;'],
    ['a foreign server', 'CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw;'],
  ])('with %s is refused and untouched', async ([, sql]) => {
    const postgres = await usePostgres();
    const dump = await shop();
    const url = await databaseWith(postgres, sql ?? '', 'occupied');
    const before = await dumpText(url);
    expect(await preflight(url, dump)).toMatchObject({ exists: true, occupied: true });
    await expect(load(url, dump)).rejects.toMatchObject({ code: 'TARGET_OCCUPIED', exitCode: 6 });
    expect(await dumpText(url)).toBe(before);
  });
});

describe('what the target lacks', () => {
  /** A database whose owner is known nowhere any more. */
  async function orphaned(): Promise<{ dump: MemoryDump; role: string; original: string }> {
    const postgres = await usePostgres();
    const { name } = await postgres.createRole();
    const sql = `GRANT CREATE ON SCHEMA public TO ${name}; SET ROLE ${name}; CREATE TABLE t (id int); RESET ROLE;
      COMMENT ON ROLE ${name} IS 'from the source'; ALTER ROLE ${name} SET work_mem = '7MB';
      ALTER DEFAULT PRIVILEGES FOR ROLE ${name} GRANT SELECT ON TABLES TO PUBLIC;`;
    const url = await databaseWith(postgres, sql);
    const dump = await dumpOf(url);
    const original = await dumpText(url);
    await postgres.psql(url, `DROP OWNED BY ${name}; DROP ROLE ${name};`);
    return { dump, role: name, original };
  }

  test('a role: refused with both ways out', async () => {
    const postgres = await usePostgres();
    const { dump, role } = await orphaned();
    const url = freshTarget(postgres);
    const { problems } = await preflight(url, dump);
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`lacks the roles ${role}:.*--globals.*--no-owner`)),
    ]);
    await expect(load(url, dump)).rejects.toMatchObject({ code: 'TARGET_UNFIT', exitCode: 6 });
    expect(await exists(postgres, url)).toBe(false);
  });

  test('with --no-owner it is not needed, and what was left out is said', async () => {
    const postgres = await usePostgres();
    const { dump } = await orphaned();
    const url = freshTarget(postgres);
    expect((await preflight(url, dump, { noOwner: true })).problems).toEqual([]);
    const { leftOut } = await load(url, dump, { noOwner: true });
    expect(leftOut).toEqual([
      expect.stringMatching(/^ownership and grants \(\d+ owners, \d+ grants, 1 default/),
    ]);
    const owner = `SELECT tableowner FROM pg_tables WHERE tablename = 't';`;
    expect(await postgres.psql(url, owner)).toBe(postgres.user);
  });

  test('with --globals it is created with all that belongs to it, and only it', async () => {
    const postgres = await usePostgres();
    const { dump, role, original } = await orphaned();
    const url = freshTarget(postgres);
    onTestFinished(async () => {
      await postgres.dropDatabase(url);
      await postgres.psql(postgres.url(), `DROP ROLE IF EXISTS ${role};`);
    });
    const before = await postgres.psql(
      postgres.url(),
      'SELECT rolname, rolconfig, rolsuper FROM pg_roles ORDER BY 1;',
    );
    expect((await preflight(url, dump, { globals: true })).problems).toEqual([]);
    const { leftOut } = await load(url, dump, { globals: true });
    expect(leftOut).toContain(`role ${postgres.user}: the target has one, left as it is`);
    expect(await dumpText(url)).toBe(original);
    const others = `SELECT rolname, rolconfig, rolsuper FROM pg_roles WHERE rolname <> '${role}' ORDER BY 1;`;
    const after = await postgres.psql(postgres.url(), others);
    // Other tests make roles at the same time: those that were there must be as they were.
    for (const line of before.split('\n').filter((each) => !each.startsWith('role_')))
      expect(after).toContain(line);
    const made = `SELECT shobj_description(oid, 'pg_authid'), rolconfig FROM pg_roles WHERE rolname = '${role}';`;
    expect(await postgres.psql(postgres.url(), made)).toBe('from the source|{work_mem=7MB}');
  });

  test('a role that was created for a restore that fails is gone again', async () => {
    const postgres = await usePostgres();
    const { dump, role } = await orphaned();
    const url = freshTarget(postgres);
    const bad = dump.with('post-data', (text) => `${text}SELECT 1/0;\n`);
    await expect(load(url, bad, { globals: true })).rejects.toMatchObject({ code: 'LOAD_STATEMENT' });
    const count = `SELECT count(*) FROM pg_roles WHERE rolname = '${role}';`;
    expect(await postgres.psql(postgres.url(), count)).toBe('0');
  });

  test('the right to create roles', async () => {
    const postgres = await usePostgres();
    const { dump } = await orphaned();
    const url = postgres.url(databaseOf(freshTarget(postgres)), await postgres.createRole('CREATEDB'));
    const { problems } = await preflight(url, dump, { globals: true });
    expect(problems).toEqual([expect.stringContaining('may not create roles')]);
  });

  test('a policy for a role that is missing stays a problem without owners', async () => {
    const postgres = await usePostgres();
    const dump = await shop();
    const odd = dump.with('post-data', (text) => `${text}CREATE POLICY p ON public.users TO "no such";\n`);
    const { problems } = await preflight(freshTarget(postgres), odd, { noOwner: true });
    expect(problems).toEqual([expect.stringContaining('lacks the roles no such')]);
  });

  test('an extension, a newer server, connections', async () => {
    const postgres = await usePostgres();
    const dump = await shop();
    const url = freshTarget(postgres);
    const extended = dump.with(
      'pre-data',
      (text) => `${text}CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;\n`,
    );
    expect((await preflight(url, extended)).problems).toEqual([
      expect.stringMatching(/extension postgis .*postgis-3/),
    ]);
    const newer = await preflight(url, dump.from({ serverVersion: '99.1 (Debian)' }));
    expect(newer.problems).toEqual([expect.stringContaining('the dump comes from 99')]);
    const older = await preflight(url, dump.from({ serverVersion: '10.3' }));
    expect(older).toMatchObject({ problems: [], warnings: [expect.stringContaining('newer than 10')] });
    const many = await preflight(url, dump, { jobs: 5000 });
    expect(many.problems).toEqual([expect.stringContaining('lower --jobs')]);
  });

  test('the right to create databases; with it a role without other rights restores what is its own', async () => {
    const postgres = await usePostgres();
    const dump = await shop();
    const target = freshTarget(postgres);
    const weak = postgres.url(databaseOf(target), await postgres.createRole());
    expect((await preflight(weak, dump, { noOwner: true })).problems).toEqual([
      expect.stringContaining('CREATEDB'),
    ]);
    const able = postgres.url(databaseOf(target), await postgres.createRole('CREATEDB'));
    const { rows } = await load(able, dump, { noOwner: true });
    expect(rows).toEqual({ 'public.users': 2, 'public.orders': 2, 'public.countries': 1 });
    await expect(load(weak, dump)).rejects.toMatchObject({ exitCode: 6 });
  });
});

describe('chosen tables', () => {
  test('have their rows; what cannot be without the others is left out and said', async () => {
    const postgres = await usePostgres();
    const dump = await shop();
    const url = freshTarget(postgres);
    const { rows, leftOut } = await load(url, dump, { tables: ['orders'] });
    expect(rows).toEqual({ 'public.orders': 2 });
    expect(leftOut).toEqual([
      'rows of 2 tables that were not chosen',
      'foreign key orders_user_id_fkey of public.orders: public.users was not loaded',
      expect.stringMatching(/^rows of materialized view public\.sums/),
    ]);
    const state = `SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM orders), (SELECT last_value FROM counter),
      (SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE contype = 'f'), convert_from(lo_get(4242), 'UTF8');`;
    expect(await postgres.psql(url, state)).toBe('0|2|42|own|x');
  });

  test('without a column for large objects leave those empty', async () => {
    const postgres = await usePostgres();
    const dump = await shop();
    const { leftOut } = await load(freshTarget(postgres), dump, { tables: ['public.users'] });
    expect(leftOut).toContain('contents of large objects: no chosen table points to them');
  });

  test('an unknown one is a usage error with near names, and makes nothing', async () => {
    const postgres = await usePostgres();
    const dump = await shop();
    const url = freshTarget(postgres);
    const error = { code: 'TABLE_UNKNOWN', exitCode: 2, hint: 'Did you mean public.users?' };
    await expect(load(url, dump, { tables: ['public.user'] })).rejects.toMatchObject(error);
    expect(await exists(postgres, url)).toBe(false);
  });
});

describe('a dump that is code', () => {
  test.for(['pre-data', 'post-data', 'sequences', 'globals'])(
    'a psql command in %s is refused and not run',
    async (name) => {
      const postgres = await usePostgres();
      const folder = await tempFolder();
      const dump = await shop();
      const evil = dump.with(name, (text) => `${text}\\! touch ${join(folder, 'ran')}\n`);
      const url = freshTarget(postgres);
      await expect(load(url, evil, { globals: true })).rejects.toMatchObject({ code: 'SQL_META_COMMAND' });
      expect(existsSync(join(folder, 'ran'))).toBe(false);
      expect(await exists(postgres, url)).toBe(false);
    },
  );

  test('rows for another table, or from a program, are refused', async () => {
    const postgres = await usePostgres();
    const folder = await tempFolder();
    const dump = await shop();
    const programs = [
      `COPY public.users FROM PROGRAM 'touch ${folder}/ran';`,
      'COPY public.orders (id) FROM stdin;',
    ];
    for (const header of programs) {
      const evil = dump.with('public.users', (text) => text.replace(/^.*\n/, `${header}\n`));
      const url = freshTarget(postgres);
      await expect(load(url, evil)).rejects.toMatchObject({ code: 'LOAD_NOT_COPY' });
      expect(await exists(postgres, url)).toBe(false);
    }
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });
});
