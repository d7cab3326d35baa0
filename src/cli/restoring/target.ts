/** Where a restore goes: as somebody has said, or to a new name beside the source. */
import { databaseUrlProblem, isDatabase, resolveSourceUrl } from '../../config/source-url.ts';
import { HoldfastError } from '../../errors.ts';
import type { SourceKind } from '../../sources/source.ts';
import type { CliContext } from '../context.ts';
import type { OpenedSnapshot } from './snapshot.ts';

/** What is wrong with a place that is written as a URL; undefined when nothing is, and for paths. The place is not quoted. */
export function targetUrlProblem(kind: SourceKind, to: string): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(to)?.[1];
  if (scheme === undefined) return undefined;
  if (isDatabase(kind)) return databaseUrlProblem(kind, to);
  return `is a URL (${scheme}://…), and a snapshot of ${kind} goes to a path`;
}

/**
 * A mistyped scheme is no folder's name.
 * @throws HoldfastError TARGET_URL
 */
export function mustBeTarget(kind: SourceKind, to: string): void {
  const problem = targetUrlProblem(kind, to);
  if (problem === undefined) return;
  throw new HoldfastError({
    code: 'TARGET_URL',
    exit: 'usage',
    message: `--to ${problem}`,
    hint: 'Name a new database of the same engine, or a path; a path that ends in .sql is written as text.',
  });
}

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
async function newDatabaseUrl(url: string, suffix: string): Promise<string> {
  const { pgConnection } = await import('../../sources/postgres/connection.ts');
  const { database } = pgConnection(url);
  // PostgreSQL cuts names at 63 bytes; the suffix is what must stay.
  const name = `${database.slice(0, 36)}_restored_${suffix}`;
  const parsed = new URL(url);
  parsed.pathname = `/${encodeURIComponent(name)}`;
  return parsed.href;
}
