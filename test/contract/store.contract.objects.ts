/** What every store must do with one object. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { all, keysOf, MiB, openEmpty, type Subject } from './store.helpers.ts';

const ODD_KEYS = [
  'a',
  'A',
  '-',
  '_',
  '0/1/2/3/4/5/6/7/8/9',
  'keep-030/shop/snapshots/20261121T030000Z-4f/manifest.pgp',
  'a.b..c...',
  '--help',
  'trailing-dot./x.',
  'UPPER/lower/Mixed_Case-1.2.3',
  `long/${'n'.repeat(200)}`,
  Array.from({ length: 80 }, () => 'deep').join('/'),
];

const BAD_KEYS = [
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  '../a',
  'a/../b',
  'a/./b',
  '.tmp-1',
  'a/.hidden',
  'a b',
  'ä',
];
const WORSE_KEYS = ['a\\b', 'a\0b', 'a\nb', 'a%2e', 'a+b', 'n'.repeat(201), 'k/'.repeat(400) + 'k'];

/** Registers this part of the contract. */
export function objectContract(subject: Subject): void {
  describe('put and get', () => {
    test('gives back what was put, under every key that is allowed', async () => {
      const store = await openEmpty(subject);
      const bodies = new Map(ODD_KEYS.map((key) => [key, randomBytes(100)]));
      for (const [key, body] of bodies) expect(await store.put(key, body)).toBe('written');
      for (const [key, body] of bodies) {
        expect(await store.get(key)).toEqual(body);
        expect((await store.head(key))?.bytes).toBe(100);
      }
      expect(keysOf(await all(store))).toEqual(ODD_KEYS.toSorted());
    });

    test.each([...BAD_KEYS, ...WORSE_KEYS])('refuses the key %j everywhere', async (key) => {
      const store = await openEmpty(subject);
      await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_KEY' });
      await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_KEY' });
      await expect(store.head(key)).rejects.toMatchObject({ code: 'STORE_KEY' });
      await expect(store.remove(['ok', key])).rejects.toMatchObject({ code: 'STORE_KEY' });
      expect(await all(store)).toEqual([]);
    });

    test('keeps an empty object', async () => {
      const store = await openEmpty(subject);
      await store.put('empty', new Uint8Array());
      expect(await store.get('empty')).toEqual(Buffer.alloc(0));
      expect(await store.get('empty', { offset: 0, length: 0 })).toEqual(Buffer.alloc(0));
      expect((await store.head('empty'))?.bytes).toBe(0);
      expect(keysOf(await all(store))).toEqual(['empty']);
    });

    test('keeps an object of 16 MiB, given as a view into a larger buffer', async () => {
      const store = await openEmpty(subject);
      const bytes = randomBytes(16 * MiB + 20);
      const view = new Uint8Array(bytes.buffer, bytes.byteOffset + 10, 16 * MiB);
      await store.put('packs/large', view);
      expect((await store.get('packs/large')).equals(view)).toBe(true);
      expect((await store.head('packs/large'))?.bytes).toBe(16 * MiB);
    });

    test('replaces an object without a condition, by a longer and by a shorter one', async () => {
      const store = await openEmpty(subject);
      await store.put('k', Buffer.from('first'));
      expect(await store.put('k', Buffer.from('second, longer'))).toBe('written');
      expect(await store.get('k')).toEqual(Buffer.from('second, longer'));
      expect(await store.put('k', Buffer.from('3'))).toBe('written');
      expect(await store.get('k')).toEqual(Buffer.from('3'));
      expect(await all(store)).toHaveLength(1);
    });

    test('does not look at the caller’s buffer after the put', async () => {
      const store = await openEmpty(subject);
      const bytes = Buffer.from('before');
      await store.put('k', bytes);
      bytes.fill(0);
      expect(await store.get('k')).toEqual(Buffer.from('before'));
    });

    test('refuses an object of more than 64 MiB', async () => {
      const store = await openEmpty(subject);
      const put = store.put('k', Buffer.alloc(64 * MiB + 1));
      await expect(put).rejects.toMatchObject({ code: 'STORE_OBJECT_LARGE' });
    });

    test('says that an absent object is missing', async () => {
      const store = await openEmpty(subject);
      await store.put('there/a', Buffer.from('x'));
      for (const key of ['gone', 'there/b', 'there/a/below', 'there', 'x/y/z']) {
        await expect(store.get(key)).rejects.toMatchObject({
          code: 'STORE_OBJECT_MISSING',
          exit: 'failed',
        });
        await expect(store.get(key, { offset: 0, length: 0 })).rejects.toMatchObject({
          code: 'STORE_OBJECT_MISSING',
        });
        expect(await store.head(key)).toBeUndefined();
      }
      await expect(store.get('gone')).rejects.toThrow(`gone in the store ${store.url} is not there`);
    });
  });

  describe('ranges', () => {
    test('gives exactly the bytes that were asked for', async () => {
      const store = await openEmpty(subject);
      const body = randomBytes(100_000);
      await store.put('k', body);
      const ranges = [
        [0, 1],
        [0, 100_000],
        [1, 99_999],
        [99_999, 1],
        [50_000, 10],
        [0, 0],
        [100_000, 0],
      ] as const;
      for (const [offset, length] of ranges) {
        expect(await store.get('k', { offset, length })).toEqual(body.subarray(offset, offset + length));
      }
    });

    test.each([
      [0, 6],
      [4, 2],
      [5, 1],
      [1000, 1],
      [6, 0],
      [0, 60 * MiB],
    ])('says that bytes %i + %i of an object of 5 are not all there', async (offset, length) => {
      const store = await openEmpty(subject);
      await store.put('k', Buffer.from('12345'));
      const get = store.get('k', { offset, length });
      await expect(get).rejects.toMatchObject({ code: 'STORE_OBJECT_SHORT' });
    });

    test.each([
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, 1.5],
      [Number.NaN, 1],
      [0, Infinity],
      [Number.MAX_SAFE_INTEGER, 1],
    ])('refuses the range %f + %f', async (offset, length) => {
      const store = await openEmpty(subject);
      await expect(store.get('k', { offset, length })).rejects.toMatchObject({ code: 'STORE_RANGE' });
    });
  });

  describe('put if absent', () => {
    test('is probed, and what the store can do is told as it is', async () => {
      const store = await openEmpty(subject);
      expect(await store.features()).toMatchObject({
        ifAbsent: subject.ifAbsent,
        versions: subject.keepsVersions,
        objectLock: subject.locks,
      });
      expect(await all(store), 'the probe leaves nothing that is listed').toEqual([]);
      expect(await store.folders('')).toEqual([]);
    });

    test('writes once and never replaces', async () => {
      const store = await openEmpty(subject);
      expect(await store.put('a/lease', Buffer.from('first'), { ifAbsent: true })).toBe('written');
      expect(await store.put('a/lease', Buffer.from('second'), { ifAbsent: true })).toBe('already-there');
      expect(await store.put('a/lease', Buffer.from('first'), { ifAbsent: true })).toBe('already-there');
      expect(await store.get('a/lease')).toEqual(Buffer.from('first'));
      await store.remove(['a/lease']);
      expect(await store.put('a/lease', Buffer.from('third'), { ifAbsent: true })).toBe('written');
    });

    // Without conditional puts there is a gap between looking and putting, as features() says.
    if (subject.ifAbsent)
      test('20 at once have one winner, whose bytes stay', async () => {
        const store = await openEmpty(subject);
        for (const round of [1, 2, 3]) {
          const bodies = Array.from({ length: 20 }, (_, n) => Buffer.alloc(200_000, n));
          const key = `race/${round}/lease`;
          const outcomes = await Promise.all(bodies.map((body) => store.put(key, body, { ifAbsent: true })));
          expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
          expect((await store.get(key)).equals(bodies[outcomes.indexOf('written')] ?? Buffer.of())).toBe(
            true,
          );
        }
        expect(await all(store)).toHaveLength(3);
      });
  });
}
