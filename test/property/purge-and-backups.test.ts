/**
 * Goal: whatever a backup and a purge do at the same time, and however old the image is from which a host was restored:
 * no snapshot is lost, nobody comes back, and the key of a segment that a purge retired is never published again.
 */
import { cp } from 'node:fs/promises';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import { knowsOf, purgesOf } from '../../src/repository/purges.ts';
import type { Session } from '../../src/repository/session.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import type { Store } from '../../src/stores/store.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { apply, customer, dumpOf, makeShop, MAP, plan } from '../integration/purge-kit.ts';
import type { Shop } from '../integration/purge-kit.ts';
import { readWithout, suppressIn } from '../integration/suppression-kit.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL } from '../services/world.ts';
import { Turnstile } from './turnstile.ts';

const PATIENCE = 300_000;
const subjects = parseSubjectMap(MAP, 'map.yaml');
const PERSON = /Person42@|"orders"\S* VALUES\(\d+,42,/;

describe('a backup and a purge at the same time', () => {
  type Who = 'backup' | 'purge';
  const times = (who: Who, count: number): readonly Who[] => Array.from({ length: count }, () => who);
  const mixed = fc
    .array(fc.tuple(fc.constantFrom<Who>('backup', 'purge'), fc.integer({ min: 1, max: 30 })), {
      minLength: 1,
      maxLength: 10,
    })
    .map((runs) => runs.flatMap(([who, count]) => times(who, count)));
  /** All of a purge while a backup sleeps between two of its operations: what the fence is for. */
  const sleeping = (count: number) => [...times('backup', count), ...times('purge', 5000)];
  const asleep = fc.integer({ min: 1, max: 24 }).map(sleeping);
  const turns = fc.oneof(mixed, asleep);

  test.prop([turns, fc.boolean(), fc.constantFrom('db1', 'db2'), fc.boolean()], {
    numRuns: 10,
    examples: [[sleeping(5), false, 'db1', false]],
  })(
    'in any order of their operations',
    async (order, isGone, writer, full) => {
      const shop = await crowdedShop();
      const ids = [await shop.day({ subjects })];
      shop.sql("INSERT INTO orders(customer, what) VALUES (42, 'late')");
      ids.push(await shop.day({ subjects }));
      const keys = await keysByPlace(shop);
      const officer = await shop.reopen(await tempFolder('officer'));
      const { plan: planned } = await plan(shop, [customer(42)], { session: officer });
      if (isGone) eraseLive(shop);

      const turnstile = new Turnstile(order);
      const host = writer === 'db1' ? shop.session : await shop.reopen(await tempFolder('other'));
      const at = (who: 'backup' | 'purge', session: Session<Store>) => ({
        ...session,
        store: turnstile.of(who, session.store),
      });
      const session = at('purge', officer);
      const purging = apply(shop, planned, { session, putSuppression: suppressIn(shop, session, planned) })
        .then(
          () => undefined,
          (error: unknown) => error,
        )
        .finally(() => turnstile.leave('purge'));
      const backingUp = shop
        .day({ session: at('backup', host), writer, subjects, full })
        .finally(() => turnstile.leave('backup'));
      ids.push(await backingUp);
      await purging;

      await finish(shop, officer, planned);
      await expectNobodyBack(shop, ids, keys, isGone);
      ids.push(await shop.day({ session: host, writer, subjects }));
      await expectNobodyBack(shop, ids, keys, isGone);
    },
    PATIENCE,
  );
});

describe('a host restored from an old image', () => {
  test.prop([fc.constantFrom(0, 1, 2), fc.boolean(), fc.integer({ min: 0, max: 2 }), fc.boolean()], {
    numRuns: 8,
  })(
    'publishes nothing that is retired, and goes on',
    async (image, isGone, fullAt, again) => {
      const shop = await crowdedShop();
      const ids: string[] = [];
      const images: string[] = [];
      for (let day = 0; day < 3; day++) {
        shop.sql(`INSERT INTO orders(customer, what) VALUES (42, 'day ${day}')`);
        ids.push(await shop.day({ subjects, full: day === fullAt }));
        images.push(await tempFolder('image'));
        await cp(shop.session.stateDir, images.at(-1) ?? '', { recursive: true });
      }
      const keys = await keysByPlace(shop);
      const officer = await shop.reopen(await tempFolder('officer'));
      const { plan: planned } = await plan(shop, [customer(42)], { session: officer });
      if (isGone) eraseLive(shop);
      await finish(shop, officer, planned);
      if (again) ids.push(await shop.day({ subjects }));
      const restored = await shop.reopen(images[image] ?? '');
      for (let day = 0; day < 2; day++) ids.push(await shop.day({ session: restored, subjects }));
      await expectNobodyBack(shop, ids, keys, isGone);
    },
    PATIENCE,
  );
});

/** With rows of nobody, so that packs stay when the segments of a person in them are retired. */
async function crowdedShop(): Promise<Shop> {
  const shop = await makeShop();
  shop.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
    INSERT INTO countries SELECT hex(randomblob(40)) FROM n`);
  return shop;
}

function eraseLive(shop: Shop): void {
  shop.sql(`UPDATE events SET customer = NULL, who = NULL WHERE customer = 42;
    DELETE FROM orders WHERE customer = 42; DELETE FROM customers WHERE id = 42`);
}

/** Goes on until the purge is complete. */
async function finish(
  shop: Shop,
  session: Session<Store>,
  planned: Awaited<ReturnType<typeof plan>>['plan'],
): Promise<void> {
  const ledger = await readLedger(session, SET, SIGNAL);
  const isBegun = purgesOf(ledger, session.operators).some(({ id }) => id === planned.id);
  // A plan that was overtaken before it was announced is made anew.
  const { plan: current } = isBegun ? { plan: planned } : await plan(shop, [customer(42)], { session });
  await removeStray(shop, isBegun ? undefined : planned.id);
  const done = await apply(shop, current, { session, putSuppression: suppressIn(shop, session, current) });
  expect(done).toMatchObject({ complete: true, left: [] });
}

/** What a plan has put that never began: a person who gives it up removes it. */
async function removeStray(shop: Shop, purge: string | undefined): Promise<void> {
  if (purge === undefined) return;
  const keys: string[] = [];
  for await (const { key } of shop.store.list('', SIGNAL))
    if (key.includes(`/suppression/${purge}.`)) keys.push(key);
  if (keys.length > 0) await shop.store.remove(keys, {}, SIGNAL);
}

type Keys = ReadonlyMap<string, string>;

/** The keys of all segments and pages that can be opened with a manifest that counts, by their place. */
async function keysByPlace(shop: Shop): Promise<Map<string, string>> {
  const session = await shop.reopen(await tempFolder('reader'));
  const { catalog } = await viewSet(session, SET, false, SIGNAL);
  const found = new Map<string, string>();
  await using pool = SegmentPool.forReading();
  for (const item of catalog.entries) {
    const manifest = await openManifest(session, item, new KeyOpener([shop.ops]), SIGNAL);
    const { writer, chain } = item.entry;
    const reader = new SnapshotReader(session.store, manifest, pool);
    const add = ({ pack, offset, key }: { pack: string; offset: number; key: string }) =>
      found.set(`${writer} ${chain} ${pack} ${offset}`, key);
    for (const page of manifest.pages) add(page);
    for (const stream of reader.streams) for await (const ref of reader.segments(stream, SIGNAL)) add(ref);
  }
  return found;
}

async function expectNobodyBack(
  shop: Shop,
  ids: readonly string[],
  before: Keys,
  isGone: boolean,
): Promise<void> {
  const session = await shop.reopen(await tempFolder('reader'));
  const { catalog, ledger } = await viewSet(session, SET, false, SIGNAL);
  const purges = purgesOf(ledger, session.operators);
  expect(catalog.entries.map(({ entry }) => entry.snapshot).sort()).toEqual([...ids].sort());
  for (const { entry } of catalog.entries) {
    const given = await readWithout(shop, entry.snapshot);
    expect(given).not.toMatch(PERSON);
    expect(given).toMatch(/Person43@/);
    // Who is in the database again is in what was made since; nobody else has been left behind.
    if (isGone || !purges.every((purge) => knowsOf(entry.ledger_seen, purge)))
      expect(await dumpOf(shop, entry.snapshot)).toBe(given);
  }
  const after = await keysByPlace(shop);
  const retired = purges.flatMap((purge) => purge.retired.map((place) => place.join(' ')));
  expect(retired.length).toBeGreaterThan(0);
  const published = new Set(after.values());
  for (const place of retired) {
    expect(after.has(place), place).toBe(false);
    const key = before.get(place);
    if (key !== undefined) expect(published.has(key), place).toBe(false);
  }
}
