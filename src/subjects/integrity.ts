/**
 * What an erasure would break: foreign keys, unique keys and NOT NULL.
 *
 * Nothing is left to ON DELETE: a database that loads a dump checks foreign keys (PostgreSQL) or does not (SQLite),
 * but never carries out such an action, and what a row that stays points at must be in the map, not in luck.
 */
import { throwIfCancelled } from '../errors.ts';
import type { Value } from '../rows/values.ts';
import { fullType, type ForeignKey } from '../sources/schema.ts';
import type { Hit, Query, TableAccess } from './access.ts';
import { comparisonOf, keyOf, type Comparison } from './compare.ts';
import { valuesAt, type DecidedRow, type DecidedRows } from './decided.ts';
import type { Replacement } from './map.ts';
import type { Outcome } from './outcome.ts';
import { relinkedProblems } from './relinked.ts';
import { uniquesOf, type ColumnMatch, type Reference, type Relations } from './relations.ts';

export interface Problem {
  /**
   * - `dangling`: rows that stay point at rows that are deleted, or whose key is changed
   * - `no-parent`: rows would be made to point at a row that is not there
   * - `duplicate`: rows would get a unique key that another row has too
   * - `not-null`: rows would get NULL in a column that takes none
   * - `relinked`: rows would get a value by which they are the subject's again
   */
  readonly kind: 'dangling' | 'no-parent' | 'duplicate' | 'not-null' | 'relinked';
  readonly table: string;
  /** The foreign key's name, or the columns: `email, tenant`. */
  readonly constraint: string;
  /** The table that a foreign key points at. */
  readonly to?: string;
  /** How many rows stand in the way. */
  readonly rows: number;
}

/** The problem in one line, with its place and without any value. */
export function describeProblem({ kind, table, constraint, to, rows }: Problem): string {
  const these = `${rows} ${rows === 1 ? 'row' : 'rows'} of ${table}`;
  switch (kind) {
    case 'dangling':
      return `${these} would stay and point at rows of ${to ?? ''} that go (foreign key ${constraint})`;
    case 'no-parent':
      return `${these} would point at no row of ${to ?? ''} (foreign key ${constraint})`;
    case 'duplicate':
      return `${these} would have the same ${constraint} as another row`;
    case 'not-null':
      return `${these} would have no ${constraint}, which must not be null`;
    case 'relinked':
      return `${these} would be set to a ${constraint} that leads to the subject again`;
  }
}

export interface IntegrityInput {
  readonly relations: Relations;
  /** The rows of subjects, by stored table. */
  readonly tables: ReadonlyMap<string, DecidedRows>;
  /** The keys that were asked for along a link of a table: all rows with one of them are among `tables`. */
  readonly asked: (table: string, link: number) => ReadonlySet<string>;
  readonly access: TableAccess;
  readonly signal?: AbortSignal;
}

/** Finds them; tables are looked through only where something that goes may be pointed at. */
export async function problemsOf(input: IntegrityInput): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const decided of input.tables.values())
    problems.push(...nullProblems(decided), ...relinkedProblems(decided, input.relations, input.asked));
  const byTable = Map.groupBy(input.relations.references, ({ table }) => table.name);
  for (const references of byTable.values()) problems.push(...(await danglingProblems(references, input)));
  for (const reference of input.relations.references)
    problems.push(...(await parentProblems(reference, input)));
  for (const decided of input.tables.values()) problems.push(...(await duplicateProblems(decided, input)));
  return problems;
}

/** True when the row is deleted, or one of these columns of it is set. */
export function isGone(outcome: Outcome, columns: readonly string[]): boolean {
  return outcome.do === 'delete' || sets(outcome, columns);
}

function sets({ values }: Outcome, columns: readonly string[]): boolean {
  return columns.some((column) => values.has(column));
}

function nullProblems({ table, rows }: DecidedRows): readonly Problem[] {
  const mandatory = table.schema.columns.filter(({ nullable }) => !nullable);
  return mandatory.flatMap(({ name: column }): Problem[] => {
    const nulled = count(rows.values(), ({ outcome }) => outcome.values.get(column) === null);
    return nulled === 0 ? [] : [{ kind: 'not-null', table: table.name, constraint: column, rows: nulled }];
  });
}

