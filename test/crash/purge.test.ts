/**
 * Goal: a purge that dies before or after any of its writes leaves every snapshot readable, whole or without the one
 * person; the next run finishes it; and a host that slept through it all brings nobody back unseen.
 */
import { expect, test } from 'vitest';
import { readLedger } from '../../src/repository/ledger.ts';
import { pendingFor, purgesOf } from '../../src/repository/purges.ts';
import { delegating } from '../../src/stores/delegating.ts';
import type { Store } from '../../src/stores/store.ts';
import { apply, customer, dumpOf, makeShop, plan, without } from '../integration/purge-kit.ts';
import type { Shop } from '../integration/purge-kit.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL, entriesOf } from '../services/world.ts';
import { dying } from './dying.ts';

test('killed at each of its writes', { timeout: 600_000 }, async () => {
  const shop = await makeShop();
  const ids = [await shop.day()];
  shop.sql("INSERT INTO orders(customer, what) VALUES (7, 'late')");
  ids.push(await shop.day());
  let person = 0;
  for (let n = 1; n < 40; n++) {
    let total = 0;
    for (const when of ['before', 'after'] as const) {
      person += 1;
      const before = await dumps(shop, ids);
      const { plan: planned } = await plan(shop, [customer(person)]);
      const { store, writes } = dying(shop.store, n, when);
      const run = apply(shop, planned, { session: { ...shop.session, store } });
      const outcome = await run.then(
        () => 'done',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      total = writes();
      const between = await dumps(shop, ids);
      for (const [index, dump] of between.entries()) {
        const old = before[index] ?? '';
        expect([old, without(old, person)], `${n} ${when} ${outcome}`).toContain(dump);
      }
      const done = await apply(shop, planned);
      expect(done, `${n} ${when}`).toMatchObject({ complete: true, left: [] });
      const after = await dumps(shop, ids);
      for (const [index, dump] of after.entries()) expect(dump).toBe(without(before[index] ?? '', person));
      await expectNothingLeft(shop, ids.length);
    }
    if (total < n) return;
  }
  throw new Error('it never came to an end');
});

async function dumps(shop: Shop, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const id of ids) found.push(await dumpOf(shop, id));
  return found;
}

/** One manifest for each snapshot, and no lease. */
async function expectNothingLeft(shop: Shop, snapshots: number): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of shop.store.list('', SIGNAL)) keys.push(key);
  expect(keys.filter((key) => key.endsWith('.pgp'))).toHaveLength(snapshots);
  expect(keys.filter((key) => key.startsWith('leases/'))).toEqual([]);
}

test('a snapshot that is made while a purge begins is part of it', { timeout: 60_000 }, async () => {
  const shop = await makeShop();
  await shop.day();
  const { plan: planned } = await plan(shop, [customer(42)]);
  let late = '';
  const done = await apply(shop, planned, {
    putSuppression: async () => {
      late = await shop.day({ session: await shop.reopen(await tempFolder('other')), writer: 'db2' });
      return undefined;
    },
  });
  expect(done).toMatchObject({ complete: true, rewritten: 2 });
  expect(await dumpOf(shop, late)).not.toContain('Person42@');
});

test(
  'a run that sleeps between its last look and its manifest leaves the purge open again',
  { timeout: 60_000 },
  async () => {
    const shop = await makeShop();
    await shop.day();
    const { plan: planned } = await plan(shop, [customer(42)]);
    const asleep = Promise.withResolvers<undefined>();
    const wake = Promise.withResolvers<undefined>();
    const sleepy: Store = {
      ...delegating(shop.store),
      put: async (key, ...rest) => {
        if (key.endsWith('/manifest.pgp')) {
          asleep.resolve(undefined);
          await wake.promise;
        }
        return shop.store.put(key, ...rest);
      },
    };
    const other = await shop.reopen(await tempFolder('other'));
    const running = shop.day({ session: { ...other, store: sleepy }, writer: 'db2' });
    await asleep.promise;
    expect(await apply(shop, planned)).toMatchObject({ complete: true, rewritten: 1 });
    wake.resolve(undefined);
    const late = await running;

    const ledger = await readLedger(shop.session, SET, SIGNAL);
    const purges = purgesOf(ledger, shop.session.operators);
    const item = (await entriesOf(shop)).find(({ entry }) => entry.snapshot === late);
    const { snapshot, ledger_seen: ledgerSeen } = item?.entry ?? { snapshot: late, ledger_seen: {} };
    expect(pendingFor(purges, { snapshot, revision: 0, ledgerSeen })).toHaveLength(1);
    expect(await apply(shop, planned)).toMatchObject({ complete: true, rewritten: 1 });
    expect(await dumpOf(shop, late)).not.toContain('Person42@');
  },
);
