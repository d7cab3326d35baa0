/** What people read when an S3 server refuses, or answers what is no answer. */
import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { failure, refusal, serve, storeAt, URL_OF_STORE, useExampleCredentials } from './stores-s3.fake.ts';

useExampleCredentials();

describe('refusals of the server', () => {
  const region = { 'x-amz-bucket-region': 'eu-west-1' };
  test.each([
    [301, 'PermanentRedirect', region, '', 'STORE_REGION', 'usage', /eu-west-1/],
    [
      400,
      'AuthorizationHeaderMalformed',
      {},
      '<Region>eu-central-1</Region>',
      'STORE_REGION',
      'usage',
      /eu-central-1/,
    ],
    [301, 'PermanentRedirect', {}, '', 'STORE_REGION', 'usage', /s3\.region/],
    [403, 'AccessDenied', {}, '', 'STORE_DENIED', 'failed', /s3:GetObject on the bucket acme-backups/],
    [403, 'InvalidAccessKeyId', {}, '', 'STORE_CREDENTIALS', 'noStore', /AWS_ACCESS_KEY_ID/],
    [403, 'SignatureDoesNotMatch', {}, '', 'STORE_CREDENTIALS', 'noStore', /AWS_SECRET_ACCESS_KEY/],
    [400, 'ExpiredToken', {}, '', 'STORE_CREDENTIALS', 'noStore', /sign in again/],
    [403, 'RequestTimeTooSkewed', {}, '', 'STORE_CLOCK', 'failed', /timedatectl/],
    [404, 'NoSuchBucket', {}, '', 'STORE_MISSING', 'noStore', /bucket acme-backups/],
    [404, 'NoSuchKey', {}, '', 'STORE_OBJECT_MISSING', 'failed', /verify/],
    [403, 'InvalidObjectState', {}, '', 'STORE_FAILED', 'failed', /doctor/],
    [416, 'InvalidRange', {}, '', 'STORE_OBJECT_SHORT', 'failed', /truncated/],
    [500, 'InternalError', {}, '', 'STORE_BUSY', 'failed', /status page/],
    [503, 'SlowDown', {}, '', 'STORE_BUSY', 'failed', /status page/],
    [429, 'TooManyRequests', {}, '', 'STORE_BUSY', 'failed', /status page/],
    [400, 'RequestTimeout', {}, '', 'STORE_BUSY', 'failed', /status page/],
    [507, 'InsufficientStorage', {}, '', 'STORE_BUSY', 'failed', /status page/],
    [418, 'SomethingNew', {}, '', 'STORE_FAILED', 'failed', /doctor/],
  ] as const)('%i %s', async (status, code, headers, more, expected, exit, hint) => {
    const { endpoint, requests } = await serve((_, response) => {
      response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(refusal(code, more));
    });
    const error = await failure(storeAt(endpoint).get('k'));
    expect(error).toMatchObject({ code: expected, exit });
    expect(error.hint).toMatch(hint);
    expect(error.message).toContain(URL_OF_STORE);
    expect(error.message + error.hint).not.toContain('a-secret-that-appears-nowhere');
    expect(requests, 'the SDK must not retry').toHaveLength(1);
  });

  test.each([
    [400, 'BadDigest', 'STORE_DIGEST'],
    [409, 'ConditionalRequestConflict', 'STORE_BUSY'],
    [403, 'QuotaExceeded', 'STORE_FULL'],
    [412, 'PreconditionFailed', 'STORE_FAILED'],
  ])('%i %s for an unconditional put', async (status, code, expected) => {
    const { endpoint } = await serve((_, response) => response.writeHead(status).end(refusal(code)));
    expect(await failure(storeAt(endpoint).put('k', Buffer.from('x')))).toMatchObject({ code: expected });
  });

  test('the region is in the header when a HEAD has no body to say it in', async () => {
    const { endpoint } = await serve((_, response) => response.writeHead(400, region).end());
    const error = await failure(storeAt(endpoint).head('k'));
    expect(error).toMatchObject({ code: 'STORE_REGION', exit: 'usage' });
    expect(error.hint).toContain('eu-west-1');
  });

  test('one key of several that may not be removed is named', async () => {
    const { endpoint } = await serve((_, response) => {
      response.end(
        '<DeleteResult><Error><Key>prod/absent</Key><Code>NoSuchKey</Code></Error>' +
          '<Error><Key>prod/b/locked</Key><Code>AccessDenied</Code><Message>locked</Message></Error></DeleteResult>',
      );
    });
    const error = await failure(storeAt(endpoint).remove(['absent', 'b/locked', 'c']));
    expect(error).toMatchObject({ code: 'STORE_DENIED' });
    expect(error.message).toContain('b/locked');
    expect(error.hint).toContain('s3:DeleteObject');
  });
});

