/**
 * A pool of threads that seal and open segments.
 *
 * The first bytes are worked on in place: a small database never pays for starting threads. After that each thread works
 * on one batch at a time, and callers keep the order and the bound of what is in flight themselves.
 */
import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../errors.ts';
import { Slabs } from './slabs.ts';
import { open, openOne, seal } from './work.ts';
import type { OpenJob, SealJob, SealResult, SegmentIndexing } from './work.ts';
import { workerProgram } from './worker-program.ts';
import type { WorkerAnswer } from './worker.ts';

/**
 * Bytes of plaintext that are worked on in place before threads are started: as many as take as long as starting them.
 * Who backs up knows that there is more to come, and has a lot else to do meanwhile.
 */
const IN_PLACE_BYTES = { reading: 32 * 1024 * 1024, writing: 1024 * 1024 };
/** So much plaintext is opened in the time that a message to a thread and its answer take. */
const SMALL_BYTES = 160 * 1024;
const THREADS_MAX = 4;
/** What one message to a thread carries at most: messages cost by the piece, and a thread should not wait long. */
const BATCH_JOBS_MAX = 16;
const BATCH_BYTES_MAX = 2 * 1024 * 1024;
/** Batches that a thread has at once: the next one lies there when it has answered. */
const BATCHES_AHEAD = 2;

/** A range that was read, with what is wanted from it. */
export type RangeJob = Pick<OpenJob, 'range' | 'segments' | 'what'>;

interface Waiting {
  readonly job: SealJob | OpenJob;
  readonly resolve: (result: SealResult | number) => void;
  readonly reject: (error: Error) => void;
}

export class SegmentPool implements AsyncDisposable {
  readonly #threads: number;
  readonly #heapMb: number;
  readonly #inPlaceBytes: number;
  /** What each thread has been sent and not answered yet, the oldest batch first. */
  readonly #running = new Map<Worker, (readonly Waiting[])[]>();
  readonly #queue: Waiting[] = [];
  readonly #slabs = new Slabs();
  #isDue = false;
  #bytes = 0;

  /**
   * @param threads - how many at most
   * @param heapMb - of each thread
   * @param inPlaceBytes - bytes of plaintext that are worked on before one is started
   */
  private constructor(threads: number, heapMb: number, inPlaceBytes: number) {
    this.#threads = threads;
    this.#heapMb = heapMb;
    this.#inPlaceBytes = inPlaceBytes;
  }

  /** For opening: all cores work, since nothing else does. */
  static forReading(): SegmentPool {
    return new SegmentPool(Math.min(availableParallelism(), THREADS_MAX), 40, IN_PLACE_BYTES.reading);
  }

  /** For sealing: the database server and the cutting of rows need a core, and every thread costs memory. */
  static forWriting(): SegmentPool {
    const threads = Math.max(1, Math.min(availableParallelism() - 1, THREADS_MAX));
    return new SegmentPool(threads, 64, IN_PLACE_BYTES.writing);
  }

  get threads(): number {
    return this.#threads;
  }

