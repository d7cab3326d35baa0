/** Dumps of a PostgreSQL source, read whole, and the tools' own view of a database. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { Dump, Source, StreamInfo } from '../../src/sources/source.ts';
import { postgresSource, type PostgresSourceOptions } from '../../src/sources/postgres/source.ts';
import { locateOrThrow } from '../services/packages.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { tempFolder } from '../services/temp.ts';

export const SIGNAL = new AbortController().signal;

/** The folder with the programs of the server's own version. */
export const PROGRAMS = dirname(locateOrThrow('postgres'));

export interface WholeStream extends StreamInfo {
  readonly text: string;
}

/** Reads all lanes of a dump at the same time, as a backup does, and gives back their streams in order. */
export async function readDump(source: Source, signal = SIGNAL): Promise<WholeStream[]> {
  await using dump = await source.dump(signal);
  return (await Promise.all(dump.lanes.map(readLane))).flat();
}

/** Reads one lane to its end. */
export async function readLane(lane: Dump['lanes'][number]): Promise<WholeStream[]> {
  const streams: WholeStream[] = [];
  for await (const { bytes, ...info } of lane) {
    const pieces: Uint8Array[] = [];
    for await (const piece of bytes) pieces.push(piece);
    streams.push({ ...info, text: Buffer.concat(pieces).toString('latin1') });
  }
  return streams;
}

/** The script that psql loads: everything but the globals. */
export function scriptOf(streams: readonly WholeStream[]): Buffer {
  const texts = streams.filter(({ section }) => section !== 'globals').map(({ text }) => text);
  return Buffer.from(texts.join(''), 'latin1');
}

/** What pg_dump says about a database, without what differs each time. */
export async function pgDump(url: string, ...args: string[]): Promise<Buffer> {
  const run = await execa(join(PROGRAMS, 'pg_dump'), [`--dbname=${url}`, '--restrict-key=same', ...args], {
    encoding: 'buffer',
  });
  return Buffer.from(run.stdout);
}

/** Loads a script with psql, which stops at the first error. */
export async function load(url: string, script: Buffer | string): Promise<void> {
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--dbname=${url}`, '--output=/dev/null'];
  await execa(join(PROGRAMS, 'psql'), args, { input: script });
}

/** A new database with every awkward thing. */
export async function awkwardDatabase(postgres: PostgresAccess): Promise<string> {
  const url = await postgres.createDatabase('awkward');
  await load(url, await readFile(join(import.meta.dirname, '../services/awkward.sql')));
  return url;
}

/** A source whose tools are shell scripts; `$REAL` in them is the folder of the real programs. */
export async function sourceWithTools(
  url: string,
  scripts: Readonly<Record<string, string>>,
  options: Omit<PostgresSourceOptions, 'url'> = {},
): Promise<Source> {
  const folder = join(await tempFolder('tools'), 'bin');
  await mkdir(folder);
  for (const name of ['pg_dump', 'pg_dumpall']) {
    const script = scripts[name] ?? `exec "$REAL/${name}" "$@"`;
    // The version is asked of every tool before it is used.
    const head = `#!/bin/sh\nREAL=${PROGRAMS}\n[ "$1" = --version ] && exec "$REAL/${name}" --version\n`;
    await writeFile(join(folder, name), `${head}${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return postgresSource({ url, ...options, env: { ...process.env, PATH: `${folder}:/usr/bin:/bin` } });
}

/** Makes tables with rows of about `mib` MiB each. */
export function fill(mib: number, ...tables: string[]): string {
  const rows = Math.ceil((mib * 1024 * 1024) / 1030);
  return tables
    .map(
      (table) =>
        `CREATE TABLE ${table} (id integer, filler text);` +
        `ALTER TABLE ${table} ALTER filler SET STORAGE EXTERNAL;` +
        `INSERT INTO ${table} SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, ${rows}) g;`,
    )
    .join('\n');
}
