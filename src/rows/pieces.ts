/** Reads an iteration piece by piece, with one step back. */
export class Pieces {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #held: Buffer | undefined;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#iterator = bytes[Symbol.asyncIterator]();
  }

  /** The next piece (never empty), or undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) return held;
    for (;;) {
      const step = await this.#iterator.next();
      if (step.done === true) return undefined;
      const piece = step.value;
      if (piece.length > 0) return Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    }
  }

  /** Puts bytes back in front; the next `next` returns them. */
  unread(piece: Buffer): void {
    if (piece.length > 0) this.#held = piece;
  }

  /** Ends the iteration early. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

const BATCH = 64 * 1024;

/** Joins small buffers, each followed by an LF, into pieces of about 64 KiB. */
export class LineBatch {
  #parts: Buffer[] = [];
  #size = 0;

  /** Adds a line; returns a piece when one is full. */
  add(line: Buffer): Buffer | undefined {
    this.#parts.push(line, NEWLINE);
    this.#size += line.length + 1;
    return this.#size >= BATCH ? this.take() : undefined;
  }

  /** What has been added since the last piece; undefined when nothing has. */
  take(): Buffer | undefined {
    if (this.#parts.length === 0) return undefined;
    const piece = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return piece;
  }
}

const NEWLINE = Buffer.from('\n');
