/** What servers other than the one of the tests answer about their buckets, and rules on their way there and back. */
import type { LifecycleRule as SdkRule } from '@aws-sdk/client-s3';
import { fc, test as property } from '@fast-check/vitest';
import { TLSSocket } from 'node:tls';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Bucket, LifecycleRule } from '../../src/stores/bucket.ts';
import { regionFrom } from '../../src/stores/s3-bucket.ts';
import { ruleFrom, ruleTo } from '../../src/stores/s3-lifecycle.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';
import { failure, LOCALHOST, refusal, serve, storeAt, useExampleCredentials } from './stores-s3.fake.ts';

useExampleCredentials();

function bucketOf(store: Store): Bucket {
  return store.bucket ?? expect.fail('a store without a bucket');
}

describe('where a bucket is', () => {
  test.each([
    ['ca-central-1', true, 'ca-central-1'],
    ['', true, 'us-east-1'],
    [undefined, true, 'us-east-1'],
    ['EU', true, 'eu-west-1'],
    ['ca-central-1', false, 'ca-central-1'],
    ['', false, undefined],
    [undefined, false, undefined],
    ['EU', false, 'EU'],
  ] as const)('%j (from AWS: %s) means %s', (constraint, isAws, region) => {
    expect(regionFrom(constraint, isAws)).toBe(region);
  });

  test('an empty answer of a server that is not AWS tells nothing', async () => {
    const { endpoint } = await serve((_, response) => response.end('<LocationConstraint/>'));
    expect(await bucketOf(storeAt(endpoint)).location()).toBeUndefined();
  });

  test('a refusal that names another region is an answer', async () => {
    const { endpoint } = await serve((_, response) => {
      response.writeHead(301, { 'x-amz-bucket-region': 'eu-west-1' }).end(refusal('PermanentRedirect'));
    });
    expect(await bucketOf(storeAt(endpoint)).location()).toBe('eu-west-1');
  });

  test('a server that does not know the question', async () => {
    const { endpoint } = await serve((_, response) => response.writeHead(501).end(refusal('NotImplemented')));
    expect(await bucketOf(storeAt(endpoint)).location()).toBeUndefined();
  });
});

