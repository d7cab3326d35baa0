/** What the tests of restoring to PostgreSQL share: a dump in memory, and databases compared by pg_dump. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { postgresLoader } from '../../src/sources/postgres/loader.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import type {
  DumpReader,
  LoadOptions,
  LoadReport,
  SourceInfo,
  StoredStream,
} from '../../src/sources/source.ts';
import type { PostgresAccess } from '../services/postgres.ts';

export const NEVER = new AbortController().signal;

export const DEFAULTS: LoadOptions = { jobs: 2, globals: false, noOwner: false, onProgress: () => undefined };

/** A stored dump that lies in memory and comes in small pieces, cut anywhere. */
export class MemoryDump implements DumpReader {
  readonly source: SourceInfo;
  readonly streams: readonly StoredStream[];
  readonly #bytes: ReadonlyMap<string, Buffer>;
  readonly #pieceBytes: number;

  constructor(
    source: SourceInfo,
    streams: readonly StoredStream[],
    bytes: ReadonlyMap<string, Buffer>,
    pieceBytes = 7919,
  ) {
    // A manifest is JSON: what does not survive that must not be relied on.
    this.source = JSON.parse(JSON.stringify(source)) as SourceInfo;
    this.streams = streams;
    this.#bytes = bytes;
    this.#pieceBytes = pieceBytes;
  }

  /** Probes and dumps a database. */
  static async of(url: string): Promise<MemoryDump> {
    const source = postgresSource({ url });
    const info = await source.probe(NEVER);
    const streams: StoredStream[] = [];
    const all = new Map<string, Buffer>();
    await using dump = await source.dump(NEVER);
    for (const lane of dump.lanes) {
      for await (const { bytes, ...stream } of lane) {
        const text = Buffer.concat(await Array.fromAsync(bytes));
        all.set(stream.name, text);
        streams.push({ ...stream, rows: stream.dialect === 'sql' ? 0 : rowsIn(text), bytes: text.length });
      }
    }
    return new MemoryDump(info, streams, all);
  }

  /** The text of a stream. */
  text(name: string): string {
    return this.#bytes.get(name)?.toString('utf8') ?? '';
  }

  /** The same dump with another text for one stream. */
  with(name: string, change: (text: string) => string): MemoryDump {
    const bytes = Buffer.from(change(this.text(name)));
    return new MemoryDump(
      this.source,
      this.streams,
      new Map([...this.#bytes, [name, bytes]]),
      this.#pieceBytes,
    );
  }

  /** The same dump of another source. */
  from(source: Partial<SourceInfo>): MemoryDump {
    return new MemoryDump({ ...this.source, ...source }, this.streams, this.#bytes, this.#pieceBytes);
  }

  /** The same dump, with something that happens while a stream is read. */
  interrupted(name: string, happens: () => Promise<void>): DumpReader {
    const inner = this.read.bind(this);
    return {
      source: this.source,
      streams: this.streams,
      async *read(stream) {
        let turn = 0;
        for await (const piece of inner(stream)) {
          yield piece;
          turn += 1;
          if (stream.name === name && turn === 2) await happens();
        }
      },
    };
  }

  async *read({ name }: StoredStream): AsyncGenerator<Buffer> {
    const bytes = this.#bytes.get(name) ?? Buffer.alloc(0);
    for (let at = 0; at < bytes.length; at += this.#pieceBytes) {
      yield await Promise.resolve(bytes.subarray(at, at + this.#pieceBytes));
    }
  }
}

/** Data rows: without the COPY line and the line that ends them. */
function rowsIn(text: Buffer): number {
  return text.toString('latin1').split('\n').length - 3;
}

/** A database with this content, dropped when the test ends. */
export async function databaseWith(postgres: PostgresAccess, sql: string, name = 'source'): Promise<string> {
  const url = await postgres.createDatabase(name);
  onTestFinished(() => postgres.dropDatabase(url));
  await postgres.psql(url, sql);
  return url;
}

/** A dump of such a database, which the tests of a file share. */
export function sharedDump(postgres: () => Promise<PostgresAccess>, sql: string): () => Promise<MemoryDump> {
  let dump: Promise<MemoryDump> | undefined;
  const make = async (): Promise<MemoryDump> => {
    const server = await postgres();
    const url = await server.createDatabase('shared');
    await server.psql(url, sql);
    const made = await MemoryDump.of(url);
    await server.dropDatabase(url);
    return made;
  };
  return () => (dump ??= make());
}

let targets = 0;

/** The address of a database that does not exist; dropped when the test ends, should it exist by then. */
export function freshTarget(postgres: PostgresAccess): string {
  targets += 1;
  const url = postgres.url(`restored "${String(process.pid)}" ${String(targets)}`);
  onTestFinished(() => postgres.dropDatabase(url));
  return url;
}

/** Restores with defaults. */
export async function load(
  url: string,
  dump: DumpReader,
  options: Partial<LoadOptions> = {},
  signal = NEVER,
): Promise<LoadReport> {
  return postgresLoader({ url }).load(dump, { ...DEFAULTS, ...options }, signal);
}

export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

export async function exists(postgres: PostgresAccess, url: string): Promise<boolean> {
  const name = databaseOf(url).replaceAll("'", "''");
  return (
    (await postgres.psql(postgres.url(), `SELECT count(*) FROM pg_database WHERE datname = '${name}';`)) ===
    '1'
  );
}

/** All that pg_dump knows about a database, with what belongs to the database itself, under a common name. */
export async function dumpText(url: string, ...options: readonly string[]): Promise<string> {
  const run = promisify(execFile);
  const args = [`--dbname=${url}`, '--create', ...options];
  const { stdout } = await run('pg_dump', args, { maxBuffer: 1024 ** 3 });
  const name = databaseOf(url);
  const ways = [`"${name.replaceAll('"', '""')}"`, `'${name}'`, name];
  const text = stdout.replaceAll(/^\\(?:restrict|unrestrict|connect|encoding) .*\n/gm, '');
  return ways.reduce((all, way) => all.replaceAll(way, 'DATABASE'), text);
}
