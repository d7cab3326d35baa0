/** What a bucket tells about itself and keeps by itself, on a real S3 server: place, versions, locks, transport. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutBucketVersioningCommand, PutObjectCommand, PutObjectLegalHoldCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { planned, withFaults } from '../../src/stores/faults.ts';
import { withRetry } from '../../src/stores/retry.ts';
import { openS3Store } from '../../src/stores/s3.ts';
import type { S3Settings } from '../../src/stores/s3-settings.ts';
import type { Store } from '../../src/stores/store.ts';
import { makeCertificate } from '../services/certificates.ts';
import type { S3User } from '../services/s3-access.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3Abroad } from '../services/use.ts';
import { allVersions } from './store.contract.versions.ts';
import { all, closedAtEnd, keysOf } from './store.helpers.ts';
import { allow, s3World, type NamedStore, type S3World } from './store.subjects.ts';

const HOUR_MS = 3600_000;
const DENIED = { code: 'STORE_DENIED' };

let world: S3World;

beforeAll(async () => {
  world = await s3World();
});

/** The same store as another user, who may do these and nothing else. */
async function asUser(
  store: NamedStore,
  actions: readonly string[],
  denied: readonly string[] = [],
): Promise<{ readonly store: Store; readonly user: S3User }> {
  await allow(world.s3, store.bucketName, world.s3.writer, actions, denied);
  const settings = await world.settings(world.s3.writer);
  return { store: closedAtEnd(openS3Store(store.url, settings)), user: world.s3.writer };
}

function bucketOf(store: Store): NonNullable<Store['bucket']> {
  if (store.bucket === undefined) throw new Error('a store without a bucket');
  return store.bucket;
}

function inAnHour(): Date {
  return new Date(Math.ceil((Date.now() + HOUR_MS) / 1000) * 1000);
}

describe('location', () => {
  test('is the region of the server', async () => {
    const store = closedAtEnd(await world.newStore());
    expect(await bucketOf(store).location()).toBe('ca-central-1');
    const abroad = await useS3Abroad();
    const bucket = await abroad.createBucket();
    Object.assign(process.env, abroad.env());
    onTestFinished(() => {
      for (const name of Object.keys(abroad.env())) Reflect.deleteProperty(process.env, name);
    });
    // What the configuration says about the region is no answer to where the bucket is.
    const settings: S3Settings = { endpoint: abroad.endpoint, region: 'ca-central-1' };
    const other = closedAtEnd(openS3Store(`s3://${bucket}/p`, settings));
    expect(await bucketOf(other).location()).toBe('us-east-1');
  });

  test('needs a permission, and is named when it is missing', async () => {
    const { store } = await asUser(closedAtEnd(await world.newStore()), ['s3:ListBucket']);
    await expect(bucketOf(store).location()).rejects.toMatchObject({
      ...DENIED,
      hint: expect.stringContaining('s3:GetBucketLocation') as string,
    });
  });

  test('of a bucket that is not there', async () => {
    const store = closedAtEnd(openS3Store('s3://holdfast-no-such-bucket/p', await world.settings()));
    const missing = { code: 'STORE_MISSING', exitCode: 10 };
    const bucket = bucketOf(store);
    await expect(bucket.location()).rejects.toMatchObject(missing);
    await expect(bucket.versioning()).rejects.toMatchObject(missing);
    await expect(bucket.objectLock()).rejects.toMatchObject(missing);
    await expect(bucket.lifecycle()).rejects.toMatchObject(missing);
    await expect(bucket.putLifecycle([])).rejects.toMatchObject(missing);
  });
});

