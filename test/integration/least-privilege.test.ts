/**
 * Goal: the policies that `store policy` prints are enough for each role's work, and what they refuse the server really
 * refuses: shown by requests with stolen credentials, not by reading the text. The text stands as a bucket policy here,
 * since this server has no IAM; it knows neither a second factor nor the conditions on If-None-Match and on locks.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  DeleteBucketLifecycleCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES, policyFor } from '../../src/retention/policy.ts';
import type { PolicyStatement, Role } from '../../src/retention/policy.ts';
import { openStore } from '../../src/stores/open.ts';
import { addCopy } from '../services/copies.ts';
import { backUp, makeHost, snapshotsOf } from '../services/machines.ts';
import type { Host, Machine, Place } from '../services/machines.ts';
import type { S3Access, S3User } from '../services/s3-access.ts';
import { addBulk, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3 } from '../services/use.ts';

const ROOT = 'prod/db/';

let s3: S3Access;
let bucket: string;
let host: Host;
const users = {} as Record<Role, S3User>;
const clients = {} as Record<Role, S3Client>;
let keys: Keys;
/** The machine that copies, and the bucket of the copy. */
let copier: Machine;
let copied: string;

/** One object of each kind, whole keys. */
interface Keys {
  readonly all: readonly string[];
  readonly manifest: string;
  readonly entry: string;
  readonly pack: string;
}

beforeAll(async () => {
  s3 = await useS3();
  bucket = await s3.createBucket('privilege', { versioned: true });
  for (const role of ROLES) {
    users[role] = await s3.createUser(-1);
    clients[role] = s3.client(users[role]);
  }
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 3000);
  host = await makeHost({ place: ownersPlace(), source: ['--source', 'sqlite', '--path', path] });
  await giveToOwner(host.folder);
  await setPolicies(bucket, false, ROLES);
  // A first backup by the host itself: with nothing but its own rights.
  await backUp(host, [], { env: s3.env(users.host) });
  keys = await findKeys();
  copied = await s3.createBucket('copied', { versioned: true });
  await setPolicies(copied, true, ['copier']);
  copier = await host.reader();
  await addCopy(copier, ownersPlace(copied));
});

afterAll(() => {
  for (const client of Object.values(clients)) client.destroy();
});

