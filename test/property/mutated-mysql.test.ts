/**
 * Goal: whatever happens to a dump of MySQL on its way to us, we refuse it, or it restores to what the plain client makes of
 * it: never to anything else.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { statementsFor } from '../../src/rows/mysql-statement.ts';
import { splitMysqlData } from '../../src/rows/mysql-dump.ts';
import { joinInserts } from '../../src/sources/mysql/load-inserts.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { useMariadb } from '../services/use.ts';
import { inPieces, mutated, mutations, partsOf, pieceSizes, runSeed } from './mutated.kit.ts';
import type { Part } from './mutated.kit.ts';

/**
 * What mariadb-dump prints for small tables, with everything that can stand between and around values; statements of one row
 * and of many, which other versions part in other ways.
 */
const DUMP = await readFile(join(import.meta.dirname, 'mutated-mysql.sql'));

const TELLING = [
  ...[
    "'",
    "''",
    "\\'",
    '\\',
    '\\\\',
    '"',
    '`',
    ')',
    '(',
    ',',
    ';',
    ');',
    '\n',
    ');\n',
    '),(',
    "'),('",
    "');\n",
  ],
  ...['--', '-- ', '\n-- ', '#', '/*', '*/', '/*!', ' */;\n', '\0', '\r', '\x1a', '\t', ' ', '\x80', 'ü'],
  ...[
    '-- Dump completed\n',
    'INSERT INTO `',
    'INSERT INTO `t` (`id`, `v`) VALUES (9,',
    'DELIMITER x\n',
    '\\g',
    '\\! id',
  ],
  ...['SET NAMES latin1;\n', 'NULL', '0x', "b'1'", "_binary '", '1e', 'DROP TABLE t;'],
];

const refusal = (error: unknown): boolean => isHoldfastError(error);
const split = (bytes: Buffer, sizes: readonly number[]) =>
  partsOf(splitMysqlData(inPieces(bytes, sizes)), refusal);

/** Text without what the client skips: comments that are whole lines, and empty lines. */
function withoutComments(text: string): string {
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  const kept = lines.filter((line) => line !== '' && !/^--(?: |$)/.test(line));
  return [...kept.map((line) => `${line}\n`), /^--(?: |$)/.test(last) ? '' : last].join('');
}

/** The rows of every statement on lines of their own, each as if another one followed. */
function withoutStatements(text: string): string {
  return text
    .replaceAll(/^INSERT INTO `(?:[^`]|``)+` \((?:`(?:[^`]|``)+`(?:, )?)+\) VALUES[ \n]\(/gm, '(')
    .replaceAll(/^\(.*$/gm, (line) =>
      line.replaceAll(/'(?:[^'\\]|\\[^])*'|\),\(/g, (found) => (found === '),(' ? '),\n(' : found)),
    )
    .replaceAll(/^(\(.*\));$/gm, '$1,');
}

/** One row, written here once more. */
const ROW =
  // eslint-disable-next-line no-control-regex -- it is about these
  /^\((?<values>(?:(?:[\w.+-]+|(?:[\w.+-]+ ?)?'(?:[^\\'\0\n\r\x1a]|\\[0nrZ'"\\])*')(?:,(?!\))|(?=\))))+)\),$/;

function expectRows({ name, text }: Part): void {
  for (const line of text.toString('latin1').split('\n').slice(0, -1)) expect(line, name).toMatch(ROW);
}

