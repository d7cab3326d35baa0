/**
 * The erasure in MariaDB (10.6 and newer: JSON_TABLE; one query may read a temporary table twice, which MySQL refuses).
 *
 * Foreign keys are switched off: InnoDB checks them row by row, so tables that point at each other could not be emptied,
 * and ON DELETE would do more than was planned. They are checked beforehand instead, at a level of isolation at which
 * what was read stays as it is until the end.
 */
import type { JsonStep } from '../rows/json-path.ts';
import { fullType, type TableSchema } from '../sources/schema.ts';
import { collationOf, type CollatedKind } from './collation.ts';
import { comparable, isNumberText, JSON_VALUE, type Comparison, type Kind } from './compare.ts';
import {
  goneName,
  idColumns,
  rowsName,
  sameRow,
  setName,
  type Known,
  type LoopLink,
  type Side,
  type SqlEngine,
  type SqlTable,
} from './sql-engine.ts';
import { quoteName, quoteText } from './sql-names.ts';
import { familyOf } from './types.ts';

export const mysqlSql: SqlEngine = {
  begin: [
    'SET NAMES utf8mb4;',
    // So that names and texts are written as in standard SQL, and nothing is cut off to fit.
    "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,ALLOW_INVALID_DATES';",
    'SET SESSION foreign_key_checks = 0;',
    'SET @holdfast_refused = 0;',
    'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;',
    'START TRANSACTION;',
  ],
  temp: (name) => name,
  reference: (name) => (name.startsWith('`') ? name : quoteName(name)),
  ids: (table) => (isKeyed(table) ? table.primaryKey.map(quoteName) : ['holdfast_row']),
  idSql: (table) => (isKeyed(table) ? undefined : (alias) => [rowHash(table, alias)]),
  createRows: (table) => {
    const ids = idColumns(table).map((id, index) => `${id} ${idType(table, index)} NOT NULL`);
    const key = [...idColumns(table), 'link'].join(', ');
    return `CREATE TEMPORARY TABLE ${rowsName(table)} (${ids.join(', ')}, link int NOT NULL, PRIMARY KEY (${key})) ENGINE=InnoDB;`;
  },
  createAs: (table, name, query) =>
    `CREATE TEMPORARY TABLE ${name} (PRIMARY KEY (${idColumns(table).join(', ')})) ENGINE=InnoDB AS\n${query};`,
  // Not INSERT IGNORE, which would ignore more than doubles.
  insertNew: (into, query) => `INSERT INTO ${into}\n${query}\nON DUPLICATE KEY UPDATE link = VALUES(link)`,
  values: (tuples) =>
    tuples
      .map(
        (texts) =>
          `SELECT ${texts.map((text, index) => `${quoteText(text)} AS column${index + 1}`).join(', ')}`,
      )
      .join(' UNION ALL '),
  side,
  known,
  text: (sql, type) => bytesOf(textOf(sql, type)),
  json,
  loop,
  refuse,
  constant,
  pseudonym: (type) =>
    familyOf(type) === 'uuid'
      ? 'UUID()'
      : `CONCAT('erased-', LEFT(SHA2(CONCAT(RAND(), UUID(), RAND()), 256), 16))`,
  // No such thing here, and `subjects check` knows it.
  unlink: (numbers) => `${numbers};`,
  update: 'UPDATE',
  change: (table, sets) => {
    const values = sets.map(([column, value]) => `t.${quoteName(column)} = ${value}`).join(', ');
    return guarded(
      `UPDATE ${table.reference} AS t JOIN ${setName(table)} AS s ON ${sameRow(table, 't', 's')}\nSET ${values}\nWHERE @holdfast_refused = 0`,
    );
  },
  deletesFirst: true,
  deleteAll: (tables) =>
    tables.flatMap((table) =>
      guarded(
        `DELETE t FROM ${table.reference} AS t JOIN ${goneName(table)} AS g ON ${sameRow(table, 't', 'g')}\nWHERE @holdfast_refused = 0`,
      ),
    ),
  end: (command) => [
    `SET @holdfast_do = IF(@holdfast_refused, 'ROLLBACK', ${quoteText(command)});`,
    ...EXECUTE,
  ],
};

const EXECUTE = ['PREPARE holdfast FROM @holdfast_do;', 'EXECUTE holdfast;', 'DEALLOCATE PREPARE holdfast;'];

/** A client that goes on after an error must not commit a part: ROW_COUNT() is -1 after one. */
function guarded(statement: string): readonly string[] {
  return [`${statement};`, 'SET @holdfast_refused = @holdfast_refused OR ROW_COUNT() < 0;'];
}

