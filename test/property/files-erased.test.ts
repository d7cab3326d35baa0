/** Archives without some of their files: byte for byte what an archive would be that never had them. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { runsOf } from '../../src/purge/locate/archive-runs.ts';
import { isWithin } from '../../src/rows/files/names.ts';
import { leaveFilesOut, type ArchivePiece } from '../../src/rows/files/leave-out.ts';
import { parseLines, streamsOf } from '../../src/rows/files/list.ts';
import type { ByteRange } from '../../src/sources/source.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { piecesIn, filteredFiles } from '../../src/suppression/filter-files.ts';
import type { ManifestStream } from '../../src/repository/manifest.ts';
import { forge, NEVER, type Forged, type HeldDump } from '../integration/files-kit.ts';

/** Folders with files in them, some of which are further names of others before them. */
const RUNS = { numRuns: 300 };

const trees = fc
  .array(
    fc.record({
      folder: fc.nat(3),
      size: fc.oneof(fc.nat(40), fc.nat(3000)),
      link: fc.option(fc.nat(3), { nil: undefined, freq: 2 }),
      long: fc.boolean(),
    }),
    { minLength: 1, maxLength: 24 },
  )
  .map((files) => {
    const entries: Forged[] = [];
    const originals: string[] = [];
    let at = 0;
    for (const folder of [0, 1, 2, 3]) {
      entries.push({ path: `f${folder}`, type: 'folder', mtime: BigInt(folder) });
      for (const { size, link, long } of files.filter((one) => one.folder === folder)) {
        const path = `f${folder}/${long ? 'n'.repeat(120) : 'n'}${at++}`;
        const target = link === undefined ? undefined : originals[link % Math.max(originals.length, 1)];
        if (target !== undefined) entries.push({ path, type: 'link', target, uid: at });
        else {
          originals.push(path);
          entries.push({
            path,
            type: 'file',
            content: `${at}`.repeat(size),
            size: `${at}`.length * size,
            uid: at,
          });
        }
      }
    }
    return entries;
  });

interface World {
  readonly entries: readonly Forged[];
  readonly gone: readonly string[];
}

const worlds: fc.Arbitrary<World> = trees.chain((entries) =>
  fc.record({
    entries: fc.constant(entries),
    gone: fc.oneof(
      fc.subarray(entries.map(({ path }) => path)),
      // Mostly a file or two, so that many of their further names stay.
      fc.subarray(pathsOf(entries, 'file'), { maxLength: Math.min(2, pathsOf(entries, 'file').length) }),
    ),
  }),
);

function pathsOf(entries: readonly Forged[], type: string): string[] {
  return entries.filter((entry) => entry.type === type).map(({ path }) => path);
}

function isGone(gone: readonly string[]): (path: string) => boolean {
  return (path) => gone.includes(path);
}

/** A folder in which something stays stays too. */
function goesIn({ entries, gone }: World): (path: string) => boolean {
  const stays = entries.map(({ path }) => path).filter((path) => !gone.includes(path));
  return (path) => gone.includes(path) && !stays.some((one) => isWithin(one, path));
}

/** What is left, told without looking at bytes. */
function left(world: World): Forged[] {
  const { entries } = world;
  const goes = goesIn(world);
  const heirs = new Map<string, string>();
  return entries.flatMap((entry): Forged[] => {
    if (goes(entry.path)) return [];
    if (entry.type !== 'link' || !goes(entry.target ?? '')) return [entry];
    const target = entry.target ?? '';
    const heir = heirs.get(target);
    heirs.set(target, heir ?? entry.path);
    if (heir !== undefined) return [{ ...entry, target: heir }];
    const original = entries.find(({ path }) => path === target);
    return original ? [{ ...original, path: entry.path }] : [];
  });
}

