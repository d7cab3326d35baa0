/** Goal: two texts are the same to us exactly when they are the same to a real server, under every collation we know. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { comparable, comparisonOf } from '../../src/subjects/compare.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { useMariadb } from '../services/use.ts';

let mariadb: MariadbAccess;

beforeAll(async () => {
  mariadb = await useMariadb();
});

const LETTERS = [
  [0x01, 0x5ff],
  [0x1e00, 0x206f],
  [0x2100, 0x218f],
  [0x3000, 0x30ff],
  [0xff00, 0xffef],
] as const;
const ALL = [
  [0x01, 0xd7ff],
  [0xe000, 0xffff],
] as const;
const WESTERN = [[0x01, 0xff]] as const;

/** The key that we give a text of this collation. */
function keyOf(text: string, collation: string): string {
  const type = `varchar(20) COLLATE ${collation}`;
  return comparable(text, comparisonOf('mysql', [type, type], 'exact')) ?? '';
}

/** The server's sort key of each text. */
async function weightsOf(texts: readonly string[], charset: string, collation: string): Promise<string[]> {
  const weights: string[] = [];
  for (let at = 0; at < texts.length; at += 4000) {
    const values = texts
      .slice(at, at + 4000)
      .map((text) => `CONVERT(_utf8mb4 0x${Buffer.from(text).toString('hex')} USING ${charset})`);
    const selects = values.map((value) => `SELECT HEX(WEIGHT_STRING(${value} COLLATE ${collation}));`);
    weights.push(...(await mariadb.sql(mariadb.url(), selects.join('\n'))).split('\n'));
  }
  return weights;
}

test.each([
  ['utf8mb4', 'utf8mb4_general_ci', ALL],
  ['utf8mb4', 'utf8mb4_unicode_ci', LETTERS],
  ['utf8mb4', 'utf8mb4_unicode_520_ci', LETTERS],
  ['utf8mb4', 'utf8mb4_uca1400_ai_ci', LETTERS],
  ['latin1', 'latin1_swedish_ci', WESTERN],
] as const)(
  'every letter in %s of %s is the same as those which the server takes for it',
  async (charset, collation, ranges) => {
    const letters = ranges.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at)),
    );
    // Not those that the character set lacks, which become question marks.
    const known = letters.filter((letter) => charset !== 'latin1' || !/[\x80-\x9f]/.test(letter));
    const weights = await weightsOf(known, charset, collation);
    const byWeight = Map.groupBy(known.keys(), (at) => weights[at]);
    const byKey = Map.groupBy(known.keys(), (at) => keyOf(`a${known[at] ?? ''}b`, collation));
    const groups = (by: ReadonlyMap<unknown, readonly number[]>) =>
      new Set(
        [...by.values()].map((group) => group.map((at) => known[at]?.codePointAt(0)?.toString(16)).join(' ')),
      );
    const wanted = groups(byWeight);
    expect([...groups(byKey)].filter((group) => !wanted.has(group))).toEqual([]);
    expect(byKey.size).toBe(byWeight.size);
  },
  120_000,
);

test('texts of many letters, with blanks at the end, are the same when `=` says so', async () => {
  const unit = fc.constantFrom(
    'a',
    'A',
    'á',
    'a\u0301',
    'ß',
    's',
    'S',
    'ü',
    'y',
    ' ',
    '\t',
    '1',
    'æ',
    'e',
    '😀',
    '🎉',
    'Σ',
    'ς',
    '\u00ad',
  );
  const texts = fc.sample(fc.string({ unit, maxLength: 3 }), { numRuns: 400, seed: 5 });
  const pairs = texts.flatMap((text, at) => [
    [text, texts[at + 1] ?? ''] as const,
    [text, `${text} `] as const,
    [text, text.toUpperCase()] as const,
    [text, text.normalize('NFD').replaceAll('\u0301', '')] as const,
  ]);
  const hex = (text: string) => `CONVERT(x'${Buffer.from(text).toString('hex')}' USING utf8mb4)`;
  let same = 0;
  for (const collation of [
    'utf8mb4_general_ci',
    'utf8mb4_unicode_ci',
    'utf8mb4_unicode_520_ci',
    'utf8mb4_uca1400_ai_ci',
    'utf8mb4_bin',
    'utf8mb4_nopad_bin',
  ]) {
    const asked = pairs.map(([one, other]) => `SELECT ${hex(one)} = ${hex(other)} COLLATE ${collation};`);
    const said = (await mariadb.sql(mariadb.url(), asked.join('\n'))).split('\n');
    for (const [at, [one, other]] of pairs.entries()) {
      const isSame = keyOf(one, collation) === keyOf(other, collation);
      expect([collation, one, other, isSame]).toEqual([collation, one, other, said[at] === '1']);
      same += isSame ? 1 : 0;
    }
  }
  expect(same).toBeGreaterThan(1000);
}, 120_000);

test('a collation that is not known folds for foreign keys and is refused for links', async () => {
  const { relationsOf } = await import('../../src/subjects/relations.ts');
  const { parseSubjectMap } = await import('../../src/subjects/parse.ts');
  const column = (name: string) => ({
    name,
    type: 'varchar(20)',
    nullable: false,
    generated: false,
    collation: 'utf8mb4_turkish_ci',
  });
  const table = (name: string) => ({
    name,
    columns: [column('id')],
    primaryKey: ['id'],
    uniques: [],
    foreignKeys: [],
  });
  const schema = { tables: [table('users'), table('orders')] };
  const map = (canonical: string) =>
    parseSubjectMap(
      `{version: 1, subject: customer, root: {table: users, key: [id]}, tables: {users: {erase: delete}, orders: {link: {id: users.id${canonical}}, erase: delete}}}`,
      'map',
    ).map;
  expect(() => relationsOf(map(''), schema, 'mysql')).toThrow('utf8mb4_turkish_ci');
  expect(relationsOf(map(', canonical: lower'), schema, 'mysql').tables).toHaveLength(2);
});
