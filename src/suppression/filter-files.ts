/**
 * Archive and list of a snapshot of files without those of people who were erased: what a restore reads. Offsets count in
 * what is left, so that one path can be read from it too.
 */
import { damaged } from '../openpgp/errors.ts';
import type { ManifestStream } from '../repository/manifest.ts';
import { leaveFilesOut, type ArchivePiece, type FilesLeft } from '../rows/files/leave-out.ts';
import { formatLine, parseLines, streamsOf } from '../rows/files/list.ts';
import type { ByteName } from '../rows/files/names.ts';
import type { ByteRange, DumpReader, SourceInfo, StoredStream } from '../sources/source.ts';

/** Bytes of a list that are given at once. */
const PIECE_BYTES = 256 * 1024;

/**
 * Makes the reader.
 * @param gone - paths that are left out; of a folder all paths in it as well
 * @throws HoldfastError FILES_ARCHIVE_REFUSED, DAMAGED, and what reading throws
 */
export async function filteredFiles(
  source: DumpReader & { readonly streams: readonly ManifestStream[] },
  gone: ReadonlySet<ByteName>,
  signal: AbortSignal,
): Promise<DumpReader> {
  const { archive, list } = streamsOf(source.streams);
  const numbered = async function* () {
    let place = 0;
    for await (const listed of parseLines(source.read(list, signal))) yield { listed, place: place++ };
  };
  const left = await leaveFilesOut(numbered(), (path) => gone.has(path), {
    bytes: archive.bytes,
    read: (ranges) => source.read(archive, signal, ranges),
  });
  const reader = new FilesReader(source, left);
  let bytes = 0;
  for await (const piece of reader.list(signal)) bytes += piece.length;
  reader.streams = source.streams.map((stream) => {
    if (stream.name === archive.name) return { ...stream, bytes: left.bytes };
    return stream.name === list.name ? { ...stream, rows: stream.rows - left.gone.length, bytes } : stream;
  });
  return reader;
}

class FilesReader implements DumpReader {
  readonly source: SourceInfo;
  streams: readonly StoredStream[];
  readonly #source: DumpReader;
  readonly #left: FilesLeft<number>;

  constructor(source: DumpReader, left: FilesLeft<number>) {
    this.source = source.source;
    this.streams = source.streams;
    this.#source = source;
    this.#left = left;
  }

  async *read(
    stream: StoredStream,
    signal: AbortSignal,
    ranges?: readonly ByteRange[],
  ): AsyncIterable<Buffer> {
    const { archive, list } = streamsOf(this.streams);
    if (stream.name === list.name) yield* within(this.list(signal), ranges);
    else yield* this.#archive(ranges ?? [{ offset: 0, length: archive.bytes }], signal);
  }

  /** The list, line by line as it is now. */
  async *list(signal: AbortSignal): AsyncGenerator<Buffer> {
    const { list } = streamsOf(this.#source.streams);
    const gone = new Set(this.#left.gone.map(({ place }) => place));
    const changed = new Map(this.#left.changed.map(({ place, after }) => [place, after]));
    let text = '';
    let place = 0;
    for await (const listed of parseLines(this.#source.read(list, signal))) {
      const after = changed.get(place);
      if (!gone.has(place++)) text += formatLine(after ?? listed);
      if (text.length < PIECE_BYTES) continue;
      yield Buffer.from(text, 'utf8');
      text = '';
    }
    if (text !== '') yield Buffer.from(text, 'utf8');
  }

  /** Stretches of the archive as it was are read together as long as they follow each other. */
  async *#archive(ranges: readonly ByteRange[], signal: AbortSignal): AsyncGenerator<Buffer> {
    const { archive } = streamsOf(this.#source.streams);
    let run: ByteRange[] = [];
    for (const piece of piecesIn(this.#left.pieces, ranges)) {
      const last = run.at(-1);
      const follows = !Buffer.isBuffer(piece) && (!last || piece.offset >= last.offset + last.length);
      if (!follows && run.length > 0) {
        yield* this.#source.read(archive, signal, run);
        run = [];
      }
      if (Buffer.isBuffer(piece)) yield piece;
      else run.push(piece);
    }
    if (run.length > 0) yield* this.#source.read(archive, signal, run);
  }
}

/** What of these pieces, one behind the other, lies in the ranges. */
export function* piecesIn(
  pieces: readonly ArchivePiece[],
  ranges: readonly ByteRange[],
): Generator<ByteRange | Buffer> {
  let start = 0;
  let next = 0;
  for (const piece of pieces) {
    const end = start + piece.length;
    for (let at = next; at < ranges.length; at++) {
      const { offset, length } = ranges[at] ?? { offset: 0, length: 0 };
      const [from, to] = [Math.max(offset, start), Math.min(offset + length, end)];
      if (offset >= end) break;
      if (offset + length <= end) next = at + 1;
      if (to <= from) continue;
      if (Buffer.isBuffer(piece)) yield piece.subarray(from - start, to - start);
      else yield { offset: piece.offset + from - start, length: to - from };
    }
    start = end;
  }
}

async function* within(
  pieces: AsyncIterable<Buffer>,
  ranges: readonly ByteRange[] | undefined,
): AsyncGenerator<Buffer> {
  if (ranges !== undefined) throw damaged('the list of files', 'it is read as a whole');
  yield* pieces;
}