function leave(dump: HeldDump, gone: readonly string[]) {
  const numbered = async function* () {
    let place = 0;
    for await (const listed of parseLines(dump.read(streamsOf(dump.streams).list, NEVER)))
      yield { listed, place: place++ };
  };
  return leaveFilesOut(numbered(), isGone(gone), {
    bytes: dump.archive.length,
    read: (ranges) => dump.read(streamsOf(dump.streams).archive, NEVER, ranges),
  });
}

function assembled(pieces: readonly ArchivePiece[], archive: Buffer): Buffer {
  return Buffer.concat(
    pieces.map((piece) =>
      Buffer.isBuffer(piece) ? piece : archive.subarray(piece.offset, piece.offset + piece.length),
    ),
  );
}

test.prop([worlds], RUNS)('what is left is an archive of what is left', async (world) => {
  const dump = forge(world.entries);
  const expected = forge(left(world));
  const found = await leave(dump, world.gone);
  expect(assembled(found.pieces, dump.archive).equals(expected.archive)).toBe(true);
  expect(found.bytes).toBe(expected.archive.length);
});

test.prop([
  worlds,
  fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(5000)), { maxLength: 4 }),
])('a reader gives it in any ranges, with its list', async (world, wanted) => {
  const dump = forge(world.entries);
  const expected = forge(left(world));
  const paths = new Set(world.entries.map(({ path }) => path).filter(isGone(world.gone)));
  const source = { ...dump, streams: dump.streams as readonly ManifestStream[] };
  const reader = await filteredFiles(source, paths, NEVER);
  const { archive, list } = streamsOf(reader.streams);
  const read = async (ranges?: readonly ByteRange[]) =>
    Buffer.concat(await Array.fromAsync(reader.read(archive, NEVER, ranges)));
  expect((await read()).equals(expected.archive)).toBe(true);
  const text = Buffer.concat(await Array.fromAsync(reader.read(list, NEVER)));
  expect(text.toString()).toBe(expected.list.toString());
  expect(list).toMatchObject({ bytes: text.length, rows: left(world).length + 1 });
  let from = 0;
  const ranges = wanted.flatMap(([at, length]) => {
    const offset = from + Math.floor(at * (expected.archive.length - from));
    const range = { offset, length: Math.min(length, expected.archive.length - offset) };
    from = offset + range.length;
    return range.length > 0 ? [range] : [];
  });
  const parts = ranges.map(({ offset, length }) => expected.archive.subarray(offset, offset + length));
  expect((await read(ranges)).equals(Buffer.concat(parts))).toBe(true);
  expect([...piecesIn([], ranges)]).toEqual([]);
});

test.prop([worlds, fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1, maxLength: 9 })])(
  'segments that are not touched stay, and the others are put together of what is left of them',
  async (world, sizes) => {
    const dump = forge(world.entries);
    const { pieces } = await leave(dump, world.gone);
    const segments: SegmentRef[] = [];
    const plains: Buffer[] = [];
    for (let at = 0; at < dump.archive.length;) {
      const plain = dump.archive.subarray(at, at + (sizes[segments.length % sizes.length] ?? 1));
      segments.push({
        ...{
          pack: '1/a',
          offset: segments.length,
          length: 1,
          sha256: '',
          plain: plain.length,
          rows: 0,
          key: '',
        },
      });
      plains.push(plain);
      at += plain.length;
    }
    const runs = runsOf(pieces, segments, { set: 's', writer: 'w', chain: 1 });
    const out: Buffer[] = [];
    let next = 0;
    for (const run of runs) {
      expect(run.segments.length).toBeGreaterThan(0);
      out.push(...plains.slice(next, run.ordinal));
      for (const slice of run.slices)
        out.push(
          Buffer.isBuffer(slice)
            ? slice
            : (plains[slice.ref.offset] ?? Buffer.alloc(0)).subarray(slice.from, slice.to),
        );
      next = run.ordinal + run.segments.length;
    }
    out.push(...plains.slice(next));
    expect(Buffer.concat(out).equals(assembled(pieces, dump.archive))).toBe(true);
    if (!world.gone.some(goesIn(world))) expect(runs).toEqual([]);
  },
);
