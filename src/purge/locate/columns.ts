/** The columns of a table that a search may ever be asked for: those of rows that are found are kept, no others. */
import { valuesOf, actionsOf } from '../../subjects/map.ts';
import { columnsOf, uniquesOf, type LinkedTable, type Relations } from '../../subjects/relations.ts';
import type { SubjectMap } from '../../subjects/map.ts';

/** By the table's name, for every table of the relations, and for those that foreign keys lead to or from. */
export function columnsByTable(
  map: SubjectMap,
  relations: Relations,
): ReadonlyMap<string, ReadonlySet<string>> {
  const wanted = new Map<string, Set<string>>();
  const want = (table: string, columns: Iterable<string>): void => {
    const known = wanted.get(table) ?? new Set();
    wanted.set(table, known);
    for (const column of columns) known.add(column);
  };
  for (const table of relations.tables) {
    want(table.name, ownColumns(table, map, relations));
    for (const { match, targets, targetColumns } of table.links) {
      want(table.name, columnsOf(match));
      for (const target of targets) want(target, targetColumns);
    }
  }
  for (const { table, parents, key } of relations.references) {
    want(table.name, key.columns);
    for (const parent of parents) want(parent.name, key.referenced);
  }
  return wanted;
}

function ownColumns(
  { schema, rule, isRoot }: LinkedTable,
  map: SubjectMap,
  relations: Relations,
): readonly string[] {
  return [
    ...uniquesOf(schema, relations.schema).flat(),
    ...rule.largeObjects,
    ...actionsOf(rule).flatMap((action) => [...valuesOf(action).keys()]),
    ...(isRoot ? [...map.root.key, ...map.root.lookup.keys()] : []),
  ];
}
