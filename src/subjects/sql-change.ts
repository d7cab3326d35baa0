/** Statements that decide what happens to each listed row, check what that would break, and do it. */
import type { Replacement } from './map.ts';
import type { Reference } from './relations.ts';
import { goneName, rowsName, sameRow, setName, type SqlEngine, type SqlTable } from './sql-engine.ts';
import { columnOf, idList, isAmong, typeOf } from './sql-find.ts';
import { quoteName, quoteText } from './sql-names.ts';
import type { ColumnSets, PlannedTable, SqlPlan } from './sql-plan.ts';

/** Lists the rows that go, and those that change with the number that sets each column: see `outcomeFor`. */
export function decideRows(table: PlannedTable, engine: SqlEngine): readonly string[] {
  const rows = engine.temp(rowsName(table));
  const ids = idList(table);
  const first = `min(link) IN (${table.deleting.join(', ')})`;
  const statements: string[] = [];
  if (table.deleting.length > 0) {
    statements.push(
      engine.createAs(table, goneName(table), `SELECT ${ids} FROM ${rows} GROUP BY ${ids} HAVING ${first}`),
    );
  }
  if (table.sets.length > 0) {
    const marks = table.sets.map(
      ({ mark, values }) => `${markOf(values.map(([number]) => number))} AS ${mark}`,
    );
    const setting = [...new Set(table.sets.flatMap(({ values }) => values.map(([number]) => number)))];
    const having = [
      ...(table.deleting.length > 0 ? [`NOT (${first})`] : []),
      ...(setting.length < table.staying.length ? [`${markOf(setting)} IS NOT NULL`] : []),
    ];
    const which = having.length > 0 ? ` HAVING ${having.join(' AND ')}` : '';
    statements.push(
      engine.createAs(
        table,
        setName(table),
        `SELECT ${ids}, ${marks.join(', ')} FROM ${rows} GROUP BY ${ids}${which}`,
      ),
    );
  }
  return statements;
}

function markOf(numbers: readonly number[]): string {
  return `min(CASE WHEN link IN (${numbers.join(', ')}) THEN link END)`;
}

/** Refuses what `integrity.ts` calls dangling and no-parent; the engines themselves refuse the other problems. */
export function checkReferences(
  references: readonly Reference[],
  plan: SqlPlan,
  engine: SqlEngine,
): readonly string[] {
  const seen = new Set<string>();
  let number = 0;
  return references.flatMap((reference) => {
    const child = plan.tableOf(reference.table);
    const parents = [...new Set(reference.parents.map((parent) => plan.tableOf(parent)))];
    const { columns, referenced, name, references: to } = reference.key;
    const what = JSON.stringify([child.name, columns, parents.map((parent) => parent.name), referenced]);
    if (seen.has(what)) return [];
    seen.add(what);
    const place = { reference, child, parents, plan, engine };
    const checks = [
      [
        dangling(place),
        `# rows of ${child.name} would stay and point at rows of ${to} that go (foreign key ${name})`,
      ],
      [withoutParent(place), `# rows of ${child.name} would point at no row of ${to} (foreign key ${name})`],
    ] as const;
    return checks.flatMap(([count, message]) => {
      if (count === undefined) return [];
      number += 1;
      return engine.refuse(number, count, message);
    });
  });
}

interface Place {
  readonly reference: Reference;
  readonly child: SqlTable;
  readonly parents: readonly SqlTable[];
  readonly plan: SqlPlan;
  readonly engine: SqlEngine;
}

