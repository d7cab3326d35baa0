/**
 * Goal: a restore to PostgreSQL that was killed, or lost its server, is gone on with and ends as if nothing had
 * happened; and --resume touches nothing else.
 */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { dumpText } from '../integration/pg-load-kit.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, makeHost, snapshotsOf } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { ENTER, onTerminal } from '../services/terminal.ts';
import { usePostgres } from '../services/use.ts';

/** Whoever comes to a gate waits for as long as there is a role of its name: roles are seen from every database. */
const GATES = { data: 'in_data', index: 'in_index', post: 'in_post' } as const;
type Gate = keyof typeof GATES;

const suffix = randomBytes(6).toString('hex');
const roleOf = (gate: Gate) => `${GATES[gate]}_${suffix}`;

const SHOP = `
  CREATE FUNCTION public.gate(which text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    WHILE EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = which) LOOP PERFORM pg_catalog.pg_sleep(0.05); END LOOP;
    RETURN 1; END $$;
  CREATE FUNCTION public.gate_of_index() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT public.gate('${roleOf('index')}') $$;
  CREATE TABLE customers (id int PRIMARY KEY, name text);
  CREATE TABLE orders (id serial PRIMARY KEY, customer int REFERENCES customers, at date);
  CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
  CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2025-01-01');
  CREATE TABLE parts_new PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2030-01-01');
  CREATE INDEX ON parts (id);
  CREATE TABLE nothing (a int UNIQUE);
  CREATE TABLE slow (id int PRIMARY KEY, CHECK (public.gate('${roleOf('data')}') = 1));
  CREATE TABLE sought (id int PRIMARY KEY);
  INSERT INTO customers SELECT g, 'name ' || g FROM generate_series(1, 5000) g;
  INSERT INTO orders (customer, at) SELECT g, '2026-01-01'::date + g % 300 FROM generate_series(1, 5000) g;
  INSERT INTO parts SELECT g, '2021-01-01'::date + g FROM generate_series(1, 3000) g;
  INSERT INTO slow SELECT g FROM generate_series(1, 20000) g;
  INSERT INTO sought SELECT g FROM generate_series(1, 10) g;
  CREATE INDEX sought_slowly ON sought ((id + public.gate_of_index()));
  CREATE VIEW one AS SELECT 1 AS one;
  CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM orders WHERE public.gate('${roleOf('post')}'::text || left(at::text, 0)) = 1;
  SELECT lo_from_bytea(0, decode(repeat('ab', 50000), 'hex'));
  CREATE TABLE files (content oid); INSERT INTO files SELECT oid FROM pg_largeobject_metadata;`;

let postgres: PostgresAccess;
let host: Host;
let undisturbed: string;
let targets = 0;

beforeAll(async () => {
  postgres = await usePostgres();
  const url = await postgres.createDatabase('resume');
  await postgres.psql(url, SHOP);
  await postgres.psql(url, `COMMENT ON DATABASE "${nameOf(url)}" IS 'the shop'`);
  host = await makeHost({
    place: await folderPlace(),
    source: ['--source', 'postgres', '--url-env', 'SHOP_URL'],
    env: { SHOP_URL: url },
  });
  await backUp(host);
  await backUp(host);
  const to = newTarget();
  await restore(to);
  undisturbed = await dumpText(to);
  await postgres.dropDatabase(to);
});

const nameOf = (url: string) => decodeURIComponent(new URL(url).pathname.slice(1));

function newTarget(): string {
  targets += 1;
  return postgres.url(`resumed_${suffix}_${String(targets)}`);
}

const args = (to: string, ...more: string[]) => [
  'restore',
  'shop',
  '--to',
  to,
  '--key',
  host.opsKey,
  ...more,
];

const restore = (to: string, ...more: string[]) => host.good(args(to, ...more));

async function close(gate: Gate): Promise<() => Promise<unknown>> {
  await postgres.psql(postgres.url(), `CREATE ROLE ${roleOf(gate)}`);
  const open = () => postgres.psql(postgres.url(), `DROP ROLE IF EXISTS ${roleOf(gate)}`);
  onTestFinished(async () => {
    await open();
  });
  return open;
}