/** Rows of one table that stay as they are, and point at what goes: one pass for all its foreign keys. */
async function danglingProblems(
  references: readonly Reference[],
  input: IntegrityInput,
): Promise<readonly Problem[]> {
  const open = references
    .map((reference) => ({ reference, gone: goneKeys(reference, input.tables), rows: 0 }))
    .filter(({ gone }) => gone.size > 0);
  const unknown = open.filter(({ reference, gone }) => !isCovered(reference, gone, input));
  const [table] = references.map((reference) => reference.table.name);
  if (table === undefined) return [];
  const own = input.tables.get(table);
  for (const each of open)
    if (!unknown.includes(each)) each.rows = knownDangling(each.reference, each.gone, own);
  const queries = unknown.map(({ reference, gone }) => ({ match: referring(reference), keys: gone }));
  for await (const { row, hits } of findRows(input, table, queries)) {
    const outcome = own?.rows.get(row)?.outcome;
    for (const hit of hits) {
      const each = unknown[hit];
      if (each === undefined) continue;
      if (outcome === undefined || !isGone(outcome, each.reference.key.columns)) each.rows += 1;
    }
  }
  return open.flatMap(({ reference: { key }, rows }) =>
    rows === 0 ? [] : [foreignKeyProblem('dangling', table, key, rows)],
  );
}

/** The keys, as they were, of rows that go or that get another one. */
function goneKeys(
  { key, parents, comparisons }: Reference,
  tables: ReadonlyMap<string, DecidedRows>,
): ReadonlySet<string> {
  const gone = new Set<string>();
  for (const parent of parents) {
    const decided = tables.get(parent.name);
    for (const row of decided?.rows.values() ?? []) {
      if (!isGone(row.outcome, key.referenced)) continue;
      const lost = keyOf(valuesAt(decided?.need ?? [], row.values, key.referenced), comparisons);
      if (lost !== null) gone.add(lost);
    }
  }
  return gone;
}

function referring({ key, comparisons }: Reference): ColumnMatch {
  return { kind: 'columns', columns: key.columns, comparisons, when: new Map() };
}

/** True when a link has led to every row with one of these keys: the table need not be looked through again. */
function isCovered({ table, key }: Reference, gone: ReadonlySet<string>, input: IntegrityInput): boolean {
  const links = input.tables.get(table.name)?.table.links ?? [];
  return links.some(({ number, match, targetColumns }) => {
    if (match.kind !== 'columns' || match.when.size > 0) return false;
    if (match.comparisons.some(({ form }) => form !== 'exact')) return false;
    if (!isSame(match.columns, key.columns) || !isSame(targetColumns, key.referenced)) return false;
    const asked = input.asked(table.name, number);
    return [...gone].every((lost) => asked.has(lost));
  });
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, index) => name === others[index]);
}

/** As `danglingProblems`, among the rows that were found. */
function knownDangling(
  { key, comparisons }: Reference,
  gone: ReadonlySet<string>,
  own: DecidedRows | undefined,
): number {
  return count(own?.rows.values() ?? [], ({ outcome, values }) => {
    if (isGone(outcome, key.columns)) return false;
    const to = keyOf(valuesAt(own?.need ?? [], values, key.columns), comparisons);
    return to !== null && gone.has(to);
  });
}

