/**
 * Goal: with `--rewrite-packs` packs with erased rows are gone, every snapshot reads as before without the person, and the
 * host goes on in its chain without uploading what was moved; while a host may still refer to them, they stay.
 */
import { expect, test } from 'vitest';
import { readLedger } from '../../src/repository/ledger.ts';
import { movedPacks } from '../../src/repository/moves.ts';
import { purgesOf } from '../../src/repository/purges.ts';
import { packKey } from '../../src/repository/layout.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import type { Store } from '../../src/stores/store.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { verifySet } from '../../src/verify/verify.ts';
import { SET, SIGNAL, entriesOf } from '../services/world.ts';
import { apply, customer, dumpOf, makeShop, plan } from './purge-kit.ts';
import type { Shop } from './purge-kit.ts';

/** Three days in one chain; the person is in rows of each. */
async function threeDays(shop: Shop): Promise<string[]> {
  const ids = [await shop.day()];
  for (const what of ['second', 'third']) {
    shop.sql(`INSERT INTO orders(customer, what) VALUES (42, '${what} of 42'), (43, '${what} of 43')`);
    ids.push(await shop.day());
  }
  return ids;
}

async function dumpsOf(shop: Shop, ids: readonly string[]): Promise<string[]> {
  const dumps: string[] = [];
  for (const id of ids) dumps.push(await dumpOf(shop, id));
  return dumps;
}

/** Packs that hold erased segments, and lie in the store. */
async function oldPacks(shop: Shop): Promise<string[]> {
  const ledger = await readLedger(shop.session, SET, SIGNAL);
  const places = purgesOf(ledger, shop.session.operators).flatMap(({ retired }) => retired);
  const keys = new Set(places.map(([writer, chain, ref]) => packKey({ set: SET, writer, chain }, ref)));
  expect(keys.size).toBeGreaterThan(0);
  const listed = (await Array.fromAsync(shop.store.list('keep-', SIGNAL))).map(({ key }) => key);
  return listed.filter((key) => keys.has(key));
}

async function expectSound(shop: Shop): Promise<void> {
  await using pool = SegmentPool.forReading();
  const readData = { opener: new KeyOpener([shop.ops]), pool };
  const options = { session: shop.session, set: SET, readData, onProgress: () => undefined };
  expect((await verifySet(options, SIGNAL)).findings).toEqual([]);
}

const ERASE = `
  DELETE FROM orders WHERE customer = 42; UPDATE events SET customer = NULL, who = NULL WHERE customer = 42;
  DELETE FROM customers WHERE id = 42;
`;

/** A purge, and the next day; gives what the host had to upload then. */
async function purgedAndNext(rewritePacks: boolean) {
  const shop = await makeShop();
  const ids = await threeDays(shop);
  const { plan: planned } = await plan(shop, [customer(42)]);
  shop.sql(ERASE);
  const done = await apply(shop, planned, { rewritePacks, removeDeadRuns: true });
  expect(done).toMatchObject({ complete: true, left: [] });
  const next = await shop.day();
  const entry = (await entriesOf(shop)).find((item) => item.entry.snapshot === next)?.entry;
  return { shop, ids, done, entry, dumps: await dumpsOf(shop, [...ids, next]) };
}