function refuse(_number: number, count: string, message: string): readonly string[] {
  const parts = message.split('#').map((part) => quoteText(part.replaceAll("'", "''")));
  const text = parts.join(', @holdfast_count, ');
  return [
    `SET @holdfast_count = (${count});`,
    'SET @holdfast_refused = @holdfast_refused OR @holdfast_count > 0;',
    `SET @holdfast_do = IF(@holdfast_count > 0, CONCAT('SIGNAL SQLSTATE ''45000'' SET MESSAGE_TEXT = ''holdfast: ', ${text}, ''''), 'DO 0');`,
    ...EXECUTE,
  ];
}

/** Bytes that the key of an index of InnoDB may have, less the number of the link. */
const KEY_BYTES_MAX = 3000;

/** True when the primary key can be the key of a temporary table as well. */
function isKeyed({ primaryKey, columns }: TableSchema): boolean {
  const sizes = primaryKey.map((name) =>
    keyBytes(columns.find((column) => column.name === name)?.type ?? ''),
  );
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  return sizes.length > 0 && size <= KEY_BYTES_MAX;
}

function keyBytes(type: string): number {
  const length = Number(/^(?:var)?(?:char|binary)\((\d+)\)/i.exec(type)?.[1] ?? NaN);
  if (!Number.isNaN(length)) return 4 * length;
  return ['integer', 'number', 'uuid', 'time'].includes(familyOf(type)) ? 32 : Infinity;
}

/** What names a row without a key: all its values. Rows that have them all alike are the same person's. */
function rowHash({ columns }: TableSchema, alias: string): string {
  const values = columns
    .filter(({ generated }) => !generated)
    .map(
      (column) => `COALESCE(SHA2(${textOf(`${alias}.${quoteName(column.name)}`, column.type)}, 256), '-')`,
    );
  return `CONVERT(SHA2(CONCAT_WS(' ', ${values.join(', ')}), 256) USING ascii) COLLATE ascii_bin`;
}

function idType({ schema }: SqlTable, index: number): string {
  if (!isKeyed(schema)) return 'char(64) COLLATE ascii_bin';
  const column = schema.columns.find(({ name }) => name === schema.primaryKey[index]);
  return column === undefined ? 'bigint' : fullType(column);
}

/** How the value is compared: as it is where an index may help and the result is the same, else by its text. */
function side({ sql, type, against, comparison: { form, kind } }: Side): string {
  const text = textOf(sql, type);
  switch (form) {
    case 'exact':
      return exactSide(sql, type, against, kind);
    case 'trim':
      return `NULLIF(${bytesOf(trimmed(text))}, '')`;
    case 'lower':
      return `NULLIF(${bytesOf(`LOWER(${trimmed(text)})`)}, '')`;
    case 'digits':
      return `NULLIF(${bytesOf(`TRIM(LEADING '0' FROM REGEXP_REPLACE(${text}, '[^0-9]', ''))`)}, '')`;
  }
}

function exactSide(sql: string, type: string, against: string, kind: Kind): string {
  if (kind === 'number') return type === JSON_VALUE || against === TEXT ? numberOf(sql) : sql;
  if (isPlain(type, against)) return sql;
  const text = textOf(sql, type);
  const collation = COLLATIONS[kind];
  if (collation === undefined) return bytesOf(text);
  const charset = collation.split('_', 1)[0] ?? '';
  return `CONVERT(${text} USING ${charset}) COLLATE ${collation}`;
}

/** A collation of each kind that compares as the column's does, whatever its character set. */
const COLLATIONS: Readonly<Partial<Record<Kind, string>> & Record<CollatedKind, string>> = {
  padded: 'utf8mb4_bin',
  general: 'utf8mb4_general_ci',
  swedish: 'latin1_swedish_ci',
  uca400: 'utf8mb4_unicode_ci',
  uca520: 'utf8mb4_unicode_520_ci',
  uca1400: 'utf8mb4_uca1400_ai_ci',
  uca900: 'utf8mb4_0900_ai_ci',
};

/** The type of what is known, where it is compared as text. */
const TEXT = 'text';

function isPlain(type: string, against: string): boolean {
  const collation = collationOf(type);
  if (collation !== undefined) return collation === collationOf(against);
  if (familyOf(type) === 'integer') return familyOf(against) === 'integer';
  return type === against && type !== JSON_VALUE && type !== TEXT;
}

/** JavaScript's white space, which is that of `canonical.ts`, in a class of PCRE. */
const WHITE = String.raw`[\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}]`;

function trimmed(text: string): string {
  return `REGEXP_REPLACE(${text}, '^${WHITE}+|${WHITE}+\\z', '')`;
}

function bytesOf(text: string): string {
  return `CAST(${text} AS BINARY)`;
}

