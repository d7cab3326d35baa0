/** Restores that fail half way: what is said, and what is left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '../services/postgres.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { usePostgres } from '../services/use.ts';
import type { MemoryDump } from './memory-dump.ts';
import { databaseOf, databaseWith, exists, freshTarget, load, sharedDump } from './pg-load-kit.ts';

const ROWS = `CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small SELECT generate_series(1, 10);
  CREATE TABLE big (id int, note text); INSERT INTO big SELECT g, md5(g::text) FROM generate_series(1, 20000) g;
  CREATE INDEX ON big (note);`;

const rows = sharedDump(usePostgres, ROWS);

async function dumped(): Promise<{ postgres: PostgresAccess; dump: MemoryDump; url: string }> {
  const postgres = await usePostgres();
  const dump = await rows();
  return { postgres, dump, url: freshTarget(postgres) };
}

/** Sessions of anyone in the database. */
async function sessionsIn(postgres: PostgresAccess, url: string): Promise<string> {
  const name = databaseOf(url).replaceAll("'", "''");
  return postgres.psql(postgres.url(), `SELECT count(*) FROM pg_stat_activity WHERE datname = '${name}';`);
}

describe('a statement that the server refuses', () => {
  test.for(['pre-data', 'post-data'])(
    'in %s is named with its line, and the new database is gone',
    async (stream) => {
      const { postgres, dump, url } = await dumped();
      const lines = dump.text(stream).split('\n').length;
      const bad = dump.with(
        stream,
        (text) => `${text}\nCREATE INDEX oops ON public.big\n  USING btree (nix, 'secret');\n`,
      );
      const failure = load(url, bad);
      await expect(failure).rejects.toMatchObject({ code: 'LOAD_STATEMENT', exitCode: 1 });
      const message = await failure.catch((error: unknown) => (error as Error).message);
      expect(message).toContain(`${stream}, line ${String(lines + 1)}: `);
      expect(message).toContain('(in: CREATE INDEX oops ON public.big)');
      expect(message).toContain('was dropped again');
      expect(message).not.toContain('secret');
      expect(await exists(postgres, url)).toBe(false);
    },
  );

  test('a setting that the server does not know is named with its line', async () => {
    const { dump, url } = await dumped();
    const bad = dump.with('post-data', (text) => `SET nonsense = 1;\n${text}`);
    await expect(load(url, bad)).rejects.toMatchObject({
      code: 'LOAD_STATEMENT',
      message: expect.stringMatching(/^post-data, line 1: .*"nonsense"/) as string,
    });
  });

  test('a database that existed before stays, named as incomplete, with the way to be rid of it', async () => {
    const { postgres, dump } = await dumped();
    const url = await databaseWith(postgres, '', 'mine');
    const bad = dump.with('post-data', (text) => `${text}SELECT 1/0;\n`);
    await expect(load(url, bad)).rejects.toMatchObject({
      code: 'LOAD_STATEMENT',
      message: expect.stringContaining('existed before and is incomplete now') as string,
      hint: expect.stringContaining(`DROP DATABASE "${databaseOf(url)}"`) as string,
    });
    expect(await exists(postgres, url)).toBe(true);
    expect(await sessionsIn(postgres, url)).toBe('0');
  });
});

