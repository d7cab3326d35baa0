/** What every store must do with versions and locks, whether it has any or not. */
import { describe, expect, test } from 'vitest';
import type { ObjectVersion, ReadStore } from '../../src/stores/store.ts';
import { NULL_VERSION } from '../../src/stores/versions.ts';
import { all, inParallel, keysOf, openEmpty, type Subject } from './store.helpers.ts';

/** Everything that a listing of versions gives. */
export async function allVersions(
  store: ReadStore,
  prefix = '',
  signal?: AbortSignal,
): Promise<ObjectVersion[]> {
  return Array.fromAsync(store.versions(prefix, signal));
}

/** Registers this part of the contract. */
export function versionsContract(subject: Subject): void {
  const { keepsVersions, locks } = subject;

  describe('versions', () => {
    test('of objects that were put once are what a listing gives', async () => {
      const store = await openEmpty(subject);
      for (const key of ['a/1', 'a/22', 'ab', 'b/c/3']) await store.put(key, Buffer.from(key));
      for (const prefix of ['', 'a', 'a/', 'a/2', 'b/', 'x', 'b/c/3']) {
        const versions = await allVersions(store, prefix);
        expect(keysOf(versions), prefix).toEqual(keysOf(await all(store, prefix)));
      }
      for (const { version, isLatest, isMarker, ...info } of await allVersions(store)) {
        expect(await store.head(info.key)).toEqual(info);
        expect({ isLatest, isMarker }).toEqual({ isLatest: true, isMarker: false });
        expect(version === NULL_VERSION).toBe(!keepsVersions);
      }
    });

    test('of an object that was replaced and removed', async () => {
      const store = await openEmpty(subject);
      await store.put('k', Buffer.from('1'));
      await store.put('k', Buffer.from('22'));
      expect(await store.remove(['k'])).toEqual([]);
      const seen = (await allVersions(store)).map(({ bytes, isLatest, isMarker }) => ({
        bytes,
        isLatest,
        isMarker,
      }));
      const marker = { bytes: 0, isLatest: true, isMarker: true };
      const hidden = [2, 1].map((bytes) => ({ bytes, isLatest: false, isMarker: false }));
      const byBytes = seen.toSorted((a, b) => a.bytes - b.bytes);
      expect(byBytes).toEqual(keepsVersions ? [marker, ...hidden.toReversed()] : []);
      expect(await all(store)).toEqual([]);
      expect(await store.head('k')).toBeUndefined();
    });

    test.each(['/', 'a//', '../', '.', 'ä'])('refuses the prefix %j', async (prefix) => {
      const store = await openEmpty(subject);
      await expect(allVersions(store, prefix)).rejects.toMatchObject({ code: 'STORE_KEY' });
    });

    test('say that the root is missing, and stop when cancelled', async () => {
      await expect(allVersions(await subject.rootless())).rejects.toMatchObject({ code: 'STORE_MISSING' });
      const store = await openEmpty(subject);
      await store.put('k', Buffer.of());
      const versions = allVersions(store, '', AbortSignal.abort());
      await expect(versions).rejects.toMatchObject({ code: 'CANCELLED' });
    });
  });

  describe('remove with all versions', () => {
    test('leaves nothing of those, and all of the others', async () => {
      const store = await openEmpty(subject);
      for (const body of ['1', '22', '333']) {
        for (const key of ['a/1', 'a/11', 'a/b/2', 'c', 'cc', 'gone'])
          await store.put(key, Buffer.from(body));
      }
      await store.remove(['gone', 'c']);
      await store.put('c', Buffer.from('again'));
      const gone = ['a/1', 'a/b/2', 'c', 'gone', 'never/was'];
      expect(await store.remove(gone, { allVersions: true })).toEqual([]);
      expect(new Set(keysOf(await allVersions(store)))).toEqual(new Set(['a/11', 'cc']));
      expect((await allVersions(store)).length).toBe(keepsVersions ? 6 : 2);
      expect(await store.get('a/11')).toEqual(Buffer.from('333'));
      expect(await store.remove(gone, { allVersions: true }), 'nothing is left to remove').toEqual([]);
    });

    test('beyond 1,000 versions, in one folder and in many', async () => {
      const store = await openEmpty(subject);
      const keys = Array.from({ length: 620 }, (_, n) => (n % 2 ? `one/${n}` : `many/${n}/entry.json`));
      await inParallel([...keys, ...keys], 16, (key) => store.put(key, Buffer.of(1)));
      await store.put('stays', Buffer.of(1));
      await store.remove(keys.slice(0, 50));
      expect(await store.remove(keys, { allVersions: true })).toEqual([]);
      expect(keysOf(await allVersions(store))).toEqual(['stays']);
    });

    test('of nothing is nothing', async () => {
      const store = await openEmpty(subject);
      expect(await store.remove([], { allVersions: true, bypassGovernance: true })).toEqual([]);
    });
  });

  describe('locks', () => {
    const until = new Date(Date.now() + 3600_000);

    if (locks) {
      test('are given by a put', async () => {
        const store = await openEmpty(subject);
        for (const mode of ['governance', 'compliance'] as const) {
          await store.put(mode, Buffer.from('x'), { lock: { mode, until } });
          const lock = await store.bucket?.lockOf(mode, undefined);
          expect(lock).toEqual({ mode, until: new Date(Math.ceil(until.getTime() / 1000) * 1000) });
          expect(await store.get(mode)).toEqual(Buffer.from('x'));
        }
        await store.put('free', Buffer.from('x'));
        expect(await store.bucket?.lockOf('free', undefined)).toBeUndefined();
      });
    } else {
      test('are refused where there are none, and nothing is written', async () => {
        const store = await openEmpty(subject);
        for (const mode of ['governance', 'compliance'] as const) {
          const put = store.put('k', Buffer.from('x'), { lock: { mode, until } });
          await expect(put).rejects.toMatchObject({ code: 'STORE_SETTING', exitCode: 2 });
        }
        expect(await allVersions(store)).toEqual([]);
      });
    }
  });
}
