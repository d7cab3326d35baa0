/** Scratch databases as the command line sets them up: what is restored there is looked at and thrown away. */
import type { ScratchSpace } from '../scratch/scratch.ts';
import type { Loader, SourceInfo } from '../sources/source.ts';
import type { CliContext } from './context.ts';
import { openLoader } from './wiring.ts';

/**
 * Where a dump of this source is restored: a temporary file; a server of our own, which is started; or the server of
 * the URL.
 * @throws HoldfastError SCRATCH_NO_SERVER, SCRATCH_NO_USER, SCRATCH_SERVER_FAILED, PG_URL
 */
export async function openScratchSpace(
  { env, signal }: CliContext,
  { kind, serverVersion }: SourceInfo,
  url: string | undefined,
): Promise<ScratchSpace> {
  if (kind === 'sqlite') {
    const { sqliteScratch } = await import('../scratch/sqlite.ts');
    return sqliteScratch();
  }
  if (kind === 'redis') {
    const { noScratchFor } = await import('../scratch/errors.ts');
    throw noScratchFor('Redis');
  }
  if (url === undefined) {
    const { startScratchServer } = await import('../scratch/postgres-server.ts');
    return startScratchServer({ major: Number.parseInt(serverVersion, 10) || 0, env }, signal);
  }
  const { displayServer, dropDatabase } = await import('../sources/postgres/scratch.ts');
  const { scratchOnServer } = await import('../scratch/postgres-database.ts');
  const name = `a database on ${displayServer(url, env)}`;
  return scratchOnServer({ url, name, drop: (target) => dropDatabase(target, env) });
}

/** The loader for a database in there; of PG* variables a server of our own takes none. */
export function openScratchLoader(
  { env }: Pick<CliContext, 'env'>,
  { kind }: SourceInfo,
  target: string,
  url: string | undefined,
): Promise<Loader> {
  const plain = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PG')));
  return openLoader(kind, target, url === undefined ? plain : env);
}