describe('rows', () => {
  test('that do not fit are named by table, row and column', async () => {
    const { postgres, dump, url } = await dumped();
    const bad = dump.with('public.big', (text) => text.replace('\n700\t', '\nx700\t'));
    await expect(load(url, bad)).rejects.toMatchObject({
      code: 'LOAD_ROWS',
      message: expect.stringMatching(/^rows of public\.big, row 700, column id: /) as string,
    });
    expect(await exists(postgres, url)).toBe(false);
  });

  test('that are cut off are noticed', async () => {
    const { postgres, dump, url } = await dumped();
    const bad = dump.with('public.big', (text) => text.slice(0, text.indexOf('\n15000\t') + 1));
    await expect(load(url, bad)).rejects.toMatchObject({ code: 'LOAD_NOT_COPY' });
    expect(await exists(postgres, url)).toBe(false);
  });

  test('that something took away again are missed', async () => {
    const { dump, url } = await dumped();
    const bad = dump.with('post-data', (text) => `${text}DELETE FROM public.small WHERE id = 3;\n`);
    await expect(load(url, bad)).rejects.toMatchObject({
      code: 'LOAD_ROWS_LOST',
      exitCode: 4,
      message: expect.stringContaining('public.small holds 9 rows after 10 were loaded') as string,
    });
  });

  test('that cannot be read from the store: that error, and no database', async () => {
    const { postgres, dump, url } = await dumped();
    const broken = dump.interrupted('public.big', () => Promise.reject(new Error('the store is gone')));
    await expect(load(url, broken)).rejects.toThrow('the store is gone');
    expect(await exists(postgres, url)).toBe(false);
  });
});

describe('a server that goes away', () => {
  test('half way: said, with what is left to do', async () => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    const dump = await rows();
    const url = server.url('half');
    const dying = dump.interrupted('public.big', () => server.stop());
    await expect(load(url, dying)).rejects.toMatchObject({
      code: 'LOAD_SERVER_GONE',
      message: expect.stringContaining('could not be dropped') as string,
      hint: expect.stringContaining('DROP DATABASE "half"') as string,
    });
  });

  test('one session killed by an administrator: the restore fails and cleans up', async () => {
    const { postgres, dump, url } = await dumped();
    const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${databaseOf(url)}' AND query LIKE 'COPY public.big%';`;
    const killed = dump.interrupted('public.big', async () => {
      await expect.poll(() => postgres.psql(postgres.url(), kill)).toBe('t');
    });
    await expect(load(url, killed)).rejects.toMatchObject({ code: 'LOAD_SERVER_GONE' });
    expect(await exists(postgres, url)).toBe(false);
  });

  test('that cannot be reached at all', async () => {
    const { dump } = await dumped();
    await expect(load('postgres://nobody@127.0.0.1:1/x', dump)).rejects.toMatchObject({
      code: 'PG_UNREACHABLE',
    });
  });
});

describe('cancelling', () => {
  test('while rows are loaded: the database is gone and nobody is in it', async () => {
    const { postgres, dump, url } = await dumped();
    const cancel = new AbortController();
    const slow = dump.interrupted('public.big', () => {
      cancel.abort();
      return Promise.resolve();
    });
    await expect(load(url, slow, {}, cancel.signal)).rejects.toMatchObject({
      code: 'CANCELLED',
      exitCode: 130,
      message: expect.stringContaining('was dropped again') as string,
    });
    expect(await exists(postgres, url)).toBe(false);
  });

  test.for(['pre-data', 'post-data'])(
    'while a long statement of %s runs: the server does not go on with it',
    async (stream) => {
      const { postgres, dump, url } = await dumped();
      const cancel = new AbortController();
      const long = dump.with(stream, (text) => `${text}SELECT pg_catalog.pg_sleep(100);\n`);
      const restore = load(url, long, {}, cancel.signal);
      const running = `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_catalog.pg_sleep(100)%' AND datname = '${databaseOf(url)}';`;
      await expect.poll(() => postgres.psql(postgres.url(), running), { timeout: 20_000 }).toBe('1');
      const started = performance.now();
      cancel.abort();
      await expect(restore).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(performance.now() - started).toBeLessThan(10_000);
      expect(await exists(postgres, url)).toBe(false);
      expect(await sessionsIn(postgres, url)).toBe('0');
    },
  );

  test('before it began: nothing is made', async () => {
    const { postgres, dump, url } = await dumped();
    await expect(load(url, dump, {}, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
    await sleep(10);
    expect(await exists(postgres, url)).toBe(false);
  });
});
