/** SQLite as a source: a private copy of one moment, read table by table. */
import { resolve } from 'node:path';
import { throwIfCancelled } from '../../errors.ts';
import type { Schema as SideCar } from '../schema.ts';
import type { Dump, DumpStream, Source, SourceInfo } from '../source.ts';
import { checkIntegrity, copyDatabase, type DatabaseCopy } from './copy.ts';
import { displayName, foldName } from './names.ts';
import { LOCK_PATIENCE_SECONDS, named, openMoment, readHeader } from './open.ts';
import type { Header, OpenOptions } from './open.ts';
import { rehearse } from './rehearse.ts';
import { tableRows } from './rows.ts';
import { readSchema, type Schema, type StoredTable } from './schema.ts';
import { postData, preData, sequenceReset } from './script.ts';
import { readSideCar } from './side-car.ts';

export interface SqliteSourceOptions {
  /** The database file. */
  readonly path: string;
  /** A private folder with as much free space as the database is large; made (0700) when absent. */
  readonly scratch: string;
  /** How long to wait for a lock of another process, in seconds; 30 when not given. */
  readonly lockPatience?: number;
}

/**
 * An SQLite database file.
 *
 * The dump's streams are `pre-data`, one for each table that holds rows itself (shadow tables of virtual tables,
 * `sqlite_stat1` and the like among them; empty tables give empty streams), and `post-data`. Rows of a table
 * without INTEGER PRIMARY KEY carry their `rowid`, because FTS tables with external content refer to it. Where
 * AUTOINCREMENT counters exist, a stream `sqlite_sequence reset` (sql) comes before that table, which is last.
 */
export function sqliteSource(options: SqliteSourceOptions): Source {
  const path = resolve(options.path);
  const lockPatience = options.lockPatience ?? LOCK_PATIENCE_SECONDS;
  return {
    kind: 'sqlite',
    probe: (signal) => probe(path, { lockPatience, signal }),
    schema: (signal) => sideCar(path, { lockPatience, signal }),
    dump: (signal) => dump(path, options.scratch, { lockPatience, signal }),
  };
}

async function probe(path: string, options: OpenOptions): Promise<SourceInfo> {
  throwIfCancelled(options.signal);
  const header = await readHeader(path);
  const db = await openMoment(path, header, options);
  try {
    const schema = readSchema(db, path);
    rehearse(schema, path);
    const version = String(db.prepare('SELECT sqlite_version() AS version').get()?.['version']);
    return describe(path, schema, header, version);
  } catch (error) {
    throw named(path, error);
  } finally {
    db.close();
  }
}

async function sideCar(path: string, options: OpenOptions): Promise<SideCar> {
  throwIfCancelled(options.signal);
  const db = await openMoment(path, await readHeader(path), options);
  try {
    return readSideCar(db, readSchema(db, path));
  } catch (error) {
    throw named(path, error);
  } finally {
    db.close();
  }
}

function describe(path: string, schema: Schema, header: Header, version: string): SourceInfo {
  const { settings, tables, virtualTables } = schema;
  const { encoding, pageSize, pageCount, autoVacuum, journalMode, userVersion, applicationId } = settings;
  const modules = [...new Set(virtualTables.map(({ module }) => foldName(module)))].sort();
  return {
    kind: 'sqlite',
    database: path,
    serverVersion: header.writtenBy,
    toolVersion: version,
    estimatedBytes: pageSize * pageCount,
    warnings: tables
      .filter(({ keepsRowids }) => !keepsRowids)
      .map(
        ({ name }) =>
          `rows of table ${displayName(name)} get new rowids: its columns take all names of the rowid`,
      ),
    facts: {
      encoding,
      pageSize,
      autoVacuum,
      journalMode,
      userVersion,
      applicationId,
      modules,
      virtualTables,
    },
  };
}

async function dump(path: string, scratch: string, options: OpenOptions): Promise<Dump> {
  const { signal } = options;
  throwIfCancelled(signal);
  const copy = await copyDatabase(path, scratch, options);
  try {
    const schema = readCopy(copy, path);
    throwIfCancelled(signal);
    // One connection reads one thing at a time: a second lane would only take turns with the first.
    const lanes = [lane(copy, schema, path, signal)];
    return { schema: readSideCar(copy.db, schema), lanes, [Symbol.asyncDispose]: () => copy.remove() };
  } catch (error) {
    await copy.remove();
    throw error;
  }
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* lane(
  copy: DatabaseCopy,
  schema: Schema,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<DumpStream> {
  for (const stream of streamsOf(copy, schema, path, signal)) {
    throwIfCancelled(signal);
    const guard = new ReadToEnd(stream, path);
    yield guard.stream;
    guard.check();
  }
}

function readCopy(copy: DatabaseCopy, path: string): Schema {
  try {
    const schema = readSchema(copy.db, path);
    rehearse(schema, path);
    checkIntegrity(copy.db, path);
    return schema;
  } catch (error) {
    throw named(path, error);
  }
}

function* streamsOf(
  { db }: DatabaseCopy,
  schema: Schema,
  path: string,
  signal: AbortSignal,
): Generator<DumpStream> {
  const source = { db, encoding: schema.settings.encoding, path };
  const rows = (table: StoredTable): DumpStream => ({
    name: displayName(table.name),
    section: 'data',
    dialect: 'sql-insert',
    table: { name: displayName(table.name), columns: table.columns },
    bytes: tableRows(source, table, signal),
  });
  const isSequence = ({ name }: StoredTable): boolean => foldName(name) === 'sqlite_sequence';

  yield { name: 'pre-data', section: 'pre-data', dialect: 'sql', bytes: script(preData(schema)) };
  yield* schema.tables.filter((table) => !isSequence(table)).map(rows);
  const reset = sequenceReset(schema);
  if (reset !== '')
    yield { name: 'sqlite_sequence reset', section: 'data', dialect: 'sql', bytes: script(reset) };
  yield* schema.tables.filter(isSequence).map(rows);
  yield { name: 'post-data', section: 'post-data', dialect: 'sql', bytes: script(postData(schema)) };
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* script(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

/** A stream that knows whether it was read to its end: a dump with a hole must not look whole. */
class ReadToEnd {
  readonly stream: DumpStream;
  #done = false;

  constructor(stream: DumpStream, path: string) {
    this.stream = { ...stream, bytes: this.#watched(stream.bytes, path) };
  }

  check(): void {
    if (!this.#done) throw new Error(`stream ${this.stream.name} was not read to its end`);
  }

  async *#watched(bytes: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
    try {
      yield* bytes;
      this.#done = true;
    } catch (error) {
      throw named(path, error);
    }
  }
}
