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

/** A segment within a range of a pack. */
export interface SegmentInRange {
  /** First byte within the range. */
  readonly at: number;
  readonly length: number;
  /** Of the sealed bytes, hex. */
  readonly sha256: string;
  /** Exact bytes of plaintext. */
  readonly plain: number;
  /** 32 bytes, hex. */
  readonly key: string;
}

/** One range of a pack, read at once, with the segments in it that are wanted. */
export interface OpenJob {
  readonly kind: 'open';
  readonly range: Uint8Array;
  readonly segments: readonly SegmentInRange[];
  /** Memory for the plaintext, back to back; at least as large as all segments together. */
  readonly into: Uint8Array;
  /** Names the range in errors. */
  readonly what: string;
}

export async function seal(job: SealJob): Promise<SealResult> {
  const sealed = await sealSegment(job.plain, job.key, job.level);
  return { sealed, sha256: hash('sha256', sealed, 'buffer'), rows: countRows(job.plain) };
}

/**
 * Opens the segments of a range into the memory that the job brings.
 * @returns the bytes of plaintext
 */
export async function open({ range, segments, into, what }: OpenJob): Promise<number> {
  let offset = 0;
  for (const { at, length, sha256, plain, key } of segments) {
    const sealed = range.subarray(at, at + length);
    const segment = { sealed, key: Buffer.from(key, 'hex'), sha256, plainLength: plain };
    into.set(await openSegment(segment, `${what}, segment at ${at}`), offset);
    offset += plain;
  }
  return offset;
}
