/** Rows of real MariaDB dumps: read as SELECT reads them, edited as UPDATE would edit them, refused when damaged. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { codecFor, type RowCodec, type Value } from '../../src/rows/codec.ts';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import type { Schema, TableSchema } from '../../src/sources/schema.ts';
import { awkwardDatabase, readDump, scriptOf, SIGNAL, type WholeStream } from '../integration/mysql-kit.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { useMariadb } from '../services/use.ts';

let mariadb: MariadbAccess;

beforeAll(async () => {
  mariadb = await useMariadb();
});

interface Opened {
  readonly codec: RowCodec;
  readonly bytes: Buffer;
  readonly table: TableSchema;
}

function opened(stream: WholeStream, schema: Schema): Opened {
  const table = schema.tables.find(({ name }) => name === stream.table?.name);
  if (stream.table === undefined || table === undefined) throw new Error(`${stream.name} has no rows`);
  const codec = codecFor(stream.dialect, stream.table, table);
  return { codec, bytes: Buffer.from(stream.text, 'latin1'), table };
}

function rowsOf(codec: RowCodec, piece: Buffer): Buffer[] {
  return [...codec.rows(piece, true)].map(({ start, end }) => piece.subarray(start, end));
}

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;

/** The text of each value as the server prints it, bytes in hexadecimal, bits as numbers: by the types alone. */
async function selected(
  url: string,
  { name, columns }: TableSchema,
  only: readonly string[],
): Promise<Value[][]> {
  const shown = columns
    .filter((column) => only.includes(column.name))
    .map(({ name: column, type }) => {
      const sql = quoted(column);
      if (/^bit/.test(type)) return `HEX(CONVERT(${sql} + 0 USING utf8mb4))`;
      const areBytes = /binary|blob|point|geometry/.test(type);
      return areBytes ? `HEX(CONCAT('\\\\x', LOWER(HEX(${sql}))))` : `HEX(CONVERT(${sql} USING utf8mb4))`;
    });
  const from = name.startsWith('`') ? name : quoted(name);
  const text = await mariadb.sql(url, `SET time_zone = '+00:00'; SELECT ${shown.join(', ')} FROM ${from};`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line.split('\t').map((hex) => (hex === 'NULL' ? null : Buffer.from(hex, 'hex').toString('utf8'))),
    );
}

const sorted = (rows: readonly Value[][]) => rows.map((row) => JSON.stringify(row)).sort();

test('every row of an awkward database is read as the server reads it', async () => {
  const url = await awkwardDatabase(mariadb);
  const source = mysqlSource({ url });
  const schema = await source.schema(SIGNAL);
  let tables = 0;
  for (const stream of await readDump(source)) {
    if (stream.dialect !== 'mysql-insert') continue;
    const { codec, bytes, table } = opened(stream, schema);
    const all = codec.columns.map((_, at) => at);
    const read = rowsOf(codec, bytes).map((row) => codec.read(row, all));
    expect(sorted(read), stream.name).toEqual(sorted(await selected(url, table, codec.columns)));
    const scanned: Value[][] = [];
    codec.scan(bytes, true, { wanted: all }, (values) => scanned.push(values));
    expect(scanned).toEqual(read);
    expect(Buffer.concat(codec.rejoin?.(rowsOf(codec, bytes)) ?? [])).toEqual(bytes);
    for (const row of rowsOf(codec, bytes)) {
      const same = new Map(codec.read(row, all).map((value, at) => [at, value]));
      expect(codec.edit(row, same)).toBe(row);
      expect(codec.fields(row)).toHaveLength(all.length);
    }
    tables += 1;
  }
  expect(tables).toBeGreaterThan(5);
});

