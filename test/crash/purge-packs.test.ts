/**
 * Goal: `--rewrite-packs` that dies before or after any of its writes leaves every snapshot readable, whole or without the
 * person; the next run finishes it, and then no pack with erased rows is there.
 */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { readLedger } from '../../src/repository/ledger.ts';
import { packKey } from '../../src/repository/layout.ts';
import { purgesOf } from '../../src/repository/purges.ts';
import { apply, customer, dumpOf, makeShop, plan, without } from '../integration/purge-kit.ts';
import type { Shop } from '../integration/purge-kit.ts';
import { SET, SIGNAL } from '../services/world.ts';
import { dying } from './dying.ts';

/** Up to here it is what it is without `--rewrite-packs`; see purge.test.ts. */
const FIRST = 8;
const REWRITE = { rewritePacks: true, removeDeadRuns: true };

test('killed at each of its writes', { timeout: 400_000 }, async () => {
  for (let n = FIRST; n < 60; n++) {
    const when = n % 2 === 0 ? 'before' : 'after';
    const shop = await makeShop();
    // Segments that nobody is in, so that there is something to move.
    const rows = Array.from({ length: 300 }, () => `('${randomBytes(600).toString('hex')}')`);
    shop.sql(`INSERT INTO countries VALUES ${rows.join(', ')}`);
    const ids = [await shop.day()];
    shop.sql("INSERT INTO orders(customer, what) VALUES (7, 'late')");
    ids.push(await shop.day());
    const before = await dumps(shop, ids);
    const { plan: planned } = await plan(shop, [customer(7)]);
    const { store, writes } = dying(shop.store, n, when);
    const run = apply(shop, planned, { ...REWRITE, session: { ...shop.session, store } });
    const outcome = await run.then(
      ({ complete }) => ({ complete }),
      () => 'killed',
    );
    for (const [index, dump] of (await dumps(shop, ids)).entries())
      expect([before[index], without(before[index] ?? '', 7)], `${n} ${when}`).toContain(dump);
    expect(await apply(shop, planned, REWRITE), `${n} ${when}`).toMatchObject({ complete: true, left: [] });
    expect(await dumps(shop, ids)).toEqual(before.map((dump) => without(dump, 7)));
    expect(await oldPacks(shop)).toEqual([]);
    if (writes() < n) {
      expect(outcome).toEqual({ complete: true });
      // Lease, and twice packs, two revisions, a line; then removals, the end, the lease.
      expect(n).toBeGreaterThan(15);
      return;
    }
  }
  throw new Error('it never came to an end');
});

async function dumps(shop: Shop, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const id of ids) found.push(await dumpOf(shop, id));
  return found;
}

/** Packs that hold erased segments, and lie in the store. */
async function oldPacks(shop: Shop): Promise<string[]> {
  const ledger = await readLedger(shop.session, SET, SIGNAL);
  const places = purgesOf(ledger, shop.session.operators).flatMap(({ retired }) => retired);
  const keys = new Set(places.map(([writer, chain, ref]) => packKey({ set: SET, writer, chain }, ref)));
  const listed = (await Array.fromAsync(shop.store.list('keep-', SIGNAL))).map(({ key }) => key);
  return listed.filter((key) => keys.has(key));
}
