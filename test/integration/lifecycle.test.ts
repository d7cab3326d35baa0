/**
 * Goal: a bucket ends backups by itself, at their time and not before, with this program not running; its rules are
 * written and judged without touching those of others.
 */
import {
  GetBucketLifecycleConfigurationCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { LifecycleRule as SdkRule } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, keysIn, placeOn } from '../services/machines.ts';
import { startRgw } from '../services/rgw.ts';
import type { RgwServer } from '../services/rgw.ts';
import { applyLifecycle, checkLifecycle } from '../../src/retention/apply-lifecycle.ts';
import { SIGNAL } from '../services/world.ts';
import { hostOn, reconfigure } from './lifecycle-kit.ts';

const DAY_MS = 86_400_000;
let s3: RgwServer;
beforeAll(async () => {
  s3 = await startRgw();
});
afterAll(() => s3.stop());

async function rulesOf(bucket: string): Promise<SdkRule[]> {
  const client = s3.client();
  try {
    const answer = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
    return answer.Rules ?? [];
  } finally {
    client.destroy();
  }
}

async function putRules(bucket: string, Rules: SdkRule[]): Promise<void> {
  const client = s3.client();
  try {
    const LifecycleConfiguration = { Rules };
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }));
  } finally {
    client.destroy();
  }
}

const ours = (rules: readonly SdkRule[]) => rules.filter(({ ID = '' }) => ID.startsWith('holdfast-'));
const others = (rules: readonly SdkRule[]) => rules.filter(({ ID = '' }) => !ID.startsWith('holdfast-'));

