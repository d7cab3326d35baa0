/** What the tests of SQLite share: an awkward database, a dump in memory, a comparison that misses nothing. */
import { execFileSync, spawnSync } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import type { Dump, DumpReader, DumpStream, LoadOptions } from '../../src/sources/source.ts';
import type { Source, SourceInfo, StoredStream, StreamInfo } from '../../src/sources/source.ts';

export const NEVER = new AbortController().signal;

export interface CollectedStream extends StreamInfo {
  readonly bytes: Buffer;
}

export interface Collected {
  readonly source: SourceInfo;
  readonly streams: readonly CollectedStream[];
}

/** Probes and dumps a database file. */
export async function collect(path: string, scratch: string): Promise<Collected> {
  const source = sqliteSource({ path, scratch });
  const info = await source.probe(NEVER);
  const streams: CollectedStream[] = [];
  await using dump = await source.dump(NEVER);
  for await (const { bytes, ...stream } of streamsOf(dump)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    streams.push({ ...stream, bytes: Buffer.concat(chunks) });
  }
  return { source: info, streams };
}

/** The lanes of a dump one after another. */
export async function* streamsOf(dump: Dump): AsyncGenerator<DumpStream> {
  for (const lane of dump.lanes) yield* lane;
}

/** Reads a dump to its end and forgets it. */
export async function drain(source: Source, signal: AbortSignal, onChunk?: () => void): Promise<void> {
  await using dump = await source.dump(signal);
  for await (const stream of streamsOf(dump)) {
    for await (const chunk of stream.bytes) if (chunk.length > 0) onChunk?.();
  }
}

/** The whole dump as the script that it is. */
export function scriptOf({ streams }: Collected): Buffer {
  return Buffer.concat(streams.map(({ bytes }) => bytes));
}

/** A stream's text; empty when there is no such stream. */
export function textOf({ streams }: Collected, name: string): string {
  return streams.find((stream) => stream.name === name)?.bytes.toString('utf8') ?? '';
}

/** A stored dump that lies in memory; pieces end on row ends wherever a row is short enough. */
export function readerOf(dump: Collected, pieceBytes = 4 * 1024 * 1024): DumpReader {
  const bytesOf = new Map(dump.streams.map((stream) => [stream.name, stream.bytes]));
  return {
    // A manifest is JSON: what does not survive that must not be relied on.
    source: JSON.parse(JSON.stringify(dump.source)) as SourceInfo,
    streams: dump.streams.map(({ bytes, ...stream }): StoredStream => {
      const rows = stream.dialect === 'sql' ? 0 : bytes.toString('latin1').split('\n').length - 1;
      return { ...stream, rows, bytes: bytes.length };
    }),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *read({ name }) {
      const bytes = bytesOf.get(name) ?? Buffer.alloc(0);
      for (let at = 0; at < bytes.length;) {
        const most = Math.min(at + pieceBytes, bytes.length);
        const lineEnd = bytes.lastIndexOf('\n', most - 1) + 1;
        const end = lineEnd > at ? lineEnd : most;
        yield bytes.subarray(at, end);
        at = end;
      }
    },
  };
}

export const LOAD_OPTIONS: LoadOptions = {
  jobs: 2,
  globals: false,
  noOwner: false,
  onProgress: () => undefined,
};

/** Loads a script with the stock shell, which must not say a word about it. */
export function shellLoad(script: Buffer, path: string): void {
  const run = spawnSync('sqlite3', ['-bail', path], { input: script, maxBuffer: 2 ** 28 });
  if (run.status !== 0 || run.stderr.length > 0) throw new Error(`sqlite3: ${run.stderr.toString()}`);
}

/** The lines of the shell's own `.dump`. */
export function shellDump(path: string): string[] {
  return execFileSync('sqlite3', [path, '.dump'], { maxBuffer: 2 ** 28 })
    .toString('latin1')
    .split('\n');
}

/**
 * Everything that a database holds, comparable: definitions in order, settings, and of every table that holds
 * rows each value with its type and its bits. Unlike `.dump` it sees rowids, NUL in text and invalid UTF-8.
 */
