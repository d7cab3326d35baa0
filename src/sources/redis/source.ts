/** Redis and Valkey as a source: an RDB of one moment, as a replica would get it, written out key by key. */
import { throwIfCancelled } from '../../errors.ts';
import { REDIS_COLUMNS } from '../../rows/redis-restore-codec.ts';
import type { Schema, TableSchema } from '../schema.ts';
import type { Dump, DumpStream, Source, SourceInfo } from '../source.ts';
import { openConnection, type RedisConnection } from './connection.ts';
import { databaseAppeared } from './errors.ts';
import { databaseName, readFacts, type RedisFacts } from './facts.ts';
import { readRdb, type RdbEvent } from './rdb.ts';
import { startReplication } from './replicate.ts';
import { redisSettings, type RedisSettings } from './settings.ts';

export interface RedisSourceOptions {
  /** `redis://user:password@host:port`; see `redisSettings`. */
  readonly url: string;
  /** For REDISCLI_AUTH. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A Redis server with all its databases.
 *
 * The dump's streams are `pre-data` (functions, as FUNCTION LOAD) and one for each database that holds keys, `db0`:
 * a line `SELECT 0`, then a line `RESTORE …` for each key. One moment is dumped, by one connection in one lane.
 * How long keys were idle and how often they were used is left out: it would make every day another dump.
 */
export function redisSource({ url, env }: RedisSourceOptions): Source {
  const settings = redisSettings(url, env);
  return {
    kind: 'redis',
    probe: (signal) => probe(settings, signal),
    schema: async (signal) => schemaOf(await ask(settings, signal)),
    dump: (signal) => dump(settings, signal),
  };
}

async function ask(settings: RedisSettings, signal: AbortSignal): Promise<RedisFacts> {
  const connection = await openConnection(settings, signal);
  try {
    return await readFacts(connection);
  } finally {
    connection.close();
  }
}

async function probe(settings: RedisSettings, signal: AbortSignal): Promise<SourceInfo> {
  const facts = await ask(settings, signal);
  const { flavour, version, mode, role, modules, usedBytes } = facts;
  return {
    kind: 'redis',
    database: settings.display,
    serverVersion: version,
    // The dump is read by this program itself.
    toolVersion: version,
    estimatedBytes: usedBytes,
    warnings: warningsOf(facts),
    facts: { flavour, mode, role, modules },
  };
}

function warningsOf({ mode, role, hasLink, modules }: RedisFacts): string[] {
  return [
    ...(mode === 'cluster'
      ? ['this is one node of a cluster: only its own keys are backed up; make a set for each master']
      : []),
    ...(role === 'replica' && !hasLink
      ? ['this replica has lost its master: what is backed up may be old']
      : []),
    ...(modules.length > 0
      ? [`values of the modules ${modules.join(', ')} can only be restored where these are loaded`]
      : []),
  ];
}

/** The databases that hold keys, as tables; and a table without rows, for a subject map to say whom keys are about. */
function schemaOf({ keys }: RedisFacts): Schema {
  return { tables: [SUBJECTS, ...[...keys.keys()].sort((a, b) => a - b).map(tableOf)] };
}

const SUBJECTS: TableSchema = {
  name: 'subjects',
  columns: [{ name: 'id', type: 'text', nullable: false, generated: false }],
  primaryKey: ['id'],
  uniques: [],
  foreignKeys: [],
  partitioned: true,
};

function tableOf(number: number): TableSchema {
  return {
    name: databaseName(number),
    columns: REDIS_COLUMNS.map((name) => ({
      name,
      type: name === 'expires' ? 'bigint' : name === 'key' ? 'text' : 'blob',
      nullable: name === 'expires',
      generated: false,
    })),
    primaryKey: ['key'],
    uniques: [],
    foreignKeys: [],
  };
}

async function dump(settings: RedisSettings, signal: AbortSignal): Promise<Dump> {
  throwIfCancelled(signal);
  const connection = await openConnection(settings, signal);
  try {
    const schema = schemaOf(await readFacts(connection));
    const lanes = [lane(connection, schema, signal)];
    return {
      schema,
      lanes,
      [Symbol.asyncDispose]: () => {
        connection.close();
        return Promise.resolve();
      },
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function* lane(
  connection: RedisConnection,
  schema: Schema,
  signal: AbortSignal,
): AsyncGenerator<DumpStream> {
  const { server } = connection;
  const replication = await startReplication(connection);
  const events = new Events(readRdb(replication.chunks, server), signal);
  yield { name: 'pre-data', section: 'pre-data', dialect: 'sql', bytes: events.commands() };
  for (let next = await events.peek(); next.kind === 'database'; next = await events.peek()) {
    const name = databaseName(next.number);
    if (!schema.tables.some((table) => table.name === name)) throw databaseAppeared(server, next.number);
    const table = { name, columns: REDIS_COLUMNS };
    const bytes = events.database();
    yield { name, section: 'data', dialect: 'redis-restore', table, bytes };
  }
  const end = await events.peek();
  if (end.kind !== 'end') throw new Error('a stream was not read to its end');
  await replication.finish(end.rest);
}

/** The events of an RDB, handed out to the streams that they belong to. */
class Events {
  readonly #events: AsyncIterator<RdbEvent, void>;
  readonly #signal: AbortSignal;
  #next: RdbEvent | undefined;

  constructor(events: AsyncIterator<RdbEvent, void>, signal: AbortSignal) {
    this.#events = events;
    this.#signal = signal;
  }

  /** The event that comes next; it stays. */
  async peek(): Promise<RdbEvent> {
    if (this.#next) return this.#next;
    throwIfCancelled(this.#signal);
    const next = await this.#events.next();
    if (next.done === true) throw new Error('an RDB without an end');
    this.#next = next.value;
    return next.value;
  }

  /** The commands before the first database. */
  async *commands(): AsyncGenerator<Buffer> {
    for (let event = await this.peek(); event.kind === 'command'; event = await this.peek()) {
      yield event.line;
      this.#next = undefined;
    }
  }

  /** One database: which it is, and its rows. It ends when it is known that there are no more of them. */
  async *database(): AsyncGenerator<Buffer> {
    const first = await this.peek();
    if (first.kind !== 'database') throw new Error('no database begins here');
    yield Buffer.from(`SELECT ${first.number}\n`);
    this.#next = undefined;
    for (let event = await this.peek(); event.kind === 'rows'; event = await this.peek()) {
      yield event.bytes;
      this.#next = undefined;
    }
  }
}
