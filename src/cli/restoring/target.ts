/** Where a restore goes when nobody has said: a new name beside the source. */
import { resolveSourceUrl } from '../../config/source-url.ts';
import type { CliContext } from '../context.ts';
import type { OpenedSnapshot } from './snapshot.ts';

/** A new name beside the source, which says what it is. */
export async function defaultTarget(context: CliContext, { set, item }: OpenedSnapshot): Promise<string> {
  const suffix = item.entry.snapshot.slice(0, 15).replace('T', '_').toLowerCase();
  if (set.source === 'sqlite' || set.source === 'files') return `${set.path}.restored-${item.entry.snapshot}`;
  if (set.source === 'redis') throw (await import('../../restore/errors.ts')).targetNeeded();
  const url = await resolveSourceUrl(set, context.env, context.signal);
  return set.source === 'postgres' ? newDatabaseUrl(url, suffix) : besideIt(url, suffix);
}

/** The same for a URL that says everything itself. */
function besideIt(url: string, suffix: string): string {
  const parsed = new URL(url);
  const database = decodeURIComponent(parsed.pathname.slice(1));
  // MySQL takes names of up to 64 characters.
  parsed.pathname = `/${encodeURIComponent(`${database.slice(0, 38)}_restored_${suffix}`)}`;
  return parsed.href;
}

/** The URL of a database `NAME_restored_SUFFIX` on the same server. */
export async function newDatabaseUrl(url: string, suffix: string): Promise<string> {
  const { pgConnection } = await import('../../sources/postgres/connection.ts');
  const { database } = pgConnection(url);
  // PostgreSQL cuts names at 63 bytes; the suffix is what must stay.
  const name = `${database.slice(0, 36)}_restored_${suffix}`;
  const parsed = new URL(url);
  parsed.pathname = `/${encodeURIComponent(name)}`;
  return parsed.href;
}