describe('a host', () => {
  test('backs up, also into a chain that goes on, and sees its state', async () => {
    const env = s3.env(users.host);
    const path =
      /^ *path: (.*)$/m.exec(await readFile(join(host.folder, 'holdfast.yaml'), 'utf8'))?.[1] ?? '';
    addBulk(join(host.folder, path), 1);
    const second = await backUp(host, [], { env });
    expect(second).toMatchObject({ full: false, seq: 2 });
    expect(second.counts.new_segments).toBeLessThan(second.counts.segments);
    expect(await snapshotsOf({ ...host, good: (args) => host.good(args, { env }) })).toHaveLength(2);
    await host.good(['status'], { env });
  });

  test('finds with doctor that everything is as it should be', async () => {
    const { json } = await host.good(['doctor', '--json'], { env: s3.env(users.host) });
    const found = json.filter(({ type, what }) => type === 'check' && String(what).startsWith('store '));
    expect(found.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(found).toContainEqual(
      expect.objectContaining({ what: 'store rights', found: 'this host cannot read back what it wrote' }),
    );
  });

  test('is refused to read back what it wrote: manifests and packs, also their versions', async () => {
    for (const Key of [keys.manifest, keys.pack]) {
      const VersionId = await versionOf(Key);
      for (const asked of [{ Key }, { Key, VersionId }]) {
        await refused(clients.host.send(new GetObjectCommand({ Bucket: bucket, ...asked })));
        await refused(clients.host.send(new HeadObjectCommand({ Bucket: bucket, ...asked })));
      }
      await refused(
        clients.host.send(
          new CopyObjectCommand({
            Bucket: bucket,
            Key: keys.entry,
            CopySource: `${bucket}/${Key}`,
          }),
        ),
      );
    }
    const restored = await host.run(['cat', 'shop'], {
      env: { ...s3.env(users.host), HOLDFAST_KEY: host.opsKey },
    });
    expect(restored.exitCode).not.toBe(0);
    expect(restored.stderr).toContain('not allowed');
  });

  test('is refused to delete anything, by any way', async () => {
    for (const Key of keys.all) {
      await refused(clients.host.send(new DeleteObjectCommand({ Bucket: bucket, Key })));
      const VersionId = await versionOf(Key);
      await refused(clients.host.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId })));
      const Delete = { Objects: [{ Key }, { Key, VersionId }] };
      await refused(clients.host.send(new DeleteObjectsCommand({ Bucket: bucket, Delete })));
    }
    expect(await keysInBucket()).toEqual(expect.arrayContaining([...keys.all]));
  });

  test.each(['recover.sh', 'recover.sh.asc', 'RECOVERY.md', 'holdfast.json', 'writers/AA.asc'])(
    'is refused to write %s',
    (name) => refused(putAs('host', `${ROOT}${name}`)),
  );

  test('is refused to write into another set, another writer’s chain, the ledger of operators, and amendments', async () => {
    const folder = keys.entry.slice(0, -'entry.json'.length);
    for (const key of [
      `${ROOT}keep-030/other/snapshots/20261121T030005Z-9f3a01c4/entry.json`,
      `${ROOT}keep-039/shop/chains/somebody-1/packs/0011223344556677`,
      `${ROOT}ledger/shop/key-0011223344556677/0000000001.json`,
      `${ROOT}leases/shop/0011223344556677.json`,
      `${folder}amend-1.json`,
      `${folder}manifest-1.pgp`,
      'elsewhere.txt',
    ])
      await refused(putAs('host', key));
  });

  test.each(ROLES)('%s is refused to change the rules of the bucket', async (role) => {
    const client = clients[role];
    const Rules = [{ ID: 'x', Status: 'Enabled' as const, Filter: { Prefix: '' }, Expiration: { Days: 1 } }];
    await refused(
      client.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration: { Rules } }),
      ),
    );
    await refused(client.send(new DeleteBucketLifecycleCommand({ Bucket: bucket })));
    const VersioningConfiguration = { Status: 'Suspended' as const };
    await refused(client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration })));
    await refused(client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: '{}' })));
  });
});

describe('a driller', () => {
  test('drills, leaves its evidence, and may put nothing else', async () => {
    const env = s3.env(users.driller);
    const reader = await host.reader();
    const { json } = await reader.good(['drill', 'shop', '--json'], { env });
    expect(json.find(({ type }) => type === 'drill')).toMatchObject({ outcome: 'verified' });
    expect((await host.good(['status'], { env: s3.env(users.host) })).stdout).toMatch(/^OK +shop/m);
    for (const Key of [keys.manifest, keys.entry, keys.pack, `${ROOT}recover.sh`]) {
      await refused(putAs('driller', Key));
      await refused(clients.driller.send(new DeleteObjectCommand({ Bucket: bucket, Key })));
    }
  });
});

describe('an export', () => {
  test('is sealed into the store by the host, which cannot get it back; the restorer opens it', async () => {
    const file = join(await tempFolder('export'), 'report.csv');
    await writeFile(file, 'id;total\n');
    const env = s3.env(users.host);
    const { json } = await host.good(['seal', file, '--store', '--ttl', '3d', '--json'], { env });
    const { id } = json.find(({ type }) => type === 'sealed') as { id: string };
    await host.good(['unseal', '--list'], { env });
    const own = { env: { ...env, HOLDFAST_KEY: host.opsKey } };
    expect((await host.run(['unseal', id, '-o', '-'], own)).stderr).toContain('not allowed');
    await refused(
      clients.host.send(
        new DeleteObjectCommand({ Bucket: bucket, Key: `${ROOT}keep-003/sealed/${id}/000001` }),
      ),
    );
    const reader = await host.reader();
    const opened = await reader.good(['unseal', id, '-o', '-'], { env: s3.env(users.restorer) });
    expect(opened.stdout).toBe('id;total\n');
  });
});

