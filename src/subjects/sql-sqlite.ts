/**
 * The erasure in SQLite (3.34 and newer).
 *
 * Foreign keys are switched off: SQLite has no statement that deletes from several tables, so those that point at
 * each other could not be emptied, and ON DELETE would do more than was planned. They are checked beforehand instead.
 */
import type { JsonStep } from '../rows/json-path.ts';
import type { TableSchema } from '../sources/schema.ts';
import { comparable, isNumberText, JSON_VALUE, type Comparison } from './compare.ts';
import {
  goneName,
  idColumns,
  leadsOn,
  rowsName,
  sameRow,
  type Known,
  type LoopLink,
  type Side,
  type SqlEngine,
  type SqlTable,
} from './sql-engine.ts';
import { quoteName, quoteText, sqliteTable } from './sql-names.ts';

const temp = (name: string): string => `temp.${name}`;

export const sqliteSql: SqlEngine = {
  begin: ['PRAGMA foreign_keys = OFF;', 'PRAGMA secure_delete = ON;', 'BEGIN IMMEDIATE;'],
  temp,
  reference: (name) => sqliteTable(name),
  ids,
  createRows: (table) => {
    const columns = idColumns(table);
    // Without the same affinity, no index on these is used to find a row.
    const types = columns.map((id, index) => `${id} ${idTypes(table)[index] ?? ''}`);
    const key = [...columns, 'link'].join(', ');
    return `CREATE TEMPORARY TABLE ${rowsName(table)} (${types.join(', ')}, link INTEGER, PRIMARY KEY (${key}));`;
  },
  createAs: (table, name, query) =>
    `CREATE TEMPORARY TABLE ${name} AS\n${query};\nCREATE UNIQUE INDEX temp.${name}_ids ON ${name} (${idColumns(table).join(', ')});`,
  insertNew: (into, query) => `INSERT OR IGNORE INTO ${temp(into)}\n${query}`,
  side,
  known,
  text: textOf,
  json,
  loop,
  // The name of the constraint is what the error says; ROLLBACK takes the lists of rows with it, so that nothing that
  // a shell still runs after the error can delete anything.
  refuse: (number, count, message) => [
    `CREATE TEMPORARY TABLE holdfast_check_${number} (n CONSTRAINT ${quoteName(`holdfast: ${message.replace('# ', '')}`)} CHECK (n = 0));`,
    `INSERT OR ROLLBACK INTO temp.holdfast_check_${number} ${count};`,
  ],
  constant: (value, type) =>
    /blob/i.test(type) && /^\\x([0-9a-f]{2})*$/i.test(value) ? `X'${value.slice(2)}'` : quoteText(value),
  pseudonym: () => `'erased-' || lower(hex(randomblob(8)))`,
  // No such thing in SQLite, and `subjects check` knows it.
  unlink: (numbers) => `${numbers};`,
  update: 'UPDATE OR ROLLBACK',
  deleteAll: (tables) => tables.flatMap(deleteFrom),
};

/** The primary key where it is one for every row (a table WITHOUT ROWID has nothing else), or the rowid. */
function ids(table: TableSchema): readonly string[] {
  const names = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  const key = table.primaryKey.map((name) => table.columns.find((column) => column.name === name));
  if (key.length > 0 && key.every((column) => column?.nullable === false))
    return table.primaryKey.map(quoteName);
  return [table.rowid ?? ROWID_NAMES.find((name) => !names.has(name)) ?? 'rowid'].map(quoteName);
}

function idTypes({ schema, ids: columns }: SqlTable): readonly string[] {
  const typed = new Map(
    schema.columns.map(({ name, type }) => [quoteName(name), AFFINITY_TYPES[affinityOf(type)]]),
  );
  return columns.map((id) => typed.get(id) ?? 'INTEGER');
}

const AFFINITY_TYPES: Readonly<Record<Affinity, string>> = {
  integer: 'INTEGER',
  text: 'TEXT',
  blob: 'BLOB',
  number: 'NUMERIC',
};

const ROWID_NAMES = ['rowid', '_rowid_', 'oid'];

type Affinity = 'integer' | 'text' | 'blob' | 'number';

/** Datatypes In SQLite, 3.1 (sqlite.org/datatype3.html). */
function affinityOf(type: string): Affinity {
  if (/int/i.test(type)) return 'integer';
  if (/char|clob|text/i.test(type)) return 'text';
  return type === '' || /blob/i.test(type) ? 'blob' : 'number';
}

/** How the value is compared: as it is where an index may help and the result is the same, else by its text. */
function side({ sql, type, against, comparison: { form, kind } }: Side): string {
  const text = textOf(sql, type);
  switch (form) {
    case 'exact':
      break;
    case 'trim':
      return `nullif(trim(${text}, ${WHITE}), '')`;
    case 'lower':
      return `nullif(lower(trim(${text}, ${WHITE})), '')`;
    case 'digits':
      return digitsOf(text);
  }
  if (kind === 'number') return sql;
  const affinity = affinityOf(type);
  if (type === JSON_VALUE || against === JSON_VALUE || affinity !== affinityOf(against)) return text;
  if (affinity === 'integer') return sql;
  // Whatever the column's own collation is: the texts are the same or they are not.
  return affinity === 'text' ? `${sql} COLLATE BINARY` : text;
}

/** JavaScript's white space, which is that of `canonical.ts`. */
const WHITE =
  'char(9, 10, 11, 12, 13, 32, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288, 65279)';

