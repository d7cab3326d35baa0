/** Questions to a restored MySQL or MariaDB database: one SELECT, in a transaction that can change nothing. */
import { isHoldfastError } from '../../errors.ts';
import { ANSWER_MS, onlyValue } from '../inspector.ts';
import type { Answer, Inspector } from '../inspector.ts';
import { query } from './client.ts';
import { openTarget } from './load-target.ts';
import type { Target } from './load-target.ts';

/**
 * Connects.
 * @throws HoldfastError MYSQL_URL, MYSQL_TOOL_MISSING, MYSQL_LOGIN, MYSQL_UNREACHABLE
 */
export async function mysqlInspector(
  url: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Inspector> {
  const target = await openTarget(url, env, signal);
  return {
    ask: (question, asked) =>
      'sql' in question
        ? ask(target, question.sql, asked)
        : Promise.resolve({ refused: 'MySQL is asked in SQL' }),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}

/** What the server itself says is wrong with the question. */
const REFUSED: readonly string[] = ['MYSQL_QUERY', 'MYSQL_PRIVILEGE'];

async function ask({ client, database }: Target, sql: string, signal: AbortSignal): Promise<Answer> {
  const text = `SET time_zone = '+00:00', sql_select_limit = 2; START TRANSACTION READ ONLY; ${sql.replace(/[;\s]+$/, '')}`;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  try {
    const lines = await query(client, { sql: text, what: 'a check', database }, limit);
    return onlyValue(lines.map((line) => line.split('\t').map((field) => (field === 'NULL' ? null : field))));
  } catch (error) {
    if (!isHoldfastError(error) || !REFUSED.includes(error.code)) throw error;
    // What the server says; where it is, is known.
    return { refused: error.message.replace(/^.*?(?=ERROR \d+)/s, '') };
  }
}
