/** The engines that speak SQL: PostgreSQL, SQLite, MySQL and MariaDB. */
import { existsSync } from 'node:fs';
import { chmod, open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { mariadbDump } from '../integration/mysql-kit.ts';
import { dumpText, exists as existsInPostgres } from '../integration/pg-load-kit.ts';
import { contentsOf, shellLoad } from '../integration/sqlite-kit.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { locateOrThrow } from '../services/packages.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { countIn, withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { pathWith } from '../services/tools.ts';
import { useMariadb, usePostgres } from '../services/use.ts';
import { ACCOUNTS } from './engine.contract.ts';
import { A_DAY, BANK, BOOKS, ERASURE, SHOP, shopPerson } from './engine.shop.ts';
import type { Bank, Books, Engine, EngineSubject } from './engine.subject.ts';

/** Where a restore goes unasked: a new name beside the source. */
const BESIDE = { args: [], env: {} };

let targets = 0;

function targetName(): string {
  targets += 1;
  return `restored_${String(process.pid)}_${String(targets)}`;
}

/** A role of its own in the server of this run. */
export const postgresSubject: EngineSubject = {
  open: async () => openPostgres(SHOP),
  openEmpty: async () => openPostgres(''),
  openBank: postgresBank,
  cannot: {},
};

async function openPostgres(sql: string): Promise<Engine> {
  const postgres = await usePostgres();
  const role = await postgres.createRole('SUPERUSER');
  const url = postgres.url(databaseOf(await postgres.createDatabase('shop')), role);
  const run = async (text: string) => {
    await postgres.psql(url, text);
  };
  await run(sql);
  return {
    source: ['--source', 'postgres', '--url-env', 'SHOP_URL'],
    env: { SHOP_URL: url },
    secrets: [role.password, encodeURIComponent(role.password)],
    live: url,
    content: () => dumpText(url),
    contentOf: (to) => dumpText(to),
    contentOfScript: async (script) => {
      const copy = postgres.url(databaseOf(await postgres.createDatabase('loaded')), role);
      await postgres.psql(copy, script.toString());
      return dumpText(copy);
    },
    change: () => run(A_DAY),
    newTarget: () => Promise.resolve(postgresTarget(postgres, postgres.url(targetName(), role))),
    quietTarget: () => Promise.resolve(BESIDE),
    occupiedTarget: async () => {
      const taken = postgres.url(databaseOf(await postgres.createDatabase('taken')), role);
      await postgres.psql(
        taken,
        "CREATE TABLE customers (mine text); INSERT INTO customers VALUES ('mine');",
      );
      return taken;
    },
    exists: (to) => existsInPostgres(postgres, to),
    parts: { chosen: 'customers', other: 'orders', args: ['--table', 'customers'] },
    count: async (where, table) => Number(await postgres.psql(where, `SELECT count(*) FROM ${table};`)),
    person: shopPerson(
      (table) => `public.${table}`,
      () => run(ERASURE),
    ),
    breakDumps: async () => {
      const half = '"$REAL/pg_dump" "$@" | head -c 300000; kill -9 $$';
      const pg_dump = `case "$*" in *section=data*) ${half};; esac\nexec "$REAL/pg_dump" "$@"`;
      return { PATH: await pathWith({ pg_dump }) };
    },
  };
}

function postgresTarget(postgres: PostgresAccess, url: string): string {
  onTestFinished(() => postgres.dropDatabase(url));
  return url;
}

async function postgresBank(): Promise<Bank> {
  const engine = await openPostgres(BANK);
  const { live } = engine;
  const postgres = await usePostgres();
  await postgres.psql(
    live,
    'CREATE TABLE transfers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount int);',
  );
  const write = async (isOver: () => boolean) => {
    const client = new Client(live);
    await client.connect();
    while (!isOver()) {
      const { amount, from, to } = transfer();
      await client.query('BEGIN');
      await client.query('UPDATE checking SET amount = amount + $1 WHERE id = $2', [amount, from]);
      await client.query('UPDATE savings SET amount = amount - $1 WHERE id = $2', [amount, to]);
      await client.query('INSERT INTO transfers (amount) VALUES ($1)', [amount]);
      await client.query('COMMIT');
    }
    await client.end();
  };
  return {
    ...engine,
    startWriters: () => untilStopped([write, write, write]),
    booksOf: async (to) => booksFrom((await postgres.psql(to, `${BOOKS};`)).split('|')),
  };
}

/** A file. */
export const sqliteSubject: EngineSubject = {
  open: () => openSqlite(SHOP),
  openEmpty: () => openSqlite('CREATE TABLE t (a); DROP TABLE t'),
  openBank: () => sqliteBank('wal'),
  cannot: {},
};

/** The same with the journal that SQLite has unasked. */
export const sqliteJournalBank = (): Promise<Bank> => sqliteBank('delete');

async function openSqlite(sql: string): Promise<Engine> {
  const path = join(await tempFolder('shop'), 'shop.db');
  const run = (text: string) => {
    withDatabase(path, (db) => {
      db.exec(text);
    });
    return Promise.resolve();
  };
  await run(sql);
  return {
    source: ['--source', 'sqlite', '--path', path],
    env: {},
    secrets: [],
    live: path,
    content: () => Promise.resolve(contentsOf(path)),
    contentOf: (to) => Promise.resolve(contentsOf(to)),
    contentOfScript: async (script) => {
      const copy = join(await tempFolder('loaded'), 'copy.db');
      shellLoad(script, copy);
      return contentsOf(copy);
    },
    change: () => run(A_DAY),
    newTarget: async () => join(await tempFolder('target'), 'restored.db'),
    quietTarget: () => Promise.resolve(BESIDE),
    occupiedTarget: async () => {
      const taken = join(await tempFolder('taken'), 'mine.db');
      withDatabase(taken, (db) =>
        db.exec("CREATE TABLE customers (mine); INSERT INTO customers VALUES ('mine')"),
      );
      return taken;
    },
    exists: (to) => Promise.resolve(existsSync(to)),
    parts: { chosen: 'customers', other: 'orders', args: ['--table', 'customers'] },
    count: (where, table) => Promise.resolve(countIn(where, table)),
    person: shopPerson(
      (table) => table,
      () => run(ERASURE),
    ),
    breakDumps: async () => {
      await using file = await open(path, 'r+');
      const pages = (await stat(path)).size / 4096;
      await file.write(Buffer.alloc(4096, 0xee), 0, 4096, 4096 * Math.floor(pages / 2));
      return {};
    },
  };
}

async function sqliteBank(mode: 'wal' | 'delete'): Promise<Bank> {
  const engine = await openSqlite(`${BANK} CREATE TABLE transfers (id INTEGER PRIMARY KEY, amount int)`);
  const { live } = engine;
  const opened = new DatabaseSync(live);
  opened.exec(`PRAGMA journal_mode = ${mode}`);
  opened.close();
  const write = async (isOver: () => boolean) => {
    const db = new DatabaseSync(live, { timeout: 10_000 });
    db.exec('PRAGMA synchronous = OFF');
    const credit = db.prepare('UPDATE checking SET amount = amount + ? WHERE id = ?');
    const debit = db.prepare('UPDATE savings SET amount = amount - ? WHERE id = ?');
    const note = db.prepare('INSERT INTO transfers (amount) VALUES (?)');
    while (!isOver()) {
      const { amount, from, to } = transfer();
      db.exec('BEGIN IMMEDIATE');
      credit.run(amount, from);
      debit.run(amount, to);
      note.run(amount);
      db.exec('COMMIT');
      await nextTurn();
    }
    db.close();
  };
  return {
    ...engine,
    startWriters: () => untilStopped([write]),
    booksOf: (to) => {
      const copy = new DatabaseSync(to, { readOnly: true });
      const row = copy.prepare(BOOKS).get() ?? {};
      copy.close();
      return Promise.resolve(booksFrom(Object.values(row)));
    },
  };
}

/** A user of its own in the MariaDB server of this run. */
export const mysqlSubject: EngineSubject = {
  open: () => openMysql(SHOP),
  openEmpty: () => openMysql(''),
  openBank: mysqlBank,
  cannot: {},
};

async function openMysql(sql: string): Promise<Engine> {
  const mariadb = await useMariadb();
  const user = await mariadb.createUser(['GRANT ALL ON *.* TO $USER WITH GRANT OPTION']);
  const url = mariadb.url(databaseOf(await mariadb.createDatabase('shop')), user);
  // As in standard SQL, so that a backslash is one in every engine.
  const run = async (text: string) => {
    await mariadb.sql(url, `SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES');\n${text}`);
  };
  await run(sql);
  return {
    source: ['--source', 'mysql', '--url-env', 'SHOP_URL'],
    env: { SHOP_URL: url },
    secrets: [user.password, encodeURIComponent(user.password)],
    live: url,
    content: () => mariadbDump(mariadb, url),
    contentOf: (to) => mariadbDump(mariadb, to),
    contentOfScript: async (script) => {
      const copy = await mariadb.createDatabase('loaded');
      await mariadb.sql(copy, script.toString());
      return mariadbDump(mariadb, copy);
    },
    change: () => run(A_DAY),
    newTarget: () => {
      const target = mariadb.url(targetName(), user);
      onTestFinished(() => mariadb.dropDatabase(target));
      return Promise.resolve(target);
    },
    quietTarget: () => Promise.resolve(BESIDE),
    occupiedTarget: async () => {
      const taken = mariadb.url(databaseOf(await mariadb.createDatabase('taken')), user);
      await mariadb.sql(taken, "CREATE TABLE customers (mine text); INSERT INTO customers VALUES ('mine');");
      return taken;
    },
    exists: async (to) =>
      (await mariadb.sql(mariadb.url(), 'SHOW DATABASES;')).split('\n').includes(databaseOf(to)),
    parts: { chosen: 'customers', other: 'orders', args: ['--table', 'customers'] },
    count: async (where, table) => Number(await mariadb.sql(where, `SELECT count(*) FROM ${table};`)),
    person: shopPerson(
      (table) => table,
      () => run(ERASURE),
    ),
    breakDumps: async () => ({
      PATH: await pathWithDying('mariadb-dump', '--no-create-info --skip-triggers'),
    }),
  };
}

/** A PATH in which a dump tool that gets these arguments writes a part of its dump and is killed. */
async function pathWithDying(tool: string, args: string): Promise<string> {
  const folder = await tempFolder('dying');
  const real = locateOrThrow(tool);
  const half = `"${real}" "$@" | head -c 300000; kill -9 $$`;
  const body = `case "$*" in *"${args}"*) ${half};; esac\nexec "${real}" "$@"`;
  await writeFile(join(folder, tool), `#!/bin/sh\n${body}\n`);
  await chmod(join(folder, tool), 0o755);
  return `${folder}:${process.env['PATH'] ?? ''}`;
}

/** Its writers are procedures: no client in this process speaks MySQL's protocol. */
async function mysqlBank(): Promise<Bank> {
  const engine = await openMysql(BANK);
  const { live } = engine;
  const mariadb: MariadbAccess = await useMariadb();
  await mariadb.sql(live, MYSQL_WRITER);
  return {
    ...engine,
    startWriters: () => {
      const running = Promise.all([1, 2, 3].map(() => mariadb.sql(live, 'CALL move_money();')));
      running.catch(() => undefined); // Said by `stop`.
      return {
        stop: async () => {
          await mariadb.sql(live, 'UPDATE control SET is_over = 1;');
          await running;
        },
      };
    },
    booksOf: async (to) => booksFrom((await mariadb.sql(to, `${BOOKS};`)).split('\t')),
  };
}

const MYSQL_WRITER = `
  CREATE TABLE transfers (id bigint AUTO_INCREMENT PRIMARY KEY, amount int);
  CREATE TABLE control (is_over int); INSERT INTO control VALUES (0);
  DELIMITER //
  CREATE PROCEDURE move_money() BEGIN
    DECLARE moved int;
    WHILE (SELECT is_over FROM control) = 0 DO
      SET moved = FLOOR(RAND() * 100) - 50;
      START TRANSACTION;
      UPDATE checking SET amount = amount + moved WHERE id = 1 + MOD(CONNECTION_ID() * 31 + moved + 50, ${ACCOUNTS});
      UPDATE savings SET amount = amount - moved WHERE id = 1 + MOD(CONNECTION_ID() * 17 + moved + 50, ${ACCOUNTS});
      INSERT INTO transfers (amount) VALUES (moved);
      COMMIT;
    END WHILE;
  END//
  DELIMITER ;
`;

function transfer(): { amount: number; from: number; to: number } {
  const account = () => 1 + Math.floor(Math.random() * ACCOUNTS);
  return { amount: Math.floor(Math.random() * 100) - 50, from: account(), to: account() };
}

function booksFrom(values: readonly unknown[]): Books {
  const [total = 0, half = 0, journal = 0, transfers = 0] = values.map(Number);
  return { total, half, journal, transfers };
}

/** Runs writers side by side; each ends its transfer first. */
function untilStopped(writers: readonly ((isOver: () => boolean) => Promise<void>)[]): {
  stop(): Promise<void>;
} {
  let isStopped = false;
  const running = Promise.all(writers.map((write) => write(() => isStopped)));
  running.catch(() => undefined); // Said by `stop`.
  return {
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
