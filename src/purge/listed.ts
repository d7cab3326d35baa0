/**
 * Files whose names stand in a database: the rows of the same person are looked for in every snapshot of its set, and what
 * stands in one column of them is a path. Who has been erased there already has no such rows any more.
 */
import { reasonOf } from '../errors.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import { purgesOf } from '../repository/purges.ts';
import type { Session } from '../repository/session.ts';
import { mustBeApplicable, openManifest, viewSet } from '../restore/open.ts';
import type { SetView } from '../restore/open.ts';
import type { SegmentPool } from '../segments/pool.ts';
import { fullType, storedTables } from '../sources/schema.ts';
import { isOfOtherType } from '../subjects/as-stored.ts';
import type { Closure, Subject } from '../subjects/closure.ts';
import { keyOf } from '../subjects/compare.ts';
import type { Comparison } from '../subjects/compare.ts';
import { isGone } from '../subjects/integrity.ts';
import type { Listed, SubjectMap } from '../subjects/map.ts';
import { PATH_COLUMN } from '../subjects/read-listed.ts';
import { askedFor } from '../subjects/relations.ts';
import { readSuppressions } from '../suppression/read.ts';
import { listedComputed, listedKey, listedUnknown } from './errors.ts';
import { rowsOf } from './export.ts';
import type { SnapshotInput } from './locate/prepare.ts';
import { search } from './locate/locate.ts';
import type { Search } from './locate/locate.ts';

export interface ListedInput {
  readonly session: Session;
  readonly opener: MessageOpener;
  readonly pool: Pick<SegmentPool, 'open'>;
  /** Of the database. */
  readonly set: string;
  readonly map: SubjectMap;
  readonly subjects: readonly Subject[];
  /** Columns of this set. */
  readonly listed: readonly Listed[];
  readonly onProgress?: (bytes: number, table: string) => void;
}

export interface ListedNames {
  /** Everybody who was found, with all that the database says of them. */
  readonly subjects: readonly Subject[];
  /** In the files, each once. */
  readonly paths: readonly string[];
  /** Values that are no names of files here: they do not begin with what is to be left off, or lead elsewhere. */
  readonly foreign: number;
  /** Purges that have erased one of them there. */
  readonly erasedBy: readonly string[];
  /** How many of those who were asked for have no row there. */
  readonly strangers: number;
  /** Where there are such: purges that may have erased them, since nothing says (any more) whom they were about. */
  readonly forgotten: readonly string[];
  /** Snapshots that nobody could look into, with the reason: they may list further names. */
  readonly unreadable: readonly string[];
}

/**
 * Reads them.
 * @throws HoldfastError LISTED_KEY, LISTED_UNKNOWN, LISTED_COMPUTED, and what opening snapshots and searching throws
 */
export async function listedNames(input: ListedInput, signal: AbortSignal): Promise<ListedNames> {
  const { session, opener, pool, set, map, subjects, listed, onProgress } = input;
  const view = await viewSet(session, set, false, signal);
  mustBeApplicable(view);
  const snapshots: SnapshotInput[] = [];
  for (const item of view.catalog.entries) {
    if (new Date(item.entry.end) <= view.now || item.current?.listed === undefined) continue;
    snapshots.push({ item, manifest: await openManifest(session, item, opener, signal) });
  }
  const { store } = session;
  const progress = onProgress && { onProgress };
  const found = await search({ store, pool, snapshots, map, subjects, ...progress, signal });
  mustBeKeys(input, found);
  // Without a snapshot nobody has a row.
  const strangers = snapshots.length === 0 ? subjects.length : found.strangers.length;
  const paths = new Set<string>();
  const foreign = new Set<string>();
  for (const one of listed)
    for (const value of await valuesOf(found, one, signal)) {
      const path = pathFrom(value, one);
      if (path === undefined) foreign.add(value);
      else paths.add(path);
    }
  return {
    subjects: found.subjects,
    paths: [...paths].sort(),
    foreign: foreign.size,
    ...(await erasedBefore(input, view, { ...found, hasStrangers: strangers > 0 }, signal)),
    strangers,
    unreadable: unreadableIn(view),
  };
}

function unreadableIn({ catalog, now }: SetView): readonly string[] {
  const lost = catalog.entries.filter(({ entry, current }) => !current && new Date(entry.end) > now);
  return [
    ...catalog.failures.map(({ key, error }) => `${key}: ${reasonOf(error)}`),
    ...lost.map(({ entry, trouble }) => `snapshot ${entry.snapshot}: ${reasonOf(trouble)}`),
  ];
}

