/** PostgreSQL's server programs on this machine, and who may run them. */
import { execFile } from 'node:child_process';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { noServerPrograms, noServerUser } from './errors.ts';

export interface ServerPrograms {
  /** With `initdb` and `postgres`. */
  readonly folder: string;
  /** `15.20` */
  readonly version: string;
}

/** A user of this machine, as in `/etc/passwd`. */
export interface UnixUser {
  readonly uid: number;
  readonly gid: number;
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
export async function findServerPrograms(
  env: Readonly<Record<string, string | undefined>>,
  major: number,
): Promise<ServerPrograms> {
  const found: ServerPrograms[] = [];
  for (const folder of [...onPath(env), ...(await inHomes())]) {
    const version = await versionIn(folder);
    if (version !== undefined && Number.parseInt(version, 10) >= major) found.push({ folder, version });
  }
  const [best] = found.sort((a, b) => Number.parseFloat(a.version) - Number.parseFloat(b.version));
  if (best === undefined) throw noServerPrograms(major);
  return best;
}

function onPath(env: Readonly<Record<string, string | undefined>>): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
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
  try {
    await access(join(folder, 'initdb'), constants.X_OK);
    const { stdout } = await promisify(execFile)(join(folder, 'postgres'), ['--version'], {
      timeout: 30_000,
    });
    return /\(PostgreSQL\) (\d\S*)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Who runs the server: undefined is ourselves. PostgreSQL refuses to run as root, so there it is `postgres` or `nobody`.
 * @throws HoldfastError SCRATCH_NO_USER
 */
export async function serverUser(): Promise<UnixUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((fields) => fields[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw noServerUser();
}
