/** What only a bucket can do, or do wrong: versions, locks, policies, quotas, foreign keys, a server that goes away. */
import { randomBytes } from 'node:crypto';
import {
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { withFaults, planned } from '../../src/stores/faults.ts';
import { withRetry } from '../../src/stores/retry.ts';
import { openS3Store } from '../../src/stores/s3.ts';
import type { Store } from '../../src/stores/store.ts';
import { startRgw } from '../services/rgw.ts';
import { all, closedAtEnd, inParallel, keysOf, MiB } from './store.helpers.ts';
import { allow, s3World, type NamedStore, type S3World } from './store.subjects.ts';

let world: S3World;

beforeAll(async () => {
  world = await s3World();
});

/** Opens the same store once more, as a program that starts later does; perhaps as another user. */
async function reopen(store: Store, user = world.s3.owner): Promise<Store> {
  return closedAtEnd(openS3Store(store.url, await world.settings(user)));
}

async function versionsIn(bucket: string): Promise<string[]> {
  const client = world.s3.client();
  const { Versions = [], DeleteMarkers = [] } = await client
    .send(new ListObjectVersionsCommand({ Bucket: bucket }))
    .finally(() => client.destroy());
  return [...Versions, ...DeleteMarkers].map(({ Key = '' }) => Key);
}

describe('features', () => {
  test('a plain bucket: conditional puts and lifecycle, no versions, no locks; the probe is gone again', async () => {
    const store = closedAtEnd(await world.newStore());
    expect(await store.features()).toEqual({
      ifAbsent: true,
      lifecycle: true,
      versions: false,
      objectLock: false,
    });
    await (await reopen(store)).features();
    expect(await versionsIn(store.bucketName)).toEqual([]);
  });

  test('a bucket with versions; the probe does not pile up', async () => {
    const store = closedAtEnd(await world.newStore({ versioned: true }));
    // This server ignores the condition where there are versions (AWS does not): the probe must notice.
    expect(await store.features()).toMatchObject({ versions: true, ifAbsent: false });
    for (let round = 0; round < 3; round += 1) await (await reopen(store)).features();
    expect(await versionsIn(store.bucketName)).toEqual([]);
  });

  test('where a condition does not hold, a put looks first', async () => {
    const store = closedAtEnd(await world.newStore({ versioned: true }));
    expect(await store.put('lease', Buffer.from('first'), { ifAbsent: true })).toBe('written');
    expect(await store.put('lease', Buffer.from('second'), { ifAbsent: true })).toBe('already-there');
    expect(await store.get('lease')).toEqual(Buffer.from('first'));
  });

  test('a bucket with Object Lock', async () => {
    const store = closedAtEnd(await world.newStore({ objectLock: true }));
    expect(await store.features()).toMatchObject({ versions: true, objectLock: true });
  });

  test('a bucket with rules', async () => {
    const store = closedAtEnd(await world.newStore());
    const client = world.s3.client();
    const Rules = [
      { ID: 'a', Status: 'Enabled' as const, Filter: { Prefix: 'keep-030/' }, Expiration: { Days: 30 } },
    ];
    const LifecycleConfiguration = { Rules };
    await client
      .send(new PutBucketLifecycleConfigurationCommand({ Bucket: store.bucketName, LifecycleConfiguration }))
      .finally(() => client.destroy());
    expect(await store.features()).toMatchObject({ lifecycle: true });
  });
});

describe('a host that may only put', () => {
  async function putOnly(): Promise<{ readonly store: NamedStore; readonly host: Store }> {
    const store = closedAtEnd(await world.newStore());
    // Denied as well: a writer owns what it writes, and this server lets owners read.
    await allow(
      world.s3,
      store.bucketName,
      world.s3.writer,
      ['s3:PutObject'],
      ['s3:GetObject', 's3:DeleteObject'],
    );
    return { store, host: await reopen(store, world.s3.writer) };
  }

  test('puts, and is told which permission it lacks for the rest', async () => {
    const { host } = await putOnly();
    expect(await host.put('packs/1', Buffer.from('x'))).toBe('written');
    await expect(host.get('packs/1')).rejects.toMatchObject({
      code: 'STORE_DENIED',
      hint: expect.stringContaining('s3:GetObject') as string,
    });
    await expect(all(host)).rejects.toMatchObject({
      hint: expect.stringContaining('s3:ListBucket') as string,
    });
    await expect(host.remove(['packs/1'])).rejects.toMatchObject({
      code: 'STORE_DENIED',
      hint: expect.stringContaining('s3:DeleteObject') as string,
    });
  });

  test('finds out that conditional puts hold, again and again, though it can neither read nor remove', async () => {
    const { store, host } = await putOnly();
    expect(await host.features()).toEqual({
      ifAbsent: true,
      lifecycle: false,
      versions: false,
      objectLock: false,
    });
    expect((await (await reopen(store, world.s3.writer)).features()).ifAbsent).toBe(true);
    expect((await versionsIn(store.bucketName)).length).toBeLessThanOrEqual(1);
    expect(await all(store), 'the probe is not listed').toEqual([]);
    expect(await store.folders('')).toEqual([]);
  });

  test('knows the time, and its own object after a lost answer', async () => {
    const { store, host } = await putOnly();
    expect(Math.abs((await host.now()).getTime() - Date.now())).toBeLessThan(5000);
    const unlucky = withFaults(host, { calls: { put: [{ lose: planned('STORE_UNREACHABLE') }] } });
    const patient = withRetry(unlucky, { minMs: 1 });
    expect(await patient.put('packs/1', Buffer.from('x'), { ifAbsent: true })).toBe('written');
    expect(unlucky.count('put')).toBe(2);
    expect(keysOf(await all(store))).toEqual(['packs/1']);
  });

  test('lets the bucket’s owner read what it wrote, where objects belong to their writers', async () => {
    const store = closedAtEnd(await world.newStore());
    await allow(world.s3, store.bucketName, world.s3.writer, ['s3:PutObject', 's3:PutObjectAcl']);
    const settings = await world.settings(world.s3.writer);
    const host = closedAtEnd(openS3Store(store.url, { ...settings, acl: 'bucket-owner-full-control' }));
    await host.put('packs/1', Buffer.from('x'));
    expect(await store.get('packs/1')).toEqual(Buffer.from('x'));
  });
});

describe('refusals', () => {
  test('a quota that is used up', async () => {
    const store = closedAtEnd(await world.newStore());
    await world.s3.quota(store.bucketName, { maxObjects: 2 });
    await store.put('1', Buffer.from('x'));
    await store.put('2', Buffer.from('x'));
    const full = { code: 'STORE_FULL', exitCode: 1 };
    // The gateway learns of the objects with a delay.
    await expect(
      inParallel(
        Array.from({ length: 2000 }, (_, n) => `more/${n}`),
        8,
        (key) => store.put(key, Buffer.from('x')),
      ),
    ).rejects.toMatchObject(full);
    await expect(store.put('large', randomBytes(12 * MiB))).rejects.toMatchObject(full);
  });

  test('an account that is suspended', async () => {
    const store = closedAtEnd(await world.newStore());
    const user = await world.s3.createUser(-1);
    await allow(world.s3, store.bucketName, user, ['s3:*']);
    const { bucketName: bucket } = store;
    const profile = { accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey };
    const check = () => checkInChild(`s3://${bucket}/p`, profile);
    expect(await check()).toBe('ok');
    await world.s3.suspend(user.uid);
    expect(await check()).toMatch(/^STORE_DENIED .*s3:ListBucket/);
  });

  test('wrong keys', async () => {
    const { bucketName: bucket } = closedAtEnd(await world.newStore());
    const { accessKeyId, secretAccessKey } = world.s3.owner;
    const url = `s3://${bucket}/p`;
    expect(await checkInChild(url, { accessKeyId, secretAccessKey: 'wrong' })).toMatch(/^STORE_CREDENTIALS /);
    expect(await checkInChild(url, { accessKeyId: 'AKIAWRONG', secretAccessKey })).toMatch(
      /^STORE_CREDENTIALS /,
    );
  });

  test('a clock that is an hour off', async () => {
    const { bucketName: bucket } = closedAtEnd(await world.newStore());
    const said = await checkInChild(`s3://${bucket}/p`, world.s3.credentials, ['faketime', '-f', '-1h']);
    expect(said).toMatch(/^STORE_CLOCK /);
  });

  test('a bucket that goes away', async () => {
    const store = closedAtEnd(await world.newStore());
    await store.put('k', Buffer.from('x'));
    await store.remove(['k']);
    const client = world.s3.client();
    await client.send(new DeleteBucketCommand({ Bucket: store.bucketName })).finally(() => client.destroy());
    await expect(store.put('k', Buffer.from('x'))).rejects.toMatchObject({
      code: 'STORE_MISSING',
      exitCode: 10,
    });
    await expect(store.check()).rejects.toThrow(`no bucket named ${store.bucketName}`);
  });
});

describe('what others put into the bucket', () => {
  test('is not ours: other prefixes, folder markers, names that are no keys', async () => {
    const store = closedAtEnd(await world.newStore());
    await store.put('mine', Buffer.from('x'));
    const client = world.s3.client();
    const foreign = [
      'other',
      'some/prefix2/k',
      'some/prefix',
      'some/prefix/',
      'some/prefix/folder/',
      'some/prefix/a b+c%20',
    ];
    for (const Key of [
      ...foreign,
      'some/prefix/ctrl\u0001',
      'some/prefix/ä',
      'some/prefix/../up',
      'some/prefix/.x/y',
    ]) {
      await client.send(new PutObjectCommand({ Bucket: store.bucketName, Key, Body: 'x' }));
    }
    client.destroy();
    expect(keysOf(await all(store))).toEqual(['mine']);
    expect(keysOf(await all(store, 'm'))).toEqual(['mine']);
    expect(await store.folders('')).toEqual(['folder']);
  });

  test('a store may be the whole bucket', async () => {
    const inner = closedAtEnd(await world.newStore());
    await inner.put('a/k', Buffer.from('x'));
    const outer = closedAtEnd(openS3Store(`s3://${inner.bucketName}/`, await world.settings()));
    expect(keysOf(await all(outer))).toEqual(['some/prefix/a/k']);
    expect(await outer.folders('')).toEqual(['some']);
    expect(await outer.get('some/prefix/a/k')).toEqual(Buffer.from('x'));
  });

  test('puts leave no multipart upload behind', async () => {
    const store = closedAtEnd(await world.newStore());
    await store.put('large', randomBytes(16 * MiB));
    const client = world.s3.client();
    const { Uploads } = await client
      .send(new ListMultipartUploadsCommand({ Bucket: store.bucketName }))
      .finally(() => client.destroy());
    expect(Uploads ?? []).toEqual([]);
  });
});

describe('a server that goes away', () => {
  test('and comes back is waited for, and silence can be cancelled', async () => {
    const server = await startRgw();
    onTestFinished(() => server.stop());
    Object.assign(process.env, server.env());
    const bucket = await server.createBucket();
    const settings = { endpoint: server.endpoint, idleTimeoutMs: 1000 };
    const bare = closedAtEnd(openS3Store(`s3://${bucket}/p`, settings));
    const events: string[] = [];
    const store = withRetry(bare, {
      minMs: 20,
      onRetry: ({ method, error }) => events.push(`${method} ${error.code}`),
    });
    const body = randomBytes(4 * MiB);

    const keys = Array.from({ length: 60 }, (_, n) => `k/${n}`);
    const bounced = server.bounce();
    await inParallel(keys, 6, (key) => store.put(key, body, { ifAbsent: true }));
    await bounced;
    expect(keysOf(await all(store))).toEqual(keys.toSorted());
    for (const key of keys) expect((await store.get(key)).equals(body)).toBe(true);
    expect(events).toContain('put STORE_UNREACHABLE');

    server.freeze();
    const cancelled = { code: 'CANCELLED' };
    await expect(store.get('k/1', undefined, AbortSignal.timeout(200))).rejects.toMatchObject(cancelled);
    await expect(store.put('k/1', body, {}, AbortSignal.timeout(200))).rejects.toMatchObject(cancelled);
    await expect(all(store, '', AbortSignal.timeout(200))).rejects.toMatchObject(cancelled);
    await expect(bare.get('k/1')).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', exitCode: 10 });
    server.thaw();
    expect((await store.get('k/1')).equals(body)).toBe(true);
  });
});

/** Checks a store in a process of its own, with these keys in its environment. Answers `ok`, or code and hint. */
async function checkInChild(
  url: string,
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string },
  wrapper: readonly string[] = [],
): Promise<string> {
  const { endpoint, region } = world.s3;
  const program = `
    import { openStore } from './src/stores/open.ts';
    const store = await openStore(${JSON.stringify(url)}, { s3: ${JSON.stringify({ endpoint, region })} });
    await store.check().then(() => console.log('ok'), (error) => console.log(error.code, error.hint));`;
  const [command, ...args] = [...wrapper, process.execPath, '--input-type=module-typescript', '-e', program];
  const { stdout } = await execa(command, args, {
    cwd: `${import.meta.dirname}/../..`,
    timeout: 30_000,
    env: {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  });
  return stdout;
}
