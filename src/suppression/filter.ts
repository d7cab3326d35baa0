/** A snapshot's streams without the rows of those who were erased: what a restore reads. */
import { damaged } from '../openpgp/errors.ts';
import { applyEdit } from '../purge/rewrite/edit.ts';
import type { LocatedSnapshot, LocatedStream, UnitEdit } from '../purge/locate/located.ts';
import type { ManifestStream } from '../repository/manifest.ts';
import type { SegmentRef } from '../repository/pages.ts';
import type { RowCodec } from '../rows/codec.ts';
import type { ByteRange, DumpReader, SourceInfo, StoredStream } from '../sources/source.ts';
import { mergeEdits } from './merge.ts';
import type { LeftOut } from './merge.ts';

/** What the filter reads from: a `SnapshotReader`. */
export interface SegmentSource extends DumpReader {
  readonly streams: readonly ManifestStream[];
  segments(stream: StoredStream, signal: AbortSignal): AsyncIterable<SegmentRef>;
  open(refs: AsyncIterable<SegmentRef>, name: string, signal: AbortSignal): AsyncIterable<Buffer>;
}

export interface FilterOptions {
  readonly source: SegmentSource;
  /** The same snapshot, once for each map. */
  readonly located: readonly LocatedSnapshot[];
  /** Of a stream that loses all of its rows. */
  readonly codecOf: (stream: ManifestStream) => RowCodec;
}

/**
 * Makes the reader. Its streams state the rows and bytes that are left, so that whoever compares what was loaded with
 * them finds no difference: each edit is carried out once for counting, and again for reading.
 *
 * @throws HoldfastError PURGE_EDIT_UNSOUND, DAMAGED, and what reading throws
 */
export async function filteredReader(options: FilterOptions, signal: AbortSignal): Promise<DumpReader> {
  const left = mergeEdits(options.located);
  const streams: StoredStream[] = [];
  const originals = new Map<string, ManifestStream>();
  for (const stream of options.source.streams) {
    originals.set(stream.name, stream);
    streams.push(await countLeft(stream, left, options, signal));
  }
  return new FilteredReader(options, left, streams, originals);
}

class FilteredReader implements DumpReader {
  readonly source: SourceInfo;
  readonly streams: readonly StoredStream[];
  readonly #options: FilterOptions;
  readonly #left: LeftOut;
  readonly #originals: ReadonlyMap<string, ManifestStream>;

  constructor(
    options: FilterOptions,
    left: LeftOut,
    streams: readonly StoredStream[],
    originals: ReadonlyMap<string, ManifestStream>,
  ) {
    this.#options = options;
    this.#left = left;
    this.#originals = originals;
    this.source = options.source.source;
    this.streams = streams;
  }

