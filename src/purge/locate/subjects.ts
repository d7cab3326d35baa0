/** Whom a purge is about, with everything that any snapshot says of them. */
import { throwIfCancelled } from '../../errors.ts';
import { keyOf } from '../../subjects/compare.ts';
import type { Query, TableAccess } from '../../subjects/access.ts';
import { rootQueries } from '../../subjects/closure.ts';
import type { Subject } from '../../subjects/closure.ts';
import { asStored } from '../../subjects/as-stored.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import { askedFor } from '../../subjects/relations.ts';
import type { LinkedTable, Relations } from '../../subjects/relations.ts';
import type { Prepared } from './prepare.ts';
import type { Tables } from './tables.ts';

export interface ResolvedSubjects {
  /** With everything that any snapshot says of them. */
  readonly subjects: readonly Subject[];
  /** Of those that were asked for: whom no row of a root table is about. None where no snapshot has such a table. */
  readonly strangers: readonly Subject[];
}

/**
 * The subjects, followed through all snapshots: who was named by an address is found by the key that the address
 * leads to, also where it was another one; and where the root's row is gone, what it said elsewhere still leads on.
 *
 * @param groups - snapshots of one schema each
 */
export async function resolveSubjects(
  typed: readonly Subject[],
  map: SubjectMap,
  groups: readonly (readonly Prepared[])[],
  tables: Tables,
  signal: AbortSignal,
): Promise<ResolvedSubjects> {
  const asked = typed.map((subject) => asTheyPrint(subject, map, groups));
  const subjects = new Map(asked.map((subject) => [nameOf(subject), subject]));
  const met = new Set<Subject>();
  // Once for the keys, and once for all that rows with these keys say.
  for (const round of [asked, subjects]) {
    const wanted = [...round.values()];
    for (const group of groups) {
      throwIfCancelled(signal);
      const askedAs = namesIn(asked, map, group);
      for (const found of await rootRows(wanted, map, group, tables, signal)) {
        subjects.set(nameOf(found), found);
        for (const one of askedAs(found)) met.add(one);
      }
    }
  }
  const hasRoot = groups.some(([first]) => first !== undefined && rootsOf(first).length > 0);
  const strangers = hasRoot ? asked.filter((one) => !met.has(one)) : [];
  return { subjects: [...subjects.values()], strangers };
}

/** By every schema that has the root: what a column was of before, it may not be of any more. */
function asTheyPrint(subject: Subject, map: SubjectMap, groups: readonly (readonly Prepared[])[]): Subject {
  return groups.reduce(
    (one, [first]) => (first ? asStored(one, map.root.table, first.schema, first.engine) : one),
    subject,
  );
}

/** Who of them a row of the root is about, compared as the search does. */
function namesIn(
  asked: readonly Subject[],
  map: SubjectMap,
  [first]: readonly Prepared[],
): (found: Subject) => readonly Subject[] {
  const ways = (first === undefined ? [] : rootsOf(first)).flatMap((root) => {
    const askable = asked.filter((one) => isAskable(one, root));
    return [...Map.groupBy(askable, ({ by }) => JSON.stringify(by)).values()].map((group) => {
      const by = group[0]?.by ?? [];
      const comparisons = first === undefined ? [] : askedFor(first.relations, map, root, by).comparisons;
      const keyIn = ({ known }: Subject) => keyOf(valuesOf(known, by), comparisons);
      return { keyIn, named: Map.groupBy(group, keyIn) };
    });
  });
  return (found) =>
    ways.flatMap(({ keyIn, named }) => {
      const key = keyIn(found);
      return key === null ? [] : (named.get(key) ?? []);
    });
}

function rootsOf({ relations }: Prepared): readonly LinkedTable[] {
  return relations.tables.filter(({ isRoot }) => isRoot);
}

function isAskable({ by }: Subject, root: LinkedTable): boolean {
  const columns = new Set(root.schema.columns.map(({ name }) => name));
  return by.every((column) => columns.has(column));
}