const TYPES: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ['int', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(String)],
  ['bigint unsigned', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)],
  ['decimal(8,2)', fc.integer({ min: -999999, max: 999999 }).map((n) => `${n}.25`)],
  ['bit(12)', fc.nat({ max: 4095 }).map(String)],
  ['varchar(40)', fc.string({ unit: 'binary', maxLength: 20 })],
  [
    'longtext',
    fc.string({
      unit: fc.constantFrom('a', "'", '"', '\\', '\n', '\r', '\0', '\x1a', '\t', ',', ')', ';', '😀', '%'),
    }),
  ],
  [
    'varbinary(20)',
    fc.uint8Array({ maxLength: 20 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  ],
  ['longblob', fc.uint8Array({ maxLength: 9 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`)],
  ["enum('x','it''s','')", fc.constantFrom('x', "it's", '')],
  ['datetime', fc.constantFrom('0000-00-00 00:00:00', '2026-01-02 03:04:05', '9999-12-31 23:59:59')],
  ['json', fc.json()],
];

const rowValues = fc.tuple(...TYPES.map(([, values]) => fc.option(values, { freq: 5, nil: null })));
const change = fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: TYPES.length - 1 }), rowValues);

function literal(value: Value, type: string): string {
  if (value === null) return 'NULL';
  if (/binary|blob/.test(type)) return `x'${value.slice(2)}'`;
  if (/^(int|bigint|decimal|bit)/.test(type)) return value;
  return `CONVERT(x'${Buffer.from(value).toString('hex')}' USING utf8mb4)`;
}

test('random edits of random rows give what UPDATE gives', async () => {
  const url = await mariadb.createDatabase('codec');
  const copy = await mariadb.createDatabase('codec');
  const source = mysqlSource({ url });
  const columns = TYPES.map(([type], at) => `c${at} ${type}`).join(', ');
  const names = ['id', ...TYPES.map((_, at) => `c${at}`), 'up', 'low'];
  await fc.assert(
    fc.asyncProperty(
      fc.array(rowValues, { minLength: 1, maxLength: 6 }),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      async (rows, changes) => {
        const inserts = rows.map(
          (row, at) =>
            `INSERT INTO \`odd \`\`t\` (id, ${TYPES.map((_, column) => `c${column}`).join(', ')}) VALUES (${at}, ${row.map((value, column) => literal(value, TYPES[column]?.[0] ?? '')).join(', ')});`,
        );
        await mariadb.sql(
          url,
          `SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; DROP TABLE IF EXISTS \`odd \`\`t\`; CREATE TABLE \`odd \`\`t\` (id int PRIMARY KEY, ${columns},
           up varchar(80) AS (UPPER(c4)) STORED, low varchar(80) AS (LOWER(c4)) VIRTUAL) DEFAULT CHARSET utf8mb4; ${inserts.join('\n')}`,
        );
        const schema = await source.schema(SIGNAL);
        const streams = await readDump(source);
        const stream = streams.find(({ dialect }) => dialect === 'mysql-insert');
        if (stream === undefined) throw new Error('no rows');
        const { codec, bytes, table } = opened(stream, schema);
        const edited = rowsOf(codec, bytes);
        const updates: string[] = [];
        for (const [at, column, values] of changes) {
          const row = edited[at];
          const [value = null, type = ''] = [values[column], TYPES[column]?.[0]];
          if (row === undefined) continue;
          edited[at] = codec.edit(row, new Map([[column + 1, value]]));
          expect(codec.read(edited[at], [column + 1])).toEqual([value]);
          updates.push(`UPDATE \`odd \`\`t\` SET c${column} = ${literal(value, type)} WHERE id = ${at};`);
        }
        const script = streams.map((each) =>
          each === stream ? { ...each, text: Buffer.concat(edited).toString('latin1') } : each,
        );
        await mariadb.sql(copy, `DROP TABLE IF EXISTS \`odd \`\`t\`;\n${scriptOf(script)}`);
        await mariadb.sql(url, `SET sql_mode = ''; ${updates.join('\n')}`);
        expect(await selected(copy, table, names)).toEqual(await selected(url, table, names));
      },
    ),
    { numRuns: 40 },
  );
}, 300_000);

test('a row that loses a value loses what the server made of it', async () => {
  const url = await mariadb.createDatabase('codec');
  await mariadb.sql(
    url,
    `CREATE TABLE users (id int PRIMARY KEY, email varchar(40), shout varchar(40) AS (UPPER(email)) STORED, n int);
     INSERT INTO users (id, email, n) VALUES (1, 'ada@example.org', 2);`,
  );
  const source = mysqlSource({ url });
  const stream = (await readDump(source)).find(({ dialect }) => dialect === 'mysql-insert');
  if (stream === undefined) throw new Error('no rows');
  const { codec, bytes } = opened(stream, await source.schema(SIGNAL));
  expect(bytes.toString()).toContain('ADA@EXAMPLE.ORG');
  const row = codec.edit(bytes, new Map([[1, 'gone']]));
  expect(row.toString()).toBe(
    "INSERT INTO `users` (`id`, `email`, `shout`, `n`) VALUES (1,'gone',DEFAULT,2);\n",
  );
  await mariadb.sql(url, `SET sql_mode = 'STRICT_ALL_TABLES'; DELETE FROM users; ${row.toString()}`);
  expect(await mariadb.sql(url, 'SELECT email, shout FROM users;')).toBe('gone\tGONE');
  expect(() => codec.edit(row, new Map([[2, 'X']]))).toThrow('the server computes it');
});