/** SQLite has no function that leaves characters out. */
function digitsOf(text: string): string {
  const step = `SELECT i + 1, d || CASE WHEN instr('0123456789', substr(x, i, 1)) THEN substr(x, i, 1) ELSE '' END, x FROM c WHERE i <= length(x)`;
  return `(WITH RECURSIVE c (i, d, x) AS (SELECT 1, '', ${text} UNION ALL ${step}) SELECT nullif(ltrim(d, '0'), '') FROM c WHERE i > length(x))`;
}

/** The text that a dump's value has: see `Value`. */
function textOf(sql: string, type: string): string {
  if (type === JSON_VALUE) return `CAST(${sql} AS TEXT) COLLATE BINARY`;
  const blob = `WHEN 'blob' THEN '\\x' || lower(hex(${sql}))`;
  return `CASE typeof(${sql}) ${blob} ELSE CAST(${sql} AS TEXT) END COLLATE BINARY`;
}

function known(value: string, type: string, comparison: Comparison): Known | undefined {
  const text = comparable(value, comparison);
  if (text === null) return undefined;
  const plain = (column: string) => column;
  if (comparison.form === 'exact' && comparison.kind === 'number') {
    // The cast gives it the affinity without which a text in JSON would not be taken for the number.
    return isNumberText(value)
      ? { text: value, sql: (column) => `CAST(${column} AS NUMERIC)`, type: 'NUMERIC' }
      : undefined;
  }
  if (comparison.form === 'exact' && type !== JSON_VALUE && affinityOf(type) === 'integer') {
    return /^(0|-?[1-9]\d*)$/.test(value) ? { text: value, sql: plain, type: 'INTEGER' } : undefined;
  }
  return { text, sql: plain, type: 'TEXT' };
}

/** Members and elements through json_each, which gives all members of the same name. */
function json(column: string, path: readonly JsonStep[], holds: (value: string) => string): string {
  const steps = path.map((step, index) => {
    const isMember = typeof step === 'object' && 'name' in step;
    const [wanted, nothing] = isMember ? ["'object'", "'{}'"] : ["'array'", "'[]'"];
    const [type, from] =
      index === 0 ? [`json_type(${column})`, column] : [`j${index}.type`, `j${index}.value`];
    const each = `json_each(CASE WHEN ${type} = ${wanted} THEN ${from} ELSE ${nothing} END) AS j${index + 1}`;
    if (step === '*') return { from: each, where: [] };
    const key = 'name' in step ? quoteText(step.name) : String(step.index);
    return { from: each, where: [`j${index + 1}.key = ${key}`] };
  });
  const last = `j${steps.length}`;
  const whole = `json_each(CASE WHEN json_type(${column}) IN ('object', 'array') THEN '{}' ELSE ${column} END) AS ${last}`;
  const from = steps.length === 0 ? [whole] : steps.map((step) => step.from);
  const value = `CASE ${last}.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE ${last}.value END`;
  const where = [
    ...steps.flatMap((step) => step.where),
    `${last}.type IN ('text', 'integer', 'real', 'true', 'false')`,
    holds(value),
  ];
  return `EXISTS (SELECT 1 FROM ${from.join(', ')} WHERE ${where.join(' AND ')})`;
}

/** One recursive query for all tables of the circle: SQLite has no other loop. */
function loop(links: readonly LoopLink[], number: number): readonly string[] {
  const tables = [
    ...new Map(
      links.flatMap(({ from, into }) => [from, into]).map((table) => [table.number, table]),
    ).values(),
  ];
  const width = Math.max(...tables.map(({ ids: columns }) => columns.length));
  const pad = (columns: readonly string[]) =>
    [...columns, ...new Array<string>(width - columns.length).fill('NULL')].join(', ');
  const start = tables.map(
    (table) => `  SELECT ${table.number}, link, ${pad(idColumns(table))} FROM ${temp(rowsName(table))}`,
  );
  const more = links.map(({ from, into, number: link, followed, each }) => {
    const rows = pad(into.ids.map((id) => `t.${id}`));
    return `  SELECT ${into.number}, ${link}, ${rows}
  FROM reached AS r CROSS JOIN ${from.reference} AS u CROSS JOIN ${into.reference} AS t
  WHERE r.t = ${from.number}${leadsOn(followed)} AND ${sameRow(from, 'u', 'r')} AND ${each}`;
  });
  const columns = Array.from({ length: width }, (_, index) => `r${index + 1}`).join(', ');
  const name = `holdfast_loop_${number}`;
  const create = `CREATE TEMPORARY TABLE ${name} AS
WITH RECURSIVE reached (t, link, ${columns}) AS (
${[...start, ...more].join('\n  UNION\n')}
)
SELECT * FROM reached;`;
  const insert = tables.map((table) => {
    const ids = idColumns(table).join(', ');
    return `INSERT OR IGNORE INTO ${temp(rowsName(table))} (${ids}, link) SELECT ${ids}, link FROM ${temp(name)} WHERE t = ${table.number};`;
  });
  return [create, ...insert];
}

function deleteFrom(table: SqlTable): readonly string[] {
  const own = table.ids.length === 1 ? (table.ids[0] ?? '') : `(${table.ids.join(', ')})`;
  const gone = `FROM ${table.reference} WHERE ${own} IN (SELECT ${idColumns(table).join(', ')} FROM ${temp(goneName(table))})`;
  const left = `holdfast_left_${table.number}`;
  const message = quoteName(`holdfast: a trigger of ${table.name} kept rows from being deleted`);
  return [
    `DELETE ${gone};`,
    `CREATE TEMPORARY TABLE ${left} (n CONSTRAINT ${message} CHECK (n = 0));`,
    `INSERT OR ROLLBACK INTO ${temp(left)} SELECT count(*) ${gone};`,
  ];
}