describe('a restorer', () => {
  test('lists, verifies every byte and restores', async () => {
    const reader = await host.reader();
    const env = s3.env(users.restorer);
    expect((await reader.good(['cat', 'shop'], { env })).stdout).toContain('INSERT INTO');
    await reader.good(['restore', 'shop', '--to', join(await tempFolder('to'), 'shop.db')], { env });
    await reader.good(['verify', '--read-data'], { env });
  });

  test('is refused to write and to delete', async () => {
    for (const Key of keys.all) {
      await refused(putAs('restorer', Key));
      await refused(clients.restorer.send(new DeleteObjectCommand({ Bucket: bucket, Key })));
      await refused(
        clients.restorer.send(
          new DeleteObjectCommand({ Bucket: bucket, Key, VersionId: await versionOf(Key) }),
        ),
      );
    }
    await refused(putAs('restorer', `${ROOT}probe/if-absent`));
  });
});

describe('a copier', () => {
  test('brings a copy level with nothing but its own rights, and every byte is there', async () => {
    const env = s3.env(users.copier);
    const { stdout } = await copier.good(['copy', 'shop'], { env });
    expect(stdout).toMatch(/level, 2 snapshots/);
    expect(stdout + (await copier.good(['copy', '--check'], { env })).stdout).not.toContain('no lease');
  });

  test('is refused to write or delete in the store, and to delete anything but manifests in the copy', async () => {
    for (const Key of keys.all) {
      await refused(putAs('copier', Key));
      for (const Bucket of [bucket, copied]) {
        if (Bucket === copied && Key.endsWith('.pgp')) continue;
        const VersionId = await versionOf(Key, Bucket);
        await refused(clients.copier.send(new DeleteObjectCommand({ Bucket, Key })));
        await refused(clients.copier.send(new DeleteObjectCommand({ Bucket, Key, VersionId })));
      }
    }
  });
});

describe('privacy', () => {
  test('rewrites every manifest, removes the old ones with all versions, and the restorer still restores', async () => {
    const officer = await host.reader();
    const before = (await keysInBucket()).filter((key) => key.endsWith('manifest.pgp'));
    expect(before.length).toBeGreaterThan(0);
    await officer.good(['keys', 'rotate', '--all'], { env: s3.env(users.privacy) });
    for (const key of before) expect(await versionOf(key)).toBe('');
    const after = (await keysInBucket()).filter((key) => /manifest-1\.pgp$/.test(key));
    expect(after).toHaveLength(before.length);
    const reader = await host.reader();
    await reader.good(['verify', '--read-data'], { env: s3.env(users.restorer) });
    // The host goes on as before, without reading what was rewritten.
    await backUp(host, [], { env: s3.env(users.host) });
    await refused(clients.host.send(new GetObjectCommand({ Bucket: bucket, Key: after[0] ?? '' })));
    keys = await findKeys();
  });

  test('and a copier then replaces the manifests of the copy, with all versions', async () => {
    await copier.good(['copy', 'shop'], { env: s3.env(users.copier) });
    const { Versions = [] } = await s3.client().send(new ListObjectVersionsCommand({ Bucket: copied }));
    const names = Versions.flatMap(({ Key = '' }) => /manifest[^/]*\.pgp$/.exec(Key)?.[0] ?? []);
    // Two that were rotated, and the one of the backup after that.
    expect(names.sort()).toEqual(['manifest-1.pgp', 'manifest-1.pgp', 'manifest.pgp']);
  });

  test('is refused to touch the record, the way out, and what a host has signed', async () => {
    const line = `${ROOT}ledger/shop/db1/0000000001.json`;
    await s3.client().send(new PutObjectCommand({ Bucket: bucket, Key: line, Body: 'a line' }));
    for (const Key of [line, `${ROOT}holdfast.json`, `${ROOT}recover.sh`]) {
      await refused(clients.privacy.send(new DeleteObjectCommand({ Bucket: bucket, Key })));
      await refused(
        clients.privacy.send(
          new DeleteObjectCommand({ Bucket: bucket, Key, VersionId: await versionOf(Key) }),
        ),
      );
      await refused(putAs('privacy', Key));
    }
    await refused(putAs('privacy', keys.manifest));
    await refused(putAs('privacy', keys.entry));
    await s3
      .client()
      .send(new DeleteObjectCommand({ Bucket: bucket, Key: line, VersionId: await versionOf(line) }));
  });

  test('puts a manifest beside the old one and removes every version of that', async () => {
    const folder = keys.manifest.slice(0, -'manifest.pgp'.length).replace('keep-030', 'keep-029');
    const body = await (
      await clients.privacy.send(new GetObjectCommand({ Bucket: bucket, Key: keys.manifest }))
    ).Body?.transformToByteArray();
    expect(body?.length).toBeGreaterThan(0);
    await clients.privacy.send(
      new PutObjectCommand({ Bucket: bucket, Key: `${folder}manifest-1.pgp`, Body: body ?? '' }),
    );
    await putAs('privacy', `${folder}amend-1.json`);
    await putAs('privacy', `${ROOT}keep-039/shop/chains/key-0011223344556677-1/packs/0011223344556677`);
    await putAs('privacy', `${ROOT}keep-039/shop/suppression/x`);
    await putAs('privacy', `${ROOT}ledger/shop/key-0011223344556677/0000000001.json`);
    Object.assign(process.env, s3.env(users.privacy));
    const store = await openStore(`s3://${bucket}/prod/db`, {
      s3: { endpoint: s3.endpoint, region: s3.region },
    });
    try {
      const own = keys.manifest.slice(ROOT.length);
      expect(await store.remove([own], { allVersions: true })).toEqual([]);
      expect(await Array.fromAsync(store.versions(own))).toEqual([]);
    } finally {
      await store.close();
      Object.assign(process.env, s3.env());
    }
  });
});

