/** Loads keys into a server that was empty. */
import { isHoldfastError, reasonOf, throwIfCancelled } from '../../errors.ts';
import type { DumpReader, LoadOptions, LoadReport, StoredStream } from '../source.ts';
import { encodeCommand, openConnection, type RedisConnection } from './connection.ts';
import { commandFailed, loadFailed, targetRefused } from './errors.ts';
import { databaseName, readFacts, type RedisFacts } from './facts.ts';
import { blocksOf, commandsIn, readKeys, type KeyReader, type KeySink } from './load-commands.ts';
import { ReplyError, textOfReply, type Reply } from './replies.ts';
import { RestoreBatch } from './restore-batch.ts';
import type { RedisSettings } from './settings.ts';
import { isCounted, readWrites, takeOut } from './take-out.ts';

/** Batches that the server has not answered yet. */
const UNDER_WAY_MAX = 4;
/** Clocks are read a moment before or after. */
const CLOCK_MS = 2000;
/** How long a server may take to answer what is under way when the restore is cancelled. */
const LAST_ANSWERS_MS = 5000;

/** What was sent so far. */
interface Loaded {
  /** Keys by database. */
  readonly keys: Map<number, number>;
  /** Names of function libraries. */
  readonly libraries: string[];
  /** Keys whose time had ended when the restore began, and those of which it may have ended since. */
  surelyOver: number;
  maybeOver: number;
  /** Commands that wrote, as the server counts them; undefined when one was not answered. */
  writes: number | undefined;
}

/**
 * Loads these streams.
 * @throws HoldfastError REDIS_TARGET, REDIS_LOAD and those of connection and dump
 */
export async function loadServer(
  settings: RedisSettings,
  dump: DumpReader,
  streams: readonly StoredStream[],
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  // What is under way when somebody cancels is waited for: only then is it known what the server has run.
  const late = new AbortController();
  const onAbort = (): unknown => setTimeout(() => late.abort(), LAST_ANSWERS_MS).unref();
  throwIfCancelled(signal);
  signal.addEventListener('abort', onAbort, { once: true });
  const connection = await openConnection(settings, late.signal);
  const loaded: Loaded = { keys: new Map(), libraries: [], surelyOver: 0, maybeOver: 0, writes: 0 };
  let writesBefore: Awaited<ReturnType<typeof readWrites>>;
  try {
    writesBefore = await readWrites(connection, signal);
    const before = await readFacts(connection);
    if (await isOccupied(connection, before))
      throw targetRefused(settings.display, 'holds something already');
    const clock = await readClock(connection);
    for (const stream of streams) {
      const onBytes = (bytes: number): void => options.onProgress(bytes, stream.name);
      const blocks = blocksOf(dump, stream, onBytes, signal);
      if (stream.dialect === 'redis-restore')
        await loadDatabase(stream.name, blocks, new DatabaseLoader(connection, loaded, clock, signal));
      else await loadCommands(connection, stream.name, blocks, loaded);
    }
    return reportOf(settings, before, await readFacts(connection), loaded);
  } catch (error) {
    const left = await takeOut(settings, writesBefore, loaded);
    if (isHoldfastError(error, 'REDIS_TARGET')) throw error;
    // What was asked for is not there, or not wanted any more: the server is not at fault.
    if (isHoldfastError(error) && ['cancelled', 'usage'].includes(error.exit)) throw error;
    throw loadFailed(settings.display, reasonOf(error), left, error);
  } finally {
    signal.removeEventListener('abort', onAbort);
    connection.close();
  }
}

/** True when there is a key or a function. */
export async function isOccupied(connection: RedisConnection, { keys }: RedisFacts): Promise<boolean> {
  if (keys.size > 0) return true;
  // Servers before version 7 do not know the command.
  const functions = await connection.send(encodeCommand(['FUNCTION', 'LIST']));
  return Array.isArray(functions) && functions.length > 0;
}

/** The server's time in milliseconds, whenever it is asked for. */
async function readClock(connection: RedisConnection): Promise<Clock> {
  const [seconds] = (await connection.call('TIME')) as Buffer[];
  const startMs = Number(String(seconds)) * 1000;
  const askedMs = performance.now();
  return { startMs, now: () => startMs + performance.now() - askedMs };
}

interface Clock {
  readonly startMs: number;
  now(): number;
}

async function loadCommands(
  connection: RedisConnection,
  stream: string,
  blocks: AsyncIterable<Buffer>,
  loaded: Loaded,
): Promise<void> {
  for await (const { name, body } of commandsIn(blocks, stream)) {
    const reply = await connection.send(encodeCommand([...name.split(' '), body]));
    if (name === 'FUNCTION LOAD') countWrite(loaded, reply);
    if (reply instanceof ReplyError) throw commandFailed(connection.server, name, reply.text);
    if (name === 'FUNCTION LOAD') loaded.libraries.push(textOfReply(reply));
  }
}

