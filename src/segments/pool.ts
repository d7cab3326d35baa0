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

  /** @param threads - how many at most; by default the cores of the machine, up to 4 */
  constructor(threads = Math.min(availableParallelism(), THREADS_MAX)) {
    this.#threads = threads;
  }

  get threads(): number {
    return this.#threads;
  }

  /** Seals one segment. The plaintext is copied, so the caller may go on using its buffer. */
  seal(plain: Uint8Array, key: Uint8Array, level: number): Promise<SealResult> {
    if (this.#inPlace()) return seal({ kind: 'seal', plain, key, level });
    const copy = new Uint8Array(plain);
    return this.#submit({ kind: 'seal', plain: copy, key, level }, [copy.buffer]) as Promise<SealResult>;
  }

  /** Opens one segment; fails with DAMAGED when it is not what was declared. */
  async open(job: Omit<OpenJob, 'kind'>): Promise<Buffer> {
    if (this.#inPlace()) return Buffer.from(await open({ kind: 'open', ...job }));
    const sealed = new Uint8Array(job.sealed);
    const plain = (await this.#submit({ kind: 'open', ...job, sealed }, [sealed.buffer])) as Uint8Array;
    return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
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