test('packs with erased rows go, and nothing is uploaded again', { timeout: 120_000 }, async () => {
  const kept = await purgedAndNext(false);
  const moved = await purgedAndNext(true);
  expect(await oldPacks(kept.shop)).not.toEqual([]);
  expect(await oldPacks(moved.shop)).toEqual([]);
  expect(moved.dumps).toEqual(kept.dumps);
  for (const dump of moved.dumps) expect(dump).not.toMatch(/Person42@|of 42'/);
  await expectSound(moved.shop);

  const place = moved.done.receipt?.receipt.places[0];
  expect(place).toMatchObject({ rewritten: true });
  expect(place?.packsRemoved).toBe(place?.packs);
  expect(place?.unreadableUntil).toBeUndefined();
  expect(moved.entry?.full).toBe(false);
  // What was moved is referred to where it lies now.
  const ledger = await readLedger(moved.shop.session, SET, SIGNAL);
  const [to] = movedPacks(ledger).flatMap(({ sizes }) => [...sizes]);
  expect(moved.entry?.packs).toContainEqual(to);
  const touched = purgesOf(ledger, moved.shop.session.operators)[0]?.retired.length ?? 0;
  const { segments = 0, new_segments: fresh = 0 } = moved.entry?.counts ?? {};
  expect(fresh).toBeLessThanOrEqual(touched + 2);
  expect(fresh).toBeLessThan(segments);
});

test(
  'while a host has not been heard of, the packs stay and the purge is open',
  { timeout: 120_000 },
  async () => {
    const shop = await makeShop();
    const ids = await threeDays(shop);
    const { plan: planned } = await plan(shop, [customer(42)]);
    shop.sql(ERASE);
    const first = await apply(shop, planned, { rewritePacks: true });
    expect(first.complete).toBe(false);
    expect(first.left).toEqual([expect.stringContaining('once host db1 has made a backup')]);
    expect(await oldPacks(shop)).not.toEqual([]);
    const dumps = await dumpsOf(shop, ids);

    ids.push(await shop.day());
    // The ledger remembers what was asked for.
    expect(await apply(shop, planned)).toMatchObject({ complete: true, left: [] });
    expect(await oldPacks(shop)).toEqual([]);
    expect((await dumpsOf(shop, ids)).slice(0, 3)).toEqual(dumps);
    await expectSound(shop);

    // Somebody else, whose rows lie where they were moved to; nothing of either of them comes back with the next day.
    const { plan: second } = await plan(shop, [customer(43)]);
    const done = await apply(shop, second, { rewritePacks: true, removeDeadRuns: true });
    expect(done).toMatchObject({ complete: true, left: [] });
    expect(await oldPacks(shop)).toEqual([]);
    for (const dump of await dumpsOf(shop, ids)) expect(dump).not.toMatch(/Person4[23]@|of 4[23]'/);
    await shop.day();
    await expectSound(shop);
  },
);

/** Does something once, before the operation of this number. */
function meddled(
  store: Store,
  at: number,
  act: () => Promise<unknown>,
): { store: Store; operations: () => number } {
  let operations = 0;
  const meet = async (): Promise<void> => {
    operations += 1;
    if (operations === at) await act();
  };
  const proxy = new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      const call = (args: unknown[]): unknown => Reflect.apply(method, target, args);
      if (name === 'list' || name === 'versions')
        return async function* (...args: unknown[]) {
          await meet();
          yield* call(args) as AsyncIterable<unknown>;
        };
      if (!['put', 'get', 'head', 'now', 'folders'].includes(String(name)))
        return (...args: unknown[]) => call(args);
      return async (...args: unknown[]): Promise<unknown> => {
        await meet();
        return call(args);
      };
    },
  });
  return { store: proxy, operations: () => operations };
}

test('a backup that is overtaken by it at any moment loses nothing', { timeout: 170_000 }, async () => {
  for (let at = 1; at < 100; at += 3) {
    const shop = await makeShop();
    const first = await shop.day();
    const { plan: planned } = await plan(shop, [customer(42)]);
    shop.sql(`${ERASE} INSERT INTO orders(customer, what) VALUES (43, 'day ${at}')`);
    const officer = await shop.reopen(`${shop.root}-officer`);
    const change = { rewritePacks: true, session: officer };
    const { store, operations } = meddled(shop.store, at, () => apply(shop, planned, change));
    const late = await shop.day({ session: { ...shop.session, store } });
    await expectSound(shop);
    expect(await dumpOf(shop, late)).toContain(`day ${at}`);
    if (operations() < at) return;
    // Once the host has shown that it knows, everything can go, and everything that stays can be read.
    const last = await shop.day();
    expect(await apply(shop, planned, change), `at ${at}`).toMatchObject({ complete: true, left: [] });
    expect(await oldPacks(shop)).toEqual([]);
    for (const id of [first, late, last]) expect(await dumpOf(shop, id)).not.toMatch(/Person42@/);
    await expectSound(shop);
  }
  throw new Error('it never came to an end');
});
