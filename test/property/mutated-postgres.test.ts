/**
 * Goal: whatever happens to a dump of PostgreSQL on its way to us, we refuse it, or it restores to what psql makes of it:
 * never to anything else.
 */
import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, test as example } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { splitData } from '../../src/rows/pg-data.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { usePostgres } from '../services/use.ts';
import { inPieces, mutated, mutations, partsOf, pieceSizes, runSeed } from './mutated.kit.ts';
import type { Part } from './mutated.kit.ts';

/** What pg_dump 15 prints with --section=data, without what it says about each table. */
const DUMP = Buffer.from(String.raw`--
-- PostgreSQL database dump
--

\restrict k3y

-- Dumped from database version 15.14

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

--
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.t (id, v) FROM stdin;
1	plain
2	\\. \\N tab\tline\nback\\slash ü
3	\N
4	COPY public.t (id, v) FROM stdin;
5	
\.


--
-- Data for Name: odd; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public."odd ""name"" FROM stdin;" ("a b", "select") FROM stdin;
1	it's "so"; -- $$ /*
\.


--
-- Name: s; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.s', 5, true);


--
-- PostgreSQL database dump complete
--

\unrestrict k3y

`);

const TELLING = [
  ...[
    "'",
    '"',
    '$$',
    '$a$',
    '\\',
    '\\.',
    '\n\\.\n',
    '\\N',
    '\t',
    '\n',
    '\r',
    '\0',
    ';',
    ';\n',
    '--',
    '/*',
    '*/',
    ' ',
  ],
  ...[
    'COPY public.t (id, v) FROM stdin;\n',
    'FROM stdin;',
    '\\! id\n',
    '\\restrict x\n',
    '\\unrestrict k3y\n',
    "E'",
    '\x80',
  ],
  ...['SELECT 1;', 'DELETE FROM public.t;\n', '--\n-- PostgreSQL database dump complete\n--\n'],
];

const split = (bytes: Buffer, sizes: readonly number[]) =>
  partsOf(splitData(inPieces(bytes, sizes)), isHoldfastError);
const isCommentOrGuard = (line: string) =>
  line === '' || line.startsWith('--') || /^\\(un)?restrict /.test(line);

/** Without what is left out, where each line is a statement. */
function told(text: string): string[] {
  return text.split('\n').filter((line) => !isCommentOrGuard(line));
}

describe('a dump of PostgreSQL', () => {
  example('as it is, is taken whole', async () => {
    const parts = await split(DUMP, [1 << 20]);
    expect(parts?.map(({ name }) => name)).toEqual([
      'data-settings',
      'public.t',
      'public."odd ""name"" FROM stdin;"',
      'sequences',
    ]);
    expect(told(textOf(parts ?? []))).toEqual(told(DUMP.toString('latin1')));
  });

  test.prop([mutations(TELLING), pieceSizes], { numRuns: 20_000 })(
    'that was changed is refused or taken the same in any pieces, and each table ends once',
    async (changes, sizes) => {
      const bytes = mutated(DUMP, changes);
      const parts = await split(bytes, sizes);
      expect(await split(bytes, [1 << 20])).toEqual(parts);
      for (const { isTable, text } of parts ?? []) {
        if (!isTable) continue;
        expect(text.toString('latin1')).toMatch(/^COPY\s[^]*?STDIN;\n(?:(?!\\\.\r?\n)[^\n]*\n)*\\\.\n$/i);
      }
    },
  );

  example('cut anywhere is refused', async () => {
    for (let at = 0; at < DUMP.length - 1; at += 1)
      expect(await split(DUMP.subarray(0, at), [1 << 20]), `cut at ${at}`).toBeUndefined();
  });
});

describe('loaded into a real server', () => {
  let postgres: PostgresAccess;
  beforeAll(async () => {
    postgres = await usePostgres();
  });

  const TABLES = `DROP TABLE IF EXISTS public.t, public."odd ""name"" FROM stdin;"; DROP SEQUENCE IF EXISTS public.s;
    CREATE TABLE public.t (id int, v text); CREATE SEQUENCE public.s;
    CREATE TABLE public."odd ""name"" FROM stdin;" ("a b" int, "select" text);\n`;
  const CONTENT = `SELECT id, v::bytea FROM (SELECT id, convert_to(v, 'UTF8') AS v FROM public.t) x ORDER BY 1, 2;
    SELECT "a b", convert_to("select", 'UTF8') FROM public."odd ""name"" FROM stdin;" ORDER BY 1, 2; SELECT last_value FROM public.s;`;

  async function contentAfter(url: string, script: string): Promise<string | undefined> {
    await postgres.psql(url, TABLES);
    try {
      await postgres.psql(url, script);
    } catch {
      return undefined;
    }
    return postgres.psql(url, CONTENT);
  }

  example('what is taken restores to what psql makes of the changed dump', { timeout: 300_000 }, async () => {
    const [theirUrl, ourUrl] = [
      await postgres.createDatabase('theirs'),
      await postgres.createDatabase('ours'),
    ];
    const seed = runSeed();
    let compared = 0;
    let equal = 0;
    for (const changes of fc.sample(mutations(TELLING), { numRuns: 4000, seed })) {
      const bytes = mutated(DUMP, changes);
      const parts = await split(bytes, [1 << 20]);
      if (parts === undefined || bytes.equals(DUMP) || !bytes.equals(Buffer.from(bytes.toString()))) continue;
      const note = `seed ${seed}: ${JSON.stringify(changes)}`;
      // The server of the tests may be older than the guard.
      const theirs = await contentAfter(theirUrl, bytes.toString().replaceAll(/^\\(un)?restrict .*$/gm, ''));
      expect(await contentAfter(ourUrl, Buffer.from(textOf(parts), 'latin1').toString()), note).toBe(theirs);
      compared += 1;
      if (theirs !== undefined) equal += 1;
      if (compared === SAMPLE) break;
    }
    expect(compared).toBe(SAMPLE);
    expect(equal).toBeGreaterThan(SAMPLE / 4);
    await postgres.dropDatabase(theirUrl);
    await postgres.dropDatabase(ourUrl);
  });

  const SAMPLE = 60;
});

function textOf(parts: readonly Part[]): string {
  return parts.map(({ text }) => text.toString('latin1')).join('');
}
