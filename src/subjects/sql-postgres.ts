/**
 * The erasure in PostgreSQL (13 and newer).
 *
 * Rows are identified by their place in the table (`ctid`): in a transaction of level REPEATABLE READ that is safe,
 * because a row that somebody else changes meanwhile makes the transaction fail, not miss it.
 */
import type { JsonStep } from '../rows/json-path.ts';
import { comparable, isNumberText, JSON_VALUE, type Comparison } from './compare.ts';
import {
  goneName,
  idColumns,
  sameRow,
  type Known,
  type LoopLink,
  type Side,
  type SqlEngine,
  type SqlTable,
} from './sql-engine.ts';
import { dollarQuoted, quoteText } from './sql-names.ts';
import { familyOf } from './types.ts';

const temp = (name: string): string => `pg_temp.${name}`;

export const postgresSql: SqlEngine = {
  // Values are compared as the text that a dump has; these settings are those of pg_dump.
  begin: [
    'BEGIN ISOLATION LEVEL REPEATABLE READ;',
    "SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 3;",
    "SET LOCAL bytea_output = 'hex'; SET LOCAL standard_conforming_strings = on; SET LOCAL row_security = off;",
  ],
  temp,
  reference: (name, isPartitioned) => (isPartitioned ? name : `ONLY ${name}`),
  ids: (_table, isPartitioned) => (isPartitioned ? ['tableoid', 'ctid'] : ['ctid']),
  createRows: (table) => {
    const types = table.ids.length === 2 ? ['oid', 'tid'] : ['tid'];
    const ids = idColumns(table).map((id, index) => `${id} ${types[index] ?? 'tid'}`);
    const name = `holdfast_${table.number}_rows`;
    const key = [...idColumns(table), 'link'].join(', ');
    return `CREATE TEMPORARY TABLE ${name} (${ids.join(', ')}, link integer, PRIMARY KEY (${key})) ON COMMIT DROP;`;
  },
  createAs: (_table, name, query) =>
    `CREATE TEMPORARY TABLE ${name} ON COMMIT DROP AS\n${query};\nANALYZE ${temp(name)};`,
  insertNew: (into, query) => `INSERT INTO ${temp(into)}\n${query}\nON CONFLICT DO NOTHING`,
  side,
  known,
  text: textOf,
  json,
  loop,
  refuse: (_number, count, message) => {
    const raise = `RAISE EXCEPTION 'holdfast: %', format(${quoteText(message.replaceAll('%', '%%').replace('#', '%s'))}, n);`;
    return [
      `DO ${dollarQuoted(`DECLARE n bigint := (${count}); BEGIN IF n > 0 THEN ${raise} END IF; END`)};`,
    ];
  },
  constant: (value) => quoteText(value),
  pseudonym: (type) =>
    familyOf(type) === 'uuid'
      ? 'gen_random_uuid()'
      : `'erased-' || left(replace(gen_random_uuid()::text, '-', ''), 16)`,
  unlink: (numbers) =>
    `SELECT lo_unlink(l.oid) FROM pg_largeobject_metadata AS l WHERE l.oid IN (\n${numbers}\n);`,
  update: 'UPDATE',
  deleteAll,
};

/** How the value is compared: as it is where an index may help and the result is the same, else by its text. */
function side({ sql, type, against, comparison: { form, kind } }: Side): string {
  const text = textOf(sql, type);
  switch (form) {
    case 'exact':
      break;
    case 'trim':
      return `nullif(btrim(${text}, ${WHITE}), '')`;
    case 'lower':
      return `nullif(normalize(lower(normalize(btrim(${text}, ${WHITE}), NFC) COLLATE "und-x-icu"), NFC), '')`;
    case 'digits':
      return `nullif(ltrim(regexp_replace(${text}, '[^0-9]', '', 'g'), '0'), '')`;
  }
  switch (kind) {
    case 'exact':
      return isPlain(type, against) ? sql : text;
    case 'number':
      return numberSide(sql, type, against);
    case 'padded':
      return `rtrim(${text}, ' ')`;
    case 'folded':
      return `lower(${text})`;
    default:
      return text;
  }
}

/** JavaScript's white space, which is that of `canonical.ts`. */
const WHITE = String.raw`E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'`;

const PLAIN_TEXT = /^(text|character varying(\(\d+\))?)$/;

function isPlain(type: string, against: string): boolean {
  if (PLAIN_TEXT.test(type)) return PLAIN_TEXT.test(against);
  const family = familyOf(type);
  if (family === 'integer') return familyOf(against) === 'integer';
  return type === against && ['uuid', 'time', 'oid', 'bytes', 'boolean'].includes(family);
}

/** Numbers as numbers; beside a value of JSON, which may be anything, as texts of numbers. */
function numberSide(sql: string, type: string, against: string): string {
  if (type === JSON_VALUE) {
    const isNumber = String.raw`${sql} ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$'`;
    return `CASE WHEN ${isNumber} THEN trim_scale(${sql}::numeric)::text ELSE ${sql} END`;
  }
  // A cast from double precision to numeric rounds to 15 digits; its text has them all.
  const number = /^(real|double)/.test(type) ? `${sql}::text::numeric` : `${sql}::numeric`;
  return against === JSON_VALUE ? `trim_scale(${number})::text` : number;
}

