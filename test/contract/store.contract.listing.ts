/** What every store must do with many objects. */
import { describe, expect, test } from 'vitest';
import { all, inParallel, keysOf, openEmpty, type Subject } from './store.helpers.ts';

/** Registers this part of the contract. */
export function listingContract(subject: Subject): void {
  describe('list', () => {
    test('gives what starts with the prefix, and nothing else', async () => {
      const store = await openEmpty(subject);
      const keys = [
        'a',
        'ab',
        'ab-',
        'b/a',
        'b/ab/c',
        'b/ab/d/e',
        'b/ab.d',
        'b/abc/d',
        'b.c',
        'ba/x',
        'B/a',
        'c/b/a',
      ];
      for (const key of keys) await store.put(key, Buffer.from(key));
      const prefixes = [
        '',
        'a',
        'ab',
        'b',
        'b/',
        'b/a',
        'b/ab',
        'b/ab/',
        'b/ab/d',
        'b/ab/d/',
        'b/ab/d/e',
        'c/',
        'x',
        'a/',
      ];
      for (const prefix of prefixes) {
        const expected = keys.filter((key) => key.startsWith(prefix)).toSorted();
        expect(keysOf(await all(store, prefix)), prefix).toEqual(expected);
      }
    });

    test('tells size and time of each', async () => {
      const store = await openEmpty(subject);
      await store.put('x/1', Buffer.alloc(1));
      await store.put('x/70000', Buffer.alloc(70_000));
      for (const info of await all(store)) {
        expect(info.bytes).toBe(Number(info.key.slice(2)));
        expect(await store.head(info.key)).toEqual(info);
      }
    });

    test('goes on beyond 1,000 keys', async () => {
      const store = await openEmpty(subject);
      const keys = Array.from({ length: 1300 }, (_, n) => `many/${n % 7}/${String(n).padStart(5, '0')}`);
      await inParallel(keys, 16, (key) => store.put(key, Buffer.of()));
      expect(keysOf(await all(store))).toEqual(keys.toSorted());
      expect(await store.folders('many/')).toHaveLength(7);
      await store.remove(keys);
      expect(await all(store)).toEqual([]);
    });

    test('can be left early, and while others remove', async () => {
      const store = await openEmpty(subject);
      const keys = Array.from({ length: 300 }, (_, n) => `k/${n}/x`);
      await inParallel(keys, 16, (key) => store.put(key, Buffer.of(1)));
      for await (const info of store.list('')) {
        expect(keys).toContain(info.key);
        break;
      }
      const seen: string[] = [];
      for await (const info of store.list('')) {
        if (seen.push(info.key) === 1) await store.remove(keys.filter((key) => key !== info.key));
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(await all(store)).toHaveLength(1);
    });

    test.each(['/', '/a', 'a//', '../', 'a/../b', '.', 'a/.t', 'ä', 'a b'])(
      'refuses the prefix %j',
      async (prefix) => {
        const store = await openEmpty(subject);
        await expect(all(store, prefix)).rejects.toMatchObject({ code: 'STORE_KEY' });
        await expect(store.folders(prefix)).rejects.toMatchObject({ code: 'STORE_KEY' });
      },
    );

    test('folders are the names directly below that have something below them', async () => {
      const store = await openEmpty(subject);
      for (const key of ['a/b/c', 'a/b/d', 'a/bb/c/d/e', 'a/file', 'ab/x', 'top'])
        await store.put(key, Buffer.of());
      expect((await store.folders('')).toSorted()).toEqual(['a', 'ab']);
      expect((await store.folders('a/')).toSorted()).toEqual(['b', 'bb']);
      expect(await store.folders('a/bb/')).toEqual(['c']);
      expect(await store.folders('a/b/')).toEqual([]);
      expect(await store.folders('none/')).toEqual([]);
      await expect(store.folders('a')).rejects.toMatchObject({ code: 'STORE_KEY' });
      await store.remove(['a/bb/c/d/e']);
      expect(await store.folders('a/')).toEqual(['b']);
    });
  });

  describe('remove', () => {
    test('removes those and only those', async () => {
      const store = await openEmpty(subject);
      for (const key of ['a/1', 'a/2', 'a/b/3', 'c']) await store.put(key, Buffer.of());
      await store.remove(['a/1', 'a/b/3']);
      expect(keysOf(await all(store))).toEqual(['a/2', 'c']);
      await expect(store.get('a/1')).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
    });

    test('an absent key is no error, nor is an empty list, nor twice the same', async () => {
      const store = await openEmpty(subject);
      await store.put('a/1', Buffer.of());
      await store.remove([]);
      await store.remove(['x', 'a', 'a/2', 'a/1/b', 'never/was/here']);
      expect(keysOf(await all(store))).toEqual(['a/1']);
      await store.remove(['a/1', 'a/1']);
      await store.remove(['a/1']);
      expect(await all(store)).toEqual([]);
    });

    test('put and remove in one folder do not get in each other’s way', async () => {
      const store = await openEmpty(subject);
      const rounds = Array.from({ length: 40 }, (_, n) => `deep/folder/${n % 4}/k${n}`);
      await inParallel(rounds, 8, async (key) => {
        await store.put(key, Buffer.from('x'));
        await store.remove([key]);
      });
      expect(await all(store)).toEqual([]);
      expect(await store.folders('')).toEqual([]);
    });
  });
}
