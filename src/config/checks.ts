/** `checks:` of a set: questions that a drill asks what it has restored, and what the answers must be. */
import * as z from 'zod';
import { splitCommand } from './command.ts';
import type { CheckConfig } from './config.ts';
import { parseHours } from './duration.ts';

/** Who answers, by the key under which the question stands. */
const ASKED = {
  sql: ['postgres', 'mysql', 'sqlite'],
  command: ['redis'],
  files: ['files'],
} as const;

const EXPECTED = ['equals', 'at_least', 'at_most', 'newer_than'] as const;

/** @param of - schemas of values that other parts of the file have, too */
export function checkSchema({ text, hours, pattern, command }: Record<PartName, z.ZodType<string>>) {
  return z.strictObject({
    name: text,
    sql: text.optional(),
    command: z.union([command, z.array(text).min(1).max(100)]).optional(),
    db: z.int().min(0).max(1_000_000).optional(),
    files: pattern.optional(),
    equals: z.union([z.string().max(4096), z.number(), z.boolean(), z.null()]).optional(),
    at_least: z.number().optional(),
    at_most: z.number().optional(),
    newer_than: hours.optional(),
  });
}

type PartName = 'text' | 'hours' | 'pattern' | 'command';

export type RawCheck = z.output<ReturnType<typeof checkSchema>>;

/** Something wrong, at a key or a value below `checks`. */
export interface CheckProblem {
  readonly path: readonly PropertyKey[];
  readonly at: 'key' | 'value';
  readonly message: string;
}

/** What is wrong beyond single values. Works on what the YAML gave, valid or not. */
export function problemsOfChecks(checks: unknown, source: unknown): readonly CheckProblem[] {
  if (!Array.isArray(checks)) return [];
  const seen = new Set<unknown>();
  return checks.flatMap((value: unknown, index) => {
    const check = (typeof value === 'object' && value !== null ? value : {}) as Raw;
    const name: unknown = check['name'];
    const isTwice = name !== undefined && seen.has(name);
    seen.add(name);
    const found = [...questionProblems(check, source), ...expectationProblems(check)];
    return [
      ...(isTwice ? [atValue(['name'], 'is the name of another check of this set')] : []),
      ...found,
    ].map((problem) => ({ ...problem, path: [index, ...problem.path] }));
  });
}

type Raw = Readonly<Record<string, unknown>>;

function questionProblems(check: Raw, source: unknown): CheckProblem[] {
  const asked = (Object.keys(ASKED) as (keyof typeof ASKED)[]).filter((key) => check[key] !== undefined);
  const [question] = asked;
  const isForeign =
    question !== undefined && typeof source === 'string' && !ASKED[question].some((of) => of === source);
  return [
    ...(asked.length === 1 ? [] : [atValue([], `needs one question: ${Object.keys(ASKED).join(', ')}`)]),
    ...(isForeign
      ? [atKey(question, `is for ${ASKED[question].join(', ')}; ${source} ${wayOf(source)}`)]
      : []),
    ...(check['db'] !== undefined && check['command'] === undefined
      ? [atKey('db', 'goes with command')]
      : []),
  ];
}

function expectationProblems(check: Raw): CheckProblem[] {
  const expected = EXPECTED.filter((key) => check[key] !== undefined);
  const alone = expected.find((key) => key === 'equals' || key === 'newer_than');
  if (expected.length === 0) return [atValue([], `needs what is expected: ${EXPECTED.join(', ')}`)];
  if (alone === undefined || expected.length === 1) return [];
  const others = expected.filter((key) => key !== alone).join(', ');
  return [atKey(alone, `stands alone, and ${others} is there`)];
}

function atValue(path: readonly PropertyKey[], message: string): CheckProblem {
  return { path, at: 'value', message };
}

function atKey(key: string, message: string): CheckProblem {
  return { path: [key], at: 'key', message };
}

function wayOf(source: unknown): string {
  const way = Object.entries(ASKED).find(([, of]) => of.some((one) => one === source))?.[0];
  return way === undefined ? 'answers nothing' : `takes ${way}`;
}

/** Total: every valid check has one. */
export function checkFrom(raw: RawCheck): CheckConfig {
  const { name, equals, at_least, at_most, newer_than } = raw;
  return {
    name,
    question: questionFrom(raw),
    expect: {
      ...(equals !== undefined && { equals }),
      ...(at_least !== undefined && { atLeast: at_least }),
      ...(at_most !== undefined && { atMost: at_most }),
      ...(newer_than !== undefined && { newerThanHours: parseHours(newer_than) }),
    },
  };
}

function questionFrom({ sql, command, db = 0, files }: RawCheck): CheckConfig['question'] {
  if (sql !== undefined) return { sql };
  if (command !== undefined)
    return { command: typeof command === 'string' ? splitCommand(command) : command, database: db };
  return { files: files ?? '' };
}