/** The text that COPY writes: the type's output function, which a cast to text is not for every type. */
function textOf(sql: string, type: string): string {
  if (type === JSON_VALUE) return sql;
  if (PLAIN_TEXT.test(type) || ['integer', 'uuid'].includes(familyOf(type))) return `${sql}::text`;
  return `CASE WHEN ${sql} IS NOT NULL THEN format('%s', ${sql}) END`;
}

function known(value: string, type: string, comparison: Comparison): Known | undefined {
  const as = (text: string, cast: string, against: string): Known => ({
    text,
    sql: (column) => (cast === '' ? column : `${column}::${cast}`),
    type: against,
  });
  const text = comparable(value, comparison);
  if (text === null) return undefined;
  if (comparison.form === 'exact' && comparison.kind === 'number') {
    if (!isNumberText(value)) return undefined;
    if (type !== JSON_VALUE) return as(value, 'numeric', 'numeric');
    return { text: value, sql: (column) => `trim_scale(${column}::numeric)::text`, type: 'numeric' };
  }
  if (comparison.form === 'exact' && comparison.kind === 'exact') {
    if (familyOf(type) === 'integer') return isInt8(value) ? as(value, 'bigint', 'bigint') : undefined;
    if (familyOf(type) === 'uuid') return UUID.test(value) ? as(value, 'uuid', 'uuid') : undefined;
  }
  return as(text, 'text', 'text');
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function isInt8(value: string): boolean {
  return /^(0|-?[1-9]\d{0,18})$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value);
}

/** As json, not jsonb: it keeps how numbers are written, and all members of an object that have the same name. */
function json(column: string, path: readonly JsonStep[], holds: (value: string) => string): string {
  const steps = path.map((step, index) => {
    const from = index === 0 ? `${column}::json` : `j${index}.value`;
    if (typeof step === 'object' && 'name' in step) {
      const guarded = `CASE WHEN json_typeof(${from}) = 'object' THEN ${from} ELSE '{}' END`;
      return {
        from: `json_each(${guarded}) AS j${index + 1}`,
        where: [`j${index + 1}.key = ${quoteText(step.name)}`],
      };
    }
    const guarded = `CASE WHEN json_typeof(${from}) = 'array' THEN ${from} ELSE '[]' END`;
    const all = `json_array_elements(${guarded}) WITH ORDINALITY AS j${index + 1} (value, place)`;
    return { from: all, where: step === '*' ? [] : [`j${index + 1}.place = ${step.index + 1}`] };
  });
  const value = steps.length === 0 ? `${column}::json` : `j${steps.length}.value`;
  const from = steps.length === 0 ? '' : ` FROM ${steps.map((step) => step.from).join(', ')}`;
  const where = [
    ...steps.flatMap((step) => step.where),
    `json_typeof(${value}) IN ('string', 'number', 'boolean')`,
    holds(`(${value} #>> '{}')`),
  ];
  return `EXISTS (SELECT 1${from} WHERE ${where.join(' AND ')})`;
}

function loop(links: readonly LoopLink[]): readonly string[] {
  const steps = links.map(
    ({ insert }) => `    ${insert};\n    GET DIAGNOSTICS fresh = ROW_COUNT; added := added + fresh;`,
  );
  const body = `
DECLARE
  fresh bigint;
  added bigint;
BEGIN
  LOOP
    added := 0;
${steps.join('\n')}
    EXIT WHEN added = 0;
  END LOOP;
END
`;
  return [`DO ${dollarQuoted(body)};`];
}

/**
 * One statement for all tables, at whose end foreign keys are checked: so tables that point at each other can be
 * emptied in any order, and ON DELETE finds nothing left to do.
 */
function deleteAll(tables: readonly SqlTable[]): readonly string[] {
  if (tables.length === 0) return [];
  const deletions = tables.map((table) => {
    const { number, reference } = table;
    const using = `USING ${temp(goneName(table))} AS g WHERE ${sameRow(table, 't', 'g')}`;
    return `  d${number} AS (DELETE FROM ${reference} AS t ${using} RETURNING 1)`;
  });
  const sum = (counts: readonly string[]) => counts.join(' + ');
  const deleted = sum(tables.map(({ number }) => `(SELECT count(*) FROM d${number})`));
  const planned = sum(tables.map((table) => `(SELECT count(*) FROM ${temp(goneName(table))})`));
  const body = `
DECLARE
  deleted bigint;
  planned bigint;
BEGIN
  WITH
${deletions.join(',\n')}
  SELECT ${deleted}, ${planned} INTO deleted, planned;
  IF deleted <> planned THEN
    RAISE EXCEPTION 'holdfast: % rows were deleted instead of %: a trigger or a rule of this database interfered', deleted, planned;
  END IF;
END
`;
  return [`DO ${dollarQuoted(body)};`];
}
