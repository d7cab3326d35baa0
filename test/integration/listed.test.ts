/** Goal: names of files that a database has lost are never taken for names that were never there. */
import { expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { listedNames } from '../../src/purge/listed.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { delegating } from '../../src/stores/delegating.ts';
import type { Subject } from '../../src/subjects/closure.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { SET, SIGNAL } from '../services/world.ts';
import { MAP, apply, customer, makeShop, plan } from './purge-kit.ts';
import type { Shop } from './purge-kit.ts';
import { suppressIn } from './suppression-kit.ts';

const LISTED = [{ set: SET, table: 'orders', column: 'what', strip: '', prefix: '' }];

async function namesOf(shop: Shop, ...subjects: readonly Subject[]) {
  await using pool = SegmentPool.forReading();
  const opener = new KeyOpener([shop.ops]);
  const { map } = parseSubjectMap(MAP, 'map');
  const reading = { session: shop.session, opener, pool };
  return await listedNames({ ...reading, set: SET, map, subjects, listed: LISTED }, SIGNAL);
}

test('a purge of which nobody can say any more whom it erased may have erased whoever is not there', async () => {
  let laterMs = 0;
  const shop = await makeShop((store) => ({
    ...delegating(store),
    now: async (signal) => new Date((await store.now(signal)).getTime() + laterMs),
  }));
  await shop.day();
  const { plan: planned } = await plan(shop, [customer(42)]);
  await apply(shop, planned, { putSuppression: suppressIn(shop, shop.session, planned) });

  const known = await namesOf(shop, customer(42));
  expect(known).toMatchObject({ erasedBy: [planned.id], strangers: 1, forgotten: [] });
  expect((await namesOf(shop, customer(43))).paths).toHaveLength(20);

  laterMs = 60 * 86_400_000;
  const objects = (await Array.fromAsync(shop.store.list('keep-'))).map(({ key }) => key);
  for (const key of objects.filter((one) => one.includes('/suppression/')))
    await shop.store.remove([key], { allVersions: true }, SIGNAL);
  const later = await namesOf(shop, customer(42));
  expect(later).toMatchObject({ erasedBy: [], strangers: 1, forgotten: [planned.id] });
});

test('a key that no row of the database could have was meant by another kind of key', async () => {
  const shop = await makeShop();
  await shop.day();
  const named: Subject = { by: ['id'], known: new Map([['id', 'seven']]) };
  await expect(namesOf(shop, named)).rejects.toMatchObject({ code: 'LISTED_KEY', exit: 'usage' });
  expect(await namesOf(shop, customer(4711))).toMatchObject({ strangers: 1, forgotten: [], paths: [] });
  const filled: Subject = { by: ['id'], known: new Map([['id', ' 0042']]) };
  expect(await namesOf(shop, filled)).toMatchObject({ strangers: 0, paths: expect.any(Array) as unknown });
  expect((await namesOf(shop, filled)).paths).toHaveLength(20);
});
