/** Rows of real SQLite dumps: read as SQLite reads them, edited as SQLite would edit them, refused when damaged. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codecFor, type RowCodec, type Value } from '../../src/rows/codec.ts';
import { writeLiteral, type TextEncoding } from '../../src/rows/sqlite-literals.ts';
import type { TableSchema } from '../../src/sources/schema.ts';
import { textLiteral } from '../../src/sources/sqlite/render.ts';
import { collect, makeAwkward, scriptOf, type Collected } from '../integration/sqlite-kit.ts';
import { tempFolder } from '../services/temp.ts';

type Cell = null | bigint | number | string | Uint8Array;

const TYPES = ['', 'INTEGER', 'TEXT', 'REAL', 'NUMERIC', 'BLOB', 'VARCHAR(10)', 'DATETIME'];

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', "'", '\n', '\r', '\\', 'n', '1', ',', ')', 'é', '😀', '\ufffd') }),
  fc.constantFrom(
    '42',
    '-1',
    '4.0',
    'NULL',
    '\\x00ff',
    '',
    '9223372036854775808',
    '1e3',
    ' 7 ',
    '0x1f',
    'Inf',
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
);
const cell: fc.Arbitrary<Cell> = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer({ min: -3, max: 50 }).map(BigInt),
  fc.double({ noNaN: true }),
  text,
  fc.uint8Array({ maxLength: 6 }),
);

const model = fc.record({
  encoding: fc.constantFrom<TextEncoding>('UTF-8', 'UTF-8', 'UTF-16le', 'UTF-16be'),
  types: fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 4 }),
  rows: fc.array(fc.array(cell, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 10 }),
});
type Model = typeof model extends fc.Arbitrary<infer T> ? T : never;

/** A table `t` with a key of its own, which no edit touches, and a column for each type. */
function build(path: string, { encoding, types, rows }: Model): void {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA synchronous=OFF; PRAGMA encoding='${encoding}'`);
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, ${types.map((type, at) => `c${at} ${type}`).join(', ')})`);
  const insert = db.prepare(`INSERT INTO t VALUES(${['?', ...types.map(() => '?')].join(', ')})`);
  rows.forEach((row, at) => insert.run(at, ...row.slice(0, types.length)));
  db.close();
}

function schemaOf(types: readonly string[]): TableSchema {
  const column = (name: string, type: string) => ({ name, type, nullable: true, generated: false });
  return {
    name: 't',
    columns: [column('id', 'INTEGER'), ...types.map((type, at) => column(`c${at}`, type))],
    primaryKey: ['id'],
    uniques: [],
    foreignKeys: [],
  };
}

/** The rows of table t in a dump, and their codec. */
function opened(dump: Collected, encoding: TextEncoding, types: readonly string[]): [RowCodec, Buffer] {
  const stream = dump.streams.find(({ name }) => name === 't');
  if (stream?.table === undefined) throw new Error('no table t');
  return [codecFor(stream.dialect, stream.table, schemaOf(types), { encoding }), stream.bytes];
}

function rowsOf(codec: RowCodec, piece: Buffer): Buffer[] {
  return [...codec.rows(piece, true)]
    .filter(({ isRow }) => isRow)
    .map(({ start, end }) => piece.subarray(start, end));
}

/** All cells of a table with their storage classes, texts as bytes of the database's encoding. */
function cellsOf(db: DatabaseSync, table: string, columns: readonly string[], order: string): Cell[][] {
  const quoted = columns.map((name) => `"${name.replaceAll('"', '""')}"`);
  const statement = db.prepare(
    `SELECT ${quoted.flatMap((name) => [`typeof(${name})`, `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END`]).join(', ')} FROM ${table} ${order}`,
  );
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement.all() as unknown as Cell[][];
}

/** What a codec must give for a cell: written on its own, from the definition of `Value`. */
function valueOf(kind: Cell, value: Cell, encoding: TextEncoding): Value {
  if (value === null) return null;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return realOf(value);
  const bytes = Buffer.from(value as Uint8Array);
  if (kind === 'blob') return `\\x${bytes.toString('hex')}`;
  if (encoding === 'UTF-8') return utf8Of(bytes);
  if (bytes.length % 2 === 1) return `\\x${bytes.toString('hex')}`;
  return (encoding === 'UTF-16le' ? bytes : bytes.swap16()).toString('utf16le');
}

function realOf(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-Inf' : 'Inf';
  const text = Object.is(value, -0) ? '-0' : value.toString();
  if (/\./.test(text)) return text;
  return /e/.test(text) ? text.replace('e', '.0e') : `${text}.0`;
}

/** Byte by byte: the longest valid character, else one escaped byte. */
function utf8Of(bytes: Buffer): string {
  let out = '';
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find((n) => {
      const some = bytes.subarray(at, at + n);
      return some.length === n && Buffer.from(some.toString('utf8')).equals(some);
    });
    out +=
      length === undefined
        ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0))
        : bytes.toString('utf8', at, at + length);
    at += length ?? 1;
  }
  return out;
}

function valuesOf(cells: readonly Cell[], encoding: TextEncoding): Value[] {
  return cells.flatMap((kind, at) => (at % 2 === 0 ? [valueOf(kind, cells[at + 1] ?? null, encoding)] : []));
}

