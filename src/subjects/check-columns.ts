/** Are the columns there that a map names, and can they take what it puts into them? */
import type { ColumnSchema, TableSchema } from '../sources/schema.ts';
import { didYouMean, problem, type Finding, type CheckContext } from './finding.ts';
import { actionsOf, type Action, type Constant, type Linked, type Replacement } from './map.ts';
import { hasColumn } from './narrow.ts';
import { familyOf, PSEUDONYM_LENGTH, pseudonymFor } from './types.ts';

export function checkColumns(context: CheckContext): readonly Finding[] {
  const { map, table, pathOf } = context;
  const tables = [...map.tables].flatMap(([name, rule]) => {
    const schema = table(name);
    if (schema === undefined || rule.kind === 'rebuilt') return [];
    const listed = [rule.notPersonal ?? []];
    if (rule.kind === 'linked') listed.push(rule.text, rule.largeObjects);
    const optional = rule.kind === 'linked' ? rule.optional : [];
    return [
      ...listed.flatMap((columns) => unknownIn(schema, columns, optional, pathOf(columns))),
      ...(rule.kind === 'linked' ? checkLinked(context, schema, rule) : []),
    ];
  });
  return [...tables, ...checkRoot(context)];
}

function checkRoot({ map, table, pathOf }: CheckContext): readonly Finding[] {
  const root = table(map.root.table);
  if (root === undefined) return [];
  const at = pathOf(map.root);
  const rule = map.tables.get(map.root.table);
  const optional = rule?.kind === 'linked' ? rule.optional : [];
  const missing = [
    ...unknownIn(root, map.root.key, [], [...at, 'key']),
    ...[...map.root.lookup.keys()].flatMap((column) =>
      unknownIn(root, [column], optional, [...at, 'lookup', column]),
    ),
  ];
  if (missing.length > 0) return missing;
  const isUnique = [root.primaryKey, ...root.uniques].some((key) => sameColumns(key, map.root.key));
  if (isUnique) return [];
  return [problem([...at, 'key'], `is not unique in ${root.name}: it would take several subjects for one`)];
}

function checkLinked(context: CheckContext, schema: TableSchema, rule: Linked): readonly Finding[] {
  const { pathOf } = context;
  return [
    ...rule.links.flatMap((link) => {
      const at = pathOf(link);
      const columns = link.kind === 'json' ? [link.column] : link.columns;
      return [
        ...unknownIn(schema, columns, rule.optional, at),
        ...unknownIn(schema, [...link.when.keys()], rule.optional, pathOf(link.when)),
        ...[...link.when].flatMap(([column, value]) => {
          const wrong = unprintable(context, schema, column, value);
          return wrong === undefined ? [] : [problem([...pathOf(link.when), column], wrong)];
        }),
      ];
    }),
    ...actionsOf(rule).flatMap((action) => checkValues(context, schema, rule, action)),
  ];
}

function checkValues(
  context: CheckContext,
  schema: TableSchema,
  rule: Linked,
  action: Action,
): readonly Finding[] {
  if (action.do === 'delete') return [];
  const at = context.pathOf(action.values);
  return [...action.values].flatMap(([name, value]) => {
    const missing = unknownIn(schema, [name], rule.optional, [...at, name]);
    const column = columnOf(schema, name);
    if (missing.length > 0 || column === undefined) return missing;
    const wrong = unfit(context, schema, column, value, action.values);
    return wrong === undefined ? [] : [problem([...at, name], wrong)];
  });
}

/** Why a column cannot take this value. */
function unfit(
  context: CheckContext,
  table: TableSchema,
  column: ColumnSchema,
  value: Replacement,
  all: ReadonlyMap<string, Replacement>,
): string | undefined {
  if (column.generated) return 'is computed by the database: set the columns that it is made of';
  if (value === null)
    return column.nullable && !table.primaryKey.includes(column.name) ? undefined : NOT_NULL;
  if (typeof value === 'string') {
    const isKey = [table.primaryKey, ...table.uniques].some((key) => isConstant(key, column.name, all));
    if (isKey) return 'is unique, so two rows cannot have the same value: use { pseudonym: true }';
    return tooLong(column, value.length) ?? unprintable(context, table, column.name, value);
  }
  const isForeign = table.foreignKeys.some((key) => key.columns.includes(column.name));
  if (isForeign) return 'is a foreign key: a pseudonym would point nowhere';
  const pseudonym = pseudonymFor(column);
  if (pseudonym === undefined) return `cannot take a pseudonym, being ${column.type}`;
  return pseudonym.as === 'text' ? tooLong(column, PSEUDONYM_LENGTH) : undefined;
}

const NOT_NULL = 'must not be null: give it a value, or { pseudonym: true }';

/** True when all columns of the key would be the same in every row that is changed. */
function isConstant(key: readonly string[], column: string, all: ReadonlyMap<string, Replacement>): boolean {
  return key.includes(column) && key.every((each) => typeof all.get(each) === 'string');
}

function tooLong(column: ColumnSchema, length: number): string | undefined {
  const pseudonym = pseudonymFor(column);
  if (pseudonym?.as !== 'text' || pseudonym.most >= length) return undefined;
  return `is too short for it: ${column.type} has no room for ${length} characters`;
}

/** Why a value is not what the dump would print for a column. */
function unprintable(
  { options }: CheckContext,
  table: TableSchema,
  name: string,
  value: Constant,
): string | undefined {
  const column = columnOf(table, name);
  if (column === undefined || value === null) return undefined;
  const family = familyOf(column.type);
  if (options.engine === 'postgres' && family === 'boolean' && value !== 't' && value !== 'f') {
    return 'is a boolean, which a dump prints as t or f';
  }
  if (options.engine !== 'sqlite' && family === 'integer' && !/^-?(0|[1-9]\d*)$/.test(value)) {
    return `is ${column.type}, and '${value}' is no such number`;
  }
  return undefined;
}

/** One problem for each column that the table does not have, unless older schemas may lack it. */
function unknownIn(
  table: TableSchema,
  columns: readonly string[],
  optional: readonly string[],
  path: readonly PropertyKey[],
): readonly Finding[] {
  return columns
    .filter((column) => !hasColumn(table, column) && !optional.includes(column))
    .map((column) => {
      const near = didYouMean(
        column,
        table.columns.map(({ name }) => name),
      );
      return problem(path, `${table.name} has no column ${column}${near}`);
    });
}

function columnOf(table: TableSchema, name: string): ColumnSchema | undefined {
  return table.columns.find((column) => column.name === name);
}

function sameColumns(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((column) => other.includes(column));
}
