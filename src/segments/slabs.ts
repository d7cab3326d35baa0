/**
 * Memory for segments on their way to and from the threads that seal and open them: shared, so that nothing is
 * copied again, and used over and over, so that the garbage collector has little to do.
 */
const SLAB_BYTES = 2 * 1024 * 1024;

interface Slab {
  readonly memory: Buffer;
  /** First free byte. */
  end: number;
  /** Segments in it that are still needed. */
  users: number;
}

/** A piece of shared memory; nobody else gets it until `release` is called. */
export interface Lent {
  readonly bytes: Buffer;
  release(): void;
}

export class Slabs {
  readonly #free: Slab[] = [];
  #current: Slab = newSlab(SLAB_BYTES);

  /** Copies bytes into shared memory. */
  lend(source: Uint8Array): Lent {
    const lent = this.lendEmpty(source.length);
    lent.bytes.set(source);
    return lent;
  }

  /** Shared memory with whatever was in it. */
  lendEmpty(length: number): Lent {
    const slab = this.#slabFor(length);
    const bytes = slab.memory.subarray(slab.end, slab.end + length);
    slab.end += length;
    slab.users++;
    return { bytes, release: () => this.#release(slab) };
  }

  #slabFor(bytes: number): Slab {
    if (bytes > SLAB_BYTES) return newSlab(bytes);
    if (this.#current.end + bytes <= SLAB_BYTES) return this.#current;
    const full = this.#current;
    this.#current = this.#free.pop() ?? newSlab(SLAB_BYTES);
    if (full.users === 0) this.#recycle(full);
    return this.#current;
  }

  #release(slab: Slab): void {
    slab.users--;
    if (slab.users === 0 && slab !== this.#current) this.#recycle(slab);
  }

  #recycle(slab: Slab): void {
    if (slab.memory.length !== SLAB_BYTES) return;
    slab.end = 0;
    this.#free.push(slab);
  }
}

function newSlab(bytes: number): Slab {
  return { memory: Buffer.from(new SharedArrayBuffer(bytes)), end: 0, users: 0 };
}
