/** Large objects (PostgreSQL): they belong to no table, so they go only where a column is known to hold their numbers. */
import type { TableSchema } from '../sources/schema.ts';
import { problem, warning, type CheckContext, type Finding } from './finding.ts';
import type { Linked } from './map.ts';
import { familyOf } from './types.ts';

export function largeObjects(context: CheckContext): readonly Finding[] {
  const { map, schema, table: find, pathOf } = context;
  if (schema.largeObjects !== true || map.largeObjectsAreNobodys) return [];
  const linked = [...map.tables].flatMap(([name, rule]) => {
    const table = find(name);
    return rule.kind === 'linked' && table !== undefined ? [{ table, rule }] : [];
  });
  const findings = linked.flatMap(({ table, rule }) => numbersOf(context, table, rule));
  if (linked.some(({ rule }) => rule.largeObjects.length > 0)) return findings;
  const message =
    'the database has large objects: list the columns that hold their numbers (large_objects: [column]), ' +
    'or say large_objects: no_personal_data at the top of the file';
  return [problem(pathOf(map.tables), message, 'key'), ...findings];
}

function numbersOf({ pathOf }: CheckContext, table: TableSchema, rule: Linked): readonly Finding[] {
  const declared = [...rule.largeObjects, ...(rule.notPersonal ?? [])];
  const unfit = table.columns
    .filter(({ name, type }) => rule.largeObjects.includes(name) && !NUMBERS.has(familyOf(type)))
    .map(({ name, type }) =>
      problem(pathOf(rule.largeObjects), `${name} is ${type}, which is no number of a large object`),
    );
  const unsaid = table.columns
    .filter(({ name, type }) => familyOf(type) === 'oid' && !declared.includes(name))
    .map(({ name }) =>
      warning(
        pathOf(rule),
        `${name} may hold numbers of large objects: list it as large_objects or not_personal`,
      ),
    );
  return [...unfit, ...unsaid];
}

const NUMBERS: ReadonlySet<string> = new Set(['oid', 'integer', 'any']);
