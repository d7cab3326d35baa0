/**
 * Files: what is left of an archive when entries of its list go. An archive has no rows: parts of it are taken out, and the
 * segments in which such a part begins or ends are written anew.
 */
import { createHash } from 'node:crypto';
import type { ChainPlace } from '../../repository/layout.ts';
import type { ManifestStream } from '../../repository/manifest.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import {
  leaveFilesOut,
  type ArchivePiece,
  type ChangedLine,
  type PlacedLine,
} from '../../rows/files/leave-out.ts';
import { ARCHIVE_NAME, formatLine, LIST_NAME, parseLine } from '../../rows/files/list.ts';
import type { ByteName } from '../../rows/files/names.ts';
import { latin1Of } from '../../rows/values.ts';
import type { Value } from '../../rows/codec.ts';
import type { ByteRange } from '../../sources/source.ts';
import type { Closure } from '../../subjects/closure.ts';
import { unitEdit } from './edits.ts';
import { editUnsound } from './locate-errors.ts';
import type { ArchiveEdit, ArchiveRun, ArchiveSlice, LocatedStream, RowEdit } from './located.ts';
import type { Prepared, PreparedStream } from './prepare.ts';
import { rowPlace, type Tables } from './tables.ts';
import { readUnits, type PlacedUnit } from './units.ts';

/** A line of the list: where it stands in which unit. */
interface LinePlace {
  readonly placed: PlacedUnit;
  readonly start: number;
  readonly end: number;
}

export interface LocatedFiles {
  /** The list, with the lines that go and those that say something else now. */
  readonly list: LocatedStream;
  readonly archive: ArchiveEdit;
}

/**
 * What is left of archive and list; undefined where no file goes.
 * @param list - the edits of the list's rows, as the closure has them
 * @throws HoldfastError PURGE_EDIT_UNSOUND, FILES_ARCHIVE_REFUSED, and what reading throws
 */
export async function archiveEdit(
  prepared: Prepared,
  { affected }: Pick<Closure, 'affected'>,
  list: LocatedStream | undefined,
  tables: Tables,
  signal: AbortSignal,
): Promise<LocatedFiles | undefined> {
  const stream = prepared.streams.get(LIST_NAME);
  if (prepared.engine !== 'files' || stream === undefined || list === undefined) return undefined;
  const gone = await pathsOf(stream, affected, tables, signal);
  const { archive, firstSegment } = archiveOf(prepared);
  const left = await leaveFilesOut(linesOf(prepared, stream, signal), (path) => gone.has(path), {
    bytes: archive.bytes,
    read: (ranges) => prepared.reader.read(archive, signal, ranges),
  });
  if (left.gone.length !== gone.size)
    throw editUnsound(LIST_NAME, `${left.gone.length} of ${gone.size} entries were found again`);
  const segments = await Array.fromAsync(prepared.reader.segments(archive, signal));
  return {
    list: withChanges(list, left.changed, stream),
    archive: {
      ...{ stream: archive, firstSegment, gone, bytes: left.bytes },
      ranges: left.gone.map(({ listed: { offset, length } }) => ({ offset, length })),
      runs: runsOf(left.pieces, segments, prepared.manifest.binding),
    },
  };
}

/** The paths of the rows that go. */
async function pathsOf(
  stream: PreparedStream,
  affected: Closure['affected'],
  tables: Tables,
  signal: AbortSignal,
): Promise<ReadonlySet<ByteName>> {
  const search = tables.searchOf(stream);
  const placed = new Map((await stream.units(signal)).map((unit) => [unit.ordinal, unit]));
  const gone = new Set<ByteName>();
  for (const [name, { outcome }] of affected.get(LIST_NAME) ?? []) {
    if (outcome.do !== 'delete') {
      if (outcome.values.size > 0) throw editUnsound(LIST_NAME, 'of a file nothing can be set');
      continue;
    }
    const { ordinal, start } = rowPlace(name);
    const unit = placed.get(ordinal);
    const row = unit && search.row(unit, start);
    const path = row && search.reader(row)('path');
    const bytes = typeof path === 'string' ? latin1Of(path) : undefined;
    if (bytes === undefined) throw editUnsound(LIST_NAME, `the row at ${name} has no path`);
    gone.add(bytes);
  }
  return gone;
}

function archiveOf({ manifest }: Prepared): {
  readonly archive: ManifestStream;
  readonly firstSegment: number;
} {
  let firstSegment = 0;
  for (const stream of manifest.streams) {
    if (stream.name === ARCHIVE_NAME && stream.dialect === 'tar') return { archive: stream, firstSegment };
    firstSegment += stream.segments;
  }
  throw editUnsound(manifest.binding.snapshot, 'it has no archive');
}

async function* linesOf(
  { reader }: Prepared,
  stream: PreparedStream,
  signal: AbortSignal,
): AsyncGenerator<PlacedLine<LinePlace>> {
  let offset = 0;
  let line = 0;
  const units = await stream.units(signal);
  for await (const { placed, plain } of readUnits(reader, units, LIST_NAME, signal))
    for (const { start, end } of stream.codec.rows(plain, placed.ordinal === 0)) {
      const listed = { ...parseLine(plain.toString('utf8', start, end - 1), ++line), offset };
      offset += listed.length;
      yield { listed, place: { placed, start, end } };
    }
}

/** Lines that say something else now go along with those that go. */
function withChanges(
  list: LocatedStream,
  changed: readonly ChangedLine<LinePlace>[],
  { codec }: PreparedStream,
): LocatedStream {
  const all = codec.columns.map((_, position) => position);
  const units = new Map(list.units);
  for (const [ordinal, lines] of Map.groupBy(changed, ({ place }) => place.placed.ordinal)) {
    const [first] = lines;
    if (first === undefined) continue;
    const edits = lines.map(({ after, place: { start, end } }): RowEdit => {
      const values = codec.read(Buffer.from(formatLine(after), 'utf8'), all);
      return { start, end, change: new Map<number, Value>(values.map((value, at) => [at, value])) };
    });
    units.set(
      ordinal,
      unitEdit(first.place.placed, LIST_NAME, [...(units.get(ordinal)?.edits ?? []), ...edits]),
    );
  }
  return { ...list, units };
}

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
