/**
 * Which rows of one snapshot are about a subject, and what happens to each: a fixed point over rows.
 *
 * It goes from table to table, so that what a table links to is known before the table is asked: one pass over each.
 * Only tables that lead to each other in a circle (a self reference is the smallest) are asked again, for what is new.
 * Memory grows with the subject's rows, not with the tables.
 */
import { throwIfCancelled } from '../errors.ts';
import type { Value } from '../rows/values.ts';
import type { Schema } from '../sources/schema.ts';
import type { Query, TableAccess } from './access.ts';
import { keyOf, type Engine } from './compare.ts';
import { valuesAt, type AffectedRow, type DecidedRow, type DecidedRows } from './decided.ts';
import { isGone, problemsOf, type Problem } from './integrity.ts';
import { columnsForLinks } from './relinked.ts';
import { ASKED_FOR, outcomeFor, type Outcome } from './outcome.ts';
import {
  askedFor,
  relationsOf,
  uniquesOf,
  type LinkedTable,
  type Relation,
  type Relations,
} from './relations.ts';
import type { SubjectMap } from './map.ts';

/** Whom a purge is about. */
export interface Subject {
  /** The columns of the root table that name them: its key, or one column of its `lookup`. */
  readonly by: readonly string[];
  /**
   * What is known of them, by column of the root table: at least the columns of `by`. Links to the root follow it
   * even where the root's row is gone already, so what other snapshots say of them belongs here too.
   */
  readonly known: ReadonlyMap<string, string>;
}

export interface ClosureInput {
  readonly map: SubjectMap;
  readonly schema: Schema;
  readonly engine: Engine;
  /** One or many: all in the same passes. */
  readonly subjects: readonly Subject[];
  readonly access: TableAccess;
  readonly signal?: AbortSignal;
}

/** How many rows of a table; `keep` counts those that stay just as they are. */
export interface Counts {
  readonly delete: number;
  readonly change: number;
  readonly keep: number;
}

export interface Closure {
  /** By stored table (a partition, not its root), then by row; only tables with such rows. */
  readonly affected: ReadonlyMap<string, ReadonlyMap<string, AffectedRow>>;
  /** What the erasure would break: with any, it must not be carried out. */
  readonly problems: readonly Problem[];
  readonly counts: ReadonlyMap<string, Counts>;
  /** Numbers of large objects (PostgreSQL) that go with their rows. */
  readonly largeObjects: ReadonlySet<string>;
}

/**
 * Finds them.
 *
 * @throws HoldfastError SUBJECTS_UNCOVERED, SUBJECTS_COLUMN, CANCELLED, and what the access throws
 */
export async function closure(input: ClosureInput): Promise<Closure> {
  const { map, schema, engine, access, signal } = input;
  const relations = relationsOf(map, schema, engine);
  const search = new Search(relations, input);
  for (const part of relations.parts) await search.complete(part);
  const tables = new Map([...search.found].map(([name, rows]) => [name, decided(rows)]));
  const problems = await problemsOf({
    relations,
    tables,
    asked: search.asked,
    access,
    ...(signal && { signal }),
  });
  const affected = new Map(
    [...tables].filter(([, { rows }]) => rows.size > 0).map(([name, { rows }]) => [name, rows]),
  );
  const largeObjects = new Set([...tables.values()].flatMap(objectsOf));
  return {
    affected,
    problems,
    largeObjects,
    counts: new Map([...affected].map(([name, rows]) => [name, countsOf(rows)])),
  };
}

/** A row that was found, while the search goes on. */
interface Found {
  readonly reasons: Set<number>;
  readonly values: readonly Value[];
  /** Something other than a link that is not followed leads to it. */
  followed: boolean;
}

interface FoundRows {
  readonly table: LinkedTable;
  /** The columns of which `values` holds the values. */
  readonly need: readonly string[];
  readonly rows: Map<string, Found>;
}

/** A link into a table, with the keys that lead along it. */
interface Way {
  readonly relation: Relation;
  readonly asked: Set<string>;
  pending: Set<string>;
}

class Search {
  readonly found = new Map<string, FoundRows>();
  readonly #access: TableAccess;
  readonly #signal: AbortSignal | undefined;
  readonly #ways = new Map<string, readonly Way[]>();
  /** By the table on the other side. */
  readonly #waysFrom = new Map<string, Way[]>();
  readonly #asked: (table: LinkedTable) => readonly Query[];

  constructor(relations: Relations, { map, subjects, access, signal }: ClosureInput) {
    this.#access = access;
    this.#signal = signal;
    this.#asked = (table) => (table.isRoot ? rootQueries(relations, map, table, subjects) : []);
    const needed = neededColumns(relations);
    for (const table of relations.tables) {
      this.found.set(table.name, { table, need: needed.get(table.name) ?? [], rows: new Map() });
      const ways = table.links.map((relation) => wayOf(relation, subjects));
      this.#ways.set(table.name, ways);
      for (const way of ways) {
        for (const target of way.relation.targets) {
          const ways = this.#waysFrom.get(target) ?? [];
          ways.push(way);
          this.#waysFrom.set(target, ways);
        }
      }
    }
  }

  /** The keys that were asked for along a link of a table: all rows with one of them are found. */
  readonly asked = (table: string, link: number): ReadonlySet<string> =>
    this.#ways.get(table)?.[link - 1]?.asked ?? new Set();

