/** Bytes by name, as much of it as there is memory for: what was put in first is forgotten first. */
export class BoundedCache<T> {
  readonly #bytesMax: number;
  readonly #bytesOf: (value: T) => number;
  /** The oldest first. */
  readonly #values = new Map<string, T>();
  #bytes = 0;

  /**
   * @param bytesMax - memory for all of it; what alone is larger is never kept
   * @param bytesOf - how much of that a value takes
   */
  constructor(bytesMax: number, bytesOf: (value: T) => number) {
    this.#bytesMax = bytesMax;
    this.#bytesOf = bytesOf;
  }

  get(name: string): T | undefined {
    return this.#values.get(name);
  }

  /** Takes the place of what has that name. */
  set(name: string, value: T): void {
    this.delete(name);
    if (this.#bytesOf(value) > this.#bytesMax) return;
    this.#values.set(name, value);
    this.#bytes += this.#bytesOf(value);
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.delete(oldest);
    }
  }

  delete(name: string): void {
    const value = this.#values.get(name);
    if (value === undefined) return;
    this.#values.delete(name);
    this.#bytes -= this.#bytesOf(value);
  }
}
