/**
 * A MariaDB server of our own, for scratch databases: made from the programs of this machine, in a temporary folder, on a
 * Unix socket in there, with a password that nobody else has. Nothing of it is durable, and it goes with us.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfCancelled } from '../errors.ts';
import { noServerPrograms } from './errors.ts';
import { makeScratchFolder } from './folder.ts';
import { findPrograms, isOlder, serverUser, versionOf } from './programs.ts';
import type { Env } from './programs.ts';
import type { Scratch, ScratchSpace } from './scratch.ts';
import { answers, give, runInPlace, startInPlace } from './server-process.ts';
import type { Place } from './server-process.ts';

export interface MariadbOptions {
  /** Of the server that the dumps come from: `10.11`. */
  readonly version: string;
  /** How that server tells names of tables apart (`lower_case_table_names`). */
  readonly lowerCaseTableNames: number;
  /** For the PATH. */
  readonly env: Env;
}

/** A crash of this machine may lose what is in it: nobody will miss it. */
const SETTINGS = [
  '--skip-networking',
  '--skip-log-bin',
  '--skip-slave-start',
  '--event-scheduler=OFF',
  '--performance-schema=OFF',
  '--character-set-server=utf8mb4',
  '--max-allowed-packet=1G',
  '--innodb-buffer-pool-size=256M',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
];
const USER = 'holdfast';

/**
 * Starts a server: about three seconds.
 * @throws HoldfastError SCRATCH_NO_SERVER, SCRATCH_NO_USER, SCRATCH_SERVER_FAILED, CANCELLED
 */
export async function startMariadbScratch(
  options: MariadbOptions,
  signal: AbortSignal,
): Promise<ScratchSpace> {
  const programs = await findMariadb(options.env, options.version);
  const user = await serverUser(['mysql', 'nobody']);
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeScratchFolder());
  const place = { folder, user };
  const password = randomBytes(24).toString('hex');
  await makeData(place, programs, signal);
  await writeInit(place, password);
  const program = { file: programs.server, args: argsOf(place, options) };
  const server = stack.use(await startInPlace(place, program, 'SIGKILL'));
  // It greets whoever connects, and only after it has run the file.
  await server.until(() => answers(pathIn(place, 'socket')), signal);
  await rm(pathIn(place, 'init.sql'));
  const resources = stack.move();
  return {
    name: `MariaDB ${programs.version}, a server of its own`,
    isOwn: true,
    open: (asked) => {
      throwIfCancelled(asked);
      return Promise.resolve(room(place, password));
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface MariadbPrograms {
  readonly server: string;
  readonly install: string;
  /** `10.11.19` */
  readonly version: string;
}

/** `mysqld` counts only where it is MariaDB's. */
async function findMariadb(env: Env, version: string): Promise<MariadbPrograms> {
  const [install] = await findPrograms(env, ['mariadb-install-db', 'mysql_install_db']);
  for (const server of install === undefined ? [] : await findPrograms(env, ['mariadbd', 'mysqld'])) {
    const found = await versionOf(server, ['--no-defaults', '--version'], /\bVer (\d[\d.]*)\S*-MariaDB/);
    if (install !== undefined && found !== undefined && !isOlder(found, version))
      return { server, install, version: found };
  }
  throw noServerPrograms(
    `MariaDB ${version}`,
    'mariadb-install-db, mariadbd',
    'Install them (Debian: mariadb-server), or name a server with --scratch URL.',
  );
}

async function makeData(place: Place, { install }: MariadbPrograms, signal: AbortSignal): Promise<void> {
  const folders = ['data', 'tmp'].map((name) => pathIn(place, name));
  for (const path of folders) await mkdir(path, { mode: 0o700 });
  await give(place, place.folder.path, ...folders);
  const more = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
  await runInPlace(place, { file: install, args: [...whereOf(place), ...more] }, signal);
}

/**
 * Nobody but us can log in: of the users that every new server has, only the one stays that owns its views, and which is
 * locked. A file, because what is in argv everybody can see.
 */
async function writeInit(place: Place, password: string): Promise<void> {
  const lines = [
    "DELETE FROM mysql.global_priv WHERE user <> 'mariadb.sys';",
    // Root may be anybody (PROXY) on every server, which a dump of users gives to root again: only who may can give it.
    `INSERT INTO mysql.proxies_priv (host, user, with_grant) VALUES ('localhost', '${USER}', 1);`,
    'FLUSH PRIVILEGES;',
    `CREATE USER ${USER}@localhost IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON *.* TO ${USER}@localhost WITH GRANT OPTION;`,
  ];
  await writeFile(pathIn(place, 'init.sql'), `${lines.join('\n')}\n`, { mode: 0o600 });
  await give(place, pathIn(place, 'init.sql'));
}

function argsOf(place: Place, { lowerCaseTableNames }: MariadbOptions): string[] {
  return [
    ...whereOf(place),
    `--socket=${pathIn(place, 'socket')}`,
    `--pid-file=${pathIn(place, 'pid')}`,
    `--init-file=${pathIn(place, 'init.sql')}`,
    // 2 is for file systems that do not tell A from a.
    `--lower-case-table-names=${lowerCaseTableNames === 0 ? 0 : 1}`,
    ...SETTINGS,
  ];
}

/** Rows are in temporary files, too: none of them is elsewhere. */
function whereOf(place: Place): string[] {
  return ['--no-defaults', `--datadir=${pathIn(place, 'data')}`, `--tmpdir=${pathIn(place, 'tmp')}`];
}

/** What was loaded goes with the server, which is stopped soon. */
function room(place: Place, password: string): Scratch {
  const socket = encodeURIComponent(pathIn(place, 'socket'));
  const database = `scratch_${randomBytes(4).toString('hex')}`;
  return {
    target: `mysql://${USER}:${password}@localhost/${database}?socket=${socket}&ssl-mode=disabled`,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function pathIn({ folder }: Place, name: string): string {
  return join(folder.path, name);
}
