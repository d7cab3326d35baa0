/** A worker thread of the pool: takes a batch of jobs at a time and answers each with its result or its error. */
import { parentPort } from 'node:worker_threads';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { ErrorParts } from '../errors.ts';
import { open, seal } from './work.ts';
import type { OpenJob, SealJob, SealResult } from './work.ts';

export type WorkerAnswer =
  | { readonly ok: true; readonly result: SealResult | number }
  | { readonly ok: false; readonly error: ErrorParts | string };

// One batch after the other, since the pool takes answers for those of the oldest one.
let last = Promise.resolve();
parentPort?.on('message', (jobs: readonly (SealJob | OpenJob)[]) => {
  last = last.then(() => work(jobs));
});

async function work(jobs: readonly (SealJob | OpenJob)[]): Promise<void> {
  const answers: WorkerAnswer[] = [];
  for (const job of jobs) answers.push(await answer(job));
  const { moved, transfer } = gather(answers);
  parentPort?.postMessage(moved, transfer);
}

async function answer(job: SealJob | OpenJob): Promise<WorkerAnswer> {
  try {
    return { ok: true, result: job.kind === 'seal' ? await seal(job) : await open(job) };
  } catch (error) {
    return { ok: false, error: portable(error) };
  }
}

/** Puts the sealed bytes of a batch behind each other: moving memory between threads costs by the piece. */
function gather(answers: readonly WorkerAnswer[]): { moved: WorkerAnswer[]; transfer: ArrayBuffer[] } {
  const all = Buffer.allocUnsafeSlow(
    answers.reduce((sum, one) => sum + (sealedOf(one)?.sealed.length ?? 0), 0),
  );
  let end = 0;
  const moved = answers.map((one): WorkerAnswer => {
    const result = sealedOf(one);
    if (!result) return one;
    all.set(result.sealed, end);
    const sealed = all.subarray(end, (end += result.sealed.length));
    return { ok: true, result: { ...result, sealed } };
  });
  return { moved, transfer: [all.buffer] };
}

function sealedOf(answer: WorkerAnswer): SealResult | undefined {
  return answer.ok && typeof answer.result !== 'number' ? answer.result : undefined;
}

function portable(error: unknown): ErrorParts | string {
  if (!(error instanceof HoldfastError)) return reasonOf(error);
  const { code, exit, message, hint } = error;
  return { code, exit, message, hint };
}
