/** What a dump of a database cannot hold as it is: said before every backup. */
import type { Client } from './client.ts';
import { queryJson } from './client.ts';
import type { MysqlTable } from './facts.ts';

/** Engines whose rows one transaction shows as of one moment. */
const TRANSACTIONAL = /^(innodb|rocksdb|tokudb|ndbcluster|sequence)$/i;

/** Of FLOAT the server prints six digits, unless the column says how many; of DOUBLE as many as it has. */
const SHORTENED = `SELECT JSON_OBJECT('table', c.table_name, 'column', c.column_name)
  FROM information_schema.COLUMNS c JOIN information_schema.TABLES t USING (table_schema, table_name)
  WHERE c.table_schema = DATABASE() AND c.data_type = 'float' AND c.numeric_scale IS NULL
  AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY c.table_name, c.ordinal_position`;

/** Columns whose values lose digits in a dump: `readings.ratio`. Throws as `query`. */
export async function readShortened(
  client: Client,
  database: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const question = { sql: SHORTENED, what: 'the columns', database };
  const found = await queryJson<{ readonly table: string; readonly column: string }>(
    client,
    question,
    signal,
  );
  return found.map(({ table, column }) => `${table}.${column}`);
}

/**
 * What people should know of these tables.
 * @param shortened - see `readShortened`
 */
export function warningsOf(tables: readonly MysqlTable[], shortened: readonly string[]): string[] {
  const others = tables.filter(
    ({ type, engine }) => type !== 'VIEW' && engine !== null && !TRANSACTIONAL.test(engine),
  );
  const versioned = tables.filter(({ type }) => type === 'SYSTEM VERSIONED');
  return [
    ...warning(
      'rows that change while they are dumped may not fit together in tables without transactions',
      others.map(({ name, engine }) => `${name} (${String(engine)})`),
    ),
    ...warning(
      'of tables with system versioning the rows of now are backed up, and not their history',
      versioned.map(({ name }) => name),
    ),
    ...warning('the server prints FLOAT with six digits only, and DOUBLE with all it has', shortened),
  ];
}

function warning(text: string, about: readonly string[]): string[] {
  if (about.length === 0) return [];
  const more = about.length > 3 ? ` and ${about.length - 3} more` : '';
  return [`${text}: ${about.slice(0, 3).join(', ')}${more}`];
}