describe('a dump of MySQL', () => {
  test('as it is, is taken', async () => {
    const parts = await split(DUMP, [1 << 20]);
    expect(parts?.filter(({ isTable }) => isTable).map(({ name }) => name)).toEqual([
      't',
      'bytes',
      '`odd ``name`` VALUES (`',
    ]);
  });

  test.prop([mutations(TELLING), pieceSizes], { numRuns: 20_000 })(
    'that was changed is refused, or taken as it is now, row by row',
    async (changes, sizes) => {
      const bytes = mutated(DUMP, changes);
      const parts = await split(bytes, sizes);
      if (parts === undefined) return;
      for (const part of parts) if (part.isTable) expectRows(part);
      const joined = Buffer.concat(parts.map(({ text }) => text)).toString('latin1');
      const ours = joined.replace('SET autocommit=0;\n', '').replace('COMMIT;\n', '');
      expect(ours).toBe(withoutStatements(withoutComments(bytes.toString('latin1'))));
    },
  );

  test('with any one byte changed, or cut anywhere, is refused or taken as it is now', async () => {
    let refused = 0;
    let taken = 0;
    for (let at = 0; at < DUMP.length; at += 1) {
      expect(await split(DUMP.subarray(0, at), [1 << 20]), `cut at ${at}`).toSatisfy(
        (parts) => parts === undefined || DUMP.subarray(at).toString().trim() === '',
      );
      for (const mask of [0x01, 0x04, 0x20, 0x80]) {
        const bytes = Buffer.from(DUMP);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        const parts = await split(bytes, [1 << 20]);
        if (parts === undefined) refused += 1;
        else taken += 1;
        for (const part of parts ?? []) if (part.isTable) expectRows(part);
      }
    }
    expect(refused).toBeGreaterThan(DUMP.length);
    expect(taken).toBeGreaterThan(100);
  });
});

describe('loaded into a real server', () => {
  let mariadb: MariadbAccess;
  beforeAll(async () => {
    mariadb = await useMariadb();
  });

  const TABLES = `DROP TABLE IF EXISTS t, bytes, \`odd \`\`name\`\` VALUES (\`;
    CREATE TABLE t (id int PRIMARY KEY, v longtext, n decimal(10, 2), f double);
    CREATE TABLE bytes (id int PRIMARY KEY, b varbinary(20), x bit(8));
    CREATE TABLE \`odd \`\`name\`\` VALUES (\` (\`a b\` int, \`c\`\`d\` varchar(20), \`) VALUES (\` int);`;
  const CONTENT = `SELECT id, HEX(v), n, f FROM t ORDER BY id; SELECT id, HEX(b), x + 0 FROM bytes ORDER BY id;
    SELECT \`a b\`, HEX(\`c\`\`d\`), \`) VALUES (\` FROM \`odd \`\`name\`\` VALUES (\` ORDER BY 1, 2, 3;`;

  /** What is in a database after a script; undefined when the client refused it. */
  async function contentAfter(url: string, script: Buffer): Promise<string | undefined> {
    await mariadb.sql(url, TABLES);
    try {
      await mariadb.sql(url, script.toString('latin1'));
    } catch {
      return undefined;
    }
    return mariadb.sql(url, CONTENT);
  }

  /** As our loader sends it. */
  async function asLoaded(parts: readonly Part[]): Promise<Buffer> {
    const statements = await Promise.all(
      parts.map(async ({ name, table, text }) => {
        if (table === undefined) return text;
        const stream = { name, table, section: 'data', dialect: 'mysql-insert' } as const;
        const stored = Buffer.concat(statementsFor(stream)?.take(text) ?? [text]);
        const options = { stream: name, table: name, statementBytes: 1 << 20 };
        return Buffer.concat(await Array.fromAsync(joinInserts(inPieces(stored, [1000]), options)));
      }),
    );
    return Buffer.concat(statements);
  }

  test(
    'what is taken restores to what the client makes of the changed dump',
    { timeout: 300_000 },
    async () => {
      const seed = runSeed();
      const [theirUrl, ourUrl] = [
        await mariadb.createDatabase('theirs'),
        await mariadb.createDatabase('ours'),
      ];
      let compared = 0;
      let equal = 0;
      for (const changes of fc.sample(mutations(TELLING), { numRuns: 4000, seed })) {
        const bytes = mutated(DUMP, changes);
        const parts = await split(bytes, [1 << 20]);
        if (parts === undefined || bytes.equals(DUMP)) continue;
        const note = `seed ${seed}: ${JSON.stringify(changes)}`;
        const theirs = await contentAfter(theirUrl, bytes);
        expect(await contentAfter(ourUrl, await asLoaded(parts)), note).toBe(theirs);
        compared += 1;
        if (theirs !== undefined) equal += 1;
        if (compared === SAMPLE) break;
      }
      expect(compared).toBe(SAMPLE);
      expect(equal).toBeGreaterThan(SAMPLE / 4);
    },
  );

  const SAMPLE = 60;
});