/** Counts rows that stay as they are and point at what goes; undefined when nothing can. */
function dangling(place: Place): string | undefined {
  const { reference, child, parents, engine } = place;
  const { columns, referenced } = reference.key;
  const gone = parents.flatMap((parent) => {
    const sides = keySides(reference, child, parent, engine).map(({ parentSide }) => parentSide('p'));
    return goneRows(parent, referenced, place).map(
      ({ name, where }) =>
        `SELECT ${sides.join(', ')} FROM ${name} AS x JOIN ${parent.reference} AS p ON ${sameRow(parent, 'p', 'x')}${where}`,
    );
  });
  const [parent] = parents;
  if (gone.length === 0 || parent === undefined) return undefined;
  const own = keySides(reference, child, parent, engine).map(({ childSide }, index) =>
    childSide(columnOf('c', columns[index] ?? '')),
  );
  const pointing = gone.map((query) => isAmong(own, query)).join(' OR ');
  const conditions = [`(${pointing})`, ...staying(child, columns, 'c', place)];
  return `SELECT count(*) FROM ${child.reference} AS c WHERE ${conditions.join(' AND ')}`;
}

/** Counts rows whose foreign key is set to what is not there, or goes; undefined when none is set. */
function withoutParent(place: Place): string | undefined {
  const { reference, child, parents, plan, engine } = place;
  const { columns, referenced } = reference.key;
  const planned = plan.planned(child.number);
  const sets = planned?.sets.filter(({ column }) => columns.includes(column)) ?? [];
  if (planned === undefined || sets.length === 0) return undefined;
  // With NULL in one of its columns, a foreign key points nowhere.
  if (
    sets.some(
      ({ values }) => values.length === planned.staying.length && values.every(([, value]) => value === null),
    )
  )
    return undefined;
  const after = columns.map((column) => {
    const set = sets.find((other) => other.column === column);
    return set === undefined ? columnOf('c', column) : valueOf(set, planned, 'c', engine);
  });
  const there = parents.map((parent) => {
    const pairs = keySides(reference, child, parent, engine).map(
      ({ parentSide, childSide }, index) => `${parentSide('p')} = ${childSide(after[index] ?? 'NULL')}`,
    );
    const stays = staying(parent, referenced, 'p', place);
    return `NOT EXISTS (SELECT 1 FROM ${parent.reference} AS p WHERE ${[...pairs, ...stays].join(' AND ')})`;
  });
  const complete = after.map((value) => `${value} IS NOT NULL`);
  return `SELECT count(*) FROM ${child.reference} AS c JOIN ${engine.temp(setName(child))} AS s ON ${sameRow(child, 'c', 's')}
WHERE (${sets.map(({ mark }) => `s.${mark} IS NOT NULL`).join(' OR ')}) AND ${[...complete, ...there].join(' AND ')}`;
}

/** A temporary table of rows that are deleted, or of which one of some columns is set. */
interface GoneRows {
  readonly name: string;
  /** A further condition on its rows `x`. */
  readonly where: string;
}

function goneRows(table: SqlTable, columns: readonly string[], { plan, engine }: Place): readonly GoneRows[] {
  const planned = plan.planned(table.number);
  if (planned === undefined) return [];
  const sets = planned.sets.filter(({ column }) => columns.includes(column));
  const isSet = sets.map(({ mark }) => `x.${mark} IS NOT NULL`).join(' OR ');
  return [
    ...(planned.deleting.length > 0 ? [{ name: engine.temp(goneName(table)), where: '' }] : []),
    ...(sets.length > 0 ? [{ name: engine.temp(setName(table)), where: ` AND (${isSet})` }] : []),
  ];
}

/** True when the row `alias` is in none of them. */
function staying(
  table: SqlTable,
  columns: readonly string[],
  alias: string,
  place: Place,
): readonly string[] {
  return goneRows(table, columns, place).map(
    ({ name, where }) =>
      `NOT EXISTS (SELECT 1 FROM ${name} AS x WHERE ${sameRow(table, alias, 'x')}${where})`,
  );
}

interface KeySide {
  readonly childSide: (sql: string) => string;
  readonly parentSide: (alias: string) => string;
}

