/** Finds PostgreSQL's programs and the right version of them. */
import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findIn, foldersOf, isExecutable } from '../../on-path.ts';
import { toolMissing, toolOld, toolUnreadable } from './errors.ts';

export interface ServerVersion {
  readonly major: number;
  /** As the server says it: `15.20 (Debian 15.20-0+deb12u1)`. */
  readonly text: string;
}

export interface PgTools {
  readonly pgDump: string;
  readonly pgDumpall: string;
  /** Of pg_dump, e.g. `15.20`. */
  readonly version: string;
  /** coreutils' stdbuf: without it pg_dump writes 4 KiB at a time, which costs a third of the speed. */
  readonly stdbuf: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The programs for a server: pg_dump must be at least as new as the server.
 * @throws HoldfastError PG_TOOL_MISSING, PG_TOOL_BROKEN, PG_DUMP_OLD
 */
export async function findTools(env: Environment, server: ServerVersion): Promise<PgTools> {
  const pgDump = await findTool('pg_dump', env, server);
  const pgDumpall = await findTool('pg_dumpall', env, server);
  if (pgDump === undefined) throw toolMissing('pg_dump', server.major);
  if (pgDumpall === undefined) throw toolMissing('pg_dumpall', server.major);
  const version = await newEnough('pg_dump', pgDump, env, server);
  await newEnough('pg_dumpall', pgDumpall, env, server);
  return {
    pgDump,
    pgDumpall,
    version,
    stdbuf: await findIn(foldersOf(env['PATH']), 'stdbuf'),
  };
}

async function newEnough(
  tool: string,
  file: string,
  env: Environment,
  server: ServerVersion,
): Promise<string> {
  const version = await versionOf(tool, file, env);
  if (Number.parseInt(version, 10) < server.major) throw toolOld(tool, version, server.text, server.major);
  return version;
}

/** The version that a tool says: `15.20`, `18beta1`. */
async function versionOf(tool: string, file: string, env: Environment): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(file, ['--version'], { env: { ...env }, timeout: 30_000 });
    const version = /\(PostgreSQL\) (\d\S*)/.exec(stdout)?.[1];
    if (version === undefined) throw new Error(`it says ${JSON.stringify(stdout.slice(0, 80))}`);
    return version;
  } catch (error) {
    throw toolUnreadable(tool, error);
  }
}

/** Debian's programs on the PATH are one Perl wrapper (postgresql-common); behind it stand all versions. */
async function findTool(name: string, env: Environment, server: ServerVersion): Promise<string | undefined> {
  const found = await findIn(foldersOf(env['PATH']), name);
  if (found === undefined) return undefined;
  const isWrapper = (await realpath(found)).endsWith('/postgresql-common/pg_wrapper');
  return isWrapper ? ((await behindWrapper(name, server.major)) ?? found) : found;
}

const DEBIAN = '/usr/lib/postgresql';

/** The oldest version that is new enough: its output is the likeliest to load into the same server again. */
async function behindWrapper(name: string, major: number): Promise<string | undefined> {
  const versions = (await readdir(DEBIAN).catch(() => [])).map(Number).filter(Number.isInteger);
  const present: number[] = [];
  for (const version of versions.sort((a, b) => a - b)) {
    if (await isExecutable(join(DEBIAN, String(version), 'bin', name))) present.push(version);
  }
  const best = present.find((version) => version >= major) ?? present.at(-1);
  return best === undefined ? undefined : join(DEBIAN, String(best), 'bin', name);
}
