/** Reads a stream before its turn has come, within a bound. */

/**
 * Starts reading at once and holds up to `limit` bytes (and a piece more) until they are asked for. An error is
 * held back too and thrown in its place.
 */
export function readAhead(bytes: AsyncIterable<Buffer>, limit: number): AsyncIterable<Buffer> {
  return new Ahead(bytes, limit).pieces();
}

class Ahead {
  readonly #limit: number;
  readonly #held: Buffer[] = [];
  #size = 0;
  #state: 'reading' | 'done' | { readonly error: unknown } = 'reading';
  #changed = Promise.withResolvers<undefined>();

  constructor(bytes: AsyncIterable<Buffer>, limit: number) {
    this.#limit = limit;
    void this.#read(bytes);
  }

  async *pieces(): AsyncIterable<Buffer> {
    for (;;) {
      const piece = this.#held.shift();
      if (piece !== undefined) {
        this.#size -= piece.length;
        this.#tell();
        yield piece;
      } else if (this.#state === 'done') return;
      else if (this.#state === 'reading') await this.#changed.promise;
      else throw this.#state.error;
    }
  }

  async #read(bytes: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const piece of bytes) {
        this.#held.push(piece);
        this.#size += piece.length;
        this.#tell();
        while (this.#size > this.#limit) await this.#changed.promise;
      }
      this.#state = 'done';
    } catch (error) {
      this.#state = { error };
    }
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers();
  }
}
