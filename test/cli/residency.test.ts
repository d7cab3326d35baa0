/** Goal: what must stay in some regions is refused elsewhere before the first byte, by every verb and for copies too. */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { backUp, folderPlace, keysIn } from '../services/machines.ts';
import { createUserArgs } from '../services/s3-access.ts';
import { useS3, useS3Abroad } from '../services/use.ts';
import { bucketOf, checks, hostIn, place, promise, setKey } from './posture.kit.ts';

describe('where the data lies', () => {
  test('a store in a promised region works, and doctor says so', async () => {
    const host = await hostIn(await place());
    await promise(host, '[eu-west-1, ca-central-1]');
    await backUp(host);
    expect(await checks(host)).toContainEqual(
      expect.objectContaining({
        what: 'store residency',
        verdict: 'ok',
        found: 'in ca-central-1, as promised',
      }),
    );
  });

  test('a store elsewhere is refused before the first byte, by every verb, with exit code 7', async () => {
    const where = await place();
    const host = await hostIn(where);
    await backUp(host);
    await promise(host, '[eu-west-1]');
    const before = await keysIn(where);
    const reader = await host.reader();
    for (const [machine, verb] of [
      ...[['backup'], ['snapshots'], ['status'], ['verify'], ['keys', 'list']].map(
        (args) => [host, args] as const,
      ),
      [reader, ['restore', 'shop', '--to', join(reader.folder, 'out.db')]],
      [reader, ['cat', 'shop']],
    ] as const) {
      const result = await machine.run(verb);
      if (verb[0] === 'keys' && result.exitCode === 0) continue; // It asks the store nothing.
      expect([verb, result.exitCode, result.stdout]).toEqual([verb, 7, '']);
      expect(result.stderr).toContain('is in ca-central-1, but promises.residency allows only eu-west-1');
    }
    expect(await keysIn(where)).toEqual(before);
    expect(await readdir(reader.folder)).not.toContain('out.db');
    expect(await checks(host)).toContainEqual(
      expect.objectContaining({
        verdict: 'wrong',
        found: expect.stringContaining('allows only eu-west-1') as string,
      }),
    );
  });

  test('what does not tell where it is counts as not verified, never as a pass: exit code 5', async () => {
    const host = await hostIn(await folderPlace());
    await promise(host, '[ca-central-1]');
    const result = await host.run(['backup']);
    expect(result).toMatchObject({ exitCode: 5, stdout: '' });
    expect(result.stderr).toContain('a folder has no region');
    const bucket = await hostIn(await place());
    await promise(bucket, '[ca-central-1]');
    const s3 = await useS3();
    const user = await s3.createUser(-1);
    await s3.bucketPolicy(bucketOf(bucket), [
      { user, Effect: 'Allow', Action: ['s3:ListBucket', 's3:GetObject', 's3:PutObject'] },
    ]);
    const blind = await bucket.run(['backup'], { env: s3.env(user) });
    expect(blind.exitCode).toBe(5);
    expect(blind.stderr).toContain('s3:GetBucketLocation');
  });

  test('a copy elsewhere is refused as the store is, and doctor names it', async () => {
    const [s3, abroad] = [await useS3(), await useS3Abroad()];
    const host = await hostIn(await place());
    await backUp(host);
    // A host has one pair of keys, which both servers know.
    const twin = { ...s3.owner, uid: `twin-${randomUUID()}` };
    await abroad.admin(...createUserArgs(twin, 1000));
    const bucket = `copy-${randomUUID()}`;
    await abroad.client(twin).send(new CreateBucketCommand({ Bucket: bucket }));
    const replica = `[{ name: south, store: 's3://${bucket}', s3: { endpoint: '${abroad.endpoint}' } }]`;
    await setKey(host, `replicas: ${replica}`);
    await promise(host, '[ca-central-1]');
    expect(await checks(host)).toContainEqual(
      expect.objectContaining({
        what: `copy south s3://${bucket}`,
        verdict: 'wrong',
        found: expect.stringContaining('is in us-east-1') as string,
      }),
    );
    const refused = await host.run(['copy']);
    expect(refused.exitCode).toBe(7);
    expect(refused.stderr).toContain('is in us-east-1, but promises.residency allows only ca-central-1');
    const { KeyCount } = await abroad.client(twin).send(new ListObjectsV2Command({ Bucket: bucket }));
    expect(KeyCount).toBe(0);
  });
});
