/** The units of a chain after a purge: opened, edited, cut and sealed anew, once for all snapshots that agree. */
import { SEGMENT_PLAIN_BYTES_MAX } from '../../openpgp/segment.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { RowCodec } from '../../rows/codec.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { ReadStore } from '../../stores/store.ts';
import { applyEdit } from './edit.ts';
import type { EditGuard } from './edit-guard.ts';
import type { ArchiveRun, ArchiveSlice, UnitEdit } from '../locate/located.ts';
import { openSegmentAt } from './new-segments.ts';
import type { NewSegmentIndex, NewSegments } from './new-segments.ts';

export interface RewrittenUnit {
  /** What takes the place of the unit's segments; empty when no row is left. */
  readonly refs: readonly SegmentRef[];
  /** How many segments it takes the place of. */
  readonly segments: number;
  readonly rowsDropped: number;
  readonly rowsChanged: number;
  /** Plaintext bytes after less those before. */
  readonly bytesGrown: number;
}

/** What the subject index learns of a unit. */
export interface UnitIndexing {
  /** Of its rows that are gone or changed, before they are. */
  readonly forget: (plain: Buffer, edit: UnitEdit, codec: RowCodec) => void;
  /** Of its new segments; undefined: nothing. */
  readonly segments: NewSegmentIndex | undefined;
}

const LF = 10;
/** About as long as the segments of a backup. */
const RUN_SEGMENT_BYTES = 256 * 1024;

/** Rewrites units of one chain. */
export class Rewriter {
  readonly #store: ReadStore;
  readonly #pool: Pick<SegmentPool, 'open'>;
  readonly #into: NewSegments;
  readonly #guard: EditGuard | undefined;
  readonly #done = new Map<string, Promise<RewrittenUnit>>();
  readonly #texts = new Map<string, Promise<readonly SegmentRef[]>>();
  readonly #runs = new Map<string, Promise<readonly SegmentRef[]>>();
  /** Sealed bytes that were read. */
  bytesRead = 0;

  /** @param guard - looks at rows that are edited and stay */
  constructor(store: ReadStore, pool: Pick<SegmentPool, 'open'>, into: NewSegments, guard?: EditGuard) {
    this.#store = store;
    this.#pool = pool;
    this.#into = into;
    this.#guard = guard;
  }

  /**
   * The unit after its edits.
   * @throws HoldfastError PURGE_EDIT_UNSOUND, PURGE_MENTION_LEFT, DAMAGED, and what the codec throws
   */
  unit(
    edit: UnitEdit,
    codec: RowCodec,
    signal: AbortSignal,
    indexing?: UnitIndexing,
  ): Promise<RewrittenUnit> {
    const known = this.#done.get(edit.key);
    if (known) return known;
    const rewritten = this.#rewrite(edit, codec, signal, indexing);
    // Whoever waits for it is told; until then a failure must not count as unhandled.
    rewritten.catch(() => undefined);
    this.#done.set(edit.key, rewritten);
    return rewritten;
  }

  /** What takes the place of a run of an archive: sealed as it goes, however long it is. */
  run({ key, slices }: ArchiveRun, place: ChainPlace, signal: AbortSignal): Promise<readonly SegmentRef[]> {
    const known = this.#runs.get(key) ?? this.#sealSlices(slices, place, signal);
    this.#runs.set(key, known);
    return known;
  }

  async #sealSlices(
    slices: readonly ArchiveSlice[],
    place: ChainPlace,
    signal: AbortSignal,
  ): Promise<readonly SegmentRef[]> {
    const refs: SegmentRef[] = [];
    let parts: Buffer[] = [];
    let bytes = 0;
    const seal = async (): Promise<void> => {
      for (const piece of cutBytes(Buffer.concat(parts))) refs.push(await this.#into.seal(piece));
      [parts, bytes] = [[], 0];
    };
    for (const slice of slices) {
      const part = Buffer.isBuffer(slice) ? slice : await this.#openSlice(slice, place, signal);
      if (bytes > 0 && bytes + part.length > RUN_SEGMENT_BYTES) await seal();
      parts.push(part);
      bytes += part.length;
    }
    await seal();
    return refs;
  }

  async #openSlice(
    { ref, from, to }: Exclude<ArchiveSlice, Buffer>,
    place: ChainPlace,
    signal: AbortSignal,
  ): Promise<Buffer> {
    this.bytesRead += ref.length;
    const plain = await openSegmentAt({ store: this.#store, place, pool: this.#pool }, ref, signal);
    return plain.subarray(from, to);
  }

  /** Text that is put behind a stream: sealed once, however many snapshots need it. */
  text(text: string): Promise<readonly SegmentRef[]> {
    const known = this.#texts.get(text) ?? this.#sealAll(Buffer.from(text, 'utf8'));
    this.#texts.set(text, known);
    return known;
  }

  async #rewrite(
    edit: UnitEdit,
    codec: RowCodec,
    signal: AbortSignal,
    indexing: UnitIndexing | undefined,
  ): Promise<RewrittenUnit> {
    const { segments, place } = edit.unit;
    const parts: Buffer[] = [];
    for (const ref of segments) {
      this.bytesRead += ref.length;
      parts.push(await openSegmentAt({ store: this.#store, place, pool: this.#pool }, ref, signal));
    }
    const plain = Buffer.concat(parts);
    const after = applyEdit(plain, edit, codec);
    this.#guard?.check(plain, edit, codec);
    indexing?.forget(plain, edit, codec);
    const refs = await this.#sealAll(after, edit.isFirst, indexing?.segments);
    const rowsDropped = edit.edits.filter(({ change }) => change === 'drop').length;
    return {
      refs,
      segments: segments.length,
      rowsDropped,
      rowsChanged: edit.edits.length - rowsDropped,
      bytesGrown: after.length - plain.length,
    };
  }

  async #sealAll(plain: Buffer, isFirst = false, index?: NewSegmentIndex): Promise<readonly SegmentRef[]> {
    const refs: SegmentRef[] = [];
    const pieces = cutSegments(plain);
    // A row that is longer than a segment is never indexed.
    const areWhole = pieces.every((piece) => piece.at(-1) === LF);
    for (const [at, piece] of pieces.entries()) {
      const indexed = areWhole && index ? { ...index, isFirst: isFirst && at === 0 } : undefined;
      refs.push(await this.#into.seal(piece, indexed));
    }
    return refs;
  }
}

/** Cuts what has no rows. */
function cutBytes(plain: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < plain.length; at += SEGMENT_PLAIN_BYTES_MAX)
    pieces.push(plain.subarray(at, at + SEGMENT_PLAIN_BYTES_MAX));
  return pieces;
}

/**
 * Cuts edited plaintext into segments: mostly it is one. A longer one ends behind its last line end that fits; where a
 * row is longer than a segment, the segment is full, which tells a reader that the row goes on in the next one.
 */
export function cutSegments(plain: Buffer, most = SEGMENT_PLAIN_BYTES_MAX): Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < plain.length;) {
    const rest = plain.length - start;
    const lineEnd = rest <= most ? rest : plain.subarray(start, start + most).lastIndexOf(10) + 1;
    const length = lineEnd > 0 ? lineEnd : most;
    pieces.push(plain.subarray(start, start + length));
    start += length;
  }
  return pieces;
}