describe('posture', () => {
  test.each([
    [{}, 'off', { enabled: false }],
    [{ versioned: true }, 'enabled', { enabled: false }],
    [{ objectLock: true }, 'enabled', { enabled: true }],
    [
      { defaultRetention: { mode: 'GOVERNANCE', days: 2 } },
      'enabled',
      { enabled: true, defaultRetention: { mode: 'governance', days: 2 } },
    ],
    [
      { defaultRetention: { mode: 'COMPLIANCE', days: 1 } },
      'enabled',
      { enabled: true, defaultRetention: { mode: 'compliance', days: 1 } },
    ],
  ] as const)('of a bucket made with %j', async (options, versioning, lock) => {
    const bucket = bucketOf(closedAtEnd(await world.newStore(options)));
    expect(await bucket.versioning()).toBe(versioning);
    expect(await bucket.objectLock()).toEqual(lock);
    expect(await bucket.lifecycle()).toEqual([]);
    expect(bucket.prefix).toBe('some/prefix/');
  });

  test('of a bucket whose versions are suspended: the old ones are still seen and removed', async () => {
    const store = closedAtEnd(await world.newStore({ versioned: true }));
    await store.put('k', Buffer.from('1'));
    const client = world.s3.client();
    const VersioningConfiguration = { Status: 'Suspended' } as const;
    await client
      .send(new PutBucketVersioningCommand({ Bucket: store.bucketName, VersioningConfiguration }))
      .finally(() => client.destroy());
    expect(await bucketOf(store).versioning()).toBe('suspended');
    await store.put('k', Buffer.from('22'));
    expect(await allVersions(store)).toHaveLength(2);
    expect(await store.remove(['k'], { allVersions: true })).toEqual([]);
    expect(await allVersions(store)).toEqual([]);
  });

  test('names each permission that is missing', async () => {
    const whole = closedAtEnd(await world.newStore({ objectLock: true }));
    await whole.put('k', Buffer.of());
    const bucket = bucketOf((await asUser(whole, ['s3:ListBucket'])).store);
    const needs = (permission: string) => ({
      ...DENIED,
      hint: expect.stringContaining(permission) as string,
    });
    await expect(bucket.versioning()).rejects.toMatchObject(needs('s3:GetBucketVersioning'));
    await expect(bucket.objectLock()).rejects.toMatchObject(needs('s3:GetBucketObjectLockConfiguration'));
    await expect(bucket.lifecycle()).rejects.toMatchObject(needs('s3:GetLifecycleConfiguration'));
    await expect(bucket.putLifecycle([])).rejects.toMatchObject(needs('s3:PutLifecycleConfiguration'));
    await expect(bucket.lockOf('k', undefined)).rejects.toMatchObject(needs('s3:GetObjectRetention'));
  });
});

