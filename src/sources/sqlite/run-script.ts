/** Running the streams of a dump on a connection, piece by piece. */
import { isUtf8 } from 'node:buffer';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HoldfastError, throwIfCancelled } from '../../errors.ts';
import type { DumpReader, StoredStream } from '../source.ts';
import { loadFailed } from './errors.ts';
import { forbidAttach } from './rehearse.ts';
import { STATEMENT_LIMIT } from './rows.ts';

/**
 * Runs one stream: rows as they come, definitions as a whole.
 *
 * @param onBytes - called with the number of bytes that were run since the last call
 * @throws HoldfastError SQLITE_LOAD, CANCELLED, and whatever the reader throws
 */
export async function runStream(
  db: DatabaseSync,
  dump: DumpReader,
  stream: StoredStream,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (stream.dialect === 'sql') forbidAttach(db);
  try {
    for await (const batch of batches(dump.read(stream, signal), stream)) {
      throwIfCancelled(signal);
      if (!isUtf8(batch)) throw new Error('the dump is not valid UTF-8');
      db.exec(batch.toString('utf8'));
      onBytes(batch.length);
      await nextTurn();
    }
  } catch (error) {
    throw error instanceof HoldfastError ? error : loadFailed(stream.name, error);
  } finally {
    // Asked about every row, it would take longer than the rows.
    db.setAuthorizer(null);
  }
}

/** Bytes of whole statements: rows up to the last line end so far; definitions, which have many, all at once. */
async function* batches(pieces: AsyncIterable<Buffer>, stream: StoredStream): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    if (size + piece.length > STATEMENT_LIMIT) throw new Error('a statement is longer than Node can hold');
    const end = stream.dialect === 'sql' ? 0 : piece.lastIndexOf('\n') + 1;
    if (end > 0) {
      yield* slices(joined([...waiting.splice(0), piece.subarray(0, end)]));
      size = 0;
    }
    waiting.push(piece.subarray(end));
    size += piece.length - end;
  }
  if (size > 0) yield joined(waiting);
}

function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
}

/** Pieces of up to 4 MiB would hold up everything else for a tenth of a second. */
const SLICE = 256 * 1024;

function* slices(rows: Buffer): Iterable<Buffer> {
  for (let at = 0; at < rows.length;) {
    const end = rows.indexOf('\n', Math.min(at + SLICE, rows.length) - 1) + 1;
    yield rows.subarray(at, end);
    at = end;
  }
}
