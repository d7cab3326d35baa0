/** The server and the database that a dump is loaded into: looking, creating, dropping. */
import { throwIfCancelled } from '../../errors.ts';
import { backquoted } from '../../rows/mysql-names.ts';
import type { SourceInfo } from '../source.ts';
import type { Client } from './client.ts';
import { query, queryJson } from './client.ts';
import { versionUnknown } from './errors.ts';
import type { ServerVersion } from './flavour.ts';
import { readVersion } from './flavour.ts';
import { cannotCreate } from './load-errors.ts';
import { runScript, scriptOf } from './load-process.ts';
import { openOptionFile } from './option-file.ts';
import { mysqlSettings } from './settings.ts';
import type { MysqlSettings } from './settings.ts';
import { findClient } from './tools.ts';

export interface Target extends AsyncDisposable {
  readonly client: Client;
  readonly database: string;
  /** For people: `shop on db.example.com:3306`. */
  readonly display: string;
  readonly server: ServerVersion;
}

/** What a server offers to a restore. */
export interface TargetFacts {
  /** As the server knows it: `root@localhost`. */
  readonly user: string;
  /** Bytes of the longest statement. */
  readonly maxAllowedPacket: number;
  readonly lowerCaseTableNames: number;
  readonly collations: ReadonlySet<string>;
  /** In lower case. */
  readonly engines: ReadonlySet<string>;
  /** `user@host`; undefined: this user may not know. */
  readonly accounts: ReadonlySet<string> | undefined;
}

/** How new tables of a database are made where they do not say it. */
export interface DatabaseText {
  readonly charset: string;
  readonly collation: string;
}

/**
 * Connects beside the target database, because it may not exist yet.
 * @throws HoldfastError MYSQL_URL, MYSQL_TOOL_MISSING, MYSQL_LOGIN, MYSQL_UNREACHABLE, MYSQL_TLS, MYSQL_VERSION
 */
