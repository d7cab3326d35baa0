/** Nobody else may be at work in a database that a restore goes on with: neither another restore nor anybody else. */
import { throwIfCancelled } from '../../errors.ts';
import { targetInUse } from './load-errors.ts';
import type { Target } from './load-target.ts';

/** `hold` in ASCII: the first number of the advisory lock; the second one is the number of the database. */
const LOCK_CLASS = 0x68_6f_6c_64;
/** The server ends what ran for a process that was killed; see `Crew`. */
const LEAVING_MS = 10_000;

/**
 * Holds the database for this restore for as long as the session beside it lives.
 * @throws HoldfastError TARGET_IN_USE
 */
export async function claim(target: Target): Promise<void> {
  // A host that is gone for good must not hold it for the two hours after which TCP would notice.
  await target.query(IMPATIENT).catch(() => undefined);
  // A lock is of the database of its session, and not everybody enters by the same one: the list has all of them.
  const [row] = await target.query<{ mine: boolean; others: number }>(
    `WITH tried AS (SELECT oid, pg_catalog.pg_try_advisory_lock($1, oid::int4) AS mine
        FROM pg_catalog.pg_database WHERE datname = $2)
      SELECT mine, (SELECT count(*)::int FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted
          AND l.classid = $1::int4::oid AND l.objid = tried.oid AND l.objsubid = 2 AND l.pid <> pg_backend_pid()) AS others
      FROM tried`,
    [LOCK_CLASS, target.database],
  );
  if (row?.mine !== true || row.others > 0)
    throw targetInUse(target.database, 'another restore is at work in it');
}

/** Every 30 s a question, three unanswered ones are the end. */
export const IMPATIENT = `SELECT pg_catalog.set_config('tcp_keepalives_idle', '30', false),
  pg_catalog.set_config('tcp_keepalives_interval', '10', false), pg_catalog.set_config('tcp_keepalives_count', '3', false)`;

/**
 * Waits a moment for the sessions of a restore that was killed.
 * @throws HoldfastError TARGET_IN_USE
 */
export async function mustBeDeserted(target: Target, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + LEAVING_MS;
  for (;;) {
    throwIfCancelled(signal);
    const sessions = await target.sessions();
    if (sessions === 0) return;
    const text =
      sessions === 1 ? '1 session is connected to it' : `${String(sessions)} sessions are connected to it`;
    if (performance.now() > untilMs) throw targetInUse(target.database, text);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
