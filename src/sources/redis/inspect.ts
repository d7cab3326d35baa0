/** Questions to a restored Redis server: a command of its own, and a reply of one value. */
import { isHoldfastError } from '../../errors.ts';
import type { Answer, Inspector } from '../inspector.ts';
import { openConnection } from './connection.ts';
import type { RedisConnection } from './connection.ts';
import { ReplyError } from './replies.ts';
import type { Reply } from './replies.ts';
import { redisSettings } from './settings.ts';

/**
 * Connects.
 * @throws HoldfastError REDIS_URL, REDIS_UNREACHABLE, REDIS_LOGIN
 */
export async function redisInspector(
  url: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Inspector> {
  const connection = await openConnection(redisSettings(url, env), signal);
  return {
    ask: (question) =>
      'command' in question
        ? ask(connection, question.command, question.database)
        : Promise.resolve({ refused: 'Redis is asked by a command' }),
    [Symbol.asyncDispose]: () => {
      connection.close();
      return Promise.resolve();
    },
  };
}

async function ask(
  connection: RedisConnection,
  [command = '', ...args]: readonly string[],
  database: number,
): Promise<Answer> {
  try {
    await connection.call('SELECT', String(database));
    return answerOf(await connection.call(command, ...args));
  } catch (error) {
    if (!isHoldfastError(error) || error.code === 'REDIS_UNREACHABLE' || error.exit === 'cancelled')
      throw error;
    return { refused: error.message };
  }
}

function answerOf(reply: Reply): Answer {
  if (reply === null) return { value: null };
  if (typeof reply === 'string' || typeof reply === 'number') return { value: String(reply) };
  if (Buffer.isBuffer(reply)) return { value: reply.toString('utf8') };
  if (reply instanceof ReplyError) return { refused: reply.text };
  return { refused: 'it replies with a list, and one value is wanted' };
}
