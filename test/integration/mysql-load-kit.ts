/** What the tests of restoring to MariaDB share: a dump in memory, and a loader with defaults. */
import { onTestFinished } from 'vitest';
import { mysqlLoader } from '../../src/sources/mysql/loader.ts';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import type { DumpReader, LoadOptions, LoadReport, StoredStream } from '../../src/sources/source.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { LOAD_DEFAULTS, MemoryDump } from './memory-dump.ts';
import { readDump, SIGNAL } from './mysql-kit.ts';

/** Probes and dumps a database. */
export async function dumpOf(url: string): Promise<MemoryDump> {
  const source = mysqlSource({ url });
  const info = await source.probe(SIGNAL);
  const bytes = new Map<string, Buffer>();
  const streams = (await readDump(source)).map(({ text, ...stream }): StoredStream => {
    bytes.set(stream.name, Buffer.from(text, 'latin1'));
    const rows = stream.dialect === 'sql' ? 0 : text.split('\n').length - 1;
    return { ...stream, rows, bytes: text.length };
  });
  return new MemoryDump(info, streams, bytes);
}

let targets = 0;

/** The address of a database that does not exist; dropped when the test ends, should it exist by then. */
export function freshTarget(mariadb: MariadbAccess): string {
  targets += 1;
  const url = mariadb.url(`restored \`${String(process.pid)}\` ${String(targets)}`);
  onTestFinished(() => mariadb.dropDatabase(url));
  return url;
}

/** A database with this content, dropped when the test ends. */
export async function databaseWith(mariadb: MariadbAccess, sql: string): Promise<string> {
  const url = await mariadb.createDatabase('source');
  onTestFinished(() => mariadb.dropDatabase(url));
  await mariadb.sql(url, sql);
  return url;
}

/** Restores with defaults. */
export function load(
  url: string,
  dump: DumpReader,
  options: Partial<LoadOptions> = {},
  signal = SIGNAL,
): Promise<LoadReport> {
  return mysqlLoader({ url }).load(dump, { ...LOAD_DEFAULTS, ...options }, signal);
}

export async function exists(mariadb: MariadbAccess, url: string): Promise<boolean> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const hex = Buffer.from(name).toString('hex');
  const sql = `SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE BINARY schema_name = 0x${hex};`;
  return (await mariadb.sql(mariadb.url(), sql)).trim() === '1';
}
