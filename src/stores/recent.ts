/** A store that remembers what was read of it a moment ago, for work that looks at the same objects several times. */
import { throwIfCancelled } from '../errors.ts';
import { delegating } from './delegating.ts';
import type { ByteRange, Store } from './store.ts';

/** What a read has brought. */
export interface Piece {
  readonly key: string;
  readonly offset: number;
  readonly bytes: Buffer;
}

/**
 * Answers a read from what an earlier one has brought, if that has all of it. What is put is not remembered: whoever
 * reads it back has it from the store.
 *
 * @param lasts - true for keys whose objects are never changed; others are always read
 * @param recent - what was read before; added to
 */
export function withRecentReads(store: Store, lasts: (key: string) => boolean, recent: RecentReads): Store {
  return {
    ...delegating(store),
    get: async (key, range, signal) => {
      throwIfCancelled(signal);
      if (!range || !lasts(key)) return store.get(key, range, signal);
      const known = recent.find(key, range);
      if (known) return known;
      const bytes = await store.get(key, range, signal);
      recent.add({ key, offset: range.offset, bytes });
      return bytes;
    },
  };
}

/** What was read, as much of it as there is memory for. */
export class RecentReads {
  readonly #bytesMax: number;
  /** The oldest first. */
  readonly #pieces = new Set<Piece>();
  readonly #byKey = new Map<string, Set<Piece>>();
  #bytes = 0;

  /** @param bytesMax - memory for it; the oldest is forgotten first */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The oldest first. */
  pieces(): Iterable<Piece> {
    return this.#pieces;
  }

  find(key: string, { offset, length }: ByteRange): Buffer | undefined {
    for (const piece of this.#byKey.get(key) ?? []) {
      const at = offset - piece.offset;
      if (at >= 0 && at + length <= piece.bytes.length) return piece.bytes.subarray(at, at + length);
    }
    return undefined;
  }

  add(piece: Piece): void {
    if (piece.bytes.length > this.#bytesMax) return;
    this.#pieces.add(piece);
    const ofKey = this.#byKey.get(piece.key) ?? new Set();
    this.#byKey.set(piece.key, ofKey.add(piece));
    this.#bytes += piece.bytes.length;
    for (const oldest of this.#pieces) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#remove(oldest);
    }
  }

  #remove(piece: Piece): void {
    this.#pieces.delete(piece);
    const ofKey = this.#byKey.get(piece.key);
    ofKey?.delete(piece);
    if (ofKey?.size === 0) this.#byKey.delete(piece.key);
    this.#bytes -= piece.bytes.length;
  }
}
