/** Statements that list the subject's rows in temporary tables. */
import { parseJsonPath } from '../rows/json-path.ts';
import { fullType } from '../sources/schema.ts';
import type { Subject } from './closure.ts';
import { JSON_VALUE, type Comparison } from './compare.ts';
import { ASKED_FOR } from './outcome.ts';
import type { ColumnMatch, Match } from './relations.ts';
import {
  idColumns,
  idsOf,
  leadsOn,
  rowsName,
  sameRow,
  type LoopLink,
  type SqlEngine,
  type SqlTable,
} from './sql-engine.ts';
import { quoteName, quoteText } from './sql-names.ts';
import type { PlannedLink, PlannedTable, SqlPlan } from './sql-plan.ts';

/** What the statements are made from. */
export interface FindInput {
  readonly plan: SqlPlan;
  readonly subjects: readonly Subject[];
  /** How these columns of the root are compared with what was asked for. */
  readonly asked: (root: PlannedTable, by: readonly string[]) => ColumnMatch;
  readonly engine: SqlEngine;
}

/** The statements for tables that lead to each other, after those for all that they link to. */
export function findRows(part: readonly PlannedTable[], input: FindInput): readonly string[] {
  const { plan, subjects, engine } = input;
  const inner = new Set(part.map(({ number }) => number));
  const once = part.flatMap((table): string[] => [
    ...(table.isRoot ? askedRows(table, input) : []),
    ...table.links.flatMap((link): string[] => [
      ...knownRows(table, link, subjects, engine),
      ...link.targets
        .filter((number) => !inner.has(number))
        .flatMap((number) => plan.planned(number) ?? [])
        .map((from) => `${linkedRows(table, link, from, engine)};`),
    ]),
  ]);
  const again = part.flatMap((table) =>
    table.links.flatMap((link): LoopLink[] => {
      const others = part.filter(({ number }) => link.targets.includes(number));
      return others.map((from) => loopLink(table, link, from, engine));
    }),
  );
  const [first] = part;
  if (again.length === 0 || first === undefined) return once;
  return [...once, ...engine.loop(again, first.number)];
}

/** A side for each part of a key: the row `t`'s own columns, or a value found inside JSON. */
type Holds = (own: readonly string[]) => string;

/** True for rows `t` that match; `against` are the types that they are compared with. */
function condition(
  table: SqlTable,
  match: Match,
  against: readonly string[],
  holds: Holds,
  engine: SqlEngine,
): string {
  const sideOf = (sql: string, type: string, index: number) =>
    engine.side({ sql, type, against: against[index] ?? '', comparison: comparisonAt(match, index) });
  const matching =
    match.kind === 'columns'
      ? holds(
          match.columns.map((column, index) => sideOf(columnOf('t', column), typeOf(table, column), index)),
        )
      : engine.json(columnOf('t', match.column), parseJsonPath(match.path), (value) =>
          holds([sideOf(value, JSON_VALUE, 0)]),
        );
  if (match.when.size === 0) return matching;
  const when = [...match.when].map(([column, value]) => {
    const sql = columnOf('t', column);
    return value === null
      ? `${sql} IS NULL`
      : `${engine.text(sql, typeOf(table, column))} = ${quoteText(value)}`;
  });
  if (match.kind === 'columns') return [...when, matching].join(' AND ');
  // In this order: what a row of another kind has in the column need not be JSON.
  return `CASE WHEN ${when.join(' AND ')} THEN ${matching} ELSE ${FALSE} END`;
}

const FALSE = '1 = 0';

function askedRows(table: PlannedTable, { subjects, asked, engine }: FindInput): readonly string[] {
  const byColumns = Map.groupBy(subjects, ({ by }) => JSON.stringify(by));
  return [...byColumns.values()].flatMap((group) => {
    const match = asked(table, group[0]?.by ?? []);
    return rowsOfKnown(table, ASKED_FOR, match, match.columns, group, engine);
  });
}

/** Rows that link to the root, by what is known of the subjects: their own rows may be gone. */
function knownRows(
  table: PlannedTable,
  { relation }: PlannedLink,
  subjects: readonly Subject[],
  engine: SqlEngine,
): readonly string[] {
  if (!relation.toRoot) return [];
  return rowsOfKnown(table, relation.number, relation.match, relation.targetColumns, subjects, engine);
}

