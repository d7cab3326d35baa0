/**
 * Goal: `recover.sh` gives a snapshot that a purge has been through, and stops at one that still has who was erased,
 * naming purge and snapshots; unless it is told to go on.
 */
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appendLedger, operatorName } from '../../src/repository/ledger-writer.ts';
import { locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL } from '../services/world.ts';
import { apply, customer, dumpOf, makeShop, plan } from './purge-kit.ts';
import type { Shop } from './purge-kit.ts';
import { endAgents, keyring, recover, toolFolder } from './recovery-kit.ts';
import type { Place } from './recovery-kit.ts';

/** In the first snapshot there is nobody 300; in the second one there is; the third one no purge has reached. */
interface Erased {
  readonly shop: Shop;
  readonly place: Place;
  readonly clear: string;
  readonly amended: string;
  readonly missed: string;
  readonly purge: string;
}
let erased: Erased;

beforeAll(async () => {
  const shop = await makeShop();
  const place = { store: shop.root, tools: await toolFolder(), gnupg: await keyring([shop.ops.armor()]) };
  const clear = await shop.day();
  shop.sql("INSERT INTO customers VALUES (300, 'Person300@example.org', '')");
  const amended = await shop.day();
  const missed = await snapshotOfAnotherHost(shop);
  const { plan: planned } = await plan(shop, [customer(300)]);
  await apply(shop, planned);
  await cp(missed.root, shop.root, { recursive: true, force: false });
  erased = { shop, place, clear, amended, missed: missed.snapshot, purge: planned.id };
}, 60_000);

afterAll(endAgents);

/** A snapshot of the shop by a host that works on a copy of the store: it knows of no purge. */
async function snapshotOfAnotherHost(
  shop: Shop,
): Promise<{ readonly root: string; readonly snapshot: string }> {
  const before = await copyOf(shop.root);
  const snapshot = await dayElsewhere(shop, 'db2');
  const root = await copyOf(shop.root);
  await putBack(before, shop.root);
  return { root, snapshot };
}

async function dayElsewhere(shop: Shop, writer: string): Promise<string> {
  return shop.day({ writer, session: await shop.reopen(await tempFolder('state')) });
}

async function putBack(before: string, root: string): Promise<void> {
  await rm(root, { recursive: true });
  await cp(before, root, { recursive: true });
}

async function copyOf(root: string): Promise<string> {
  const store = join(await tempFolder('copy'), 'store');
  await cp(root, store, { recursive: true });
  return store;
}

describe('each snapshot by itself', () => {
  test('the list says which one a purge has not reached', async () => {
    const { sql } = await recover([], erased.place);
    const stateOf = (id: string) => new RegExp(`${id}.*until \\d{4}-\\d\\d-\\d\\d(.*)\\n`).exec(sql)?.[1];
    expect(stateOf(erased.clear)).toBe('');
    expect(stateOf(erased.amended)).toBe(', amended');
    expect(stateOf(erased.missed)).toBe(', a purge has not reached it');
  });

  test('what was looked through or written anew is recovered', async () => {
    const { place, shop, clear, amended } = erased;
    for (const id of [clear, amended]) {
      const found = await recover(['--verify-signatures', `${SET}@${id}`], place);
      expect(found).toMatchObject({ code: 0, sql: await dumpOf(shop, id) });
      expect(found.sql).not.toContain('Person300@');
      expect(found.stderr).not.toContain('taken after');
    }
  });

  test('what was not reached is refused, with the purge and what can be had', async () => {
    const { place, missed, purge, clear, amended } = erased;
    const refused = await recover([SET], place);
    expect(refused).toMatchObject({ code: 1, sql: '' });
    expect(refused.stderr).toContain(`error: purge ${purge} has not reached snapshot ${missed}`);
    expect(refused.stderr).toContain(`or one that it has reached: ${clear} ${amended}; or add`);
    const found = await recover(['--ignore-ledger', SET], place);
    expect(found.code).toBe(0);
    expect(found.sql).toContain('Person300@');
  });

  test('what was taken after the purge, by a host that knew, is recovered with a note', async () => {
    const { shop, place, purge } = erased;
    const store = await copyOf(shop.root);
    const later = await dayElsewhere(shop, 'db3');
    const found = await recover([`${SET}@${later}`], place);
    await putBack(store, shop.root);
    expect(found).toMatchObject({ code: 0 });
    expect(found.stderr).toContain(`note: it was taken after purge ${purge}`);
  });
});