function ownersPlace(name = bucket): Place {
  return {
    url: `s3://${name}/prod/db`,
    initArgs: ['--endpoint', s3.endpoint, '--region', s3.region],
    env: s3.env(),
    open: () => openStore(`s3://${name}/prod/db`, { s3: { endpoint: s3.endpoint, region: s3.region } }),
  };
}

/** On this server an object belongs to who wrote it, unless it is given away. */
async function giveToOwner(folder: string): Promise<void> {
  const file = join(folder, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text
      .replace(/^s3:$/m, 's3:\n  acl: bucket-owner-full-control')
      .replace(/^( +full_every:.*)$/m, '$1\n    writer: db1'),
  );
}

/** The policies of roles, as one bucket policy. */
async function setPolicies(name: string, isCopy: boolean, roles: readonly Role[]): Promise<void> {
  const Statement: PolicyStatement[] = [];
  for (const role of roles) {
    const policy = policyFor({
      role,
      bucket: name,
      root: ROOT,
      isCopy,
      sets: [{ name: 'shop', writer: 'db1', keep: [{ name: 'daily', days: 30 }], fullEveryDays: 7 }],
      principal: `arn:aws:iam:::user/${users[role].uid}`,
      ifNoneMatch: false,
      mfa: false,
      acl: true,
    });
    Statement.push(
      ...policy.Statement.map((statement) => ({ ...statement, Sid: `${role}${statement.Sid}` })),
    );
  }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await s3.client().send(new PutBucketPolicyCommand({ Bucket: name, Policy }));
}

async function findKeys(): Promise<Keys> {
  const all = await keysInBucket();
  const one = (end: RegExp) => all.find((key) => end.test(key)) ?? '';
  return {
    all,
    manifest: one(/\/manifest\.pgp$/),
    entry: one(/\/entry\.json$/),
    pack: one(/\/packs\//),
  };
}

async function keysInBucket(): Promise<string[]> {
  const { Versions = [] } = await s3.client().send(new ListObjectVersionsCommand({ Bucket: bucket }));
  return Versions.filter(({ IsLatest }) => IsLatest).flatMap(({ Key }) => Key ?? []);
}

async function versionOf(key: string, Bucket = bucket): Promise<string> {
  const { Versions = [] } = await s3.client().send(new ListObjectVersionsCommand({ Bucket, Prefix: key }));
  return Versions.find(({ Key }) => Key === key)?.VersionId ?? '';
}

function putAs(role: Role, Key: string): Promise<unknown> {
  return clients[role].send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'changed' }));
}

/** The server itself says no. */
async function refused(request: Promise<unknown>): Promise<void> {
  await expect(request).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
}
