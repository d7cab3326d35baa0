/** What somebody else has made in an empty database while it was restored into: that is not ours to drop. */
import { reasonOf } from '../../errors.ts';
import { backquoted } from '../../rows/mysql-names.ts';
import { query } from './client.ts';
import type { Target } from './load-target.ts';

const OBJECTS = `SELECT table_name FROM information_schema.TABLES WHERE table_schema = DATABASE()
  UNION SELECT routine_name FROM information_schema.ROUTINES
    WHERE routine_schema = DATABASE() AND BINARY routine_schema = BINARY DATABASE()
  UNION SELECT event_name FROM information_schema.EVENTS
    WHERE event_schema = DATABASE() AND BINARY event_schema = BINARY DATABASE()`;

/** That a table, a procedure or function, a trigger, an event is there already: no dump makes one twice. */
const IS_THERE = /\bERROR (1050|1304|1359|1537)\b/;

/**
 * True when there is anything that this restore cannot have made.
 * @param statements - of the dump; Latin-1, as `readScript` gives them
 * @param failure - why the restore failed
 */
export async function hasStrangers(
  { client, database }: Target,
  statements: readonly string[],
  failure: unknown,
): Promise<boolean> {
  if (IS_THERE.test(reasonOf(failure))) return true;
  const signal = AbortSignal.timeout(LOOK_MS);
  const names = await query(client, { sql: OBJECTS, what: 'what the database holds', database }, signal);
  const ours = statements.join('');
  return names.some((name) => !ours.includes(Buffer.from(backquoted(name)).toString('latin1')));
}

const LOOK_MS = 60_000;
