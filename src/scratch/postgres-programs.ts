/** PostgreSQL's server programs on this machine. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { noServerPrograms } from './errors.ts';
import { foldersOf, isExecutable } from '../on-path.ts';
import { versionOf } from './programs.ts';
import type { Env } from './programs.ts';

export interface ServerPrograms {
  /** With `initdb` and `postgres`. */
  readonly folder: string;
  /** `15.20` */
  readonly version: string;
}

/** Where packages put the programs of each version: Debian, Red Hat's PGDG, Homebrew. None of it is on the PATH. */
const HOMES: readonly (readonly [folder: string, name: RegExp])[] = [
  ['/usr/lib/postgresql', /^\d+$/],
  ['/usr', /^pgsql-\d+$/],
  ['/opt/homebrew/opt', /^postgresql@\d+$/],
  ['/usr/local/opt', /^postgresql@\d+$/],
];

/**
 * The oldest version that is new enough: it is the likeliest to take the dump as it is.
 * @param major - of the server that the dump comes from, at least
 * @throws HoldfastError SCRATCH_NO_SERVER
 */
export async function findServerPrograms(env: Env, major: number): Promise<ServerPrograms> {
  const found: ServerPrograms[] = [];
  for (const folder of [...foldersOf(env['PATH']), ...(await inHomes())]) {
    const version = await versionIn(folder);
    if (version !== undefined && Number.parseInt(version, 10) >= major) found.push({ folder, version });
  }
  const [best] = found.sort((a, b) => Number.parseFloat(a.version) - Number.parseFloat(b.version));
  if (best === undefined)
    throw noServerPrograms(
      `PostgreSQL ${major}`,
      'initdb, postgres',
      `Install them (Debian: postgresql-${major}), or name a server with --scratch URL.`,
    );
  return best;
}

async function inHomes(): Promise<string[]> {
  const folders: string[] = [];
  for (const [home, name] of HOMES) {
    const names = await readdir(home).catch(() => []);
    folders.push(...names.filter((one) => name.test(one)).map((one) => join(home, one, 'bin')));
  }
  return folders;
}

/** Undefined when the folder has not both programs. */
async function versionIn(folder: string): Promise<string | undefined> {
  if (!(await isExecutable(join(folder, 'initdb')))) return undefined;
  return versionOf(join(folder, 'postgres'), ['--version'], /\(PostgreSQL\) (\d\S*)/);
}
