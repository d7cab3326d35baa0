/** What an S3 store sends, to whom it refuses to, and what people read when nobody answers. */
import { writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openS3Store } from '../../src/stores/s3.ts';
import { tempFolder } from '../services/temp.ts';
import { failure, LOCALHOST, serve, storeAt, URL_OF_STORE, useExampleCredentials } from './stores-s3.fake.ts';

useExampleCredentials();

describe('nobody there', () => {
  test('nothing listens', async () => {
    const { endpoint, server } = await serve(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const error = await failure(storeAt(endpoint).check());
    expect(error).toMatchObject({ code: 'STORE_UNREACHABLE', exit: 'noStore' });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.hint).toContain('s3.endpoint');
  });

  test('no such host', async () => {
    const error = await failure(storeAt('https://s3.holdfast.invalid').check());
    expect(error).toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(error.hint).toContain('DNS');
  });

  test('silence ends after the idle time', async () => {
    const { endpoint } = await serve(() => undefined);
    const error = await failure(storeAt(endpoint, { idleTimeoutMs: 300 }).get('k'));
    expect(error).toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(error.message).toContain('300 ms');
  });

  test('silence in the middle of a body ends after the idle time', async () => {
    const { endpoint } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('a beginning');
    });
    expect(await failure(storeAt(endpoint, { idleTimeoutMs: 300 }).get('k'))).toMatchObject({
      code: 'STORE_UNREACHABLE',
    });
  });

  test('silence ends at once when cancelled', async () => {
    const { endpoint } = await serve(() => undefined);
    const signal = AbortSignal.timeout(100);
    expect(await failure(storeAt(endpoint).get('k', undefined, signal))).toMatchObject({ code: 'CANCELLED' });
  });
});

describe('transport', () => {
  test.each([
    'http://s3.example.com',
    'http://192.0.2.1:9000',
    'http://127.0.0.1.example.com',
    'http://0.0.0.0',
  ])('plain %s is refused before anything is sent', (endpoint) => {
    expect(() => openS3Store(URL_OF_STORE, { endpoint })).toThrow(
      expect.objectContaining({ code: 'STORE_TRANSPORT', exitCode: 7 }),
    );
  });

  test.each(['http://localhost:1', 'http://127.8.9.1:1', 'http://[::1]:1', 'https://s3.example.com'])(
    '%s may be used',
    (endpoint) => {
      expect(storeAt(endpoint).url).toBe(URL_OF_STORE);
    },
  );

  test.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'])(
    'plain http that comes from %s is refused too',
    async (name) => {
      vi.stubEnv(name, 'http://192.0.2.1:9000');
      const store = openS3Store(URL_OF_STORE, { region: 'us-east-1' });
      onTestFinished(() => store.close());
      expect(await failure(store.check())).toMatchObject({ code: 'STORE_TRANSPORT', exit: 'policy' });
    },
  );

  test('a server with an unknown certificate is refused, and accepted with its authority', async () => {
    const { endpoint, requests } = await serve((_, response) => {
      response.end('<ListBucketResult><Name>acme-backups</Name></ListBucketResult>');
    }, LOCALHOST);
    const error = await failure(storeAt(endpoint).check());
    expect(error).toMatchObject({ code: 'STORE_CERTIFICATE', exit: 'noStore' });
    expect(error.hint).toContain('ca_file');
    expect(requests).toHaveLength(0);

    const caFile = join(await tempFolder(), 'ca.pem');
    await writeFile(caFile, LOCALHOST.cert);
    await storeAt(endpoint, { caFile }).check();
    expect(requests).toHaveLength(1);
  });

  test('a certificate for another name is refused', async () => {
    const { endpoint } = await serve(() => undefined, LOCALHOST);
    const caFile = join(await tempFolder(), 'ca.pem');
    await writeFile(caFile, LOCALHOST.cert);
    const byAddress = endpoint.replace('localhost', '127.0.0.1');
    expect(await failure(storeAt(byAddress, { caFile }).check())).toMatchObject({
      code: 'STORE_CERTIFICATE',
    });
  });

  test('TLS to a port that speaks none', async () => {
    const { endpoint } = await serve(() => undefined);
    const error = await failure(storeAt(endpoint.replace('http:', 'https:')).check());
    expect(error).toMatchObject({ code: 'STORE_FAILED' });
    expect(error.message).toContain('plain http');
  });
});

