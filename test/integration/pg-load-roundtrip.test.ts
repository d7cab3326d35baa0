/** What comes out of PostgreSQL goes into PostgreSQL again, and is the same. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { postgresLoader } from '../../src/sources/postgres/loader.ts';
import type { DumpReader, StoredStream } from '../../src/sources/source.ts';
import { usePostgres } from '../services/use.ts';
import { LOAD_DEFAULTS } from './memory-dump.ts';
import { databaseWith, dumpOf, dumpText, exists, freshTarget, load, NEVER } from './pg-load-kit.ts';

const AWKWARD = await readFile(join(import.meta.dirname, '../services/awkward.sql'), 'utf8');

/** Keys, indexes, comments, partitions and foreign keys in every direction, so that there is much to run side by side. */
const WEB = `
  CREATE TABLE part (id int, kind text NOT NULL, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
  CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
  CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b') PARTITION BY RANGE (id);
  CREATE TABLE part_b1 PARTITION OF part_b FOR VALUES FROM (0) TO (5000);
  CREATE TABLE part_b2 PARTITION OF part_b DEFAULT;
  CREATE INDEX ON part (id);
  INSERT INTO part SELECT g, CASE WHEN g % 3 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 9999) g;
  DO $$ BEGIN
    FOR i IN 1..12 LOOP
      EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, up int, part int, kind text, note text UNIQUE)', i);
      EXECUTE format('INSERT INTO t%s SELECT g, 1 + g %% 300, g, CASE WHEN g %% 3 = 0 THEN ''a'' ELSE ''b'' END,
        ''note '' || md5(g::text) FROM generate_series(1, %s) g', i, 300 * i);
      EXECUTE format('CREATE INDEX ON t%s (up); CREATE INDEX named_%1$s ON t%1$s (note, id)', i);
      EXECUTE format('COMMENT ON INDEX named_%s IS %L; COMMENT ON CONSTRAINT t%1$s_pkey ON t%1$s IS %2$L', i, 'c');
      EXECUTE format('ALTER TABLE t%s CLUSTER ON named_%1$s; ALTER TABLE t%1$s REPLICA IDENTITY FULL', i);
      EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (part, kind) REFERENCES part', i);
    END LOOP;
    FOR i IN 1..12 LOOP
      EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (up) REFERENCES t%s', i, 1 + i % 12);
      EXECUTE format('ALTER TABLE t%s ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES t12', i);
      EXECUTE format('COMMENT ON CONSTRAINT fk ON t%s IS %L', i, 'points to the largest');
    END LOOP;
  END $$;
  CREATE FUNCTION total(int) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT count(*) + $1 FROM public.t12';
  CREATE INDEX looks_elsewhere ON t1 (total(id));
  CREATE MATERIALIZED VIEW sums AS SELECT kind, count(*) FROM part GROUP BY kind;
  CREATE UNIQUE INDEX ON sums (kind);`;