export async function openTarget(url: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Target> {
  throwIfCancelled(signal);
  const settings = withPassword(mysqlSettings(url), env);
  const { database, display } = settings;
  const { file, version } = await findClient(env);
  const options = await openOptionFile(settings, version.flavour);
  const dispose = () => options[Symbol.asyncDispose]();
  try {
    const { MYSQL_PWD: _, ...clean } = env;
    const client = { file, options, env: clean, display };
    const [text = ''] = await query(client, { sql: 'SELECT VERSION()', what: 'the version' }, signal);
    const server = readVersion(text);
    if (server === undefined) throw versionUnknown(display, text);
    return { client, database, display, server, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * A URL that a person types on a command line should hold no password: it names a file with one, or MYSQL_PWD has it, where
 * MySQL's clients look for one. It goes on to them in the option file, as every password does.
 */
function withPassword(settings: MysqlSettings, env: NodeJS.ProcessEnv): MysqlSettings {
  if (settings.passwordFile !== undefined) return settings;
  const password = settings.password ?? env['MYSQL_PWD'];
  return password === undefined ? settings : { ...settings, password };
}

const FACTS = `SELECT JSON_OBJECT('user', CURRENT_USER(), 'maxAllowedPacket', @@global.max_allowed_packet,
  'lowerCaseTableNames', @@lower_case_table_names)`;

/** Throws as `query`. */
export async function readTargetFacts({ client }: Target, signal: AbortSignal): Promise<TargetFacts> {
  const ask = (sql: string) => query(client, { sql, what: 'what the server offers' }, signal);
  const [row] = await queryJson<Omit<TargetFacts, 'collations' | 'engines' | 'accounts'>>(
    client,
    { sql: FACTS, what: 'what the server offers' },
    signal,
  );
  if (row === undefined) throw new Error('the target server told nothing about itself');
  const collations = await ask('SELECT collation_name FROM information_schema.COLLATIONS');
  const engines = await ask(
    "SELECT LOWER(engine) FROM information_schema.ENGINES WHERE support IN ('YES', 'DEFAULT')",
  );
  const accounts = await ask("SELECT CONCAT(user, '@', host) FROM mysql.user").catch(() => undefined);
  throwIfCancelled(signal);
  return {
    ...row,
    collations: new Set(collations),
    engines: new Set(engines),
    accounts: accounts && new Set(accounts),
  };
}

/** The database's own text settings; undefined: there is no such database. */
export async function findDatabase(
  { client, database }: Target,
  signal: AbortSignal,
): Promise<DatabaseText | undefined> {
  const sql = `SELECT JSON_OBJECT('charset', default_character_set_name, 'collation', default_collation_name)
    FROM information_schema.SCHEMATA WHERE ${isNamed('schema_name', database)}`;
  const [found] = await queryJson<DatabaseText>(client, { sql, what: 'the databases' }, signal);
  return found;
}

/** What an existing database holds, as phrases; empty when it is as good as new. */
export async function databaseHolds({ client, database }: Target, signal: AbortSignal): Promise<string[]> {
  const isIn = (column: string) => isNamed(column, database);
  const sql = `SELECT CONCAT(n, ' ', what) FROM (
    SELECT COUNT(*) AS n, 'tables and views' AS what FROM information_schema.TABLES WHERE ${isIn('table_schema')}
    UNION ALL SELECT COUNT(*), 'routines' FROM information_schema.ROUTINES WHERE ${isIn('routine_schema')}
    UNION ALL SELECT COUNT(*), 'events' FROM information_schema.EVENTS WHERE ${isIn('event_schema')}) AS found
    WHERE n > 0`;
  return query(client, { sql, what: 'what the database holds' }, signal);
}

/** The settings that the source had, where the target knows them. */
export function databaseText(source: SourceInfo, facts: TargetFacts): DatabaseText | undefined {
  const { charset, collation } = source.facts;
  if (typeof charset !== 'string' || typeof collation !== 'string') return undefined;
  return facts.collations.has(collation) && /^\w+$/.test(charset + collation)
    ? { charset, collation }
    : undefined;
}

/** Creates the database. @throws HoldfastError TARGET_CREATE */
export async function createDatabase(
  { client, database, display }: Target,
  text: DatabaseText | undefined,
  signal: AbortSignal,
): Promise<void> {
  const how = text === undefined ? '' : ` CHARACTER SET ${text.charset} COLLATE ${text.collation}`;
  const bytes = scriptOf(`CREATE DATABASE ${backquoted(database)}${how};\n`);
  try {
    await runScript(client, { what: 'the database', bytes }, signal);
  } catch (error) {
    throwIfCancelled(signal);
    throw cannotCreate(display, error instanceof Error ? error.message : String(error));
  }
}

/**
 * Drops the database, and whatever sessions still work in it: called only for one that is ours. It is made anew, empty, where
 * it was there before.
 */
export async function dropDatabase(
  { client, database }: Target,
  before: DatabaseText | undefined,
): Promise<void> {
  const signal = AbortSignal.timeout(DROP_MS);
  const sql = `SELECT id FROM information_schema.PROCESSLIST WHERE ${isNamed('db', database)} AND id <> CONNECTION_ID()`;
  const name = backquoted(database);
  for (const id of await query(client, { sql, what: 'the sessions' }, signal)) {
    const kill = { what: 'the end of a session', bytes: scriptOf(`KILL ${id};\n`) };
    // It may have ended by itself.
    await runScript(client, kill, signal).catch(() => undefined);
  }
  const again =
    before === undefined
      ? ''
      : `CREATE DATABASE ${name} CHARACTER SET ${before.charset} COLLATE ${before.collation};\n`;
  const bytes = scriptOf(`SET lock_wait_timeout=60;\nDROP DATABASE IF EXISTS ${name};\n${again}`);
  await runScript(client, { what: 'the drop of the database', bytes }, signal);
}

/** A server may have to undo a long transaction first. */
const DROP_MS = 120_000;

/**
 * Text is compared without regard to case and accents, and names only where the server keeps none: `Shop` is not `shop`, and
 * its sessions are none of ours.
 */
function isNamed(column: string, database: string): string {
  const name = literal(database);
  return `${column} = ${name} AND (@@lower_case_table_names > 0 OR BINARY ${column} = BINARY ${name})`;
}

/** Whatever the server's mode says about backslashes. */
function literal(text: string): string {
  return `CONVERT(0x${Buffer.from(text).toString('hex')} USING utf8mb4)`;
}
