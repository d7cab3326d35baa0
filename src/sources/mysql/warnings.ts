/** What a dump of a database cannot hold as it is: said before every backup. */
import type { Client } from './client.ts';
import { query, queryJson } from './client.ts';
import { TABLE_OF_COLUMN } from './facts.ts';
import type { MysqlTable } from './facts.ts';

/** Engines whose rows one transaction shows as of one moment. */
const TRANSACTIONAL = /^(innodb|rocksdb|tokudb|ndbcluster|sequence)$/i;

/** Of FLOAT the server prints six digits, unless the column says how many; of DOUBLE as many as it has. */
const SHORTENED = `SELECT JSON_OBJECT('table', c.table_name, 'column', c.column_name)
  FROM information_schema.COLUMNS c JOIN ${TABLE_OF_COLUMN}
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
 * What a user may not see is not there for it, and a dump passes over it without a word. Rights by a role are not shown to
 * who has them, so then nothing is known. The mode is for LIKE, in which a name may stand with backslashes.
 */
const LACKING = `SET sql_mode='';
  SELECT needed.name FROM (SELECT 'SELECT' AS name UNION ALL SELECT 'TRIGGER') AS needed
  JOIN (SELECT CONCAT('''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - 1 -
    CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1))), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''') AS name) AS me
  WHERE COALESCE(CURRENT_ROLE(), 'NONE') = 'NONE'
  AND NOT EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES u
    WHERE u.grantee = me.name AND u.privilege_type = needed.name)
  AND NOT EXISTS (SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES s
    WHERE s.grantee = me.name AND s.privilege_type = needed.name AND DATABASE() LIKE s.table_schema)`;

const UNSEEN: Readonly<Record<string, string>> = {
  SELECT: 'this user has SELECT on some tables only: those that it may not see are not in the backup',
  TRIGGER: 'this user lacks TRIGGER on the database: triggers that it may not see are not in the backup',
};

/** What may be missing for want of rights, in sentences. Throws as `query`. */
export async function readUnseen(
  client: Client,
  database: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const lacking = await query(client, { sql: LACKING, what: 'its own rights', database }, signal);
  return lacking.flatMap((right) => UNSEEN[right] ?? []);
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
