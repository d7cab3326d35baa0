/** A Redis server with every kind of value, and what tests do with dumps of it. */
import { redisSource } from '../../src/sources/redis/source.ts';
import type { DumpReader, SourceInfo, StoredStream, StreamInfo } from '../../src/sources/source.ts';
import { startRedis } from '../services/redis.ts';
import type { RedisServer } from '../services/redis.ts';
import { SIGNAL } from '../services/world.ts';

/** redis-cli's own quoting of any bytes, written here once more. */
export function cliQuoted(bytes: Uint8Array): string {
  return `"${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`;
}

const ALL_BYTES = cliQuoted(Uint8Array.from({ length: 256 }, (_, byte) => byte));
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const LIBRARY = "#!lua name=mylib\nredis.register_function('f', function() return 'quo\"te\\\\' end)\n-- é";

/** Commands that make keys of every type in each of its encodings. */
export const AWKWARD: string = [
  `FUNCTION LOAD ${cliQuoted(Buffer.from(LIBRARY))}`,
  'SET plain value',
  'SET "" empty-key',
  'SET empty ""',
  `SET ${ALL_BYTES} ${ALL_BYTES}`,
  'SET "a b\\nc\\"d\\\\e\\x00f" "RESTORE \\"x\\" 0 \\"y\\" ABSTTL\\nSELECT 5\\n"',
  'SET "ünïcode 表" "💥 é"',
  ...['0', '12', '-128', '32767', '-32769', '2147483647', '-2147483648', '99999999999'].flatMap((number) => [
    `SET ${number} ${number}`,
  ]),
  `SET ${'long-key-'.repeat(30)} ${'repeated text '.replaceAll(' ', '_').repeat(400)}`,
  'SET brief "gone at once" PXAT 4102444800123',
  'SETBIT bits 100000 1',
  'PFADD hll a b c d e f',
  'RPUSH list a b c 1 2 3',
  `RPUSH biglist ${numbers(3000)
    .map((n) => `item-${n}`)
    .join(' ')}`,
  `RPUSH plainlist small ${'x'.repeat(20_000)} small`,
  'SADD intset 1 2 300000 -5',
  'SADD set a b c',
  `SADD bigset ${numbers(2000)
    .map((n) => `m${n}`)
    .join(' ')}`,
  'ZADD zset 1.5 a -inf b +inf c 0.1 d',
  `ZADD bigzset ${numbers(1000)
    .map((n) => `${n / 7} z${n}`)
    .join(' ')}`,
  'HSET hash f1 v1 f2 2',
  `HSET bighash ${numbers(1500)
    .map((n) => `f${n} v${n * n}`)
    .join(' ')}`,
  'GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
  'XADD stream 1-1 a 1 b 2',
  ...numbers(300).map((n) => `XADD stream ${n + 2}-0 field value${n}`),
  'XDEL stream 5-0',
  'XGROUP CREATE stream g1 0',
  'XGROUP CREATE stream g2 $',
  'XREADGROUP GROUP g1 alice COUNT 20 STREAMS stream >',
  'XREADGROUP GROUP g1 bob COUNT 5 STREAMS stream >',
  'XACK stream g1 2-0',
  'XADD emptystream 1-1 a 1',
  'XDEL emptystream 1-1',
  'SELECT 3',
  'SET plain "of another database"',
  'HSET user:1 name Ann mail ann@example.org',
  'SELECT 15',
  'SET last 1',
].join('\n');

/** Fills a server with all of that, with sessions, and with a value larger than a segment may be. */
export async function fillAwkward(server: RedisServer, sessions = 500): Promise<void> {
  const said = await server.cli(AWKWARD);
  if (/^\(error\)|^ERR|^WRONG/m.test(said)) throw new Error(said);
  // In its row it takes more than a segment may have.
  await server.cli('SETRANGE zeros 1500000 end');
  await server.cli(`SET huge ${cliQuoted(Buffer.alloc(1_500_000, 'noise \x01\xfe\n', 'latin1'))}`);
  await server.cli(
    numbers(sessions)
      .map((n) => `SET session:${n % 50}:${n} '{"user":${n % 50},"mail":"user${n % 50}@example.org"}'`)
      .join('\n'),
  );
}

export interface DumpedStream extends StreamInfo {
  readonly bytes: Buffer;
}

/** Reads a whole dump. */
export async function dumpOf(url: string, signal = SIGNAL): Promise<DumpedStream[]> {
  await using dump = await redisSource({ url, env: {} }).dump(signal);
  const streams: DumpedStream[] = [];
  for (const lane of dump.lanes) {
    for await (const { bytes, ...info } of lane)
      streams.push({
        ...info,
        bytes: Buffer.concat(await Array.fromAsync(bytes, (piece) => Buffer.from(piece))),
      });
  }
  return streams;
}

/** The rows of a stream, without their line ends. */
export function rowsOf({ bytes, table }: DumpedStream): string[] {
  const lines = bytes.toString('latin1').split('\n').slice(0, -1);
  return table === undefined ? lines : lines.slice(1);
}

/** A dump as a loader gets it from a store, in pieces of this many bytes at most that end on row ends where they can. */
export function storedDump(
  streams: readonly DumpedStream[],
  source: SourceInfo,
  pieceBytes = 64 * 1024,
): DumpReader {
  const stored = streams.map((stream): StoredStream => ({
    ...stream,
    rows: rowsOf(stream).length,
    bytes: stream.bytes.length,
  }));
  return {
    source,
    streams: stored,
    async *read({ name }) {
      const bytes = streams.find((stream) => stream.name === name)?.bytes ?? Buffer.alloc(0);
      for (let start = 0; start < bytes.length;) {
        await Promise.resolve();
        const limit = Math.min(bytes.length, start + pieceBytes);
        const lastEnd = bytes.lastIndexOf(10, limit - 1) + 1;
        const end = lastEnd > start ? lastEnd : limit;
        yield bytes.subarray(start, end);
        start = end;
      }
    },
  };
}

/** A server with all of that, and a dump of it. */
export interface AwkwardSource {
  readonly source: RedisServer;
  readonly info: SourceInfo;
  readonly streams: readonly DumpedStream[];
  readonly dump: DumpReader;
}

/** Starts one. */
export async function awkwardSource(): Promise<AwkwardSource> {
  const source = await startRedis();
  await fillAwkward(source);
  const streams = await dumpOf(source.url);
  const info = await redisSource({ url: source.url, env: {} }).probe(SIGNAL);
  return { source, info, streams, dump: storedDump(streams, info) };
}
