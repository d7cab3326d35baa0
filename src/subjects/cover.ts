/** One map out of several: where the first says nothing that fits a table of a schema, the next that does is asked. Pure. */
import { holdsRows, storedTables } from '../sources/schema.ts';
import type { Schema, TableSchema } from '../sources/schema.ts';
import { actionsOf, ruleFor, valuesOf } from './map.ts';
import type { Linked, SubjectMap, TableRule } from './map.ts';
import { hasColumn, linkColumns, mapFor } from './narrow.ts';

/**
 * The first map, with rules of the others for tables of which it says nothing, or something that needs columns which
 * the schema lacks. Maps that call somebody else a subject are not asked: keys mean other people there.
 *
 * @param maps - at least one, the one that counts most first
 */
export function coveringMap([first, ...others]: readonly [SubjectMap, ...SubjectMap[]], schema: Schema) {
  let map: SubjectMap = first;
  for (const other of others) {
    if (!isOfTheSame(map, other)) continue;
    const narrow = mapFor(other, schema);
    const taken = uncoveredIn(map, schema).flatMap((table): [string, TableRule][] => {
      const found = namedRule(narrow, table);
      return found === undefined || !fits(found[1], table, schema) ? [] : [found];
    });
    map = { ...map, tables: new Map([...map.tables, ...taken]) };
  }
  return map;
}

/** The tables with rows of which the map says nothing that fits. */
export function uncoveredIn(map: SubjectMap, schema: Schema): readonly TableSchema[] {
  const narrow = mapFor(map, schema);
  return schema.tables.filter((table) => {
    if (!holdsRows(table)) return false;
    const rule = ruleFor(narrow, table);
    // What a full-text index keeps for itself follows from the table that it indexes.
    if (rule === undefined) return table.shadowOf === undefined;
    return !fits(rule, table, schema);
  });
}

/** True when both mean the same by a subject's key. */
export function isOfTheSame({ root: a }: SubjectMap, { root: b }: SubjectMap): boolean {
  return a.table === b.table && JSON.stringify(a.key) === JSON.stringify(b.key);
}

/** The rule that counts for a table, under the name by which the map has it. */
function namedRule(map: SubjectMap, table: TableSchema): [string, TableRule] | undefined {
  const names = [table.name, table.partitionOf, table.shadowOf].filter((name) => name !== undefined);
  for (const name of names) {
    const rule = map.tables.get(name);
    if (rule !== undefined) return [name, rule];
  }
  return undefined;
}

function fits(rule: TableRule, table: TableSchema, schema: Schema): boolean {
  return (
    rule.kind !== 'linked' || neededBy(rule, table, schema).every(([where, name]) => hasColumn(where, name))
  );
}

/** The columns that a rule cannot do without; of a table that is not there, none. */
function neededBy(rule: Linked, table: TableSchema, schema: Schema): (readonly [TableSchema, string])[] {
  const own = [
    ...rule.links.flatMap(linkColumns),
    ...actionsOf(rule).flatMap((action) => [...valuesOf(action).keys()]),
    ...rule.largeObjects,
  ];
  const others = rule.links.flatMap(({ to }) => {
    const [target] = storedTables(schema, to.table);
    return target === undefined ? [] : to.columns.map((column) => [target, column] as const);
  });
  return [...own.map((column) => [table, column] as const), ...others];
}
