/**
 * What the values of a configuration must be together. Works on what the YAML gave, valid or not, so that these
 * problems are told in the same breath as those of single values; what is of the wrong type is left to the schema.
 */
import { KEEP_DAYS_MAX } from '../repository/layout.ts';
import { packDaysFor } from '../repository/rules.ts';
import { parseDays } from './duration.ts';

/** Something wrong, at a key or at its value. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly at: 'key' | 'value';
  readonly message: string;
}

const URL_KEYS = ['url', 'url_env', 'url_file', 'url_command'] as const;
const NOT_BUILT = new Set(['mysql', 'redis', 'files']);

/** Problems between keys of one file. */
export function crossProblems(config: unknown): readonly Problem[] {
  const root = objectOf(config);
  const sets = Object.entries(objectOf(root['sets']));
  const none = isObject(root['sets']) && sets.length === 0;
  return [
    ...(none ? [problem(['sets'], 'must name at least one set')] : []),
    ...sets.flatMap(([name, set]) => setProblems(['sets', name], objectOf(set))),
  ];
}

function setProblems(at: readonly string[], set: Readonly<Record<string, unknown>>): readonly Problem[] {
  const urls = URL_KEYS.filter((key) => set[key] !== undefined);
  const source = set['source'];
  return [
    ...sourceProblems(at, source, set, urls),
    ...lifeProblems(at, set),
    ...urls
      .slice(1)
      .map((key) => problem([...at, key], `only one of ${urls.join(', ')} may be given`, 'key')),
  ];
}

function sourceProblems(
  at: readonly string[],
  source: unknown,
  set: Readonly<Record<string, unknown>>,
  urls: readonly string[],
): readonly Problem[] {
  if (typeof source === 'string' && NOT_BUILT.has(source)) {
    return [problem([...at, 'source'], `'${source}' is not built yet; postgres and sqlite are`)];
  }
  if (source === 'postgres' && set['path'] !== undefined) {
    return [problem([...at, 'path'], 'is for sqlite; postgres takes a url or the PG* environment', 'key')];
  }
  if (source !== 'sqlite') return [];
  return [
    ...urls.map((key) => problem([...at, key], 'is for postgres; sqlite takes a path', 'key')),
    ...(set['path'] === undefined ? [problem(at, 'sqlite needs a path', 'key')] : []),
  ];
}

/** The longest life in a store is that of a pack, and it has to have a name there. */
function lifeProblems(at: readonly string[], set: Readonly<Record<string, unknown>>): readonly Problem[] {
  const keep = daysOr(set['keep'], undefined);
  const fullEvery = daysOr(set['full_every'], FULL_EVERY_DAYS);
  if (keep === undefined || fullEvery === undefined || packDaysFor(keep, fullEvery) <= KEEP_DAYS_MAX)
    return [];
  const most = KEEP_DAYS_MAX - packDaysFor(0, 0);
  return [problem([...at, 'keep'], `is too long: together with full_every it may come to ${most}d`)];
}

/** How often a full is made when the set does not say. */
export const FULL_EVERY_DAYS = 7;

function daysOr(value: unknown, otherwise: number | undefined): number | undefined {
  if (value === undefined) return otherwise;
  try {
    return typeof value === 'string' ? parseDays(value) : undefined;
  } catch {
    return undefined; // The schema says what is wrong with it.
  }
}

function problem(path: readonly PropertyKey[], message: string, at: 'key' | 'value' = 'value'): Problem {
  return { path, message, at };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}
