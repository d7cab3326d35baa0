/** Manifests, pages and statements: what is written is read back, and what was changed is refused. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { HoldfastError } from '../../src/errors.ts';
import { formatManifest, parseManifest } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { PageBuilder, formatRef, parsePage } from '../../src/repository/pages.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'));
const count = fc.integer({ min: 0, max: 1_000_000 });
const some = fc.integer({ min: 1, max: 1_000_000 });
const ref: fc.Arbitrary<SegmentRef> = fc.record({
  pack: fc
    .tuple(fc.integer({ min: 1, max: 9999 }), hex(8))
    .map(([days, id]) => `${String(days).padStart(3, '0')}/${id}`),
  offset: count,
  length: some,
  sha256: hex(32),
  plain: some,
  rows: count,
  key: hex(32),
});

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
const stream = fc.record({
  name,
  section: fc.constantFrom('globals' as const, 'pre-data' as const, 'data' as const, 'post-data' as const),
  dialect: fc.constantFrom('sql' as const, 'pg-copy' as const, 'sql-insert' as const),
  segments: fc.constant(0),
  rows: count,
  bytes: count,
  table: fc.option(fc.record({ name, columns: fc.array(name, { maxLength: 5 }) }), { nil: undefined }),
});

const manifest: fc.Arbitrary<Manifest> = fc
  .record({
    pages: fc.array(ref, { maxLength: 8 }),
    sidecar: fc.array(ref, { maxLength: 2 }),
    indexes: fc.array(ref, { maxLength: 2 }),
    streams: fc.uniqueArray(stream, { minLength: 1, maxLength: 6, selector: (one) => one.name }),
  })
  .map(({ pages, streams, sidecar, indexes }) => {
    const total = pages.reduce((sum, page) => sum + page.rows, 0);
    const [first, ...others] = streams.map(({ table, ...rest }) => ({ ...rest, ...(table && { table }) }));
    return {
      binding: {
        format: 1 as const,
        store: '9b2f9e0a-6a3e-4f0e-9d3f-0a1b2c3d4e5f',
        set: 'shop',
        snapshot: '20261121T030005Z-9f3a01c4',
        writer: 'db1',
        chain: 3,
        seq: 17,
        revision: 0,
        time: '2026-11-21T03:00:05.000Z',
        end: '2026-12-21T03:00:05.000Z',
        keep_days: 30,
        pack_days: 39,
        ledger_seen: {},
        recipients: ['9b2f9e0a6a3e4f0e9d3f0a1b2c3d4e5f00112233'],
      },
      source: {
        kind: 'postgres' as const,
        database: 'shop',
        serverVersion: '15',
        toolVersion: '15',
        warnings: [],
        facts: { a: [1, 'ü'] },
      },
      streams: first ? [{ ...first, segments: total }, ...others] : [],
      pages,
      ...(sidecar.length > 0 && { sidecar }),
      ...(indexes.length > 0 && { indexes }),
    };
  });

describe('the manifest', () => {
  test.prop([manifest])('is read back as it was written', (value) => {
    expect(parseManifest(formatManifest(value), 'm')).toEqual(value);
  });

  test.prop([manifest, fc.nat(), fc.nat({ max: 255 })])(
    'with a byte changed is refused or still whole',
    (value, at, byte) => {
      const bytes = formatManifest(value);
      bytes[at % bytes.length] = byte;
      refusedOr(
        () => parseManifest(bytes, 'm'),
        (read) => {
          expect(read.pages).toHaveLength(value.pages.length);
          expect(read.streams).toHaveLength(value.streams.length);
        },
      );
    },
  );

  test.prop([manifest, fc.nat()])('cut off anywhere is refused', (value, at) => {
    const bytes = formatManifest(value);
    expect(() => parseManifest(bytes.subarray(0, at % bytes.length), 'm')).toThrow(HoldfastError);
  });
});

describe('a key page', () => {
  test.prop([fc.array(ref, { minLength: 1, maxLength: 50 })])('is read back as it was written', (refs) => {
    const builder = new PageBuilder();
    for (const one of refs) expect(builder.add(one)).toBeUndefined();
    const page = builder.finish();
    expect(page?.segments).toBe(refs.length);
    expect(parsePage(page?.plain ?? Buffer.alloc(0), 'p')).toEqual(refs);
  });

  test.prop([ref, fc.nat(), fc.nat({ max: 255 })])(
    'with a byte changed is refused or names what it says',
    (one, at, byte) => {
      const builder = new PageBuilder();
      builder.add(one);
      const bytes = builder.finish()?.plain ?? Buffer.alloc(0);
      bytes[at % bytes.length] = byte;
      refusedOr(
        () => parsePage(bytes, 'p'),
        (read) => {
          expect(
            Buffer.from(`${JSON.stringify({ format: 1, kind: 'page' })}\n${read.map(formatRef).join('')}`),
          ).toEqual(bytes);
        },
      );
    },
  );
});

function refusedOr<T>(parse: () => T, check: (value: T) => void): void {
  let value: T;
  try {
    value = parse();
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    return;
  }
  check(value);
}
