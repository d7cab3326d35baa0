/**
 * Goal: after a purge one person's rows are in no snapshot that any key opens, everybody else's are as they were, and
 * backups go on in the same chain without ever naming what was erased again.
 */
import { describe, expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import { purgesOf } from '../../src/repository/purges.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { verifySet } from '../../src/verify/verify.ts';
import { SET, SIGNAL, entriesOf } from '../services/world.ts';
import { apply, customer, dumpOf, makeShop, plan } from './purge-kit.ts';
import type { Shop } from './purge-kit.ts';

/** The dump as it should be: without customer 42, whose events stay without a name. */
function without42(dump: string): string {
  return dump
    .split('\n')
    .filter((line) => !/^INSERT INTO "customers"\S* VALUES\(42,/.test(line))
    .filter((line) => !/^INSERT INTO "orders"\S* VALUES\(\d+,42,/.test(line))
    .map((line) =>
      line.replace(/^(INSERT INTO "events"\S* VALUES\(\d+),42,'Person42@example.org',/, '$1,NULL,NULL,'),
    )
    .join('\n');
}

async function verified(shop: Shop): Promise<void> {
  await using pool = SegmentPool.forReading();
  const report = await verifySet(
    {
      session: shop.session,
      set: SET,
      readData: { opener: new KeyOpener([shop.ops]), pool },
      onProgress: () => undefined,
    },
    SIGNAL,
  );
  expect(report.findings).toEqual([]);
  expect(report.sound).toBe(report.snapshots);
}

describe('a purge', () => {
  test('takes one person out of every snapshot, and nobody else', async () => {
    const shop = await makeShop();
    const ids = [await shop.day()];
    shop.sql("INSERT INTO orders(customer, what) VALUES (42, 'late'), (43, 'later')");
    ids.push(await shop.day());
    ids.push(await shop.day({ full: true }));
    const before = await Promise.all(ids.map((id) => dumpOf(shop, id)));
    expect(before[0]).toContain('Person42@example.org');

    const { plan: planned, report } = await plan(shop, [customer(42)]);
    expect(report.problems).toEqual([]);
    expect(report.plan.snapshots.map(({ tables }) => tables)).toEqual([
      {
        customers: { delete: 1, change: 0, keep: 0 },
        orders: { delete: 20, change: 0, keep: 0 },
        events: { delete: 0, change: 20, keep: 0 },
      },
      {
        customers: { delete: 1, change: 0, keep: 0 },
        orders: { delete: 21, change: 0, keep: 0 },
        events: { delete: 0, change: 20, keep: 0 },
      },
      {
        customers: { delete: 1, change: 0, keep: 0 },
        orders: { delete: 21, change: 0, keep: 0 },
        events: { delete: 0, change: 20, keep: 0 },
      },
    ]);
    const done = await apply(shop, planned);
    expect(done).toMatchObject({ complete: true, left: [], rewritten: 3, manifestsRemoved: 3 });

    for (const [index, id] of ids.entries()) {
      const after = await dumpOf(shop, id);
      expect(after).not.toContain('Person42@');
      expect(after).toBe(without42(before[index] ?? ''));
    }
    await verified(shop);
    const ledger = await readLedger(shop.session, SET, SIGNAL);
    const [record] = purgesOf(ledger, shop.session.operators);
    expect(record).toMatchObject({ receipt: done.receipt?.sha256 });
    expect(done.page).toContain('T-7');
    expect(done.page).not.toContain('Person42');
  });

  test('lets the chain go on: what was erased is never referenced again', async () => {
    const shop = await makeShop();
    await shop.day();
    const { plan: planned } = await plan(shop, [customer(42)]);
    await apply(shop, planned);
    const ledger = await readLedger(shop.session, SET, SIGNAL);
    const [record] = purgesOf(ledger, shop.session.operators);
    const retired = new Set(record?.retired.map(([, , pack, offset]) => `${pack} ${offset}`));
    expect(retired.size).toBeGreaterThan(3);
    // Still in the live database: it comes back as new segments under new keys.
    const next = await shop.day();
    const entry = (await entriesOf(shop)).find((item) => item.entry.snapshot === next)?.entry;
    expect(entry?.full).toBe(false);
    expect(await dumpOf(shop, next)).toContain('Person42@');
    await verified(shop);
  });
});
