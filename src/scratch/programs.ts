/** Server programs of this machine, and who may run them. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { foldersOf, isExecutable } from '../on-path.ts';
import { noServerUser } from './errors.ts';

/** Environment variables. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A user of this machine, as in `/etc/passwd`. */
export interface UnixUser {
  readonly uid: number;
  readonly gid: number;
}

/** Where the programs of servers are beside the PATH, which has them for root only: Debian, Red Hat, Homebrew. */
const HOMES = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec', '/usr/local/bin', '/opt/homebrew/bin'];

/** All programs of these names on this machine, in the order of names. */
export async function findPrograms(env: Env, names: readonly string[]): Promise<string[]> {
  const folders = [...new Set([...foldersOf(env['PATH']), ...HOMES])];
  const found: string[] = [];
  for (const name of names)
    for (const folder of folders) if (await isExecutable(join(folder, name))) found.push(join(folder, name));
  return found;
}

/** What `--version` says: the first group of the pattern; undefined when it says something else. */
export async function versionOf(file: string, args: readonly string[], pattern: RegExp) {
  try {
    const { stdout } = await promisify(execFile)(file, [...args], { timeout: 30_000 });
    return pattern.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/** Of versions by their first two numbers: those after them are repairs. */
export function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = numbersOf(version);
  const [otherMajor = 0, otherMinor = 0] = numbersOf(than);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

function numbersOf(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}

/**
 * Who runs a server: undefined is ourselves. No server should run as root, and some refuse to.
 * @param names - of users of this machine, the best first
 * @throws HoldfastError SCRATCH_NO_USER
 */
export async function serverUser(names: readonly string[]): Promise<UnixUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of names) {
    const [, , uid, gid] = users.find((fields) => fields[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw noServerUser(names);
}