test.each<TextEncoding>(['UTF-8', 'UTF-16le', 'UTF-16be'])(
  'every row of an awkward %s database is read as SQLite reads it',
  async (encoding) => {
    const folder = await tempFolder('sqlite');
    const path = join(folder, 'awkward.db');
    makeAwkward(path, encoding);
    const dump = await collect(path, join(folder, 'scratch'));
    const db = new DatabaseSync(path, { readOnly: true });
    let tables = 0;
    for (const { table, dialect, bytes } of dump.streams) {
      if (table === undefined) continue;
      const codec = codecFor(dialect, table, { ...schemaOf([]), name: table.name }, { encoding });
      const all = table.columns.map((_, at) => at);
      const read = rowsOf(codec, bytes).map((row) => codec.read(row, all));
      const cells = cellsOf(
        db,
        table.name.startsWith('"') ? table.name : `"${table.name}"`,
        table.columns,
        'NOT INDEXED',
      );
      const told = cells.map((row) => JSON.stringify(valuesOf(row, encoding)));
      expect(read.map((row) => JSON.stringify(row)).sort()).toEqual(told.sort());
      const scanned: Value[][] = [];
      codec.scan(bytes, true, { wanted: all }, (values) => scanned.push(values));
      expect(scanned).toEqual(read);
      for (const row of rowsOf(codec, bytes)) {
        const same = new Map(codec.read(row, all).map((value, at) => [at, value]));
        expect(codec.edit(row, same)).toBe(row);
      }
      tables += 1;
    }
    db.close();
    expect(tables).toBeGreaterThan(10);
  },
);

test('random edits of random rows give what UPDATE gives', async () => {
  const folder = await tempFolder('sqlite');
  const path = join(folder, 'original.db');
  const change = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 3 }), fc.oneof(fc.constant(null), text));
  await fc.assert(
    fc.asyncProperty(model, fc.array(change, { maxLength: 8 }), async (tables, changes) => {
      await rm(path, { force: true });
      build(path, tables);
      const { encoding, types } = tables;
      const dump = await collect(path, join(folder, 'scratch'));
      const [codec, bytes] = opened(dump, encoding, types);
      const rows = rowsOf(codec, bytes);
      const db = new DatabaseSync(path);
      const all = codec.columns.map((_, at) => at);
      expect(rows.map((row) => codec.read(row, all))).toEqual(
        cellsOf(db, 't', codec.columns, 'ORDER BY id').map((row) => valuesOf(row, encoding)),
      );

      for (const [at, column, value] of changes) {
        const row = rows[at];
        // Text in hexadecimal form is a BLOB where one was: no UPDATE with text does the same.
        if (row === undefined || column >= types.length || /^\\x/.test(value ?? '')) continue;
        const isThereAlready = codec.read(row, [column + 1])[0] === value;
        rows[at] = codec.edit(row, new Map([[column + 1, value]]));
        expect(
          codec.read(
            rows[at],
            all.filter((each) => each !== column + 1),
          ),
        ).toEqual(
          codec.read(
            row,
            all.filter((each) => each !== column + 1),
          ),
        );
        if (!isThereAlready) db.prepare(`UPDATE t SET c${column} = ? WHERE id = ?`).run(value, at);
      }
      const edited = dump.streams.map((stream) =>
        stream.name === 't' ? { ...stream, bytes: Buffer.concat(rows) } : stream,
      );
      const loaded = new DatabaseSync(':memory:');
      loaded.exec(scriptOf({ ...dump, streams: edited }).toString('utf8'));
      expect(cellsOf(loaded, 't', codec.columns, 'ORDER BY id')).toEqual(
        cellsOf(db, 't', codec.columns, 'ORDER BY id'),
      );
      loaded.close();
      db.close();
    }),
    { numRuns: 150 },
  );
});

test('a damaged row is refused, or read as SQLite reads it', async () => {
  const folder = await tempFolder('sqlite');
  const path = join(folder, 'original.db');
  build(path, {
    encoding: 'UTF-8',
    types: TYPES,
    rows: fc.sample(fc.array(cell, { minLength: TYPES.length, maxLength: TYPES.length }), {
      numRuns: 40,
      seed: 7,
    }),
  });
  const [codec, bytes] = opened(await collect(path, join(folder, 'scratch')), 'UTF-8', TYPES);
  const rows = rowsOf(codec, bytes);
  const all = codec.columns.map((_, at) => at);
  const db = new DatabaseSync(':memory:');
  db.exec(`CREATE TABLE t(id, ${TYPES.map((_, at) => `c${at}`).join(', ')})`);
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.nat({ max: rows.length - 1 }),
      fc.nat(),
      fc.oneof(fc.constantFrom(...Array.from("'(),;\\+-.0e9NX \t\r")), fc.constant('')),
      (at, place, replacement) => {
        const row = rows[at]?.toString('latin1') ?? '';
        const where = place % (row.length - 1);
        const damaged = Buffer.from(row.slice(0, where) + replacement + row.slice(where + 1), 'latin1');
        let read: Value[];
        try {
          read = codec.read(damaged, all);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ROW_UNREADABLE' });
          return;
        }
        if (damaged.toString('utf8').includes('\ufffd')) return;
        accepted += 1;
        db.exec(`DELETE FROM t; ${damaged.toString('utf8')}`);
        const [cells = []] = cellsOf(db, 't', codec.columns, '');
        expect(read).toEqual(valuesOf(cells, 'UTF-8'));
      },
    ),
    { numRuns: 4000 },
  );
  db.close();
  expect(accepted).toBeGreaterThan(100);
});

test('text is written as a dump writes it', () => {
  fc.assert(
    fc.property(
      text.filter((value) => !value.includes('\0')),
      (value) => {
        expect(writeLiteral(value, 'TEXT', false, 'UTF-8')).toBe(
          Buffer.from(textLiteral(value)).toString('latin1'),
        );
      },
    ),
  );
});
