/**
 * What the values of a configuration must be together. Works on what the YAML gave, valid or not, so that these
 * problems are told in the same breath as those of single values; what is of the wrong type is left to the schema.
 */
import { KEEP_CLASSES } from '../repository/keep.ts';
import { KEEP_DAYS_MAX, SEALED } from '../repository/layout.ts';
import { packDaysFor } from '../repository/rules.ts';
import { problemsOfChecks } from './checks.ts';
import type { DatabaseSet } from './config.ts';
import { parseDays } from './duration.ts';
import { problemsOfMonitors } from './monitors.ts';
import { databaseUrlProblem, isDatabase } from './source-url.ts';

/** Something wrong, at a key or at its value. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly at: 'key' | 'value';
  readonly message: string;
}

const URL_KEYS = ['url', 'url_env', 'url_file', 'url_command'] as const;

/** Problems between keys of one file. */
export function crossProblems(config: unknown): readonly Problem[] {
  const root = objectOf(config);
  const sets = Object.entries(objectOf(root['sets']));
  const none = isObject(root['sets']) && sets.length === 0;
  return [
    ...(none ? [problem(['sets'], 'must name at least one set')] : []),
    ...reservedNames(sets.map(([name]) => name)),
    ...twoPersonProblems(root),
    ...monitorProblems(root['monitors'], Object.keys(objectOf(root['sets']))),
    ...sets.flatMap(([name, set]) => setProblems(['sets', name], objectOf(set), root['store'])),
  ];
}

/** In a store, what `seal` puts lies where a set of this name would. */
function reservedNames(names: readonly string[]): readonly Problem[] {
  if (!names.includes(SEALED)) return [];
  return [problem(['sets', SEALED], 'is reserved for what holdfast seal puts into the store', 'key')];
}

function monitorProblems(monitors: unknown, sets: readonly string[]): readonly Problem[] {
  return problemsOfMonitors(monitors, sets).map(({ path, at, message }) =>
    problem(['monitors', ...path], message, at),
  );
}

/** Whoever plans a purge cannot approve it: that takes a second key. */
function twoPersonProblems(root: Readonly<Record<string, unknown>>): readonly Problem[] {
  if (objectOf(root['promises'])['two_person'] !== true) return [];
  const keys = [root['recipients'], root['purge_signers']].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  );
  if (keys.length !== 1) return [];
  return [problem(['promises', 'two_person'], 'needs a second key among recipients and purge_signers')];
}

function setProblems(
  at: readonly string[],
  set: Readonly<Record<string, unknown>>,
  store: unknown,
): readonly Problem[] {
  const urls = URL_KEYS.filter((key) => set[key] !== undefined);
  const source = set['source'];
  return [
    ...sourceProblems(at, source, set, urls),
    ...excludeProblems(at, set),
    ...keepProblems(at, set['keep']),
    ...lifeProblems(at, set),
    ...lockProblems(at, set, store),
    ...expireProblems(at, set['expire'], store),
    ...replicaProblems(at, set['replicas'], store),
    ...purgedProblems(at, set),
    ...hookProblems(at, set),
    ...referenceProblems(at, set),
    ...problemsOfChecks(set['checks'], source).map(({ path, at: where, message }) =>
      problem([...at, 'checks', ...path], message, where),
    ),
    ...urls
      .slice(1)
      .map((key) => problem([...at, key], `only one of ${urls.join(', ')} may be given`, 'key')),
  ];
}

/** Whose rows they are, only a subject map can tell. */
function purgedProblems(at: readonly string[], set: Readonly<Record<string, unknown>>): readonly Problem[] {
  if (set['on_purged'] !== 'filter' || set['subjects'] !== undefined) return [];
  return [problem([...at, 'on_purged'], "'filter' needs subjects: a map that says whose rows are whose")];
}

/** PostgreSQL insists on references while a dump is loaded, and the others have none. */
function referenceProblems(
  at: readonly string[],
  { source, broken_references: taken }: Readonly<Record<string, unknown>>,
): readonly Problem[] {
  if (taken === undefined || source === 'sqlite' || source === 'mysql') return [];
  return [problem([...at, 'broken_references'], 'is for sqlite and mysql', 'key')];
}

function sourceProblems(
  at: readonly string[],
  source: unknown,
  set: Readonly<Record<string, unknown>>,
  urls: readonly string[],
): readonly Problem[] {
  if (isDatabase(source)) return databaseProblems(at, source, set, urls);
  if (source !== 'sqlite' && source !== 'files') return [];
  return [
    ...urls.map((key) =>
      problem([...at, key], `is for databases with a server; ${source} takes a path`, 'key'),
    ),
    ...(set['path'] === undefined ? [problem(at, `${source} needs a path`, 'key')] : []),
    ...(source === 'files' ? filesProblems(at, set) : []),
  ];
}

/** An archive goes by before its list, so nothing can be left out of it on the way. */
function filesProblems(at: readonly string[], set: Readonly<Record<string, unknown>>): readonly Problem[] {
  if (set['on_purged'] !== 'filter') return [];
  return [
    problem(
      [...at, 'on_purged'],
      "'filter' is not for files: use warn (a restore leaves them out) or refuse",
    ),
  ];
}

function excludeProblems(at: readonly string[], set: Readonly<Record<string, unknown>>): readonly Problem[] {
  if (set['exclude'] === undefined || set['source'] === 'files') return [];
  return [problem([...at, 'exclude'], 'is for files', 'key')];
}

