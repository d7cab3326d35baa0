/** Goal: a plan says everything before anybody says yes: what is kept and why, what lies where, and who else has the name. */
import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../src/errors.ts';
import type { Subject } from '../../src/subjects/closure.ts';
import { apply, customer, dumpOf, makeShop, MAP, plan } from './purge-kit.ts';

const KEEPING = MAP.replace(
  'orders: { link: { customer: customers.id }, erase: delete }',
  'orders: { link: { customer: customers.id }, keep: { because: tax law | accounts, until: 7y, set: { customer: null, what: null } } }',
);

function byEmail(email: string): Subject {
  return { by: ['email'], known: new Map([['email', email]]) };
}

/** Why a plan was refused for a name that several people have. */
async function ambiguity(planned: Promise<unknown>): Promise<HoldfastError> {
  const error = await planned.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'SUBJECT_AMBIGUOUS', exit: 'policy' });
  if (!(error instanceof HoldfastError)) throw new Error('not refused');
  return error;
}

/** A shop in which rows of orders may stay without a customer. */
async function keepingShop() {
  const shop = await makeShop();
  shop.sql(`
    CREATE TABLE kept(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers(id), what TEXT);
    INSERT INTO kept SELECT * FROM orders; DROP TABLE orders; ALTER TABLE kept RENAME TO orders;
  `);
  return shop;
}

test('what is kept is in plan, receipt and page, with its basis and its last day', async () => {
  const shop = await keepingShop();
  await shop.day();
  await shop.day();
  const { plan: planned } = await plan(shop, [customer(42)], { map: KEEPING });
  const year = new Date(planned.time).getUTCFullYear() + 7;
  const until = expect.stringMatching(new RegExp(`^${year}-`)) as string;
  const kept = [{ because: 'tax law | accounts', until, rows: 20 }];
  expect(planned.snapshots.map(({ tables }) => tables['orders'])).toEqual(
    [1, 2].map(() => ({ delete: 0, change: 20, keep: 0, kept })),
  );
  expect(planned.snapshots[0]?.tables['customers']).not.toHaveProperty('kept');

  const { receipt, page, complete } = await apply(shop, planned);
  expect(complete).toBe(true);
  expect(receipt?.receipt.snapshots.map(({ tables }) => tables?.['orders']?.kept)).toEqual([kept, kept]);
  expect(page).toMatch(
    new RegExp(`\\| orders \\| tax law \\\\\\| accounts \\| ${year}-\\S+ \\| 20 \\| 2 \\|`),
  );
});

test('an estimate says about as many bytes as apply moves, and the places say what lies there', async () => {
  const shop = await makeShop();
  await shop.day();
  await shop.day();
  const { store } = shop.session;
  const places = [
    { name: 'here', store },
    { name: 'there', trouble: 'it cannot be reached' },
  ];
  const { plan: planned, report } = await plan(shop, [customer(42)], { places });
  expect(planned.places).toMatchObject([
    { name: 'here', manifests: { objects: 2, versions: 2, locked: 0 }, packs: { locked: 0 } },
    { name: 'there', trouble: 'it cannot be reached' },
  ]);
  expect(planned.places[0]?.packs?.unreadableUntil).toMatch(/^20/);
  const { estimate } = planned;
  expect(estimate?.rows).toBe(41);
  const done = await apply(shop, planned);
  // Less is written than is replaced, since rows have gone; what the search reads comes on top of what is rewritten.
  expect(done.bytesWritten / (estimate?.written ?? 0)).toBeGreaterThan(0.7);
  expect(done.bytesWritten / (estimate?.written ?? 0)).toBeLessThan(1.3);
  expect(estimate?.read).toBeGreaterThanOrEqual(report.opened.bytes + done.bytesRead);
});

describe('a name that leads to several people', () => {
  /** Customer 7 moves, and customer 8 takes the address that was theirs. */
  async function moved() {
    const shop = await makeShop();
    await shop.day();
    shop.sql("UPDATE customers SET email = 'new7@example.org' WHERE id = 7");
    shop.sql("UPDATE customers SET email = 'PERSON7@example.org' WHERE id = 8");
    await shop.day();
    return shop;
  }

  test('one after the other: is refused with their keys, and nothing else of them', async () => {
    const shop = await moved();
    const refused = await ambiguity(plan(shop, [byEmail('person7@example.org')]));
    expect(refused.message).toContain('customer=7, customer=8');
    expect(refused.message + refused.hint).not.toMatch(/example\.org/);
    expect(refused.hint).toContain('--all-matches');
  });

  test('at one time: too, also when they are written differently', async () => {
    const shop = await makeShop();
    shop.sql("UPDATE customers SET email = ' person7@EXAMPLE.org' WHERE id = 8");
    await shop.day();
    await ambiguity(plan(shop, [byEmail('person7@example.org')]));
  });

  test('goes on when one is named by key, when all of them are, or when all are meant', async () => {
    const shop = await moved();
    const counts = async (...[subjects, choices]: [Subject[], { allMatches?: boolean }?]) => {
      const { report } = await plan(shop, subjects, choices);
      return report.plan.snapshots.map(({ tables }) => tables['customers']?.delete);
    };
    expect(await counts([customer(7)])).toEqual([1, 1]);
    const name = byEmail('person7@example.org');
    expect(await counts([name, customer(7), customer(8)])).toEqual([2, 2]);
    expect(await counts([name], { allMatches: true })).toEqual([2, 2]);
    // One key does not say that the other one is meant.
    await ambiguity(plan(shop, [name, customer(7)]));
    // A name that only one person ever had needs no more.
    expect(await counts([byEmail('new7@example.org')])).toEqual([1, 1]);
  });

  test('keys that may be names themselves are not repeated', async () => {
    const shop = await makeShop();
    shop.sql(
      "CREATE TABLE members(nick TEXT PRIMARY KEY, phone TEXT); INSERT INTO members VALUES ('anna', '5'), ('bert', '5')",
    );
    await shop.day();
    const map = `
version: 1
subject: member
root: { table: members, key: nick, lookup: { phone: digits } }
tables:
  members: { erase: delete }
  customers: { no_personal_data: true }
  orders: { no_personal_data: true }
  events: { no_personal_data: true }
  countries: { no_personal_data: true }
`;
    const phone = { by: ['phone'], known: new Map([['phone', '5']]) };
    const refused = await ambiguity(plan(shop, [phone], { map }));
    expect(refused.message).toContain('2 of them');
    expect(refused.message).not.toMatch(/anna|bert/);
  });
});

test('the receipt says until when tokens can be guessed from', async () => {
  const shop = await makeShop();
  await shop.day();
  const { plan: planned } = await plan(shop, [customer(42)]);
  const ends = '2026-12-30T00:00:00.000Z';
  const hash = '0'.repeat(64);
  const putSuppression = () => Promise.resolve({ content: hash, tokens: hash, ends });
  const { receipt, page } = await apply(shop, planned, { putSuppression });
  const tokens = receipt?.receipt.notCovered.find((text) => text.startsWith('tokens'));
  expect(tokens).toContain(ends);
  expect(page).toContain('can test a guess');
  expect(await dumpOf(shop, planned.snapshots[0]?.snapshot ?? '')).not.toContain('Person42@');
});
