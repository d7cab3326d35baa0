/** Restores into RDB files: a real server starts from them with what was backed up, and nobody's file is lost. */
import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { MatchingReader } from '../../src/restore/matching.ts';
import { redisFileLoader } from '../../src/sources/redis/file-loader.ts';
import { readRdb } from '../../src/sources/redis/rdb.ts';
import type { DumpReader, SourceInfo } from '../../src/sources/source.ts';
import { locateOrThrow } from '../services/packages.ts';
import { runTool, unprivilegedUser } from '../services/processes.ts';
import { startRedis, type RedisServer } from '../services/redis.ts';
import { tempFolder } from '../services/temp.ts';
import { SIGNAL } from '../services/world.ts';
import { LOAD_DEFAULTS } from './memory-dump.ts';
import { awkwardSource, dumpOf, rowsOf, storedDump, type DumpedStream } from './redis-kit.ts';

let source: RedisServer;
let streams: readonly DumpedStream[];
let info: SourceInfo;
let dump: DumpReader;

beforeAll(async () => {
  ({ source, info, streams, dump } = await awkwardSource());
});

/** A folder that a server may read. */
async function place(): Promise<{ readonly folder: string; readonly path: string }> {
  const outer = await tempFolder();
  await chmod(outer, 0o711);
  const folder = join(outer, 'data');
  await mkdir(folder, { mode: 0o755 });
  const user = unprivilegedUser();
  if (user) await chown(folder, user.uid, user.gid);
  return { folder, path: join(folder, 'dump.rdb') };
}

async function serverFrom({ folder, path }: { folder: string; path: string }): Promise<RedisServer> {
  await chmod(path, 0o644);
  return startRedis({ settings: { dir: folder, dbfilename: 'dump.rdb' } });
}

test.each([[1000], [4 * 1024 * 1024]])(
  'a server that starts from it has everything, from pieces of %i bytes',
  async (pieceBytes) => {
    const target = await place();
    const loader = redisFileLoader(target);
    const stored = storedDump(streams, info, pieceBytes);
    expect(await loader.preflight(stored, LOAD_DEFAULTS, SIGNAL)).toMatchObject({
      ...{ target: `file ${target.path}`, exists: false, occupied: false, problems: [], warnings: [] },
    });
    const report = await loader.load(stored, LOAD_DEFAULTS, SIGNAL);
    expect(report).toEqual({
      target: target.path,
      rows: { db0: await source.count('db0'), db3: 2, db15: 1 },
      leftOut: [],
    });
    expect(await readdir(target.folder)).toEqual(['dump.rdb']);
    const said = await runTool(locateOrThrow('redis-check-rdb'), [target.path]);
    expect(said).toMatch(/Checksum OK[^]*RDB looks OK/);
    const copy = await serverFrom(target);
    expect(await copy.digest()).toBe(await source.digest());
    expect(Number(await copy.cli('PEXPIRETIME brief'))).toBe(4102444800123);
    expect(await copy.cli('DBSIZE')).toBe(await source.cli('DBSIZE'));
  },
);

test('the same rows are read from it again', async () => {
  const { path } = await place();
  await redisFileLoader({ path }).load(dump, LOAD_DEFAULTS, SIGNAL);
  const bytes = await readFile(path);
  const read: string[] = [];
  for await (const event of readRdb([bytes].values() as unknown as AsyncIterator<Buffer, void>, 'it'))
    if (event.kind === 'rows') read.push(event.bytes.toString('latin1'));
  const rows = streams.filter(({ table }) => table !== undefined).flatMap(rowsOf);
  expect(read.join('') === rows.map((row) => `${row}\n`).join('')).toBe(true);
});