export function contentsOf(path: string): Record<string, unknown> {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const one = (pragma: string): unknown => Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
    const settings = ['encoding', 'page_size', 'auto_vacuum', 'user_version', 'application_id'].map(one);
    const objects = db
      .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema')
      .all()
      .map(Object.values);
    const tables = db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name")
      .all()
      .map((row) => String(row['name']));
    return {
      settings,
      objects: objects.map((row) => JSON.stringify(row)).sort(),
      ...Object.fromEntries(tables.map((name) => [`table ${name}`, rowsOf(db, name)])),
    };
  } finally {
    db.close();
  }
}

function rowsOf(db: DatabaseSync, table: string): string[] {
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const columns = db
    .prepare('SELECT name FROM pragma_table_xinfo(?)')
    .all(table)
    .map((row) => String(row['name']));
  const list = db
    .prepare('SELECT wr FROM pragma_table_list WHERE schema = ? AND name = ?')
    .get('main', table);
  const hidden = columns.some((name) => name.toLowerCase() === 'rowid');
  const rowid = list?.['wr'] === 1 || hidden ? [] : ['rowid'];
  const terms = columns
    .map(quoted)
    .flatMap((name) => [
      `typeof(${name})`,
      `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END`,
    ]);
  const statement = db.prepare(`SELECT ${[...rowid, ...terms].join(', ')} FROM ${quoted(table)}`);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return (statement.all() as unknown as unknown[][]).map((row) => row.map(bitsOf).join(' ')).sort();
}

