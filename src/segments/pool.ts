/**
 * A pool of threads that seal and open segments.
 *
 * The first few jobs run in place: a small database never pays for starting threads. After that each thread works
 * on one job at a time, and callers keep the order and the bound of what is in flight themselves.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../errors.ts';
import { open, seal } from './work.ts';
import type { OpenJob, SealJob, SealResult } from './work.ts';
import type { WorkerAnswer } from './worker.ts';

/** Jobs that are done in place before threads are started. */
const IN_PLACE_JOBS = 12;
const THREADS_MAX = 4;

interface Waiting {
  readonly job: SealJob | OpenJob;
  readonly transfer: ArrayBuffer[];
  readonly resolve: (result: SealResult | Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

export class SegmentPool implements AsyncDisposable {
  readonly #threads: number;
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Waiting>();
  readonly #queue: Waiting[] = [];
  #jobs = 0;

  /** @param threads - how many at most */
  private constructor(threads: number) {
    this.#threads = threads;
  }

  /** For opening: all cores work, since nothing else does. */
  static forReading(): SegmentPool {
    return new SegmentPool(Math.min(availableParallelism(), THREADS_MAX));
  }

  /** For sealing: the database server and the cutting of rows need a core, and every thread costs memory. */
  static forWriting(): SegmentPool {
    return new SegmentPool(Math.max(1, Math.min(availableParallelism() - 1, THREADS_MAX)));
  }

  get threads(): number {
    return this.#threads;
  }

  /** Seals one segment. Plaintext in shared memory is read where it is, and must not change until then. */
  seal(plain: Uint8Array, key: Uint8Array, level: number): Promise<SealResult> {
    if (this.#inPlace()) return seal({ kind: 'seal', plain, key, level });
    return this.#submit({ kind: 'seal', plain, key, level }, []) as Promise<SealResult>;
  }

  /** Opens the segments of a range; fails with DAMAGED when one is not what was declared. */
  async open(job: Omit<OpenJob, 'kind'>): Promise<Buffer> {
    const plain = await this.#openBytes(job);
    return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  }

  #openBytes(job: Omit<OpenJob, 'kind'>): Promise<Uint8Array> {
    if (this.#inPlace()) return open({ kind: 'open', ...job });
    const range = new Uint8Array(job.range);
    return this.#submit({ kind: 'open', ...job, range }, [range.buffer]) as Promise<Uint8Array>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()));
    for (const waiting of [...this.#running.values(), ...this.#queue.splice(0)])
      waiting.reject(new Error('the pool is closed'));
    this.#running.clear();
  }

  #inPlace(): boolean {
    return this.#jobs++ < IN_PLACE_JOBS;
  }

  #submit(job: SealJob | OpenJob, transfer: ArrayBuffer[]): Promise<SealResult | Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, transfer, resolve, reject });
      if (this.#idle.length === 0 && this.#workers.length < this.#threads) this.#start();
      this.#dispatch();
    });
  }

  #start(): void {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      // Segments are short-lived garbage: a small young generation keeps the memory of a thread flat.
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 },
    });
    worker.on('message', (answer: WorkerAnswer) => this.#settle(worker, answer));
    worker.on('error', (error: Error) => this.#fail(worker, error));
    this.#workers.push(worker);
    this.#idle.push(worker);
    worker.unref();
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop();
      if (!worker) return;
      const next = this.#queue.shift();
      if (!next) return;
      this.#running.set(worker, next);
      worker.ref();
      worker.postMessage(next.job, next.transfer);
    }
  }

  #settle(worker: Worker, answer: WorkerAnswer): void {
    const waiting = this.#running.get(worker);
    this.#running.delete(worker);
    worker.unref();
    this.#idle.push(worker);
    this.#dispatch();
    if (!waiting) return;
    if (answer.ok) waiting.resolve(answer.result);
    else
      waiting.reject(
        typeof answer.error === 'string' ? new Error(answer.error) : new HoldfastError(answer.error),
      );
  }

  #fail(worker: Worker, error: Error): void {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    this.#running.get(worker)?.reject(error);
    this.#running.delete(worker);
    for (const waiting of this.#queue.splice(0)) waiting.reject(error);
  }
}