const ask = (url: string, sql: string) => postgres.psql(url, sql).catch(() => '');

const commentOn = (url: string) =>
  ask(
    postgres.url(),
    `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${nameOf(url)}'`,
  );

/** True once something waits at the gate and all that needs not wait is done. */
const WAITING: Readonly<Record<Gate, string>> = {
  data: `SELECT count(*) = 1 FROM pg_constraint WHERE conname = 'orders_customer_fkey' AND
    EXISTS (SELECT FROM parts) AND to_regclass('public.parts_new_id_idx') IS NOT NULL`,
  index: `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX sought_slowly%'
    AND (SELECT count(*) FROM slow) > 0`,
  post: `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'REFRESH MATERIALIZED%'`,
};

async function isWaiting(to: string, gate: Gate): Promise<void> {
  await expect.poll(() => ask(to, WAITING[gate]), { timeout: 60_000, interval: 100 }).toBe('t');
}

/** A restore that is killed at a gate. */
async function killedAt(gate: Gate, ...more: string[]): Promise<string> {
  const open = await close(gate);
  const to = newTarget();
  onTestFinished(async () => postgres.dropDatabase(to));
  const killed = await host.run(args(to, ...more), { kill: { once: isWaiting(to, gate) } });
  expect(killed.signal).toBe('SIGKILL');
  await open();
  return to;
}

async function expectAsUndisturbed(to: string): Promise<void> {
  expect(await dumpText(to)).toBe(undisturbed);
  expect(await commentOn(to)).toBe('the shop');
}

const FILES = `SELECT string_agg(relname || ' ' || pg_relation_filenode(oid), ',' ORDER BY relname) FROM pg_class
  WHERE relname IN ('customers', 'orders', 'parts_old', 'orders_pkey', 'parts_old_id_idx')`;
const OID = (url: string) =>
  ask(postgres.url(), `SELECT oid FROM pg_database WHERE datname = '${nameOf(url)}'`);

describe('killed', () => {
  test.each(['data', 'index'] as const)('at the gate %s: what is complete is kept', async (gate) => {
    const to = await killedAt(gate);
    expect(await commentOn(to)).toMatch(/^holdfast: unfinished restore of shop@\S+ \[.* data\]$/);
    const files = await ask(to, FILES);
    expect(files).toContain('parts_old_id_idx ');
    const { stdout } = await restore(to, '--resume');
    expect(stdout).toContain('the counts match the snapshot');
    expect(await ask(to, FILES)).toBe(files);
    await expectAsUndisturbed(to);
  });

  test('twice', async () => {
    const to = await killedAt('data');
    const open = await close('index');
    const again = await host.run(args(to, '--resume'), { kill: { once: isWaiting(to, 'index') } });
    expect(again.signal).toBe('SIGKILL');
    await open();
    await restore(to, '--resume');
    await expectAsUndisturbed(to);
  });

  test('where anything may have been touched: all begins anew', async () => {
    const to = await killedAt('post');
    expect(await commentOn(to)).toMatch(/ post-data\]$/);
    const oid = await OID(to);
    const dry = await host.run(args(to, '--resume', '--dry-run'));
    expect(dry.stdout).toContain('all of it is made anew');
    await restore(to, '--resume');
    expect(await OID(to)).not.toBe(oid);
    await expectAsUndisturbed(to);
  });

  test('a table that somebody has changed since: all begins anew', async () => {
    const to = await killedAt('data');
    await postgres.psql(to, 'DELETE FROM orders WHERE id = 7');
    await restore(to, '--resume');
    await expectAsUndisturbed(to);
  });

  test('whoever is asked is asked whether to go on', async () => {
    const to = await killedAt('data');
    const files = await ask(to, FILES);
    const { exitCode, shown } = await onTerminal(
      host,
      ['restore', '--key', host.opsKey],
      [
        ['Which moment?', ENTER],
        ['Where to?', `\u0015${to}${ENTER}`],
        ['Go on with it?', ENTER],
        ['Start?', ENTER],
      ],
    );
    expect({ exitCode, shown }).toMatchObject({ exitCode: 0 });
    expect(shown).toContain('its complete tables are kept');
    expect(await ask(to, FILES)).toBe(files);
    await expectAsUndisturbed(to);
  });

  test('of one table', async () => {
    const to = await killedAt('index', '--table', 'slow', '--table', 'sought');
    await restore(to, '--resume', '--table', 'sought', '--table', 'slow');
    expect(await ask(to, 'SELECT (SELECT count(*) FROM slow), (SELECT count(*) FROM orders)')).toBe(
      '20000|0',
    );
  });
});

