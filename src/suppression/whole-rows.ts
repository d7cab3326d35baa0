/** Rows as they come out of a pipe. */

/** Rows are collected up to so many bytes before they are looked at: never less than the header of a COPY block. */
const LOOK_BYTES = 64 * 1024;
const LF = 10;

/** Joins what a pipe delivers to pieces that end on row ends. */
export class WholeRows {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** A piece, once there is a good deal of it. The bytes of a chunk may be others after it was passed on. */
  add(chunk: Uint8Array): Buffer | undefined {
    this.#parts.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    // A row of many chunks is joined once, at its end.
    if (this.#bytes < LOOK_BYTES || chunk.lastIndexOf(LF) === -1) return undefined;
    const all = this.rest();
    const end = all.lastIndexOf(LF) + 1;
    if (end < all.length) {
      this.#parts.push(all.subarray(end));
      this.#bytes = all.length - end;
    }
    return all.subarray(0, end);
  }

  /** What is left; the last row may lack its end. */
  rest(): Buffer {
    const all = this.#parts.length === 1 && this.#parts[0] ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return all;
  }
}
