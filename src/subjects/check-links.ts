/** Can the two sides of a link ever be equal, and are they in the dump at all? */
import { isKeyPattern } from '../rows/key-pattern.ts';
import { isPathPattern } from '../rows/path-pattern.ts';
import { fullType, type ColumnSchema, type TableSchema } from '../sources/schema.ts';
import { uncollated } from './compare.ts';
import { didYouMean, problem, warning, type Finding, type CheckContext } from './finding.ts';
import type { ColumnLink, JsonLink, Link } from './map.ts';
import { hasColumn, optionalOf } from './narrow.ts';
import { familyOf, ignoresCase, incomparable, isPadded } from './types.ts';

export function checkLinks(context: CheckContext): readonly Finding[] {
  return [...context.map.tables].flatMap(([name, rule]) => {
    const table = context.table(name);
    if (rule.kind !== 'linked' || table === undefined) return [];
    return rule.links.flatMap((link) => checkLink(context, table, link));
  });
}

function checkLink(context: CheckContext, table: TableSchema, link: Link): readonly Finding[] {
  const target = context.table(link.to.table);
  if (target === undefined) return [];
  const missing = missingThere(context, target, link);
  if (missing.length > 0) return missing;
  return [
    ...notInDump(context, table, link),
    ...(link.kind === 'json'
      ? checkJson(context, table, target, link)
      : link.columns.flatMap((_, at) => checkPair(context, table, target, link, at))),
  ];
}

function missingThere({ map, pathOf }: CheckContext, target: TableSchema, link: Link): readonly Finding[] {
  const optional = optionalOf(map.tables.get(target.name));
  return link.to.columns
    .filter((column) => !hasColumn(target, column) && !optional.includes(column))
    .map((column) => {
      const near = didYouMean(
        column,
        target.columns.map(({ name }) => name),
      );
      return problem(pathOf(link), `${target.name} has no column ${column}${near}`);
    });
}

/** Generated columns are not dumped, so nothing can be looked up by them. */
function notInDump(
  { table: find, pathOf }: CheckContext,
  table: TableSchema,
  link: Link,
): readonly Finding[] {
  const own = link.kind === 'json' ? [link.column] : link.columns;
  const sides = [
    { table, columns: [...own, ...link.when.keys()] },
    { table: find(link.to.table) ?? table, columns: link.to.columns },
  ];
  return sides.flatMap((side) =>
    side.columns
      .filter((column) => side.table.columns.some(({ name, generated }) => name === column && generated))
      .map((column) =>
        problem(pathOf(link), `${side.table.name}.${column} is computed by the database and in no dump`),
      ),
  );
}

function checkPair(
  { pathOf, options }: CheckContext,
  table: TableSchema,
  target: TableSchema,
  link: ColumnLink,
  at: number,
): readonly Finding[] {
  const own = columnOf(table, link.columns[at]);
  const other = columnOf(target, link.to.columns[at]);
  if (own === undefined || other === undefined) return [];
  const path = [...pathOf(link), own.name];
  if (familyOf(own.type) === 'json') {
    return [problem(path, `is ${own.type}: look into it with json: { ${own.name}: $.path }`)];
  }
  const never = incomparable(own.type, other.type);
  if (never !== undefined) return [problem(path, never)];
  if (options.engine === 'mysql') return checkCollations(own, other, link, path);
  return doubts(own, other, link).map((doubt) => warning(path, doubt));
}

function checkCollations(
  own: ColumnSchema,
  other: ColumnSchema,
  { canonical }: Link,
  path: readonly PropertyKey[],
): readonly Finding[] {
  const why = canonical === 'exact' ? uncollated([fullType(own), fullType(other)]) : undefined;
  return why === undefined ? [] : [problem(path, `${why}: add canonical: lower`)];
}

/** Pairs that the database takes for equal and whose text in a dump may differ. */
function doubts(own: ColumnSchema, other: ColumnSchema, { canonical }: Link): readonly string[] {
  const types = [own.type, other.type];
  if (types.some(ignoresCase) && canonical !== 'lower')
    return ['the database compares these without regard to case: add canonical: lower'];
  if (types.some(isPadded) && own.type !== other.type && canonical === 'exact')
    return [`${own.type} and ${other.type} differ in blanks at the end: add canonical: trim`];
  if (types.some((type) => familyOf(type) === 'number') && own.type !== other.type)
    return [`${own.type} and ${other.type} may print the same number in two ways`];
  return [];
}

function checkJson(
  { pathOf, options }: CheckContext,
  table: TableSchema,
  target: TableSchema,
  link: JsonLink,
): readonly Finding[] {
  const own = columnOf(table, link.column);
  const other = columnOf(target, link.to.columns[0]);
  if (own === undefined || other === undefined) return [];
  if (isPathPattern(link.path)) {
    return options.engine === 'files' ? [] : [problem(pathOf(link), 'paths are for files')];
  }
  if (isKeyPattern(link.path)) {
    return options.engine === 'redis' ? [] : [problem(pathOf(link), 'keys are for Redis')];
  }
  if (!['json', 'text', 'any'].includes(familyOf(own.type))) {
    return [problem(pathOf(link), `${link.column} is ${own.type}, which holds no JSON`)];
  }
  if (['json', 'array', 'bytes'].includes(familyOf(other.type))) {
    return [
      problem(pathOf(link), `${target.name}.${other.name} is ${other.type}, which no value in JSON equals`),
    ];
  }
  return [];
}

function columnOf(table: TableSchema, name: string | undefined): ColumnSchema | undefined {
  return table.columns.find((column) => column.name === name);
}