function bitsOf(value: unknown): string {
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`;
  if (typeof value !== 'number') return String(value);
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value);
  return `r${bits.toString('hex')}`;
}

/** Makes a database with everything that is awkward in SQLite. */
export function makeAwkward(path: string, encoding: 'UTF-8' | 'UTF-16le' | 'UTF-16be' = 'UTF-8'): void {
  const db = new DatabaseSync(path, { defensive: false, enableDoubleQuotedStringLiterals: true });
  db.exec(
    `PRAGMA encoding='${encoding}'; PRAGMA page_size=1024; PRAGMA auto_vacuum=2; PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF`,
  );
  db.exec(AWKWARD);
  fillValues(db);
  db.exec('ANALYZE');
  // A table that SQLite itself makes only when it was built with STAT4.
  db.exec(`PRAGMA writable_schema=ON; CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample);
    INSERT INTO sqlite_stat4 VALUES('users','users_email','1','0','0',X'0102'); PRAGMA writable_schema=OFF`);
  db.close();
}

function fillValues(db: DatabaseSync): void {
  const numbers = [
    0,
    -0,
    0.1,
    1 / 3,
    5e-324,
    -2.5e-310,
    1e-281,
    1.7976931348623157e308,
    Infinity,
    -Infinity,
    1e15,
    1e22,
  ];
  const texts = [
    '',
    "it's",
    'a\nb',
    '\r\n',
    'has \\n too\n',
    '\\n \\012 (\\n0)\n',
    '\\r \\015\r',
    'ü€😀',
    '\ufffd',
    '\u{fffd}\n',
  ];
  const raw = [
    "CAST(X'61006200' AS TEXT)",
    "CAST(X'00' AS TEXT)",
    "CAST(X'61ff62' AS TEXT)",
    "CAST(X'eda080' AS TEXT)",
  ];
  const wide = [
    "CAST(X'd8000061' AS TEXT)",
    "CAST(X'00d86100' AS TEXT)",
    "CAST(X'fffe' AS TEXT)",
    "CAST(X'feff' AS TEXT)",
  ];
  for (const table of ['untyped', 'typed', 'strict_any', 'without_rowid']) {
    const insert = db.prepare(`INSERT OR IGNORE INTO ${table}(v) VALUES(?)`);
    const isKey = table === 'without_rowid';
    for (const value of [...numbers, ...texts, 7n, 9223372036854775807n, -9223372036854775808n])
      insert.run(value);
    for (const bytes of [Buffer.alloc(0), Buffer.from([0, 10, 13, 255, 39])]) insert.run(bytes);
    if (!isKey) insert.run(null);
    for (const sql of [...raw, ...wide]) db.exec(`INSERT OR IGNORE INTO ${table}(v) VALUES(${sql})`);
  }
}

const AWKWARD = `
  PRAGMA user_version=41; PRAGMA application_id=252006673;
  CREATE TABLE untyped(v);
  CREATE TABLE typed(id INTEGER PRIMARY KEY DESC, v BLOB, r REAL, n NUMERIC, t TEXT);
  INSERT INTO typed(id, r, n, t) VALUES(3, 3, '1e3', 12), (1, -0.0, 'x', X'00'), (NULL, 2, 2.0, 2);
  CREATE TABLE strict_any(id INTEGER PRIMARY KEY, v ANY) STRICT;
  CREATE TABLE without_rowid(v PRIMARY KEY, extra DEFAULT 'x') WITHOUT ROWID;
  CREATE TABLE keyed(a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY(b DESC, a COLLATE BINARY)) WITHOUT ROWID;
  INSERT INTO keyed VALUES('b',1,1),('B',1,2),('a',1,3),('a',2,4);
  CREATE INDEX keyed_c ON keyed(c);
  CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, name TEXT DEFAULT "none");
  INSERT INTO users VALUES(1,'a@x.org','A'),(2,'b@x.org','B -- not a comment'),(9,'c@x.org','C;');
  DELETE FROM users WHERE id=9;
  CREATE TABLE gone(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO gone VALUES(77); DELETE FROM gone;
  CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id REFERENCES users(id), cents INT CHECK(cents >= 0),
    euros REAL GENERATED ALWAYS AS (cents / 100.0) VIRTUAL, tax INT AS (cents / 5) STORED, note TEXT);
  INSERT INTO orders(user_id, cents, note) VALUES(1,100,'x'),(2,250,NULL),(5,1,'refers to nobody');
  PRAGMA ignore_check_constraints=ON; INSERT INTO orders(user_id, cents) VALUES(1,-5);
  PRAGMA ignore_check_constraints=OFF;
  CREATE TABLE norowidkey(a, b); INSERT INTO norowidkey(rowid, a, b) VALUES(-5,1,2),(7,3,4),(4611686018427387904,5,6);
  CREATE TABLE shadowed(rowid TEXT, _rowid_ TEXT, v); INSERT INTO shadowed(oid, rowid, v) VALUES(5,'r',1),(2,'q',2);
  CREATE TABLE all_shadowed(rowid, _rowid_, oid); INSERT INTO all_shadowed VALUES(3,2,1),(1,2,3);
  CREATE UNIQUE INDEX all_shadowed_covers ON all_shadowed(rowid, oid, _rowid_);
  CREATE TABLE "odd ""name"" ünïcode 表"("a b", "select", [brackets], 'quo''te', "c""d", "", "semi;colon");
  INSERT INTO "odd ""name"" ünïcode 表" VALUES(1,2,3,4,5,6,7);
  CREATE TABLE "order"("group" INTEGER PRIMARY KEY, "from" TEXT); INSERT INTO "order" VALUES(1,'x');
  CREATE TABLE empty_table(a);
  CREATE TABLE "makes_sequence"(a); INSERT INTO makes_sequence VALUES('named like our helper');
  CREATE TABLE commented(a -- a comment; with a semicolon
    , b /* and
    another */ ); INSERT INTO commented VALUES(1,2);
  CREATE TABLE docs(title TEXT, body TEXT);
  INSERT INTO docs(rowid,title,body) VALUES(10,'Erster','the quick brown fox'),(20,'Zweiter','jumps over the lazy dog');
  CREATE VIRTUAL TABLE ft USING fts5(title, body);
  INSERT INTO ft VALUES('hello','wörld of words'),('second','another row'); DELETE FROM ft WHERE title='second';
  CREATE VIRTUAL TABLE ft_external USING fts5(title, body, content='docs');
  INSERT INTO ft_external(ft_external) VALUES('rebuild');
  CREATE VIRTUAL TABLE "old fts" USING fts4(a, b); INSERT INTO "old fts" VALUES('four','words in here');
  CREATE VIRTUAL TABLE places USING rtree(id, minx, maxx, miny, maxy); INSERT INTO places VALUES(1,0,1,0,1),(2,5,6,5,6);
  CREATE TABLE log(line);
  CREATE TRIGGER users_log AFTER INSERT ON users BEGIN INSERT INTO log VALUES('new; ' || new.email); END;
  CREATE VIEW totals(who, total) AS SELECT user_id, sum(cents) FROM orders GROUP BY 1;
  CREATE TRIGGER totals_insert INSTEAD OF INSERT ON totals BEGIN INSERT INTO log VALUES('total'); END;
  CREATE INDEX users_email ON users(lower(email)) WHERE email IS NOT NULL;
  CREATE UNIQUE INDEX "odd index" ON norowidkey(a DESC, b COLLATE NOCASE);
`;
