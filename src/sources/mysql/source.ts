/** MySQL and MariaDB as a source: logical dumps by the server's own tool, rows of one transaction. */
import { throwIfCancelled } from '../../errors.ts';
import type { Schema } from '../schema.ts';
import type { Dump, Source, SourceInfo } from '../source.ts';
import type { Client } from './client.ts';
import { query } from './client.ts';
import { startDump } from './dump.ts';
import { versionUnknown } from './errors.ts';
import { readFacts, readPosition, readTables, warningsOf } from './facts.ts';
import { readVersion } from './flavour.ts';
import type { ServerVersion } from './flavour.ts';
import { readGlobals } from './globals.ts';
import { openOptionFile } from './option-file.ts';
import { mysqlSettings } from './settings.ts';
import type { MysqlSettings } from './settings.ts';
import { readSideCar } from './side-car.ts';
import { findClient, findDumpTool } from './tools.ts';
import type { Tool } from './tools.ts';

export interface MysqlSourceOptions {
  /** `mysql://user:password@host:3306/database`: see `mysqlSettings`. */
  readonly url: string;
  /** Default: `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A MySQL or MariaDB database as a source.
 * @throws HoldfastError MYSQL_URL
 */
export function mysqlSource({ url, env = process.env }: MysqlSourceOptions): Source {
  const settings = mysqlSettings(url);
  return {
    kind: 'mysql',
    probe: (signal) => probe(settings, env, signal),
    schema: (signal) => schema(settings, env, signal),
    dump: (signal) => dump(settings, env, signal),
  };
}

/** A server that was asked who it is. */
interface Opened extends AsyncDisposable {
  readonly client: Client;
  readonly server: ServerVersion;
}

async function openServer(
  settings: MysqlSettings,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Opened> {
  throwIfCancelled(signal);
  const { file, version } = await findClient(env);
  const options = await openOptionFile(settings, version.flavour);
  const client = { file, options, env, display: settings.display };
  const dispose = () => options[Symbol.asyncDispose]();
  try {
    const [text = ''] = await query(client, { sql: 'SELECT VERSION()', what: 'the version' }, signal);
    const server = readVersion(text);
    if (server === undefined) throw versionUnknown(settings.display, text);
    return { client, server, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function probe(
  settings: MysqlSettings,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<SourceInfo> {
  const { database } = settings;
  await using opened = await openServer(settings, env, signal);
  const { client, server } = opened;
  const tool = await findDumpTool(env, server);
  const facts = await readFacts(client, database, signal);
  const tables = await readTables(client, database, signal);
  const globals = await readGlobals(client, server.flavour, signal);
  return {
    kind: 'mysql',
    database,
    serverVersion: server.text,
    toolVersion: tool.version.text,
    estimatedBytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    warnings: [...warningsOf(tables), ...strangeTool(tool, server), ...noGlobals(globals)],
    facts: { flavour: server.flavour, ...facts, ...(await readPosition(client, server, signal)) },
  };
}

function strangeTool({ name, version }: Tool, server: ServerVersion): string[] {
  if (version.flavour === server.flavour) return [];
  return [
    `${name} is of ${version.flavour}, the server of ${server.flavour}: what only the server knows may be left out`,
  ];
}

function noGlobals(globals: string | undefined): string[] {
  return globals === undefined
    ? ['this user may not read the users and their rights: the backup has none of them']
    : [];
}

async function schema(settings: MysqlSettings, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Schema> {
  await using opened = await openServer(settings, env, signal);
  return await readSideCar(opened.client, settings.database, signal);
}

async function dump(settings: MysqlSettings, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Dump> {
  const { database, display } = settings;
  await using stack = new AsyncDisposableStack();
  const { client, server } = stack.use(await openServer(settings, env, signal));
  const tool = await findDumpTool(env, server);
  const options = stack.use(await openOptionFile(settings, tool.version.flavour));
  const tables = await readTables(client, database, signal);
  const sideCar = await readSideCar(client, database, signal);
  const globals = await readGlobals(client, server.flavour, signal);
  const running = startDump({ tool, options, env, database, display, tables, globals }, signal);
  stack.defer(() => running.stop());
  const moved = stack.move();
  return { schema: sideCar, lanes: running.lanes, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}
