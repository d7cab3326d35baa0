/** Goal: whatever a store or a server cuts off, a restore goes on from there, also where large objects lie half written. */
import { describe, expect, test } from 'vitest';
import { storeBusy, storeDenied, storeUnreachable } from '../../src/stores/errors.ts';
import type { HoldfastError } from '../../src/errors.ts';
import type { DumpReader } from '../../src/sources/source.ts';
import { usePostgres } from '../services/use.ts';
import type { MemoryDump } from './memory-dump.ts';
import { dumpText, freshTarget, load, sharedDump } from './pg-load-kit.ts';

/** More than goes in one round trip, and then another one. */
const OBJECT_BYTES = 1_200_000;

const shop = sharedDump(
  usePostgres,
  `CREATE TABLE files (id int PRIMARY KEY, content oid);
   INSERT INTO files SELECT g, lo_from_bytea(50000 + g, decode(repeat(md5(g::text), ${String(OBJECT_BYTES / 16)}), 'hex')) FROM generate_series(1, 3) g;
   CREATE TABLE last AS SELECT 1 AS a;
   COMMENT ON LARGE OBJECT 50002 IS 'the second one'; GRANT SELECT ON LARGE OBJECT 50001 TO PUBLIC;`,
);

const identity = { label: 'shop@20261122T031500Z-1a2b3c4d', id: '0123456789abcdef0123456789abcdef' };
const GONE = storeUnreachable({ url: 's3://shop' }, 'gone', 'Look there.');
const LARGE_OBJECTS = 'large-objects';

/** Since 17, pg_dump makes large objects where it writes them, and no longer before all data. */
function asOfVersion17(dump: MemoryDump): MemoryDump {
  const about =
    /^(?:SELECT pg_catalog\.lo_create|(?:ALTER|COMMENT ON|GRANT .* ON|REVOKE .* ON) LARGE OBJECT) ?[^;]*;\n/gm;
  const made = (dump.text('pre-data').match(about) ?? []).join('');
  return dump
    .with('pre-data', (text) => text.replaceAll(about, ''))
    .with(LARGE_OBJECTS, (text) => made + text);
}

interface Cut {
  readonly stream: string;
  readonly atBytes: number;
  readonly failure: HoldfastError;
  /** What has to be true before. */
  readonly when?: () => Promise<unknown>;
}

/** The store fails once so many bytes of a stream were read. */
function cutOff(dump: MemoryDump, { stream: name, atBytes, failure, when }: Cut): DumpReader {
  return {
    source: dump.source,
    streams: dump.streams,
    async *read(stream) {
      let bytes = 0;
      for await (const piece of dump.read(stream)) {
        bytes += piece.length;
        if (stream.name === name && bytes > atBytes) {
          await when?.();
          throw failure;
        }
        yield piece;
      }
    },
  };
}

describe.each([
  ['pg_dump of this server', (dump: MemoryDump) => dump],
  ['pg_dump 17', asOfVersion17],
])('%s', (_, make) => {
  test.each([
    ['in the middle of them', LARGE_OBJECTS, OBJECT_BYTES * 3],
    ['behind them', 'public.last', 0],
  ] as const)('large objects, and a store that fails %s', async (_where, stream, atBytes) => {
    const postgres = await usePostgres();
    const dump = make(await shop());
    const whole = freshTarget(postgres);
    await load(whole, dump);
    const undisturbed = await dumpText(whole);
    const url = freshTarget(postgres);
    const written = () => postgres.psql(url, 'SELECT count(DISTINCT loid) FROM pg_largeobject');
    const all = async () => {
      await expect.poll(written, { timeout: 60_000 }).toBe('3');
    };
    const cut = { stream, atBytes, failure: GONE, ...(stream !== LARGE_OBJECTS && { when: all }) };
    await expect(load(url, cutOff(dump, cut), { identity })).rejects.toMatchObject({
      exit: 'noStore',
      message: expect.stringContaining('was kept as it is') as string,
      hint: expect.stringContaining('--resume') as string,
    });
    expect(await written()).toBe(stream === LARGE_OBJECTS ? '0' : '3');
    const report = await load(url, dump, { identity, resume: true });
    expect(report.rows).toEqual({ 'public.files': 3, 'public.last': 1 });
    expect(await dumpText(url)).toBe(undisturbed);
  });
});

test.each([
  ['is overloaded', storeBusy({ url: 's3://shop' }, 'SlowDown')],
  ['refuses us from now on', storeDenied({ url: 's3://shop' }, 'read', 'Ask for the right.')],
])('nor is anything dropped when the store %s', async (_, failure) => {
  const url = freshTarget(await usePostgres());
  const dump = await shop();
  const cut = { stream: 'public.last', atBytes: 0, failure };
  await expect(load(url, cutOff(dump, cut), { identity })).rejects.toMatchObject({
    code: failure.code,
    hint: expect.stringMatching(/--resume/) as string,
  });
  expect((await load(url, dump, { identity, resume: true })).rows).toEqual({
    'public.files': 3,
    'public.last': 1,
  });
});