describe('locked objects', () => {
  async function lockedStore(): Promise<NamedStore> {
    return closedAtEnd(await world.newStore({ objectLock: true }));
  }

  test('stay when all versions are to go, and it is said until when', async () => {
    const store = await lockedStore();
    const until = inAnHour();
    const said = until.toISOString().replace('.000', '');
    await store.put('packs/c', Buffer.from('x'), { lock: { mode: 'compliance', until } });
    await store.put('packs/g', Buffer.from('x'), { lock: { mode: 'governance', until } });
    await store.put('packs/free', Buffer.from('x'));
    const keys = ['packs/c', 'packs/g', 'packs/free'];
    expect(await store.remove(keys), 'a marker goes on top of a lock').toEqual([]);
    expect(await all(store)).toEqual([]);

    const stuck = await store.remove(keys, { allVersions: true });
    expect(stuck.toSorted((a, b) => a.key.localeCompare(b.key))).toEqual([
      {
        key: 'packs/c',
        version: expect.any(String) as string,
        reason: `locked in compliance mode until ${said}`,
        lockedUntil: until,
      },
      {
        key: 'packs/g',
        version: expect.any(String) as string,
        reason: `locked in governance mode until ${said}`,
        lockedUntil: until,
      },
    ]);
    const left = await allVersions(store);
    expect(keysOf(left)).toEqual(['packs/c', 'packs/g']);
    expect(
      left.some(({ isMarker }) => isMarker),
      'markers are gone',
    ).toBe(false);
    for (const { key, version } of stuck) {
      expect(await bucketOf(store).lockOf(key, version)).toMatchObject({ until });
    }

    const after = await store.remove(keys, { allVersions: true, bypassGovernance: true });
    expect(after.map(({ key }) => key)).toEqual(['packs/c']);
    expect(keysOf(await allVersions(store))).toEqual(['packs/c']);
  });

  test('may go when the lock has ended', async () => {
    const store = await lockedStore();
    const until = new Date(Date.now() + 1500);
    await store.put('k', Buffer.from('x'), { lock: { mode: 'compliance', until } });
    expect(await store.remove(['k'], { allVersions: true })).toHaveLength(1);
    const ended = async () => expect(await store.remove(['k'], { allVersions: true })).toEqual([]);
    await expect
      .poll(
        () =>
          ended().then(
            () => 'gone',
            () => 'there',
          ),
        { timeout: 10_000 },
      )
      .toBe('gone');
  });

  test('under a legal hold, which has no end', async () => {
    const store = await lockedStore();
    await store.put('k', Buffer.from('x'));
    const client = world.s3.client();
    const Key = 'some/prefix/k';
    const hold = { Bucket: store.bucketName, Key, LegalHold: { Status: 'ON' } } as const;
    await client.send(new PutObjectLegalHoldCommand(hold)).finally(() => client.destroy());
    expect(await store.remove(['k'], { allVersions: true })).toEqual([
      { key: 'k', version: expect.any(String) as string, reason: 'under a legal hold' },
    ]);
    expect(await bucketOf(store).lockOf('k', undefined)).toBeUndefined();
  });

  test('are not what a missing permission is taken for', async () => {
    const whole = await lockedStore();
    for (const key of ['a/1', 'a/2', 'b/1']) await whole.put(key, Buffer.from('x'));
    const { store } = await asUser(
      whole,
      ['s3:ListBucket', 's3:ListBucketVersions', 's3:GetObjectRetention', 's3:GetObjectLegalHold'],
      ['s3:DeleteObject', 's3:DeleteObjectVersion'],
    );
    await expect(store.remove(['a/1', 'a/2', 'b/1'], { allVersions: true })).rejects.toMatchObject({
      ...DENIED,
      hint: expect.stringContaining('s3:DeleteObjectVersion') as string,
    });
    expect(await allVersions(whole)).toHaveLength(3);
  });

  test('a host that may only put can lock, though it may not ask whether the bucket can', async () => {
    const whole = await lockedStore();
    const { user } = await asUser(whole, ['s3:PutObject', 's3:PutObjectAcl', 's3:PutObjectRetention']);
    const until = inAnHour();
    // Objects belong to their writers here, or the owner could not look.
    const settings: S3Settings = { ...(await world.settings(user)), acl: 'bucket-owner-full-control' };
    const store = closedAtEnd(openS3Store(whole.url, settings));
    await store.put('k', Buffer.from('x'), { lock: { mode: 'governance', until } });
    expect(await bucketOf(whole).lockOf('k', undefined)).toEqual({ mode: 'governance', until });
    const plain = await asUser(closedAtEnd(await world.newStore()), [
      's3:PutObject',
      's3:PutObjectRetention',
    ]);
    const put = plain.store.put('k', Buffer.from('x'), { lock: { mode: 'governance', until } });
    await expect(put).rejects.toMatchObject({ code: 'STORE_SETTING', exitCode: 2 });
  });

  test('are put with a digest even where digests are switched off, and with ifAbsent', async () => {
    const whole = await lockedStore();
    const settings: S3Settings = { ...(await world.settings()), checksum: 'none' };
    const store = withRetry(closedAtEnd(openS3Store(whole.url, settings)));
    const lock = { mode: 'governance', until: inAnHour() } as const;
    expect(await store.put('k', Buffer.from('1'), { lock, ifAbsent: true })).toBe('written');
    expect(await store.put('k', Buffer.from('2'), { lock, ifAbsent: true })).toBe('already-there');
    expect(await bucketOf(store).lockOf('k', undefined)).toEqual(lock);
    await expect(bucketOf(store).lockOf('absent', undefined)).rejects.toMatchObject({
      code: 'STORE_OBJECT_MISSING',
    });
  });
});