function keySides(
  { key, comparisons }: Reference,
  child: SqlTable,
  parent: SqlTable,
  engine: SqlEngine,
): readonly KeySide[] {
  return comparisons.map((comparison, index) => {
    const column = key.referenced[index] ?? '';
    const [own, other] = [typeOf(child, key.columns[index] ?? ''), typeOf(parent, column)];
    return {
      childSide: (sql) => engine.side({ sql, type: own, against: other, comparison }),
      parentSide: (alias) =>
        engine.side({ sql: columnOf(alias, column), type: other, against: own, comparison }),
    };
  });
}

/** Removes the large objects of rows that go, and those whose number is set to something else. */
export function unlinkObjects(table: PlannedTable, engine: SqlEngine): readonly string[] {
  return table.largeObjects.flatMap((column): string[] => {
    const mark = table.sets.find((set) => set.column === column)?.mark;
    const numbers = (name: string, more: string) =>
      `SELECT ${columnOf('t', column)} FROM ${table.reference} AS t JOIN ${engine.temp(name)} AS x ON ${sameRow(table, 't', 'x')}${more}`;
    const queries = [
      ...(table.deleting.length > 0 ? [numbers(goneName(table), '')] : []),
      ...(mark === undefined ? [] : [numbers(setName(table), ` AND x.${mark} IS NOT NULL`)]),
    ];
    return queries.length === 0 ? [] : [engine.unlink(queries.join('\nUNION\n'))];
  });
}

/** Sets what is to be set, in one statement for each table. */
export function changeRows(table: PlannedTable, engine: SqlEngine): readonly string[] {
  if (table.sets.length === 0) return [];
  const sets = table.sets.map((set) => [set.column, valueOf(set, table, 't', engine)] as const);
  if (engine.change) return engine.change(table, sets);
  const values = sets.map(([column, value]) => `${quoteName(column)} = ${value}`);
  const rows = `FROM ${engine.temp(setName(table))} AS s WHERE ${sameRow(table, 't', 's')}`;
  return [`${engine.update} ${table.reference} AS t SET ${values.join(', ')}\n${rows};`];
}

/** What a column of a row `alias` with the marks `s` becomes. */
function valueOf(
  { column, mark, values }: ColumnSets,
  table: PlannedTable,
  alias: string,
  engine: SqlEngine,
): string {
  const type = typeOf(table, column);
  const [first] = values;
  const isAlways = values.length === table.staying.length;
  if (
    first !== undefined &&
    isAlways &&
    values.every(([, value]) => isSame(value, first[1])) &&
    alias === 't'
  ) {
    return replacementSql(first[1], type, engine);
  }
  const whens = values.map(([number, value]) => `WHEN ${number} THEN ${replacementSql(value, type, engine)}`);
  return `CASE s.${mark} ${whens.join(' ')} ELSE ${columnOf(alias, column)} END`;
}

function isSame(one: Replacement, other: Replacement): boolean {
  return (
    one === other || (typeof one === 'object' && typeof other === 'object' && one !== null && other !== null)
  );
}

function replacementSql(value: Replacement, type: string, engine: SqlEngine): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' ? engine.constant(value, type) : engine.pseudonym(type);
}

/** How many rows of each table were deleted and changed, and stay as they were. */
export function summary(tables: readonly PlannedTable[], engine: SqlEngine): string {
  const lines = tables.map((table) => {
    const all = `(SELECT count(*) FROM (SELECT DISTINCT ${idList(table)} FROM ${engine.temp(rowsName(table))}) AS a)`;
    const counted = (exists: boolean, name: string) =>
      exists ? `(SELECT count(*) FROM ${engine.temp(name)})` : '0';
    const deleted = counted(table.deleting.length > 0, goneName(table));
    const changed = counted(table.sets.length > 0, setName(table));
    return `SELECT ${quoteText(table.name)} AS "table", ${deleted} AS deleted, ${changed} AS changed, ${all} - ${deleted} - ${changed} AS kept`;
  });
  return `${lines.join('\nUNION ALL ')};`;
}
