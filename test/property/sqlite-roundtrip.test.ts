import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sqliteLoader } from '../../src/sources/sqlite/loader.ts';
import { foldName } from '../../src/sources/sqlite/names.ts';
import { collect, contentsOf, LOAD_OPTIONS, NEVER, readerOf } from '../integration/sqlite-kit.ts';
import { scriptOf, shellLoad } from '../integration/sqlite-kit.ts';
import { tempFolder } from '../services/temp.ts';

/** TEXT of any bytes, which only a cast can bring into a database. */
interface RawText {
  readonly raw: Uint8Array;
}
type Value = null | bigint | number | string | Uint8Array | RawText;

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.string({
    unit: fc.constantFrom(
      'a',
      "'",
      '\n',
      '\r',
      '\\',
      'n',
      '1',
      '.',
      'e',
      'é',
      '😀',
      '\ufffd',
      '\uffff',
      '\ufeff',
    ),
  }),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 20 }),
  fc.uint8Array({ maxLength: 8 }).map((raw) => ({ raw })),
);

const columnName = fc
  .oneof(
    fc.constantFrom(
      'id',
      'rowid',
      '_rowid_',
      'oid',
      'select',
      'a b',
      'q"t',
      "q't",
      '[x]',
      'ROWID',
      'é',
      '',
      '-- c',
      ';',
    ),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  )
  .filter((name) => !/[\n\0]/.test(name));

const table = fc.record({
  name: fc.oneof(
    fc.constantFrom('t', 'order', 'odd "name"', 'pre-data', 'x_y'),
    columnName.map((name) => `n ${name}`),
  ),
  columns: fc.uniqueArray(
    fc.record({
      name: columnName,
      type: fc.constantFrom(
        '',
        'INTEGER',
        'TEXT',
        'REAL',
        'NUMERIC',
        'BLOB',
        'INT',
        'VARCHAR(10) COLLATE NOCASE',
      ),
    }),
    { minLength: 1, maxLength: 5, selector: ({ name }) => foldName(name) },
  ),
  key: fc.constantFrom('none', 'primary', 'descending', 'without rowid'),
  rows: fc.array(fc.array(value, { minLength: 5, maxLength: 5 }), { maxLength: 12 }),
});

const database = fc.record({
  encoding: fc.constantFrom('UTF-8', 'UTF-8', 'UTF-16le', 'UTF-16be'),
  tables: fc.uniqueArray(table, { minLength: 1, maxLength: 3, selector: ({ name }) => foldName(name) }),
});

type Database = typeof database extends fc.Arbitrary<infer T> ? T : never;

function build(path: string, { encoding, tables }: Database): void {
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec(`PRAGMA synchronous=OFF; PRAGMA encoding='${encoding}'; BEGIN`);
  for (const { name, columns, key, rows } of tables) {
    const [first] = columns;
    const constraint =
      key === 'none'
        ? ''
        : `, PRIMARY KEY(${quoted(first?.name ?? '')}${key === 'descending' ? ' DESC' : ''})`;
    const list = columns.map((column) => `${quoted(column.name)} ${column.type}`).join(', ');
    db.exec(
      `CREATE TABLE ${quoted(name)}(${list}${constraint}) ${key === 'without rowid' ? 'WITHOUT ROWID' : ''}`,
    );
    for (const row of rows) insert(db, quoted(name), row.slice(0, columns.length));
  }
  db.exec('COMMIT');
  db.close();
}

/** Rows that break the key do not matter here. */
function insert(db: DatabaseSync, table: string, row: readonly Value[]): void {
  const isRaw = (cell: Value): cell is RawText => typeof cell === 'object' && cell !== null && 'raw' in cell;
  const terms = row.map((cell) => (isRaw(cell) ? 'CAST(? AS TEXT)' : '?'));
  try {
    const statement = db.prepare(`INSERT OR IGNORE INTO ${table} VALUES(${terms.join(', ')})`);
    statement.run(...row.map((cell) => (isRaw(cell) ? cell.raw : cell)));
  } catch (error) {
    if (!/datatype mismatch|NOT NULL/.test(String(error))) throw error;
  }
}

test('random tables come back the same through the loader and through the stock shell', async () => {
  const folder = await tempFolder('sqlite');
  const [original, loaded, shelled] = ['original.db', 'loaded.db', 'shelled.db'].map((name) =>
    join(folder, name),
  );
  if (!original || !loaded || !shelled) throw new Error('no paths');
  await fc.assert(
    fc.asyncProperty(database, async (model) => {
      await Promise.all([original, loaded, shelled].map((path) => rm(path, { force: true })));
      build(original, model);
      const dump = await collect(original, join(folder, 'scratch'));
      for (const { bytes, dialect } of dump.streams) {
        if (dialect === 'sql-insert') expect(bytes.toString('latin1')).not.toMatch(/\n(?!INSERT INTO |$)|\0/);
      }

      await sqliteLoader({ path: loaded }).load(readerOf(dump, 1000), LOAD_OPTIONS, NEVER);
      shellLoad(scriptOf(dump), shelled);

      const expected = contentsOf(original);
      expect(contentsOf(loaded)).toEqual(expected);
      expect(contentsOf(shelled)).toEqual(expected);
      expect(scriptOf(await collect(loaded, join(folder, 'scratch'))).equals(scriptOf(dump))).toBe(true);
    }),
    { numRuns: 80 },
  );
});
