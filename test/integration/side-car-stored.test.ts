/** Goal: a snapshot says how its tables are linked and which map held, and a backup says what the map does not cover. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { readSidecar } from '../../src/restore/sidecar.ts';
import { formatSidecar, parseSidecar } from '../../src/repository/sidecar.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { makeShop, mapText } from '../services/person-shop.ts';
import { tempFolder } from '../services/temp.ts';
import { makeWorld, SET, SIGNAL } from '../services/world.ts';
import type { World } from '../services/world.ts';

let world: World;
let path: string;
const parsed = parseSubjectMap(mapText('sqlite'), 'shop.yaml');
const source = () => sqliteSource({ path, scratch: `${path}.scratch` });

beforeAll(async () => {
  path = join(await tempFolder('side-car'), 'shop.db');
  using db = new DatabaseSync(path);
  db.exec(makeShop('sqlite'));
  world = await makeWorld();
});

async function newestManifest() {
  const view = await viewSet(world.session, SET, false, SIGNAL);
  const item = view.catalog.entries.at(-1);
  if (item === undefined) throw new Error('no snapshot');
  return { item, manifest: await openManifest(world.session, item, new KeyOpener([world.ops]), SIGNAL) };
}

test('it is read back as the source gave it, with the map', async () => {
  await world.backup({}, { source: source(), subjects: parsed });
  const { item, manifest } = await newestManifest();
  await using pool = SegmentPool.forReading();
  const sidecar = await readSidecar(new SnapshotReader(world.store, manifest, pool), manifest, SIGNAL);
  const { text, sha256 } = parsed.map;
  expect(sidecar).toEqual({ schema: await source().schema(SIGNAL), subjects: { text, sha256 } });
  const packs = new Set(item.entry.packs.map(([ref]) => ref));
  for (const { pack } of manifest.sidecar ?? []) expect(packs.has(pack)).toBe(true);
});

test('an unchanged one is the same segment the next day', async () => {
  const before = (await newestManifest()).manifest.sidecar;
  await world.backup({}, { source: source(), subjects: parsed });
  expect((await newestManifest()).manifest.sidecar).toEqual(before);
});

test('a table that the map does not cover is a warning of the backup, and no failure', async () => {
  {
    using db = new DatabaseSync(path);
    db.exec('CREATE TABLE newcomers (id INTEGER PRIMARY KEY, phone TEXT)');
  }
  world.warnings.length = 0;
  await world.backup({}, { source: source(), subjects: parsed });
  expect(world.warnings.join('\n')).toMatch(
    /shop\.yaml:\d+:\d+: tables: nothing is said about the table newcomers/,
  );
});

test('the text has a line for each table, and is one JSON', () => {
  const schema = { tables: [], largeObjects: true as const };
  expect(parseSidecar(formatSidecar({ schema }), 's')).toEqual({ schema });
  expect(() => parseSidecar(Buffer.from('{"format":1,"kind":"sidecar"}'), 's')).toThrow(/schema/);
  expect(() => parseSidecar(Buffer.from('{"format":2}'), 's')).toThrow(
    expect.objectContaining({ code: 'FORMAT_UNKNOWN' }),
  );
  expect(() => parseSidecar(Buffer.from('{"form'), 's')).toThrow(/JSON/);
});
