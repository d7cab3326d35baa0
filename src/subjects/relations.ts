/**
 * A subject map held against one schema: which stored tables have rows of subjects, what leads to them, and which
 * foreign keys must still hold afterwards. The closure over rows and the erasure as SQL are both made from this.
 */
import type { ForeignKey, Schema, TableSchema } from '../sources/schema.ts';
import { fullType, storedTables } from '../sources/schema.ts';
import type { CanonicalForm } from './canonical.ts';
import { comparisonOf, JSON_VALUE, uncollated, type Comparison, type Engine } from './compare.ts';
import { collationUnknown, columnMissing, tableUncovered } from './closure-errors.ts';
import { ruleFor, type Constant, type Link, type Linked, type SubjectMap } from './map.ts';
import { inOrder } from './order.ts';

export interface Relations {
  readonly engine: Engine;
  readonly schema: Schema;
  /** The tables that may hold rows of subjects, in an order in which what they link to comes first. */
  readonly tables: readonly LinkedTable[];
  /** The same; tables that lead to each other in a circle are together. */
  readonly parts: readonly (readonly LinkedTable[])[];
  /** Foreign keys into these tables or out of them. */
  readonly references: readonly Reference[];
}

/** A table that holds rows itself and whose rule has links. */
export interface LinkedTable {
  readonly name: string;
  readonly schema: TableSchema;
  readonly rule: Linked;
  readonly isRoot: boolean;
  readonly links: readonly Relation[];
}

/** One link into a table. */
export interface Relation {
  /** From 1, in the map's order. */
  readonly number: number;
  readonly match: Match;
  readonly follow: boolean;
  /** The stored tables with the other side; empty when nobody's rows are there. */
  readonly targets: readonly string[];
  readonly targetColumns: readonly string[];
  /** True when the other side is the root, so that what is known of the subject counts even without its row. */
  readonly toRoot: boolean;
}

/** What about a row is compared with keys. */
export type Match = ColumnMatch | JsonMatch;

interface MatchParts {
  /** One for each part of the key. */
  readonly comparisons: readonly Comparison[];
  /** Holds only for rows where each of these columns prints exactly as this. */
  readonly when: ReadonlyMap<string, Constant>;
}

export interface ColumnMatch extends MatchParts {
  readonly kind: 'columns';
  readonly columns: readonly string[];
}

/** Any text, number or truth value that the path leads to. */
export interface JsonMatch extends MatchParts {
  readonly kind: 'json';
  readonly column: string;
  readonly path: string;
}

/** A foreign key of a stored table. */
export interface Reference {
  readonly table: TableSchema;
  readonly key: ForeignKey;
  /** The stored tables that it points at. */
  readonly parents: readonly TableSchema[];
  readonly comparisons: readonly Comparison[];
}

/**
 * Holds the map against the schema.
 *
 * @throws HoldfastError SUBJECTS_UNCOVERED for a table without a rule, SUBJECTS_COLUMN for a column that is not there,
 *   SUBJECTS_COLLATION for texts that cannot be compared as in MySQL
 */
export function relationsOf(map: SubjectMap, schema: Schema, engine: Engine): Relations {
  const linked = linkedTables(map, schema);
  const tables = linked.map(([table, rule]): LinkedTable => ({
    name: table.name,
    schema: table,
    rule,
    isRoot: isStoredIn(table, map.root.table),
    links: rule.links.map((link, index) => relationOf({ map, schema, engine, table, link, index, linked })),
  }));
  const byName = new Map(tables.map((table) => [table.name, table]));
  const parts = inOrder(tables, (table) =>
    table.links.flatMap(({ targets }) => targets.flatMap((name) => byName.get(name) ?? [])),
  );
  return { engine, schema, tables: parts.flat(), parts, references: referencesOf(schema, engine, byName) };
}

/** How the columns of the root by which a subject is named are compared with what was asked for. */
export function askedFor(
  relations: Relations,
  map: SubjectMap,
  root: Pick<LinkedTable, 'schema'>,
  by: readonly string[],
): ColumnMatch {
  const comparisons = by.map((column) => {
    const type = typeOf(root.schema, column);
    return chosenComparison(
      relations.engine,
      root.schema,
      [type, type],
      map.root.lookup.get(column) ?? 'exact',
    );
  });
  return { kind: 'columns', columns: by, comparisons, when: new Map() };
}

/** The columns of a row that a match looks at. */
export function columnsOf(match: Match): readonly string[] {
  const own = match.kind === 'json' ? [match.column] : match.columns;
  return [...own, ...match.when.keys()];
}

/** The sets of columns in which no two rows of the table (with all other partitions of its root) are the same. */
export function uniquesOf(table: TableSchema, schema: Schema): readonly (readonly string[])[] {
  const root = schema.tables.find(({ name }) => name === table.partitionOf);
  const all = [table, ...(root === undefined ? [] : [root])].flatMap(({ primaryKey, uniques }) => [
    primaryKey,
    ...uniques,
  ]);
  const known = new Map(all.map((columns) => [JSON.stringify(columns), columns]));
  return [...known.values()].filter(({ length }) => length > 0);
}

