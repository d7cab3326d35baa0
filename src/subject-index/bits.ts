/** Numbers of some bits each, most significant bit first. */
/** What `put` takes in one step. */
export const PUT_BITS_MAX = 24;
const HALF = 16;

export class BitWriter {
  #bytes = Buffer.alloc(4096);
  #end = 0;
  #rest = 0;
  #restBits = 0;

  /** @param value - 0 to 2^bits - 1 */
  put(value: number, bits: number): void {
    if (bits > PUT_BITS_MAX) {
      this.put(value >>> HALF, bits - HALF);
      this.put(value & 0xffff, HALF);
      return;
    }
    const rest = (this.#rest << bits) | value;
    let restBits = this.#restBits + bits;
    for (; restBits >= 8;) {
      restBits -= 8;
      this.#push(rest >>> restBits);
    }
    this.#rest = rest;
    this.#restBits = restBits;
  }

  /** So many ones, then a zero. */
  putUnary(ones: number): void {
    let left = ones;
    for (; left >= HALF; left -= HALF) this.put(0xffff, HALF);
    this.put(2 ** (left + 1) - 2, left + 1);
  }

  /** All of it, filled up with zeros to a whole byte. */
  finish(): Buffer {
    if (this.#restBits > 0) this.put(0, 8 - this.#restBits);
    return Buffer.from(this.#bytes.subarray(0, this.#end));
  }

  #push(byte: number): void {
    if (this.#end === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#end)]);
    this.#bytes[this.#end++] = byte;
  }
}

export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #rest = 0;
  #restBits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws RangeError behind the end */
  get(bits: number): number {
    if (bits > PUT_BITS_MAX) {
      const high = this.get(bits - HALF);
      return high * 2 ** HALF + this.get(HALF);
    }
    while (this.#restBits < bits) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('it ends too early');
      this.#rest = ((this.#rest & 0xffffff) << 8) | byte;
      this.#restBits += 8;
    }
    this.#restBits -= bits;
    return (this.#rest >>> this.#restBits) & (2 ** bits - 1);
  }

  getUnary(): number {
    let ones = 0;
    while (this.get(1) === 1) ones += 1;
    return ones;
  }
}
