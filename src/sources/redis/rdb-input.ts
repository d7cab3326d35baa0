/** The bytes of an RDB as they come in: a window that grows until what is wanted is in it, and a checksum over all. */
import { Crc64 } from './crc64.ts';
import { SHORT, Walker } from './rdb-value.ts';

const SMALL_BYTES = 64 * 1024;
const WINDOW_BYTES = 1024 * 1024;
const LARGE_BYTES = 16 * WINDOW_BYTES;

export class RdbInput {
  readonly walker = new Walker();
  readonly #chunks: AsyncIterator<Buffer, void>;
  readonly #crc = new Crc64();
  /** The checksum covers the window up to here. */
  #checked = 0;
  /** Bytes before the window. */
  #before = 0;

  constructor(chunks: AsyncIterator<Buffer, void>) {
    this.#chunks = chunks;
  }

  /** Where the walker is, counted from the start of the RDB. */
  get position(): number {
    return this.#before + this.walker.at;
  }

  /** Bytes in the window behind the walker. */
  get waiting(): number {
    return this.walker.end - this.walker.at;
  }

  /**
   * Runs a step that walks; undefined when the window ends within it. The walker is back at the step's start then, or
   * where the step itself said that it was done with what came before.
   */
  attempt<T>(step: () => T): T | undefined {
    const { walker } = this;
    walker.start = walker.at;
    try {
      return step();
    } catch (error) {
      walker.at = walker.start;
      if (error === SHORT) return undefined;
      throw error;
    }
  }

  /**
   * Gets more bytes behind the walker's place. A record that did not fit is tried again only when there are twice
   * as many, so that a large one is not walked once for every chunk.
   * @returns false at the end of the input
   */
  async grow(): Promise<boolean> {
    const { walker } = this;
    this.#check(walker.at);
    const wanted = this.waiting < SMALL_BYTES ? 1 : this.waiting;
    let got = 0;
    while (got < wanted) {
      const next = await this.#chunks.next();
      if (next.done === true) break;
      this.#append(next.value);
      got += next.value.length;
    }
    return got > 0;
  }

  /** True when the eight bytes that were just walked past are the checksum of all before them, or zero for none. */
  closes(): 'checked' | 'unchecked' | 'differs' {
    const { walker } = this;
    const at = walker.at - 8;
    this.#check(at);
    if (this.#crc.equals(walker.view, at)) return 'checked';
    return walker.bytes.readBigUInt64LE(at) === 0n ? 'unchecked' : 'differs';
  }

  /** Into the same memory for as long as that will do: the collector would run all the time otherwise. */
  #append(chunk: Buffer): void {
    const { walker } = this;
    if (walker.end + chunk.length > walker.bytes.length) this.#makeRoom(chunk.length);
    walker.bytes.set(chunk, walker.end);
    walker.end += chunk.length;
  }

  #makeRoom(more: number): void {
    const { walker } = this;
    const { bytes, at, end } = walker;
    const size = sizeFor((end - at + more) * 2, bytes.length);
    const window = size === bytes.length ? bytes : Buffer.allocUnsafeSlow(size);
    bytes.copy(window, 0, at, end);
    this.#before += at;
    this.#checked -= at;
    walker.begin(window, end - at);
  }

  #check(to: number): void {
    this.#crc.update(this.walker.view, this.#checked, to);
    this.#checked = to;
  }
}

/** How large the window should be for so many bytes; one that had to grow for a single record is given up after it. */
function sizeFor(wanted: number, size: number): number {
  if (wanted > size) return Math.max(wanted, WINDOW_BYTES);
  return size > LARGE_BYTES && wanted <= WINDOW_BYTES ? WINDOW_BYTES : size;
}