function linkedTables(map: SubjectMap, schema: Schema): readonly (readonly [TableSchema, Linked])[] {
  return schema.tables.flatMap((table) => {
    if (table.partitioned === true || table.virtual !== undefined) return [];
    const rule = ruleFor(map, table);
    // What a full-text index keeps for itself follows from the table that it indexes.
    if (rule === undefined && table.shadowOf !== undefined) return [];
    if (rule === undefined) throw tableUncovered(table.name);
    return rule.kind === 'linked' ? [[table, rule] as const] : [];
  });
}

function isStoredIn(table: TableSchema, name: string): boolean {
  return table.name === name || table.partitionOf === name;
}

interface LinkPlace {
  readonly map: SubjectMap;
  readonly schema: Schema;
  readonly engine: Engine;
  readonly table: TableSchema;
  readonly link: Link;
  readonly index: number;
  readonly linked: readonly (readonly [TableSchema, Linked])[];
}

function relationOf({ map, schema, engine, table, link, index, linked }: LinkPlace): Relation {
  const { table: to, columns: targetColumns } = link.to;
  const holders = storedTables(schema, to);
  const holderNames = new Set(holders.map(({ name }) => name));
  const own = link.kind === 'json' ? [JSON_VALUE] : link.columns.map((column) => typeOf(table, column));
  const comparisons = targetColumns.map((column, at) => {
    // Partitions have their root's types; without any, nothing is ever compared.
    const target = holders[0] === undefined ? '' : typeOf(holders[0], column);
    return chosenComparison(engine, table, [own[at] ?? '', target], link.canonical);
  });
  for (const column of [...link.when.keys(), ...(link.kind === 'json' ? [link.column] : [])])
    typeOf(table, column);
  const parts = { comparisons, when: link.when };
  return {
    number: index + 1,
    match:
      link.kind === 'json'
        ? { kind: 'json', column: link.column, path: link.path, ...parts }
        : { kind: 'columns', columns: link.columns, ...parts },
    follow: link.follow,
    targets: linked.flatMap(([{ name }]) => (holderNames.has(name) ? [name] : [])),
    targetColumns,
    toRoot: to === map.root.table,
  };
}

/** How values of the root's key are compared with each other; a column that the root lacks is of no type. */
export function keyComparisons(
  { root }: Pick<SubjectMap, 'root'>,
  schema: Schema,
  engine: Engine,
): readonly Comparison[] {
  const types = new Map(
    storedTables(schema, root.table)[0]?.columns.map((column) => [column.name, fullType(column)]),
  );
  return root.key.map((column) => {
    const type = types.get(column) ?? '';
    return comparisonOf(engine, [type, type], 'exact');
  });
}

/**
 * A comparison that the map asks for.
 * @throws HoldfastError SUBJECTS_COLLATION
 */
function chosenComparison(
  engine: Engine,
  table: TableSchema,
  types: readonly [string, string],
  form: CanonicalForm,
): Comparison {
  const why = form === 'exact' ? uncollated(types) : undefined;
  if (why !== undefined) throw collationUnknown(table.name, why);
  return comparisonOf(engine, types, form);
}

function referencesOf(
  schema: Schema,
  engine: Engine,
  linked: ReadonlyMap<string, LinkedTable>,
): readonly Reference[] {
  const stored = schema.tables.filter(
    ({ partitioned, virtual }) => partitioned !== true && virtual === undefined,
  );
  return stored.flatMap((table) =>
    foreignKeysOf(schema, table).flatMap((key): Reference[] => {
      const parents = storedTables(schema, key.references);
      const first = parents[0];
      if (first === undefined) return [];
      if (!linked.has(table.name) && !parents.some(({ name }) => linked.has(name))) return [];
      const comparisons = key.columns.map((column, at) =>
        comparisonOf(engine, [typeOf(table, column), typeOf(first, key.referenced[at] ?? '')], 'exact'),
      );
      return [{ table, key, parents, comparisons }];
    }),
  );
}

/** Its own, and those of the table which it is a partition of, each once. */
function foreignKeysOf(schema: Schema, table: TableSchema): readonly ForeignKey[] {
  const root = schema.tables.find(({ name }) => name === table.partitionOf);
  const keys = [...table.foreignKeys, ...(root?.foreignKeys ?? [])];
  const what = ({ columns, references, referenced }: ForeignKey) =>
    JSON.stringify([columns, references, referenced]);
  return [...new Map(keys.map((key) => [what(key), key])).values()];
}

function typeOf(table: TableSchema, column: string): string {
  const found = table.columns.find(({ name }) => name === column);
  if (found === undefined) throw columnMissing(table.name, column);
  return fullType(found);
}
