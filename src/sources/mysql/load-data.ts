/** Rows into tables, several at a time: one session of the client program for each table. */
import { backquoted, plainName } from '../../rows/mysql-names.ts';
import { counted } from '../counted.ts';
import type { DumpReader, LoadOptions, StoredStream } from '../source.ts';
import type { Deferred } from './load-keys.ts';
import { notInserts } from './load-errors.ts';
import { joinInserts } from './load-inserts.ts';
import { runScript } from './load-process.ts';
import type { Target } from './load-target.ts';

export interface DataPlan {
  readonly target: Target;
  readonly dump: DumpReader;
  /** Of tables; each may be loaded beside every other. */
  readonly streams: readonly StoredStream[];
  /** What the dump sets before its rows. */
  readonly settings: string;
  /** Keys that are added behind the rows, by table. */
  readonly deferred: ReadonlyMap<string, Deferred>;
  readonly statementBytes: number;
  readonly options: LoadOptions;
}

/** Above this a statement of many rows gets no faster. */
export const STATEMENT_BYTES = 1024 * 1024;

/**
 * Loads all rows, and counts them.
 * @returns the rows that the server then has, by table
 * @throws HoldfastError LOAD_STATEMENT, LOAD_NOT_INSERT, LOAD_SERVER_GONE, CANCELLED
 */
export async function loadData(
  plan: DataPlan,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const found = new Map<string, number>();
  // The longest last would leave the other sessions without work.
  const queue = plan.streams.toSorted((one, other) => other.bytes - one.bytes);
  await inParallel(queue, plan.options.jobs, signal, async (stream, each) => {
    const name = stream.table?.name ?? stream.name;
    found.set(name, await loadTable(plan, stream, each));
  });
  return Object.fromEntries(
    plan.streams.map(({ name, table }) => [table?.name ?? name, found.get(table?.name ?? name) ?? 0]),
  );
}

async function loadTable(plan: DataPlan, stream: StoredStream, signal: AbortSignal): Promise<number> {
  const { target, dump } = plan;
  const name = stream.table?.name;
  if (name === undefined || stream.dialect !== 'mysql-insert')
    throw notInserts(stream.name, `rows in the dialect ${stream.dialect}`);
  const { client, database } = target;
  const bytes = tableScript(plan, dump.read(stream, signal), name);
  const printed = await runScript(client, { what: `rows of ${name}`, database, bytes }, signal);
  if (!/^\d+\n$/.test(printed)) throw notInserts(stream.name, 'the server did not count its rows');
  return Number(printed);
}

/**
 * In one transaction: a plain load would make every statement durable by itself. Where unique_checks are off, MariaDB writes
 * the rows of an empty table as a whole: measured as a third less time with the primary key alone, but as three times as
 * much where other keys are there. MySQL undoes and forgets rows one by one, so it gets shorter ones.
 */
async function* tableScript(
  { target, options, settings, deferred, statementBytes }: DataPlan,
  pieces: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<Buffer> {
  const table = backquoted(plainName(name));
  yield Buffer.from(settings, 'latin1');
  const later = deferred.get(plainName(name));
  yield Buffer.from(
    `SET foreign_key_checks=0, sql_notes=0, unique_checks=${later?.isBare === true ? 0 : 1};\n`,
  );
  // The source may have rows that break a CHECK. MySQL cannot be told to take them.
  if (target.server.flavour === 'mariadb') yield WITHOUT_CHECKS;
  yield Buffer.from(`ALTER TABLE ${table} DISABLE KEYS;\nSET autocommit=0;\n`);
  const progressing = counted(pieces, (bytes) => options.onProgress(bytes, name));
  let bytes = 0;
  for await (const statement of joinInserts(progressing, { stream: name, table: name, statementBytes })) {
    yield statement;
    bytes += statement.length;
    if (target.server.flavour === 'mysql' && bytes > COMMIT_BYTES) {
      yield COMMIT;
      bytes = 0;
    }
  }
  yield COMMIT;
  yield Buffer.from(later?.keys ?? '', 'latin1');
  yield Buffer.from(`ALTER TABLE ${table} ENABLE KEYS;\nSELECT COUNT(*) FROM ${table};\n`);
}

const WITHOUT_CHECKS = Buffer.from('SET check_constraint_checks=0;\n');
const COMMIT = Buffer.from('COMMIT;\n');
const COMMIT_BYTES = 64 * 1024 * 1024;

/** Works through a queue, so many at a time; the first failure ends the others, and is thrown when they have ended. */
export async function inParallel<Item>(
  items: readonly Item[],
  jobs: number,
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const stop = new AbortController();
  const each = AbortSignal.any([signal, stop.signal]);
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && failure === undefined; item = queue.shift()) {
      try {
        await work(item, each);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
}
