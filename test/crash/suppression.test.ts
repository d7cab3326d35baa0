/**
 * Goal: a purge that dies while it puts its suppression, and a rotation that dies while it seals suppression anew, leave
 * nobody who could come back: a reader leaves them out, or stops; and the next run finishes it.
 */
import { expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import { purgesOf } from '../../src/repository/purges.ts';
import { listSuppression } from '../../src/suppression/objects.ts';
import { readSuppressions } from '../../src/suppression/read.ts';
import { apply, customer, dumpOf, makeShop, plan } from '../integration/purge-kit.ts';
import { newOps, openableWith, rotate, sessionFor } from '../integration/rotate-kit.ts';
import { announceInWorld, readWithout, suppressIn } from '../integration/suppression-kit.ts';
import { SET, SIGNAL } from '../services/world.ts';
import { dying } from './dying.ts';

const WHEN = ['before', 'after'] as const;

test('a purge, killed at each of its writes until it is announced', { timeout: 300_000 }, async () => {
  const shop = await makeShop();
  const id = await shop.day();
  let person = 0;
  let isAnnounced = false;
  // What comes after that is in `purge.test.ts`.
  for (let n = 1; !isAnnounced; n++) {
    for (const when of WHEN) {
      person += 1;
      const gone = `Person${person}@`;
      const before = await readWithout(shop, id);
      expect(before).toContain(gone);
      const { plan: planned } = await plan(shop, [customer(person)]);
      const { store } = dying(shop.store, n, when);
      const session = { ...shop.session, store };
      const putSuppression = suppressIn(shop, session, planned);
      await expect(apply(shop, planned, { session, putSuppression })).rejects.toThrow();
      const between = await readWithout(shop, id).catch((error: unknown) => {
        expect(isHoldfastError(error) && error.code).toBe('SUPPRESSION_UNKNOWN');
        return undefined;
      });
      const events = (await readLedger(shop.session, SET, SIGNAL)).lines.map(({ event }) => event);
      isAnnounced = events.some((event) => event.type === 'purge-intent' && event['id'] === planned.id);
      if (isAnnounced) expect(between, `${n} ${when}`).not.toContain(gone);
      else if (between !== undefined) expect(between).toBe(before);
      const done = await apply(shop, planned, { putSuppression: suppressIn(shop, shop.session, planned) });
      expect(done, `${n} ${when}`).toMatchObject({ complete: true, left: [] });
      const after = await readWithout(shop, id);
      expect(after).not.toContain(gone);
      expect(after).toContain(`Person${person + 1}@`);
      expect(await dumpOf(shop, id)).toBe(after);
    }
  }
  expect(person).toBeGreaterThan(6);
});

test(
  'a rotation that seals suppression anew, killed at each of its writes',
  { timeout: 300_000 },
  async () => {
    let total = Infinity;
    for (let n = 1; n <= total; n++) {
      for (const when of WHEN) {
        const shop = await makeShop();
        const id = await shop.day();
        await announceInWorld(shop, 'p1', [customer(7)], shop.database);
        await announceInWorld(shop, 'p2', [customer(8)], shop.database);
        const { store, writes } = dying(shop.store, n, when);
        const calm = await sessionFor(shop.store, [newOps], [shop.ops]);
        const died = await rotate(shop, { session: { ...calm, store } }).then(
          () => false,
          () => true,
        );
        total = died ? Infinity : writes();
        const opener = new KeyOpener([shop.ops, newOps]);
        const between = await readWithout(shop, id, { opener, recipients: [newOps], former: [shop.ops] });
        expect(between, `${n} ${when}`).not.toMatch(/Person[78]@/);
        expect(await rotate(shop, { session: calm })).toMatchObject({ complete: true, left: [] });
        const session = await sessionFor(shop.store, [newOps], [shop.ops]);
        const purges = purgesOf(await readLedger(session, SET, SIGNAL), session.operators);
        const options = { opener: new KeyOpener([newOps]), now: new Date() };
        expect(await readSuppressions(session, SET, purges, options, SIGNAL)).toHaveLength(2);
        expect(await openableWith(shop.store, shop.ops)).toEqual([]);
        const sealed = (await listSuppression(shop.store, SET, SIGNAL)).filter(
          ({ kind }) => kind === 'sealed',
        );
        expect(sealed, `${n} ${when}`).toHaveLength(2);
      }
    }
    expect(total).toBeGreaterThan(5);
  },
);
