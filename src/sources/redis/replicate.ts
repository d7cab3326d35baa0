/**
 * Asks a server for what a new replica would get: an RDB of one moment (redis.io, "Redis replication"; Redis'
 * replication.c). The server forks, so its clients go on, and writes it into the connection.
 */
import { encodeCommand, type RedisConnection } from './connection.ts';
import { commandFailed, dumpCut, noDump } from './errors.ts';

const MARK_BYTES = 40;
const FIRST_LINE_MAX = 1024;
const LF = 10;

export interface Replication {
  /** The RDB; what comes behind it may follow in the last chunk. */
  readonly chunks: AsyncIterator<Buffer, void>;
  /**
   * To be called when the RDB was read to its end.
   * @param rest - bytes that came behind it in the last chunk
   * @throws HoldfastError REDIS_DUMP_CUT when it does not end where the server said that it would
   */
  finish(rest: Buffer): Promise<void>;
}

/**
 * Starts. The connection belongs to the dump from now on.
 * @throws HoldfastError REDIS_NO_DUMP
 */
export async function startReplication(connection: RedisConnection): Promise<Replication> {
  const { server } = connection;
  // Older servers do not know these, which only costs them memory or a file.
  await connection.send(encodeCommand(['REPLCONF', 'capa', 'eof']));
  await connection.send(encodeCommand(['REPLCONF', 'rdb-only', '1']));
  const chunks = connection.takeOver(encodeCommand(['SYNC']));
  const { line, rest } = await firstLine(chunks, server);
  if (line.startsWith('-NOPERM')) throw commandFailed(server, 'SYNC', line.slice(1));
  if (line.startsWith('-')) throw noDump(server, line.slice(1));
  const mark = /^\$EOF:([0-9a-f]{40})$/.exec(line)?.[1];
  const length = /^\$(\d{1,15})$/.exec(line)?.[1];
  if (mark !== undefined) {
    const all = prepended(rest, chunks);
    return { chunks: all, finish: (last) => mustEndWith(mark, last, all, server) };
  }
  if (length === undefined) throw noDump(server, 'its reply to SYNC is not understood');
  return {
    chunks: limited(prepended(rest, chunks), Number(length)),
    finish: (last) => (last.length === 0 ? Promise.resolve() : Promise.reject(behind(server))),
  };
}

/** The line that says what comes; before it a server sends empty lines while it prepares. */
async function firstLine(
  chunks: AsyncIterator<Buffer, void>,
  server: string,
): Promise<{ readonly line: string; readonly rest: Buffer }> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const start = bytes.findIndex((byte) => byte !== LF);
    const end = start === -1 ? -1 : bytes.indexOf(LF, start);
    if (end !== -1) {
      const line = bytes.toString('latin1', start, end).replace(/\r$/, '');
      return { line, rest: bytes.subarray(end + 1) };
    }
    const pending = start === -1 ? Buffer.alloc(0) : bytes.subarray(start);
    if (pending.length > FIRST_LINE_MAX) throw noDump(server, 'its reply to SYNC is not understood');
    const next = await chunks.next();
    if (next.done === true) throw dumpCut(server, 'the server closed the connection before it began');
    bytes = Buffer.concat([pending, next.value]);
  }
}

async function* prepended(first: Buffer, chunks: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  if (first.length > 0) yield first;
  yield* chunks;
}

/** The first bytes only: behind them the server's own stream of changes begins. */
async function* limited(chunks: AsyncGenerator<Buffer, void>, length: number): AsyncGenerator<Buffer, void> {
  let left = length;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
    if (left === 0) return;
  }
}

async function mustEndWith(
  mark: string,
  first: Buffer,
  chunks: AsyncIterator<Buffer, void>,
  server: string,
): Promise<void> {
  let bytes = first;
  while (bytes.length < MARK_BYTES) {
    const next = await chunks.next();
    if (next.done === true) throw dumpCut(server, 'its end mark is missing');
    bytes = Buffer.concat([bytes, next.value]);
  }
  if (bytes.toString('latin1', 0, MARK_BYTES) !== mark) throw behind(server);
}

function behind(server: string): Error {
  return dumpCut(server, 'something else follows where its end should be');
}
