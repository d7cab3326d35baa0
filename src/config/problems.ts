/** From zod's issues to problems in the words of this house. */
import type * as z from 'zod';
import type { Problem } from './rules.ts';
import { keysAt } from './schema.ts';
import { nearest } from '../nearest.ts';

/** Keys whose value looks like a number but needs its unit. */
const DURATIONS = new Set([
  ...['keep', 'daily', 'weekly', 'monthly', 'yearly', 'manifests', 'full_every'],
  ...['erasure_within', 'drill_every', 'backup_every'],
]);

/** One problem per issue, or per unknown key; never quotes a value, which may be a secret. */
export function problemsOf(error: z.ZodError, config: unknown): readonly Problem[] {
  return error.issues.flatMap((issue) => fromIssue(issue, config));
}

function fromIssue(issue: z.core.$ZodIssue, config: unknown): readonly Problem[] {
  const { path } = issue;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], at: 'key', message: unknownKey(key, path) }));
    case 'invalid_key':
      return [{ path, at: 'key', message: issue.issues[0]?.message ?? 'is not a good name' }];
    case 'invalid_union':
      return unionProblems(issue, config);
    default:
      return [{ path, at: 'value', message: message(issue, valueAt(config, path)) }];
  }
}

function message(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      if (DURATIONS.has(String(issue.path.at(-1))))
        return `must be a duration such as 30d, not ${typeName(value)}`;
      return `must be ${withArticle(issue.expected)}, not ${typeName(value)}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'number' ? `must be at least ${issue.minimum}` : 'must not be empty';
    case 'too_big':
      return issue.origin === 'number'
        ? `must be at most ${issue.maximum}`
        : `is too long (at most ${issue.maximum})`;
    default:
      return issue.message;
  }
}

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const known = keysAt(path);
  const near = nearest(key, known);
  return near === undefined
    ? `unknown key; the keys here are ${known.join(', ')}`
    : `unknown key; did you mean '${near}'?`;
}

/**
 * A union is a command (text or a list of arguments) or a life (a duration or a map of them). The branch of the
 * value's own type knows best what is wrong.
 */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, config: unknown): readonly Problem[] {
  const value = valueAt(config, issue.path);
  const branch = issue.errors.find((issues) =>
    issues.every((one) => !(one.code === 'invalid_type' && one.path.length === 0)),
  );
  if (branch !== undefined && branch.length > 0) {
    return branch.flatMap((one) => fromIssue({ ...one, path: [...issue.path, ...one.path] }, config));
  }
  const expected = DURATIONS.has(String(issue.path.at(-1)))
    ? 'a duration such as 30d, or a map of them'
    : 'a string or a list';
  const text = value === undefined ? 'is missing' : `must be ${expected}, not ${typeName(value)}`;
  return [{ path: issue.path, at: 'value', message: text }];
}

function valueAt(config: unknown, path: readonly PropertyKey[]): unknown {
  let value = config;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return value;
}

function typeName(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return withArticle(typeof value);
}

function withArticle(type: string): string {
  const names: Readonly<Record<string, string>> = {
    array: 'a list',
    record: 'a map',
    object: 'a map',
    int: 'a whole number',
    boolean: 'true or false',
  };
  return names[type] ?? `a ${type}`;
}