/** The text that a dump's value has: see `Value`. */
function textOf(sql: string, type: string): string {
  if (type === JSON_VALUE) return sql;
  if (/^bit\b/i.test(type)) return `CONVERT(${sql} + 0 USING utf8mb4)`;
  // A dump has times of this kind in UTC.
  if (/^timestamp\b/i.test(type))
    return `CONVERT(COALESCE(CONVERT_TZ(${sql}, @@session.time_zone, '+00:00'), ${sql}) USING utf8mb4)`;
  const areBytes = familyOf(type) === 'bytes' || GEOMETRY.test(type);
  return areBytes ? `CONCAT('\\x', LOWER(HEX(${sql})))` : `CONVERT(${sql} USING utf8mb4)`;
}

const GEOMETRY = /^(geometry|point|linestring|polygon|multi|geometrycollection)/i;

const DECIMAL = String.raw`^[+-]?([0-9]{1,40}(\.[0-9]{0,20})?|\.[0-9]{1,20})\z`;
const REAL = String.raw`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\z`;

/** A text as a number, NULL where it is none. */
function numberOf(text: string): string {
  const real = `CASE WHEN ${text} REGEXP '${REAL}' THEN CAST(${text} AS DOUBLE) END`;
  return `CASE WHEN ${text} REGEXP '${DECIMAL}' THEN CAST(${text} AS DECIMAL(65, 20)) ELSE ${real} END`;
}

function known(value: string, type: string, comparison: Comparison): Known | undefined {
  const text = comparable(value, comparison);
  if (text === null) return undefined;
  const { form, kind } = comparison;
  if (form !== 'exact') return { text, sql: bytesOf, type: TEXT };
  if (kind === 'number')
    return isNumberText(value) ? { text: value, sql: numberOf, type: 'decimal' } : undefined;
  if (familyOf(type) === 'integer') {
    const isInteger = /^(0|-?[1-9]\d{0,19})$/.test(value);
    return isInteger
      ? { text: value, sql: (column) => `CAST(${column} AS DECIMAL(20))`, type: 'bigint' }
      : undefined;
  }
  const collation = collationOf(type);
  if (collation === undefined) return { text: value, sql: bytesOf, type: TEXT };
  const charset = collation.split('_', 1)[0] ?? '';
  return { text: value, sql: (column) => `CONVERT(${column} USING ${charset}) COLLATE ${collation}`, type };
}

/**
 * Members and elements one by one: as a whole, a path would take `[0]` of what is no list for the thing itself. Of
 * several members of the same name the server sees the first only.
 */
function json(column: string, path: readonly JsonStep[], holds: (value: string) => string): string {
  const from: string[] = [];
  let at = `CONVERT(${column} USING utf8mb4)`;
  for (const step of path) {
    if (step === '*') {
      const name = `j${from.length + 1}`;
      const list = `CASE WHEN JSON_TYPE(${at}) = 'ARRAY' THEN ${at} ELSE '[]' END`;
      from.push(`JSON_TABLE(${list}, '$[*]' COLUMNS (v JSON PATH '$')) AS ${name}`);
      at = `${name}.v`;
      continue;
    }
    const [type, key] =
      'name' in step ? ['OBJECT', `$.${JSON.stringify(step.name)}`] : ['ARRAY', `$[${step.index}]`];
    at = `CASE WHEN JSON_TYPE(${at}) = '${type}' THEN JSON_EXTRACT(${at}, ${quoteText(key)}) END`;
  }
  const value = `CASE WHEN JSON_TYPE(${at}) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL WHEN JSON_TYPE(${at}) = 'STRING' THEN JSON_VALUE(${at}, '$') ELSE ${at} END`;
  if (from.length === 0) return holds(value);
  return `EXISTS (SELECT 1 FROM ${from.join(', ')} WHERE ${holds(value)})`;
}

/** A block as a text, in which semicolons do not end anything for the client. */
function loop(links: readonly LoopLink[]): readonly string[] {
  const steps = links.map(({ insert }) => `${insert};\nSET added = added + ROW_COUNT();`);
  const body = `BEGIN NOT ATOMIC
DECLARE added bigint;
REPEAT
SET added = 0;
${steps.join('\n')}
UNTIL added = 0 END REPEAT;
END`;
  return [`EXECUTE IMMEDIATE ${quoteText(body)};`];
}

function constant(value: string, type: string): string {
  if (/^\\x([0-9a-f]{2})*$/i.test(value) && (familyOf(type) === 'bytes' || GEOMETRY.test(type)))
    return `X'${value.slice(2)}'`;
  if (/^bit\b/i.test(type) && /^\d+$/.test(value)) return value;
  if (/^timestamp\b/i.test(type)) return `CONVERT_TZ(${quoteText(value)}, '+00:00', @@session.time_zone)`;
  return quoteText(value);
}
