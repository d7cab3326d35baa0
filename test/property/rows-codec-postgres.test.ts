/** Rows of real pg_dumps: read as SELECT reads them, edited as UPDATE would edit them, refused when damaged. */
import fc from 'fast-check';
import { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { codecFor, type RowCodec, type Value } from '../../src/rows/codec.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import type { TableSchema } from '../../src/sources/schema.ts';
import { awkwardDatabase, load, readDump, type WholeStream } from '../integration/pg-source-kit.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { usePostgres } from '../services/use.ts';

let postgres: PostgresAccess;

beforeAll(async () => {
  postgres = await usePostgres();
});

function schemaOf(name: string, columns: readonly (readonly [string, string])[]): TableSchema {
  return {
    name,
    columns: columns.map(([column, type]) => ({ name: column, type, nullable: true, generated: false })),
    primaryKey: [],
    uniques: [],
    foreignKeys: [],
  };
}

function opened(
  stream: WholeStream,
  columns: readonly (readonly [string, string])[] = [],
): [RowCodec, Buffer] {
  if (stream.table === undefined) throw new Error(`${stream.name} has no rows`);
  const { table, dialect } = stream;
  return [codecFor(dialect, table, schemaOf(table.name, columns)), Buffer.from(stream.text, 'latin1')];
}

function rowsOf(codec: RowCodec, piece: Buffer): Buffer[] {
  return [...codec.rows(piece, true)]
    .filter(({ isRow }) => isRow)
    .map(({ start, end }) => piece.subarray(start, end));
}

/** A connection on which every value comes as the text that the type's output function writes. */
async function connected<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    types: { getTypeParser: () => (value: string) => value },
  });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function selected(client: Client, sql: string): Promise<Value[][]> {
  return (await client.query<Value[]>({ text: sql, rowMode: 'array' })).rows;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

test('every row of an awkward database is read as SELECT reads it', async () => {
  const url = await awkwardDatabase(postgres);
  const streams = (await readDump(postgresSource({ url }))).filter(({ dialect }) => dialect === 'pg-copy');
  expect(streams.length).toBeGreaterThan(20);
  await connected(url, async (client) => {
    for (const stream of streams) {
      const [codec, bytes] = opened(stream);
      const all = codec.columns.map((_, at) => at);
      const rows = rowsOf(codec, bytes);
      const read = rows.map((row) => codec.read(row, all));
      const told = await selected(
        client,
        `SELECT ${codec.columns.map(quoted).join(', ')} FROM ONLY ${stream.name}`,
      );
      const sorted = (values: Value[][]): string[] => values.map((row) => JSON.stringify(row)).sort();
      expect(sorted(read), stream.name).toEqual(sorted(told));

      const scanned: Value[][] = [];
      codec.scan(bytes, true, { wanted: all }, (values) => scanned.push(values));
      expect(scanned).toEqual(read);
      rows.forEach((row, at) => {
        const same = new Map((read[at] ?? []).map((value, column) => [column, value]));
        expect(codec.edit(row, same)).toBe(row);
      });
    }
  });
});

const word = fc.string({
  unit: fc.constantFrom(
    '\\',
    'N',
    '.',
    'x',
    '\t',
    '\n',
    '\r',
    '\b',
    '\v',
    '\f',
    '\x01',
    'ä',
    '😀',
    '"',
    "'",
    '{',
    ',',
  ),
  maxLength: 8,
});
const someJson = fc
  .oneof(word, fc.integer(), fc.constant(null), fc.dictionary(word, word))
  .map((value) => JSON.stringify(value));
const COLUMNS: readonly (readonly [type: string, value: fc.Arbitrary<string>])[] = [
  ['text', word],
  ['character varying(8)', word.filter((text) => Array.from(text).length <= 8)],
  ['integer', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(String)],
  ['bigint', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)],
  ['boolean', fc.constantFrom('t', 'f')],
  ['bytea', fc.uint8Array({ maxLength: 6 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`)],
  ['json', someJson],
  ['jsonb', someJson],
  ['numeric(12,2)', fc.integer({ min: -9999, max: 9999 }).map((cents) => (cents / 100).toFixed(2))],
  ['uuid', fc.uuid()],
  [
    'timestamp with time zone',
    fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString()),
  ],
];
/** `text[]` comes from JavaScript arrays, which the driver writes. */
const words = fc.array(fc.oneof(word, fc.constant(null)), { maxLength: 3 });

const types = COLUMNS.map(([type]) => type);
const row = fc.tuple(
  fc.tuple(...COLUMNS.map(([, value]) => fc.option(value, { freq: 6 }))),
  fc.option(words, { freq: 6 }),
);
const change = fc
  .nat({ max: COLUMNS.length - 1 })
  .chain((column) =>
    fc.tuple(fc.nat({ max: 99 }), fc.constant(column), fc.option(COLUMNS[column]?.[1] ?? word, { freq: 5 })),
  );

const NAMES = [...types.map((_, at) => `c${at}`), 'words'];
const TABLE = `CREATE TABLE t (id integer PRIMARY KEY, ${types.map((type, at) => `c${at} ${type}`).join(', ')}, words text[])`;
const SELECT = `SELECT id, ${NAMES.join(', ')} FROM t ORDER BY id`;

test('random edits of random rows give what UPDATE gives', async () => {
  const url = await postgres.createDatabase('codec');
  const copy = await postgres.createDatabase('codec_copy');
  await connected(url, async (client) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 100, maxLength: 100, size: 'max' }),
        fc.array(change, { minLength: 100, maxLength: 200, size: 'max' }),
        async (rows, changes) => {
          await client.query(`DROP TABLE IF EXISTS t; ${TABLE}`);
          const slots = ['id', ...NAMES].map((_, at) => `$${at + 1}`).join(', ');
          for (const [id, [values, texts]] of rows.entries())
            await client.query(`INSERT INTO t VALUES (${slots})`, [id, ...values, texts]);
          const streams = await readDump(postgresSource({ url, jobs: 1 }));
          const stream = streams.find(({ name }) => name === 'public.t');
          if (stream === undefined) throw new Error('no table t');
          const [codec, bytes] = opened(
            stream,
            types.map((type, at) => [`c${at}`, type]),
          );
          const all = codec.columns.map((_, at) => at);
          // A dump has rows as they lie in the table: a small one may have found room in a page before.
          const idOf = (line: Buffer): number => Number(codec.read(line, [0])[0]);
          const lines = [...rowsOf(codec, bytes)].sort((a, b) => idOf(a) - idOf(b));
          const before = await selected(client, SELECT);
          expect(lines.map((line) => codec.read(line, all))).toEqual(before);

          for (const [at, column, value] of changes) {
            const line = lines[at];
            if (line === undefined) continue;
            lines[at] = codec.edit(line, new Map([[column + 1, value]]));
            await client.query(`UPDATE t SET c${column} = $1 WHERE id = $2`, [value, at]);
          }
          const [header] = [...codec.rows(bytes, true)];
          const block = [bytes.subarray(0, header?.end), ...lines, Buffer.from('\\.\n')];
          await load(copy, Buffer.concat([Buffer.from(`DROP TABLE IF EXISTS t; ${TABLE};\n`), ...block]));
          const after = await selected(client, SELECT);
          expect(await connected(copy, (other) => selected(other, SELECT))).toEqual(after);
        },
      ),
      // Each run dumps and loads a database, so there are few with many rows, and none to make a failure smaller.
      { numRuns: 3, endOnFailure: true },
    );
  });
});

test('a damaged row is refused, or read as COPY reads it', async () => {
  const url = await postgres.createDatabase('codec');
  const made = fc.sample(fc.array(word, { minLength: 3, maxLength: 3 }), { numRuns: 60, seed: 11 });
  const [codec, bytes] = await connected(url, async (client) => {
    await client.query('CREATE TABLE t (a text, b text, c text)');
    for (const values of made) await client.query('INSERT INTO t VALUES ($1, $2, $3)', values);
    const stream = (await readDump(postgresSource({ url }))).find(({ name }) => name === 'public.t');
    if (stream === undefined) throw new Error('no table t');
    return opened(stream);
  });
  const rows = rowsOf(codec, bytes);
  const damage = fc.tuple(
    fc.nat({ max: rows.length - 1 }),
    fc.nat(),
    fc.constantFrom(...Array.from('\\Nx.0nt\t\r\0a'), ''),
  );
  const accepted: [Buffer, Value[]][] = [];
  for (const [at, place, replacement] of fc.sample(damage, { numRuns: 6000, seed: 13 })) {
    const line = rows[at]?.toString('latin1') ?? '';
    const where = place % line.length;
    const damaged = Buffer.from(line.slice(0, where) + replacement + line.slice(where + 1), 'latin1');
    try {
      const values = codec.read(damaged, [0, 1, 2]);
      // What is no UTF-8 the server refuses.
      if (values.every((value) => value?.isWellFormed() ?? true)) accepted.push([damaged, values]);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ROW_UNREADABLE' });
    }
  }
  expect(accepted.length).toBeGreaterThan(1000);
  await load(
    url,
    Buffer.concat([
      Buffer.from('CREATE TABLE u (id serial, a text, b text, c text);\nCOPY u (a, b, c) FROM stdin;\n'),
      ...accepted.map(([damaged]) => damaged),
      Buffer.from('\\.\n'),
    ]),
  );
  const loaded = await connected(url, (client) => selected(client, 'SELECT a, b, c FROM u ORDER BY id'));
  expect(loaded).toEqual(accepted.map(([, values]) => values));
});
