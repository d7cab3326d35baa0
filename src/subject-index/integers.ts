/**
 * Runs of whole numbers: keys that the database hands out in rising order lie close together in a segment, and one
 * run says more, in fewer bytes and less time, than a hash for each.
 */

/** Numbers that are further apart than this are not in one run. */
const GAP_MAX = 16;
/** This many values for each run, or hashes are smaller. */
const VALUES_PER_RUN = 4;
/** So many are looked at before it is given up. */
const TRIAL = 64;
const DIGITS_MAX = 15;
const ZERO = 0x30;
const MINUS = 0x2d;

/** Takes whole numbers, one by one, until they turn out not to lie in runs. */
export class Runs {
  /** First and last number of each run. */
  readonly #ends: number[] = [];
  #first = 0;
  #last = -1;
  #values = 0;

  /** False when runs are of no use here; nothing more is taken then. */
  add(value: number): boolean {
    this.#values += 1;
    if (this.#values > 1 && value >= this.#first && value <= this.#last) return true;
    if (this.#values > 1 && value > this.#last && value - this.#last <= GAP_MAX) this.#last = value;
    else if (this.#values > 1 && value < this.#first && this.#first - value <= GAP_MAX) this.#first = value;
    else {
      if (this.#values > 1) this.#ends.push(this.#first, this.#last);
      this.#first = this.#last = value;
    }
    return this.#values < TRIAL || this.isWorth();
  }

  isWorth(): boolean {
    return this.#values === 0 || (this.#ends.length / 2 + 1) * VALUES_PER_RUN <= this.#values;
  }

  /** First and last number of each run, in rising order, none touching another. */
  finish(): Float64Array {
    if (this.#values === 0) return new Float64Array(0);
    const all: (readonly [number, number])[] = [[this.#first, this.#last]];
    for (let at = 0; at < this.#ends.length; at += 2)
      all.push([this.#ends[at] ?? 0, this.#ends[at + 1] ?? 0]);
    all.sort(([a], [b]) => a - b);
    const merged: number[] = [];
    for (const [first, last] of all) {
      const end = merged.length - 1;
      if (end > 0 && first <= (merged[end] ?? 0) + 1) merged[end] = Math.max(merged[end] ?? 0, last);
      else merged.push(first, last);
    }
    return Float64Array.from(merged);
  }
}

/** The whole number that these bytes write in the only way in which engines print one; NaN for anything else. */
export function integerIn(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  const from = negative ? start + 1 : start;
  const length = end - from;
  if (length < 1 || length > DIGITS_MAX) return NaN;
  if (bytes[from] === ZERO && (length > 1 || negative)) return NaN;
  let value = 0;
  for (let at = from; at < end; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

/** True when one of the runs holds the number. */
export function holds(runs: Float64Array, value: number): boolean {
  let low = 0;
  let high = runs.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[2 * middle + 1] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return 2 * low < runs.length && (runs[2 * low] ?? 0) <= value;
}
