/** What a Redis URL says, and what INFO says. */
import { describe, expect, test } from 'vitest';
import { factsFrom } from '../../src/sources/redis/facts.ts';
import { redisSettings } from '../../src/sources/redis/settings.ts';

describe('URLs', () => {
  test.each([
    ['redis://cache', { host: 'cache', port: 6379, display: 'cache:6379' }],
    ['redis://', { host: 'localhost', port: 6379, display: 'localhost:6379' }],
    ['redis://:p%40ss@cache:7000/', { host: 'cache', port: 7000, password: 'p@ss', display: 'cache:7000' }],
    ['redis://ann:pw@[::1]', { host: '::1', port: 6379, user: 'ann', password: 'pw', display: '::1:6379' }],
    ['redis://:pw@/?socket=/run/r.sock', { socket: '/run/r.sock', password: 'pw', display: '/run/r.sock' }],
    ['redis:///?socket=/run/r.sock', { socket: '/run/r.sock', display: '/run/r.sock' }],
    ['rediss://cache?tls-ca=/ca.pem', { tls: { ca: '/ca.pem' } }],
    ['rediss://cache', { tls: {} }],
  ])('%s', (url, expected) => {
    expect(redisSettings(url, {})).toMatchObject(expected);
  });

  test('a password from the environment counts where the URL has none', () => {
    expect(redisSettings('redis://a', { REDISCLI_AUTH: 'x' }).password).toBe('x');
    expect(redisSettings('redis://:y@a', { REDISCLI_AUTH: 'x' }).password).toBe('y');
    expect(redisSettings('redis://a', {}).password).toBeUndefined();
  });

  test.each([
    ['http://cache', /does not begin/],
    ['redis://cache/2', /names a database/],
    ['redis://cache?sock=/x', /unknown parameter sock/],
    ['redis://cache?tls-ca=/x', /rediss/],
    ['redis://:secret-%zz@cache', /password cannot be read/],
    ['redis://cache:99999', /cannot be read/],
    ['redis://u:12/secret@cache', /behind the host/],
    ['redis://u:12?secret=1@cache', /behind the host/],
    ['redis://u:12#secret@cache', /behind the host/],
  ])('%s is refused without being quoted', (url, message) => {
    expect(() => redisSettings(url, {})).toThrow(message);
    expect(() => redisSettings(url, {})).not.toThrow(/secret/);
  });
});

test('INFO of Valkey, of a replica, with modules and databases', () => {
  const facts = factsFrom(
    [
      '# Server',
      'redis_version:7.2.4',
      'valkey_version:8.0.1',
      'redis_mode:cluster',
      'role:slave',
      'master_link_status:down',
      'maxmemory:1000',
      'used_memory_dataset:500',
      'expired_keys:3',
      'module:name=ReJSON,ver=20609,api=1',
      '# Keyspace',
      'db0:keys=12,expires=3,avg_ttl=0',
      'db11:keys=1,expires=0,avg_ttl=0',
    ].join('\r\n'),
  );
  expect(facts).toMatchObject({
    flavour: 'valkey',
    version: '8.0.1',
    mode: 'cluster',
    role: 'replica',
    hasLink: false,
    maxBytes: 1000,
    usedBytes: 500,
    modules: ['ReJSON'],
    expired: 3,
    evicted: 0,
  });
  expect([...facts.keys]).toEqual([
    [0, 12],
    [11, 1],
  ]);
});
