/** Which segments of an archive are written anew when parts of it go, and what then takes their place. Pure. */
import { createHash } from 'node:crypto';
import type { ChainPlace } from '../../repository/layout.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { ArchivePiece } from '../../rows/files/leave-out.ts';
import type { ByteRange } from '../../sources/source.ts';
import { editUnsound } from './locate-errors.ts';
import type { ArchiveRun, ArchiveSlice } from './located.ts';

/**
 * The runs of segments that are written anew. Segments that stay as they are where they are belong to none.
 * @param pieces - all of the archive that is left, in order
 * @param segments - all of the archive as it was
 */
export function runsOf(
  pieces: readonly ArchivePiece[],
  segments: readonly SegmentRef[],
  place: ChainPlace,
): readonly ArchiveRun[] {
  const starts = startsOf(segments);
  const runs: ArchiveRun[] = [];
  let slices: ArchiveSlice[] = [];
  let next = 0;
  const close = (until: number): void => {
    if (until > next) runs.push(runOf(next, segments.slice(next, until), slices, place));
    else if (slices.length > 0) throw editUnsound('the archive', 'something is put where nothing goes');
    slices = [];
  };
  for (const piece of pieces) {
    if (Buffer.isBuffer(piece)) {
      slices.push(piece);
      continue;
    }
    for (const { ordinal, ref, from, to } of slicesOf(piece, segments, starts)) {
      const stays = piece.isMoved !== true && from === 0 && to === ref.plain && ordinal >= next;
      if (!stays) slices.push({ ref, from, to });
      else {
        close(ordinal);
        next = ordinal + 1;
      }
    }
  }
  close(segments.length);
  return runs;
}

function startsOf(segments: readonly SegmentRef[]): readonly number[] {
  let start = 0;
  return segments.map(({ plain }) => (start += plain) - plain);
}

function* slicesOf(
  { offset, length }: ByteRange,
  segments: readonly SegmentRef[],
  starts: readonly number[],
): Generator<{
  readonly ordinal: number;
  readonly ref: SegmentRef;
  readonly from: number;
  readonly to: number;
}> {
  const end = offset + length;
  for (let ordinal = lastAtOrBefore(starts, offset); ordinal < segments.length; ordinal++) {
    const ref = segments[ordinal];
    const start = starts[ordinal] ?? 0;
    if (ref === undefined || start >= end) return;
    const [from, to] = [Math.max(offset - start, 0), Math.min(end - start, ref.plain)];
    if (to > from) yield { ordinal, ref, from, to };
  }
}

function lastAtOrBefore(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

function runOf(
  ordinal: number,
  segments: readonly SegmentRef[],
  slices: readonly ArchiveSlice[],
  place: ChainPlace,
): ArchiveRun {
  const said = slices.map((slice) =>
    Buffer.isBuffer(slice)
      ? slice.toString('base64')
      : [slice.ref.pack, slice.ref.offset, slice.from, slice.to],
  );
  const { writer, chain } = place;
  const key = createHash('sha256')
    .update(JSON.stringify([writer, chain, said]))
    .digest('hex');
  return { ordinal, segments, slices, key };
}
