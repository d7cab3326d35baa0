/** Goal: a backup that runs while the application writes is of one moment: money that only moves is neither lost nor made. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PLACES, backUp, makeHost } from '../services/machines.ts';
import type { Host, Place } from '../services/machines.ts';
import { addBulk } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';

const ACCOUNTS = 2000;
const TOTAL = ACCOUNTS * 2 * 100;
const BACKUPS = 3;

/** What is the same in every moment of the database, and what is not. */
interface Books {
  /** Of both tables together; always TOTAL. */
  readonly total: number;
  /** Of the first table; moves all the time. */
  readonly checking: number;
  /** Lines of the journal, one for each transfer. */
  readonly transfers: number;
  /** What the journal says the first table should hold. */
  readonly journal: number;
}

interface Bank {
  readonly source: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Moves money between the tables until `stop`; then tells how many transfers it made. */
  startWriters(): { readonly stop: () => Promise<number> };
  newTarget(): Promise<string>;
  booksOf(to: string): Promise<Books>;
}

const BOOKS = `SELECT (SELECT sum(amount) FROM checking) + (SELECT sum(amount) FROM savings) AS total,
  (SELECT sum(amount) FROM checking) AS checking, (SELECT count(*) FROM transfers) AS transfers,
  (SELECT coalesce(sum(amount), 0) FROM transfers) + ${String(ACCOUNTS * 100)} AS journal`;

/** Backs up several times while writers run, and checks the books of every restored copy. */
async function expectConsistent(bank: Bank, place: Place): Promise<void> {
  const host = await makeHost({ place, source: bank.source, env: bank.env });
  const writers = bank.startWriters();
  const snapshots: string[] = [];
  for (let n = 0; n < BACKUPS; n++) snapshots.push((await backUp(host)).snapshot);
  expect(await writers.stop()).toBeGreaterThan(BACKUPS * 10);
  const copies = await Promise.all(snapshots.map((snapshot) => restore(host, bank, snapshot)));
  for (const { total, checking, journal } of copies)
    expect({ total, journal }).toEqual({ total: TOTAL, journal: checking });
  // Where all copies show the same moment, nobody wrote.
  expect(new Set(copies.map(({ transfers }) => transfers)).size).toBe(BACKUPS);
}

async function restore(host: Host, bank: Bank, snapshot: string): Promise<Books> {
  const to = await bank.newTarget();
  await (await host.reader()).good(['restore', `shop@${snapshot}`, '--to', to]);
  return bank.booksOf(to);
}

describe.each(PLACES)('with the store in %s', (_, makePlace) => {
  test('PostgreSQL, with writers in several sessions', async () => {
    await expectConsistent(await postgresBank(), await makePlace());
  });

  test.each(['wal', 'delete'])('SQLite, journal_mode = %s', async (mode) => {
    await expectConsistent(await sqliteBank(mode), await makePlace());
  });
});

async function postgresBank(): Promise<Bank> {
  const postgres = await usePostgres();
  const url = await postgres.createDatabase('bank');
  const accounts = `SELECT g AS id, 100 AS amount FROM generate_series(1, ${String(ACCOUNTS)}) g`;
  await postgres.psql(
    url,
    `CREATE TABLE checking AS ${accounts}; CREATE TABLE filler AS SELECT g, md5(g::text) FROM generate_series(1, 100000) g;
     CREATE TABLE savings AS ${accounts}; ALTER TABLE checking ADD PRIMARY KEY (id); ALTER TABLE savings ADD PRIMARY KEY (id);
     CREATE TABLE transfers (id bigint GENERATED ALWAYS AS IDENTITY, amount int);`,
  );
  const write = async (isOver: () => boolean): Promise<number> => {
    const client = new Client(url);
    await client.connect();
    let count = 0;
    for (; !isOver(); count++) {
      const amount = Math.floor(Math.random() * 100) - 50;
      const [from, to] = [1, 2].map(() => 1 + Math.floor(Math.random() * ACCOUNTS));
      await client.query('BEGIN');
      await client.query('UPDATE checking SET amount = amount + $1 WHERE id = $2', [amount, from]);
      await client.query('UPDATE savings SET amount = amount - $1 WHERE id = $2', [amount, to]);
      await client.query('INSERT INTO transfers (amount) VALUES ($1)', [amount]);
      await client.query('COMMIT');
    }
    await client.end();
    return count;
  };
  let targets = 0;
  return {
    source: ['--source', 'postgres', '--url-env', 'BANK_URL'],
    env: { BANK_URL: url },
    startWriters: () => untilStopped([write, write, write]),
    newTarget: () => {
      targets += 1;
      const to = `${url}_copy_${String(targets)}`;
      onTestFinished(() => postgres.dropDatabase(to));
      return Promise.resolve(to);
    },
    booksOf: async (to) => {
      const [total, checking, transfers, journal] = (await postgres.psql(to, `${BOOKS};`))
        .split('|')
        .map(Number);
      return { total: total ?? 0, checking: checking ?? 0, transfers: transfers ?? 0, journal: journal ?? 0 };
    },
  };
}

async function sqliteBank(mode: string): Promise<Bank> {
  const path = join(await tempFolder('bank'), 'bank.db');
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE checking(id INTEGER PRIMARY KEY, amount INT)`);
  db.exec(
    'CREATE TABLE savings(id INTEGER PRIMARY KEY, amount INT); CREATE TABLE transfers(id INTEGER PRIMARY KEY, amount INT)',
  );
  db.exec('BEGIN');
  for (const table of ['checking', 'savings']) {
    const insert = db.prepare(`INSERT INTO ${table} VALUES (?, 100)`);
    for (let id = 1; id <= ACCOUNTS; id++) insert.run(id);
  }
  db.exec('COMMIT');
  db.close();
  addBulk(path, 2);
  return {
    source: ['--source', 'sqlite', '--path', path],
    env: {},
    startWriters: () => untilStopped([(isOver) => writeSqlite(path, isOver)]),
    newTarget: async () => join(await tempFolder('target'), 'copy.db'),
    booksOf: (to) => {
      const copy = new DatabaseSync(to, { readOnly: true });
      const books = copy.prepare(BOOKS).get() as unknown as Books;
      copy.close();
      return Promise.resolve(books);
    },
  };
}

async function writeSqlite(path: string, isOver: () => boolean): Promise<number> {
  const db = new DatabaseSync(path, { timeout: 10_000 });
  db.exec('PRAGMA synchronous = OFF');
  const [credit, debit] = [
    db.prepare('UPDATE checking SET amount = amount + ? WHERE id = ?'),
    db.prepare('UPDATE savings SET amount = amount - ? WHERE id = ?'),
  ];
  const note = db.prepare('INSERT INTO transfers(amount) VALUES (?)');
  let count = 0;
  for (; !isOver(); count++) {
    const amount = Math.floor(Math.random() * 100) - 50;
    db.exec('BEGIN IMMEDIATE');
    credit.run(amount, 1 + Math.floor(Math.random() * ACCOUNTS));
    debit.run(amount, 1 + Math.floor(Math.random() * ACCOUNTS));
    note.run(amount);
    db.exec('COMMIT');
    await nextTurn();
  }
  db.close();
  return count;
}

/** Runs writers side by side; `stop` lets each of them end its transfer. */
function untilStopped(writers: readonly ((isOver: () => boolean) => Promise<number>)[]) {
  let isStopped = false;
  const running = Promise.all(writers.map((write) => write(() => isStopped)));
  return {
    stop: async () => {
      isStopped = true;
      return (await running).reduce((sum, count) => sum + count, 0);
    },
  };
}
