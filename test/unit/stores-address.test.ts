/** Addresses and keys: what is accepted can never lead outside the store. */
import { isAbsolute, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { bucketOf, folderOf, schemeOf } from '../../src/stores/address.ts';
import { assertPrefix, keyProblem } from '../../src/stores/keys.ts';
import { isLoopback } from '../../src/stores/s3-settings.ts';

describe('schemeOf', () => {
  test.each([
    ['file:///var/backups', 'file'],
    ['/var/backups', 'file'],
    ['file://host/path', 'file'],
    ['s3://bucket', 's3'],
  ])('%s is of the kind %s', (url, scheme) => {
    expect(schemeOf(url)).toBe(scheme);
  });

  test.each([
    '',
    'backups',
    './backups',
    'ftp://host/x',
    'https://bucket.s3.amazonaws.com',
    'S3://bucket',
    'sftp:x',
  ])('%j is a usage error', (url) => {
    expect(() => schemeOf(url)).toThrow(expect.objectContaining({ code: 'STORE_URL', exitCode: 2 }));
  });

  test('a password in an address that is not understood is not repeated', () => {
    expect(() => schemeOf('sftp://root:hunter2@host/x')).not.toThrow('hunter2');
    expect(() => bucketOf('s3://AKIA:hunter2@bucket/x')).not.toThrow('hunter2');
    expect(() => bucketOf('s3://AKIA:hunter2@bucket/x')).toThrow('credentials');
  });
});

describe('folderOf', () => {
  test.each([
    ['file:///var/backups', '/var/backups'],
    ['file:///var/backups/', '/var/backups'],
    ['/var/backups//x/', '/var/backups/x'],
    ['file:///var/a%20b', '/var/a b'],
    ['/var/a%20b', '/var/a%20b'],
    ['/var/a?b#c', '/var/a?b#c'],
  ])('%s is %s', (url, path) => {
    expect(folderOf(url)).toBe(path);
  });

  test.each([
    'file://var/backups',
    'file://localhost/x',
    'file:x',
    'file:/x',
    'file:///',
    '/',
    '//',
    'file:///a%2Fb',
    'file:///a?b',
    'file:///a#b',
    'file:///a%00b',
    '/a\0b',
  ])('%j is a usage error', (url) => {
    expect(() => folderOf(url)).toThrow(expect.objectContaining({ code: 'STORE_URL', exitCode: 2 }));
  });

  const name = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((text) => !/[/\0]/.test(text) && !/^\.\.?$/.test(text));
  property.prop([fc.array(name, { minLength: 1, maxLength: 5 })])(
    'a path and its URL are the same folder',
    (names) => {
      const path = `/${names.join('/')}`;
      expect(folderOf(path)).toBe(path);
      expect(folderOf(pathToFileURL(path).href)).toBe(path);
    },
  );
});

describe('bucketOf', () => {
  test.each([
    ['s3://bucket', 'bucket', ''],
    ['s3://bucket/', 'bucket', ''],
    ['s3://my.bucket-1/a', 'my.bucket-1', 'a/'],
    ['s3://bucket/a/b_c.d//', 'bucket', 'a/b_c.d/'],
  ])('%s', (url, bucket, prefix) => {
    expect(bucketOf(url)).toEqual({ bucket, prefix });
  });

  test.each([
    's3://',
    's3:///a',
    's3:bucket',
    's3://b',
    's3://bucket//a',
    's3://bucket/../a',
    's3://bucket/a b',
    's3://bucket?x',
  ])('%s is a usage error', (url) => {
    expect(() => bucketOf(url)).toThrow(expect.objectContaining({ code: 'STORE_URL', exitCode: 2 }));
  });
});

describe('keys', () => {
  const nasty = fc.string({
    unit: fc.constantFrom('a', 'Z', '0', '.', '..', '/', '-', '_', '\\', '\0', ' ', '%', 'é', '\n'),
    maxLength: 12,
  });

  property.prop([nasty])(
    'a key that is accepted names a file below the root and no temporary file',
    (key) => {
      if (keyProblem(key) !== undefined) return;
      const path = join('/store', key);
      expect(path).toBe(`/store/${key}`);
      expect(isAbsolute(relative('/store', path)) || relative('/store', path).startsWith('..')).toBe(false);
      expect(key).toMatch(/^[A-Za-z0-9._/-]+$/);
      expect(key.split('/').some((name) => name === '' || name.startsWith('.'))).toBe(false);
    },
  );

  const names = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,30}$/);
  property.prop([fc.array(names, { minLength: 1, maxLength: 8 }), fc.nat()])(
    'every key that follows the rule is accepted, and every beginning of it is a prefix',
    (parts, cut) => {
      const key = parts.join('/');
      expect(keyProblem(key)).toBeUndefined();
      const prefix = key.slice(0, cut % (key.length + 1));
      expect(() => assertPrefix('s3://b', prefix)).not.toThrow();
    },
  );
});

describe('isLoopback', () => {
  test.each(['localhost', 'LOCALHOST', 'bucket.localhost', '127.0.0.1', '127.255.1.2', '::1', '[::1]'])(
    '%s',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  test.each([
    'example.com',
    '0.0.0.0',
    '127.0.0.1.example.com',
    '127.evil.com',
    'localhost.example.com',
    '10.0.0.1',
    '::',
    '',
  ])('not %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
