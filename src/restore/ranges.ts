/** Reading parts of a stream: which segments hold them, and which of the opened bytes they are. */
import type { SegmentRef } from '../repository/pages.ts';
import type { ByteRange } from '../sources/source.ts';

export class RangeCutter {
  readonly #ranges: readonly ByteRange[];
  /** Where the segments that were let through stand in the stream, in order; those behind each other are one. */
  readonly #opened: { start: number; end: number }[] = [];
  /** How many bytes of the first of `#opened` were given to `cut`. */
  #taken = 0;
  #next = 0;

  /** @param ranges - in ascending order, and none within another */
  constructor(ranges: readonly ByteRange[]) {
    this.#ranges = ranges.filter(({ length }) => length > 0);
  }

  /** True when all that was asked for has been given. */
  get isDone(): boolean {
    return this.#next === this.#ranges.length;
  }

  /** Lets only those segments of a stream through that hold some of it; the rest need not be fetched. */
  async *segments(refs: AsyncIterable<SegmentRef>): AsyncGenerator<SegmentRef> {
    let start = 0;
    let at = 0;
    for await (const ref of refs) {
      const end = start + ref.plain;
      while (at < this.#ranges.length && endOf(this.#ranges[at]) <= start) at++;
      const range = this.#ranges[at];
      if (range === undefined) return;
      if (range.offset < end) {
        this.#note(start, end);
        yield ref;
      }
      start = end;
    }
  }

  /** The wanted parts of the next bytes of those segments, in order. */
  *cut(piece: Buffer): Generator<Buffer> {
    let done = 0;
    while (done < piece.length) {
      const run = this.#opened[0];
      const start = (run?.start ?? 0) + this.#taken;
      if (run === undefined || (start === run.end && this.#opened.length === 1))
        throw new Error('there are more bytes than segments');
      const length = Math.min(piece.length - done, run.end - start);
      yield* this.#wanted(piece.subarray(done, done + length), start);
      done += length;
      this.#taken += length;
      // The last one may still grow.
      if (start + length === run.end && this.#opened.length > 1) {
        this.#opened.shift();
        this.#taken = 0;
      }
    }
  }

  #note(start: number, end: number): void {
    const last = this.#opened.at(-1);
    if (last?.end === start) last.end = end;
    else this.#opened.push({ start, end });
  }

  *#wanted(bytes: Buffer, start: number): Generator<Buffer> {
    const end = start + bytes.length;
    for (
      let range = this.#ranges[this.#next];
      range && range.offset < end;
      range = this.#ranges[this.#next]
    ) {
      const from = Math.max(range.offset, start);
      const to = Math.min(endOf(range), end);
      if (to > from) yield bytes.subarray(from - start, to - start);
      if (endOf(range) > end) return;
      this.#next++;
    }
  }
}

function endOf(range: ByteRange | undefined): number {
  return range === undefined ? 0 : range.offset + range.length;
}
