/** Restores into real Redis servers: equal, never over anything, and without a trace when they fail. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { redisLoader } from '../../src/sources/redis/loader.ts';
import type { DumpReader, SourceInfo } from '../../src/sources/source.ts';
import { startRedis, type RedisServer } from '../services/redis.ts';
import { SIGNAL } from '../services/world.ts';
import { LOAD_DEFAULTS } from './memory-dump.ts';
import { awkwardSource, dumpOf, storedDump, type DumpedStream } from './redis-kit.ts';

let source: RedisServer;
let streams: readonly DumpedStream[];
let info: SourceInfo;
let dump: DumpReader;

beforeAll(async () => {
  ({ source, info, streams, dump } = await awkwardSource());
});

const loaderFor = ({ url }: Pick<RedisServer, 'url'>) => redisLoader({ url, env: {} });

test.each([[1000], [64 * 1024], [4 * 1024 * 1024]])(
  'everything comes back, from pieces of %i bytes',
  async (pieceBytes) => {
    const target = await startRedis();
    const stored = storedDump(streams, info, pieceBytes);
    const report = await loaderFor(target).load(stored, LOAD_DEFAULTS, SIGNAL);
    expect(await target.digest()).toBe(await source.digest());
    expect(report.rows).toEqual({ db0: await source.count('db0'), db3: 2, db15: 1 });
    expect(report.ended).toEqual({ db0: 0, db3: 0, db15: 0 });
    expect(report.target).not.toContain(target.password);
    expect(Number(await target.cli('PEXPIRETIME brief'))).toBe(4102444800123);
  },
);

test('the password may come from REDISCLI_AUTH, and the way through a socket', async () => {
  const target = await startRedis();
  const url = target.socketUrl.replace(/\/\/[^@]*@/, '//');
  const loader = redisLoader({ url, env: { REDISCLI_AUTH: target.password } });
  expect(await loader.preflight(dump, LOAD_DEFAULTS, SIGNAL)).toMatchObject({
    exists: true,
    occupied: false,
    problems: [],
    warnings: [],
  });
  await loader.load(dump, LOAD_DEFAULTS, SIGNAL);
  expect(await target.digest()).toBe(await source.digest());
});

test('only the databases that were chosen', async () => {
  const target = await startRedis();
  const report = await loaderFor(target).load(dump, { ...LOAD_DEFAULTS, tables: ['db3'] }, SIGNAL);
  expect(report.rows).toEqual({ db3: 2 });
  expect(await target.count('db0')).toBe(0);
  expect(await target.cli('FUNCTION LIST')).toContain('mylib');
  const unknown = await loaderFor(await startRedis()).preflight(
    dump,
    { ...LOAD_DEFAULTS, tables: ['db4'] },
    SIGNAL,
  );
  expect(unknown.problems.join()).toContain('db4');
});

test('a database without keys, as a purge may leave it, is counted as one', async () => {
  const emptied = streams.map((stream) =>
    stream.name === 'db3' ? { ...stream, bytes: Buffer.from('SELECT 3\n') } : stream,
  );
  const report = await loaderFor(await startRedis()).load(storedDump(emptied, info), LOAD_DEFAULTS, SIGNAL);
  expect(report.rows).toMatchObject({ db3: 0, db15: 1 });
});

test('keys whose time has ended stay away, and are counted', async () => {
  const brief = await startRedis();
  await brief.cli('SET forever 1\nSET long 1 EX 1000\nSET short 1 PX 1500\nSET shorter 1 PX 1200');
  const short = storedDump(await dumpOf(brief.url), info);
  await sleep(1600);
  const target = await startRedis();
  const report = await loaderFor(target).load(short, LOAD_DEFAULTS, SIGNAL);
  expect(report).toMatchObject({ rows: { db0: 2 }, ended: { db0: 2 } });
  expect(report.leftOut).toEqual(['2 keys of db0, whose time to live has ended since the backup']);
});

describe('nothing is overwritten', () => {
  test.each([
    ['a key', 'SET mine 1'],
    ['a key elsewhere', 'SELECT 9\nSET mine 1'],
    [
      'a function',
      'FUNCTION LOAD "#!lua name=own\\nredis.register_function(\'g\', function() return 1 end)"',
    ],
  ])('a server that holds %s is refused', async (_, command) => {
    const target = await startRedis();
    await target.cli(command);
    const before = await target.digest();
    const loader = loaderFor(target);
    expect((await loader.preflight(dump, LOAD_DEFAULTS, SIGNAL)).occupied).toBe(true);
    await expect(loader.load(dump, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({ code: 'REDIS_TARGET' });
    expect(await target.digest()).toBe(before);
  });

  test('a key that somebody else writes meanwhile stays, and stops it', async () => {
    const target = await startRedis();
    const meddling = interruptedDump(async () => {
      await target.cli('SET last-of-all theirs\nSELECT 15\nSET last theirs');
    });
    await expect(loaderFor(target).load(meddling, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({
      code: 'REDIS_LOAD',
      message: expect.stringContaining('somebody else') as string,
      hint: expect.stringContaining('still there') as string,
    });
    expect(await target.cli('MGET last-of-all')).toContain('theirs');
    expect(await target.cli('SELECT 15\nGET last')).toContain('theirs');
  });

  test.each([
    ['adds a key', 'SET theirs 1'],
    ['puts a key in the place of one that was loaded', 'DEL plain\nSET theirs 1'],
    ['begins anew', 'FLUSHALL\nSET theirs 1'],
    [
      'writes from a script, and hides its count',
      "EVAL \"redis.call('SET','theirs',1)\" 0\nCONFIG RESETSTAT",
    ],
  ])('when it fails while somebody %s, nothing of theirs is taken out', async (_, commands) => {
    const target = await startRedis();
    const cut = interruptedDump(async () => {
      await target.cli(commands);
      throw new Error('the store is gone');
    });
    await expect(loaderFor(target).load(cut, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({
      code: 'REDIS_LOAD',
      hint: expect.stringMatching(/still there.*somebody else/) as string,
    });
    expect((await target.cli('GET theirs')).trim()).toBe('1');
  });
});

describe('a restore that fails takes out what it loaded', () => {
  const emptyAfter = async (target: RedisServer) => {
    expect(await target.cli('INFO keyspace')).not.toContain('db');
    expect((await target.cli('FUNCTION LIST')).trim()).toBe('');
  };

  test('for want of memory', async () => {
    const target = await startRedis({ settings: { maxmemory: '3mb' } });
    const small = { ...dump, source: { ...info, estimatedBytes: 1 } };
    await expect(loaderFor(target).load(small, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({
      code: 'REDIS_LOAD',
      message: expect.stringContaining('memory is full') as string,
    });
    await emptyAfter(target);
  });

  test('where keys are thrown out instead', async () => {
    const settings = { maxmemory: '4mb', 'maxmemory-policy': 'allkeys-random' };
    const target = await startRedis({ settings });
    const small = { ...dump, source: { ...info, estimatedBytes: 1 } };
    await expect(loaderFor(target).load(small, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({
      code: 'REDIS_LOAD',
    });
    await emptyAfter(target);
  });

  test('when the dump breaks off, or holds something else', async () => {
    for (const harm of [
      (bytes: Buffer) => bytes.subarray(0, bytes.length - 5),
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('FLUSHALL\n')]),
      (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('ABSTTL', 'REPLACE'), 'latin1'),
      // A value that is not what its checksum says.
      (bytes: Buffer) =>
        Buffer.from(bytes.toString('latin1').replace('"\\x00\\x05value', '"\\x00\\x05valve'), 'latin1'),
    ]) {
      const target = await startRedis();
      const harmed = streams.map((stream) =>
        stream.name === 'db0' ? { ...stream, bytes: harm(stream.bytes) } : stream,
      );
      await expect(
        loaderFor(target).load(storedDump(harmed, info), LOAD_DEFAULTS, SIGNAL),
      ).rejects.toMatchObject({
        code: 'REDIS_LOAD',
      });
      await emptyAfter(target);
    }
  });

  test('whatever only reads meanwhile', async () => {
    const target = await startRedis();
    const cut = interruptedDump(async () => {
      await target.cli(
        'PING\nINFO\nKEYS *\nCONFIG GET *\nSLOWLOG GET\nCLIENT LIST\nGET plain\nMULTI\nDBSIZE\nEXEC',
      );
      throw new Error('the store is gone');
    });
    await expect(loaderFor(target).load(cut, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({
      hint: expect.stringContaining('taken out again') as string,
    });
    await emptyAfter(target);
  });

  test('when it is cancelled', async () => {
    const target = await startRedis();
    const controller = new AbortController();
    const cancelled = interruptedDump(() => {
      controller.abort();
      return Promise.resolve();
    });
    await expect(loaderFor(target).load(cancelled, LOAD_DEFAULTS, controller.signal)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    await emptyAfter(target);
  });
});

describe('preflight says what is in the way', () => {
  test.each([
    ['too few databases', { databases: '4' }, /no database 15/],
    ['too little memory', { maxmemory: '1mb' }, /maxmemory/],
    ['a node of a cluster', { 'cluster-enabled': 'yes' }, /cluster/],
  ])('%s', async (_, settings: Record<string, string>, problem) => {
    const target = await startRedis({ settings });
    const { problems } = await loaderFor(target).preflight(dump, LOAD_DEFAULTS, SIGNAL);
    expect(problems.join(' ')).toMatch(problem);
  });

  test('an older server, a replica, and modules that it lacks', async () => {
    const target = await startRedis();
    await target.cli('REPLICAOF 127.0.0.1 1');
    const other = { ...info, serverVersion: '99.1.0', facts: { ...info.facts, modules: ['ReJSON'] } };
    const said = await loaderFor(target).preflight({ ...dump, source: other }, LOAD_DEFAULTS, SIGNAL);
    expect(said.problems.join(' ')).toMatch(/older than 99\.1\.0.*replica/s);
    expect(said.warnings.join(' ')).toContain('ReJSON');
  });
});

/** The dump, in whose midst something happens. */
function interruptedDump(act: () => Promise<void>): DumpReader {
  const stored = storedDump(streams, info, 4096);
  return {
    ...stored,
    async *read(stream, signal) {
      let pieces = 0;
      for await (const piece of stored.read(stream, signal)) {
        pieces += 1;
        if (stream.name === 'db0' && pieces === 100) await act();
        yield piece;
      }
    },
  };
}
