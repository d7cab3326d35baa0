/** A map as it holds for one schema: what the schema lacks, and may lack, is taken out. */
import type { Schema, TableSchema } from '../sources/schema.ts';
import type { Action, Link, Linked, Replacement, SubjectMap, TableRule } from './map.ts';

/**
 * The map without the tables that the schema does not have, and without links, values and lists of columns that
 * need columns which are missing there and are called `optional`. What `checkMap` complains about stays in.
 */
export function mapFor(map: SubjectMap, schema: Schema): SubjectMap {
  const has = columnsMissing(map, schema);
  const there = new Set(schema.tables.map(({ name }) => name));
  const tables = [...map.tables]
    .filter(([name]) => there.has(name))
    .map(([name, rule]): [string, TableRule] => [name, narrowRule(name, rule, there, has)]);
  const lookup = [...map.root.lookup].filter(([column]) => has(map.root.table, column));
  return { ...map, root: { ...map.root, lookup: new Map(lookup) }, tables: new Map(tables) };
}

/** False for a column that the table's rule calls optional and the schema lacks. */
type Has = (table: string, column: string) => boolean;

function columnsMissing(map: SubjectMap, schema: Schema): Has {
  const missing = new Set<string>();
  for (const table of schema.tables) {
    for (const column of optionalOf(map.tables.get(table.name))) {
      if (!hasColumn(table, column)) missing.add(JSON.stringify([table.name, column]));
    }
  }
  return (table, column) => !missing.has(JSON.stringify([table, column]));
}

/** True when the rows of a table have this column, or their rowid by this name. */
export function hasColumn(table: TableSchema, column: string): boolean {
  return table.rowid === column || table.columns.some(({ name }) => name === column);
}

/** The columns that older schemas may lack. */
export function optionalOf(rule: TableRule | undefined): readonly string[] {
  return rule?.kind === 'linked' ? rule.optional : [];
}

function narrowRule(name: string, rule: TableRule, there: ReadonlySet<string>, has: Has): TableRule {
  if (rule.kind !== 'linked') return rule;
  const own = (column: string): boolean => has(name, column);
  return {
    ...rule,
    links: rule.links
      .filter((link) => there.has(link.to.table))
      .filter((link) => linkColumns(link).every(own))
      .filter((link) => link.to.columns.every((column) => has(link.to.table, column)))
      .map((link) =>
        link.action === undefined ? link : { ...link, action: narrowAction(link.action, own) },
      ),
    action: narrowAction(rule.action, own),
    text: rule.text.filter(own),
    largeObjects: rule.largeObjects.filter(own),
  } satisfies Linked;
}

/** The columns of its own table that a link looks at. */
export function linkColumns(link: Link): readonly string[] {
  const columns = link.kind === 'json' ? [link.column] : link.columns;
  return [...columns, ...link.when.keys()];
}

function narrowAction(action: Action, has: (column: string) => boolean): Action {
  if (action.do === 'delete') return action;
  const values = [...action.values].filter(([column]) => has(column));
  return { ...action, values: new Map<string, Replacement>(values) };
}