test('chosen databases, and chosen keys', async () => {
  const [one, some] = [await place(), await place()];
  await redisFileLoader(one).load(dump, { ...LOAD_DEFAULTS, tables: ['db3'] }, SIGNAL);
  const third = await serverFrom(one);
  expect([await third.count('db0'), await third.count('db3')]).toEqual([0, 2]);
  expect(await third.cli('FUNCTION LIST')).toContain('mylib');

  const part = new MatchingReader(dump, { patterns: ['session:7:*', 'user:*'] });
  const report = await redisFileLoader(some).load(part, LOAD_DEFAULTS, SIGNAL);
  expect(report.rows).toEqual({ db0: 10, db3: 1, db15: 0 });
  const copy = await serverFrom(some);
  expect(await copy.count('db0')).toBe(10);
  expect(await copy.cli('SELECT 3\nHGET user:1 mail')).toContain('ann@example.org');
  expect((await copy.cli('FUNCTION LIST')).trim()).toBe('');

  const none = await place();
  const nothing = new MatchingReader(dump, { patterns: ['nobody'] });
  await expect(redisFileLoader(none).load(nothing, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({
    code: 'NO_KEY_FITS',
  });
  expect(await readdir(none.folder)).toEqual([]);
});

test('keys whose time ends meanwhile do not come back', async () => {
  const brief = await startRedis();
  await brief.cli('SET forever 1\nSET short 1 PX 400');
  const short = storedDump(await dumpOf(brief.url), info);
  const target = await place();
  const { rows } = await redisFileLoader(target).load(short, LOAD_DEFAULTS, SIGNAL);
  expect(rows).toEqual({ db0: 2 });
  await brief.cli('DEBUG SLEEP 0.6');
  const copy = await serverFrom(target);
  expect((await copy.cli('KEYS *')).trim()).toBe('forever');
});

test('nothing is written over, and nothing stays of what fails', async () => {
  const { folder, path } = await place();
  const loader = redisFileLoader({ path });
  await writeFile(path, 'mine');
  expect((await loader.preflight(dump, LOAD_DEFAULTS, SIGNAL)).occupied).toBe(true);
  await expect(loader.load(dump, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({ code: 'REDIS_TARGET' });
  expect(await readFile(path, 'utf8')).toBe('mine');

  const unknown = redisFileLoader({ path: join(folder, 'other.rdb') });
  await expect(unknown.load(dump, { ...LOAD_DEFAULTS, tables: ['db4'] }, SIGNAL)).rejects.toThrow(/db4/);
  const lost = redisFileLoader({ path: join(folder, 'no', 'such', 'folder.rdb') });
  await expect(lost.load(dump, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({ code: 'REDIS_TARGET' });
  await expect(
    unknown.load(dump, LOAD_DEFAULTS, AbortSignal.abort(new Error('enough'))),
  ).rejects.toMatchObject({
    exit: 'cancelled',
  });
  expect(await readdir(folder)).toEqual(['dump.rdb']);
});

test('what appears at the path meanwhile is not written over', async () => {
  const { folder, path } = await place();
  const slow: DumpReader = {
    ...dump,
    async *read(stream, signal) {
      await writeFile(path, 'of a server that has saved');
      yield* dump.read(stream, signal);
    },
  };
  await expect(redisFileLoader({ path }).load(slow, LOAD_DEFAULTS, SIGNAL)).rejects.toMatchObject({
    code: 'REDIS_TARGET',
  });
  expect(await readFile(path, 'utf8')).toBe('of a server that has saved');
  expect(await readdir(folder)).toEqual(['dump.rdb']);
});

test('a payload that was changed on the way is refused', async () => {
  const harmed = streams.map((stream) => {
    if (stream.name !== 'db3') return stream;
    const text = stream.bytes.toString('latin1');
    return { ...stream, bytes: Buffer.from(text.replace('another', 'onother'), 'latin1') };
  });
  const { folder, path } = await place();
  await expect(
    redisFileLoader({ path }).load(storedDump(harmed, info), LOAD_DEFAULTS, SIGNAL),
  ).rejects.toMatchObject({ code: 'REDIS_ROW', message: expect.stringContaining('of db3') as string });
  expect(await readdir(folder)).toEqual([]);
});
