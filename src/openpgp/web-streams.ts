/**
 * Streams of bytes to the library and back. Errors do not go through it: one within its streams makes it reject promises
 * that nobody can see.
 */
import { ReadableStream } from 'node:stream/web';
import type { openpgp } from './library.ts';

/** A source whose failure goes beside it: the library gets no more pieces, and whoever reads what it makes hears of it. */
export function withoutErrors(pieces: AsyncIterable<Uint8Array>): {
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Never fulfilled; rejects with what `pieces` threw. */
  readonly failure: Promise<never>;
} {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  failure.catch(() => undefined);
  const guarded = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces;
    } catch (error) {
      reject(error);
      await new Promise<never>(() => undefined);
    }
  };
  return { pieces: guarded(), failure };
}

/** The library takes streams of plain Uint8Arrays only: it copies what is a Buffer. */
export function streamOf(pieces: AsyncIterable<Uint8Array>): openpgp.WebStream<Uint8Array> {
  const plain = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces)
      if (piece.length > 0) yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  };
  return ReadableStream.from(plain()) as unknown as openpgp.WebStream<Uint8Array>;
}

/** Reads to the end, or to the failure of the source; whoever stops before it stops the source as well. */
export async function* piecesOf(stream: unknown, failure: Promise<never>): AsyncGenerator<Uint8Array> {
  const reader = (stream as ReadableStream<Uint8Array>).getReader();
  let isRunning = true;
  // A read that waits ends by this. A race of each read with one promise would keep all of them in memory.
  failure.catch(() => reader.releaseLock());
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done) isRunning = false;
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    isRunning = false;
    await Promise.race([failure, Promise.resolve()]);
    throw error;
  } finally {
    // Not waited for: a source may be silent for ever.
    if (isRunning) void reader.cancel().catch(() => undefined);
  }
}
