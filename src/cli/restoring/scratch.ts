/** Scratch databases as the command line sets them up: what is restored there is looked at and thrown away. */
import { dirname } from 'node:path';
import type { ScratchSpace } from '../../scratch/scratch.ts';
import type { Inspector } from '../../sources/inspector.ts';
import type { Schema } from '../../sources/schema.ts';
import type { Loader, SourceInfo } from '../../sources/source.ts';
import type { CliContext } from '../context.ts';
import { openLoader } from '../wiring.ts';

/**
 * Where a dump of this source is restored: a temporary file or folder; a server of our own, which is started; or the
 * server of the URL.
 * @throws HoldfastError SCRATCH_NO_SERVER, SCRATCH_NO_USER, SCRATCH_SERVER_FAILED, SCRATCH_NOT_NAMED, PG_URL, MYSQL_URL
 */
export async function openScratchSpace(
  context: CliContext,
  source: SourceInfo,
  url: string | undefined,
): Promise<ScratchSpace> {
  switch (source.kind) {
    case 'sqlite':
      return (await import('../../scratch/sqlite.ts')).sqliteScratch();
    case 'files':
      return (await import('../../scratch/files.ts')).filesScratch();
    case 'redis':
      return redisSpace(context, source, url);
    case 'mysql':
      return url === undefined ? mariadbSpace(context, source) : namedMysqlSpace(context, url);
    case 'postgres':
      return url === undefined ? postgresSpace(context, source) : namedPostgresSpace(context, url);
  }
}

async function redisSpace(
  { env }: CliContext,
  { serverVersion, facts }: SourceInfo,
  url: string | undefined,
): Promise<ScratchSpace> {
  if (url !== undefined) throw (await import('../../scratch/errors.ts')).noNamedScratch('Redis');
  const { redisScratch } = await import('../../scratch/redis-server.ts');
  const flavour = facts['flavour'] === 'valkey' ? 'valkey' : 'redis';
  return redisScratch({ flavour, version: serverVersion, env });
}

/** MySQL's dumps are for MySQL: that MariaDB refuses one would say nothing of the snapshot. */
async function mariadbSpace(
  { env, signal }: CliContext,
  { serverVersion, facts }: SourceInfo,
): Promise<ScratchSpace> {
  const { readVersion } = await import('../../sources/mysql/flavour.ts');
  const version = readVersion(serverVersion);
  if (version?.flavour === 'mysql') throw (await import('../../scratch/errors.ts')).noServerOfOurOwn('MySQL');
  const { startMariadbScratch } = await import('../../scratch/mariadb-server.ts');
  const options = {
    version: version === undefined ? '0' : `${version.major}.${version.minor}`,
    lowerCaseTableNames: Number(facts['lowerCaseTableNames'] ?? 0),
    env,
  };
  return startMariadbScratch(options, signal);
}

async function namedMysqlSpace({ env }: CliContext, url: string): Promise<ScratchSpace> {
  const { displayServer, dropScratchDatabase } = await import('../../sources/mysql/scratch.ts');
  const { scratchOnServer, withDatabase } = await import('../../scratch/named-server.ts');
  // The URL of a server may have no database, which a target must have.
  const name = `a database on ${displayServer(withDatabase(url, 'scratch'))}`;
  return scratchOnServer({ url, name, drop: (target) => dropScratchDatabase(target, env) });
}

async function postgresSpace(
  { env, signal }: CliContext,
  { serverVersion }: SourceInfo,
): Promise<ScratchSpace> {
  const { startScratchServer } = await import('../../scratch/postgres-server.ts');
  return startScratchServer({ major: Number.parseInt(serverVersion, 10) || 0, env }, signal);
}

async function namedPostgresSpace({ env }: CliContext, url: string): Promise<ScratchSpace> {
  const { displayServer, dropDatabase } = await import('../../sources/postgres/scratch.ts');
  const { scratchOnServer } = await import('../../scratch/named-server.ts');
  const name = `a database on ${displayServer(url, env)}`;
  return scratchOnServer({ url, name, drop: (target) => dropDatabase(target, env) });
}

/** Variables that say where a server is, or how to log in there. */
const ABOUT_SERVERS = /^(PG|MYSQL_|MARIADB_|REDISCLI_)/;

/** The loader for a database in there; a server of our own takes none of those variables. */
export function openScratchLoader(
  { env }: Pick<CliContext, 'env'>,
  { kind }: SourceInfo,
  target: string,
  url: string | undefined,
): Promise<Loader> {
  return openLoader(kind, target, environmentFor(env, url));
}

function environmentFor(env: NodeJS.ProcessEnv, url: string | undefined): NodeJS.ProcessEnv {
  if (url !== undefined) return env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ABOUT_SERVERS.test(name)));
}

/** What asks a database in there; `openScratchLoader` says with which environment. */
export async function openScratchInspector(
  { env }: Pick<CliContext, 'env'>,
  { kind }: SourceInfo,
  { target, url }: { readonly target: string; readonly url: string | undefined },
  signal: AbortSignal,
): Promise<Inspector> {
  const own = environmentFor(env, url);
  switch (kind) {
    case 'sqlite':
      return (await import('../../sources/sqlite/inspect.ts')).sqliteInspector(target);
    case 'files':
      return (await import('../../sources/files/inspect.ts')).filesInspector(target);
    case 'redis':
      return (await import('../../sources/redis/inspect.ts')).redisInspector(target, own, signal);
    case 'mysql':
      return (await import('../../sources/mysql/inspect.ts')).mysqlInspector(target, own, signal);
    case 'postgres':
      return (await import('../../sources/postgres/inspect.ts')).postgresInspector(target, own);
  }
}

/** The tables of a database in there, as a backup would read them; undefined for what has none of its own. */
export async function readScratchSchema(
  { env }: Pick<CliContext, 'env'>,
  { kind }: SourceInfo,
  { target, url }: { readonly target: string; readonly url: string | undefined },
  signal: AbortSignal,
): Promise<Schema | undefined> {
  const own = environmentFor(env, url);
  switch (kind) {
    case 'sqlite': {
      const { sqliteSource } = await import('../../sources/sqlite/source.ts');
      return sqliteSource({ path: target, scratch: dirname(target) }).schema(signal);
    }
    case 'mysql':
      return (await import('../../sources/mysql/source.ts'))
        .mysqlSource({ url: target, env: own })
        .schema(signal);
    case 'postgres': {
      const { postgresSource } = await import('../../sources/postgres/source.ts');
      return postgresSource({ url: target, env: own }).schema(signal);
    }
    case 'redis':
    case 'files':
      return undefined;
  }
}
