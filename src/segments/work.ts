/** The two heavy jobs on segments, as plain functions: they run in worker threads, or in place when there is little to do. */
import { hash } from 'node:crypto';
import { openSegment, sealSegment } from '../openpgp/segment.ts';
import type { KeyReader, SegmentKeys } from '../subject-index/read-keys.ts';
import { countRows } from './cut.ts';

export interface SealJob {
  readonly kind: 'seal';
  readonly plain: Uint8Array;
  readonly key: Uint8Array;
  readonly level: number;
  readonly index?: SegmentIndexing;
}

/** How a segment's rows are indexed while their plaintext is at hand. */
export interface SegmentIndexing {
  /** A `StreamPlan` (subject-index/plan.ts) as JSON: the same text for all segments of a stream. */
  readonly plan: string;
  /** The segment begins its stream. */
  readonly isFirst: boolean;
}

export interface SealResult {
  readonly sealed: Uint8Array;
  /** SHA-256 of the sealed bytes, 32 bytes. */
  readonly sha256: Uint8Array;
  readonly rows: number;
  /** In the order of the plan's matches; absent where nothing was to be indexed, or could not be. */
  readonly keys?: readonly SegmentKeys[];
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

export async function seal({ plain, key, level, index }: SealJob): Promise<SealResult> {
  const reader = index && (await keyReaderFor(index.plan));
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  const read = reader?.read(bytes, index?.isFirst === true);
  const sealed = sealSegment(plain, key, level);
  const result = {
    sealed,
    sha256: hash('sha256', sealed, 'buffer'),
    rows: read?.lineEnds ?? countRows(plain),
  };
  return read ? { ...result, keys: read.keys } : result;
}

/** Readers of streams that are being sealed: one for each lane of the dump, and what is left of the one before. */
const READERS_MAX = 16;
const readers = new Map<string, KeyReader>();

/** What reads rows is loaded by those who need it only. */
async function keyReaderFor(plan: string): Promise<KeyReader> {
  const { KeyReader: Reader } = await import('../subject-index/read-keys.ts');
  const known = readers.get(plan);
  if (known) return known;
  const reader = new Reader(JSON.parse(plan) as ConstructorParameters<typeof Reader>[0]);
  const [oldest] = readers.keys();
  if (oldest !== undefined && readers.size >= READERS_MAX) readers.delete(oldest);
  readers.set(plan, reader);
  return reader;
}

/**
 * Opens the segments of a range into the memory that the job brings.
 * @returns the bytes of plaintext
 */
export async function open({ range, segments, into, what }: OpenJob): Promise<number> {
  let offset = 0;
  for (const segment of segments) {
    into.set(await openOne(segment, { range, what }), offset);
    offset += segment.plain;
  }
  return offset;
}

/** Opens one segment of a range. */
export function openOne(
  { at, length, sha256, plain, key }: SegmentInRange,
  { range, what }: Pick<OpenJob, 'range' | 'what'>,
): Promise<Buffer> {
  const sealed = range.subarray(at, at + length);
  const segment = { sealed, key: Buffer.from(key, 'hex'), sha256, plainLength: plain };
  return openSegment(segment, `${what}, segment at ${at}`);
}
