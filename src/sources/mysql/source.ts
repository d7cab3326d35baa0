/** MySQL and MariaDB as a source: logical dumps by the server's own tool, rows of one transaction. */
import { throwIfCancelled } from '../../errors.ts';
import type { Schema } from '../schema.ts';
import type { Dump, Source, SourceInfo } from '../source.ts';
import type { Client } from './client.ts';
import { query } from './client.ts';
import { startDump } from './dump.ts';
import { versionUnknown } from './errors.ts';
import { checkEvents, readFacts, readPosition, readTables } from './facts.ts';
import { readVersion } from './flavour.ts';
import type { ServerVersion } from './flavour.ts';
import { readGlobals } from './globals.ts';
import { openOptionFile } from './option-file.ts';
import { mysqlSettings } from './settings.ts';
import type { MysqlSettings } from './settings.ts';
import { readSideCar } from './side-car.ts';
import { findClient, findDumpTool, findStdbuf } from './tools.ts';
import type { KnownVersions, Tool } from './tools.ts';
import { readShortened, readUnseen, warningsOf } from './warnings.ts';

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
  const from: From = { settings: mysqlSettings(url), env, known: new Map() };
  return {
    kind: 'mysql',
    probe: (signal) => probe(from, signal),
    schema: (signal) => schema(from, signal),
    dump: (signal) => dump(from, signal),
  };
}

interface From {
  readonly settings: MysqlSettings;
  readonly env: NodeJS.ProcessEnv;
  readonly known: KnownVersions;
}

/** A server that was asked who it is. */
interface Opened extends AsyncDisposable {
  readonly client: Client;
  readonly server: ServerVersion;
}

async function openServer({ settings, env, known }: From, signal: AbortSignal): Promise<Opened> {
  throwIfCancelled(signal);
  const { file, version } = await findClient(env, known);
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

async function probe(from: From, signal: AbortSignal): Promise<SourceInfo> {
  const { database } = from.settings;
  await using opened = await openServer(from, signal);
  const { client, server } = opened;
  const tool = await findDumpTool(from.env, server, from.known);
  const [facts, tables, shortened, unseen, globals, position] = await together([
    readFacts(client, database, signal),
    readTables(client, database, signal),
    readShortened(client, database, signal),
    readUnseen(client, database, signal),
    readGlobals(client, server.flavour, signal),
    readPosition(client, server, signal),
    checkEvents(client, database, signal),
  ]);
  return {
    kind: 'mysql',
    database,
    serverVersion: server.text,
    toolVersion: tool.version.text,
    estimatedBytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    warnings: [
      ...warningsOf(tables, shortened),
      ...strangeTool(tool, server),
      ...unseen,
      ...noGlobals(globals),
    ],
    facts: { flavour: server.flavour, ...facts, ...position },
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
    ? [
        'this user may not read the users and their rights: the backup has none of them, and of procedures and functions only its own',
      ]
    : [];
}

async function schema(from: From, signal: AbortSignal): Promise<Schema> {
  await using opened = await openServer(from, signal);
  return await readSideCar(opened.client, from.settings.database, signal);
}

async function dump(from: From, signal: AbortSignal): Promise<Dump> {
  const { settings, env, known } = from;
  const { database, display } = settings;
  await using stack = new AsyncDisposableStack();
  const { client, server } = stack.use(await openServer(from, signal));
  const tool = await findDumpTool(env, server, known);
  const options = stack.use(await openOptionFile(settings, tool.version.flavour));
  const [tables, sideCar, globals, stdbuf] = await together([
    readTables(client, database, signal),
    readSideCar(client, database, signal),
    readGlobals(client, server.flavour, signal),
    findStdbuf(env),
    checkEvents(client, database, signal),
  ]);
  const { flavour } = server;
  const plan = { tool, stdbuf, options, env, flavour, database, display, tables, schema: sideCar, globals };
  const running = startDump(plan, signal);
  stack.defer(() => running.stop());
  const moved = stack.move();
  return { schema: sideCar, lanes: running.lanes, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

/** Waits for all, so that none asks on when another has failed: the option file would be gone. */
async function together<T extends readonly unknown[]>(asked: {
  readonly [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  await Promise.allSettled(asked);
  return await Promise.all(asked);
}
