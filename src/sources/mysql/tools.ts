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

const CLIENTS = ['mariadb', 'mysql'];
const DUMPS = ['mariadb-dump', 'mysqldump'];

/** Any client: it asks questions that every server understands. Throws MYSQL_TOOL_MISSING, MYSQL_TOOL_BROKEN. */
export async function findClient(env: NodeJS.ProcessEnv): Promise<Tool> {
  const [found] = await present(CLIENTS, env);
  if (found === undefined) throw toolMissing(CLIENTS, 'mariadb');
  return found;
}

/**
 * The dump tool for a server: of its own line, where that is there, and no older than it is.
 * @throws HoldfastError MYSQL_TOOL_MISSING, MYSQL_TOOL_BROKEN, MYSQL_DUMP_OLD
 */
export async function findDumpTool(env: NodeJS.ProcessEnv, server: ServerVersion): Promise<Tool> {
  const tools = await present(DUMPS, env);
  const own = tools.filter(({ version }) => version.flavour === server.flavour);
  const [first] = own.length > 0 ? own : tools;
  if (first === undefined) throw toolMissing(DUMPS, server.flavour);
  const fit = own.find(({ version }) => !isOlder(version, server)) ?? first;
  if (isOlder(fit.version, server)) throw toolOld(fit.name, fit.version, server);
  return fit;
}

async function present(names: readonly string[], env: NodeJS.ProcessEnv): Promise<Tool[]> {
  const found: Tool[] = [];
  for (const name of names) {
    const file = await findIn(foldersOf(env['PATH']), name);
    if (file !== undefined) found.push({ name, file, version: await versionOf(name, file, env) });
  }
  return found;
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
