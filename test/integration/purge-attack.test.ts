/**
 * Goal: who has a full copy of the old store, every private key and today's manifests cannot read what was purged; who
 * has yesterday's manifests can; and the receipt says exactly that.
 */
import { cp, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSegment } from '../../src/openpgp/segment.ts';
import { BlockKeys } from '../../src/subject-index/seal.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { tempFolder } from '../services/temp.ts';
import { nameOf, objectOf, openAll, Person } from './purge-canary-kit.ts';
import type { Opened, Reached } from './purge-canary-kit.ts';
import { apply, customer, makeShop, MAP, plan } from './purge-kit.ts';
import type { Applied, Shop } from './purge-kit.ts';

const VICTIM = new Person(['Person42@example.org']);
const OTHER = new Person(['Person43@example.org']);

/** As many keys as an index object has blocks at most in these shops. */
const BLOCKS = 64;

describe('a shop whose customer 42 was purged from three snapshots in two chains', () => {
  let shop: Shop;
  let today: string;
  /** A full copy of the store, of the day before. */
  let old: string;
  let oldState: string;
  let applied: Applied;
  let withTodays: Opened;
  let withOld: Opened;

  beforeAll(async () => {
    shop = await makeShop();
    const subjects = parseSubjectMap(MAP, 'shop.yaml');
    await shop.day({ subjects });
    shop.sql("INSERT INTO orders(customer, what) VALUES (42, 'late'), (43, 'later')");
    await shop.day({ subjects });
    await shop.day({ subjects, full: true });
    today = fileURLToPath(shop.store.url);
    old = join(await tempFolder('old'), 'store');
    oldState = join(await tempFolder('old-state'), 'state');
    await cp(today, old, { recursive: true });
    await cp(shop.stateFolder, oldState, { recursive: true });

    const { plan: planned } = await plan(shop, [customer(42)]);
    applied = await apply(shop, planned);
    // The host lets go of what was retired when it next runs.
    shop.sql('UPDATE events SET customer = NULL, who = NULL WHERE customer = 42');
    shop.sql('DELETE FROM orders WHERE customer = 42; DELETE FROM customers WHERE id = 42');
    await shop.day({ subjects });

    // What was there, and what has come since: nobody takes anything out of the attacker's copy.
    const both = join(await tempFolder('both'), 'store');
    await cp(today, both, { recursive: true });
    await cp(old, both, { recursive: true, force: false });
    const keys = [shop.ops, shop.host];
    withTodays = await openAll(both, keys, today);
    withOld = await openAll(both, keys, old);
  });

  test("today's manifests open everything but them", () => {
    expect(applied.complete).toBe(true);
    expect(withTodays.failures).toEqual([]);
    expect(VICTIM.findIn(withTodays.pieces)).toEqual([]);
    expect(OTHER.findIn(withTodays.pieces)).not.toEqual([]);
  });

  test('no key that they lead to opens a segment in which the person was', async () => {
    const lost = [...withOld.reached].filter(([name]) => !withTodays.reached.has(name));
    const lostNames = new Set(lost.map(([name]) => name));
    const where = withOld.pieces.filter(({ bytes }) => VICTIM.isIn(bytes)).map(({ what }) => what);
    expect(where.length).toBeGreaterThan(3);
    for (const what of where) expect(lostNames).toContain(what.replace(/^\w+ /, ''));

    const keys = keysOf(withTodays);
    expect(keys.length).toBeGreaterThan(20);
    for (const [, reached] of lost)
      for (const key of keys) expect(await opens(old, reached, key)).toBe(false);
    // The same attempt works with the key of before.
    for (const [, reached] of lost)
      if (reached.kind !== 'index')
        expect(await opens(old, reached, Buffer.from(reached.ref.key, 'hex'))).toBe(true);
  });

  test("yesterday's manifests open them, and the receipt says so", () => {
    expect(VICTIM.findIn(withOld.pieces)).not.toEqual([]);
    const { receipt } = applied.receipt ?? {};
    const said = receipt?.notCovered.join('\n') ?? '';
    expect(said).toMatch(/manifests that somebody has saved .* key of a recipient, the packs .* open/);
    expect(said).toMatch(/state folder: .* who knows a text can confirm/);
    expect(applied.page).toContain(said.split('\n')[1]);
    // The packs are still there, or gone: for each place it is one or the other.
    for (const { packs, packsRemoved, unreadableUntil } of receipt?.places ?? [])
      expect(packsRemoved < packs).toBe(unreadableUntil !== undefined);
  });

  test("the host's state of today has lost what leads to them; a copy of yesterday has not, as the receipt says", async () => {
    const lost = [...withOld.reached.values()].filter(
      (one) => one.kind === 'segment' && !withTodays.reached.has(nameOf(one)),
    );
    const known = (folder: string) => segmentsKnown(folder);
    const [before, now] = [await known(oldState), await known(shop.stateFolder)];
    const places = lost.map(({ ref }) => `${ref.pack} ${ref.offset}`);
    expect(places.filter((place) => before.has(place))).not.toEqual([]);
    expect(places.filter((place) => now.has(place))).toEqual([]);
    expect(now.size).toBeGreaterThan(0);
  });
});

/** Every key that manifests lead to; of an index object also those of its blocks. */
function keysOf({ reached }: Opened): Buffer[] {
  return [...reached.values()].flatMap(({ kind, ref }) => {
    const key = Buffer.from(ref.key, 'hex');
    const blocks =
      kind === 'index'
        ? Array.from({ length: BLOCKS }, (_, number) => Buffer.from(new BlockKeys(key).of(number), 'hex'))
        : [];
    return [key, ...blocks];
  });
}

async function opens(root: string, reached: Reached, key: Buffer): Promise<boolean> {
  const { ref } = reached;
  const sealed = (await readFile(objectOf(root, reached))).subarray(ref.offset, ref.offset + ref.length);
  try {
    await openSegment({ sealed, key, sha256: ref.sha256, plainLength: ref.plain }, nameOf(reached));
    return true;
  } catch {
    return false;
  }
}

/** The places of segments for which a host still has what it needs to tell an equal text. */
async function segmentsKnown(folder: string): Promise<Set<string>> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.sqlite'));
  expect(files).not.toEqual([]);
  const known = new Set<string>();
  for (const file of files) {
    using db = new DatabaseSync(join(folder, file), { readOnly: true });
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE name IN ('segments', 'packs')").all();
    if (tables.length < 2) continue;
    const rows = db.prepare('SELECT ref, "offset" FROM segments JOIN packs USING (pack)').all();
    for (const { ref, offset } of rows) known.add(`${String(ref)} ${String(offset)}`);
  }
  return known;
}
