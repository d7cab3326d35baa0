/** What listings show unchanged is not read again; what is new, was replaced, put or removed is, and memory has an end. */
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFileStore } from '../../src/stores/file.ts';
import { withListedReads } from '../../src/stores/listed-reads.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';

const bytes = Buffer.from('0123456789');

interface Stores {
  readonly folder: string;
  /** As another process sees it. */
  readonly real: Store;
  readonly store: Store;
  readonly reads: string[];
}

/** A folder store that counts its reads, below one that keeps 20 bytes. */
async function stores(): Promise<Stores> {
  const folder = await tempFolder('listed');
  const real = openFileStore(`file://${folder}`);
  const reads: string[] = [];
  // Its methods need their own object, which a copy would not be.
  const counting: Store = {
    ...withListedReads(real, () => false, 0),
    get: (key, range, signal) => {
      reads.push(key);
      return real.get(key, range, signal);
    },
  };
  return { folder, real, store: withListedReads(counting, (key) => key.startsWith('ledger/'), 20), reads };
}

function list(store: Store): Promise<unknown> {
  return Array.fromAsync(store.list(''));
}

test('what was listed before it was read is read once', async () => {
  const { store, reads } = await stores();
  await store.put('ledger/a', bytes);
  await store.get('ledger/a');
  await list(store);
  for (let time = 0; time < 3; time++) {
    expect(await store.get('ledger/a')).toEqual(bytes);
    await list(store);
  }
  expect(reads).toHaveLength(2);
});

test('what a listing shows otherwise is read again, and so is what is put or removed', async () => {
  const { folder, real, store, reads } = await stores();
  await store.put('ledger/a', bytes);
  await list(store);
  await store.get('ledger/a');
  await real.put('ledger/a', Buffer.from('other'));
  await list(store);
  expect((await store.get('ledger/a')).toString()).toBe('other');
  await utimes(join(folder, 'ledger/a'), new Date(0), new Date(0));
  await list(store);
  await store.get('ledger/a');
  expect(reads).toHaveLength(3);
  await store.put('ledger/a', bytes);
  expect(await store.get('ledger/a')).toEqual(bytes);
  await store.remove(['ledger/a']);
  await expect(store.get('ledger/a')).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
  expect(await readdir(folder)).toEqual([]);
});

test('other keys and parts are read each time, and what was read first is forgotten first', async () => {
  const { store, reads } = await stores();
  for (const key of ['ledger/a', 'ledger/b', 'ledger/c', 'other']) await store.put(key, bytes);
  await list(store);
  for (const key of ['other', 'other', 'ledger/a', 'ledger/b', 'ledger/c']) await store.get(key);
  await store.get('ledger/c', { offset: 0, length: 2 });
  expect(reads).toHaveLength(6);
  reads.length = 0;
  for (const key of ['ledger/c', 'ledger/b', 'ledger/a']) await store.get(key);
  expect(reads).toEqual(['ledger/a']);
});
