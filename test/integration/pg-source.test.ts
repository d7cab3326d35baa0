/** PostgreSQL as a source: what comes out is the whole database, the same each time, and psql can load it. */
import { fc, test as prop } from '@fast-check/vitest';
import { beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { cleanScript } from '../../src/rows/pg-script.ts';
import { splitData } from '../../src/rows/pg-data.ts';
import { pgConnection } from '../../src/sources/postgres/connection.ts';
import type { PgFacts } from '../../src/sources/postgres/facts.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { usePostgres } from '../services/use.ts';
import {
  awkwardDatabase,
  fill,
  load,
  pgDump,
  readDump,
  scriptOf,
  SIGNAL,
  type WholeStream,
} from './pg-source-kit.ts';

let postgres: PostgresAccess;
let awkward: string;
let streams: WholeStream[];

beforeAll(async () => {
  postgres = await usePostgres();
  awkward = await awkwardDatabase(postgres);
  streams = await readDump(postgresSource({ url: awkward }));
});

const named = (name: string): WholeStream | undefined => streams.find((stream) => stream.name === name);

describe('a database with every awkward thing', () => {
  test('comes back from its streams such that pg_dump sees no difference', async () => {
    const copy = await postgres.createDatabase('copy');
    await load(copy, scriptOf(streams));
    expect((await pgDump(copy)).equals(await pgDump(awkward))).toBe(true);
  });

  test('gives the same bytes again', async () => {
    const again = await readDump(postgresSource({ url: awkward }));
    // The roles are those of the whole server, where other tests make theirs.
    const ofDatabase = (all: typeof again) => all.filter(({ name }) => name !== 'globals');
    expect(ofDatabase(again)).toEqual(ofDatabase(streams));
  });

  test('comes in order: globals, pre-data, tables, sequences, large objects, post-data', () => {
    const kinds = streams.map(({ section, dialect }) => `${section} ${dialect}`);
    expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual([
      'globals sql',
      'pre-data sql',
      'data sql',
      'data pg-copy',
      'data sql',
      'post-data sql',
    ]);
    const sql = streams.filter(({ dialect }) => dialect === 'sql').map(({ name }) => name);
    expect(sql).toEqual(['globals', 'pre-data', 'data-settings', 'sequences', 'large-objects', 'post-data']);
  });

  test('every table that holds rows has one stream, and nothing else has', async () => {
    const holders = await postgres.psql(
      awkward,
      `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
       WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'`,
    );
    const tables = streams.filter(({ dialect }) => dialect === 'pg-copy');
    expect(tables).toHaveLength(Number(holders));
    expect(new Set(streams.map(({ name }) => name)).size).toBe(streams.length);
  });

  test('tables have their names and columns, generated ones left out', () => {
    const weird = `"Weird ""Schema"" with space"."Tab""le; with -- 'all' /* $$ */"`;
    expect(named(weird)?.table).toEqual({
      name: weird,
      columns: ['Col"umn', 'a b', 'select', 'ÄÖ', '\\."', ' ', '$1'],
    });
    expect(named('app.generated')?.table?.columns).toEqual(['always', 'net', 'by default', 'note']);
    expect(named('app.no_columns')).toMatchObject({
      table: { columns: [] },
      text: 'COPY app.no_columns  FROM stdin;\n\n\n\n\\.\n',
    });
    expect(named('"таблицы"."пользователи"')?.table?.columns).toEqual(['имя', '年齢', '🦀']);
  });

  test('NULL and the text \\N stay apart', () => {
    expect(named('app.texts')?.text).toContain('\n3\t\\\\N\t\\\\N\t');
    expect(named('app.texts')?.text).toContain('\n1\t\\N\t\\N\t');
  });

  test('no stream has a line that psql would take for a command of its own', async () => {
    expect(streams.some(({ text }) => /^\\restrict [A-Za-z0-9]{20,}$/m.test(text))).toBe(false);
    // psql ends with an error at any command but \unrestrict after \restrict.
    const copy = await postgres.createDatabase('copy');
    await load(
      copy,
      Buffer.concat([Buffer.from('\\restrict k\n'), scriptOf(streams), Buffer.from('\\unrestrict k\n')]),
    );
  });

  test('the facts name what a restore needs', async () => {
    const info = await postgresSource({ url: awkward }).probe(SIGNAL);
    const facts = info.facts as unknown as PgFacts;
    expect(info).toMatchObject({ kind: 'postgres', warnings: [] });
    expect(info.estimatedBytes).toBeGreaterThan(1_000_000);
    expect(info.serverVersion).toContain(info.toolVersion);
    expect(facts).toMatchObject({
      encoding: 'UTF8',
      dumpEncoding: 'UTF8',
      locale: { collate: 'C.UTF-8', ctype: 'C.UTF-8', provider: 'libc' },
      owner: 'holdfast',
      comment: "awkward; it's\nall here",
      tablespaces: [],
      rolePasswords: true,
      standby: false,
      role: { name: 'holdfast', superuser: true },
    });
    expect(facts.extensions).toContainEqual({ name: 'hstore', version: '1.8', schema: 'ext' });
    expect(facts.roles).toEqual(
      expect.arrayContaining(['awkward "Reader"', 'awkward_owner', 'holdfast', 'ünwieldy']),
    );
    expect(facts.settings).toEqual([
      { role: null, values: ['work_mem=5MB'] },
      { role: 'awkward_owner', values: ['statement_timeout=1h'] },
    ]);
    expect(facts.grants).toContainEqual({
      grantee: 'awkward "Reader"',
      privilege: 'CONNECT',
      grantable: false,
    });
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });

  test('the globals name roles with their passwords and nothing of the database', () => {
    const globals = named('globals')?.text ?? '';
    expect(globals).toContain('CREATE ROLE awkward_owner;');
    expect(globals).toMatch(/ALTER ROLE holdfast .* PASSWORD 'SCRAM-SHA-256\$/);
    expect(globals).not.toContain('DATABASE');
  });
});

describe('a dump cut off anywhere is refused', () => {
  let whole: Record<'pre-data' | 'data' | 'post-data', Buffer>;
  beforeAll(async () => {
    const section = (name: string): Promise<Buffer> => pgDump(awkward, `--section=${name}`);
    whole = {
      'pre-data': await section('pre-data'),
      data: await section('data'),
      'post-data': await section('post-data'),
    };
  });

  const sections = fc.constantFrom('pre-data' as const, 'data' as const, 'post-data' as const);
  prop.prop([sections, fc.nat(), fc.boolean()], { numRuns: 60 })(
    'in any section',
    async (section, place, nearEnd) => {
      const bytes = whole[section];
      // Behind the last command is one empty line, which says nothing.
      const at = nearEnd ? bytes.length - 2 - (place % 200) : place % (bytes.length - 1);
      const cut = async function* (): AsyncGenerator<Buffer> {
        yield await Promise.resolve(bytes.subarray(0, at));
      };
      const outcome = await (
        section === 'data' ? drainParts(cut()) : Array.fromAsync(cleanScript(cut(), section))
      ).catch((error: unknown) => error);
      expect(isHoldfastError(outcome)).toBe(true);
    },
  );

  async function drainParts(bytes: AsyncIterable<Buffer>): Promise<void> {
    for await (const part of splitData(bytes)) await Array.fromAsync(part.bytes);
  }
});

describe('several lanes', () => {
  let url: string;
  beforeAll(async () => {
    url = await postgres.createDatabase('lanes');
    const odd = ['"A b"', '"c""d.e*?"', '"größe"', '"$1|x"'];
    const sequence = `CREATE SEQUENCE s; SELECT setval('s', 7); SELECT lo_from_bytea(5, 'x');
      CREATE SEQUENCE owned OWNED BY "A b".id; ALTER TABLE "größe" ALTER id SET NOT NULL, ALTER id ADD GENERATED ALWAYS AS IDENTITY;`;
    await load(
      url,
      `CREATE SCHEMA "odd.""one"; SET search_path = "odd.""one"; ${fill(5, ...odd)} ${fill(1, 'little')} ${sequence}`,
    );
  });

  test.each([1, 2, 3, 9])('%i jobs give the same tables', async (jobs) => {
    const source = postgresSource({ url, jobs });
    await using dump = await source.dump(SIGNAL);
    expect(dump.lanes).toHaveLength(2 + Math.min(jobs, 5));
    const found = await readDump(source);
    expect(new Set(found.map(({ name }) => name)).size).toBe(found.length);
    const rows = (each: readonly WholeStream[]): Record<string, string> =>
      Object.fromEntries(
        each.filter(({ table }) => table !== undefined).map(({ name, text }) => [name, text]),
      );
    expect(rows(found)).toEqual(rows(await readDump(postgresSource({ url, jobs: 1 }))));
    const sql = (each: readonly WholeStream[]): string[] =>
      each.filter(({ dialect }) => dialect === 'sql').map(({ name }) => name);
    expect(sql(found)).toEqual([
      'globals',
      'pre-data',
      'data-settings',
      'sequences',
      'large-objects',
      'post-data',
    ]);
    const copy = await postgres.createDatabase('copy');
    await load(copy, scriptOf(found));
    expect((await pgDump(copy)).equals(await pgDump(url))).toBe(true);
  });

  test('stay consistent with each other while writers run', async () => {
    // Each transaction moves an amount from one table to the other; they are in different lanes.
    await load(url, 'CREATE TABLE a AS SELECT 1000 AS n; CREATE TABLE b AS SELECT 0 AS n;');
    await load(
      url,
      `${fill(6, 'pad_a', 'pad_b')} INSERT INTO pad_a VALUES (-1, '1000'); INSERT INTO pad_b VALUES (-1, '0');`,
    );
    const done = new AbortController();
    const connection = pgConnection(url);
    const writers = [1, 2].map(async (by) => {
      const client = await connection.client();
      let moved = 0;
      for (; !done.signal.aborted; moved += 1) {
        await client.query(`BEGIN; UPDATE a SET n = n - ${by}; UPDATE b SET n = n + ${by};
          UPDATE pad_a SET filler = filler::int - ${by} WHERE id = -1; UPDATE pad_b SET filler = filler::int + ${by} WHERE id = -1; COMMIT`);
      }
      await client.end();
      return moved;
    });
    const sums: number[] = [];
    const places = new Set<number>();
    for (let run = 0; run < 4; run += 1) {
      const found = await readDump(postgresSource({ url, jobs: 3 }));
      const number = (table: string, pattern: RegExp): number =>
        Number(pattern.exec(found.find(({ name }) => name === table)?.text ?? '')?.[1]);
      sums.push(number('public.a', /\n(-?\d+)\n/) + number('public.b', /\n(-?\d+)\n/));
      const padA = number('public.pad_a', /\n-1\t(-?\d+)\n/);
      sums.push(padA + number('public.pad_b', /\n-1\t(-?\d+)\n/));
      expect(padA).toBe(number('public.a', /\n(-?\d+)\n/));
      places.add(padA);
    }
    done.abort();
    const moved = await Promise.all(writers);
    expect(sums).toEqual(Array.from({ length: 8 }, () => 1000));
    expect(places.size).toBeGreaterThan(1);
    expect(Math.min(...moved)).toBeGreaterThan(10);
  });
});

describe('other databases', () => {
  test('an empty one', async () => {
    const found = await readDump(postgresSource({ url: await postgres.createDatabase('empty') }));
    expect(found.map(({ name }) => name)).toEqual(['globals', 'pre-data', 'data-settings', 'post-data']);
  });

  test.each([
    ['LATIN1', 'UTF8', "INSERT INTO t VALUES ('Gr' || chr(252) || chr(223) || 'e')"],
    ['SQL_ASCII', 'SQL_ASCII', "INSERT INTO t VALUES (E'\\xff\\xfe\\\\.')"],
    ['EUC_JP', 'UTF8', "INSERT INTO t VALUES (E'\\xa4\\xa2')"],
  ])('one in %s is dumped as %s and comes back', async (encoding, dumpEncoding, insert) => {
    const create = async (name: string): Promise<string> => {
      const unique = `${name}_${encoding.toLowerCase()}_${process.pid}`;
      await postgres.psql(
        postgres.url(),
        `CREATE DATABASE ${unique} ENCODING '${encoding}' LOCALE 'C' TEMPLATE template0`,
      );
      return postgres.url(unique);
    };
    const url = await create('from');
    await load(url, `SET client_encoding = '${encoding}'; CREATE TABLE t (x text); ${insert};`);
    const source = postgresSource({ url });
    const info = await source.probe(SIGNAL);
    expect(info.facts).toMatchObject({ encoding, dumpEncoding });
    expect(info.warnings).toHaveLength(encoding === 'SQL_ASCII' ? 1 : 0);
    const found = await readDump(source);
    const copy = await create('to');
    await load(copy, scriptOf(found));
    expect((await pgDump(copy)).equals(await pgDump(url))).toBe(true);
    await postgres.dropDatabase(url);
    await postgres.dropDatabase(copy);
  });
});
