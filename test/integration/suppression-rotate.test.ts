/** Goal: after a change of recipients the new ones can still tell who must be left out, and the former ones cannot. */
import { expect, test } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import { appendLedger, operatorName } from '../../src/repository/ledger-writer.ts';
import { purgesOf } from '../../src/repository/purges.ts';
import { listSuppression } from '../../src/suppression/objects.ts';
import { putSuppression } from '../../src/suppression/put.ts';
import { readSuppressions } from '../../src/suppression/read.ts';
import { makeWorld, rowsOf, SET, SIGNAL } from '../services/world.ts';
import type { World } from '../services/world.ts';
import { newOps, openableWith, rotate, sessionFor } from './rotate-kit.ts';
import { customer, MAP } from './suppression-kit.ts';

/** Puts suppression, and names it in the ledger only when told so. */
async function purge(world: World, id: string, isAnnounced = true): Promise<void> {
  const { session, ops } = world;
  const suppression = await putSuppression(
    session,
    SET,
    { purge: id, map: MAP, subjects: [customer(7)] },
    { schema: { tables: [] }, engine: 'sqlite', days: 40, recipients: [ops.toPublic()], signer: ops },
    SIGNAL,
  );
  const sha256 = '0'.repeat(64);
  const event = { type: 'purge-intent', id, subject: 'someone', map: sha256, plan: sha256, snapshots: [] };
  if (isAnnounced)
    await appendLedger(session, SET, operatorName(ops), ops, { ...event, suppression }, SIGNAL);
}

test.each([
  ['one object', 0],
  ['beside what a purge left that stopped before its intent', 2],
])('%s', async (_, strays) => {
  const world = await makeWorld();
  await world.backup({ t: rowsOf(10) });
  for (let stray = 0; stray < strays; stray++) await purge(world, 'p1', false);
  await purge(world, 'p1');
  for (let stray = 0; stray < strays; stray++) await purge(world, 'p1', false);
  expect(await rotate(world)).toMatchObject({ complete: true, left: [] });
  expect(await openableWith(world.store, world.ops)).toEqual([]);
  const session = await sessionFor(world.store, [newOps], [world.ops]);
  const purges = purgesOf(await readLedger(session, SET, SIGNAL), session.operators);
  const options = { opener: new KeyOpener([newOps]), now: new Date() };
  expect(await readSuppressions(session, SET, purges, options, SIGNAL)).toEqual([
    { purge: 'p1', map: MAP, subjects: [customer(7)] },
  ]);
  const before = (await listSuppression(world.store, SET, SIGNAL)).map(({ key }) => key).sort();
  expect(await rotate(world)).toMatchObject({ complete: true, resealed: 0 });
  expect((await listSuppression(world.store, SET, SIGNAL)).map(({ key }) => key).sort()).toEqual(before);
});

test('suppression that cannot be sealed anew leaves the rotation unfinished', async () => {
  const world = await makeWorld();
  await world.backup({ t: rowsOf(10) });
  await purge(world, 'p1');
  const [sealed] = (await listSuppression(world.store, SET, SIGNAL)).filter(({ kind }) => kind === 'sealed');
  await world.store.put(sealed?.key ?? '', Buffer.from('damaged'));
  const report = await rotate(world);
  expect(report.complete).toBe(false);
  expect(report.left).toMatchObject([{ snapshot: sealed?.key, isTrouble: true }]);
});