/** What stands in the column, in rows that an erasure would take away, or whose column it would set. */
async function valuesOf(
  found: Search,
  { set, table, column }: Listed,
  signal: AbortSignal,
): Promise<Set<string>> {
  const values = new Set<string>();
  let isThere = false;
  for (const one of found.snapshots) {
    const { schema, relations } = one.prepared;
    const stored = relations.tables.filter(
      ({ schema: { name, partitionOf } }) => (partitionOf ?? name) === table || name === table,
    );
    const columns = stored.flatMap(({ schema: { columns } }) =>
      columns.filter(({ name }) => name === column),
    );
    isThere ||= columns.length > 0;
    if (columns.some(({ generated }) => generated)) throw listedComputed(set, table, column);
    isThere ||= schema.tables.length === 0;
    const names = new Set(stored.map(({ name }) => name));
    const affected = goneIn(one.closure, names, column);
    const rows = rowsOf(
      found,
      { ...one, closure: { ...one.closure, affected } },
      { streams: new Map() },
      signal,
    );
    for await (const row of rows) {
      const value = row.values[row.columns.indexOf(column)];
      if (typeof value === 'string' && value !== '') values.add(value);
    }
  }
  if (found.snapshots.length > 0 && !isThere) throw listedUnknown(set, table, column);
  return values;
}

function goneIn({ affected }: Closure, tables: ReadonlySet<string>, column: string): Closure['affected'] {
  const some = [...affected].filter(([table]) => tables.has(table));
  return new Map(
    some.map(([table, rows]) => [
      table,
      new Map([...rows].filter(([, { outcome }]) => isGone(outcome, [column]))),
    ]),
  );
}

/** The path that a value means; undefined where it is no file of this folder. */
function pathFrom(value: string, { strip, prefix }: Pick<Listed, 'strip' | 'prefix'>): string | undefined {
  if (!value.startsWith(strip)) return undefined;
  return plainPath(prefix + value.slice(strip.length));
}

/** A path as lists of files have it; undefined for one that leads upwards, or nowhere. */
export function plainPath(text: string): string | undefined {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 || parts.includes('..') ? undefined : parts.join('/');
}

/** Who is in no snapshot of the database by a key that none of its rows could have was meant by another kind of key. */
function mustBeKeys({ set, map: { root } }: ListedInput, { strangers, snapshots }: Search): void {
  const newest = snapshots.at(-1)?.prepared;
  if (newest === undefined) return;
  const [table] = storedTables(newest.schema, root.table);
  for (const { by, known } of strangers)
    for (const name of by.filter((column) => root.key.includes(column))) {
      const column = table?.columns.find((one) => one.name === name);
      const type = column === undefined ? '' : fullType(column);
      if (isOfOtherType(known.get(name) ?? '', type, newest.engine)) throw listedKey(set, name, type);
    }
}

/** The purges whose people these are: what they had listed is gone with their rows. */
async function erasedBefore(
  { session, set, map, opener }: ListedInput,
  { ledger, now }: SetView,
  { subjects, snapshots, hasStrangers }: Search & { readonly hasStrangers: boolean },
  signal: AbortSignal,
): Promise<Pick<ListedNames, 'erasedBy' | 'forgotten'>> {
  const purges = purgesOf(ledger, session.operators);
  const ofPeople = purges.filter(({ isWhole }) => !isWhole);
  const erased = await readSuppressions(session, set, ofPeople, { opener, now }, signal);
  const nameOf = ({ known }: Subject, by: readonly string[]) =>
    keyOf(
      by.map((column) => known.get(column) ?? null),
      comparisonsFor(by, map, snapshots.at(-1)),
    );
  const isOne = (other: Subject) =>
    subjects.some((one) => {
      const name = nameOf(one, one.by);
      return name !== null && nameOf(other, one.by) === name;
    });
  const known = new Set(erased.map(({ purge }) => purge));
  const mute = purges.map(({ id }) => id).filter((id) => !known.has(id));
  return {
    erasedBy: erased.filter((one) => one.subjects.some(isOne)).map(({ purge }) => purge),
    forgotten: hasStrangers ? mute : [],
  };
}

/** As the rows of the root are compared with what was asked for: an address may be written in another way. */
function comparisonsFor(
  by: readonly string[],
  map: SubjectMap,
  newest: Search['snapshots'][number] | undefined,
): readonly Comparison[] {
  const root = newest?.prepared.relations.tables.find(({ isRoot }) => isRoot);
  if (newest && root) return askedFor(newest.prepared.relations, map, root, by).comparisons;
  return by.map((column) => ({ form: map.root.lookup.get(column) ?? 'exact', kind: 'exact' }));
}

/** Somebody's file, as a subject: by its path. */
export function pathSubject(path: string): Subject {
  return { by: [PATH_COLUMN], known: new Map([[PATH_COLUMN, path]]) };
}

/**
 * A subject of one map in terms of another: by the key, column for column, or by a name that both know.
 * @returns undefined where the other map does not know the name
 */
export function asIn(
  subject: Subject,
  from: SubjectMap['root'],
  to: SubjectMap['root'],
): Subject | undefined {
  const isKey = JSON.stringify(subject.by) === JSON.stringify(from.key);
  if (isKey && from.key.length !== to.key.length) return undefined;
  const keys = from.key.map((column, at): [string, string | undefined] => [
    to.key[at] ?? '',
    subject.known.get(column),
  ]);
  const names = [...to.lookup.keys()].map((column): [string, string | undefined] => [
    column,
    subject.known.get(column),
  ]);
  const known = new Map(
    [...names, ...keys].flatMap(([column, value]) =>
      column === '' || value === undefined ? [] : [[column, value]],
    ),
  );
  const by = isKey ? to.key : subject.by;
  return by.every((column) => known.has(column)) ? { by, known } : undefined;
}
