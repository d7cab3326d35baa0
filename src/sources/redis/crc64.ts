/**
 * CRC-64 as Redis computes it (crc64.c, "Jones"): polynomial 0xad93d23594c935a9, reflected, from 0, not inverted.
 * Of "123456789" it is 0xe9c6d914c4b8d9ca. JavaScript's integers have 32 bits, so it is kept in two halves; eight
 * bytes are taken at a time (slicing-by-8).
 */
const POLYNOMIAL = 0xad93d23594c935a9n;
const SLICES = 8;

const LOW = new Int32Array(256 * SLICES);
const HIGH = new Int32Array(256 * SLICES);
fillTables();

export class Crc64 {
  #low = 0;
  #high = 0;

  /** Takes the bytes `[start, end)`. A view gives four at once, wherever they stand. */
  update(bytes: DataView, start: number, end: number): void {
    let low = this.#low;
    let high = this.#high;
    let at = start;
    for (; at + SLICES <= end; at += SLICES) {
      low ^= bytes.getInt32(at, true);
      high ^= bytes.getInt32(at + 4, true);
      const a = 1792 + (low & 255);
      const b = 1536 + ((low >>> 8) & 255);
      const c = 1280 + ((low >>> 16) & 255);
      const d = 1024 + (low >>> 24);
      const e = 768 + (high & 255);
      const f = 512 + ((high >>> 8) & 255);
      const g = 256 + ((high >>> 16) & 255);
      const h = high >>> 24;
      low = xor8(LOW, a, b, c, d, e, f, g, h);
      high = xor8(HIGH, a, b, c, d, e, f, g, h);
    }
    this.#low = low;
    this.#high = high;
    for (; at < end; at += 1) this.byte(bytes.getUint8(at));
  }

  /** Takes one byte. */
  byte(byte: number): void {
    const index = (this.#low ^ byte) & 255;
    this.#low = ((this.#low >>> 8) | (this.#high << 24)) ^ (LOW[index] ?? 0);
    this.#high = (this.#high >>> 8) ^ (HIGH[index] ?? 0);
  }

  /** Writes it, little endian, as Redis does. */
  writeTo(bytes: DataView, at: number): void {
    bytes.setInt32(at, this.#low, true);
    bytes.setInt32(at + 4, this.#high, true);
  }

  /** True when the eight bytes there are its value. */
  equals(bytes: DataView, at: number): boolean {
    return bytes.getInt32(at, true) === this.#low && bytes.getInt32(at + 4, true) === this.#high;
  }

  reset(): void {
    this.#low = 0;
    this.#high = 0;
  }
}

/** Not with a rest parameter, which would cost more than the look-ups. */
function xor8(
  table: Int32Array,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
  h: number,
): number {
  return (
    (table[a] ?? 0) ^
    (table[b] ?? 0) ^
    (table[c] ?? 0) ^
    (table[d] ?? 0) ^
    (table[e] ?? 0) ^
    (table[f] ?? 0) ^
    (table[g] ?? 0) ^
    (table[h] ?? 0)
  );
}

function fillTables(): void {
  const reflected = BigInt(`0b${POLYNOMIAL.toString(2).padStart(64, '0').split('').reverse().join('')}`);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ reflected : crc >> 1n;
    enter(byte, crc);
    const first = crc;
    // Each further table has gone past one more zero byte.
    for (let slice = 1, later = first; slice < SLICES; slice += 1) {
      const index = Number(later & 255n);
      later = (later >> 8n) ^ firstTable(index, reflected);
      enter(slice * 256 + byte, later);
    }
  }
}

function firstTable(byte: number, reflected: bigint): bigint {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ reflected : crc >> 1n;
  return crc;
}

function enter(index: number, crc: bigint): void {
  LOW[index] = Number(BigInt.asIntN(32, crc));
  HIGH[index] = Number(BigInt.asIntN(32, crc >> 32n));
}
