/**
 * Files: what is left of an archive when entries of its list go. An archive has no rows: parts of it are taken out, and the
 * segments in which such a part begins or ends are written anew.
 */
import type { ManifestStream } from '../../repository/manifest.ts';
import { leaveFilesOut } from '../../rows/files/leave-out.ts';
import type { ArchivePiece, ChangedLine, PlacedLine } from '../../rows/files/leave-out.ts';
import { ARCHIVE_NAME, formatLine, LIST_NAME, parseLine } from '../../rows/files/list.ts';
import type { ByteName } from '../../rows/files/names.ts';
import { latin1Of } from '../../rows/values.ts';
import type { Value } from '../../rows/codec.ts';
import type { ByteRange } from '../../sources/source.ts';
import type { Closure } from '../../subjects/closure.ts';
import { runsOf } from './archive-runs.ts';
import { unitEdit } from './edits.ts';
import { editUnsound } from './locate-errors.ts';
import type { ArchiveEdit, LocatedStream, RowEdit } from './located.ts';
import type { Prepared, PreparedStream } from './prepare.ts';
import { rowName, rowPlace, type Tables } from './tables.ts';
import { readUnits, type PlacedUnit } from './units.ts';

/** A line of the list: where it stands in which unit. */
interface LinePlace {
  readonly placed: PlacedUnit;
  readonly start: number;
  readonly end: number;
}

export interface LocatedFiles {
  /** The list, with the lines that go and those that say something else now; undefined: it stays as it is. */
  readonly list?: LocatedStream;
  readonly archive?: ArchiveEdit;
  /** Without folders that stay for what is in them. */
  readonly closure: Closure;
}

/**
 * What is left of archive and list.
 * @param list - the edits of the list's rows, as the closure has them
 * @throws HoldfastError PURGE_EDIT_UNSOUND, FILES_ARCHIVE_REFUSED, and what reading throws
 */
export async function archiveEdit(
  prepared: Prepared,
  closure: Closure,
  list: LocatedStream | undefined,
  tables: Tables,
  signal: AbortSignal,
): Promise<LocatedFiles> {
  const stream = prepared.streams.get(LIST_NAME);
  if (prepared.engine !== 'files' || stream === undefined || list === undefined) return { closure };
  const gone = await pathsOf(stream, closure.affected, tables, signal);
  const { archive, firstSegment } = archiveOf(prepared);
  const left = await leaveFilesOut(linesOf(prepared, stream, signal), (path) => gone.has(path), {
    bytes: archive.bytes,
    read: (ranges) => prepared.reader.read(archive, signal, ranges),
  });
  const found = left.gone.length + left.kept.length;
  if (found !== gone.size) throw editUnsound(LIST_NAME, `${found} of ${gone.size} entries were found again`);
  const really = withoutKept(closure, left.kept);
  if (left.gone.length === 0) return { closure: really };
  const segments = await Array.fromAsync(prepared.reader.segments(archive, signal));
  return {
    closure: really,
    list: withChanges(withoutEdits(list, left.kept), left.changed, stream),
    archive: {
      ...{ stream: archive, firstSegment, bytes: left.bytes },
      gone: new Set(left.gone.map(({ listed }) => listed.path)),
      ranges: gapsIn(left.pieces, archive.bytes),
      runs: runsOf(left.pieces, segments, prepared.manifest.binding),
    },
  };
}

/** What of the archive as it was is in none of its pieces: the content of a file that has another name now stays. */
function gapsIn(pieces: readonly ArchivePiece[], bytes: number): readonly ByteRange[] {
  const kept = pieces.flatMap((piece) => (Buffer.isBuffer(piece) ? [] : [piece]));
  kept.sort((a, b) => a.offset - b.offset);
  const gaps: ByteRange[] = [];
  let at = 0;
  for (const { offset, length } of [...kept, { offset: bytes, length: 0 }]) {
    if (offset > at) gaps.push({ offset: at, length: offset - at });
    at = offset + length;
  }
  return gaps;
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

function withoutKept(closure: Closure, kept: readonly PlacedLine<LinePlace>[]): Closure {
  const rows = new Map(closure.affected.get(LIST_NAME));
  const counts = closure.counts.get(LIST_NAME);
  if (kept.length === 0 || counts === undefined) return closure;
  for (const { placed, start } of kept.map(({ place }) => place))
    rows.delete(rowName(placed.ordinal, { start }));
  const affected = new Map(closure.affected).set(LIST_NAME, rows);
  const left = new Map(closure.counts).set(LIST_NAME, { ...counts, delete: counts.delete - kept.length });
  if (rows.size === 0) for (const tables of [affected, left]) tables.delete(LIST_NAME);
  return { ...closure, affected, counts: left };
}

/** The lines of folders that stay for what is in them. */
function withoutEdits(list: LocatedStream, kept: readonly PlacedLine<LinePlace>[]): LocatedStream {
  const units = new Map(list.units);
  for (const { placed, start } of kept.map(({ place }) => place)) {
    const edits = units.get(placed.ordinal)?.edits.filter((edit) => edit.start !== start) ?? [];
    if (edits.length === 0) units.delete(placed.ordinal);
    else units.set(placed.ordinal, unitEdit(placed, LIST_NAME, edits));
  }
  return { ...list, units };
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
      const change = new Map<number, Value>(values.map((value, at) => [at, value]));
      // It is another's file, whose path may well hold that of one which goes.
      return { start, end, change, isKept: true };
    });
    units.set(
      ordinal,
      unitEdit(first.place.placed, LIST_NAME, [...(units.get(ordinal)?.edits ?? []), ...edits]),
    );
  }
  return { ...list, units };
}
