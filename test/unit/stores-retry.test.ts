/** The one retry layer, over a real folder with planned misfortunes. */
import { join } from 'node:path';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import {
  planned,
  withFaults,
  type Fault,
  type FaultPlan,
  type FaultyStore,
} from '../../src/stores/faults.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { pauseMs, withRetry, type RetryEvent } from '../../src/stores/retry.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';

const UNREACHABLE: Fault = { fail: planned('STORE_UNREACHABLE') };
const LOST: Fault = { lose: planned('STORE_UNREACHABLE') };

interface World {
  readonly bare: Store;
  readonly faulty: FaultyStore;
  readonly patient: Store;
  readonly events: RetryEvent[];
}

async function world(plan: FaultPlan, attempts = 4): Promise<World> {
  const bare = openFileStore(join(await tempFolder(), 'store'));
  await bare.create();
  const faulty = withFaults(bare, plan);
  const events: RetryEvent[] = [];
  const patient = withRetry(faulty, { attempts, minMs: 1, maxMs: 4, onRetry: (event) => events.push(event) });
  return { bare, faulty, patient, events };
}

async function keysIn(store: Store): Promise<string[]> {
  return (await Array.fromAsync(store.list(''))).map(({ key }) => key).toSorted();
}

describe('trying again', () => {
  test('helps against what passes', async () => {
    const { patient, faulty, events } = await world({
      calls: {
        put: [UNREACHABLE, { fail: planned('STORE_BUSY') }, { fail: planned('STORE_DIGEST') }],
        get: [UNREACHABLE],
        head: [UNREACHABLE],
        folders: [UNREACHABLE],
        now: [UNREACHABLE],
        remove: [LOST],
        features: [UNREACHABLE],
        check: [UNREACHABLE],
        create: [UNREACHABLE],
      },
    });
    await patient.create();
    await patient.check();
    expect(await patient.put('a/k', Buffer.from('x'))).toBe('written');
    expect(await patient.get('a/k')).toEqual(Buffer.from('x'));
    expect((await patient.head('a/k'))?.bytes).toBe(1);
    expect(await patient.folders('')).toEqual(['a']);
    expect((await patient.now()).getTime()).toBeGreaterThan(0);
    expect((await patient.features()).ifAbsent).toBe(true);
    await patient.remove(['a/k']);
    expect(await keysIn(patient)).toEqual([]);
    faulty.assertAllUsed();
    expect(events.filter(({ method }) => method === 'put').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(events.every(({ waitMs }) => waitMs > 0 && waitMs <= 4)).toBe(true);
  });

  test('ends, with the error of the last attempt', async () => {
    const { patient, faulty } = await world({
      calls: { put: [UNREACHABLE, UNREACHABLE, UNREACHABLE, UNREACHABLE] },
    });
    await expect(patient.put('k', Buffer.of())).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      exitCode: 10,
    });
    expect(faulty.count('put')).toBe(4);
    expect(await keysIn(patient)).toEqual([]);
  });

  test('ends sooner at the first contact, where somebody waits', async () => {
    const { patient, faulty } = await world(
      { calls: { check: Array.from({ length: 9 }, () => UNREACHABLE) } },
      9,
    );
    await expect(patient.check()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(faulty.count('check')).toBe(3);
  });

  test.each([
    'STORE_FULL',
    'STORE_DENIED',
    'STORE_MISSING',
    'STORE_OBJECT_SHORT',
    'STORE_TRANSPORT',
    'STORE_FAILED',
    'CANCELLED',
  ])('is not done after %s', async (code) => {
    const { patient, faulty } = await world({ calls: { put: [{ fail: planned(code) }] } });
    await expect(patient.put('k', Buffer.of())).rejects.toMatchObject({ code });
    expect(faulty.count('put')).toBe(1);
  });

  test('is not done after a cancel, which ends the pause at once', async () => {
    const { faulty } = await world({ calls: { get: Array.from({ length: 9 }, () => UNREACHABLE) } });
    const controller = new AbortController();
    const patient = withRetry(faulty, { minMs: 60_000, onRetry: () => controller.abort() });
    await expect(patient.get('k', undefined, controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(faulty.count('get')).toBe(1);
    await expect(patient.get('k', undefined, controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(faulty.count('get')).toBe(1);
  });

  test('a listing goes on where it broke off, and gives nothing twice', async () => {
    // Five failures, of four attempts: the one object in between starts the count again.
    const { bare, patient, faulty } = await world({
      calls: { list: [UNREACHABLE, UNREACHABLE, LOST, UNREACHABLE, UNREACHABLE] },
    });
    for (const key of ['a', 'b', 'c/d', 'c/e']) await bare.put(key, Buffer.of());
    expect(await keysIn(patient)).toEqual(['a', 'b', 'c/d', 'c/e']);
    expect(faulty.count('list')).toBe(6);
  });

  test('a listing that never gets on ends', async () => {
    const { patient, faulty } = await world({
      calls: { list: Array.from({ length: 9 }, () => UNREACHABLE) },
    });
    await expect(keysIn(patient)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(faulty.count('list')).toBe(4);
  });
});

describe('a conditional put whose answer was lost', () => {
  const put = (store: Store, text: string) => store.put('k', Buffer.from(text), { ifAbsent: true });

  test('is recognised by its content', async () => {
    const { patient, faulty } = await world({ calls: { put: [LOST] } });
    expect(await put(patient, 'mine')).toBe('written');
    expect(faulty.count('put')).toBe(2);
  });

  test('is not taken for another’s, of the same length or not', async () => {
    for (const theirs of ['they', 'others', '']) {
      const { bare, patient, faulty } = await world({ calls: { put: [UNREACHABLE] } });
      await put(bare, theirs);
      expect(await put(patient, 'mine')).toBe('already-there');
      expect(faulty.count('put')).toBe(2);
      expect(await bare.get('k')).toEqual(Buffer.from(theirs));
    }
  });

  test('counts as written when it may not be read: keys that cannot be read cannot be guessed', async () => {
    const denied: Fault = { fail: planned('STORE_DENIED') };
    for (const calls of [{ head: [denied] }, { get: [denied] }]) {
      const { patient, faulty } = await world({ calls: { put: [LOST], ...calls } });
      expect(await put(patient, 'mine')).toBe('written');
      faulty.assertAllUsed();
    }
  });

  test('a first answer that it is there is believed without looking', async () => {
    const { bare, patient, faulty } = await world({});
    await put(bare, 'mine');
    expect(await put(patient, 'mine')).toBe('already-there');
    expect(faulty.count('get') + faulty.count('head')).toBe(0);
  });

  test('is recognised even when looking needs patience, too', async () => {
    const { patient } = await world({
      calls: { put: [LOST], head: [UNREACHABLE], get: [UNREACHABLE, UNREACHABLE] },
    });
    expect(await put(patient, 'mine')).toBe('written');
  });
});

describe('pauseMs', () => {
  const positive = fc.integer({ min: 1, max: 60_000 });
  property.prop([
    fc.integer({ min: 1, max: 100 }),
    positive,
    positive,
    fc.double({ min: 0, max: 1, noNaN: true }),
  ])('is never zero, never above the longest, and grows up to it', (attempt, minMs, maxMs, chance) => {
    const pause = pauseMs(attempt, { minMs, maxMs }, chance);
    expect(pause).toBeGreaterThan(0);
    expect(pause).toBeLessThanOrEqual(maxMs);
    expect(pauseMs(attempt + 1, { minMs, maxMs }, chance)).toBeGreaterThanOrEqual(pause);
  });

  test('by default waits about half a minute in all', () => {
    const total = [1, 2, 3, 4, 5, 6].reduce((sum, attempt) => sum + pauseMs(attempt, {}, 1), 0);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThan(40_000);
  });
});