  async *read(
    stream: StoredStream,
    signal: AbortSignal,
    ranges?: readonly ByteRange[],
  ): AsyncIterable<Buffer> {
    // Where rows are left out, the offsets of those behind them are others; only files are read by ranges.
    if (ranges !== undefined) throw new Error('a filtered dump cannot be read by ranges');
    const original = this.#originals.get(stream.name);
    const wanted = this.streams.find(({ name }) => name === stream.name);
    if (original === undefined || wanted === undefined)
      throw new Error(`the snapshot has no stream ${stream.name}`);
    let bytes = 0;
    for await (const piece of readLeft(original, this.#left, this.#options, signal)) {
      bytes += piece.length;
      yield piece;
    }
    if (bytes !== wanted.bytes)
      throw damaged(`stream ${stream.name}`, `it has ${bytes} of ${wanted.bytes} bytes`);
  }
}

/** The stream as it will be read. */
async function countLeft(
  stream: ManifestStream,
  left: LeftOut,
  options: FilterOptions,
  signal: AbortSignal,
): Promise<StoredStream> {
  const whole = left.whole.get(stream.name);
  const located = left.streams.get(stream.name);
  if (whole?.drop === 'rows') {
    let bytes = 0;
    for await (const piece of readLeft(stream, left, options, signal)) bytes += piece.length;
    return { ...stream, rows: 0, bytes };
  }
  let { rows } = stream;
  let bytes = stream.bytes + Buffer.byteLength(whole?.append ?? '');
  for (const unit of located?.units.values() ?? []) {
    const plain = await openUnit(unit, stream.name, options.source, signal);
    bytes += editedUnit(plain, unit, located).length - plain.length;
    // Statements of a script are no rows.
    if (stream.table) rows -= unit.edits.filter(({ change }) => change === 'drop').length;
  }
  return { ...stream, rows, bytes };
}

async function* readLeft(
  stream: ManifestStream,
  left: LeftOut,
  options: FilterOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const whole = left.whole.get(stream.name);
  const located = left.streams.get(stream.name);
  if (whole?.drop === 'rows')
    yield* withoutRows(options.source.read(stream, signal), options.codecOf(stream));
  else if (located === undefined) yield* options.source.read(stream, signal);
  else yield* withEdits(stream, located, options.source, signal);
  if (whole?.append !== undefined) yield Buffer.from(whole.append, 'utf8');
}

/** Header and end of a COPY block; nothing of INSERTs. */
async function* withoutRows(pieces: AsyncIterable<Buffer>, codec: RowCodec): AsyncGenerator<Buffer> {
  let isFirst = true;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const joined = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const whole = joined.subarray(0, joined.lastIndexOf(10) + 1);
    rest = joined.subarray(whole.length);
    if (whole.length === 0) continue;
    for (const { start, end, isRow } of codec.rows(whole, isFirst))
      if (!isRow) yield Buffer.from(whole.subarray(start, end));
    isFirst = false;
  }
  if (rest.length > 0) throw damaged('a stream of rows', 'its last row is cut off');
}

/** Long stretches that stay as they are read ahead; the few units that do not are opened one by one. */
async function* withEdits(
  stream: ManifestStream,
  located: LocatedStream,
  source: SegmentSource,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const refs = new Segments(source.segments(stream, signal));
  const starts = [...located.units.keys()].sort((a, b) => a - b);
  for (const start of starts) {
    yield* source.open(refs.until(start), stream.name, signal);
    const unit = located.units.get(start);
    if (unit === undefined) continue;
    await refs.skip(unit.unit.segments, stream.name);
    yield editedUnit(await openUnit(unit, stream.name, source, signal), unit, located);
  }
  yield* source.open(refs.until(Infinity), stream.name, signal);
}

function editedUnit(plain: Buffer, unit: UnitEdit, located: LocatedStream | undefined): Buffer {
  if (located === undefined) throw new Error('a unit without its stream');
  return applyEdit(plain, unit, located.codec);
}

async function openUnit(
  { unit }: UnitEdit,
  name: string,
  source: SegmentSource,
  signal: AbortSignal,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source.open(inOrder(unit.segments), name, signal)) pieces.push(piece);
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
}

// eslint-disable-next-line @typescript-eslint/require-await -- the reader takes references as they come
async function* inOrder(refs: readonly SegmentRef[]): AsyncGenerator<SegmentRef> {
  yield* refs;
}

/** The references of a stream, taken in stretches. */
class Segments {
  readonly #refs: AsyncIterator<SegmentRef>;
  #at = 0;

  constructor(refs: AsyncIterable<SegmentRef>) {
    this.#refs = refs[Symbol.asyncIterator]();
  }

  /** Those before this ordinal. */
  async *until(end: number): AsyncGenerator<SegmentRef> {
    while (this.#at < end) {
      const next = await this.#refs.next();
      if (next.done === true) return;
      this.#at++;
      yield next.value;
    }
  }

  /** Takes these, and makes sure that they are what the search has seen there. */
  async skip(segments: readonly SegmentRef[], stream: string): Promise<void> {
    for (const { pack, offset } of segments) {
      const next = await this.#refs.next();
      this.#at++;
      if (next.done === true || next.value.pack !== pack || next.value.offset !== offset)
        throw damaged(`stream ${stream}`, `segment ${this.#at} is another one than before`);
    }
  }
}
