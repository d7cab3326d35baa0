/** The programs that the benchmark compares with, installed from Debian when they are missing. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian package by the program that it brings. */
const PACKAGES: Readonly<Record<string, string>> = {
  initdb: 'postgresql',
  pg_dump: 'postgresql-client',
  gpg: 'gnupg',
  zstd: 'zstd',
  restic: 'restic',
  borg: 'borgbackup',
  setpriv: 'util-linux',
  mariadbd: 'mariadb-server',
  'mariadb-dump': 'mariadb-client',
  'redis-server': 'redis-server',
  'redis-cli': 'redis-tools',
};

/**
 * Installs what is missing (root, or sudo without a password).
 *
 * @returns the folders to search for programs, newest PostgreSQL first, joined as in `PATH`
 * @throws Error that says exactly what to install, when it cannot be installed here
 */
export function ensurePackages(): string {
  const missing = missingPackages();
  if (missing.length > 0) install(missing);
  const still = missingPackages();
  if (still.length > 0) throw new Error(howToInstall(still));
  return searchPath();
}

function missingPackages(): readonly string[] {
  const folders = searchPath().split(delimiter);
  const absent = Object.entries(PACKAGES).filter(
    ([program]) => !folders.some((folder) => runs(join(folder, program))),
  );
  return [...new Set(absent.map(([, name]) => name))];
}

/** Debian keeps the server's programs outside the PATH, one folder for each version. */
function searchPath(): string {
  return [...postgresFolders(), ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
    .filter(Boolean)
    .join(delimiter);
}

function postgresFolders(): readonly string[] {
  const root = '/usr/lib/postgresql';
  try {
    return readdirSync(root)
      .filter((version) => runs(join(root, version, 'bin', 'initdb')))
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function install(names: readonly string[]): void {
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...names]]) {
    const [program = 'apt-get', ...rest] = [...prefix, 'apt-get', ...args];
    const done = spawnSync(program, rest, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    if (done.status !== 0) throw new Error(howToInstall(names));
  }
}

function howToInstall(names: readonly string[]): string {
  return `the benchmark needs programs that are missing here; install them with: apt-get install ${names.join(' ')}`;
}