describe('settings', () => {
  test.each([
    ['endpoint', { endpoint: 's3.example.com' }],
    ['endpoint', { endpoint: 'ftp://s3.example.com' }],
    ['endpoint', { endpoint: 'https://user:hunter2@s3.example.com' }],
    ['ca_file', { caFile: '/nowhere/ca.pem' }],
    ['ca_file', { caFile: '/dev/null' }],
  ] as const)('a wrong %s is a usage error: %j', (setting, settings) => {
    const open = () => openS3Store(URL_OF_STORE, settings);
    expect(open).toThrow(expect.objectContaining({ code: 'STORE_SETTING', exitCode: 2 }));
    expect(open).toThrow(setting);
    expect(open).not.toThrow('hunter2');
  });

  test('no credentials at all', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    const error = await failure(storeAt('http://127.0.0.1:9').check());
    expect(error).toMatchObject({ code: 'STORE_CREDENTIALS', exit: 'noStore' });
    expect(error.hint).toContain('AWS_ACCESS_KEY_ID');
  });

  test('a profile that is not there', async () => {
    const error = await failure(storeAt('http://127.0.0.1:9', { profile: 'nobody-has-this' }).check());
    expect(error).toMatchObject({ code: 'STORE_CREDENTIALS' });
  });

  test('AWS without a region', async () => {
    const store = openS3Store(URL_OF_STORE);
    onTestFinished(() => store.close());
    const error = await failure(store.check());
    expect(error).toMatchObject({ code: 'STORE_REGION', exit: 'usage' });
    expect(error.hint).toContain('s3.region');
  });
});

describe('what goes over the wire', () => {
  const MD5_OF_ABC = 'kAFQmDzST7DWlj99KOF/cg==';
  const accept: RequestListener = (_, response) =>
    response.writeHead(200, { etag: '"1"' }).end('<DeleteResult/>');

  test.each([
    ['content-md5', 'content-md5', MD5_OF_ABC],
    ['sha256', 'x-amz-checksum-sha256', 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='],
    ['crc32', 'x-amz-checksum-crc32', 'NSRBwg=='],
  ] as const)('the digest %s', async (checksum, header, value) => {
    const { endpoint, requests } = await serve(accept);
    await storeAt(endpoint, { checksum }).put('k', Buffer.from('abc'));
    const headers = requests[0]?.headers ?? {};
    expect(headers[header]).toBe(value);
    const digests = Object.keys(headers).filter((name) => /^content-md5$|^x-amz-checksum-/.test(name));
    expect(digests).toEqual([header]);
  });

  test('no digest when none is wanted, and content-md5 without being asked', async () => {
    const { endpoint, requests } = await serve(accept);
    await storeAt(endpoint, { checksum: 'none' }).put('k', Buffer.from('abc'));
    await storeAt(endpoint).put('k', Buffer.from('abc'));
    expect(Object.keys(requests[0]?.headers ?? {}).join()).not.toMatch(/md5|checksum/);
    expect(requests[1]?.headers['content-md5']).toBe(MD5_OF_ABC);
  });

  test('a put is one request with its length, under the prefix, in path style', async () => {
    const { endpoint, requests } = await serve(accept);
    await storeAt(endpoint).put('a/b', Buffer.alloc(5_000_000));
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'PUT', headers: { 'content-length': '5000000' } });
    expect(requests[0]?.url).toMatch(/^\/acme-backups\/prod\/a\/b(\?|$)/);
    expect(requests[0]?.headers.expect).toBeUndefined();
    expect(requests[0]?.headers['transfer-encoding']).toBeUndefined();
  });

  test('removing has a Content-MD5, which older servers insist on, and goes 1,000 at a time', async () => {
    const { endpoint, requests } = await serve(accept);
    await storeAt(endpoint).remove(Array.from({ length: 2001 }, (_, n) => `k/${n}`));
    expect(requests).toHaveLength(3);
    for (const { headers } of requests) expect(headers['content-md5']).toMatch(/^[A-Za-z0-9+/]{22}==$/);
  });

  test('sockets are kept between requests, limited, and closed by close()', async () => {
    const { endpoint, server } = await serve(
      (_, response) => void setTimeout(() => response.writeHead(200, { etag: '"1"' }).end(), 20),
    );
    const store = storeAt(endpoint, { connections: 3 });
    const connections = () =>
      new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    await Promise.all(Array.from({ length: 12 }, (_, n) => store.put(`k/${n}`, Buffer.of(1))));
    expect(await connections()).toBe(3);
    await store.close();
    await vi.waitFor(async () => expect(await connections()).toBe(0));
  });
});
