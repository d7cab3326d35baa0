/** Finds the server's own programs, by either of the names that they have had, and the right version of them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findIn, foldersOf } from '../../on-path.ts';
import { toolMissing, toolOld, toolUnreadable } from './errors.ts';
import { isOlder, readToolVersion } from './flavour.ts';
import type { ServerVersion } from './flavour.ts';

export interface Tool {
  /** `mariadb-dump`, `mysqldump`. */
  readonly name: string;
  readonly file: string;
  readonly version: ServerVersion;
}

/** Of programs that were asked before, by path. */
export type KnownVersions = Map<string, Promise<ServerVersion>>;

const CLIENTS = ['mariadb', 'mysql'];
const DUMPS = ['mariadb-dump', 'mysqldump'];

/** Any client: it asks questions that every server understands. Throws MYSQL_TOOL_MISSING, MYSQL_TOOL_BROKEN. */
export async function findClient(env: NodeJS.ProcessEnv, known: KnownVersions = new Map()): Promise<Tool> {
  for (const name of CLIENTS) {
    const found = await findTool(name, env, known);
    if (found !== undefined) return found;
  }
  throw toolMissing(CLIENTS, 'mariadb');
}

/**
 * The dump tool for a server: of its own line, where that is there, and no older than it is.
 * @throws HoldfastError MYSQL_TOOL_MISSING, MYSQL_TOOL_BROKEN, MYSQL_DUMP_OLD
 */
export async function findDumpTool(
  env: NodeJS.ProcessEnv,
  server: ServerVersion,
  known: KnownVersions = new Map(),
): Promise<Tool> {
  const there = await Promise.all(DUMPS.map((name) => findTool(name, env, known)));
  const tools = there.filter((tool) => tool !== undefined);
  const own = tools.filter(({ version }) => version.flavour === server.flavour);
  const [first] = own.length > 0 ? own : tools;
  if (first === undefined) throw toolMissing(DUMPS, server.flavour);
  const fit = own.find(({ version }) => !isOlder(version, server)) ?? first;
  if (isOlder(fit.version, server)) throw toolOld(fit.name, fit.version, server);
  return fit;
}

/** coreutils' stdbuf: without it a dump tool writes 4 KiB at a time, which costs a fifth of the speed. */
export function findStdbuf(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return findIn(foldersOf(env['PATH']), 'stdbuf');
}

async function findTool(
  name: string,
  env: NodeJS.ProcessEnv,
  known: KnownVersions,
): Promise<Tool | undefined> {
  const file = await findIn(foldersOf(env['PATH']), name);
  if (file === undefined) return undefined;
  const version = known.get(file) ?? versionOf(name, file, env);
  known.set(file, version);
  return { name, file, version: await version };
}

async function versionOf(tool: string, file: string, env: NodeJS.ProcessEnv): Promise<ServerVersion> {
  try {
    const { stdout } = await promisify(execFile)(file, ['--no-defaults', '--version'], {
      env,
      timeout: 30_000,
    });
    const version = readToolVersion(stdout);
    if (version === undefined) throw new Error(`it says ${JSON.stringify(stdout.slice(0, 80))}`);
    return version;
  } catch (error) {
    throw toolUnreadable(tool, error);
  }
}
