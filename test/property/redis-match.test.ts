/** Choosing keys by patterns: as the server itself would, however the rows arrive. */
import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { MatchingReader } from '../../src/restore/matching.ts';
import { keyGlob } from '../../src/rows/key-glob.ts';
import { quoted } from '../../src/rows/redis-quote.ts';
import type { DumpReader, SourceInfo } from '../../src/sources/source.ts';
import { cliQuoted } from '../integration/redis-kit.ts';
import { startRedis, type RedisServer } from '../services/redis.ts';
import { SIGNAL } from '../services/world.ts';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

/** Few letters, so that patterns and keys meet; among them all that mean something. */
const patterns = fc
  .array(fc.constantFrom('a', 'b', 'c', '*', '?', '[', ']', '^', '-', '\\', ':'), { maxLength: 10 })
  .map((letters) => letters.join(''));
const keys = fc.uniqueArray(
  fc
    .array(fc.constantFrom('a', 'b', 'c', '*', '[', ']', '-', '^', '\\', ':'), { maxLength: 8 })
    .map((letters) => letters.join('')),
  { minLength: 1, maxLength: 30 },
);

describe('patterns', () => {
  test.prop([fc.array(patterns, { minLength: 1, maxLength: 20 }), keys], { numRuns: 150 })(
    'fit what KEYS of a server gives',
    async (all, names) => {
      // Redis 7.0 looks behind the end of a pattern whose bracket is open.
      const asked = all.filter((pattern) => !/\[/.test(pattern) || /\[\^?[^\\[\]]+\][^[]*$/.test(pattern));
      fc.pre(asked.length > 0);
      const set = names.map((name) => `SET ${cliQuoted(Buffer.from(name))} 1`);
      const ask = asked.map((pattern) => `EVAL ${COUNT} 0 ${cliQuoted(Buffer.from(pattern))}`);
      const said = await server.cli(['FLUSHALL', ...set, ...ask].join('\n'));
      const found = said
        .trimEnd()
        .split('\n')
        .slice(1 + set.length);
      const ours = asked.map((pattern) => {
        const glob = keyGlob(pattern);
        const fitting = names.filter((name) => glob.fits(Buffer.from(name), 0, name.length));
        return fitting.map((name) => Buffer.from(name).toString('hex'));
      });
      expect(found.map((line) => line.split(',').slice(1).sort())).toEqual(
        ours.map((fitting) => (fitting.length === 0 ? [''] : fitting.sort())),
      );
    },
  );

  test.each([
    ['user:42', 'user:42:cart', false],
    ['user:42*', 'user:42:cart', true],
    ['', '', true],
    ['*', '', true],
    ['?', '', false],
    ['h[a-c]llo', 'hbllo', true],
    ['h[c-a]llo', 'hbllo', true],
    ['h[^a-c]llo', 'hbllo', false],
    ['h[\\]]llo', 'h]llo', true],
    ['[open', 'n', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['tail\\', 'tail\\', true],
  ])('%s and %s: %s', (pattern, key, expected) => {
    expect(keyGlob(pattern).fits(Buffer.from(`<${key}>`), 1, key.length + 1)).toBe(expected);
  });

  test('a hostile pattern takes no longer than its length times the key', () => {
    const glob = keyGlob(`${'*a'.repeat(2000)}b`);
    const key = Buffer.alloc(20_000, 'a');
    // With a way back to every star it would not end today.
    expect(glob.fits(key, 0, key.length)).toBe(false);
  });
});

const COUNT = `"local all = redis.call('KEYS', ARGV[1]) for i, key in ipairs(all) do all[i] = key:gsub('.', function(c) return string.format('%02x', c:byte()) end) end return 'found,' .. table.concat(all, ',')"`;

const rows = fc.array(
  fc.record({
    key: fc.oneof(
      fc.constantFrom('a:1', 'a:2', 'a:1:x', 'b"\\:1', '').map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    ),
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
  { maxLength: 40 },
);
type Row = { readonly key: Buffer; readonly payload: Buffer };

function textOf(all: readonly Row[]): Buffer {
  const lines = all.map(({ key, payload }) =>
    Buffer.concat([Buffer.from('RESTORE '), quoted(key), Buffer.from(' 0 '), quoted(payload), TAIL]),
  );
  return Buffer.concat([Buffer.from('SELECT 0\n'), ...lines]);
}

const TAIL = Buffer.from(' ABSTTL\n');

function dumpOf(text: Buffer, sizes: readonly number[] = [1000]): DumpReader {
  const streams = [
    { name: 'pre-data', section: 'pre-data', dialect: 'sql', rows: 0, bytes: 0 } as const,
    {
      ...({ name: 'db0', section: 'data', dialect: 'redis-restore' } as const),
      ...{ table: { name: 'db0', columns: [] }, rows: 1, bytes: text.length },
    },
  ];
  return {
    source: { kind: 'redis' } as SourceInfo,
    streams,
    async *read() {
      for (let at = 0, index = 0; at < text.length; index += 1) {
        await Promise.resolve();
        const size = sizes[index % sizes.length] ?? 1;
        yield text.subarray(at, at + size);
        at += size;
      }
    },
  };
}

async function readAll(dump: DumpReader): Promise<Buffer> {
  const [stream] = dump.streams;
  return stream ? Buffer.concat(await Array.fromAsync(dump.read(stream, SIGNAL))) : Buffer.alloc(0);
}

const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });

describe('a part of a dump', () => {
  test.prop([rows, sizes], { numRuns: 500 })(
    'is its chosen rows as they were, however they arrive',
    async (all, cuts) => {
      const globs = [keyGlob('a:*'), keyGlob('[b-z]*')];
      const wanted = all.filter(({ key }) => globs.some((glob) => glob.fits(key, 0, key.length)));
      const part = new MatchingReader(dumpOf(textOf(all), cuts), { patterns: ['a:*', '[b-z]*'] });
      expect(part.streams.map(({ name }) => name)).toEqual(['db0']);
      const read = readAll(part);
      if (wanted.length === 0) await expect(read).rejects.toMatchObject({ code: 'NO_KEY_FITS' });
      else expect((await read).equals(textOf(wanted))).toBe(true);
    },
  );

  test.prop([rows, sizes, fc.nat(), fc.integer({ min: 1, max: 255 })], { numRuns: 500 })(
    'of harmed text is refused, or has whole lines of it only',
    async (all, cuts, place, mask) => {
      const text = textOf(all);
      const at = place % text.length;
      text[at] = (text[at] ?? 0) ^ mask;
      const part = new MatchingReader(dumpOf(text, cuts), { patterns: ['*'] });
      try {
        const lines = new Set(text.toString('latin1').split('\n'));
        const read = (await readAll(part)).toString('latin1').split('\n');
        for (const line of read) expect(lines.has(line)).toBe(true);
      } catch (error) {
        expect(isHoldfastError(error) ? error.code : error).toMatch(/^(ROW_UNREADABLE|NO_KEY_FITS)$/);
      }
    },
  );

  test('a cut-off row is refused', async () => {
    const text = textOf([{ key: Buffer.from('a'), payload: Buffer.alloc(50) }]);
    for (const end of [12, 20, 40, text.length - 1]) {
      const part = new MatchingReader(dumpOf(text.subarray(0, end)), { patterns: ['*'] });
      await expect(readAll(part)).rejects.toMatchObject({ code: 'ROW_UNREADABLE' });
    }
  });

  test('databases are chosen as well', () => {
    const dump = dumpOf(textOf([]));
    expect(() => new MatchingReader(dump, { patterns: ['*'], tables: ['db1'] })).toThrow(/no table db1/);
    const empty: DumpReader = { ...dump, streams: [] };
    expect(() => new MatchingReader(empty, { patterns: ['*'] })).toThrow(/no key that fits \*/);
  });
});
