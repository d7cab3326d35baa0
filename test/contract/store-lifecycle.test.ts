/** Lifecycle rules of a bucket that holdfast shares with others, on a real S3 server. */
import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  type LifecycleRule as SdkRule,
  type TransitionStorageClass,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LifecycleRule } from '../../src/stores/bucket.ts';
import type { Store } from '../../src/stores/store.ts';
import { closedAtEnd } from './store.helpers.ts';
import { s3World, type S3World } from './store.subjects.ts';

let world: S3World;

beforeAll(async () => {
  world = await s3World();
});

function bucketOf(store: Store): NonNullable<Store['bucket']> {
  if (store.bucket === undefined) throw new Error('a store without a bucket');
  return store.bucket;
}

describe('lifecycle rules', () => {
  const ours: LifecycleRule[] = [
    {
      id: 'ours-1',
      enabled: true,
      prefix: 'some/prefix/keep-030/',
      expireDays: 30,
      noncurrentDays: 1,
      abortMultipartDays: 1,
    },
    { id: 'ours-2', enabled: true, prefix: 'some/prefix/keep-', expiredDeleteMarkers: true },
    { id: 'ours-3', enabled: false, prefix: 'some/prefix/keep-031/', expireDays: 31 },
  ];

  /** What other people's tools write. */
  const foreign: SdkRule[] = [
    {
      ID: 'all',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
    },
    {
      ID: 'and',
      Status: 'Disabled',
      Filter: { And: { Prefix: 'x/', Tags: [tag('a')] } },
      Expiration: { Days: 3 },
    },
    { ID: 'date', Status: 'Enabled', Filter: { Prefix: 'd/' }, Expiration: { Date: new Date('2050-01-01') } },
    {
      ID: 'move',
      Status: 'Enabled',
      Filter: { Prefix: 'm/' },
      Transitions: [{ Days: 5, StorageClass: 'STANDARD' as TransitionStorageClass }],
    },
    { ID: 'plain', Status: 'Enabled', Filter: { Prefix: 'other/' }, Expiration: { Days: 3 } },
    { ID: 'tag', Status: 'Enabled', Filter: { Tag: tag('a') }, Expiration: { Days: 3 } },
    {
      ID: 'tags',
      Status: 'Enabled',
      Filter: { And: { Tags: [tag('a'), tag('b')] } },
      Expiration: { Days: 3 },
    },
    {
      ID: 'three',
      Status: 'Enabled',
      Filter: { And: { Prefix: 't/', Tags: [tag('a'), tag('b')] } },
      NoncurrentVersionExpiration: { NoncurrentDays: 4 },
    },
  ];

  function tag(name: string): { Key: string; Value: string } {
    return { Key: name, Value: `${name} & co` };
  }

  async function rulesIn(bucket: string): Promise<SdkRule[]> {
    const client = world.s3.client();
    const { Rules = [] } = await client
      .send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }))
      .finally(() => client.destroy());
    return Rules;
  }

  async function putForeign(bucket: string): Promise<SdkRule[]> {
    const client = world.s3.client();
    await client
      .send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket: bucket,
          LifecycleConfiguration: { Rules: foreign },
        }),
      )
      .finally(() => client.destroy());
    return rulesIn(bucket);
  }

  test('are set, come back as they were set, and are taken away', async () => {
    const bucket = bucketOf(closedAtEnd(await world.newStore()));
    await bucket.putLifecycle(ours);
    expect(await bucket.lifecycle()).toEqual(ours);
    await bucket.putLifecycle(ours.slice(0, 1));
    expect(await bucket.lifecycle()).toEqual(ours.slice(0, 1));
    await bucket.putLifecycle([]);
    expect(await bucket.lifecycle()).toEqual([]);
    await bucket.putLifecycle([]);
  });

  test('of others stay as they are when ours come and go', async () => {
    const store = closedAtEnd(await world.newStore());
    const before = await putForeign(store.bucketName);
    expect(before).toHaveLength(foreign.length);
    const bucket = bucketOf(store);
    const theirs = await bucket.lifecycle();
    await bucket.putLifecycle([...theirs, ...ours]);
    const both = await bucket.lifecycle();
    expect(both.filter(({ id }) => id.startsWith('ours'))).toEqual(ours);
    await bucket.putLifecycle(both.filter(({ id }) => !id.startsWith('ours')));
    const inOneSpelling = (rules: SdkRule[]) =>
      rules.map((rule) => JSON.stringify(rule).replace('"Prefix":""', '"Filter":{"Prefix":""}')).toSorted();
    expect(inOneSpelling(await rulesIn(store.bucketName))).toEqual(inOneSpelling(before));
  });

  test('of others show what they may do to ours', async () => {
    const store = closedAtEnd(await world.newStore());
    await putForeign(store.bucketName);
    const rules = new Map((await bucketOf(store).lifecycle()).map((rule) => [rule.id, rule]));
    expect(rules.get('plain')).toEqual({ id: 'plain', enabled: true, prefix: 'other/', expireDays: 3 });
    expect(rules.get('all')).toEqual({ id: 'all', enabled: true, prefix: '', abortMultipartDays: 7 });
    expect(rules.get('and')).toMatchObject({ enabled: false, prefix: 'x/', filtered: true, expireDays: 3 });
    expect(rules.get('tags')).toMatchObject({ prefix: '', filtered: true });
    expect(rules.get('date')).toMatchObject({ prefix: 'd/', expireDate: new Date('2050-01-01') });
    expect(rules.get('date')).not.toHaveProperty('filtered');
    expect([...rules.values()].filter(({ raw }) => raw !== undefined).map(({ id }) => id)).toEqual(
      expect.arrayContaining(['and', 'date', 'move', 'tag', 'tags', 'three']),
    );
  });
});