const FOREIGN: SdkRule[] = [
  { ID: 'logs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 7 } },
  {
    ID: 'tagged',
    Status: 'Enabled',
    Filter: { And: { Prefix: 'prod/', Tags: [{ Key: 'tmp', Value: 'yes' }] } },
    Expiration: { Days: 1 },
  },
  { ID: 'asleep', Status: 'Disabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } },
];

describe('rules', () => {
  test('init writes one for every life; apply mends them, and those of others survive as they were', async () => {
    const place = await placeOn(s3);
    await putRules(place.bucket, FOREIGN);
    const before = others(await rulesOf(place.bucket));
    expect(before).toHaveLength(3);
    const host = await hostOn(place, '30d');
    const written = await rulesOf(place.bucket);
    // 1 to 39 days, one for delete markers, and one for what is left of asking whether puts can refuse to overwrite.
    expect(ours(written)).toHaveLength(41);
    expect(ours(written)).toContainEqual({
      ID: expect.stringMatching(/^holdfast-[0-9a-f]{8}-keep-039$/) as string,
      Status: 'Enabled',
      Filter: { Prefix: 'prod/db/keep-039/' },
      Expiration: { Days: 39 },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    });
    expect(ours(written)).toContainEqual({
      ID: expect.stringMatching(/^holdfast-[0-9a-f]{8}-probe$/) as string,
      Status: 'Enabled',
      Filter: { Prefix: 'prod/db/probe/' },
      Expiration: { ExpiredObjectDeleteMarker: true },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    });
    expect(others(written)).toEqual(before);
    await host.good(['store', 'lifecycle', 'check']);

    // Somebody has removed one, disabled one, and changed one.
    const changed = written.flatMap((rule): SdkRule[] => {
      if (rule.ID?.endsWith('keep-030')) return [];
      if (rule.ID?.endsWith('keep-031')) return [{ ...rule, Status: 'Disabled' }];
      if (rule.ID?.endsWith('keep-039')) return [{ ...rule, Expiration: { Days: 400 } }];
      return [rule];
    });
    await putRules(place.bucket, changed);
    const found = await host.run(['store', 'lifecycle', 'check', '--json']);
    expect(found.exitCode).toBe(1);
    const problems = found.json.filter(({ type }) => type === 'problem');
    expect(problems.map(({ kind, prefix }) => [kind, prefix])).toEqual([
      ['missing', 'prod/db/keep-030/'],
      ['wrong', 'prod/db/keep-031/'],
      ['wrong', 'prod/db/keep-039/'],
    ]);
    for (const { hint } of problems) expect(hint).toBe('Run: holdfast store lifecycle apply');
    await host.good(['store', 'lifecycle', 'apply']);
    const sorted = (rules: SdkRule[]) => rules.toSorted((a, b) => (a.ID ?? '').localeCompare(b.ID ?? ''));
    expect(sorted(await rulesOf(place.bucket))).toEqual(sorted(written));
    const again = await host.good(['store', 'lifecycle', 'apply', '--json']);
    expect(again.json.at(-1)).toMatchObject({ written: 0 });
  });

  test('that are missing for a life leave its snapshots without a day by which they are gone', async () => {
    const place = await placeOn(s3);
    const host = await hostOn(place, '30d');
    await host.good(['backup']);
    await reconfigure(host, (config) => config.replace('keep: 30d', 'keep: 90d'));
    await host.good(['backup']);
    const outer = async () => {
      const { json, stderr } = await host.good(['snapshots', '--json']);
      const days = json.filter(({ type }) => type === 'snapshot').map((one) => one['gone_by'] !== null);
      return { days, warned: /below keep-090\/; .*store lifecycle apply/.test(stderr) };
    };
    expect(await outer()).toEqual({ days: [true, false], warned: true });
    await host.good(['store', 'lifecycle', 'apply']);
    expect(await outer()).toEqual({ days: [true, true], warned: false });
  });

  test('of others that would end backups early are named, each, and left alone', async () => {
    const place = await placeOn(s3);
    const host = await hostOn(place, '30d');
    const harmful: SdkRule[] = [
      { ID: 'everything', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 365 } },
      {
        ID: 'early',
        Status: 'Enabled',
        Filter: { Prefix: 'prod/db/keep-039/shop/' },
        Expiration: { Days: 10 },
      },
      { ID: 'tidy', Status: 'Enabled', Filter: { Prefix: 'prod/db/ledger/' }, Expiration: { Days: 100 } },
    ];
    const harmless: SdkRule[] = [
      { ID: 'later', Status: 'Enabled', Filter: { Prefix: 'prod/db/keep-039/' }, Expiration: { Days: 39 } },
      { ID: 'neighbour', Status: 'Enabled', Filter: { Prefix: 'prod/dbx/' }, Expiration: { Days: 1 } },
    ];
    const all = [...(await rulesOf(place.bucket)), ...harmful, ...harmless];
    await putRules(place.bucket, all);
    const before = others(await rulesOf(place.bucket));
    const found = await host.run(['store', 'lifecycle', 'check']);
    expect(found.exitCode).toBe(1);
    expect(found.stdout).toMatch(
      /rule everything removes prod\/db\/holdfast.json after 365 days, which must stay/,
    );
    expect(found.stdout).toMatch(
      /rule early removes prod\/db\/keep-039\/ after 10 days: the shorter of two rules wins/,
    );
    expect(found.stdout).toMatch(/rule tidy removes prod\/db\/ledger\/ after 100 days/);
    expect(found.stdout).not.toMatch(/later|neighbour/);
    expect(found.stdout).toContain(`aws s3api put-bucket-lifecycle-configuration --bucket ${place.bucket}`);
    expect((await host.run(['store', 'lifecycle', 'apply'])).exitCode).toBe(1);
    expect(others(await rulesOf(place.bucket))).toEqual(before);
  });

  test('more than a bucket takes are refused before anything is changed', async () => {
    const place = await placeOn(s3);
    const host = await hostOn(place, '30d');
    const before = await rulesOf(place.bucket);
    await reconfigure(host, (config) => config.replace('keep: 30d', 'keep: 1000d'));
    const refused = await host.run(['store', 'lifecycle', 'apply']);
    expectComplaint(refused, {
      exit: 2,
      error: /1011 lifecycle rules are needed, and a bucket takes 1000/,
      hint: /keep:/,
    });
    expect(await rulesOf(place.bucket)).toEqual(before);
  });

  test('are written again after a typing error in keep, with one for each life that it has left', async () => {
    const place = await placeOn(s3);
    const host = await hostOn(place, '30d');
    await reconfigure(host, (config) => config.replace('keep: 30d', 'keep: 3000d'));
    await host.good(['backup']);
    await reconfigure(host, (config) => config.replace('keep: 3000d', 'keep: 40d'));
    await host.good(['store', 'lifecycle', 'apply']);
    await host.good(['store', 'lifecycle', 'check']);
    const longer = ours(await rulesOf(place.bucket)).flatMap(({ Expiration }) => Expiration?.Days ?? []);
    expect(longer.filter((days) => days > 48)).toEqual([49, 3000, 3009]);
    expect(longer).toHaveLength(51);
    await host.good(['store', 'lifecycle', 'apply', '--prune']);
    expect(ours(await rulesOf(place.bucket))).toHaveLength(53);
  });

  test('stay while a longer life may be in use elsewhere; --prune takes those that nothing needs', async () => {
    const place = await placeOn(s3);
    const host = await hostOn(place, '30d');
    await reconfigure(host, (config) => config.replace('keep: 30d', 'keep: 10d'));
    await host.good(['store', 'lifecycle', 'apply']);
    expect(ours(await rulesOf(place.bucket))).toHaveLength(41);
    await host.good(['store', 'lifecycle', 'apply', '--prune']);
    expect(ours(await rulesOf(place.bucket))).toHaveLength(21);
  });

  test('a default lock, which would hold manifests, keeps init from making a store', async () => {
    const place = await placeOn(s3, { objectLock: true, defaultRetention: { mode: 'GOVERNANCE', days: 9 } });
    await expect(hostOn(place, '30d')).rejects.toThrow(/locks everything for 9 days by default/);
    expect(await keysIn(place)).toEqual([]);
  });
});

test('versions that a host without the right to delete leaves by asking what puts do go within days', async () => {
  const place = await placeOn(s3, { versioned: true });
  const store = await place.open();
  await applyLifecycle(store, [{ keepDays: 1, fullEveryDays: 1 }], false, SIGNAL);
  await store.close();
  const client = s3.client();
  const probe = { Bucket: place.bucket, Key: 'prod/db/probe/if-absent' };
  for (let n = 0; n < 3; n++) await client.send(new PutObjectCommand({ ...probe, Body: 'asked' }));
  const versions = async () => {
    const { Versions = [], DeleteMarkers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket: place.bucket, Prefix: probe.Key }),
    );
    return Versions.length + DeleteMarkers.length;
  };
  expect(await versions()).toBeGreaterThanOrEqual(3);
  await s3.lifecyclePass(3);
  expect(await versions()).toBe(1);
  client.destroy();
});

test('rules that nothing executes are found out by what is still there', async () => {
  const place = await placeOn(s3);
  const host = await hostOn(place, '30d');
  await backUp(host);
  const store = await place.open();
  const policies = [{ keepDays: 30, fullEveryDays: 7 }];
  const overdue = async (days: number) => {
    const later = new Proxy(store, {
      get: (target, name) => {
        if (name === 'now') return async () => new Date((await target.now()).getTime() + days * DAY_MS);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const report = await checkLifecycle(later, policies, SIGNAL);
    expect(report.problems).toEqual([]);
    return report.overdue.map(({ kind }) => kind).sort();
  };
  expect(await overdue(32.9)).toEqual([]);
  expect(await overdue(33.1)).toEqual(['manifest', 'record']);
  expect(await overdue(42.1)).toEqual(['manifest', 'pack', 'record']);
  await store.close();
});
