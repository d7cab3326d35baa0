/** Goal: whoever types what the recipes for retention say gets what they promise: the rights, the locks, the country. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectRetentionCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { openShop } from '../demo/shop.ts';
import type { S3Access, S3User } from '../services/s3-access.ts';
import { usePostgres, useS3 } from '../services/use.ts';
import { PROJECT, codeBlocks, dumpOf, makeShop, newMachine, writePassfile } from './recipes-kit.ts';
import type { Machine, Replacements } from './recipes-kit.ts';
import { contentsOf } from './sqlite-kit.ts';

test('recipe postgres-s3-30d: backs up with the rights of a host only, and comes back with those of a reader', async () => {
  const [postgres, s3] = [await usePostgres(), await useS3()];
  const shop = await makeShop(postgres);
  const bucket = await s3.createBucket('recipe', { versioned: true });
  const [host, reader] = [await s3.createUser(-1), await s3.createUser(-1)];
  const machine = await newMachine({
    ...shop.replacements,
    ...placeOf(s3, bucket),
    ...credentials('your', s3.owner),
    ...credentials('host', host),
    ...credentials('read', reader),
    'user/holdfast-host': `user/${host.uid}`,
    'user/holdfast-read': `user/${reader.uid}`,
  });
  await writePassfile(machine, postgres);
  const page = await pageOf('postgres-s3-30d');
  for (const sql of codeBlocks(page, 'sql')) await postgres.psql(shop.original, machine.fit(sql));
  await machine.install(join(PROJECT, 'recipes/postgres-s3-30d'), 'recipe');
  const [setUp = '', ...rest] = codeBlocks(page, 'sh');
  await machine.sh(setUp, machine.at('recipe'));
  // Step 3, which is done with tools that are not here.
  await setPolicy(s3, bucket, [machine.at('recipe/host.json'), machine.at('recipe/restorer.json')]);
  const said = await machine.sh(`recipe=$PWD\n${rest.join('')}`, machine.at('recipe'));

  expect(said).toContain('this host cannot read back what it wrote');
  expect(said).toContain('old versions are kept');
  expect(said).toMatch(/shop: 30 days, gone by 20\d\d-/);
  expect(await dumpOf(shop.restored)).toBe(await dumpOf(shop.original));
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);
  for (const Key of await keysOf(s3, bucket)) {
    await refused(s3.client(host).send(new DeleteObjectCommand({ Bucket: bucket, Key })));
    await refused(s3.client(reader).send(new DeleteObjectCommand({ Bucket: bucket, Key })));
    if (/\.pgp$|\/packs\//.test(Key)) {
      await refused(s3.client(host).send(new GetObjectCommand({ Bucket: bucket, Key })));
    }
  }
});

test('recipe ninety-days-locked: packs until their end, manifests for a week, and it comes back', async () => {
  const s3 = await useS3();
  const bucket = await s3.createBucket('recipe', { objectLock: true });
  const machine = await newMachine({ ...placeOf(s3, bucket), ...credentials('your', s3.owner) });
  openShop(machine.at('srv/shop/shop.db'));
  const said = await follow('ninety-days-locked', machine);

  expect(said).toContain('packs of shop cannot be deleted before their end');
  expect(said).toMatch(/shop: 90 days, gone by 20\d\d-/);
  expect(contentsOf(machine.at('srv/shop/restored.db'))).toEqual(contentsOf(machine.at('srv/shop/shop.db')));
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);
  const keys = await keysOf(s3, bucket);
  const packs = keys.filter((key) => key.startsWith('prod/keep-099/shop/chains/'));
  const manifests = keys.filter((key) => key.endsWith('/manifest.pgp'));
  expect([packs.length > 0, manifests.length]).toEqual([true, 2]);
  for (const [Key, mode, days] of [
    ...packs.map((key) => [key, 'COMPLIANCE', 99] as const),
    ...manifests.map((key) => [key, 'GOVERNANCE', 7] as const),
  ]) {
    const { Retention } = await s3.client().send(new GetObjectRetentionCommand({ Bucket: bucket, Key }));
    expect(Retention?.Mode).toBe(mode);
    const left = ((Retention?.RetainUntilDate?.getTime() ?? 0) - Date.now()) / 86_400_000;
    expect(Math.ceil(left)).toBe(days);
  }
});

test('recipe canada-only: nothing leaves, nothing comes from elsewhere, and the copy restores', async () => {
  const s3 = await useS3();
  const [bucket, west] = [await s3.createBucket('recipe'), await s3.createBucket('recipe-west')];
  const machine = await newMachine({
    's3://acme-backups-west/prod': `s3://${west}/prod`,
    ...placeOf(s3, bucket),
    ...credentials('your', s3.owner),
  });
  openShop(machine.at('srv/shop/shop.db'));
  const said = await follow('canada-only', machine);

  expect(said.match(/in ca-central-1, as promised/g)).toHaveLength(2);
  expect(contentsOf(machine.at('srv/shop/restored.db'))).toEqual(contentsOf(machine.at('srv/shop/shop.db')));
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);
  expect((await keysOf(s3, west)).filter((key) => key.endsWith('/manifest.pgp'))).toHaveLength(2);
});

function pageOf(recipe: string): Promise<string> {
  return readFile(join(PROJECT, 'recipes', recipe, 'README.md'), 'utf8');
}

/** Follows a recipe from top to bottom. */
async function follow(recipe: string, machine: Machine): Promise<string> {
  await machine.install(join(PROJECT, 'recipes', recipe), 'recipe');
  return machine.sh(codeBlocks(await pageOf(recipe), 'sh').join(''), machine.at('recipe'));
}

function placeOf(s3: S3Access, bucket: string): Replacements {
  return { 's3://acme-backups/prod': `s3://${bucket}/prod`, 'https://s3.example.com': s3.endpoint };
}

function credentials(whose: string, user: S3User): Replacements {
  return { [`${whose}-key-id`]: user.accessKeyId, [`${whose}-secret`]: user.secretAccessKey };
}

/** As the page's jq does it. */
async function setPolicy(s3: S3Access, bucket: string, files: readonly string[]): Promise<void> {
  const policies = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as { Statement: object[] }),
  );
  const Statement = policies
    .flatMap((policy) => policy.Statement)
    .map((one, Sid) => ({ ...one, Sid: String(Sid) }));
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await s3.client().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
}

async function keysOf(s3: S3Access, bucket: string): Promise<string[]> {
  const { Contents = [] } = await s3.client().send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.flatMap(({ Key }) => Key ?? []);
}

async function refused(request: Promise<unknown>): Promise<void> {
  await expect(request).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
}
