/** How every store must behave: time, cancelling, refusals. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { all, closedAtEnd, keysOf, MiB, openEmpty, type Subject } from './store.helpers.ts';

/** S3 tells time in whole seconds, and cuts off what is beyond them. */
const CLOCK_GRAIN_MS = 1000;
/** Registers this part of the contract. */
export function conductContract(subject: Subject): void {
  describe('time', () => {
    test('now() is close to the real time, and modified is not before it', async () => {
      const store = await openEmpty(subject);
      const before = await store.now();
      expect(Math.abs(before.getTime() - Date.now())).toBeLessThan(5000);
      await store.put('k', Buffer.of());
      const modified = (await store.head('k'))?.modified.getTime() ?? Number.NaN;
      expect(modified).toBeGreaterThanOrEqual(before.getTime() - CLOCK_GRAIN_MS);
      expect(modified).toBeLessThanOrEqual((await store.now()).getTime() + CLOCK_GRAIN_MS);
    });

    test('now() goes on, and leaves nothing behind', async () => {
      const store = await openEmpty(subject);
      const first = await store.now();
      await sleep(1100);
      expect((await store.now()).getTime() - first.getTime()).toBeGreaterThan(900 - CLOCK_GRAIN_MS);
      expect((await store.now()).getTime() - first.getTime()).toBeLessThan(5000);
      expect(await all(store)).toEqual([]);
    });

    test('modified never goes back for a later put', async () => {
      const store = await openEmpty(subject);
      const times: number[] = [];
      for (const n of Array.from({ length: 30 }, (_, index) => index)) {
        await store.put(`k/${n % 3}`, randomBytes(10));
        times.push((await store.head(`k/${n % 3}`))?.modified.getTime() ?? 0);
      }
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });
  });

  describe('cancelling', () => {
    test('a cancelled signal starts nothing', async () => {
      const store = await openEmpty(subject);
      await store.put('k', Buffer.from('kept'));
      await store.features();
      const signal = AbortSignal.abort();
      const cancelled = { code: 'CANCELLED', exitCode: 130 };
      await expect(store.put('new', Buffer.of(), {}, signal)).rejects.toMatchObject(cancelled);
      await expect(store.put('new', Buffer.of(), { ifAbsent: true }, signal)).rejects.toMatchObject(
        cancelled,
      );
      await expect(store.get('k', undefined, signal)).rejects.toMatchObject(cancelled);
      await expect(store.head('k', signal)).rejects.toMatchObject(cancelled);
      await expect(all(store, '', signal)).rejects.toMatchObject(cancelled);
      await expect(store.folders('', signal)).rejects.toMatchObject(cancelled);
      await expect(store.remove(['k'], {}, signal)).rejects.toMatchObject(cancelled);
      await expect(store.now(signal)).rejects.toMatchObject(cancelled);
      await expect(store.check(signal)).rejects.toMatchObject(cancelled);
      await expect(store.create(signal)).rejects.toMatchObject(cancelled);
      await expect(store.features(signal)).rejects.toMatchObject(cancelled);
      expect(keysOf(await all(store))).toEqual(['k']);
    });

    test('cancelling on the way leaves whole objects or none, and the store usable', async () => {
      const store = await openEmpty(subject);
      const body = randomBytes(8 * MiB);
      for (const delayMs of [0, 1, 3, 10, 30]) {
        const controller = new AbortController();
        const keys = Array.from({ length: 12 }, (_, n) => `k/${delayMs}/${n}`);
        const puts = keys.map((key) => store.put(key, body, { ifAbsent: true }, controller.signal));
        const settled = Promise.allSettled(puts);
        await sleep(delayMs);
        controller.abort();
        for (const outcome of await settled) {
          const isFine = outcome.status === 'fulfilled' || isHoldfastError(outcome.reason, 'CANCELLED');
          expect(isFine, JSON.stringify(outcome)).toBe(true);
        }
      }
      for (const { key, bytes } of await all(store)) {
        expect(bytes).toBe(body.length);
        expect((await store.get(key)).equals(body)).toBe(true);
      }
      expect(await store.put('after', body)).toBe('written');
    });

    test('a cancelled get does not come back with bytes', async () => {
      const store = await openEmpty(subject);
      await store.put('k', randomBytes(16 * MiB));
      for (const delayMs of [0, 2, 5, 10]) {
        const controller = new AbortController();
        const get = store.get('k', undefined, controller.signal);
        const outcome = Promise.allSettled([get]);
        await sleep(delayMs);
        controller.abort();
        const [result] = await outcome;
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'CANCELLED' });
        else expect(result.value.length).toBe(16 * MiB);
      }
    });
  });

  describe('refusals', () => {
    test('a root that is not there is exit 10, and no put makes one', async () => {
      const store = closedAtEnd(await subject.rootless());
      const missing = { code: 'STORE_MISSING', exitCode: 10 };
      await expect(store.check()).rejects.toMatchObject(missing);
      await expect(store.put('k', Buffer.of())).rejects.toMatchObject(missing);
      await expect(store.put('a/b', Buffer.of(), { ifAbsent: true })).rejects.toMatchObject(missing);
      await expect(store.get('a/k')).rejects.toMatchObject(missing);
      await expect(all(store)).rejects.toMatchObject(missing);
      await expect(all(store, 'a/b')).rejects.toMatchObject(missing);
      await expect(store.folders('a/')).rejects.toMatchObject(missing);
      await expect(store.remove(['a/b'])).rejects.toMatchObject(missing);
      await expect(store.check()).rejects.toThrow(store.url);
    });

    test('a reader reads, and is told what it may not do', async () => {
      const store = await openEmpty(subject);
      await store.put('a/k', Buffer.from('x'));
      await subject.asReader(store, async (reader) => {
        await reader.check();
        expect(await reader.get('a/k')).toEqual(Buffer.from('x'));
        expect(keysOf(await all(reader))).toEqual(['a/k']);
        expect(Math.abs((await reader.now()).getTime() - Date.now())).toBeLessThan(5000);
        expect(await reader.features()).toMatchObject({ ifAbsent: false });
        const denied = { code: 'STORE_DENIED', exitCode: 1 };
        await expect(reader.put('a/new', Buffer.of())).rejects.toMatchObject(denied);
        await expect(reader.put('a/new', Buffer.of(), { ifAbsent: true })).rejects.toMatchObject(denied);
        await expect(reader.put('a/new', randomBytes(12 * MiB))).rejects.toMatchObject(denied);
        await expect(reader.put('a/k', Buffer.from('y'))).rejects.toMatchObject(denied);
        await expect(reader.remove(['a/k'])).rejects.toMatchObject(denied);
        await expect(reader.put('a/new', Buffer.of())).rejects.toThrow(
          `not allowed to write a/new in the store`,
        );
      });
      expect(await store.get('a/k')).toEqual(Buffer.from('x'));
      expect(await all(store)).toHaveLength(1);
    });

    test('a stranger is told so', async () => {
      const store = await openEmpty(subject);
      await store.put('a/k', Buffer.from('x'));
      await subject.asStranger(store, async (stranger) => {
        const denied = { code: 'STORE_DENIED', exitCode: 1 };
        await expect(stranger.check()).rejects.toMatchObject(denied);
        await expect(stranger.get('a/k')).rejects.toMatchObject(denied);
        await expect(stranger.head('a/k')).rejects.toMatchObject(denied);
        await expect(all(stranger)).rejects.toMatchObject(denied);
        await expect(stranger.folders('')).rejects.toMatchObject(denied);
        await expect(stranger.put('a/b', Buffer.of())).rejects.toMatchObject(denied);
        await expect(stranger.remove(['a/k'])).rejects.toMatchObject(denied);
      });
      expect(keysOf(await all(store))).toEqual(['a/k']);
    });

    test('create() on a store that is there changes nothing', async () => {
      const store = await openEmpty(subject);
      await store.put('k', Buffer.from('x'));
      await store.create();
      expect(await store.get('k')).toEqual(Buffer.from('x'));
    });
  });
}
