/** The test seam itself: a fault that silently does nothing would make every crash test pass. */
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { parseFault, planned, withFaults } from '../../src/stores/faults.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { openStore } from '../../src/stores/open.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';

async function newStore(): Promise<Store> {
  const store = openFileStore(join(await tempFolder(), 'store'));
  await store.create();
  return store;
}

describe('withFaults', () => {
  test('does one thing for each call, in order, and says when a fault was never met', async () => {
    const bare = await newStore();
    const store = withFaults(bare, {
      calls: {
        put: ['none', { fail: planned('STORE_FULL') }],
        get: [{ truncate: 2 }, { delayMs: 30 }],
        list: [{ truncate: 1 }],
      },
    });
    await store.put('a', Buffer.from('12345'));
    await expect(store.put('b', Buffer.of())).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(await bare.head('b')).toBeUndefined();
    expect(await store.get('a')).toEqual(Buffer.from('123'));
    expect(() => {
      store.assertAllUsed();
    }).toThrow('planned faults of get');
    const start = performance.now();
    expect(await store.get('a')).toEqual(Buffer.from('12345'));
    expect(performance.now() - start).toBeGreaterThan(25);
    await bare.put('c', Buffer.of());
    expect(await Array.fromAsync(store.list(''))).toHaveLength(1);
    store.assertAllUsed();
    expect([store.count('put'), store.count('get'), store.count('head'), store.writes]).toEqual([2, 2, 0, 2]);
  });

  test('a lost answer is done', async () => {
    const bare = await newStore();
    const store = withFaults(bare, { calls: { put: [{ lose: planned('STORE_UNREACHABLE') }] } });
    await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(await bare.get('a')).toEqual(Buffer.from('x'));
  });

  test('a delay ends with a cancel', async () => {
    const store = withFaults(await newStore(), { calls: { get: [{ delayMs: 60_000 }] } });
    await expect(store.get('a', undefined, AbortSignal.timeout(20))).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('HOLDFAST_TEST_FAULT', () => {
  /** Puts k/1 to k/5 and removes k/1, which are six writes, and says what happened to each. */
  async function sixWrites(fault: string | undefined) {
    const store = await newStore();
    const program = `
      import { openStore } from './src/stores/open.ts';
      const store = await openStore(${JSON.stringify(store.url)}, { retry: { attempts: 2, minMs: 1 } });
      const codeOf = (work) => work.then(() => 'ok', (error) => error.code);
      const said = [];
      for (const n of [1, 2, 3, 4, 5]) said.push(await codeOf(store.put('k/' + n, Buffer.from('x'))));
      said.push(await codeOf(store.remove(['k/1'])));
      console.log(said.join(' '));`;
    const result = await execa(process.execPath, ['--input-type=module-typescript', '-e', program], {
      cwd: join(import.meta.dirname, '../..'),
      env: fault === undefined ? {} : { HOLDFAST_TEST_FAULT: fault },
      reject: false,
    });
    const keys = (await Array.fromAsync(store.list(''))).map(({ key }) => key.slice(2)).toSorted();
    return { signal: result.signal, said: result.stdout, keys: keys.join('') };
  }

  test.each([
    [undefined, undefined, 'ok ok ok ok ok ok', '2345'],
    ['', undefined, 'ok ok ok ok ok ok', '2345'],
    ['kill-before:1', 'SIGKILL', '', ''],
    ['kill-after:1', 'SIGKILL', '', '1'],
    ['kill-before:4', 'SIGKILL', '', '123'],
    ['kill-after:4', 'SIGKILL', '', '1234'],
    ['kill-before:6', 'SIGKILL', '', '12345'],
    ['kill-after:6', 'SIGKILL', '', '2345'],
    ['kill-after:7', undefined, 'ok ok ok ok ok ok', '2345'],
    ['fail:3:STORE_FULL', undefined, 'ok ok STORE_FULL ok ok ok', '245'],
    ['fail:3:STORE_UNREACHABLE', undefined, 'ok ok ok ok ok ok', '2345'],
    [
      'fail-from:3:STORE_DENIED',
      undefined,
      'ok ok STORE_DENIED STORE_DENIED STORE_DENIED STORE_DENIED',
      '12',
    ],
    ['lose:3', undefined, 'ok ok ok ok ok ok', '2345'],
  ])('%s', async (fault, signal, said, keys) => {
    expect(await sixWrites(fault)).toEqual({ signal, said, keys });
  });

  test.each([
    'kill',
    'kill-before',
    'kill-before:0',
    'kill-before:x',
    'kill-after:3:X',
    'fail:3',
    'fail:3:',
    'explode:1',
    'fail:-1:X',
  ])('%s is not understood, loudly', (text) => {
    expect(() => parseFault(text)).toThrow('is not understood');
  });
});

describe('openStore', () => {
  test('opens a folder by URL and by path', async () => {
    const root = join(await tempFolder(), 'store');
    const store = await openStore(`file://${root}`);
    await store.create();
    await store.put('k', Buffer.from('x'));
    expect(await (await openStore(root)).get('k')).toEqual(Buffer.from('x'));
    expect(store.url).toBe(`file://${root}`);
  });

  test.each(['backups', './backups', 'file://relative', 'ftp://host/x', 's3://'])(
    '%s is a usage error',
    async (url) => {
      await expect(openStore(url)).rejects.toMatchObject({ code: 'STORE_URL', exitCode: 2 });
    },
  );

  test('refuses plain http to another host at once', async () => {
    const open = openStore('s3://bucket/p', { s3: { endpoint: 'http://s3.example.com' } });
    await expect(open).rejects.toMatchObject({ code: 'STORE_TRANSPORT', exitCode: 7 });
  });

  test('does not load the AWS SDK for a folder', async () => {
    const program = `
      import { createRequire } from 'node:module';
      import { openStore } from './src/stores/open.ts';
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter((path) => /aws-sdk|smithy/.test(path)).length;
      await openStore('/tmp/x');
      const before = loaded();
      await openStore('s3://bucket');
      console.log(before, loaded() > 0);`;
    const { stdout } = await execa(process.execPath, ['--input-type=module-typescript', '-e', program], {
      cwd: join(import.meta.dirname, '../..'),
    });
    expect(stdout).toBe('0 true');
  });
});
