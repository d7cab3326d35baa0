/** `checks` of a set: what they become, and what is refused at its place. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { isHoldfastError } from '../../src/errors.ts';

function parse(sets: string) {
  const text = `version: 1\nstore: s3://acme/prod\nrecipients: [ops.asc]\n${sets}\n`;
  return parseConfig(text, { file: '/x/holdfast.yaml', shown: 'holdfast.yaml', env: {}, openToAll: false });
}

function refused(sets: string): string {
  try {
    parse(sets);
  } catch (error) {
    if (isHoldfastError(error)) return error.message;
    throw error;
  }
  throw new Error('it was taken');
}

const set = (source: string, checks: string) =>
  `sets:\n  shop: { source: ${source}, url_env: U, keep: 30d, checks: [${checks}] }`;

test('each kind of question, each kind of answer', () => {
  const { sets } = parse(`sets:
  shop:
    source: postgres
    keep: 30d
    checks:
      - { name: a, sql: SELECT 1, equals: null }
      - { name: b, sql: SELECT 2, at_least: 1, at_most: 2.5 }
      - { name: c, sql: SELECT 3, newer_than: 2d }
  cache: { source: redis, url_env: U, keep: 7d, checks: [{ name: d, command: GET "a b", db: 3, equals: x }] }
  up: { source: files, path: /srv, keep: 7d, checks: [{ name: e, files: '*.png', equals: false }] }`);
  expect(sets.get('shop')?.checks).toEqual([
    { name: 'a', question: { sql: 'SELECT 1' }, expect: { equals: null } },
    { name: 'b', question: { sql: 'SELECT 2' }, expect: { atLeast: 1, atMost: 2.5 } },
    { name: 'c', question: { sql: 'SELECT 3' }, expect: { newerThanHours: 48 } },
  ]);
  expect(sets.get('cache')?.checks).toEqual([
    { name: 'd', question: { command: ['GET', 'a b'], database: 3 }, expect: { equals: 'x' } },
  ]);
  expect(sets.get('up')?.checks).toEqual([
    { name: 'e', question: { files: '*.png' }, expect: { equals: false } },
  ]);
});

test.each([
  ['{ name: a, equals: 1 }', /checks\[0\]: needs one question: sql, command, files/],
  ['{ name: a, sql: X, command: Y, equals: 1 }', /checks\[0\]: needs one question/],
  ['{ name: a, sql: X }', /checks\[0\]: needs what is expected: equals, at_least, at_most, newer_than/],
  ['{ name: a, sql: X, equals: 1, at_least: 1 }', /equals: stands alone, and at_least is there/],
  ['{ name: a, sql: X, newer_than: 1h, equals: 1 }', /equals: stands alone, and newer_than is there/],
  ['{ name: a, command: GET x, equals: 1 }', /command: is for redis; postgres takes sql/],
  ['{ name: a, sql: X, db: 3, equals: 1 }', /db: goes with command/],
  ['{ name: a, sql: X, newer_than: 3 months }', /newer_than: .*is not a duration|has no fixed length/],
  ['{ name: a, sql: X, at_leest: 1 }', /at_leest: unknown key; did you mean 'at_least'\?/],
  [
    '{ name: a, sql: X, equals: 1 }, { name: a, sql: Y, equals: 1 }',
    /checks\[1\].name: is the name of another/,
  ],
])('%s is refused at its place', (checks, problem) => {
  expect(refused(set('postgres', checks))).toMatch(problem);
});

test('of other engines too', () => {
  expect(refused(set('redis', '{ name: a, sql: X, equals: 1 }'))).toMatch(
    /sql: is for postgres, mysql, sqlite; redis takes command/,
  );
});

test('what docs/drills.md shows is valid', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/drills.md'), 'utf8');
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const { sets, promises } = parse(yaml);
  expect([...sets.values()].flatMap(({ checks = [] }) => checks)).toHaveLength(5);
  expect(promises.drillEveryDays).toBe(30);
});

test('how many references may lead nowhere is asked where an engine lets them', () => {
  const taking = (source: string, rest: string, count: string) =>
    `sets:\n  shop: { source: ${source}, ${rest}, keep: 30d, broken_references: ${count} }`;
  const { sets } = parse(taking('sqlite', 'path: a.db', '2'));
  expect(sets.get('shop')?.brokenReferences).toBe(2);
  expect(parse(taking('mysql', 'url_env: U', '0')).sets.get('shop')?.brokenReferences).toBe(0);
  expect(refused(taking('postgres', 'url_env: U', '2'))).toMatch(
    /broken_references.* is for sqlite and mysql/,
  );
  expect(refused(taking('sqlite', 'path: a.db', '-1'))).toMatch(/broken_references/);
});