test('a purge that was announced and did not get further has reached nothing', async () => {
  const shop = await makeShop();
  const day = await shop.day();
  const { plan: planned } = await plan(shop, [customer(42)]);
  const stop = new Error('it stops here');
  const onStep = (step: string) => {
    if (step.startsWith('writing')) throw stop;
  };
  await expect(apply(shop, planned, { onStep })).rejects.toThrow(stop);
  const place = { ...erased.place, store: shop.root, gnupg: await keyring([shop.ops.armor()]) };
  const refused = await recover([SET], place);
  expect(refused).toMatchObject({ code: 1, sql: '' });
  expect(refused.stderr).toContain(`purge ${planned.id} has not reached snapshot ${day}`);
  expect((await recover(['--ignore-ledger', SET], place)).sql).toContain('Person42@');
});

test('what a purge of the whole set has missed is refused', async () => {
  const shop = await makeShop();
  const day = await shop.day();
  const event = { type: 'purge-intent', id: 'w', subject: 'all', whole: true, plan: '0'.repeat(64) };
  const intent = { ...event, snapshots: [], retired: [] };
  await appendLedger(shop.session, SET, operatorName(shop.ops), shop.ops, intent, SIGNAL);
  const place = { ...erased.place, store: shop.root, gnupg: await keyring([shop.ops.armor()]) };
  const refused = await recover([SET], place);
  expect(refused).toMatchObject({ code: 1, sql: '' });
  expect(refused.stderr).toContain(`purge w has erased the whole set ${SET}`);
  expect((await recover([], place)).sql).toMatch(new RegExp(`${day}.*, erased\\n`));
});

describe('a ledger that does not say all', () => {
  const linesOf = async (store: string) => {
    const files = await readdir(join(store, 'ledger'), { recursive: true });
    return files.filter((file) => file.endsWith('.json')).map((file) => join(store, 'ledger', file));
  };
  const HARMS: readonly (readonly [string, RegExp, (store: string) => Promise<unknown>])[] = [
    [
      'the whole of it is gone',
      /lines of the ledger that .* has seen are gone/,
      (store) => rm(join(store, 'ledger'), { recursive: true }),
    ],
    [
      'all but the first line is gone: the amendment counts for nothing',
      /has not reached snapshot/,
      async (store) => {
        for (const file of await linesOf(store)) if (!basename(file).startsWith('0000000001')) await rm(file);
      },
    ],
    [
      'there is suppression of a purge of which it does not tell',
      /objects of purge deadbeef, of which the ledger does not tell/,
      async (store) => {
        await mkdir(join(store, 'keep-030', SET, 'suppression'));
        await writeFile(join(store, 'keep-030', SET, 'suppression', 'deadbeef.1.pgp'), '');
      },
    ],
  ];

  test.each(HARMS)('%s', async (_, says, harm) => {
    const store = await copyOf(erased.shop.root);
    await harm(store);
    const found = await recover([`${SET}@${erased.amended}`], { ...erased.place, store });
    expect(found.stderr).toMatch(says);
    expect(found.sql).toBe('');
    expect(found.code).not.toBe(0);
  });
});

test('what cannot be read is not taken for a ledger without purges', async () => {
  const { place, missed } = erased;
  // It fails where it is given a line of the ledger.
  const awk = `case "$*" in *ledger/${SET}*) exit 2 ;; esac; exec ${locateOrThrow('awk')} "$@"`;
  const found = await recover([`${SET}@${missed}`], { ...place, tools: await toolFolder({ awk }) });
  expect(found).toMatchObject({ code: 1, sql: '' });
  expect(found.stderr).toContain('cannot read the ledger');
});
