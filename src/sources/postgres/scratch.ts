/** Databases that are made to be thrown away. */
import { pgConnection } from './connection.ts';
import { Target } from './load-target.ts';

/**
 * Drops a database with whoever is connected to it; one that is not there is no error.
 * @throws HoldfastError PG_URL, PG_UNREACHABLE, PG_LOGIN, and what the server says
 */
export async function dropDatabase(url: string, env: NodeJS.ProcessEnv): Promise<void> {
  const target = await Target.open(pgConnection(url, env));
  try {
    await target.drop();
  } finally {
    await target.close();
  }
}

/** Host and port of a URL, for people. */
export function displayServer(url: string, env: NodeJS.ProcessEnv): string {
  return pgConnection(url, env).display.replace(/\/[^/]*$/, '');
}