describe('answers that are none', () => {
  const page: RequestListener = (_, response) => response.end('<html><body>Please sign in</body></html>');

  test('a web page is not an empty bucket, and not an acknowledged put', async () => {
    const { endpoint } = await serve(page);
    const store = storeAt(endpoint);
    expect(await failure(store.check())).toMatchObject({ code: 'STORE_FAILED' });
    expect(await failure(store.folders(''))).toMatchObject({ code: 'STORE_FAILED' });
    expect(await failure(store.put('k', Buffer.from('x')))).toMatchObject({ code: 'STORE_FAILED' });
    expect(await failure(Array.fromAsync(store.list('')))).toMatchObject({ code: 'STORE_FAILED' });
  });

  test('a listing that stops without saying where to go on is no listing', async () => {
    const { endpoint } = await serve((_, response) => {
      const entry =
        '<Contents><Key>prod/a</Key><Size>1</Size><LastModified>2026-11-21T00:00:00Z</LastModified></Contents>';
      response.end(
        `<ListBucketResult><Name>acme-backups</Name>${entry}<IsTruncated>true</IsTruncated></ListBucketResult>`,
      );
    });
    expect(await failure(Array.fromAsync(storeAt(endpoint).list('')))).toMatchObject({
      code: 'STORE_FAILED',
    });
  });

  test('a listing that goes round for ever is no listing', async () => {
    const { endpoint } = await serve((request, response) => {
      const [result, next] = request.url?.includes('versions')
        ? [
            'ListVersionsResult',
            '<NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>',
          ]
        : ['ListBucketResult', '<NextContinuationToken>again</NextContinuationToken>'];
      response.end(`<${result}><Name>acme-backups</Name><IsTruncated>true</IsTruncated>${next}</${result}>`);
    });
    const store = storeAt(endpoint);
    const wanted = { code: 'STORE_FAILED', message: expect.stringContaining('for ever') as string };
    expect(await failure(Array.fromAsync(store.list('')))).toMatchObject(wanted);
    expect(await failure(store.folders(''))).toMatchObject(wanted);
    expect(await failure(Array.fromAsync(store.versions('')))).toMatchObject(wanted);
  });

  test('a body that breaks off is a broken connection, not an object', async () => {
    const { endpoint } = await serve((request, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('only this');
      setTimeout(() => request.socket.destroy(), 20);
    });
    expect(await failure(storeAt(endpoint).get('k'))).toMatchObject({
      code: 'STORE_UNREACHABLE',
      exit: 'noStore',
    });
  });

  test.each([
    ['the whole object', 200, { 'content-length': 9 }, '123456789'],
    ['another range', 206, { 'content-range': 'bytes 0-2/9' }, '123'],
    ['more than was asked for', 206, { 'content-range': 'bytes 3-7/9' }, '45678'],
  ])('%s instead of a range is refused', async (_, status, headers, body) => {
    const { endpoint } = await serve((__, response) => response.writeHead(status, headers).end(body));
    expect(await failure(storeAt(endpoint).get('k', { offset: 3, length: 3 }))).toMatchObject({
      code: 'STORE_FAILED',
    });
  });

  test('less than was asked for is short', async () => {
    const { endpoint } = await serve((_, response) =>
      response.writeHead(206, { 'content-range': 'bytes 3-4/5', 'content-length': 2 }).end('45'),
    );
    expect(await failure(storeAt(endpoint).get('k', { offset: 3, length: 3 }))).toMatchObject({
      code: 'STORE_OBJECT_SHORT',
    });
  });

  test('an object larger than any of ours is not read', async () => {
    let sent = 0;
    const { endpoint } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1e12 });
      const more = () => void (sent += response.write(Buffer.alloc(65536)) ? 65536 : 0);
      const timer = setInterval(more, 1);
      response.on('close', () => clearInterval(timer));
    });
    expect(await failure(storeAt(endpoint).get('k'))).toMatchObject({ code: 'STORE_OBJECT_LARGE' });
    expect(sent).toBeLessThan(10e6);
  });

  test('an object of unknown length is refused', async () => {
    const { endpoint } = await serve((_, response) => {
      response.write('123');
      response.end('456');
    });
    expect(await failure(storeAt(endpoint).get('k'))).toMatchObject({ code: 'STORE_FAILED' });
  });

  test('a server without a clock has no time to tell', async () => {
    const { endpoint } = await serve((_, response) => {
      response.sendDate = false;
      response.end('<ListBucketResult><Name>acme-backups</Name></ListBucketResult>');
    });
    expect(await failure(storeAt(endpoint).now())).toMatchObject({ code: 'STORE_CLOCK' });
  });

  test('a refusal tells the time as well', async () => {
    const { endpoint } = await serve((_, response) => {
      response.writeHead(403, { date: 'Sat, 21 Nov 2020 03:00:00 GMT' }).end(refusal('AccessDenied'));
    });
    const time = await storeAt(endpoint).now();
    expect(Math.abs(time.getTime() - Date.parse('2020-11-21T03:00:00Z'))).toBeLessThan(2000);
  });
});