function countWrite(loaded: Loaded, reply: Reply): void {
  if (loaded.writes !== undefined && isCounted(reply)) loaded.writes += 1;
}

async function loadDatabase(
  stream: string,
  blocks: AsyncIterable<Buffer>,
  loader: DatabaseLoader,
): Promise<void> {
  try {
    await readKeys(blocks, stream, loader);
    await loader.finish();
  } finally {
    await loader.settled();
  }
}

/** Sends keys in batches, a few of them ahead of the server's answers. */
class DatabaseLoader implements KeySink {
  readonly #connection: RedisConnection;
  readonly #loaded: Loaded;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #batch = new RestoreBatch();
  readonly #underWay: { readonly bytes: Buffer; readonly done: Promise<void> }[] = [];
  #database = 0;

  constructor(connection: RedisConnection, loaded: Loaded, clock: Clock, signal: AbortSignal) {
    this.#connection = connection;
    this.#loaded = loaded;
    this.#clock = clock;
    this.#signal = signal;
  }

  async database(number: number): Promise<void> {
    await this.#connection.call('SELECT', String(number));
    this.#database = number;
    this.#loaded.keys.set(number, 0);
  }

  key(row: KeyReader): Promise<void> | undefined {
    this.#batch.add(row);
    if (!row.isForever) this.#countTime(Number(row.expiresText));
    return this.#batch.isFull ? this.#send(UNDER_WAY_MAX) : undefined;
  }

  finish(): Promise<void> {
    return this.#send(0);
  }

  /** When the server has answered everything, whatever the answers are, or will answer no more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.map(({ done }) => done));
  }

  async #run(bytes: Buffer, count: number): Promise<void> {
    let refused = 0;
    const onBad = (reply: Reply): void => {
      if (!isCounted(reply)) refused += 1;
    };
    try {
      const reply = await this.#connection.sendAll(bytes, count, onBad);
      if (this.#loaded.writes !== undefined) this.#loaded.writes += count - refused;
      if (reply !== 'OK') throw new Error(reasonOfReply(reply));
    } catch (error) {
      if (isHoldfastError(error)) this.#loaded.writes = undefined;
      throw error;
    }
  }

  #countTime(time: number): void {
    if (time <= this.#clock.startMs) this.#loaded.surelyOver += 1;
    if (time <= this.#clock.now() + CLOCK_MS) this.#loaded.maybeOver += 1;
  }

  async #send(most: number): Promise<void> {
    throwIfCancelled(this.#signal);
    const { bytes, count } = this.#batch.take();
    if (count > 0) {
      const { keys } = this.#loaded;
      keys.set(this.#database, (keys.get(this.#database) ?? 0) + count);
      const done = this.#run(bytes, count);
      // Thrown where it is waited for.
      done.catch(() => undefined);
      this.#underWay.push({ bytes, done });
    }
    for (let first = this.#underWay[0]; first && this.#underWay.length > most; first = this.#underWay[0]) {
      await first.done;
      this.#underWay.shift();
      this.#batch.giveBack(first.bytes);
    }
  }
}

function reasonOfReply(reply: unknown): string {
  const text = reply instanceof ReplyError ? reply.text : 'an answer that is not understood';
  if (text.startsWith('BUSYKEY')) return 'somebody else writes to it: a key was there already';
  if (text.startsWith('OOM')) return 'its memory is full (maxmemory)';
  if (/Bad data format|version or checksum/.test(text))
    return `it does not take a value (${text}): it is older than the backup, or lacks a module`;
  return text;
}

/** Every key must be there, or its time must have ended. */
function reportOf(
  settings: RedisSettings,
  before: RedisFacts,
  after: RedisFacts,
  loaded: Loaded,
): LoadReport {
  const sent = sum(loaded.keys.values());
  const there = sum(after.keys.values());
  const neverMade = sent - there - (after.expired - before.expired);
  const evicted = after.evicted - before.evicted;
  if (evicted > 0)
    throw new Error(`it threw ${evicted} keys out again for want of memory (maxmemory-policy)`);
  if (neverMade < loaded.surelyOver || neverMade > loaded.maybeOver)
    throw new Error(`it holds ${there} keys where ${sent} were loaded: somebody else writes to it`);
  const databases = [...loaded.keys].map(([number, keys]) => {
    const here = after.keys.get(number) ?? 0;
    return { name: databaseName(number), here, ended: keys - here };
  });
  return {
    target: settings.display,
    rows: Object.fromEntries(databases.map(({ name, here }) => [name, here])),
    ended: Object.fromEntries(databases.map(({ name, ended }) => [name, ended])),
    leftOut: databases
      .filter(({ ended }) => ended > 0)
      .map(({ name, ended }) => `${ended} keys of ${name}, whose time to live has ended since the backup`),
  };
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}
