/** What the tests of restoring to PostgreSQL share: a dump in memory, and databases compared by pg_dump. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { postgresLoader } from '../../src/sources/postgres/loader.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import type { DumpReader, LoadOptions, LoadReport, StoredStream } from '../../src/sources/source.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { LOAD_DEFAULTS, MemoryDump } from './memory-dump.ts';

export const NEVER = new AbortController().signal;

/** Probes and dumps a database. */
export async function dumpOf(url: string): Promise<MemoryDump> {
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
    const made = await dumpOf(url);
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
  return postgresLoader({ url }).load(dump, { ...LOAD_DEFAULTS, ...options }, signal);
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