function databaseProblems(
  at: readonly string[],
  source: DatabaseSet['source'],
  set: Readonly<Record<string, unknown>>,
  urls: readonly string[],
): readonly Problem[] {
  const { url, path } = set;
  const wrong = typeof url === 'string' ? databaseUrlProblem(source, url) : undefined;
  const takes = source === 'postgres' ? 'a url or the PG* environment' : `one of ${URL_KEYS.join(', ')}`;
  return [
    ...(path === undefined
      ? []
      : [problem([...at, 'path'], `is for sqlite and files; ${source} takes ${takes}`, 'key')]),
    ...(wrong === undefined ? [] : [problem([...at, 'url'], wrong)]),
    ...(source !== 'postgres' && urls.length === 0 ? [problem(at, `${source} needs ${takes}`, 'key')] : []),
  ];
}

/** The classes of `keep: {daily: …}` grow: a weekly that went before the dailies would be kept for nothing. */
function keepProblems(at: readonly string[], keep: unknown): readonly Problem[] {
  if (!isObject(keep)) return [];
  const lives = livesOf(keep);
  const daily = KEEP_CLASSES[0];
  const missing = keep[daily] === undefined;
  return [
    ...(missing ? [problem([...at, 'keep'], `needs ${daily}: how long every other snapshot is kept`)] : []),
    ...lives.slice(1).flatMap(({ path, days }, index) => {
      const before = lives[index];
      if (before === undefined || days > before.days) return [];
      return [
        problem([...at, 'keep', ...path], `must be longer than ${before.path.join('.')} (${before.days}d)`),
      ];
    }),
  ];
}

/** The longest life in a store is that of a pack, and it has to have a name there. */
function lifeProblems(at: readonly string[], set: Readonly<Record<string, unknown>>): readonly Problem[] {
  const fullEvery = daysOr(set['full_every'], FULL_EVERY_DAYS);
  if (fullEvery === undefined) return [];
  const most = KEEP_DAYS_MAX - packDaysFor(0, 0);
  return livesOf(set['keep'])
    .filter(({ days }) => packDaysFor(days, fullEvery) > KEEP_DAYS_MAX)
    .map(({ path }) =>
      problem([...at, 'keep', ...path], `is too long: together with full_every it may come to ${most}d`),
    );
}

/** The readable lives of `keep`, each with the path from there: none for a plain duration. */
function livesOf(keep: unknown): readonly { readonly path: readonly string[]; readonly days: number }[] {
  const named = isObject(keep)
    ? KEEP_CLASSES.map((name) => ({ path: [name], days: daysOr(keep[name], undefined) }))
    : [{ path: [], days: daysOr(keep, undefined) }];
  return named.flatMap(({ path, days }) => (days === undefined ? [] : [{ path, days }]));
}

function lockProblems(
  at: readonly string[],
  set: Readonly<Record<string, unknown>>,
  store: unknown,
): readonly Problem[] {
  const lock = set['object_lock'];
  if (lock === undefined) return [];
  if (isFolder(store))
    return [problem([...at, 'object_lock'], 'is for buckets; nothing locks a file in a folder', 'key')];
  const manifests = daysOr(objectOf(lock)['manifests'], undefined);
  const shortest = livesOf(set['keep'])[0]?.days;
  if (manifests === undefined || shortest === undefined || manifests < shortest) return [];
  return [
    problem(
      [...at, 'object_lock', 'manifests'],
      `must be shorter than keep (${shortest}d), or a manifest outlives its promise`,
    ),
  ];
}

function expireProblems(at: readonly string[], expire: unknown, store: unknown): readonly Problem[] {
  if (expire !== 'auto' || typeof store !== 'string' || isFolder(store)) return [];
  return [
    problem(
      [...at, 'expire'],
      'auto is for folders; in a bucket the lifecycle rules do it, and a host may not delete there',
    ),
  ];
}

function hookProblems(at: readonly string[], set: Readonly<Record<string, unknown>>): readonly Problem[] {
  if (set['hook_timeout'] === undefined || set['before'] !== undefined || set['after'] !== undefined)
    return [];
  return [problem([...at, 'hook_timeout'], 'is for before and after, and neither is given', 'key')];
}

/** Each copy has a name and a place of its own. */
function replicaProblems(at: readonly string[], replicas: unknown, store: unknown): readonly Problem[] {
  if (!Array.isArray(replicas)) return [];
  const names = new Set<unknown>();
  const places = new Set<unknown>([place(store)]);
  return replicas.flatMap((replica: unknown, index) => {
    const { name, store: own } = objectOf(replica);
    const problems = [
      ...(name !== undefined && names.has(name)
        ? [problem([...at, 'replicas', index, 'name'], 'is the name of an earlier copy of this set')]
        : []),
      ...(own !== undefined && places.has(place(own))
        ? [problem([...at, 'replicas', index, 'store'], 'is where the set or an earlier copy lies already')]
        : []),
    ];
    names.add(name);
    places.add(place(own));
    return problems;
  });
}

function place(store: unknown): unknown {
  return typeof store === 'string' ? store.replace(/\/+$/, '') : store;
}

function isFolder(store: unknown): boolean {
  return typeof store === 'string' && !store.startsWith('s3:');
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
