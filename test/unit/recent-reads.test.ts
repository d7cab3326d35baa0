/** What was read a moment ago is not read again; what was put is read back from the store, and memory has an end. */
import { expect, test } from 'vitest';
import { openFileStore } from '../../src/stores/file.ts';
import { RecentReads, withRecentReads } from '../../src/stores/recent.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';

const bytes = Buffer.from('0123456789abcdef');

/** A folder store that counts its reads, below one that remembers 20 bytes of packs. */
async function stores(): Promise<{ readonly store: Store; readonly reads: string[] }> {
  const real = openFileStore(`file://${await tempFolder('recent')}`);
  const reads: string[] = [];
  // Its methods need their own object, which a copy would not be.
  const counting: Store = {
    ...withRecentReads(real, () => false, new RecentReads(0)),
    get: (key, range, signal) => {
      reads.push(key);
      return real.get(key, range, signal);
    },
  };
  return { store: withRecentReads(counting, (key) => key.startsWith('packs/'), new RecentReads(20)), reads };
}

test('a part of what was read is not read again', async () => {
  const { store, reads } = await stores();
  await store.put('packs/a', bytes);
  expect((await store.get('packs/a', { offset: 2, length: 10 })).toString()).toBe('23456789ab');
  expect((await store.get('packs/a', { offset: 4, length: 3 })).toString()).toBe('456');
  expect((await store.get('packs/a', { offset: 2, length: 10 })).toString()).toBe('23456789ab');
  expect(reads).toEqual(['packs/a']);
  expect((await store.get('packs/a', { offset: 4, length: 9 })).toString()).toBe('456789abc');
  expect(reads).toHaveLength(2);
});

test('what was put is read from the store, and so is what may change', async () => {
  const { store, reads } = await stores();
  await store.put('packs/a', bytes);
  await store.put('entry.json', bytes);
  await store.get('packs/a', { offset: 0, length: 4 });
  for (let time = 0; time < 2; time++) {
    await store.get('packs/a');
    await store.get('entry.json', { offset: 0, length: 4 });
  }
  expect(reads).toHaveLength(5);
});

test('the oldest is forgotten first', async () => {
  const { store, reads } = await stores();
  for (const key of ['packs/a', 'packs/b', 'packs/c']) {
    await store.put(key, bytes);
    await store.get(key, { offset: 0, length: 8 });
  }
  reads.length = 0;
  await store.get('packs/c', { offset: 0, length: 8 });
  await store.get('packs/b', { offset: 0, length: 8 });
  expect(reads).toEqual([]);
  await store.get('packs/a', { offset: 0, length: 8 });
  expect(reads).toEqual(['packs/a']);
});

test('nothing is answered after an abort', async () => {
  const { store } = await stores();
  await store.put('packs/a', bytes);
  await store.get('packs/a', { offset: 0, length: 8 });
  await expect(store.get('packs/a', { offset: 0, length: 8 }, AbortSignal.abort())).rejects.toThrow();
});