describe('a server without versions, locks and rules', () => {
  test('has none, and removes all there is', async () => {
    const page =
      '<ListBucketResult><Name>acme-backups</Name><Contents><Key>prod/a</Key><Size>1</Size>' +
      '<LastModified>2026-11-21T00:00:00Z</LastModified></Contents></ListBucketResult>';
    const { endpoint, requests } = await serve((request, response) => {
      if (request.url?.includes('list-type=2')) response.end(page);
      else if (request.method === 'POST') response.end('<DeleteResult/>');
      else response.writeHead(501).end(refusal('NotImplemented'));
    });
    const store = storeAt(endpoint);
    const bucket = bucketOf(store);
    expect(await bucket.versioning()).toBe('off');
    expect(await bucket.objectLock()).toEqual({ enabled: false });
    expect(await Array.fromAsync(store.versions(''))).toEqual([
      {
        key: 'a',
        bytes: 1,
        modified: new Date('2026-11-21T00:00:00Z'),
        version: 'null',
        isLatest: true,
        isMarker: false,
      },
    ]);
    expect(await store.remove(['a'], { allVersions: true })).toEqual([]);
    expect(requests.filter(({ url }) => url.includes('versions&') || url.endsWith('?versions'))).toEqual([]);
    expect(await failure(bucket.lifecycle())).toMatchObject({ code: 'STORE_FAILED' });
    const lock = { mode: 'governance', until: new Date(Date.now() + 60_000) } as const;
    const put = store.put('k', Buffer.from('x'), { lock });
    expect(await failure(put)).toMatchObject({ code: 'STORE_SETTING', exit: 'usage' });
    expect(requests.some(({ method }) => method === 'PUT')).toBe(false);
  });

  test('a listing of versions goes on at the name that AWS encodes', async () => {
    const entry = (key: string, id: string) =>
      `<Version><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>true</IsLatest><Size>1</Size>` +
      '<LastModified>2026-11-21T00:00:00Z</LastModified></Version>';
    const wrap = (inner: string) =>
      `<ListVersionsResult><Name>acme-backups</Name>${inner}</ListVersionsResult>`;
    const more = (marker: string) =>
      `<IsTruncated>true</IsTruncated><NextKeyMarker>${marker}</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker>`;
    const { endpoint, requests } = await serve((request, response) => {
      const url = request.url ?? '';
      if (url.includes('versioning')) {
        response.end('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
      } else if (!url.includes('key-marker')) {
        response.end(wrap(entry('prod/a%2520b', '1') + more('prod/a%2520b')));
      } else if (url.includes('a%2520b')) {
        response.end(wrap(entry('prod/a%2Bb', '1') + more('prod/a+b')));
      } else {
        response.end(wrap(entry('prod/z', '1')));
      }
    });
    const found = await Array.fromAsync(storeAt(endpoint).versions(''));
    expect(found.map(({ key }) => key)).toEqual(['z']);
    const markers = requests.map(({ url }) => new URL(url, endpoint).searchParams.get('key-marker'));
    expect(markers).toEqual([null, null, 'prod/a%20b', 'prod/a+b']);
  });

  test('a listing of versions that breaks off is none', async () => {
    const { endpoint } = await serve((request, response) => {
      if (request.url?.includes('versioning')) {
        response.end('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
      } else {
        response.end(
          '<ListVersionsResult><Name>b</Name><IsTruncated>true</IsTruncated></ListVersionsResult>',
        );
      }
    });
    const versions = Array.fromAsync(storeAt(endpoint).versions(''));
    expect(await failure(versions)).toMatchObject({ code: 'STORE_FAILED' });
  });
});

describe('TLS', () => {
  async function protocolWith(options: { minVersion?: 'TLSv1'; maxVersion?: 'TLSv1.1' | 'TLSv1.2' }) {
    const spoken: (string | null)[] = [];
    // OpenSSL's own limit is switched off on the server, so that it is ours that is met.
    const tls = { ...LOCALHOST, ...options, ciphers: 'DEFAULT@SECLEVEL=0' };
    const { endpoint } = await serve((request, response) => {
      if (request.socket instanceof TLSSocket) spoken.push(request.socket.getProtocol());
      response.end('<ListBucketResult><Name>acme-backups</Name></ListBucketResult>');
    }, tls);
    const caFile = join(await tempFolder(), 'ca.pem');
    await writeFile(caFile, LOCALHOST.cert);
    await storeAt(endpoint, { caFile }).check();
    return spoken[0];
  }

  test('1.3 is preferred, 1.2 is spoken, 1.1 is refused', async () => {
    expect(await protocolWith({})).toBe('TLSv1.3');
    expect(await protocolWith({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
    const old = protocolWith({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
    expect(await failure(old)).toMatchObject({ code: 'STORE_FAILED' });
  });

  test('a certificate is checked whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { endpoint } = await serve((_, response) => response.end(), LOCALHOST);
    expect(await failure(storeAt(endpoint).check())).toMatchObject({ code: 'STORE_CERTIFICATE' });
  });
});

describe('lifecycle rules', () => {
  const days = fc.integer({ min: 1, max: 4000 });
  const ours: fc.Arbitrary<LifecycleRule> = fc.record(
    {
      id: fc.string({ maxLength: 40 }),
      enabled: fc.boolean(),
      prefix: fc.string({ maxLength: 30 }),
      expireDays: days,
      noncurrentDays: days,
      abortMultipartDays: days,
      expiredDeleteMarkers: fc.constant(true),
    },
    { requiredKeys: ['id', 'enabled', 'prefix'] },
  );

  property.prop([ours])('of ours come back as they went, and need no raw form', (rule) => {
    expect(ruleFrom(ruleTo(rule))).toEqual(rule);
  });

  const tag = fc.record({ Key: fc.string({ minLength: 1 }), Value: fc.string() });
  const filter = fc.oneof(
    fc.record({ Prefix: fc.string() }),
    fc.record({ Tag: tag }),
    fc.record({ ObjectSizeGreaterThan: days }),
    fc.record({
      And: fc.record({ Prefix: fc.string(), Tags: fc.array(tag, { minLength: 1, maxLength: 3 }) }),
    }),
    fc.record({ And: fc.record({ Prefix: fc.string(), ObjectSizeLessThan: days }) }),
  );
  const foreign: fc.Arbitrary<SdkRule> = fc.record(
    {
      ID: fc.string(),
      Status: fc.constantFrom('Enabled', 'Disabled'),
      Filter: filter,
      Expiration: fc.oneof(
        fc.record({ Days: days }),
        fc.record({ Date: fc.date({ noInvalidDate: true }) }),
        fc.record({ ExpiredObjectDeleteMarker: fc.boolean() }),
      ),
      Transitions: fc.array(fc.record({ Days: days, StorageClass: fc.constant('GLACIER' as const) })),
      NoncurrentVersionExpiration: fc.record(
        { NoncurrentDays: days, NewerNoncurrentVersions: days },
        { requiredKeys: ['NoncurrentDays'] },
      ),
      AbortIncompleteMultipartUpload: fc.record({ DaysAfterInitiation: days }),
    },
    { requiredKeys: ['ID', 'Status', 'Filter'] },
  );

  property.prop([foreign])('of others are written back exactly, in today’s form', (sdk) => {
    expect(ruleTo(ruleFrom(sdk))).toEqual(sdk);
  });

  property.prop([foreign])('of others tell what they may do, even when they are kept raw', (sdk) => {
    const rule = ruleFrom(sdk);
    expect(rule.enabled).toBe(sdk.Status === 'Enabled');
    expect(rule.prefix).toBe(sdk.Filter?.Prefix ?? sdk.Filter?.And?.Prefix ?? '');
    expect(rule.expireDays).toBe(sdk.Expiration?.Days);
    expect(rule.expireDate).toBe(sdk.Expiration?.Date);
    expect(rule.filtered ?? false).toBe(sdk.Filter?.Prefix === undefined);
  });

  test.each([
    ['a prefix beside the filter', { Prefix: 'x/' }, { Prefix: 'x/' }],
    ['no filter at all', {}, { Prefix: '' }],
    ['an empty filter', { Filter: {} }, { Prefix: '' }],
    [
      'several conditions without And, as Ceph answers',
      { Filter: { Prefix: 'x/', Tag: { Key: 'a', Value: 'b' } } },
      { And: { Prefix: 'x/', Tags: [{ Key: 'a', Value: 'b' }] } },
    ],
  ] as const)('%s is written in today’s form', (_name, given, Filter) => {
    const sdk = { ID: 'r', Status: 'Enabled', Expiration: { Days: 3 }, ...given } as unknown as SdkRule;
    expect(ruleTo(ruleFrom(sdk))).toEqual({ ID: 'r', Status: 'Enabled', Expiration: { Days: 3 }, Filter });
  });
});
