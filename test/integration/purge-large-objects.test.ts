/**
 * Goal: large objects of PostgreSQL go with the rows that have their numbers, also those of many segments, with comment
 * and rights; columns that the database computes follow; and all of it is as if it had been erased by SQL.
 */
import { expect, test } from 'vitest';
import { readPrivateKey } from '../../src/openpgp/keys.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { erasureSql } from '../../src/subjects/sql.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { usePostgres } from '../services/use.ts';
import { makeWorld, SIGNAL } from '../services/world.ts';
import { load } from './pg-source-kit.ts';
import { apply, customer, dumpOf, plan } from './purge-kit.ts';
import { announceIn, configure } from './suppression-kit.ts';

const MAP = `
version: 1
subject: customer
root: { table: public.customers, key: id, lookup: { name: lower } }
tables:
  public.customers: { large_objects: [photo], erase: delete }
  public.scans: { link: { owner: public.customers.id }, large_objects: [object], erase: { set: { owner: null, object: null, words: null } } }
  public.posts: { link: { author: public.customers.id }, erase: { set: { author: null, body: '' } } }
`;

/**
 * Customer 7 has a photo of many segments, and a scan whose number is in a column of numbers; others have some before,
 * between and behind. Words are kept by a trigger in one table, and computed in another.
 */
const SHOP = `
  CREATE ROLE "lo owner"; CREATE EXTENSION IF NOT EXISTS lo;
  CREATE TABLE customers(id int PRIMARY KEY, photo oid, name text);
  CREATE TABLE scans(id int PRIMARY KEY, owner int REFERENCES customers, object bigint, text text, words tsvector);
  CREATE TABLE posts(id int PRIMARY KEY, author int REFERENCES customers, body text NOT NULL,
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED, length int GENERATED ALWAYS AS (length(body)) STORED);
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- SELECT pg_catalog.lo_create('1');
  NEW.words := to_tsvector('simple', coalesce(NEW.text, ''));
  RETURN NEW;
END $$;
  CREATE TRIGGER words BEFORE INSERT ON scans FOR EACH ROW EXECUTE FUNCTION note();
  INSERT INTO customers SELECT n, lo_from_bytea(0, convert_to(string_agg(format('canary%sx%s', n, md5(n::text || m)), ''), 'UTF8'))
    FROM generate_series(1, 20) n, generate_series(1, CASE WHEN n IN (6, 7, 13) THEN 30000 ELSE 3 END) m GROUP BY n ORDER BY n;
  UPDATE customers SET name = format('Canary%sx', id);
  INSERT INTO scans SELECT n, 1 + n % 20, lo_from_bytea(0, convert_to('canary' || 1 + n % 20 || 'x scan', 'UTF8')), 'canary' || 1 + n % 20 || 'x'
    FROM generate_series(1, 60) n;
  INSERT INTO scans VALUES (61, 7, 4000000000, 'no such object'), (62, 7, NULL, NULL);
  INSERT INTO posts SELECT n, 1 + n % 20, 'canary' || 1 + n % 20 || 'x writes' FROM generate_series(1, 40) n;
  UPDATE scans SET text = 'scan';
  DO $$ DECLARE c record; BEGIN FOR c IN SELECT id, photo FROM customers LOOP
    EXECUTE format('COMMENT ON LARGE OBJECT %s IS %L', c.photo, format(E'photo of canary%sx;\\nin colour', c.id));
    EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO "lo owner"', c.photo);
    EXECUTE format('ALTER LARGE OBJECT %s OWNER TO "lo owner"', c.photo); END LOOP; END $$;`;

/** Everything that a database says of customers and objects, a line for each. */
const CONTENTS = `
  SELECT 'object', m.oid, pg_get_userbyid(lomowner), lomacl::text, obj_description(m.oid, 'pg_largeobject'), md5(lo_get(m.oid)) FROM pg_largeobject_metadata m ORDER BY m.oid;
  SELECT 'customer', * FROM customers ORDER BY id; SELECT 'scan', * FROM scans ORDER BY id; SELECT 'post', * FROM posts ORDER BY id`;