describe('round trip', () => {
  test.for([1, 4])('the awkward database comes back the same, with %i sessions', async (jobs) => {
    const postgres = await usePostgres();
    const original = await databaseWith(postgres, AWKWARD, 'awkward');
    const dump = await dumpOf(original);
    const url = freshTarget(postgres);
    const preflight = await postgresLoader({ url }).preflight(dump, LOAD_DEFAULTS, NEVER);
    expect(preflight).toMatchObject({ exists: false, occupied: false, problems: [], warnings: [] });
    expect(await exists(postgres, url)).toBe(false);
    let bytes = 0;
    const report = await load(url, dump, { jobs, onProgress: (more) => (bytes += more) });
    expect(report.leftOut).toEqual([]);
    expect(report.rows).toEqual(
      Object.fromEntries(
        dump.streams.flatMap(({ table, rows }) => (table === undefined ? [] : [[table.name, rows]])),
      ),
    );
    expect(report.target).not.toContain('holdfast-test');
    expect(bytes).toBeGreaterThan(0);
    expect(await dumpText(url)).toBe(await dumpText(original));
  });

  test.for([1, 2, 8])('keys in every direction come back the same, with %i sessions', async (jobs) => {
    const postgres = await usePostgres();
    const original = await databaseWith(postgres, WEB, 'web');
    const url = freshTarget(postgres);
    const report = await load(url, await dumpOf(original), { jobs });
    expect(report.rows['public.t12']).toBe(3600);
    expect(await dumpText(url)).toBe(await dumpText(original));
    // An index that reads another table was built when that table was there.
    const indexed = `SET enable_seqscan = off; SELECT count(*) FROM t1 WHERE total(id) = 3605;`;
    expect(await postgres.psql(url, indexed)).toBe('1');
  });

  test('an existing database that is empty is filled, and keeps what belongs to it', async () => {
    const postgres = await usePostgres();
    const original = await databaseWith(
      postgres,
      'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);',
    );
    const url = await databaseWith(postgres, `COMMENT ON SCHEMA public IS 'mine';`, 'target');
    const dump = await dumpOf(original);
    const preflight = await postgresLoader({ url }).preflight(dump, LOAD_DEFAULTS, NEVER);
    expect(preflight).toMatchObject({ exists: true, occupied: false });
    const report = await load(url, dump);
    expect(report).toMatchObject({
      rows: { 'public.t': 1 },
      leftOut: [expect.stringContaining('it existed before')],
    });
  });

  test('rows are frozen: nothing is left for a vacuum', async () => {
    const postgres = await usePostgres();
    const original = await databaseWith(postgres, 'CREATE TABLE t AS SELECT generate_series(1, 5000) AS id;');
    const url = freshTarget(postgres);
    await load(url, await dumpOf(original));
    const visible =
      'CREATE EXTENSION pg_visibility; SELECT all_visible > 0, all_frozen > 0 FROM pg_visibility_map_summary($$t$$);';
    expect(await postgres.psql(url, visible)).toBe('t|t');
  });

  test('a database of another encoding and locale comes back as such', async () => {
    const postgres = await usePostgres();
    const name = `latin_${String(process.pid)}`;
    const source = postgres.url(name);
    onTestFinished(() => postgres.dropDatabase(source));
    await postgres.psql(
      postgres.url(),
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';`,
    );
    await postgres.psql(
      source,
      `SET client_encoding = 'UTF8'; CREATE TABLE "größe" (a text); INSERT INTO "größe" VALUES ('é');`,
    );
    const url = freshTarget(postgres);
    await load(url, await dumpOf(source));
    expect(await dumpText(url)).toBe(await dumpText(source));
    const facts = `SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database();`;
    expect(await postgres.psql(url, facts)).toBe('LATIN1|C');
  });

  test('a locale that the target lacks is replaced and said', async () => {
    const postgres = await usePostgres();
    const dump = await dumpOf(await databaseWith(postgres, 'CREATE TABLE t ();'));
    const locale = {
      collate: 'xx_XX.utf8',
      ctype: 'xx_XX.utf8',
      provider: 'libc',
      locale: null,
      version: null,
    };
    const url = freshTarget(postgres);
    const report = await load(url, dump.from({ facts: { ...dump.source.facts, locale } }));
    expect(report.leftOut).toEqual([
      expect.stringContaining('locale xx_XX.utf8: the target does not have it'),
    ]);
  });

  test('two lanes that load one partitioned table through its root lose no row', async () => {
    const postgres = await usePostgres();
    const sql = 'CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p DEFAULT;';
    const dump = await dumpOf(await databaseWith(postgres, `${sql} INSERT INTO p VALUES (1), (2);`));
    const twice = new TwiceDump(dump, 'public.p1');
    const url = freshTarget(postgres);
    const report = await load(url, twice);
    expect(report.rows).toEqual({ 'public.p1': 4 });
  });
});

/** A dump in which a table has two streams. */
class TwiceDump implements DumpReader {
  readonly source;
  readonly streams;
  readonly #inner: DumpReader;

  constructor(inner: DumpReader, name: string) {
    this.#inner = inner;
    this.source = inner.source;
    this.streams = inner.streams.flatMap((each) =>
      each.name === name ? [each, { ...each, name: `${name}#2` }] : [each],
    );
  }

  read(stream: StoredStream, signal: AbortSignal): AsyncIterable<Buffer> {
    return this.#inner.read({ ...stream, name: stream.name.replace('#2', '') }, signal);
  }
}