  /** Seals one segment. Plaintext in shared memory is read where it is, and must not change until then. */
  async seal(
    plain: Uint8Array,
    key: Uint8Array,
    level: number,
    index?: SegmentIndexing,
  ): Promise<SealResult> {
    // A small buffer is a view of a large one, and a message would take all of that with it.
    const ownKey = new Uint8Array(key);
    const job: SealJob = { kind: 'seal', plain, key: ownKey, level, ...(index && { index }) };
    if (this.#inPlace(plain.length)) return seal(job);
    if (plain.buffer instanceof SharedArrayBuffer) return this.#submit(job) as Promise<SealResult>;
    // Other memory is copied by a message as a whole, however little of it is meant.
    const shared = this.#slabs.lend(plain);
    try {
      return (await this.#submit({ ...job, plain: shared.bytes })) as SealResult;
    } finally {
      shared.release();
    }
  }

  /** Opens the segments of a range, back to back; fails with DAMAGED when one is not what was declared. */
  async open(job: RangeJob): Promise<Buffer> {
    const total = job.segments.reduce((sum, segment) => sum + segment.plain, 0);
    if (total <= SMALL_BYTES || this.#inPlace(total)) {
      const [only, ...others] = job.segments;
      if (only && others.length === 0) return openOne(only, job);
      const into = Buffer.allocUnsafeSlow(total);
      await open({ kind: 'open', ...job, into });
      return into;
    }
    const [range, plain] = [this.#slabs.lend(job.range), this.#slabs.lendEmpty(total)];
    try {
      await this.#submit({ kind: 'open', ...job, range: range.bytes, into: plain.bytes });
      return Buffer.from(plain.bytes);
    } finally {
      range.release();
      plain.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = [...this.#running];
    this.#running.clear();
    await Promise.all(running.map(([worker]) => worker.terminate()));
    const lost = [...running.flatMap(([, batches]) => batches.flat()), ...this.#queue.splice(0)];
    for (const { reject } of lost) reject(new Error('the pool is closed'));
  }

  #inPlace(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes <= this.#inPlaceBytes;
  }

  #submit(job: SealJob | OpenJob): Promise<SealResult | number> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      const isIdle = [...this.#running.values()].some(({ length }) => length === 0);
      if (!isIdle && this.#running.size < this.#threads) this.#start();
      this.#dispatchSoon();
    });
  }

  /** When whoever gives out jobs waits for something else: a message with several costs as much as one with one. */
  #dispatchSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#dispatch();
    });
  }

  #start(): void {
    const { program, ...how } = workerProgram();
    const worker = new Worker(program, {
      ...how,
      // Segments are short-lived garbage: a small young generation keeps the memory of a thread flat. Half of the old
      // one bounds the buffers outside the heap: less makes the collector run all the time.
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: this.#heapMb },
      env: environment(),
    });
    worker.on('message', (answers: readonly WorkerAnswer[]) => this.#settle(worker, answers));
    worker.on('error', (error: Error) => this.#fail(worker, error));
    this.#running.set(worker, []);
    worker.unref();
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const [worker, batches] = this.#leastBusy();
      if (!worker || batches.length >= BATCHES_AHEAD) return;
      const batch = takeBatch(this.#queue, Math.ceil(this.#queue.length / this.#threads));
      batches.push(batch);
      worker.ref();
      worker.postMessage(batch.map(({ job }) => job));
    }
  }

  #leastBusy(): [Worker | undefined, (readonly Waiting[])[]] {
    let found: [Worker | undefined, (readonly Waiting[])[]] = [undefined, []];
    for (const one of this.#running) if (!found[0] || one[1].length < found[1].length) found = one;
    return found;
  }

  #settle(worker: Worker, answers: readonly WorkerAnswer[]): void {
    const batches = this.#running.get(worker) ?? [];
    const batch = batches.shift() ?? [];
    if (batches.length === 0) worker.unref();
    this.#dispatch();
    for (const [index, { resolve, reject }] of batch.entries()) {
      const answer = answers[index];
      if (!answer) reject(new Error('a worker gave no answer'));
      else if (answer.ok) resolve(answer.result);
      else
        reject(typeof answer.error === 'string' ? new Error(answer.error) : new HoldfastError(answer.error));
    }
  }

  #fail(worker: Worker, error: Error): void {
    const lost = [...(this.#running.get(worker) ?? []).flat(), ...this.#queue.splice(0)];
    this.#running.delete(worker);
    for (const { reject } of lost) reject(error);
  }
}

/**
 * The next jobs for one thread: as many as have piled up, within limits.
 * @param share - of ranges to open: the others are for other threads
 */
function takeBatch(queue: Waiting[], share: number): Waiting[] {
  let count = 0;
  let bytes = 0;
  for (const { job } of queue) {
    const most = job.kind === 'seal' ? BATCH_JOBS_MAX : Math.min(share, BATCH_JOBS_MAX);
    const size = job.kind === 'seal' ? job.plain.length : job.into.length;
    if (count > 0 && (bytes + size > BATCH_BYTES_MAX || count >= most)) break;
    count++;
    bytes += size;
  }
  return queue.splice(0, count);
}

/** A thread has no compile cache unless it is told. */
function environment(): NodeJS.ProcessEnv {
  const cache = getCompileCacheDir();
  return cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(cache) };
}
