/** Hashes, each once: open addressing in memory that is used again for the next segment. */
const SLOTS = 8192;

export class Distinct {
  #slots = new Int32Array(SLOTS);
  #found = new Uint32Array(SLOTS);
  #size = 0;
  #last = -1;
  #hasZero = false;

  begin(): void {
    if (this.#slots.length > SLOTS) this.#slots = new Int32Array(SLOTS);
    else this.#slots.fill(0);
    this.#size = 0;
    this.#last = -1;
    this.#hasZero = false;
  }

  /** @param hash - 32 bits, with a sign */
  add(hash: number): void {
    if (hash === this.#last) return;
    this.#last = hash;
    // A slot with 0 is a free one.
    const isKnown = hash === 0 ? this.#hasZero : !this.#take(hash);
    if (hash === 0) this.#hasZero = true;
    if (isKnown) return;
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#found[this.#size++] = hash;
  }

  /** All of them, in the order in which they came. */
  take(): Uint32Array {
    return this.#found.slice(0, this.#size);
  }

  /** False when it is there already. */
  #take(hash: number): boolean {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const there = this.#slots[slot];
      if (there === hash) return false;
      if (there !== 0) continue;
      this.#slots[slot] = hash;
      return true;
    }
  }

  #grow(): void {
    const found = new Uint32Array(this.#slots.length * 2);
    found.set(this.#found.subarray(0, this.#size));
    this.#found = found;
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    for (const hash of old) if (hash !== 0) this.#take(hash);
  }
}
