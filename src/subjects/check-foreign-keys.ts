/** Foreign keys that would point at rows which are gone. */
import type { ForeignKey, TableSchema } from '../sources/schema.ts';
import { problem, warning, type Finding, type CheckContext } from './finding.ts';
import { actionOf, actionsOf, ruleFor, type Action, type Link, type Linked, type TableRule } from './map.ts';

export function checkForeignKeys(context: CheckContext): readonly Finding[] {
  const { schema, map } = context;
  // A partition has the keys of its whole once more.
  return schema.tables
    .filter(({ partitionOf }) => partitionOf === undefined)
    .flatMap((table) => {
      const rule = ruleFor(map, table);
      if (rule === undefined) return [];
      return table.foreignKeys.flatMap((key) => checkKey(context, table, rule, key));
    });
}

function checkKey(
  { map, table: find, pathOf }: CheckContext,
  table: TableSchema,
  rule: TableRule,
  key: ForeignKey,
): readonly Finding[] {
  const target = map.tables.get(find(key.references)?.partitionOf ?? key.references);
  if (target?.kind !== 'linked' || !mayDelete(target)) return [];
  const link = rule.kind === 'linked' ? rule.links.find((each) => isSame(each, key)) : undefined;
  if (rule.kind !== 'linked' || link === undefined) {
    const text = `is no link: a row that points at a deleted row of ${key.references} would refuse a plan`;
    return [warning(pathOf(rule), `the foreign key ${key.name} (${key.columns.join(', ')}) ${text}`)];
  }
  return dangling(pathOf, table, rule, link, key, alwaysDeletes(target));
}

/** A row that came in by this very key points at a row that goes: it has to go too, or let go. */
function dangling(
  pathOf: CheckContext['pathOf'],
  table: TableSchema,
  rule: Linked,
  link: Link,
  key: ForeignKey,
  isCertain: boolean,
): readonly Finding[] {
  const action = actionOf(rule, link);
  if (action.do === 'delete' || letsGo(action, key)) return [];
  const canBeNull = key.columns.some((column) =>
    table.columns.some(({ name, nullable }) => name === column && nullable),
  );
  const advice = canBeNull
    ? `set ${key.columns.join(' or ')} to null`
    : `${key.columns.join(', ')} cannot be null, so keep the row of ${key.references} too (and set its columns), or delete both`;
  const message = `rows stay, and by the foreign key ${key.name} point at rows of ${key.references} that go: ${advice}`;
  return [isCertain ? problem(pathOf(link), message) : warning(pathOf(link), message)];
}

/** A foreign key with a null in it points nowhere (MATCH SIMPLE). */
function letsGo(action: Exclude<Action, { do: 'delete' }>, key: ForeignKey): boolean {
  return key.columns.some((column) => action.values.get(column) === null);
}

function isSame(link: Link, key: ForeignKey): boolean {
  return (
    link.kind === 'columns' &&
    link.to.table === key.references &&
    link.columns.length === key.columns.length &&
    link.columns.every((column, at) => key.referenced[key.columns.indexOf(column)] === link.to.columns[at])
  );
}

function mayDelete(rule: Linked): boolean {
  return actionsOf(rule).some((action) => action.do === 'delete');
}

function alwaysDeletes(rule: Linked): boolean {
  return actionsOf(rule).every((action) => action.do === 'delete');
}