test.each<readonly [type: string, value: Value]>([
  ['tinyint', '128'],
  ['int unsigned', '-1'],
  ['int', '1.5'],
  ['decimal(5,2)', '1000'],
  ['varchar(3)', 'four'],
  ['varchar(9) CHARACTER SET latin1', '😀'],
  ['varchar(9) CHARACTER SET utf8mb3', '😀'],
  ['tinytext', 'x'.repeat(256)],
  ['varbinary(2)', '\\x000102'],
  ['blob', 'text'],
  ['bit(2)', '4'],
  ["enum('a','b')", 'c'],
  ["set('a','b')", 'a,c'],
  ['date', 'yesterday'],
  ['uuid', 'x'],
  ['int NOT NULL', null],
])('a value that %s would cut off or lose is refused', async (type, value) => {
  const url = await mariadb.createDatabase('codec');
  await mariadb.sql(
    url,
    `CREATE TABLE t (id int PRIMARY KEY, v ${type}); SET sql_mode = ''; INSERT IGNORE INTO t VALUES (1, ${type.endsWith('NULL') ? '1' : 'NULL'});`,
  );
  const source = mysqlSource({ url });
  const stream = (await readDump(source)).find(({ dialect }) => dialect === 'mysql-insert');
  if (stream === undefined) throw new Error('no rows');
  const { codec, bytes } = opened(stream, await source.schema(SIGNAL));
  expect(() => codec.edit(bytes, new Map([[1, value]]))).toThrow(
    expect.objectContaining({ code: 'ROW_UNWRITABLE' }),
  );
  await mariadb.dropDatabase(url);
});

test('a damaged row is refused, or read as the server reads it', async () => {
  const url = await awkwardDatabase(mariadb);
  const source = mysqlSource({ url });
  const schema = await source.schema(SIGNAL);
  const stream = (await readDump(source)).find(({ name }) => name === 'everything');
  if (stream === undefined) throw new Error('no rows');
  const { codec, bytes, table } = opened(stream, schema);
  // Each as a statement of its own, which the server can be asked about.
  const rows = rowsOf(codec, bytes)
    .filter((row) => row.length < 4000)
    .flatMap((row) => codec.rejoin?.([row]) ?? []);
  const all = codec.columns.map((_, at) => at);
  const accepted: { readonly row: string; readonly read: Value[] }[] = [];
  fc.assert(
    fc.property(
      fc.nat({ max: rows.length - 1 }),
      fc.nat(),
      fc.oneof(fc.constantFrom(...Array.from('\'(),;\\+-.0e9Nxb \t\r"')), fc.constant('')),
      (at, place, replacement) => {
        const row = rows[at]?.toString('latin1') ?? '';
        const where = place % (row.length - 1);
        const damaged = row.slice(0, where) + replacement + row.slice(where + 1);
        try {
          accepted.push({ row: damaged, read: codec.read(Buffer.from(damaged, 'latin1'), all) });
        } catch (error) {
          expect(error).toMatchObject({ code: 'ROW_UNREADABLE' });
        }
      },
    ),
    { numRuns: 4000 },
  );
  // Values that the columns do not take as they are would say nothing: they go into columns that take all.
  const wide = table.columns.map(({ name, type }) =>
    /binary|blob|point|geometry|bit/.test(type) ? `${quoted(name)} longblob` : `${quoted(name)} longtext`,
  );
  await mariadb.sql(url, `CREATE TABLE wide (${wide.join(', ')}) DEFAULT CHARSET utf8mb4;`);
  const texts = accepted.filter(({ row }) => !Buffer.from(row, 'latin1').toString('utf8').includes('\ufffd'));
  const sample = texts.filter((_, at) => at % Math.ceil(texts.length / 300) === 0);
  const inserts = sample.map(
    ({ row }) =>
      `${Buffer.from(row, 'latin1').toString('utf8').replace('INTO `everything`', 'INTO wide')}SELECT ROW_COUNT(); DELETE FROM wide;`,
  );
  const said = (await mariadb.sql(url, `SET sql_mode = ''; ${inserts.join('\n')}`)).split('\n');
  expect(said).toEqual(sample.map(() => '1'));
  expect(accepted.length).toBeGreaterThan(100);
});
