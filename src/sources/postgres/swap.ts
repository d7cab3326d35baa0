/** Swapping the names of two PostgreSQL databases: both ALTER DATABASE … RENAME in one transaction. */
import type { Client } from 'pg';
import { shellWord } from '../../shell-word.ts';
import { swapClosed, swapFailed, swapInUse, swapTaken } from '../swap.ts';
import type { Swap, SwapReport } from '../swap.ts';
import { pgConnection } from './connection.ts';
import type { PgConnection } from './connection.ts';
import { quoteName } from './load-names.ts';

export interface PgSwapOptions {
  /** Of the restored database. */
  readonly url: string;
  /** The database in use, on the same server. */
  readonly name: string;
  /** Behind the name of what is set aside. */
  readonly suffix: string;
  readonly env: NodeJS.ProcessEnv;
}

/** PostgreSQL cuts names at 63 bytes. */
const NAME_BYTES = 63;

/** Nothing is asked of the server yet. */
export function postgresSwap({ url, name, suffix, env }: PgSwapOptions): Swap {
  const connection = pgConnection(url, env);
  const aside = `${cut(name, NAME_BYTES - suffix.length - 1)}_${suffix}`;
  const swap = { connection, restored: connection.database, name, aside };
  return {
    users: () => beside(connection, async (client) => sessionsText(await sessionsOf(client, name))),
    run: (endSessions) => beside(connection, (client) => rename(client, swap, endSessions)),
  };
}

interface Names {
  readonly connection: PgConnection;
  readonly restored: string;
  readonly name: string;
  readonly aside: string;
}

async function rename(client: Client, names: Names, endSessions: boolean): Promise<SwapReport> {
  const { restored, name, aside } = names;
  const isThere = await exists(client, name);
  if (isThere && (await exists(client, aside))) throw swapTaken(aside);
  const isOpen = isThere && endSessions && (await isDoorOpen(client, name));
  try {
    if (isThere && endSessions) await closeDoor(client, name);
    const users = isThere ? sessionsText(await sessionsOf(client, name)) : undefined;
    if (users !== undefined) throw swapInUse(name, users, IN_USE_HINT);
    const renames = [...(isThere ? [renaming(name, aside)] : []), renaming(restored, name)];
    await inTransaction(client, renames).catch((error: unknown) => {
      throw swapFailed(name, error);
    });
  } finally {
    // Also when the sessions could not be ended: nobody could use it any more.
    if (isOpen) await openDoor(client, names);
  }
  const back = [renaming(name, restored), ...(isThere ? [renaming(aside, name)] : [])];
  return { name, aside: isThere ? aside : undefined, wayBack: [psql(names.connection, back)] };
}

const IN_USE_HINT =
  'Stop the application and run the swap again, or let it end these sessions: confirm on a terminal, or give --end-sessions.';

async function inTransaction(client: Client, statements: readonly string[]): Promise<void> {
  await client.query('BEGIN');
  try {
    for (const statement of statements) await client.query(statement);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

async function isDoorOpen(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ open: boolean }>(
    'SELECT datallowconn AS open FROM pg_catalog.pg_database WHERE datname = $1',
    [name],
  );
  return rows[0]?.open === true;
}

/** Nobody new comes in, and whoever is there goes; a role may lack the right to either. Throws SWAP_FAILED. */
async function closeDoor(client: Client, name: string): Promise<void> {
  const end = `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1`;
  const untilMs = Date.now() + ENDING_MS;
  try {
    await client.query(`ALTER DATABASE ${quoteName(name)} WITH ALLOW_CONNECTIONS false`);
    while (Date.now() < untilMs && (await sessionsOf(client, name)) > 0) {
      await client.query(end, [name]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } catch (error) {
    throw swapFailed(name, error);
  }
}

const ENDING_MS = 10_000;

/** Under whichever of its names it is there. Throws SWAP_CLOSED. */
async function openDoor(client: Client, { name, aside }: Names): Promise<void> {
  try {
    const now = (await exists(client, aside)) ? aside : name;
    await client.query(`ALTER DATABASE ${quoteName(now)} WITH ALLOW_CONNECTIONS true`);
  } catch (error) {
    throw swapClosed(name, aside, error);
  }
}

async function exists(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1', [name]);
  return rowCount === 1;
}

async function sessionsOf(client: Client, name: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
    [name],
  );
  return rows[0]?.n ?? 0;
}

function sessionsText(sessions: number): string | undefined {
  return sessions === 0 ? undefined : `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
}

/** A session in neither of the two. */
async function beside<T>(connection: PgConnection, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connection.client({ database: 'postgres' });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function renaming(from: string, to: string): string {
  return `ALTER DATABASE ${quoteName(from)} RENAME TO ${quoteName(to)}`;
}

function psql(connection: PgConnection, statements: readonly string[]): string {
  const words = statements.map((statement) => `-c ${shellWord(statement)}`);
  return `psql ${shellWord(connection.withDatabase('postgres').libpqUrl)} ${words.join(' ')}`;
}

function cut(name: string, bytes: number): string {
  return Buffer.byteLength(name) <= bytes
    ? name
    : Buffer.from(name)
        .subarray(0, bytes)
        .toString()
        .replace(/\ufffd+$/, '');
}
