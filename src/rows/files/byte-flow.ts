/** Bytes that come in pieces, taken in the amounts that a reader wants. */
import { archiveRefused } from './errors.ts';

export class ByteFlow implements AsyncDisposable {
  readonly #pieces: AsyncIterator<Buffer>;
  #piece: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** How many bytes were taken. */
  get position(): number {
    return this.#position;
  }

  /**
   * Exactly so many bytes in one buffer; keep it small.
   * @throws HoldfastError FILES_ARCHIVE_REFUSED when there are not so many
   */
  async take(length: number): Promise<Buffer> {
    if (this.#piece.length === 0) await this.#refill();
    if (this.#piece.length >= length) return this.#cut(length);
    const parts: Buffer[] = [];
    for await (const part of this.pieces(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** So many bytes in pieces as they come. */
  async *pieces(length: number): AsyncGenerator<Buffer> {
    let left = length;
    while (left > 0) {
      if (this.#piece.length === 0 && !(await this.#refill()))
        throw archiveRefused(`byte ${this.#position}`, 'it ends there');
      const part = this.#cut(Math.min(left, this.#piece.length));
      left -= part.length;
      yield part;
    }
  }

  /** Passes over so many bytes. */
  async skip(length: number): Promise<void> {
    for await (const _ of this.pieces(length));
  }

  /** True when no bytes are left. */
  async isAtEnd(): Promise<boolean> {
    return this.#piece.length === 0 && !(await this.#refill());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pieces.return?.();
  }

  #cut(length: number): Buffer {
    const part = this.#piece.subarray(0, length);
    this.#piece = this.#piece.subarray(length);
    this.#position += length;
    return part;
  }

  async #refill(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return false;
      this.#piece = next.value;
    }
    return true;
  }
}
