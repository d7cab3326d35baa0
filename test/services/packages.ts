/**
 * The programs that the tests need beside Node, and the Debian packages that bring them.
 *
 * `node test/services/packages.ts` (npm `pretest`) installs what is missing, or says which command a person must
 * run. Where nothing is missing it prints nothing and starts no process.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Requirement {
  readonly package: string;
  /** The package is there when all of these are. */
  readonly commands: readonly string[];
}

const REQUIREMENTS: readonly Requirement[] = [
  { package: 'postgresql', commands: ['postgres', 'initdb', 'psql', 'pg_dump', 'pg_dumpall'] },
  { package: 'mariadb-server', commands: ['mariadbd', 'mariadb-install-db'] },
  { package: 'mariadb-client', commands: ['mariadb', 'mariadb-dump'] },
  { package: 'gnupg', commands: ['gpg', 'gpgconf', 'gpg-agent'] },
  { package: 'zstd', commands: ['zstd'] },
  { package: 'sqlite3', commands: ['sqlite3'] },
  { package: 'redis-server', commands: ['redis-server'] },
  { package: 'redis-tools', commands: ['redis-cli', 'redis-check-rdb'] },
  { package: 'radosgw', commands: ['radosgw', 'radosgw-admin'] },
  { package: 'ceph-mon', commands: ['ceph-mon', 'monmaptool', 'ceph'] },
  { package: 'ceph-osd', commands: ['ceph-osd'] },
  { package: 'faketime', commands: ['faketime'] },
  { package: 'systemd', commands: ['systemd-analyze'] },
  { package: 'procps', commands: ['ps', 'pgrep'] },
  { package: 'openssl', commands: ['openssl'] },
  { package: 'util-linux', commands: ['setpriv'] },
  { package: 'python3', commands: ['python3'] },
  { package: 'attr', commands: ['getfattr', 'setfattr'] },
  { package: 'acl', commands: ['getfacl', 'setfacl'] },
  { package: 'zsh', commands: ['zsh'] },
  { package: 'fish', commands: ['fish'] },
  { package: 'mandoc', commands: ['mandoc'] },
  { package: 'git', commands: ['git'] },
  { package: 'chromium', commands: ['chromium'] },
];

/** Where Debian keeps PostgreSQL's server programs: a folder per major version, not on the PATH. */
const POSTGRES_FOLDER = '/usr/lib/postgresql';

/** Debian reads this folder when it makes a PostgreSQL cluster (man pg_createcluster). */
const CLUSTER_SETTING = '/etc/postgresql-common/createcluster.d/holdfast-tests.conf';

/** Packages ask it whether they may start their servers (invoke-rc.d(8)): 101 is no. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** The path of a program on this machine, or undefined. PostgreSQL's own folders go before the PATH, newest first. */
export function locate(command: string): string | undefined {
  return searchFolders()
    .map((folder) => join(folder, command))
    .find(isExecutable);
}

/** The path of a program that the tests cannot do without. Throws with the command that installs it. */
export function locateOrThrow(command: string): string {
  const path = locate(command);
  if (path === undefined) throw new Error(`${command} is not installed: run \`npm run pretest\``);
  return path;
}

/** The Debian packages whose commands are not all on this machine. */
export function missingPackages(): string[] {
  return REQUIREMENTS.filter(({ commands }) => commands.some((name) => locate(name) === undefined)).map(
    (requirement) => requirement.package,
  );
}

/** Installs what is missing; the exit code for the shell. */
function main(): number {
  const missing = missingPackages();
  if (missing.length === 0) return 0;
  const prefix = rootPrefix();
  if (prefix === undefined || locate('apt-get') === undefined) return explain(missing);

  say(`installing the Debian packages that the tests need: ${missing.join(' ')} (about a minute)`);
  try {
    install(prefix, missing);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return explain(missing);
  }
  const still = missingPackages();
  return still.length === 0 ? 0 : explain(still);
}

function install(prefix: readonly string[], packages: readonly string[]): void {
  const apt = [
    ...prefix,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-qq',
    '-o',
    'DPkg::Lock::Timeout=120',
  ];
  run([...apt, 'update']);
  const withPostgres = packages.includes('postgresql');
  // The package makes and starts a database cluster on port 5432 unless it is told not to; the tests start their own.
  if (withPostgres) forbidCluster(prefix);
  const withoutPolicy = !existsSync(SERVICE_POLICY);
  // No server of this machine is wanted: the tests start their own.
  if (withoutPolicy) forbidServices(prefix);
  try {
    run([...apt, 'install', '-y', '--no-install-recommends', ...packages]);
  } finally {
    if (withPostgres) run([...prefix, 'rm', '-f', CLUSTER_SETTING]);
    if (withoutPolicy) run([...prefix, 'rm', '-f', SERVICE_POLICY]);
  }
}

function forbidCluster(prefix: readonly string[]): void {
  putFile(prefix, CLUSTER_SETTING, 'create_main_cluster = false\n', '644');
}

function forbidServices(prefix: readonly string[]): void {
  putFile(prefix, SERVICE_POLICY, '#!/bin/sh\nexit 101\n', '755');
}

function putFile(prefix: readonly string[], path: string, text: string, mode: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-packages-'));
  try {
    const file = join(folder, 'file');
    writeFileSync(file, text);
    run([...prefix, 'install', '-D', '-m', mode, file, path]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What to put before a command so that root runs it: nothing, sudo where it asks for no password, or undefined. */
function rootPrefix(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  if (locate('sudo') === undefined) return undefined;
  try {
    run(['sudo', '-n', 'true']);
    return ['sudo', '-n'];
  } catch {
    return undefined;
  }
}

function explain(missing: readonly string[]): number {
  say(`the tests need programs that are not installed; on Debian 12 run:

  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}
`);
  return 1;
}

/** Runs a command quietly; its output is in the message of the error it throws. */
function run(command: readonly string[]): void {
  const [file, ...args] = command;
  if (file === undefined) return;
  try {
    execFileSync(file, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', maxBuffer: 64 << 20 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command.join(' ')} failed\n${stdout}${stderr}`, { cause: error });
  }
}

function searchFolders(): string[] {
  const path = process.env['PATH']?.split(':').filter((folder) => folder !== '') ?? [];
  return [
    ...postgresFolders(),
    ...path,
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/local/bin',
    '/usr/bin',
    '/bin',
  ];
}

function postgresFolders(): string[] {
  try {
    return readdirSync(POSTGRES_FOLDER)
      .filter((name) => /^\d+$/.test(name))
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(POSTGRES_FOLDER, version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function say(text: string): void {
  process.stderr.write(`holdfast tests: ${text}\n`);
}

if (import.meta.main) process.exitCode = main();
