/**
 * Goal: apply opens what plan has found somebody in, and nothing else; and it looks everywhere again as soon as anything
 * is not as it was, or the plan is somebody else's word.
 */
import { expect, test } from 'vitest';
import { lookThrough } from '../../src/purge/locate/look-through.ts';
import { findingsFor } from '../../src/purge/plan/found.ts';
import type { PurgePlan } from '../../src/purge/plan/request.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { currentOf } from '../../src/repository/catalog.ts';
import type { CatalogEntry } from '../../src/repository/catalog.ts';
import { viewSet } from '../../src/restore/open.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { SET, SIGNAL } from '../services/world.ts';
import { apply, customer, dumpOf, makeShop, plan } from './purge-kit.ts';
import type { Shop } from './purge-kit.ts';

async function entriesOf(shop: Shop): Promise<readonly CatalogEntry[]> {
  return (await viewSet(shop.session, SET, false, SIGNAL)).catalog.entries;
}

async function look(shop: Shop, planned: PurgePlan, searched: PurgePlan['found']) {
  await using pool = SegmentPool.forReading();
  const opener = new KeyOpener([shop.ops]);
  const options = { session: shop.session, opener, pool, ...planned, searched };
  return await lookThrough(await entriesOf(shop), options, SIGNAL);
}

async function largeShop(): Promise<Shop> {
  const shop = await makeShop();
  for (let n = 0; n < 5; n++)
    shop.sql(
      `INSERT INTO orders(customer, what) SELECT 100 + id % 100, hex(randomblob(200)) FROM orders LIMIT 3000`,
    );
  await shop.day();
  return shop;
}

test('what a plan has found is all that apply opens', async () => {
  const shop = await largeShop();
  const first = (await entriesOf(shop))[0]?.entry.snapshot ?? '';
  const { plan: planned, report } = await plan(shop, [customer(42)]);
  const { found } = planned;
  const again = await look(shop, planned, found);
  expect(again.opened.segments).toBe(found?.units.length);
  expect(again.opened.segments).toBeLessThan(report.opened.all / 2);
  expect(again.found).toEqual(found);
  const done = await apply(shop, planned);
  expect(done).toMatchObject({ complete: true, rewritten: 1 });
  expect(await dumpOf(shop, first)).not.toContain('Person42@');
});

test('a plan that names too little is found out by what is asked then', async () => {
  const shop = await largeShop();
  const { plan: planned } = await plan(shop, [customer(42)]);
  const whole = await look(shop, planned, undefined);
  const { asked = '', units = [] } = planned.found ?? {};
  // Others than those who were looked for: nobody has looked for their rows.
  const others = await look(shop, { ...planned, subjects: [customer(7)] }, planned.found);
  expect(others.snapshots.map(({ closure }) => closure.counts)).toEqual(
    (await look(shop, { ...planned, subjects: [customer(7)] }, undefined)).snapshots.map(
      ({ closure }) => closure.counts,
    ),
  );
  expect(others.found.asked).not.toBe(asked);
  // Questions of another version.
  const other = await look(shop, planned, { asked: asked.replace(/./g, '0'), units: [] });
  expect(other.found).toEqual(whole.found);
  expect(units.length).toBeGreaterThan(0);
});

test('whoever goes by a plan has signed it, for just these snapshots', async () => {
  const shop = await makeShop();
  await shop.day();
  const { plan: planned } = await plan(shop, [customer(42)]);
  const [item] = await entriesOf(shop);
  if (item === undefined) throw new Error('there is no snapshot');
  expect(findingsFor(planned, [item], planned.signer)).toEqual(planned.found);
  expect(findingsFor(planned, [item], shop.host.getFingerprint())).toBeUndefined();
  const current = currentOf(item);
  const changes = [{ revision: 1 }, { sha256: current.sha256.replace(/./g, '0') }];
  for (const change of changes)
    expect(
      findingsFor(planned, [{ ...item, current: { ...current, ...change } }], planned.signer),
    ).toBeUndefined();
  expect(findingsFor(planned, [{ ...item, current: undefined }], planned.signer)).toBeUndefined();
  const later = { ...item, entry: { ...item.entry, snapshot: `${item.entry.snapshot.slice(0, -1)}x` } };
  expect(findingsFor(planned, [item, later], planned.signer)).toBeUndefined();
  const old = { ...planned, snapshots: planned.snapshots.map(({ manifest: _, ...one }) => one) };
  expect(findingsFor(old, [item], planned.signer)).toBeUndefined();
});
