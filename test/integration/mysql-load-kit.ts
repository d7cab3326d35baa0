/** What the tests of restoring to MariaDB share: a dump in memory, and a loader with defaults. */
import { onTestFinished } from 'vitest';
import { mysqlLoader } from '../../src/sources/mysql/loader.ts';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import type {
  DumpReader,
  LoadOptions,
  LoadReport,
  SourceInfo,
  StoredStream,
} from '../../src/sources/source.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { readDump, SIGNAL } from './mysql-kit.ts';

export const DEFAULTS: LoadOptions = { jobs: 2, globals: false, noOwner: false, onProgress: () => undefined };

/** A stored dump that lies in memory and comes in small pieces, cut anywhere. */
export class StoredDump implements DumpReader {
  readonly source: SourceInfo;
  readonly streams: readonly StoredStream[];
  readonly #bytes: ReadonlyMap<string, Buffer>;

  constructor(source: SourceInfo, streams: readonly StoredStream[], bytes: ReadonlyMap<string, Buffer>) {
    // A manifest is JSON: what does not survive that must not be relied on.
    this.source = JSON.parse(JSON.stringify(source)) as SourceInfo;
    this.streams = streams;
    this.#bytes = bytes;
  }

  /** Probes and dumps a database. */
  static async of(url: string): Promise<StoredDump> {
    const source = mysqlSource({ url });
    const info = await source.probe(SIGNAL);
    const bytes = new Map<string, Buffer>();
    const streams = (await readDump(source)).map(({ text, ...stream }): StoredStream => {
      bytes.set(stream.name, Buffer.from(text, 'latin1'));
      const rows = stream.dialect === 'sql' ? 0 : text.split('\n').length - 1;
      return { ...stream, rows, bytes: text.length };
    });
    return new StoredDump(info, streams, bytes);
  }

  text(name: string): string {
    return this.#bytes.get(name)?.toString('utf8') ?? '';
  }

  /** The same dump with another text for one stream. */
  with(name: string, change: (text: string) => string): StoredDump {
    const bytes = Buffer.from(change(this.text(name)));
    return new StoredDump(this.source, this.streams, new Map([...this.#bytes, [name, bytes]]));
  }

  /** The same dump of another source. */
  from(source: Partial<SourceInfo>): StoredDump {
    return new StoredDump({ ...this.source, ...source }, this.streams, this.#bytes);
  }

  /** The same dump, with something that happens when a stream has been read in part. */
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
    for (let at = 0; at < bytes.length; at += 7919)
      yield await Promise.resolve(bytes.subarray(at, at + 7919));
  }
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
  return mysqlLoader({ url }).load(dump, { ...DEFAULTS, ...options }, signal);
}

export async function exists(mariadb: MariadbAccess, url: string): Promise<boolean> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const hex = Buffer.from(name).toString('hex');
  const sql = `SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE schema_name = CONVERT(0x${hex} USING utf8mb4);`;
  return (await mariadb.sql(mariadb.url(), sql)).trim() === '1';
}
