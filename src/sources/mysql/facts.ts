/** What a server says of itself and of a database, before a dump of it. */
import { isHoldfastError, throwIfCancelled } from '../../errors.ts';
import type { Client } from './client.ts';
import { query, queryJson } from './client.ts';
import { eventUnfit, nameUnfit, queryFailed } from './errors.ts';
import type { ServerVersion } from './flavour.ts';

export interface MysqlFacts {
  readonly sqlMode: string;
  /** Of the database, for new tables. */
  readonly charset: string;
  readonly collation: string;
  readonly lowerCaseTableNames: number;
}

/** Where the binary log stood shortly before the dump: what came later may be in the dump, or not. */
export interface MysqlPosition {
  readonly binlog?: { readonly file: string; readonly position: number };
  /** In MariaDB's or in MySQL's form. */
  readonly gtid?: string;
}

export interface MysqlTable {
  readonly name: string;
  /** `BASE TABLE`, `VIEW`, `SEQUENCE`, `SYSTEM VERSIONED`. */
  readonly type: string;
  readonly engine: string | null;
  readonly bytes: number;
}

/**
 * The table `t` of a column `c`. Names are compared there as text is, without regard to case and accents, and may differ in
 * nothing else.
 */
export const TABLE_OF_COLUMN = `information_schema.TABLES t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
  AND BINARY t.table_schema = BINARY c.table_schema AND BINARY t.table_name = BINARY c.table_name`;

/** Throws as `query`. */
export async function readFacts(client: Client, database: string, signal: AbortSignal): Promise<MysqlFacts> {
  const sql = `SELECT JSON_OBJECT('sqlMode', @@sql_mode, 'charset', default_character_set_name,
    'collation', default_collation_name, 'lowerCaseTableNames', @@lower_case_table_names)
    FROM information_schema.SCHEMATA WHERE schema_name = DATABASE()`;
  const [facts] = await queryJson<MysqlFacts>(client, { sql, what: 'the settings', database }, signal);
  if (facts === undefined) throw queryFailed(client.display, 'the settings', 'no row');
  return facts;
}

/** Empty where there is no binary log, or the user may not ask. Throws CANCELLED. */
export async function readPosition(
  client: Client,
  server: ServerVersion,
  signal: AbortSignal,
): Promise<MysqlPosition> {
  const isMysql = server.flavour === 'mysql';
  const isRenamed = isMysql && (server.major > 8 || (server.major === 8 && server.minor >= 2));
  const status = isRenamed ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
  const gtids = isMysql ? 'SELECT @@global.gtid_executed' : 'SELECT @@global.gtid_binlog_pos';
  const what = 'the position of the binary log';
  try {
    const [line] = await query(client, { sql: status, what }, signal);
    if (line === undefined) return {};
    const [file = '', position = ''] = line.split('\t');
    const [gtid = ''] = await query(client, { sql: gtids, what }, signal);
    return { binlog: { file, position: Number(position) }, ...(gtid !== '' && { gtid }) };
  } catch (error) {
    throwIfCancelled(signal);
    if (isHoldfastError(error)) return {};
    throw error;
  }
}

/** Everything that a dump has structure or rows of. Throws MYSQL_NAME, and as `query`. */
export async function readTables(
  client: Client,
  database: string,
  signal: AbortSignal,
): Promise<MysqlTable[]> {
  const sql = `SELECT JSON_OBJECT('name', table_name, 'type', table_type, 'engine', engine,
    'bytes', COALESCE(data_length, 0)) FROM information_schema.TABLES WHERE table_schema = DATABASE()
    ORDER BY table_name`;
  const tables = await queryJson<MysqlTable>(client, { sql, what: 'the tables', database }, signal);
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const unfit = tables.find(({ name }) => /[\u0000-\u001f\u007f]/.test(name));
  if (unfit !== undefined) throw nameUnfit(client.display, 'table', unfit.name);
  return tables;
}

/** Dump tools look for a delimiter that is in none of this, and never end when the first one is (`create_delimiter` in them). */
const ENDLESS_EVENTS = `SELECT JSON_QUOTE(event_name) FROM information_schema.EVENTS
  WHERE event_schema = DATABASE() AND BINARY event_schema = BINARY DATABASE()
  AND CONCAT_WS(' ', event_name, event_definition, event_comment) LIKE '%;;%'
  ORDER BY event_name`;

/** Throws MYSQL_EVENT for an event with which the dump would hang, and as `query`. */
export async function checkEvents(client: Client, database: string, signal: AbortSignal): Promise<void> {
  const question = { sql: ENDLESS_EVENTS, what: 'the events', database };
  const [event] = await queryJson<string>(client, question, signal);
  if (event !== undefined) throw eventUnfit(client.display, event);
}
