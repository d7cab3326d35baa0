/**
 * Goal: what is wrong with the place where backups lie (rules, versions, locks, rights, expiry) is named by `doctor` with
 * the command that mends it.
 */
import { mkdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  GetBucketLifecycleConfigurationCommand,
  GetObjectRetentionCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import type { LifecycleRule } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { addCopy } from '../services/copies.ts';
import { backUp, committedIn, folderPlace, keysIn, machineIn } from '../services/machines.ts';
import type { S3Access } from '../services/s3-access.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3 } from '../services/use.ts';
import { bucketOf, checks, hostIn, place, setKey, shopSource } from './posture.kit.ts';

let s3: S3Access;

beforeAll(async () => {
  s3 = await useS3();
});

test('store policy prints the least for a role of the configured sets; a folder has none', async () => {
  const host = await hostIn(await place());
  const args = ['store', 'policy', '--role', 'host', 'shop'];
  const policy = JSON.parse((await host.good(args)).stdout) as {
    Version: string;
    Statement: { Sid: string }[];
  };
  expect(policy.Version).toBe('2012-10-17');
  const whole = [`arn:aws:s3:::${bucketOf(host)}/prod/db/recover.sh`];
  expect(policy.Statement).toContainEqual(
    expect.objectContaining({
      Sid: 'NeverChangeTheWayOut',
      Resource: expect.arrayContaining(whole) as string[],
    }),
  );
  const { json } = await host.good([
    ...args,
    '--principal',
    'arn:aws:iam:::user/db1',
    '--if-none-match',
    '--json',
  ]);
  expect(json).toEqual([expect.objectContaining({ type: 'summary', role: 'host' })]);
  expect(JSON.stringify(json)).toContain('"Principal":{"AWS":"arn:aws:iam:::user/db1"}');
  expect(JSON.stringify(json)).toContain('s3:if-none-match');
  expect((await host.run(['store', 'policy'])).exitCode).toBe(2);
  expect((await host.run(['store', 'policy', '--role', 'host', 'nobody'])).exitCode).toBe(2);
  // Who runs copy has one policy here and another one where the copy lies; a host has none there.
  const there = 's3://acme-backups-2/prod';
  await setKey(host, `replicas: [{ name: offsite, store: "${there}" }]`);
  const copier = (more: string[]) => host.good(['store', 'policy', '--role', 'copier', ...more]);
  expect((await copier([])).stdout).toContain(`arn:aws:s3:::${bucketOf(host)}/prod/db/leases/shop/*`);
  const atCopy = (await copier(['--copy', 'offsite'])).stdout;
  expect(atCopy).toContain('"arn:aws:s3:::acme-backups-2/prod/keep-*/shop/snapshots/*.pgp"');
  expect(atCopy).not.toContain(bucketOf(host));
  expect((await host.run(['store', 'policy', '--role', 'copier', '--copy', 'elsewhere'])).exitCode).toBe(2);
  expect((await host.run([...args, '--copy', 'offsite'])).stderr).toContain(
    'a host has no business in the copy',
  );
  const inFolder = await hostIn(await folderPlace());
  const refused = await inFolder.run(args);
  expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
  expect(refused.stderr).toContain('is a folder');
});

describe('rules that end objects', () => {
  test('are there after init; a wrong one and a foreign one are named, and foreign rules are never damaged', async () => {
    const host = await hostIn(await place({ versioned: true }));
    const Bucket = bucketOf(host);
    const expiry = (await checks(host)).find(({ what }) => what === 'store expiry');
    expect(expiry).toMatchObject({ verdict: 'ok' });
    expect(expiry?.found).toMatch(/shop: 30 days, gone by 20\d\d-\d\d-\d\d$/);

    const ours = await rulesOf(Bucket);
    const harmless = rule('team-logs', 'logs/', 5);
    const harmful = rule('tidy-everything', 'prod/', 7);
    const spoilt = ours.map((one) =>
      one.ID?.endsWith('keep-030') ? { ...one, Expiration: { Days: 3 } } : one,
    );
    await putRules(Bucket, [harmless, harmful, ...spoilt.slice(1)]);
    const found = await checks(host);
    expect(found.filter(({ what, verdict }) => what === 'store expiry' && verdict === 'wrong')).toEqual([
      expect.objectContaining({ hint: 'Run: holdfast store lifecycle apply' }),
      expect.objectContaining({
        found: expect.stringContaining('tidy-everything') as string,
        // What it prints is taken by what it then says: AWS answers with more than it takes.
        hint: expect.stringMatching(
          `get-bucket-lifecycle-configuration --bucket ${Bucket} --endpoint-url ${s3.endpoint} --query '{Rules: Rules}' > rules.json`,
        ) as string,
      }),
    ]);
    expect((await host.run(['doctor'])).exitCode).toBe(1);

    await host.run(['store', 'lifecycle', 'apply']);
    const after = await rulesOf(Bucket);
    expect(after).toEqual(
      expect.arrayContaining([harmless, harmful].map((one) => expect.objectContaining(one) as object)),
    );
    await putRules(
      Bucket,
      after.filter(({ ID }) => ID !== 'tidy-everything'),
    );
    expect((await host.run(['doctor'])).exitCode).toBe(0);
  });

  test('of a copy in a bucket are written although the store is a folder, and what is missing is said once', async () => {
    const host = await hostIn(await folderPlace());
    const copy = await place();
    const env = { env: copy.env };
    await addCopy(host, copy);
    const missing = await host.run(['store', 'lifecycle', 'check'], env);
    expect(missing.exitCode).toBe(1);
    expect(missing.stdout.match(/holdfast store lifecycle apply/g)).toHaveLength(1);
    expect(missing.stdout).toMatch(/keep-001\/ in time: .* is missing \(and 40 more\)/);
    const { json } = await host.run(['store', 'lifecycle', 'check', '--json'], env);
    expect(json.filter(({ type, kind }) => type === 'problem' && kind === 'missing')).toHaveLength(41);
    await host.good(['store', 'lifecycle', 'apply'], env);
    expect(await rulesOf(copy.bucket)).toHaveLength(41);
    await host.good(['store', 'lifecycle', 'check'], env);
  });

  test('a copy that is not there is mounted or made by copy, never by init', async () => {
    const host = await hostIn(await folderPlace());
    const copy = await folderPlace();
    await addCopy(host, copy);
    const found = (await checks(host)).find(({ what }) => what.startsWith('copy offsite'));
    expect(found).toMatchObject({
      verdict: 'wrong',
      hint: expect.stringContaining('holdfast copy') as string,
    });
    expect(found?.hint).not.toContain('init');
    await mkdir(fileURLToPath(copy.url));
    expectComplaint(await host.run(['snapshots', '--copy', 'offsite']), {
      exit: 10,
      error: /is not a holdfast store/,
      hint: /^holdfast: hint: Mount the disk.*holdfast copy$/m,
    });
  });

  test('a folder has none: doctor says that nothing enforces it, and what should be gone is an alarm', async () => {
    const where = await folderPlace();
    const host = await hostIn(where);
    await backUp(host);
    expect(await checks(host)).toContainEqual(
      expect.objectContaining({
        what: 'store expiry',
        verdict: 'warning',
        found: 'nothing enforces it when this program is dead',
        hint: expect.stringContaining('holdfast expire --confirm') as string,
      }),
    );
    const [manifest = ''] = (await keysIn(where, 'keep-')).filter((key) => key.endsWith('manifest.pgp'));
    const old = new Date(Date.now() - 34 * 86_400_000);
    await utimes(join(new URL(where.url).pathname, manifest), old, old);
    const result = await host.run(['doctor']);
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toMatch(
      /^WRONG +store expiry: nobody runs expire: 1 objects are past their time, such as keep-030/m,
    );
  });
});

describe('who can destroy', () => {
  test('without versions the host can overwrite; with them it cannot', async () => {
    const host = await hostIn(await place());
    const bucket = bucketOf(host);
    expect((await checks(host)).find(({ what }) => what === 'store writing')).toMatchObject({
      verdict: 'warning',
      found: 'this host can overwrite what is there: versioning is off',
      hint: `Turn it on: aws s3api put-bucket-versioning --bucket ${bucket} --endpoint-url ${s3.endpoint} --versioning-configuration Status=Enabled`,
    });
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await s3.client().send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    expect((await checks(host)).find(({ what }) => what === 'store writing')).toMatchObject({
      verdict: 'ok',
    });
  });

  test('a host that can read back what it wrote is told so', async () => {
    const host = await hostIn(await place());
    expect((await checks(host)).map(({ what }) => what)).not.toContain('store rights');
    await backUp(host);
    expect(await checks(host)).toContainEqual(
      expect.objectContaining({
        what: 'store rights',
        verdict: 'warning',
        hint: expect.stringContaining('holdfast store policy --role host') as string,
      }),
    );
  });

  test('a right that is missing is named', async () => {
    const host = await hostIn(await place());
    const user = await s3.createUser(-1);
    const allow = (...Action: string[]) => ({ user, Effect: 'Allow' as const, Action });
    const basic = ['s3:ListBucket', 's3:GetObject'];
    await s3.bucketPolicy(bucketOf(host), [allow(...basic)]);
    const blind = await checks(host, s3.env(user));
    for (const [what, permission] of [
      ['store expiry', 's3:GetLifecycleConfiguration'],
      ['store writing', 's3:GetBucketVersioning'],
      ['store locks', 's3:GetBucketObjectLockConfiguration'],
    ])
      expect(blind).toContainEqual(
        expect.objectContaining({
          what,
          verdict: 'wrong',
          hint: expect.stringContaining(permission ?? '') as string,
        }),
      );
    await s3.bucketPolicy(bucketOf(host), [allow(...basic, 's3:GetBucketVersioning')]);
    expect(await checks(host, s3.env(user))).toContainEqual(
      expect.objectContaining({
        what: 'store writing',
        verdict: 'wrong',
        hint: expect.stringContaining('s3:PutObject') as string,
      }),
    );
  });
});

describe('locks', () => {
  test('a bucket that locks manifests by default is refused by init, and named by doctor', async () => {
    const locked = await place({ objectLock: true });
    const host = await hostIn(locked);
    await lockByDefault(locked.bucket);
    expect(await checks(host)).toContainEqual(
      expect.objectContaining({
        what: 'store locks',
        verdict: 'wrong',
        found: expect.stringContaining('locked for 3 days by default (governance), manifests too') as string,
        hint: expect.stringContaining('ObjectLockEnabled=Enabled') as string,
      }),
    );
    const machine = await machineIn(await tempFolder('host'), locked.env);
    const init = [
      'init',
      '--yes',
      '--store',
      `${locked.url}2`,
      ...locked.initArgs,
      '--set',
      'shop',
      ...(await shopSource()),
    ];
    const refused = await machine.run([...init, '--private-key-out', 'ops.key']);
    expect(refused.exitCode).toBe(7);
    expect(refused.stderr).toContain('manifests too');
    const inside = { Bucket: locked.bucket, Prefix: 'prod/db2' };
    expect((await s3.client().send(new ListObjectsV2Command(inside))).KeyCount).toBe(0);
  });

  test('object_lock without Object Lock is named, and no backup is made without the locks that were promised', async () => {
    const host = await hostIn(await place({ versioned: true }));
    await setKey(host, 'object_lock: { mode: governance }');
    expect(await checks(host)).toContainEqual(
      expect.objectContaining({
        what: 'store locks',
        verdict: 'wrong',
        found: 'object_lock is set for shop, but the bucket has no Object Lock',
      }),
    );
    const failing = await host.run(['backup']);
    expect(failing).toMatchObject({ exitCode: 2, stdout: '' });
    expect(failing.stderr).toContain('lock');
    expect(await committedIn(host.place)).toEqual([]);
  });

  test('packs are locked until their time-to-live, manifests for a few days in governance mode, nothing else', async () => {
    const where = await place({ objectLock: true });
    const host = await hostIn(where);
    await setKey(host, 'object_lock: { mode: compliance, manifests: 3d }');
    const { snapshot } = await backUp(host);
    expect(await checks(host)).toContainEqual(
      expect.objectContaining({ what: 'store locks', verdict: 'ok' }),
    );
    const all = await keysIn(where);
    const store = await where.open();
    try {
      for (const key of all) {
        const lock = await lockOf(where.bucket, `prod/db/${key}`);
        const taken = (await store.head(key))?.modified.getTime() ?? 0;
        const days = lock && (lock.until.getTime() - taken) / 86_400_000;
        if (key.includes('/packs/')) {
          expect(lock?.mode).toBe('COMPLIANCE');
          expect(days).toBeLessThanOrEqual(39);
          expect(days).toBeGreaterThan(38.99);
        } else if (key.includes(`/snapshots/${snapshot}/`)) {
          expect(lock?.mode).toBe('GOVERNANCE');
          expect(days).toBeLessThanOrEqual(3);
          expect(days).toBeGreaterThan(2.99);
        } else expect([key, lock]).toEqual([key, undefined]);
      }
      expect(all.filter((key) => key.includes('/packs/')).length).toBeGreaterThan(0);
    } finally {
      await store.close();
    }
    const reader = await host.reader();
    await reader.good(['verify', '--read-data']);
  });

  test('a copy that cannot be locked is named, and one of a set without locks is not', async () => {
    const host = await hostIn(await place({ objectLock: true }));
    const copy = await place({ versioned: true });
    await addCopy(host, copy);
    const named = expect.objectContaining({ what: 'copy offsite locks' }) as unknown;
    expect(await checks(host, copy.env)).not.toContainEqual(named);
    await setKey(host, 'object_lock: { mode: governance }');
    expect(await checks(host, copy.env)).toContainEqual(
      expect.objectContaining({
        what: 'copy offsite locks',
        verdict: 'warning',
        found: 'the copies of shop are not locked',
        hint: expect.stringContaining('ObjectLockEnabled=Enabled') as string,
      }),
    );
  });

  test('without days for manifests these are not locked at all', async () => {
    const where = await place({ objectLock: true });
    const host = await hostIn(where);
    await setKey(host, 'object_lock: { mode: governance }');
    await backUp(host);
    for (const key of await keysIn(where, 'keep-')) {
      const lock = await lockOf(where.bucket, `prod/db/${key}`);
      expect(lock?.mode).toBe(key.includes('/packs/') ? 'GOVERNANCE' : undefined);
    }
  });
});

async function rulesOf(Bucket: string): Promise<LifecycleRule[]> {
  return (await s3.client().send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules ?? [];
}

async function putRules(Bucket: string, Rules: LifecycleRule[]): Promise<void> {
  await s3
    .client()
    .send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
}

function rule(ID: string, Prefix: string, Days: number): LifecycleRule {
  return { ID, Status: 'Enabled', Filter: { Prefix }, Expiration: { Days } };
}

async function lockByDefault(Bucket: string): Promise<void> {
  const Rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: 3 } };
  const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const, Rule };
  await s3.client().send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
}

async function lockOf(Bucket: string, Key: string) {
  try {
    const { Retention } = await s3.client().send(new GetObjectRetentionCommand({ Bucket, Key }));
    return { mode: Retention?.Mode, until: Retention?.RetainUntilDate ?? new Date(0) };
  } catch (error) {
    if (/ObjectLockConfiguration/.test((error as Error).name)) return undefined;
    throw error;
  }
}
