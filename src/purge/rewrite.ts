/** The units of a chain after a purge: opened, edited, cut and sealed anew, once for all snapshots that agree. */
import { SEGMENT_PLAIN_BYTES_MAX } from '../openpgp/segment.ts';
import type { SegmentRef } from '../repository/pages.ts';
import type { RowCodec } from '../rows/codec.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { ReadStore } from '../stores/store.ts';
import { applyEdit } from './edit.ts';
import type { UnitEdit } from './located.ts';
import { openSegmentAt } from './new-segments.ts';
import type { NewSegments } from './new-segments.ts';

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

/** Rewrites units of one chain. */
export class Rewriter {
  readonly #store: ReadStore;
  readonly #pool: Pick<SegmentPool, 'open'>;
  readonly #into: NewSegments;
  readonly #done = new Map<string, Promise<RewrittenUnit>>();
  /** Sealed bytes that were read. */
  bytesRead = 0;

  constructor(store: ReadStore, pool: Pick<SegmentPool, 'open'>, into: NewSegments) {
    this.#store = store;
    this.#pool = pool;
    this.#into = into;
  }

  /**
   * The unit after its edits.
   * @throws HoldfastError PURGE_EDIT_UNSOUND, DAMAGED, and what the codec throws
   */
  unit(edit: UnitEdit, codec: RowCodec, signal: AbortSignal): Promise<RewrittenUnit> {
    const known = this.#done.get(edit.key);
    if (known) return known;
    const rewritten = this.#rewrite(edit, codec, signal);
    // Whoever waits for it is told; until then a failure must not count as unhandled.
    rewritten.catch(() => undefined);
    this.#done.set(edit.key, rewritten);
    return rewritten;
  }

  /** Text that is put behind a stream. */
  async text(text: string): Promise<readonly SegmentRef[]> {
    const refs: SegmentRef[] = [];
    for (const piece of cutSegments(Buffer.from(text, 'utf8'))) refs.push(await this.#into.seal(piece));
    return refs;
  }

  async #rewrite(edit: UnitEdit, codec: RowCodec, signal: AbortSignal): Promise<RewrittenUnit> {
    const { segments, place } = edit.unit;
    const parts: Buffer[] = [];
    for (const ref of segments) {
      this.bytesRead += ref.length;
      parts.push(await openSegmentAt({ store: this.#store, place, pool: this.#pool }, ref, signal));
    }
    const plain = Buffer.concat(parts);
    const after = applyEdit(plain, edit, codec);
    const refs: SegmentRef[] = [];
    for (const piece of cutSegments(after)) refs.push(await this.#into.seal(piece));
    const rowsDropped = edit.edits.filter(({ change }) => change === 'drop').length;
    return {
      refs,
      segments: segments.length,
      rowsDropped,
      rowsChanged: edit.edits.length - rowsDropped,
      bytesGrown: after.length - plain.length,
    };
  }
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