/** Rows whose foreign key is set to something: that must be there, and stay. */
async function parentProblems(reference: Reference, input: IntegrityInput): Promise<readonly Problem[]> {
  const { table, key, parents, comparisons } = reference;
  const decided = input.tables.get(table.name);
  if (decided === undefined) return [];
  const wanted = new Map<string, number>();
  let rows = 0;
  for (const row of decided.rows.values()) {
    if (!sets(row.outcome, key.columns)) continue;
    const values = valuesAfter(decided.need, row, key.columns);
    // Nobody has the key that a pseudonym makes up.
    if (values.includes(undefined)) rows += 1;
    const to = keyOf(
      values.map((value) => value ?? null),
      comparisons,
    );
    if (to !== null) wanted.set(to, (wanted.get(to) ?? 0) + 1);
  }
  const match: ColumnMatch = { kind: 'columns', columns: key.referenced, comparisons, when: new Map() };
  for (const parent of parents) {
    const changed = input.tables.get(parent.name)?.rows;
    const need = key.referenced;
    const keys = new Set(wanted.keys());
    if (keys.size === 0) break;
    for await (const { row, values } of input.access.find(
      parent.name,
      [{ match, keys }],
      need,
      input.signal,
    )) {
      const outcome = changed?.get(row)?.outcome;
      if (outcome !== undefined && isGone(outcome, key.referenced)) continue;
      const there = keyOf(values, comparisons);
      if (there !== null) wanted.delete(there);
    }
  }
  for (const missing of wanted.values()) rows += missing;
  return rows === 0 ? [] : [foreignKeyProblem('no-parent', table.name, key, rows)];
}

/** Rows that would get a unique key which another row has. */
async function duplicateProblems(decided: DecidedRows, input: IntegrityInput): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const { schema, engine } = input.relations;
  const { name, schema: table } = decided.table;
  const partitions = schema.tables.filter((other) => other.name === name || isSibling(other, table));
  for (const columns of uniquesOf(table, schema)) {
    const comparisons = columns.map((column): Comparison => {
      const found = table.columns.find((other) => other.name === column);
      const type = found === undefined ? '' : fullType(found);
      return comparisonOf(engine, [type, type], 'exact');
    });
    const taken = new Map<string, number>();
    for (const row of decided.rows.values()) {
      if (!sets(row.outcome, columns)) continue;
      const values = valuesAfter(decided.need, row, columns);
      const key = values.includes(undefined)
        ? null
        : keyOf(
            values.map((value) => value ?? null),
            comparisons,
          );
      if (key !== null) taken.set(key, (taken.get(key) ?? 0) + 1);
    }
    let rows = 0;
    for (const times of taken.values()) rows += times > 1 ? times : 0;
    const match: ColumnMatch = { kind: 'columns', columns, comparisons, when: new Map() };
    for (const partition of partitions) {
      const changed = input.tables.get(partition.name)?.rows;
      const keys = new Set(taken.keys());
      for await (const { row } of findRows(input, partition.name, [{ match, keys }])) {
        const outcome = changed?.get(row)?.outcome;
        if (outcome === undefined || !isGone(outcome, columns)) rows += 1;
      }
    }
    if (rows > 0) problems.push({ kind: 'duplicate', table: name, constraint: columns.join(', '), rows });
  }
  return problems;
}

function isSibling(
  other: { partitionOf?: string; partitioned?: true },
  table: { partitionOf?: string },
): boolean {
  return (
    table.partitionOf !== undefined && other.partitionOf === table.partitionOf && other.partitioned !== true
  );
}

/** The values that a row will have; undefined where a pseudonym will be. */
function valuesAfter(
  need: readonly string[],
  { outcome, values }: DecidedRow,
  columns: readonly string[],
): readonly (Value | undefined)[] {
  const before = valuesAt(need, values, columns);
  return columns.map((column, index) => {
    const replacement: Replacement | undefined = outcome.values.get(column);
    if (replacement === undefined) return before[index] ?? null;
    return typeof replacement === 'object' && replacement !== null ? undefined : replacement;
  });
}

/** The rows that match; the table is not looked through when there are no keys. */
async function* findRows(
  { access, signal }: IntegrityInput,
  table: string,
  queries: readonly Query[],
): AsyncGenerator<Hit> {
  throwIfCancelled(signal);
  if (queries.every(({ keys }) => keys.size === 0)) return;
  yield* access.find(table, queries, [], signal);
}

function foreignKeyProblem(
  kind: 'dangling' | 'no-parent',
  table: string,
  key: ForeignKey,
  rows: number,
): Problem {
  return { kind, table, constraint: key.name, to: key.references, rows };
}

function count<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  let found = 0;
  for (const item of items) if (holds(item)) found += 1;
  return found;
}