  /** Finds all rows of these tables, which lead to each other; everything else that leads to them is known. */
  async complete(part: readonly LinkedTable[]): Promise<void> {
    for (const table of part) await this.#followInto(table, this.#asked(table));
    for (let goesOn = true; goesOn;) {
      goesOn = false;
      for (const table of part) goesOn = (await this.#followInto(table, [])) || goesOn;
    }
  }

  /** Asks the table for `asked` and for the keys that have not been asked for; false when there are none. */
  async #followInto(table: LinkedTable, asked: readonly Query[]): Promise<boolean> {
    const open = (this.#ways.get(table.name) ?? []).filter(({ pending }) => pending.size > 0);
    if (open.length + asked.length === 0) return false;
    const queries = open.map((way): Query => {
      const keys = way.pending;
      for (const key of keys) way.asked.add(key);
      way.pending = new Set();
      return { match: way.relation.match, keys };
    });
    await this.#look(table, [...queries, ...asked], open);
    return true;
  }

  async #look(
    table: LinkedTable,
    queries: readonly Query[],
    ways: readonly (Way | undefined)[],
  ): Promise<void> {
    if (queries.length === 0) return;
    throwIfCancelled(this.#signal);
    const found = this.found.get(table.name);
    if (found === undefined) return;
    for await (const { row, hits, values } of this.#access.find(
      table.name,
      queries,
      found.need,
      this.#signal,
    )) {
      const known = found.rows.get(row) ?? { reasons: new Set<number>(), values, followed: false };
      found.rows.set(row, known);
      let follow = false;
      for (const hit of hits) {
        const relation = ways[hit]?.relation;
        known.reasons.add(relation?.number ?? ASKED_FOR);
        follow ||= relation?.follow ?? true;
      }
      if (!follow || known.followed) continue;
      known.followed = true;
      this.#offer(table.name, found.need, known.values);
    }
  }

  /** Gives a row's keys to the links that lead from it. */
  #offer(table: string, need: readonly string[], values: readonly Value[]): void {
    for (const way of this.#waysFrom.get(table) ?? []) {
      const { targetColumns, match } = way.relation;
      const key = keyOf(valuesAt(need, values, targetColumns), match.comparisons);
      if (key !== null && !way.asked.has(key)) way.pending.add(key);
    }
  }
}

/** A link with the keys that are known without looking: those of the subjects themselves. */
function wayOf(relation: Relation, subjects: readonly Subject[]): Way {
  return {
    relation,
    asked: new Set(),
    pending: new Set(relation.toRoot ? knownKeys(relation, subjects) : []),
  };
}

function knownKeys({ targetColumns, match }: Relation, subjects: readonly Subject[]): readonly string[] {
  return subjects.flatMap(({ known }) => {
    const values = targetColumns.map((column) => known.get(column) ?? null);
    return keyOf(values, match.comparisons) ?? [];
  });
}

/** Asks the root for subjects, by whatever each of them is asked for by. */
export function rootQueries(
  relations: Relations,
  map: SubjectMap,
  root: LinkedTable,
  subjects: readonly Subject[],
): readonly Query[] {
  const byColumns = Map.groupBy(subjects, ({ by }) => JSON.stringify(by));
  return [...byColumns.values()].map((group): Query => {
    const match = askedFor(relations, map, root, group[0]?.by ?? []);
    const keys = group.flatMap(
      ({ known }) =>
        keyOf(
          match.columns.map((column) => known.get(column) ?? null),
          match.comparisons,
        ) ?? [],
    );
    return { match, keys: new Set(keys) };
  });
}

/** For each table: the columns that others compare with, and those that foreign keys and unique keys are about. */
function neededColumns({ tables, references, schema }: Relations): ReadonlyMap<string, readonly string[]> {
  const needs = new Map(
    tables.map((table) => [
      table.name,
      new Set([
        ...uniquesOf(table.schema, schema).flat(),
        ...table.rule.largeObjects,
        ...columnsForLinks(table),
      ]),
    ]),
  );
  const need = (table: string, columns: readonly string[]) => {
    for (const column of columns) needs.get(table)?.add(column);
  };
  for (const { targets, targetColumns } of tables.flatMap(({ links }) => links)) {
    for (const target of targets) need(target, targetColumns);
  }
  for (const { table, parents, key } of references) {
    need(table.name, key.columns);
    for (const parent of parents) need(parent.name, key.referenced);
  }
  return new Map([...needs].map(([table, columns]) => [table, [...columns]]));
}

function decided({ table, need, rows }: FoundRows): DecidedRows {
  // Nearly all rows of a table have the same reasons: they share one outcome.
  const outcomes = new Map<string, Outcome>();
  const decide = ({ reasons, values }: Found): DecidedRow => {
    const numbers = [...reasons].sort((a, b) => a - b);
    const key = numbers.join();
    const outcome = outcomes.get(key) ?? outcomeFor(table.rule, numbers);
    outcomes.set(key, outcome);
    return { outcome, reasons: numbers, values };
  };
  return { table, need, rows: new Map([...rows].map(([row, found]) => [row, decide(found)])) };
}

function objectsOf({ table, need, rows }: DecidedRows): readonly string[] {
  return table.rule.largeObjects.flatMap((column) =>
    [...rows.values()].flatMap(({ outcome, values }) =>
      isGone(outcome, [column]) ? (valuesAt(need, values, [column])[0] ?? []) : [],
    ),
  );
}

function countsOf(rows: ReadonlyMap<string, AffectedRow>): Counts {
  let [deleted, changed] = [0, 0];
  for (const { outcome } of rows.values()) {
    if (outcome.do === 'delete') deleted += 1;
    else if (outcome.values.size > 0) changed += 1;
  }
  return { delete: deleted, change: changed, keep: rows.size - deleted - changed };
}
