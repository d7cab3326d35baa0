/** From a set's configuration to the URL that its database is reached by. */
import type { Connection, DatabaseSet } from './config.ts';
import { secretUnset, sourceUrlInvalid } from './errors.ts';
import { rememberSecretUrl } from './secret.ts';
import { readSecretCommand, readSecretFile } from './secret-sources.ts';

/** How the URLs of each engine begin; the first is what people are told. */
const SCHEMES: Readonly<Record<DatabaseSet['source'], readonly string[]>> = {
  postgres: ['postgres', 'postgresql'],
  mysql: ['mysql', 'mariadb'],
  redis: ['redis', 'rediss'],
};

export function isDatabase(source: unknown): source is DatabaseSet['source'] {
  return typeof source === 'string' && Object.hasOwn(SCHEMES, source);
}

/** What is wrong with the URL of a database, without quoting it; undefined when it can be one. */
export function databaseUrlProblem(source: DatabaseSet['source'], url: string): string | undefined {
  const [scheme = '', rest] = url.split('://', 2);
  if (rest !== undefined && SCHEMES[source].includes(scheme) && !/\s/.test(url)) return undefined;
  return `must start with ${SCHEMES[source][0] ?? ''}:// and contain no spaces`;
}

/** The URL that leaves everything to libpq's PG* variables and defaults. */
const ALL_FROM_ENVIRONMENT = 'postgres://';

/**
 * The database URL of a set, read from its place now; `postgres://` alone means libpq's own PG* variables.
 * Hand it on through PG* variables, never through argv. Throws SECRET_* or SOURCE_URL_INVALID.
 */
export async function resolveSourceUrl(
  set: DatabaseSet,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> {
  const place = (key: string): string => `set ${set.name}: ${key}`;
  const found = await readConnection(place, set.connection, env, signal);
  const url = found.text.trim();
  const problem = databaseUrlProblem(set.source, url);
  if (problem !== undefined) throw sourceUrlInvalid(found.what, problem);
  return url;
}

/**
 * What a place of the configuration holds, read now: a URL, whose secrets are struck out of messages from here on.
 * @param place - from the key to how messages name it: `set shop: url_file`
 * @throws HoldfastError SECRET_*
 */
export async function readConnection(
  place: (key: string) => string,
  connection: Connection,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<Held> {
  const held = await read(place, connection, env, signal);
  rememberSecretUrl(held.text);
  return held;
}

interface Held {
  /** Where it was written. */
  readonly what: string;
  readonly text: string;
}

async function read(
  place: (key: string) => string,
  connection: Connection,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<Held> {
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
