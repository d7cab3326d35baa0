/** From a set's configuration to the URL that its database is reached by. */
import type { Connection, PostgresSet } from './config.ts';
import { secretUnset, sourceUrlInvalid } from './errors.ts';
import { readSecretCommand, readSecretFile } from './secret-sources.ts';

const POSTGRES_URL = /^postgres(?:ql)?:\/\/[^\s]*$/;

/** What is wrong with a database URL, without quoting it; undefined when it can be one. */
export function postgresUrlProblem(url: string): string | undefined {
  return POSTGRES_URL.test(url) ? undefined : 'must start with postgres:// and contain no spaces';
}

/** The URL that leaves everything to libpq's PG* variables and defaults. */
const ALL_FROM_ENVIRONMENT = 'postgres://';

/**
 * The database URL of a set, read from its place now; `postgres://` alone means libpq's own PG* variables.
 * Hand it on through PG* variables, never through argv. Throws SECRET_* or SOURCE_URL_INVALID.
 */
export async function resolveSourceUrl(
  set: PostgresSet,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> {
  const found = await read(set, set.connection, env, signal);
  const url = found.text.trim();
  if (postgresUrlProblem(url) !== undefined) throw sourceUrlInvalid(found.what);
  return url;
}

async function read(
  set: PostgresSet,
  connection: Connection,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<{ readonly what: string; readonly text: string }> {
  const place = (key: string): string => `set ${set.name}: ${key}`;
  switch (connection.from) {
    case 'environment':
      return { what: place('url'), text: ALL_FROM_ENVIRONMENT };
    case 'url':
      return { what: place('url'), text: connection.url.reveal() };
    case 'variable': {
      const what = place('url_env');
      const text = env[connection.variable];
      if (text === undefined || text.trim() === '') throw secretUnset(what, connection.variable);
      return { what, text };
    }
    case 'file': {
      const what = place('url_file');
      return { what, text: await readSecretFile(what, connection.path) };
    }
    case 'command': {
      const what = place('url_command');
      const { argv, folder } = connection;
      const options = { env, folder, ...(signal === undefined ? {} : { signal }) };
      return { what, text: await readSecretCommand(what, argv, options) };
    }
  }
}
