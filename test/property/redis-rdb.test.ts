/** Reading RDBs of a real server: however they arrive, the same rows; harmed, refused; hostile, refused too. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { beforeAll, expect } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { decompressLzf } from '../../src/sources/redis/lzf.ts';
import { viewOf } from '../../src/rows/redis-quote.ts';
import { Crc64 } from '../../src/sources/redis/crc64.ts';
import { readRdb } from '../../src/sources/redis/rdb.ts';
import { AWKWARD, cliQuoted } from '../integration/redis-kit.ts';
import { locateOrThrow } from '../services/packages.ts';
import { runTool } from '../services/processes.ts';
import { startRedis } from '../services/redis.ts';
import { tempFolder } from '../services/temp.ts';

let rdb: Buffer;
let expected: string;

beforeAll(async () => {
  const server = await startRedis();
  await server.cli(`${AWKWARD}\nSELECT 0\nSET noise ${cliQuoted(Buffer.alloc(70_000, 'abc \x00\x01 def'))}`);
  const file = join(await tempFolder(), 'dump.rdb');
  await runTool(locateOrThrow('redis-cli'), ['-p', String(server.port), '--rdb', file], {
    env: { REDISCLI_AUTH: server.password },
  });
  rdb = await readFile(file);
  expected = await textOf([rdb]);
  await server.stop();
});

/** Everything that is read, as one text; throws what the reader throws. */
async function textOf(chunks: readonly Buffer[], rest = ''): Promise<string> {
  let text = '';
  for await (const event of readRdb(iterate(chunks), 'the server')) {
    if (event.kind === 'command') text += event.line.toString('latin1');
    if (event.kind === 'database') text += `SELECT ${event.number}\n`;
    if (event.kind === 'rows') text += event.bytes.toString('latin1');
    if (event.kind === 'end') expect(event.rest.toString('latin1')).toBe(rest);
  }
  return text;
}

async function* iterate(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

async function outcomeOf(bytes: Buffer): Promise<string> {
  try {
    return await textOf([bytes]);
  } catch (error) {
    if (isHoldfastError(error)) return 'refused';
    throw error;
  }
}

test('the whole of it is read', () => {
  expect(rdb.length).toBeGreaterThan(10_000);
  expect(expected).toMatch(/^FUNCTION LOAD .*\nSELECT 0\nRESTORE /);
  expect(expected.split('\n').length).toBeGreaterThan(350 / 10);
});

test.prop([fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 50 })], { numRuns: 60 })(
  'however the bytes arrive, the rows are the same',
  async (sizes) => {
    const chunks: Buffer[] = [];
    for (let start = 0, index = 0; start < rdb.length; index += 1) {
      const size = sizes[index % sizes.length] ?? 1;
      chunks.push(rdb.subarray(start, start + size));
      start += size;
    }
    expect((await textOf(chunks)) === expected).toBe(true);
  },
);

test('what comes behind it is given back', async () => {
  expect((await textOf([rdb, Buffer.from('')], '')) === expected).toBe(true);
  expect((await textOf([Buffer.concat([rdb, Buffer.from('mark')])], 'mark')) === expected).toBe(true);
});

test.prop([fc.nat(), fc.integer({ min: 1, max: 255 })], { numRuns: 1500 })(
  'a changed byte is refused',
  async (place, mask) => {
    const harmed = Buffer.from(rdb);
    const at = place % rdb.length;
    harmed[at] = (harmed[at] ?? 0) ^ mask;
    expect(await outcomeOf(harmed)).toBe('refused');
  },
);

test.prop([fc.nat()], { numRuns: 300 })('a cut is refused', async (place) => {
  expect(await outcomeOf(rdb.subarray(0, place % rdb.length))).toBe('refused');
});

test.prop([fc.nat(), fc.nat(), fc.uint8Array({ maxLength: 20 })], { numRuns: 500 })(
  'bytes put in or taken out are refused',
  async (place, length, more) => {
    const at = place % rdb.length;
    const end = Math.min(rdb.length, at + (length % 20));
    const harmed = Buffer.concat([rdb.subarray(0, at), more, rdb.subarray(end)]);
    fc.pre(!harmed.equals(rdb));
    // Bytes behind the end are not the reader's business.
    fc.pre(!harmed.subarray(0, rdb.length).equals(rdb));
    expect(await outcomeOf(harmed)).toBe('refused');
  },
);

test.prop([fc.integer({ min: 0, max: 25 }), fc.uint8Array({ maxLength: 400 })], { numRuns: 3000 })(
  'without a checksum, anything is read or refused, and nothing breaks',
  async (type, value) => {
    const start = Buffer.from([0xfe, 0, type, 1, 0x6b]);
    const end = Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    await outcomeOf(Buffer.concat([Buffer.from('REDIS0010'), start, value, end])).catch((error: unknown) => {
      // It may have ended early, with bytes left behind the end.
      if (!String(error).includes('AssertionError')) throw error;
    });
  },
);

test.prop([fc.uint8Array({ maxLength: 500 }), fc.nat({ max: 500 })])(
  'the checksum does not depend on how it is fed',
  (bytes, cut) => {
    const all = viewOf(Buffer.from(bytes));
    const [once, twice, a, b] = [new Crc64(), new Crc64(), viewOf(Buffer.alloc(8)), viewOf(Buffer.alloc(8))];
    once.update(all, 0, all.byteLength);
    const at = Math.min(cut, all.byteLength);
    twice.update(all, 0, at);
    twice.update(all, at, all.byteLength);
    once.writeTo(a, 0);
    twice.writeTo(b, 0);
    expect(a.getBigUint64(0)).toEqual(b.getBigUint64(0));
  },
);

test('the checksum is the one of crc64.c', () => {
  const crc = new Crc64();
  const out = viewOf(Buffer.alloc(8));
  crc.update(viewOf(Buffer.from('123456789')), 0, 9);
  crc.writeTo(out, 0);
  expect(out.getBigUint64(0, true)).toBe(0xe9c6d914c4b8d9can);
});

test.prop([fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 3000 })], { numRuns: 2000 })(
  'LZF of any bytes gives just that length, or nothing',
  (bytes, length) => {
    const text = decompressLzf(Buffer.from(bytes), 0, bytes.length, length);
    expect(text === undefined || text.length === length).toBe(true);
  },
);
