/** Goal: two runs never remove or rewrite in one set at the same time, and a dead one holds nobody up for long. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { LEASE_MS, takeLease } from '../../src/repository/lease.ts';
import type { Lease } from '../../src/repository/lease.ts';
import { lockSet } from '../../src/repository/lock.ts';
import { stateFolderOf } from '../../src/repository/session.ts';
import type { Session } from '../../src/repository/session.ts';
import type { Store } from '../../src/stores/store.ts';
import { withClock } from '../vectors/kit.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL, makeWorld } from '../services/world.ts';
import type { World } from '../services/world.ts';

const take = (session: Session<Store>, purpose = 'test') => takeLease(session, SET, purpose, SIGNAL);
const leases = async (world: World) =>
  (await Array.fromAsync(world.store.list('leases/'))).map(({ key }) => key);
const machine = async (world: World) => world.reopen(await tempFolder(`machine-${randomUUID()}`));

test('is one object while it is held, and none afterwards', async () => {
  const world = await makeWorld();
  {
    await using lease = await take(world.session);
    await lease.check();
    expect(await leases(world)).toEqual([expect.stringMatching(/^leases\/shop\/[0-9a-f]{16}\.json$/)]);
  }
  expect(await leases(world)).toEqual([]);
});

test('keeps another machine out, which says whom it waits for', async () => {
  const world = await makeWorld();
  await using _held = await take(world.session, 'keys rotate');
  const refused = take(await machine(world));
  await expect(refused).rejects.toMatchObject({
    code: 'LOCKED',
    message: expect.stringMatching(/process \d+.*keys rotate/) as string,
  });
  expect(await leases(world)).toHaveLength(1);
});

test('many that start at once work one after the other', { timeout: 60_000 }, async () => {
  const world = await makeWorld();
  let inside = 0;
  let worked = 0;
  const work = async () => {
    const session = await machine(world);
    let lease: Lease;
    try {
      lease = await take(session);
    } catch (error) {
      expect(error).toMatchObject({ code: 'LOCKED' });
      return;
    }
    await using _lease = lease;
    expect(++inside).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await lease.check();
    inside--;
    worked++;
  };
  await Promise.all(Array.from({ length: 6 }, work));
  expect(worked).toBeGreaterThan(0);
  expect(await leases(world)).toEqual([]);
});

test('of a dead process of this machine is taken over at once, that of another machine when its time is over', async () => {
  const world = await makeWorld();
  // Never given back: the process "died".
  await take(world.session);
  using _lock = await lockSet(stateFolderOf(world.session, SET), SET);
  const next = await take(world.session);
  expect(await leases(world)).toHaveLength(1);
  await next.check();
  const other = await machine(world);
  await expect(take(other)).rejects.toMatchObject({ code: 'LOCKED' });
  const later = withClock(world.store, () => new Date(Date.now() + LEASE_MS + 1000));
  await using _taken = await take({ ...other, store: later });
  expect(await leases(world)).toHaveLength(1);
});

test('is renewed when half of its time is over, and lost when all of it is', async () => {
  const world = await makeWorld();
  await using lease = await take(world.session);
  const [first] = await Array.fromAsync(world.store.list('leases/'));
  const start = Date.now();
  const clock = vi.spyOn(Date, 'now');
  try {
    clock.mockReturnValue(start + LEASE_MS / 2 + 1000);
    await lease.check();
    const [renewed] = await Array.fromAsync(world.store.list('leases/'));
    expect(renewed?.key).toBe(first?.key);
    expect(renewed?.modified.getTime()).toBeGreaterThan(first?.modified.getTime() ?? Infinity);
    // A laptop that slept: no timer ran, but the wall clock went on.
    clock.mockReturnValue(start + 3 * LEASE_MS);
    await expect(lease.check()).rejects.toMatchObject({ code: 'LEASE_LOST' });
  } finally {
    clock.mockRestore();
  }
});
