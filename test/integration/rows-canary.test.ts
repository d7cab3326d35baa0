/** A person planted in every kind of column of real databases: the scan of a dump finds each place, and no other person. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { Scanner } from '../../src/rows/scan.ts';
import { formsOf } from '../../src/rows/variants.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { load, readDump } from './pg-source-kit.ts';
import { collect } from './sqlite-kit.ts';

/** Of people's identifiers, these have everything that encodings treat in a way of their own. */
const CANARY = 'Zoë "Zo\\" O\'Brien-Núñez';
const OTHER = 'Joe "Jo\\" O\'Brian-Nunez';

/** Each is one column of one row: how a value gets there, with $1 as the person. */
const PG_PLACES: readonly (readonly [type: string, expression: string])[] = [
  ['text', '$1'],
  ['text', `E'first line\\n\\t' || $1 || E'\\r\\nlast'`],
  ['character varying(200)', 'upper($1)'],
  ['character(60)', 'lower($1)'],
  ['text', 'normalize($1, NFD)'],
  ['name', '$1'],
  ['jsonb', `jsonb_build_object('user', jsonb_build_object('name', $1))`],
  ['json', `json_build_array(1, $1)`],
  ['text', `to_jsonb(jsonb_build_object('body', $1)::text)::text`],
  ['text[]', `ARRAY['x', $1, NULL]`],
  ['bytea', `convert_to('name=' || $1, 'UTF8')`],
  ['bytea', `convert_to($1, 'LATIN1')`],
  ['bytea', `convert_to(jsonb_build_object('name', $1)::text, 'UTF8')`],
  ['text', `encode(convert_to($1, 'UTF8'), 'base64')`],
  ['text', `encode(convert_to('x' || $1, 'UTF8'), 'base64')`],
  ['text', `encode(convert_to('xy' || $1, 'UTF8'), 'base64')`],
  ['text', `encode(convert_to($1, 'UTF8'), 'hex')`],
  ['xml', `xmlelement(name person, $1)`],
  ['text', `quote_literal($1)`],
];

test('in PostgreSQL', async () => {
  const url = await (await usePostgres()).createDatabase('canary');
  const literal = (text: string): string => `'${text.replaceAll("'", "''")}'::text`;
  const statements = PG_PLACES.flatMap(([type, expression], at) => [
    `CREATE TABLE p${at} (id integer, v ${type});`,
    `INSERT INTO p${at} SELECT 1, ${expression.replaceAll('$1', literal(CANARY))};`,
    `INSERT INTO p${at} SELECT 2, ${expression.replaceAll('$1', literal(OTHER))};`,
  ]);
  await load(url, ['SET standard_conforming_strings = on;', ...statements].join('\n'));
  const forms = formsOf(CANARY);
  const streams = await readDump(postgresSource({ url }));
  for (const [at, [type, expression]] of PG_PLACES.entries()) {
    const text = streams.find(({ name }) => name === `public.p${at}`)?.text ?? '';
    const [, first = '', second = ''] = text.split('\n');
    const hits = (line: string): string[] => [
      ...new Set(
        new Scanner(forms).hits(Buffer.from(line, 'latin1')).map(({ form }) => forms[form]?.how ?? ''),
      ),
    ];
    expect(hits(first), `${type}: ${expression}`).not.toEqual([]);
    expect(hits(second), `${type}: ${expression}`).toEqual([]);
  }
});

/** SQL of SQLite; ? is the person. */
const SQLITE_PLACES = [
  '?',
  `char(10) || ? || char(13)`,
  'lower(?)',
  `json_object('name', ?)`,
  `json_array(json_object('body', json_quote(?)))`,
  'CAST(? AS BLOB)',
  `CAST(json_object('name', ?) AS BLOB)`,
  'hex(?)',
  'quote(?)',
  `? || char(0)`,
];

test.each(['UTF-8', 'UTF-16le', 'UTF-16be'])('in an SQLite database of %s', async (encoding) => {
  const folder = await tempFolder('canary');
  const path = join(folder, 'canary.db');
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA encoding='${encoding}'; CREATE TABLE p(id INTEGER PRIMARY KEY, v)`);
  for (const person of [CANARY, OTHER])
    for (const place of SQLITE_PLACES) db.prepare(`INSERT INTO p(v) SELECT ${place}`).run(person);
  db.close();
  const forms = formsOf(CANARY);
  const lines = (await collect(path, join(folder, 'scratch'))).streams
    .find(({ name }) => name === 'p')
    ?.bytes.toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
  expect(lines).toHaveLength(2 * SQLITE_PLACES.length);
  lines?.forEach((line, at) => {
    const hits = new Scanner(forms).hits(Buffer.from(line, 'latin1'));
    if (at < SQLITE_PLACES.length) expect(hits, SQLITE_PLACES[at]).not.toEqual([]);
    else expect(hits, SQLITE_PLACES[at - SQLITE_PLACES.length]).toEqual([]);
  });
});
