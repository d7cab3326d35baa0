/**
 * MariaDB: a first backup against `mariadb-dump | zstd -3 | gpg`, the next day against restic from standard input, and a
 * restore against `gpg -d | zstd -d | mariadb` of the plain dump with its extended inserts.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MariadbServer } from '../../services/mariadb.ts';
import { startMariadb } from '../../services/mariadb.ts';
import type { Bench } from '../bench.ts';
import { HOLDFAST } from '../peers/holdfast.ts';
import { measure } from '../measure.ts';
import { run } from '../processes.ts';
import type { Field, OpenStall, Stall } from './engine.ts';
import { engineStep, note, openHoldfast, openStalls, resticIn } from './engine.ts';
import { appendRows, changesOf, rowsOn, SCHEMA } from './mariadb-data.ts';

const DATABASE = 'bench';
const RECIPIENT = 'bench@example.invalid';

/** Durability stays as shipped: a restore into a server without it says nothing. */
const SETTINGS: Readonly<Record<string, string>> = {
  'innodb-flush-log-at-trx-commit': '1',
  'innodb-doublewrite': '1',
  'innodb-buffer-pool-size': '512M',
  'innodb-log-file-size': '512M',
  'local-infile': '1',
};

export async function mariadb(bench: Bench): Promise<void> {
  const { folder: home, env, dataset } = bench.large.options;
  const folder = join(home, 'mariadb-bench');
  await mkdir(folder);
  const server = await startMariadb({ folder, settings: SETTINGS });
  try {
    const field: Field = { bench, folder, env: { ...env, HOME: folder }, serverPid: server.pid };
    await measureAll(field, server, await writeLogin(folder, server), dataset.scale);
  } finally {
    await server.stop();
  }
}

async function measureAll(field: Field, server: MariadbServer, login: string, scale: number): Promise<void> {
  const { bench, env } = field;
  const loading = { login, database: DATABASE, env, signal: bench.signal };
  await server.sql(server.url(), `CREATE DATABASE ${DATABASE};`);
  await server.sql(server.url(DATABASE), SCHEMA);
  await appendRows(loading, scale, 1);
  await sayWhatThereIs(field, login, scale);
  const rounds: (readonly Stall[])[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const stalls = await openStalls(field, contestants(field, server, login), round);
    rounds.push(stalls);
    for (const stall of stalls)
      await note(field, { what: 'mariadb/first', round, stall, command: stall.backup });
  }
  for (const [round, stalls] of rounds.entries())
    for (const stall of stalls) await restore(field, server, stall, round, scale);
  await server.sql(server.url(DATABASE), changesOf(scale, 2));
  await appendRows(loading, scale, 2);
  for (const [round, stalls] of rounds.entries())
    for (const stall of stalls)
      await note(field, { what: 'mariadb/next', round, stall, command: stall.backup });
}

async function sayWhatThereIs({ bench, env, folder }: Field, login: string, scale: number): Promise<void> {
  const step = engineStep(env, folder, 'mariadb-size', { LOGIN: login, DATABASE });
  const { output } = await measure({ ...step, output: 'keep' }, bench.signal);
  const rows = Object.values(rowsOn(scale, 1)).reduce((sum, count) => sum + count, 0);
  bench.say(
    `mariadb: ${(rows / 1e6).toFixed(2)} million rows, ${(Number(output) / 1e6).toFixed(0)} MB as a dump`,
  );
}

/** Into a new database each time, whose rows are counted, and which is dropped. */
async function restore(
  field: Field,
  server: MariadbServer,
  stall: Stall,
  round: number,
  scale: number,
): Promise<void> {
  if (stall.restore === undefined) return;
  const copy = 'bench_copy';
  await note(field, { what: 'mariadb/restore', round, stall, command: stall.restore(copy) });
  for (const [table, rows] of Object.entries(rowsOn(scale, 1))) {
    const found = Number(await server.sql(server.url(copy), `SELECT COUNT(*) FROM ${table};`));
    if (found !== rows)
      throw new Error(`${stall.name}: ${String(found)} rows in ${table}, and should be ${String(rows)}`);
  }
  await server.sql(server.url(), `DROP DATABASE ${copy};`);
}

function contestants(
  field: Field,
  server: MariadbServer,
  login: string,
): Readonly<Record<string, OpenStall>> {
  const { env } = field;
  const variables = { LOGIN: login, DATABASE };
  return {
    [HOLDFAST]: async (folder) => {
      const source = ['--source', 'mysql', '--url', server.url(DATABASE)];
      const { stored, command } = await openHoldfast(field, folder, source);
      const back = (copy: string) => ['restore', 'bench', '--to', server.url(copy), '--jobs', '2', '--json'];
      return {
        name: HOLDFAST,
        stored,
        backup: command(['backup', '--json']),
        restore: (copy) => command([...back(copy), '--key', 'ops.key']),
      };
    },
    'zstd+gpg': async (folder) => {
      const stored = join(folder, 'files');
      const gnupg = join(folder, 'gnupg');
      await mkdir(stored);
      await mkdir(gnupg, { mode: 0o700 });
      const all = { ...variables, RECIPIENT, GNUPGHOME: gnupg, FILE: join(stored, 'dump.sql.zst.gpg') };
      await makeKey(field, folder, gnupg);
      return {
        name: 'zstd+gpg',
        stored,
        backup: engineStep(env, folder, 'mariadb-gpg-backup', all),
        restore: (copy) => engineStep(env, folder, 'mariadb-gpg-restore', { ...all, COPY: copy }),
      };
    },
    restic: async (folder) => {
      const all = { ...variables, ...(await resticIn(field, folder)) };
      return {
        name: 'restic',
        stored: join(folder, 'repository'),
        backup: engineStep(env, folder, 'mariadb-restic-backup', all),
      };
    },
  };
}

async function makeKey({ env, bench }: Field, folder: string, home: string): Promise<void> {
  const make = ['--batch', '--quiet', '--passphrase', '', '--quick-generate-key', RECIPIENT];
  const options = { env: { ...env, GNUPGHOME: home }, cwd: folder, signal: bench.signal };
  await run('gpg', [...make, 'future-default', 'default', 'never'], options);
}

async function writeLogin(folder: string, { socket, user, password }: MariadbServer): Promise<string> {
  const login = join(folder, 'login.cnf');
  await writeFile(login, `[client]\nsocket=${socket}\nuser=${user}\npassword=${password}\n`, { mode: 0o600 });
  return login;
}
