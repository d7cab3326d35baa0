/**
 * Goal: what a host's index says after it has heard of moved packs is where each segment lies, and a segment that was
 * retired, wherever it lay then, is in no index any more.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Moves, readsOf } from '../../src/purge/rewrite/moves.ts';
import type { Ledger } from '../../src/repository/ledger.ts';
import { followPurges } from '../../src/repository/moves.ts';
import { SegmentIndex } from '../../src/repository/segment-index.ts';
import { tempFolder } from '../services/temp.ts';

const OLD = '039/00000000000000aa';
const NEW = ['039/00000000000000b0', '039/00000000000000b1'] as const;

/** Segments back to back; some live. Each goes to one of two packs, in order. */
const packs = fc.array(
  fc.record({ length: fc.integer({ min: 1, max: 50 }), lives: fc.boolean(), to: fc.constantFrom(0, 1) }),
  { minLength: 1, maxLength: 40 },
);

function segment(offset: number, length: number) {
  return {
    ...{ id: randomBytes(32), salt: randomBytes(16), sha256: randomBytes(32) },
    ...{ offset, length, plain: length, rows: 1 },
  };
}

/** Moves the living ones, as a purge does. */
function moved(segments: readonly { length: number; lives: boolean; to: number }[]) {
  const moves = new Moves();
  const ends = [0, 0];
  const places = [];
  let at = 0;
  for (const { length, lives, to } of segments) {
    const end = ends[to] ?? 0;
    const place = { pack: NEW[to === 0 ? 0 : 1], offset: end };
    if (lives) moves.add({ pack: OLD, offset: at, length }, place);
    if (lives) ends[to] = end + length;
    places.push({ offset: at, length, now: lives ? place : undefined });
    at += length;
  }
  const sizes = new Map(NEW.map((ref, index) => [ref as string, Math.max(1, ends[index] ?? 0)]));
  return { moves, places, sizes };
}

type Event = Ledger['lines'][number]['event'];

/** Lines of one operator, a second apart. */
function ledgerOf(events: readonly Event[]): Ledger {
  const lines = events.map((event, index) => ({
    ...{ format: 1 as const, kind: 'ledger' as const, store: crypto.randomUUID(), set: 'shop' },
    ...{ writer: 'key-1', seq: index + 1, prev: null, heads: {}, signer: 'somebody' },
    time: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(),
    event,
  }));
  return { lines, heads: {}, hashes: new Map() };
}

function movedEvent({ moves, sizes }: ReturnType<typeof moved>): Event {
  return {
    ...{ type: 'amended', id: 'a-packs', amended: [], packs: [...sizes] },
    moved: [['db1', 1, OLD, moves.rangesOf(OLD)]],
  };
}

async function emptyIndex(): Promise<SegmentIndex> {
  return new SegmentIndex(join(await tempFolder('index'), 'segments.sqlite'));
}

function placeIn(index: SegmentIndex, id: Uint8Array) {
  const found = index.find(id);
  const pack = [...index.packs()].find((one) => one.pack === found?.pack)?.ref;
  return found && { pack, offset: found.offset };
}

describe('moved segments', () => {
  test.prop([packs], { numRuns: 60 })(
    'are where the ledger says, and nothing else is known',
    async (drawn) => {
      const all = moved(drawn);
      using index = await emptyIndex();
      const rows = all.places.map(({ offset, length }) => segment(offset, length));
      index.add({ ref: OLD, bytes: 10_000 }, rows);
      expect(followPurges(index, ledgerOf([movedEvent(all)]), 'db1', 1)).toBe(rows.length);
      for (const [n, { offset, length, now }] of all.places.entries()) {
        expect(placeIn(index, rows[n]?.id ?? new Uint8Array())).toEqual(now);
        const { pack, offset: to } = all.moves.follow({ pack: OLD, offset, length });
        expect({ pack, offset: to }).toEqual(now ?? { pack: OLD, offset });
      }
      expect([...index.packs()].map(({ ref }) => ref)).not.toContain(OLD);
      // Heard once more it changes nothing, and another chain is not touched by it.
      expect(followPurges(index, ledgerOf([movedEvent(all)]), 'db1', 1)).toBe(0);
    },
  );

  test.prop([packs, fc.nat(), fc.boolean()], { numRuns: 60 })(
    'that were retired, before they were moved or where they lie now, are forgotten',
    async (drawn, which, isBefore) => {
      const all = moved(drawn);
      using index = await emptyIndex();
      const rows = all.places.map(({ offset, length }) => segment(offset, length));
      index.add({ ref: OLD, bytes: 10_000 }, rows);
      const n = which % rows.length;
      const { offset = 0, now } = all.places[n] ?? {};
      const place = isBefore || !now ? { pack: OLD, offset } : now;
      const retire: Event = {
        ...{ type: 'purge-intent', id: 'a', subject: 's', plan: '0'.repeat(64), snapshots: [] },
        retired: [['db1', 1, place.pack, place.offset]],
      };
      followPurges(
        index,
        ledgerOf(isBefore ? [retire, movedEvent(all)] : [movedEvent(all), retire]),
        'db1',
        1,
      );
      for (const [at, one] of all.places.entries()) {
        const expected = at === n ? undefined : one.now;
        expect(placeIn(index, rows[at]?.id ?? new Uint8Array())).toEqual(expected);
      }
    },
  );

  test.prop([packs, fc.integer({ min: 0, max: 60 })])(
    'are read in order, over small gaps only',
    (drawn, gap) => {
      const { places } = moved(drawn);
      const living = places
        .filter(({ now }) => now)
        .map(({ offset, length }) => ({ pack: OLD, offset, length }));
      const reads = readsOf(living, gap);
      expect(reads.flat()).toEqual(living);
      for (const read of reads)
        for (const [n, { offset }] of read.entries()) {
          const before = read[n - 1];
          if (before) expect(offset - before.offset - before.length).toBeLessThanOrEqual(gap);
        }
    },
  );
});