function nameOf({ by, known }: Subject): string {
  return JSON.stringify([by, [...known].sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** The rows of the root, in snapshots of one schema, that are one of these subjects. */
async function rootRows(
  wanted: readonly Subject[],
  map: SubjectMap,
  group: readonly Prepared[],
  tables: Tables,
  signal: AbortSignal,
): Promise<readonly Subject[]> {
  const [first] = group;
  const access = tables.access(group);
  const found: Subject[] = [];
  for (const root of first === undefined ? [] : rootsOf(first)) {
    if (first === undefined) break;
    const said = saidColumns(first.map, first.relations);
    const queries = queriesFor(wanted, map, first.relations, root);
    for await (const { values } of access.find(root.name, queries, said, signal)) {
      const known = new Map(said.flatMap((column, at) => pair(column, values[at] ?? null)));
      if (map.root.key.every((column) => known.has(column))) found.push({ by: map.root.key, known });
    }
  }
  return found;
}

function pair(column: string, value: string | null): readonly (readonly [string, string])[] {
  return value === null ? [] : [[column, value]];
}

/** The columns of the root by which somebody is named, or linked to. */
function saidColumns({ root }: SubjectMap, { tables }: Relations): readonly string[] {
  const linked = tables.flatMap(({ links }) =>
    links.filter(({ toRoot }) => toRoot).flatMap(({ targetColumns }) => targetColumns),
  );
  return [...new Set([...root.key, ...root.lookup.keys(), ...linked])];
}

function queriesFor(
  wanted: readonly Subject[],
  map: SubjectMap,
  relations: Relations,
  root: LinkedTable,
): readonly Query[] {
  const askable = wanted.filter((one) => isAskable(one, root));
  return rootQueries(relations, map, root, askable);
}

/**
 * The subjects as they count in one snapshot. What they were once called leads to their rows, but not where it is
 * somebody else's name in this snapshot: an address that was given to another customer leads to that customer's rows.
 *
 * What a subject's own row says there is not needed for this: the closure takes it from the row.
 */
export async function subjectsIn(
  { relations, map: { root } }: Prepared,
  subjects: readonly Subject[],
  access: TableAccess,
  signal: AbortSignal,
): Promise<readonly Subject[]> {
  const own = new Set(
    subjects.flatMap(({ known }) => keyText(root.key, (column) => known.get(column) ?? null) ?? []),
  );
  let held = subjects;
  for (const { targetColumns, comparisons } of namesOfOthers(relations, root.key)) {
    const keys = new Set(
      held.flatMap(({ known }) => keyOf(valuesOf(known, targetColumns), comparisons) ?? []),
    );
    if (keys.size === 0) continue;
    const query: Query = {
      match: { kind: 'columns', columns: targetColumns, comparisons, when: new Map() },
      keys,
    };
    const taken = new Set<string>();
    for (const { name } of relations.tables.filter(({ isRoot }) => isRoot)) {
      const need = [...root.key, ...targetColumns];
      for await (const { values } of access.find(name, [query], need, signal)) {
        const key = keyText(root.key, (column) => values[need.indexOf(column)] ?? null);
        const said = keyOf(values.slice(root.key.length), comparisons);
        if (said !== null && (key === undefined || !own.has(key))) taken.add(said);
      }
    }
    if (taken.size === 0) continue;
    held = held.map(({ by, known }) => {
      if (!taken.has(keyOf(valuesOf(known, targetColumns), comparisons) ?? '')) return { by, known };
      const lost = targetColumns.filter((column) => !root.key.includes(column) && !by.includes(column));
      return { by, known: new Map([...known].filter(([column]) => !lost.includes(column))) };
    });
  }
  return held;
}

/** Links to the root by something else than its key, each kind once. */
function namesOfOthers({ tables }: Relations, key: readonly string[]) {
  const links = tables.flatMap((table) => table.links.filter(({ toRoot }) => toRoot));
  const others = links.filter(({ targetColumns }) => !targetColumns.every((column) => key.includes(column)));
  const kinds = others.map(({ targetColumns, match }) => ({ targetColumns, comparisons: match.comparisons }));
  return new Map(kinds.map((kind) => [JSON.stringify(kind), kind])).values();
}

function valuesOf(known: Subject['known'], columns: readonly string[]): readonly (string | null)[] {
  return columns.map((column) => known.get(column) ?? null);
}

function keyText(key: readonly string[], read: (column: string) => string | null): string | undefined {
  const values = key.map(read);
  return values.includes(null) ? undefined : JSON.stringify(values);
}
