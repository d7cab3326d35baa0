/** The two heavy jobs on segments, as plain functions: they run in worker threads, or in place when there is little to do. */
import { hash } from 'node:crypto';
import { openSegment, sealSegment } from '../openpgp/segment.ts';
import { countRows } from './cut.ts';

export interface SealJob {
  readonly kind: 'seal';
  readonly plain: Uint8Array;
  readonly key: Uint8Array;
  readonly level: number;
}

export interface SealResult {
  readonly sealed: Uint8Array;
  /** SHA-256 of the sealed bytes, 32 bytes. */
  readonly sha256: Uint8Array;
  readonly rows: number;
}

export interface OpenJob {
  readonly kind: 'open';
  readonly sealed: Uint8Array;
  readonly key: Uint8Array;
  readonly sha256: string;
  readonly plainLength: number;
  /** Names the segment in errors. */
  readonly what: string;
}

export async function seal(job: SealJob): Promise<SealResult> {
  const sealed = await sealSegment(job.plain, job.key, job.level);
  return { sealed, sha256: hash('sha256', sealed, 'buffer'), rows: countRows(job.plain) };
}

export function open(job: OpenJob): Promise<Uint8Array> {
  return openSegment(job, job.what);
}
