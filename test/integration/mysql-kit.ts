/** What the tests of MySQL sources share: dumps read whole, and the tool's own view of a database. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { statementsFor } from '../../src/rows/mysql-statement.ts';
import type { Source, StreamInfo } from '../../src/sources/source.ts';
import { locateOrThrow } from '../services/packages.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { runTool } from '../services/processes.ts';

export const SIGNAL = new AbortController().signal;

export interface WholeStream extends StreamInfo {
  readonly text: string;
}

/** Reads a dump to its end, all rows of a table in one statement; text is Latin-1, a character for each byte. */
export async function readDump(source: Source, signal = SIGNAL): Promise<WholeStream[]> {
  await using dump = await source.dump(signal);
  const streams: WholeStream[] = [];
  for (const lane of dump.lanes)
    for await (const { bytes, ...info } of lane) {
      const dumped = Buffer.concat(await Array.fromAsync(bytes));
      const stored = statementsFor(info)?.take(dumped) ?? [dumped];
      streams.push({ ...info, text: Buffer.concat(stored).toString('latin1') });
    }
  return streams;
}

/** The script that a plain client loads: everything but the globals. */
export function scriptOf(streams: readonly WholeStream[]): string {
  const texts = streams.filter(({ section }) => section !== 'globals').map(({ text }) => text);
  return Buffer.from(texts.join(''), 'latin1').toString('utf8');
}

/** A new database with every awkward thing. */
export async function awkwardDatabase(mariadb: MariadbAccess): Promise<string> {
  const url = await mariadb.createDatabase('awkward');
  await mariadb.sql(
    url,
    await readFile(join(import.meta.dirname, '../services/awkward-mariadb.sql'), 'utf8'),
  );
  return url;
}

/** What mariadb-dump says about a database, in order of the rows' keys, without counters and names of this one. */
export async function mariadbDump(mariadb: MariadbAccess, url: string): Promise<string> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const args = [
    '--no-defaults',
    `--host=${mariadb.host}`,
    `--port=${String(mariadb.port)}`,
    '--protocol=tcp',
    `--user=${mariadb.user}`,
    `--password=${mariadb.password}`,
    ...[
      '--hex-blob',
      '--skip-extended-insert',
      '--complete-insert',
      '--order-by-primary',
      '--skip-dump-date',
    ],
    ...['--routines', '--events', '--triggers', '--default-character-set=utf8mb4', '--single-transaction'],
    ...['--', name],
  ];
  const text = await runTool(locateOrThrow('mariadb-dump'), args, { timeoutMs: 300_000 });
  return text.replaceAll(name, 'DATABASE').replace(/SETVAL\(.*\)/g, 'SETVAL');
}
