/**
 * Swapping the names of two PostgreSQL databases: both ALTER DATABASE … RENAME in one transaction.
 *
 * Nothing is closed for it, so nothing can be left closed by a process that dies: whoever connects to a database that is
 * being renamed waits for the lock of the transaction, and is told then that its name belongs to another one.
 */
import type { Client } from 'pg';
import { isHoldfastError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { swapDone, swapFailed, swapInUse, swapItself, swapTaken, swapUnclear } from '../swap.ts';
import type { Swap, SwapReport } from '../swap.ts';
import { pgConnection } from './connection.ts';
import type { PgConnection } from './connection.ts';
import { commentOn } from './load-database.ts';
import { isConnectionLoss, sqlState } from './load-errors.ts';
import { parseMark } from './load-mark.ts';
import { quoteName } from './load-names.ts';

export interface PgSwapOptions {
  /** Of the restored database. */
  readonly url: string;
  /** The database in use, on the same server. */
  readonly name: string;
  /** Behind the name of what is set aside. */
  readonly suffix: string;
  /** The restored database's own comment, which takes the place of the mark that it waits. */
  readonly comment: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** PostgreSQL cuts names at 63 bytes. */
const NAME_BYTES = 63;

/**
 * Nothing is asked of the server yet.
 * @throws HoldfastError SWAP_ITSELF
 */
export function postgresSwap({ url, name, suffix, comment, env }: PgSwapOptions): Swap {
  const connection = pgConnection(url, env);
  if (connection.database === name) throw swapItself(name);
  const aside = `${cut(name, NAME_BYTES - suffix.length - 1)}_${suffix}`;
  const names = { connection, restored: connection.database, name, aside, comment };
  return {
    again: () => beside(connection, (client) => againOf(client, names)),
    users: () => beside(connection, async (client) => sessionsText(await sessionsOf(client, name))),
    mustBeAhead: () => beside(connection, (client) => mustBeAhead(client, names, suffix)),
    run: (endSessions) => beside(connection, (client) => rename(client, names, endSessions)),
  };
}

interface Names {
  readonly connection: PgConnection;
  readonly restored: string;
  readonly name: string;
  readonly aside: string;
  readonly comment: string | undefined;
}

/** One that is not marked, because it was there before the restore, is not known again. */
async function againOf(client: Client, names: Names): Promise<string> {
  return (await isMarked(client, names.restored))
    ? 'Run the same command again with --resume: only the names are left to be swapped.'
    : `By hand: ${psql(names.connection, await statementsOf(client, names))}`;
}

async function statementsOf(client: Client, { restored, name, aside, comment }: Names): Promise<string[]> {
  return [
    ...((await exists(client, name)) ? [renaming(name, aside)] : []),
    renaming(restored, name),
    ...((await isMarked(client, restored)) ? [commentOn(name, comment)] : []),
  ];
}

/** A swap whose end nobody heard of leaves the old one under a name of ours, and none under the restored one's. */
async function mustBeAhead(client: Client, names: Names, suffix: string): Promise<void> {
  const { connection, restored, name } = names;
  if ((await exists(client, restored)) || !(await exists(client, name))) return;
  const { rows } = await client.query<{ name: string }>(
    `SELECT datname::text AS name FROM pg_catalog.pg_database WHERE starts_with(datname::text, $1)
      AND substr(datname::text, length($1) + 1) ~ '^[0-9]{8}_[0-9]{4}$' ORDER BY datname DESC`,
    [`${cut(name, NAME_BYTES - suffix.length - 1)}_before_`],
  );
  const aside = rows[0]?.name;
  if (aside !== undefined) throw swapDone(restored, aside, psql(connection, back({ ...names, aside }, true)));
}

async function rename(client: Client, names: Names, endSessions: boolean): Promise<SwapReport> {
  const { connection, name, aside } = names;
  const isThere = await exists(client, name);
  if (isThere && (await exists(client, aside))) throw swapTaken(aside);
  const again = await againOf(client, names);
  const users = isThere && !endSessions ? sessionsText(await sessionsOf(client, name)) : undefined;
  if (users !== undefined) throw swapInUse(name, users, `${LET_GO} ${again}`);
  const statements = await statementsOf(client, names);
  const ending = isThere && endSessions ? endSessionsOf(connection, name) : undefined;
  try {
    await inTransaction(client, statements);
  } catch (error) {
    throw failureOf(error, name, again, await ending?.stop());
  } finally {
    await ending?.stop();
  }
  return { name, aside: isThere ? aside : undefined, wayBack: [psql(connection, back(names, isThere))] };
}

const LET_GO =
  'Stop the application, or let its sessions be ended: give --end-sessions, or confirm on a terminal.';

/** @param ending - why sessions could not be ended */
function failureOf(error: unknown, name: string, again: string, ending: unknown): Error {
  // Somebody is in one of the two: the message of the server names it.
  if (sqlState(error) === '55006') return swapFailed(name, ending ?? error, again);
  return isConnectionLoss(error) ? swapUnclear(name, error, again) : swapFailed(name, error, again);
}

async function inTransaction(client: Client, statements: readonly string[]): Promise<void> {
  await client.query('BEGIN');
  try {
    for (const statement of statements) await client.query(statement);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await client.query('COMMIT');
}

/**
 * Ends whoever is there, again and again: the server gives those that were there before the lock five seconds to leave.
 * A role may lack the right to it.
 */
function endSessionsOf(connection: PgConnection, name: string): { stop(): Promise<unknown> } {
  const end = `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1`;
  let isStopped = false;
  const work = beside(connection, async (client) => {
    while (!isStopped) {
      await client.query(end, [name]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return {
    stop: () => {
      isStopped = true;
      return work;
    },
  };
}

/** True for one that a restore has left waiting for its name. */
async function isMarked(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ oid: string; comment: string | null }>(
    `SELECT oid::text AS oid, pg_catalog.shobj_description(oid, 'pg_database') AS comment
      FROM pg_catalog.pg_database WHERE datname = $1`,
    [name],
  );
  return rows[0] !== undefined && parseMark(rows[0].comment)?.oid === rows[0].oid;
}

async function exists(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1', [name]);
  return rowCount === 1;
}

/** The server's own helpers leave by themselves. */
async function sessionsOf(client: Client, name: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_catalog.pg_stat_activity
      WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid() AND usesysid IS NOT NULL
        AND backend_type IS DISTINCT FROM 'autovacuum worker'`,
    [name],
  );
  return rows[0]?.n ?? 0;
}

function sessionsText(sessions: number): string | undefined {
  return sessions === 0 ? undefined : `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
}

/** A session in neither of the two. */
async function beside<T>(connection: PgConnection, work: (client: Client) => Promise<T>): Promise<T> {
  const open = (database: string) => connection.client({ database });
  // Where there is no database postgres, the restore has come in the same way.
  const client = await open('postgres').catch((error: unknown) => {
    if (isHoldfastError(error, 'PG_DATABASE_MISSING')) return open('template1');
    throw error;
  });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function back({ restored, name, aside }: Names, isThere: boolean): readonly string[] {
  return [renaming(name, restored), ...(isThere ? [renaming(aside, name)] : [])];
}

function renaming(from: string, to: string): string {
  return `ALTER DATABASE ${quoteName(from)} RENAME TO ${quoteName(to)}`;
}

/** All or nothing: while somebody is connected, the first statement fails, and the second must not be tried. */
function psql(connection: PgConnection, statements: readonly string[]): string {
  const words = statements.map((statement) => `-c ${shellWord(statement)}`);
  return `psql -v ON_ERROR_STOP=1 --single-transaction ${shellWord(connection.withDatabase('postgres').libpqUrl)} ${words.join(' ')}`;
}

function cut(name: string, bytes: number): string {
  return Buffer.byteLength(name) <= bytes
    ? name
    : Buffer.from(name)
        .subarray(0, bytes)
        .toString()
        .replace(/\ufffd+$/, '');
}
