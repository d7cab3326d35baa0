/** Databases that are made to be thrown away. */
import { dropDatabase, openTarget } from './load-target.ts';
import { mysqlSettings } from './settings.ts';

/**
 * Drops a database with whoever is connected to it; one that is not there is no error.
 * @throws HoldfastError MYSQL_URL, MYSQL_UNREACHABLE, MYSQL_LOGIN, and what the server says
 */
export async function dropScratchDatabase(url: string, env: NodeJS.ProcessEnv): Promise<void> {
  // Also after Ctrl-C: what was restored must not stay.
  await using target = await openTarget(url, env, AbortSignal.timeout(OPEN_MS));
  await dropDatabase(target, undefined);
}

const OPEN_MS = 60_000;

/**
 * Where the server of a URL is, for people.
 * @throws HoldfastError MYSQL_URL
 */
export function displayServer(url: string): string {
  const { socket, host, port } = mysqlSettings(url);
  return socket ?? `${host}:${port}`;
}
