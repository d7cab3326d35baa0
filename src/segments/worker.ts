/** A worker thread of the pool: takes one job at a time and answers with its result or its error. */
import { parentPort } from 'node:worker_threads';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { ErrorParts } from '../errors.ts';
import { open, seal } from './work.ts';
import type { OpenJob, SealJob, SealResult } from './work.ts';

export type WorkerAnswer =
  | { readonly ok: true; readonly result: SealResult | Uint8Array }
  | { readonly ok: false; readonly error: ErrorParts | string };

parentPort?.on('message', (job: SealJob | OpenJob) => {
  void answer(job).then(({ message, transfer }) => parentPort?.postMessage(message, transfer));
});

async function answer(job: SealJob | OpenJob): Promise<{ message: WorkerAnswer; transfer: ArrayBuffer[] }> {
  try {
    if (job.kind === 'seal') {
      const result = await seal(job);
      return { message: { ok: true, result }, transfer: owned(result.sealed) };
    }
    const plain = await open(job);
    return { message: { ok: true, result: plain }, transfer: owned(plain) };
  } catch (error) {
    return { message: { ok: false, error: portable(error) }, transfer: [] };
  }
}

/** The buffer below, when the view covers all of it: only then may it move to the other thread. */
function owned(view: Uint8Array): ArrayBuffer[] {
  const { buffer } = view;
  return buffer instanceof ArrayBuffer && buffer.byteLength === view.byteLength ? [buffer] : [];
}

function portable(error: unknown): ErrorParts | string {
  if (!(error instanceof HoldfastError)) return reasonOf(error);
  const { code, exit, message, hint } = error;
  return { code, exit, message, hint };
}
