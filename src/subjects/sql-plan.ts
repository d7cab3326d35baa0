/** The tables of the erasure as SQL: which belong together, what is done with the rows of each. */
import type { TableSchema } from '../sources/schema.ts';
import type { Action, Replacement, SubjectMap } from './map.ts';
import { valuesOf } from './map.ts';
import { actionFor, ASKED_FOR } from './outcome.ts';
import type { LinkedTable, Relation, Relations } from './relations.ts';
import type { SqlEngine, SqlTable } from './sql-engine.ts';

/** A table whose rows may be the subject's. */
export interface PlannedTable extends SqlTable {
  readonly isRoot: boolean;
  readonly links: readonly PlannedLink[];
  /** The numbers under which rows that lead on have come in; undefined when all do. */
  readonly followed?: readonly number[];
  /** The numbers that delete, when they are the first; the others. */
  readonly deleting: readonly number[];
  readonly staying: readonly number[];
  readonly sets: readonly ColumnSets[];
  /** Columns with numbers of large objects, which go with them. */
  readonly largeObjects: readonly string[];
}

export interface PlannedLink {
  readonly relation: Relation;
  /** The numbers of the tables that it leads to. */
  readonly targets: readonly number[];
}

/** What takes the place of a column, by the number that sets it. */
export interface ColumnSets {
  readonly column: string;
  /** In the temporary table of changes: which number sets the column, or NULL. */
  readonly mark: string;
  readonly values: readonly (readonly [number, Replacement])[];
}

export interface SqlPlan {
  /** In an order in which what they link to comes first; those of one part lead to each other. */
  readonly parts: readonly (readonly PlannedTable[])[];
  /** For any stored table: the one that stands for it here. */
  readonly tableOf: (stored: TableSchema) => SqlTable;
  readonly planned: (number: number) => PlannedTable | undefined;
}

/** Puts the partitions of a table together, unless the map has rules of their own for some. */
export function planSql(map: SubjectMap, relations: Relations, engine: SqlEngine): SqlPlan {
  const tables = new Map<string, SqlTable>();
  const split = new Set(
    relations.schema.tables.flatMap(({ name, partitionOf }) =>
      map.tables.has(name) ? (partitionOf ?? []) : [],
    ),
  );
  const tableOf = (stored: TableSchema): SqlTable => {
    const isPartitioned = stored.partitionOf !== undefined && !split.has(stored.partitionOf);
    const name = isPartitioned ? (stored.partitionOf ?? stored.name) : stored.name;
    const known = tables.get(name);
    if (known !== undefined) return known;
    const reference = engine.reference(name, isPartitioned);
    const idSql = engine.idSql?.(stored);
    const table = {
      number: tables.size + 1,
      name,
      schema: stored,
      reference,
      ids: engine.ids(stored, isPartitioned),
      ...(idSql && { idSql }),
    };
    tables.set(name, table);
    return table;
  };
  const stored = new Map(relations.tables.map((table) => [table.name, tableOf(table.schema)]));
  const planned = new Map<number, PlannedTable>();
  const parts = relations.parts.map((part) =>
    part.flatMap((linked): PlannedTable[] => {
      const table = tableOf(linked.schema);
      if (planned.has(table.number)) return [];
      const made = planTable(table, linked, stored);
      planned.set(table.number, made);
      return [made];
    }),
  );
  return {
    parts: parts.filter(({ length }) => length > 0),
    tableOf,
    planned: (number) => planned.get(number),
  };
}

function planTable(
  table: SqlTable,
  linked: LinkedTable,
  stored: ReadonlyMap<string, SqlTable>,
): PlannedTable {
  const numbers = [...(linked.isRoot ? [ASKED_FOR] : []), ...linked.links.map(({ number }) => number)];
  const actions = numbers.map((number) => [number, actionFor(linked.rule, number)] as const);
  const isFollowed = (number: number) => linked.links[number - 1]?.follow ?? true;
  const followed = numbers.filter(isFollowed);
  const numbersOf = (isMeant: (action: Action) => boolean) =>
    actions.filter(([, action]) => isMeant(action)).map(([number]) => number);
  return {
    ...table,
    isRoot: linked.isRoot,
    links: linked.links.map((relation) => ({ relation, targets: targetsOf(relation, stored) })),
    ...(followed.length < numbers.length && { followed }),
    deleting: numbersOf((action) => action.do === 'delete'),
    staying: numbersOf((action) => action.do !== 'delete'),
    sets: setsOf(actions),
    largeObjects: linked.rule.largeObjects,
  };
}

function targetsOf({ targets }: Relation, stored: ReadonlyMap<string, SqlTable>): readonly number[] {
  return [...new Set(targets.flatMap((name) => stored.get(name)?.number ?? []))];
}

function setsOf(actions: readonly (readonly [number, Action])[]): readonly ColumnSets[] {
  const columns = new Map<string, (readonly [number, Replacement])[]>();
  for (const [number, action] of actions) {
    for (const [column, value] of valuesOf(action)) {
      columns.set(column, [...(columns.get(column) ?? []), [number, value]]);
    }
  }
  return [...columns].map(([column, values], index) => ({ column, mark: `c${index + 1}`, values }));
}