async function erased(postgres: PostgresAccess, script: string, url: string, id: number): Promise<string> {
  const schema = await postgresSource({ url }).schema(SIGNAL);
  const { map } = parseSubjectMap(MAP, 'map.yaml');
  const { sql } = erasureSql({ map, schema, engine: 'postgres', subjects: [customer(id)], end: 'commit' });
  const database = await postgres.createDatabase('should');
  await load(database, script);
  await postgres.psql(database, sql);
  return postgres.psql(database, CONTENTS);
}

/** Text of a dump in which bytes are no longer written as hexadecimal digits. */
function readable(script: string): string {
  return script.replace(/(?:[0-9a-f]{2}){8,}/g, (hex) => Buffer.from(hex, 'hex').toString('latin1'));
}

test('as if they had been erased by SQL, day by day', { timeout: 240_000 }, async () => {
  const postgres = await usePostgres();
  const world = await makeWorld();
  const url = await postgres.createDatabase('objects');
  await load(url, SHOP);
  const source = postgresSource({ url });
  const snapshots: string[] = [];
  const before: string[] = [];
  for (const change of [
    '',
    "SELECT lo_from_bytea(0, 'later'); UPDATE customers SET photo = NULL WHERE id = 3",
  ]) {
    if (change !== '') await load(url, change);
    snapshots.push((await world.backup({}, { source })).entry.snapshot);
    before.push(await dumpOf(world, snapshots.at(-1) ?? ''));
  }
  expect(readable(before[0] ?? '')).toMatch(/canary7x/);

  const { plan: planned, report } = await plan(world, [customer(7)], { map: MAP, scan: true });
  expect(report.problems).toEqual([]);
  // What is in the objects, and in comments on them, goes as well.
  expect(report.plan.scan).toMatchObject({ columns: ['name'], mentions: [] });
  const done = await apply(world, planned);
  expect(done).toMatchObject({ complete: true, rewritten: 2 });
  for (const [index, id] of snapshots.entries()) {
    const dump = await dumpOf(world, id);
    expect(readable(dump)).not.toMatch(/canary7x/);
    expect(readable(dump)).toMatch(/canary6x.*canary13x/s);
    const is = await postgres.createDatabase('is');
    await load(is, dump);
    const contents = await postgres.psql(is, CONTENTS);
    expect(contents).toBe(await erased(postgres, before[index] ?? '', url, 7));
    expect(contents.match(/^object/gm)).toHaveLength(index === 0 ? 76 : 77);
  }

  // The next purge finds nothing of the first, and another person; the chain goes on.
  const { plan: second } = await plan(world, [customer(13)], { map: MAP });
  expect(await apply(world, second)).toMatchObject({ complete: true, rewritten: 2 });
  expect(readable(await dumpOf(world, snapshots[1] ?? ''))).not.toMatch(/canary(7|13)x/);
  const next = (await world.backup({}, { source })).entry;
  expect(next.chain).toBe(1);
  expect(readable(await dumpOf(world, next.snapshot))).toMatch(/canary7x/);
});

test('a restore leaves them out of what a purge has not reached', { timeout: 240_000 }, async () => {
  const postgres = await usePostgres();
  const url = await postgres.createDatabase('objects');
  await load(url, SHOP.replace('CREATE ROLE "lo owner";', ''));
  const host = await makeHost({
    place: await folderPlace(),
    source: ['--source', 'postgres', '--url-env', 'SHOP_URL'],
    env: { SHOP_URL: url },
  });
  await configure(host.folder, '');
  await backUp(host);
  const ops = await readPrivateKey(host.opsKey, () => Promise.resolve(undefined));
  const reader = await host.reader();
  const { stdout: before } = await reader.good(['cat', 'shop']);
  await announceIn({ host, ops }, 'p1', {
    map: MAP,
    source: postgresSource({ url }),
    subjects: [customer(7)],
  });
  const wanted = await erased(postgres, before, url, 7);
  const { stdout: after } = await reader.good(['cat', 'shop']);
  expect(readable(after)).not.toMatch(/canary7x/);
  const loaded = await postgres.createDatabase('loaded');
  await load(loaded, after);
  expect(await postgres.psql(loaded, CONTENTS)).toBe(wanted);
  const target = postgres.url(`restored_${Date.now()}`);
  await reader.good(['restore', 'shop', '--to', target]);
  expect(await postgres.psql(target, CONTENTS)).toBe(wanted);
  await postgres.dropDatabase(target);
});
