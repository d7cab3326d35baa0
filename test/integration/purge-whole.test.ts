/** Goal: `--whole-set` leaves nothing of a set but its ledger, in any version; hosts go on with a new chain, and nobody cries wolf. */
import { expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { applyWhole } from '../../src/purge/apply/apply-whole.ts';
import { planWhole } from '../../src/purge/plan/plan.ts';
import { openPlan, sealPlan } from '../../src/purge/plan/request.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { verifySet } from '../../src/verify/verify.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL, entriesOf, makeWorld, rowsOf, sqlOf } from '../services/world.ts';
import type { World } from '../services/world.ts';

async function wholePlan({ session, ops }: World) {
  const plan = await planWhole({ session, set: SET, ref: 'T-9' }, SIGNAL);
  const sealed = await sealPlan(plan, [ops.toPublic()], ops);
  return openPlan(sealed, new KeyOpener([ops]), session.operators, 'the plan');
}

async function erase(world: World, plan: Awaited<ReturnType<typeof wholePlan>>) {
  await using pool = SegmentPool.forReading();
  const { session, ops } = world;
  return await applyWhole(
    {
      ...{ session, set: SET, plan, pool, signer: ops, level: 1, purgeSigners: [], copies: [] },
      ...{ opener: new KeyOpener([ops]), recipients: [ops.toPublic()] },
      ...{ bypassGovernance: false, removeDeadRuns: false },
      locksAt: () => ({ ofPack: () => undefined, ofManifest: () => undefined }),
      locate: () => Promise.reject(new Error('nobody is looked for')),
      putSuppression: () => Promise.resolve(undefined),
      levelCopies: () => Promise.resolve([]),
      writeReceipt: () => Promise.resolve(),
      onStep: () => undefined,
      onProgress: () => undefined,
    },
    SIGNAL,
  );
}

async function keysOf({ store }: World): Promise<string[]> {
  return (await Array.fromAsync(store.list('keep-', SIGNAL))).map(({ key }) => key);
}

test('everything goes, and a new chain begins', { timeout: 60_000 }, async () => {
  const world = await makeWorld();
  await world.backup({ users: rowsOf(500) });
  await world.backup({ users: rowsOf(600) });
  const plan = await wholePlan(world);
  const done = await erase(world, plan);
  expect(done).toMatchObject({ complete: true, left: [], manifestsRemoved: 2 });
  expect(done.receipt?.receipt.snapshots.map(({ outcome }) => outcome)).toEqual(['removed', 'removed']);
  expect(await keysOf(world)).toEqual([]);

  const next = await world.backup({ users: rowsOf(600) });
  expect(next.entry).toMatchObject({ full: true, seq: 3 });
  expect(next.reason).toMatch(/erased/);
  expect(world.warnings).toEqual([]);
  const report = await verifySet(
    { session: world.session, set: SET, readData: undefined, onProgress: () => undefined },
    SIGNAL,
  );
  expect(report.findings).toEqual([]);
  // Once more, with what a host has made since: that stays.
  expect(await erase(world, plan)).toMatchObject({ complete: true });
  expect(await world.cat()).toBe(sqlOf({ users: rowsOf(600) }));
});

test('a chain that was there goes, however young its packs look to clocks of whole seconds', async () => {
  const world = await makeWorld();
  await world.backup({ users: rowsOf(500) });
  const plan = await wholePlan(world);
  const packs = (await keysOf(world)).filter((key) => key.includes('/packs/'));
  await erase(world, plan);
  // As what a lock has kept, when the announcement's second was told as its beginning.
  for (const key of packs) await world.store.put(key, Buffer.from('noise'), {}, SIGNAL);
  expect(await erase(world, plan)).toMatchObject({ complete: true });
  expect(await keysOf(world)).toEqual([]);
});

test(
  'a backup that is under way begins anew, and nothing of before is in it',
  { timeout: 60_000 },
  async () => {
    const world = await makeWorld();
    await world.backup({ users: rowsOf(500) });
    const other = await world.reopen(await tempFolder('operator'));
    const plan = await wholePlan({ ...world, session: other });
    const { textSource } = await import('../services/world.ts');
    let times = 0;
    const source = textSource({ users: rowsOf(500) }, async () => {
      if (times++ === 0)
        expect(await erase({ ...world, session: other }, plan)).toMatchObject({ complete: true });
    });
    const { entry } = await world.backup({}, { source });
    expect(entry.full).toBe(true);
    expect((await entriesOf(world)).map((item) => item.entry.snapshot)).toEqual([entry.snapshot]);
    expect(await world.cat()).toBe(sqlOf({ users: rowsOf(500) }));
  },
);
