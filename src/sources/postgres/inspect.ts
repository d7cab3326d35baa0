/** Questions to a restored PostgreSQL database: one SELECT, in a transaction that can change nothing. */
import type { Client, QueryConfig } from 'pg';
import { reasonOf, throwIfCancelled } from '../../errors.ts';
import { ANSWER_MS, onlyValue } from '../inspector.ts';
import type { Answer, Inspector } from '../inspector.ts';
import { pgConnection } from './connection.ts';
import { isConnectionLoss, serverGone, sqlState } from './load-errors.ts';

/** Times are printed in UTC, and as ISO 8601, whatever the database is set to. */
const BEGIN = `BEGIN READ ONLY; SET LOCAL statement_timeout = ${ANSWER_MS}; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'`;

/** The driver has this option, its types do not. */
type OneStatement = QueryConfig & { readonly queryMode: 'extended' };

/**
 * Connects.
 * @throws HoldfastError of `PgConnection.client`
 */
export async function postgresInspector(url: string, env: NodeJS.ProcessEnv): Promise<Inspector> {
  const client = await pgConnection(url, env).client();
  return {
    ask: (question, signal) => {
      throwIfCancelled(signal);
      return 'sql' in question
        ? ask(client, question.sql, signal)
        : Promise.resolve({ refused: 'PostgreSQL is asked in SQL' });
    },
    [Symbol.asyncDispose]: () => client.end().catch(() => undefined),
  };
}

async function ask(client: Client, sql: string, signal: AbortSignal): Promise<Answer> {
  // The driver cannot stop a query; without its connection the server ends it.
  const onAbort = (): void => void client.end().catch(() => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await client.query(BEGIN);
    // A cursor: of a million rows two are fetched. The extended protocol takes one statement, whatever stands in it.
    const declare: OneStatement = {
      text: `DECLARE answer NO SCROLL CURSOR FOR ${sql.replace(/[;\s]+$/, '')}`,
      queryMode: 'extended',
    };
    await client.query(declare);
    const { rows } = await client.query<(string | null)[]>({
      text: 'FETCH 2 FROM answer',
      rowMode: 'array',
      types: { getTypeParser: () => String },
    });
    return onlyValue(rows);
  } catch (error) {
    throwIfCancelled(signal);
    const state = sqlState(error);
    // 57014: the statement took too long; nothing is known then.
    if (isConnectionLoss(error) || state === undefined || state === '57014')
      throw serverGone('a check', error);
    return { refused: reasonOf(error) };
  } finally {
    signal.removeEventListener('abort', onAbort);
    await client.query('ROLLBACK').catch(() => undefined);
  }
}