describe('not taken up', () => {
  test('without --resume, of another snapshot, with other options, with somebody in it', async () => {
    const to = await killedAt('data');
    const before = await ask(to, FILES);
    const [older = ''] = await snapshotsOf(host);
    expectComplaint(await host.run(args(to)), {
      exit: 6,
      error: /holds an unfinished restore of shop@/,
      hint: /the same command and --resume/,
    });
    for (const other of [
      args(to, '--resume', '--no-owner'),
      args(to, '--resume', '--table', 'orders'),
      args(to, '--resume').with(1, `shop@${older}`),
    ])
      expectComplaint(await host.run(other), {
        exit: 6,
        error: /not what this one would write/,
        hint: /another restore/,
      });
    const { default: pg } = await import('pg');
    const visitor = new pg.Client({ connectionString: to });
    await visitor.connect();
    expectComplaint(await host.run(args(to, '--resume')), {
      exit: 6,
      error: /1 session is connected/,
      hint: /pg_stat_activity/,
    });
    await visitor.end();
    expect(await ask(to, FILES)).toBe(before);
    await restore(to, '--resume');
    await expectAsUndisturbed(to);
  });

  test('while it still runs, which goes on undisturbed', async () => {
    const open = await close('data');
    const to = newTarget();
    onTestFinished(async () => postgres.dropDatabase(to));
    const running = host.good(args(to));
    await isWaiting(to, 'data');
    expectComplaint(await host.run(args(to, '--resume')), {
      exit: 6,
      error: /another restore is at work in it/,
      hint: /same command again/,
    });
    await open();
    await running;
    await expectAsUndisturbed(to);
  });

  test("somebody's database, even with a mark that was copied", async () => {
    const cut = await killedAt('data');
    const url = await postgres.createDatabase('somebody');
    onTestFinished(async () => postgres.dropDatabase(url));
    await postgres.psql(url, 'CREATE TABLE mine (a int)');
    for (const comment of ['mine', await commentOn(cut)]) {
      await postgres.psql(url, `COMMENT ON DATABASE "${nameOf(url)}" IS '${comment}'`);
      expectComplaint(await host.run(args(url, '--resume')), {
        exit: 6,
        error: /already holds/,
        hint: /--to/,
      });
    }
    expect(await ask(url, 'SELECT count(*) FROM mine')).toBe('0');
  });

  test('nothing was left: it begins at the start, and says so', async () => {
    const to = newTarget();
    onTestFinished(async () => postgres.dropDatabase(to));
    expect((await restore(to, '--resume')).stderr).toContain('holds no unfinished restore');
    await expectAsUndisturbed(to);
  });
});

test('whose server has ended its sessions: kept, and gone on with', async () => {
  const open = await close('data');
  const to = newTarget();
  onTestFinished(async () => postgres.dropDatabase(to));
  const running = host.run(args(to));
  await isWaiting(to, 'data');
  await postgres.psql(
    postgres.url(),
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${nameOf(to)}'`,
  );
  expectComplaint(await running, { exit: 1, error: /was kept as it is/, hint: /--resume/ });
  await open();
  const files = await ask(to, FILES);
  await restore(to, '--resume');
  expect(await ask(to, FILES)).toBe(files);
  await expectAsUndisturbed(to);
});

test('a backup of an unfinished database does not carry the mark on', async () => {
  const cut = await killedAt('data');
  const other = await makeHost({
    place: await folderPlace(),
    source: ['--source', 'postgres', '--url-env', 'SHOP_URL'],
    env: { SHOP_URL: cut },
  });
  await backUp(other);
  const to = newTarget();
  onTestFinished(async () => postgres.dropDatabase(to));
  await other.good(['restore', 'shop', '--to', to, '--key', other.opsKey]);
  expect(await commentOn(to)).toBe('');
});
