/** Copies sealed segments as they are out of packs into new ones, and reads the new ones back. No key is needed. */
import { hash } from 'node:crypto';
import { throwIfCancelled } from '../../errors.ts';
import { damaged } from '../../openpgp/errors.ts';
import { packKey } from '../../repository/layout.ts';
import type { PackWriter } from '../../repository/packs.ts';
import type { StoredPack } from '../../repository/packs.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import { replacementDiffers } from '../errors.ts';
import { Moves, readsOf } from './moves.ts';
import type { Place } from './moves.ts';
import { openPacks } from './new-packs.ts';
import type { PackPlace } from './new-packs.ts';

/** One request costs about as much as so many bytes. */
const GAP_BYTES_MAX = 256 * 1024;

/** A sealed segment in its pack. */
export type Sealed = Place & Pick<SegmentRef, 'sha256'>;

export interface MoveOptions extends PackPlace {
  /** Life of the new pack that takes what lies in this one. */
  readonly daysFor: (pack: string) => number;
}

export interface Moved {
  readonly moves: Moves;
  readonly packs: readonly StoredPack[];
  /** Sealed bytes that were read, read back ones not counted. */
  readonly bytesRead: number;
}

/**
 * Copies them all.
 * @throws HoldfastError DAMAGED where one is not what its references say, REPLACEMENT_DIFFERS, what the store throws
 */
export async function moveSegments(
  segments: readonly Sealed[],
  options: MoveOptions,
  signal: AbortSignal,
): Promise<Moved> {
  const moves = new Moves();
  const packs: StoredPack[] = [];
  let bytesRead = 0;
  const byLife = Map.groupBy(segments, ({ pack }) => options.daysFor(pack));
  for (const [days, some] of byLife) {
    const writer = openPacks(days, packs, options, signal);
    try {
      for (const read of readsIn(some)) {
        throwIfCancelled(signal);
        bytesRead += await copyRead(read, { moves, writer }, options, signal);
      }
      await writer.finish();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }
  await readBack(
    segments.map((one) => moves.follow(one)),
    options,
    signal,
  );
  return { moves, packs, bytesRead };
}

/** Pack by pack, each from its beginning. */
function readsIn(segments: readonly Sealed[]): Sealed[][] {
  const byPack = Map.groupBy(segments, ({ pack }) => pack);
  return [...byPack.values()].flatMap((some) =>
    readsOf(
      some.toSorted((a, b) => a.offset - b.offset),
      GAP_BYTES_MAX,
    ),
  );
}

async function copyRead(
  read: readonly Sealed[],
  { moves, writer }: { readonly moves: Moves; readonly writer: PackWriter },
  { store, place }: MoveOptions,
  signal: AbortSignal,
): Promise<number> {
  const { pieces, bytes } = await fetchRead(read, { store, place }, signal);
  for (const [index, from] of read.entries()) {
    const piece = pieces[index] ?? Buffer.alloc(0);
    if (hash('sha256', piece, 'hex') !== from.sha256)
      throw damaged(packKey(place, from.pack), `what lies at ${from.offset} has another SHA-256`);
    moves.add(from, writer.place(piece));
    await writer.ready();
  }
  return bytes;
}

async function fetchRead(
  read: readonly Sealed[],
  { store, place }: Pick<MoveOptions, 'store' | 'place'>,
  signal: AbortSignal,
): Promise<{ readonly pieces: readonly Buffer[]; readonly bytes: number }> {
  const [first] = read;
  const last = read.at(-1);
  if (!first || !last) return { pieces: [], bytes: 0 };
  const start = first.offset;
  const range = { offset: start, length: last.offset + last.length - start };
  const found = await store.get(packKey(place, first.pack), range, signal);
  const pieces = read.map(({ offset, length }) => found.subarray(offset - start, offset - start + length));
  return { pieces, bytes: range.length };
}

/** What a store has acknowledged is believed once it gives it back. */
async function readBack(
  segments: readonly Sealed[],
  options: Pick<MoveOptions, 'store' | 'place'>,
  signal: AbortSignal,
): Promise<void> {
  for (const read of readsIn(segments)) {
    throwIfCancelled(signal);
    const { pieces } = await fetchRead(read, options, signal);
    for (const [index, { pack, offset, sha256 }] of read.entries())
      if (hash('sha256', pieces[index] ?? Buffer.alloc(0), 'hex') !== sha256)
        throw replacementDiffers(packKey(options.place, pack), offset);
  }
}
