/**
 * Goal: a purge keeps the subject index, so that the next one opens little again, and nothing that a manifest which
 * counts can open tells where the person was, also where that snapshot never had them.
 */
import { describe, expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { NO_HINTS, rangesOf } from '../../src/purge/locate/hints.ts';
import type { SegmentHints } from '../../src/purge/locate/access.ts';
import { locate } from '../../src/purge/locate/locate.ts';
import type { Located } from '../../src/purge/locate/located.ts';
import type { SnapshotInput } from '../../src/purge/locate/prepare.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { HalfSipHash } from '../../src/subject-index/half-siphash.ts';
import { valueOf } from '../../src/subject-index/hash-blocks.ts';
import { hashOfKey } from '../../src/subject-index/keys.ts';
import { IndexObject } from '../../src/subject-index/open.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { SET, SIGNAL } from '../services/world.ts';
import { MAP, apply, customer, dumpOf, makeShop, plan } from './purge-kit.ts';
import type { Shop } from './purge-kit.ts';

const subjects = parseSubjectMap(MAP, 'shop.yaml');

async function manifestsOf(shop: Shop): Promise<SnapshotInput[]> {
  const view = await viewSet(shop.session, SET, false, SIGNAL);
  const opener = new KeyOpener([shop.ops]);
  return Promise.all(
    view.catalog.entries.map(async (item) => ({
      item,
      manifest: await openManifest(shop.session, item, opener, SIGNAL),
    })),
  );
}

async function look(shop: Shop, id: number, hints?: SegmentHints): Promise<Located> {
  await using pool = SegmentPool.forReading();
  return await locate({
    ...{ store: shop.store, pool, snapshots: await manifestsOf(shop), map: subjects.map },
    ...{ subjects: [customer(id)], pseudonyms: Buffer.alloc(32, 1), signal: SIGNAL },
    ...(hints && { hints }),
  });
}

function found({ snapshots }: Located): unknown {
  return snapshots.map(({ item, streams }) => [
    item.entry.snapshot,
    [...streams].map(([name, { units }]) => [name, [...units].map(([at, { key }]) => [at, key])]),
  ]);
}

const PEOPLE = Array.from({ length: 300 }, (_, at) => at + 1);

function mailOf(id: number): string {
  return id === 300 ? 'late@example.org' : `person${id}@example.org`;
}

/** What the indexes that manifests name say of a customer, by the name of the object. */
async function told(shop: Shop, id: number): Promise<string[]> {
  const said: string[] = [];
  for (const { manifest } of await manifestsOf(shop)) {
    for (const ref of manifest.indexes ?? []) {
      const read = rangesOf(shop.store, manifest.binding, ref.pack, SIGNAL);
      const object = await IndexObject.open(ref, read, ref.pack);
      const { hashKey, tables } = await object.content();
      const hash = new HalfSipHash(Buffer.from(hashKey, 'hex'));
      for (const { table, columns } of tables) {
        for (const { match, bits, keys } of columns) {
          const [column = ''] = 'json' in match ? [match.json] : match.columns;
          if (table === 'orders' && column === 'id') continue;
          const valueFor = (who: number) =>
            valueOf(hashOfKey(hash, column === 'email' ? mailOf(who) : String(who)), bits);
          const wanted = valueFor(id);
          // A hash is cut short: what somebody else has as well tells nothing.
          if (PEOPLE.some((who) => who !== id && valueFor(who) === wanted)) continue;
          const isThere = keys.some((one) =>
            one.kind === 'runs'
              ? one.runs.some((first, at) => at % 2 === 0 && first <= id && id <= (one.runs[at + 1] ?? 0))
              : one.hashes.some((value) => valueOf(value, bits) === wanted),
          );
          if (isThere) said.push(`${ref.pack}: ${table}.${column}`);
        }
      }
    }
  }
  return said;
}

describe('the subject index of a purged set', () => {
  test('goes on without the person, in all snapshots of the chain', async () => {
    const shop = await makeShop();
    await shop.day({ subjects });
    shop.sql(`
      INSERT INTO customers VALUES (300, 'Late@example.org', '');
      INSERT INTO orders(customer, what) VALUES (42, 'late'), (300, 'later')
    `);
    await shop.day({ subjects });
    // The third day shares the index of the first, though customer 42 is no longer in it.
    shop.sql(`
      DELETE FROM orders WHERE customer = 42; DELETE FROM events WHERE customer = 42;
      DELETE FROM customers WHERE id = 42
    `);
    const third = await shop.day({ subjects });
    const before = await dumpOf(shop, third);
    expect(await told(shop, 42)).not.toEqual([]);

    const { plan: planned } = await plan(shop, [customer(42)]);
    const done = await apply(shop, planned);
    expect(done).toMatchObject({ complete: true, left: [], rewritten: 3 });
    expect(await dumpOf(shop, third)).toBe(before);

    expect(await told(shop, 42)).toEqual([]);
    expect(await told(shop, 43)).not.toEqual([]);
    const [quick, slow] = [await look(shop, 300), await look(shop, 300, NO_HINTS)];
    expect(found(quick)).toEqual(found(slow));
    expect(quick.opened.segments).toBeLessThan(slow.opened.segments);
    expect((await look(shop, 42)).opened.segments).toBe(0);

    // The host forgets the object of before, and the next purge finds an index again.
    await shop.day({ subjects });
    expect(await told(shop, 42)).toEqual([]);
    const next = await plan(shop, [customer(43)]);
    await apply(shop, next.plan);
    expect([...(await told(shop, 42)), ...(await told(shop, 43))]).toEqual([]);
    expect(found(await look(shop, 44))).toEqual(found(await look(shop, 44, NO_HINTS)));
  });
});
