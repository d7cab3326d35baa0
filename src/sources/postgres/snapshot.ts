/** One exported snapshot of a database, which all tools of a dump share. */
import type { Client } from 'pg';
import { queryFailed, snapshotLost } from './errors.ts';
import type { PgConnection } from './connection.ts';
import type { ServerVersion } from './tools.ts';

export interface Snapshot {
  /** For `pg_dump --snapshot`. */
  readonly id: string;
  /** Fires with PG_SNAPSHOT_LOST as its reason when the connection breaks. */
  readonly lost: AbortSignal;
  close(): Promise<void>;
}

/**
 * Begins a transaction on the client, which must be without timeouts (see `endTimeouts`), and exports its snapshot. Nobody else sees later changes through it, and
 * it lives until `close`, which ends the client too. Works on standbys (PostgreSQL 10 and newer).
 * @throws HoldfastError PG_QUERY
 */
export async function openSnapshot(connection: PgConnection, client: Client): Promise<Snapshot> {
  const lost = new AbortController();
  let isOpen = true;
  const onEnd = (cause: unknown): void => {
    if (isOpen) lost.abort(snapshotLost(connection.display, cause));
  };
  client.on('error', onEnd);
  client.on('end', () => onEnd(new Error('the server closed it')));
  return {
    id: await exportSnapshot(connection, client),
    lost: lost.signal,
    close: () => {
      isOpen = false;
      return client.end().catch(() => undefined);
    },
  };
}

/** Timeouts of the server or role would end a session that only waits, as this one does. */
const TIMEOUTS: readonly (readonly [since: number, name: string])[] = [
  [9, 'statement_timeout'],
  [9, 'lock_timeout'],
  [10, 'idle_in_transaction_session_timeout'],
  [14, 'idle_session_timeout'],
  [17, 'transaction_timeout'],
];

/** Makes the session wait for whatever it asks for, and be left waiting itself. */
export async function endTimeouts(client: Client, server: ServerVersion): Promise<void> {
  for (const [since, name] of TIMEOUTS) if (server.major >= since) await client.query(`SET ${name} = 0`);
}

async function exportSnapshot(connection: PgConnection, client: Client): Promise<string> {
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const { rows } = await client.query<{ id: string }>('SELECT pg_catalog.pg_export_snapshot() AS id');
    return rows[0]?.id ?? '';
  } catch (error) {
    throw queryFailed(connection.display, 'a snapshot', error);
  }
}
