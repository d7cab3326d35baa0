/** PostgreSQL as a source: logical dumps by the server's own tools, under one snapshot. */
import { throwIfCancelled } from '../../errors.ts';
import type { Client } from 'pg';
import type { Schema } from '../schema.ts';
import type { Dump, Source, SourceInfo } from '../source.ts';
import { pgConnection, type PgConnection } from './connection.ts';
import { startDump } from './dump.ts';
import { queryFailed } from './errors.ts';
import { checkReadable, readFacts, type PgFacts } from './facts.ts';
import { readSizes, shareOut } from './share-out.ts';
import { readSideCar } from './side-car.ts';
import { endTimeouts, openSnapshot } from './snapshot.ts';
import { findTools, type PgTools, type ServerVersion } from './tools.ts';

export interface PostgresSourceOptions {
  /** `postgres://…`; what it leaves out comes from PG* variables, ~/.pgpass and libpq's defaults. */
  readonly url: string;
  /** Default: `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** How many pg_dumps read tables at the same time; 2 when not given. */
  readonly jobs?: number;
}

/** Two keep two cores busy; more is the user's choice, because the server has other work too. */
const DATA_LANES = 2;

/**
 * A PostgreSQL database as a source.
 * @throws HoldfastError PG_URL
 */
export function postgresSource(options: PostgresSourceOptions): Source {
  const connection = pgConnection(options.url, options.env ?? process.env);
  const jobs = Math.max(1, options.jobs ?? DATA_LANES);
  return {
    kind: 'postgres',
    probe: (signal) => probe(connection, signal),
    schema: (signal) => schema(connection, signal),
    dump: (signal) => dump(connection, jobs, signal),
  };
}

interface Looked {
  readonly client: Client;
  readonly server: ServerVersion;
  readonly tools: PgTools;
  readonly facts: PgFacts & { readonly bytes: number };
}

async function probe(connection: PgConnection, signal: AbortSignal): Promise<SourceInfo> {
  throwIfCancelled(signal);
  const { client, server, tools, facts } = await look(connection);
  try {
    await checkReadable(client, connection.display);
    const { bytes, ...rest } = facts;
    return {
      kind: 'postgres',
      database: connection.database,
      serverVersion: server.text,
      toolVersion: tools.version,
      estimatedBytes: bytes,
      warnings: warningsOf(facts),
      facts: { ...rest },
    };
  } finally {
    await client.end();
  }
}

async function schema(connection: PgConnection, signal: AbortSignal): Promise<Schema> {
  throwIfCancelled(signal);
  const client = await connection.client();
  try {
    await serverVersion(client, connection);
    return await readSideCar(client, connection.display);
  } finally {
    await client.end();
  }
}

async function dump(connection: PgConnection, jobs: number, signal: AbortSignal): Promise<Dump> {
  throwIfCancelled(signal);
  const { client, tools, facts } = await look(connection);
  try {
    const snapshot = await openSnapshot(connection, client);
    const tables = facts.dumpEncoding === 'UTF8' ? await readSizes(client, connection.display) : [];
    const sideCar = await readSideCar(client, connection.display);
    const plan = {
      connection,
      tools,
      snapshot: snapshot.id,
      encoding: facts.dumpEncoding,
      rolePasswords: facts.rolePasswords,
      shares: shareOut(tables, jobs),
    };
    const running = startDump(plan, AbortSignal.any([signal, snapshot.lost]));
    const dispose = async (): Promise<void> => {
      await running.stop();
      await snapshot.close();
    };
    return { schema: sideCar, lanes: running.lanes, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** Connects and settles everything that probe and dump need to know; the caller ends the client. */
async function look(connection: PgConnection): Promise<Looked> {
  const client = await connection.client();
  try {
    const server = await serverVersion(client, connection);
    const tools = await findTools(connection.env, server);
    return { client, server, tools, facts: await readFacts(client, connection.display) };
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** Settles the session, too: the empty search path keeps objects of users from standing in for those of the catalogue. */
async function serverVersion(client: Client, connection: PgConnection): Promise<ServerVersion> {
  try {
    await client.query(`SELECT pg_catalog.set_config('search_path', '', false)`);
    const { rows } = await client.query<{ number: string; text: string }>(
      `SELECT pg_catalog.current_setting('server_version_num') AS number, pg_catalog.current_setting('server_version') AS text`,
    );
    const server = { major: Math.floor(Number(rows[0]?.number) / 10000), text: rows[0]?.text ?? '' };
    await endTimeouts(client, server);
    return server;
  } catch (error) {
    throw queryFailed(connection.display, 'the version', error);
  }
}

function warningsOf(facts: PgFacts): string[] {
  const { role, secretive } = facts;
  const warnings: readonly (readonly [boolean, string])[] = [
    [
      !facts.rolePasswords,
      `role ${role.name} may not read the roles' passwords: the backup has the roles without them`,
    ],
    [
      !role.superuser && secretive.subscriptions > 0,
      `role ${role.name} is no superuser: the backup leaves out ${secretive.subscriptions} subscriptions`,
    ],
    [
      !role.superuser && secretive.userMappings > 0,
      `role ${role.name} is no superuser: the backup may lack the options (passwords) of user mappings`,
    ],
    [facts.standby, 'the server is a standby: the backup has no rows of unlogged tables'],
    [
      facts.encoding === 'SQL_ASCII',
      'the database has no encoding (SQL_ASCII): its text is backed up byte by byte, unchecked',
    ],
  ];
  return warnings.filter(([isSo]) => isSo).map(([, text]) => text);
}