function rowsOfKnown(
  table: PlannedTable,
  number: number,
  match: Match,
  columns: readonly string[],
  subjects: readonly Subject[],
  engine: SqlEngine,
): readonly string[] {
  const types = match.kind === 'json' ? [JSON_VALUE] : match.columns.map((column) => typeOf(table, column));
  const tuples = subjects.flatMap(({ known }) => {
    const parts = columns.flatMap((column, index) => {
      const value = known.get(column);
      if (value === undefined) return [];
      return engine.known(value, types[index] ?? '', comparisonAt(match, index)) ?? [];
    });
    return parts.length === columns.length ? [parts] : [];
  });
  const [first] = tuples;
  if (first === undefined) return [];
  const texts = tuples.map((parts) => parts.map(({ text }) => text));
  const values = engine.values?.(texts) ?? `VALUES ${texts.map(tuple).join(', ')}`;
  const keys = `SELECT ${first.map(({ sql }, index) => sql(`column${index + 1}`)).join(', ')} FROM (${values}) AS k`;
  const against = first.map(({ type }) => type);
  const where = condition(table, match, against, (own) => isAmong(own, keys), engine);
  return [`${engine.insertNew(rowsName(table), selectRows(table, number, where))};`];
}

function tuple(texts: readonly string[]): string {
  return `(${texts.map(quoteText).join(', ')})`;
}

/** Adds the rows that rows of `from` lead to. */
function linkedRows(
  table: PlannedTable,
  { relation }: PlannedLink,
  from: PlannedTable,
  engine: SqlEngine,
): string {
  const targetTypes = relation.targetColumns.map((column) => typeOf(from, column));
  const keys = `SELECT ${targetSides(relation, table, from, engine).join(', ')}
    FROM ${from.reference} AS u JOIN ${engine.temp(rowsName(from))} AS r ON ${sameRow(from, 'u', 'r')}${leadsOn(from.followed)}`;
  const where = condition(table, relation.match, targetTypes, (own) => isAmong(own, keys), engine);
  return engine.insertNew(rowsName(table), selectRows(table, relation.number, where));
}

function loopLink(table: PlannedTable, link: PlannedLink, from: PlannedTable, engine: SqlEngine): LoopLink {
  const { relation } = link;
  const targetTypes = relation.targetColumns.map((column) => typeOf(from, column));
  const others = targetSides(relation, table, from, engine);
  const isSame: Holds = (own) => own.map((sql, index) => `${sql} = ${others[index] ?? 'NULL'}`).join(' AND ');
  return {
    from,
    into: table,
    number: relation.number,
    ...(from.followed !== undefined && { followed: from.followed }),
    insert: linkedRows(table, link, from, engine),
    each: condition(table, relation.match, targetTypes, isSame, engine),
  };
}

/** The columns that a link leads to, of a row `u`. */
function targetSides(
  { match, targetColumns }: PlannedLink['relation'],
  table: SqlTable,
  from: SqlTable,
  engine: SqlEngine,
): readonly string[] {
  return targetColumns.map((column, index) => {
    const own = match.kind === 'json' ? JSON_VALUE : typeOf(table, match.columns[index] ?? '');
    return engine.side({
      sql: columnOf('u', column),
      type: typeOf(from, column),
      against: own,
      comparison: comparisonAt(match, index),
    });
  });
}

function selectRows(table: SqlTable, number: number, where: string): string {
  const ids = idsOf(table, 't').join(', ');
  return `SELECT ${ids}, ${number} FROM ${table.reference} AS t\nWHERE ${where}`;
}

/** True when these are together in a query's rows. */
export function isAmong(own: readonly string[], query: string): string {
  return `${own.length === 1 ? (own[0] ?? '') : `(${own.join(', ')})`} IN (${query})`;
}

export function columnOf(alias: string, column: string): string {
  return `${alias}.${quoteName(column)}`;
}

export function typeOf({ schema }: SqlTable, column: string): string {
  const found = schema.columns.find(({ name }) => name === column);
  return found === undefined ? '' : fullType(found);
}

function comparisonAt({ comparisons }: Match, index: number): Comparison {
  return comparisons[index] ?? { form: 'exact', kind: 'exact' };
}

/** The ids of a row, for SELECT and GROUP BY on a temporary table. */
export function idList(table: SqlTable): string {
  return idColumns(table).join(', ');
}