describe('wrapped', () => {
  test('a bucket is asked again after what passes, and its rules are a write', async () => {
    const bare = closedAtEnd(await world.newStore({ objectLock: true }));
    const lost = { lose: planned('STORE_UNREACHABLE') };
    const down = { fail: planned('STORE_UNREACHABLE') };
    const faulty = withFaults(bare, {
      calls: {
        location: [down],
        versioning: [down],
        objectLock: [down],
        lifecycle: [down],
        putLifecycle: [lost],
        lockOf: [down],
        versions: [lost, down],
        remove: [lost],
      },
    });
    const store = withRetry(faulty, { minMs: 1 });
    const bucket = bucketOf(store);
    expect(await bucket.location()).toBe('ca-central-1');
    expect(await bucket.versioning()).toBe('enabled');
    expect(await bucket.objectLock()).toEqual({ enabled: true });
    await bucket.putLifecycle([{ id: 'r', enabled: true, prefix: 'x', expireDays: 3 }]);
    expect(await bucket.lifecycle()).toHaveLength(1);
    expect(faulty.writes).toBe(2);
    const lock = { mode: 'compliance', until: inAnHour() } as const;
    await store.put('k', Buffer.from('1'), { lock });
    for (const body of ['2', '3']) await store.put('k', Buffer.from(body));
    expect(await bucket.lockOf('k', undefined)).toBeUndefined();
    const versions = await allVersions(store);
    expect(new Set(versions.map(({ version }) => version)).size).toBe(3);
    expect(versions).toHaveLength(3);
    // The first answer is lost: the second one tells the lock as well.
    expect(await store.remove(['k'], { allVersions: true })).toMatchObject([{ lockedUntil: lock.until }]);
    faulty.assertAllUsed();
    expect(bucket.prefix).toBe('some/prefix/');
  });
});

describe('versions', () => {
  test('among names that are no keys, over several pages', async () => {
    const store = closedAtEnd(await world.newStore({ versioned: true }));
    const client = world.s3.client();
    // Where a page of 1,000 ends, the next one starts at a name that one server encodes and another does not.
    const odd = ['a b', 'a%20b', 'a+b', 'ä', 'ctrl\u0001', 'a/../b'].flatMap((name) =>
      Array.from({ length: 180 }, (_, n) => `some/prefix/${name}/${n}`),
    );
    for (let start = 0; start < odd.length; start += 20) {
      await Promise.all(
        odd
          .slice(start, start + 20)
          .map((Key) => client.send(new PutObjectCommand({ Bucket: store.bucketName, Key, Body: 'x' }))),
      );
    }
    client.destroy();
    for (const key of ['a', 'zz']) await store.put(key, Buffer.of());
    expect(keysOf(await allVersions(store))).toEqual(['a', 'zz']);
    expect(await store.remove(['a', 'zz'], { allVersions: true })).toEqual([]);
    expect(await allVersions(store)).toEqual([]);
  });
});

describe('TLS with an authority of its own', () => {
  async function storeWith(settings: S3Settings): Promise<Store> {
    const bucket = await world.s3.createBucket();
    const all: S3Settings = { ...(await world.settings()), ...settings };
    return closedAtEnd(openS3Store(`s3://${bucket}/p`, all));
  }

  test('is spoken when that is named', async () => {
    const { tlsEndpoint: endpoint, caFile } = world.s3;
    const store = await storeWith({ endpoint, caFile });
    await store.put('k', Buffer.from('x'));
    expect(await store.get('k')).toEqual(Buffer.from('x'));
  });

  test('is refused when another one is named, or none, whatever the environment says', async () => {
    const { tlsEndpoint: endpoint, caFile } = world.s3;
    const refused = { code: 'STORE_CERTIFICATE', exitCode: 10 };
    const { caFile: otherFile } = await makeCertificate(await tempFolder('tls'));
    await expect((await storeWith({ endpoint, caFile: otherFile })).check()).rejects.toMatchObject(refused);
    await expect((await storeWith({ endpoint })).check()).rejects.toMatchObject(refused);
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    onTestFinished(() => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    });
    await expect((await storeWith({ endpoint })).check()).rejects.toMatchObject(refused);
    // Several authorities in one file.
    const both = join(await tempFolder('tls'), 'both.pem');
    await writeFile(both, (await readFile(otherFile, 'utf8')) + (await readFile(caFile, 'utf8')));
    await (await storeWith({ endpoint, caFile: both })).check();
  });

  test('is not spoken with a plain port, and not left for one', async () => {
    const endpoint = world.s3.endpoint.replace('http:', 'https:');
    await expect((await storeWith({ endpoint })).check()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    const open = storeWith({ endpoint: world.s3.endpoint.replace('127.0.0.1', 'example.com') });
    await expect(open).rejects.toMatchObject({ code: 'STORE_TRANSPORT', exitCode: 7 });
  });
});
