/** What a worker thread runs: a file beside this one, or a text inside of the single executable. */
import { getAsset, isSea } from 'node:sea';

/** The asset of the single executable that has `worker.ts`, bundled as CommonJS. */
export const WORKER_ASSET = 'worker.cjs';

export interface WorkerProgram {
  readonly program: string | URL;
  /** `program` is the text itself. */
  readonly eval: boolean;
}

/** The program of workers; from sources, from `dist`, and from the single executable. */
export function workerProgram(): WorkerProgram {
  if (isSea()) return { program: getAsset(WORKER_ASSET, 'utf8'), eval: true };
  const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
  return { program: new URL(file, import.meta.url), eval: false };
}
