/** What a PostgreSQL source does when something is wrong: one clear error, nothing left running. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Dump, Source } from '../../src/sources/source.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { freePort } from '../services/processes.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { fill, load, pgDump, readDump, scriptOf, SIGNAL, sourceWithTools } from './pg-source-kit.ts';

let postgres: PostgresAccess;
let url: string;

beforeAll(async () => {
  postgres = await usePostgres();
  url = await postgres.createDatabase('failures');
  await load(url, fill(20, 'big_one', 'big_two'));
});

/** Sessions of others in the test's database. */
async function sessions(): Promise<number> {
  const sql =
    'SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  return Number(await postgres.psql(url, sql));
}

async function expectNoSessions(): Promise<void> {
  await expect.poll(sessions, { timeout: 10_000 }).toBe(0);
}

describe('connecting', () => {
  test.each([
    ['a wrong password', () => url.replace(postgres.password, 'wrong'), 'PG_LOGIN'],
    ['no password', () => url.replace(`:${postgres.password}`, ''), 'PG_LOGIN'],
    ['an unknown user', () => url.replace(`${postgres.user}:`, 'nobody:'), 'PG_LOGIN'],
    ['an unknown database', () => postgres.url('does_not_exist'), 'PG_DATABASE_MISSING'],
    ['an unknown host', () => 'postgres://u@host.invalid/d', 'PG_UNREACHABLE'],
    ['a folder without a socket', () => 'postgres:///d?host=/nonexistent&user=u', 'PG_UNREACHABLE'],
    ['TLS that the server has not', () => `${url}?sslmode=require`, 'PG_CONNECTION'],
  ])('%s', async (_, address, code) => {
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
    const source = postgresSource({ url: address(), env });
    for (const attempt of [() => source.probe(SIGNAL), () => source.dump(SIGNAL)]) {
      const error = await attempt().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({
        code,
        exitCode: 1,
        hint: expect.stringMatching(/^[A-Z].*\.$/) as string,
      });
      expect(JSON.stringify(error)).not.toContain(postgres.password);
    }
  });

  test('nobody listens', async () => {
    const source = postgresSource({ url: `postgres://u@127.0.0.1:${await freePort()}/d` });
    await expect(source.probe(SIGNAL)).rejects.toMatchObject({ code: 'PG_UNREACHABLE' });
  });

  test('by socket, by PG* variables and with a passfile', async () => {
    const home = await tempFolder();
    const { user, password, host, port } = postgres;
    await writeFile(join(home, '.pgpass'), `${host}:${port}:*:${user}:${password}\n`, { mode: 0o600 });
    const env = { PATH: process.env['PATH'], HOME: home, PGUSER: user, PGPORT: String(port) };
    const database = new URL(url).pathname.slice(1);
    const ways = [
      { url: postgres.socketUrl(database), env: { PATH: process.env['PATH'], HOME: '/nonexistent' } },
      { url: `postgres://${host}/${database}`, env },
      { url: 'postgres://', env: { ...env, PGHOST: host, PGDATABASE: database } },
    ];
    for (const way of ways) {
      const source = postgresSource(way);
      expect(await source.probe(SIGNAL)).toMatchObject({ database });
      expect((await readDump(source)).map(({ name }) => name)).toContain('public.big_one');
    }
    await chmod(join(home, '.pgpass'), 0o644);
    await expect(postgresSource(ways[1] ?? { url }).probe(SIGNAL)).rejects.toMatchObject({
      code: 'PG_LOGIN',
    });
  });
});

describe('tools', () => {
  test('no PostgreSQL on the PATH', async () => {
    const source = postgresSource({ url, env: { ...process.env, PATH: await tempFolder() } });
    await expect(source.probe(SIGNAL)).rejects.toMatchObject({ code: 'PG_TOOL_MISSING' });
    await expect(source.dump(SIGNAL)).rejects.toMatchObject({
      hint: expect.stringContaining('postgresql-client-15') as string,
    });
    await expectNoSessions();
  });

  test('a pg_dump older than the server', async () => {
    const folder = await tempFolder();
    for (const name of ['pg_dump', 'pg_dumpall']) {
      await writeFile(join(folder, name), `#!/bin/sh\necho '${name} (PostgreSQL) 14.20'\n`);
      await chmod(join(folder, name), 0o755);
    }
    const source = postgresSource({ url, env: { ...process.env, PATH: folder } });
    await expect(source.probe(SIGNAL)).rejects.toMatchObject({ code: 'PG_DUMP_OLD' });
  });

  test('the password is not in the arguments of any tool', async () => {
    const log = join(await tempFolder(), 'args');
    const record = (name: string): string => `echo "$@" >>${log}\nexec "$REAL/${name}" "$@"`;
    const source = await sourceWithTools(`${url}?application_name=x`, {
      pg_dump: record('pg_dump'),
      pg_dumpall: record('pg_dumpall'),
    });
    await readDump(source);
    const said = await readFile(log, 'utf8');
    expect(said.trim().split('\n')).toHaveLength(5);
    expect(said).toContain('--dbname=postgresql://');
    expect(said).not.toContain(postgres.password);
  });

  // pg_dump catches SIGTERM and exits with 1.
  test.each([
    ['KILL', 'was killed by SIGKILL'],
    ['TERM', 'failed with exit code 1: pg_dump: terminated by user'],
  ])('a pg_dump that gets SIG%s half way', async (signal, how) => {
    const file = join(await tempFolder(), 'pid');
    const script = `case "$*" in *section=data*) echo $$ >${file};; esac\nexec "$REAL/pg_dump" "$@"`;
    const source = await sourceWithTools(url, { pg_dump: script }, { jobs: 1 });
    await using dump = await source.dump(SIGNAL);
    const error = await afterFirstRows(dump, async () => {
      process.kill(Number(await readFile(file, 'utf8')), `SIG${signal}`);
    });
    expect(error).toMatchObject({
      code: 'PG_DUMP_DIED',
      message: `pg_dump (data) ${how}`,
    });
  });

  test.each([
    ['data', '-c 50000', 'the dump ended inside table public.big_one'],
    ['pre-data', '-n 22', 'pre-data was cut off: the end mark of pg_dump is missing'],
  ])('a pg_dump that says all is well and wrote only a part of %s', async (section, part, message) => {
    const script = `case "$*" in *section=${section}*) "$REAL/pg_dump" "$@" | head ${part}; exit 0;; esac`;
    const source = await sourceWithTools(
      url,
      { pg_dump: `${script}\nexec "$REAL/pg_dump" "$@"` },
      { jobs: 1 },
    );
    await expect(readDump(source)).rejects.toMatchObject({ code: 'DUMP_INCOMPLETE', message });
    await expectNoSessions();
  });

  test('a pg_dump that wrote everything and then fails', async () => {
    const source = await sourceWithTools(url, {
      pg_dump: '"$REAL/pg_dump" "$@"; echo "no space" >&2; exit 1',
    });
    const message = expect.stringMatching(/^pg_dump \(.*\) failed with exit code 1: no space$/) as string;
    await expect(readDump(source)).rejects.toMatchObject({ code: 'PG_DUMP_DIED', message });
    await expectNoSessions();
  });

  test('a pg_dumpall that fails', async () => {
    const source = await sourceWithTools(url, {
      pg_dumpall: 'echo "permission denied for pg_authid" >&2; exit 1',
    });
    await expect(readDump(source)).rejects.toMatchObject({ code: 'PG_PERMISSION' });
  });
});

describe('while it runs', () => {
  test('the server ends a session of pg_dump', async () => {
    await using dump = await postgresSource({ url, jobs: 1 }).dump(SIGNAL);
    const error = await afterFirstRows(dump, () =>
      terminate(`application_name = 'pg_dump' AND query LIKE 'COPY%'`),
    );
    expect(error).toMatchObject({ code: 'PG_DUMP_DIED', exitCode: 1 });
  });

  test('the server ends the session that holds the snapshot', async () => {
    await using dump = await postgresSource({ url, jobs: 1 }).dump(SIGNAL);
    const error = await afterFirstRows(dump, () => terminate(`application_name = 'holdfast'`));
    expect(error).toMatchObject({ code: 'PG_SNAPSHOT_LOST', exitCode: 1 });
    await dump[Symbol.asyncDispose]();
    await expectNoSessions();
  });

  test('leaving early ends the tools and the connection', async () => {
    const dump = await postgresSource({ url }).dump(SIGNAL);
    expect(await sessions()).toBeGreaterThan(1);
    await dump[Symbol.asyncDispose]();
    await expectNoSessions();
    await dump[Symbol.asyncDispose]();
  });

  test('a lane that is not read to the end is no success', async () => {
    await using dump = await postgresSource({ url }).dump(SIGNAL);
    for (const lane of dump.lanes) await expect(Array.fromAsync(lane)).rejects.toThrow('not read to its end');
  });

  test('cancelling', async () => {
    const controller = new AbortController();
    await using dump = await postgresSource({ url, jobs: 1 }).dump(controller.signal);
    const error = await afterFirstRows(dump, () => {
      controller.abort();
      return Promise.resolve();
    });
    expect(error).toMatchObject({ code: 'CANCELLED', exitCode: 130 });
    await dump[Symbol.asyncDispose]();
    await expectNoSessions();
    await expect(postgresSource({ url }).dump(controller.signal)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    await expect(postgresSource({ url }).probe(controller.signal)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  async function terminate(which: string): Promise<void> {
    const own = 'datname = current_database() AND pid <> pg_backend_pid()';
    const sql = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE ${own} AND ${which}`;
    expect((await postgres.psql(url, sql)).trim()).toBe('1');
  }
});

describe('roles that may not do everything', () => {
  const asRole = async (
    attributes: string,
    ...sql: string[]
  ): Promise<{ source: Source; database: string }> => {
    const role = await postgres.createRole(attributes);
    const database = await postgres.createDatabase('limited');
    await load(database, sql.join(';').replaceAll('ROLE', role.name));
    const name = new URL(database).pathname.slice(1);
    return { source: postgresSource({ url: postgres.url(name, role) }), database };
  };

  test('a role that may read just the tables makes a whole dump, without the passwords of roles', async () => {
    const mapping = `CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw; CREATE USER MAPPING FOR PUBLIC SERVER s`;
    const { source, database } = await asRole(
      '',
      'CREATE TABLE t AS SELECT 1 AS x',
      'GRANT SELECT ON t TO ROLE',
      mapping,
    );
    const info = await source.probe(SIGNAL);
    expect(info.warnings).toEqual([
      expect.stringContaining("may not read the roles' passwords"),
      expect.stringContaining('user mappings'),
    ]);
    expect(info.facts).toMatchObject({ rolePasswords: false, role: { superuser: false } });
    const streams = await readDump(source);
    expect(streams[0]?.text).toContain('CREATE ROLE holdfast;');
    expect(streams[0]?.text).not.toContain('PASSWORD');
    const copy = await postgres.createDatabase('copy');
    await load(copy, scriptOf(streams));
    expect((await pgDump(copy)).equals(await pgDump(database))).toBe(true);
  });

  test('a role that may not read a table is told so before a dump starts', async () => {
    const tables =
      'CREATE TABLE a(); CREATE TABLE "B c"(); CREATE SEQUENCE s; CREATE TABLE fine(); GRANT SELECT ON fine TO ROLE';
    const { source } = await asRole('', tables);
    await expect(source.probe(SIGNAL)).rejects.toMatchObject({
      code: 'PG_PERMISSION',
      message: 'this role may not read public."B c", public.a, public.s',
    });
    await expect(readDump(source)).rejects.toMatchObject({ code: 'PG_PERMISSION' });
  });

  test('a role from which row security hides rows is refused; one that may bypass it is not', async () => {
    const table =
      'CREATE TABLE t AS SELECT 1 AS x; ALTER TABLE t ENABLE ROW LEVEL SECURITY; GRANT pg_read_all_data TO ROLE';
    const { source } = await asRole('', table);
    await expect(source.probe(SIGNAL)).rejects.toMatchObject({
      code: 'PG_ROW_SECURITY',
      message: 'row security hides rows of public.t from this role',
    });
    await expect(readDump(source)).rejects.toMatchObject({ code: 'PG_ROW_SECURITY' });
    const { source: allowed } = await asRole('BYPASSRLS', table);
    expect((await readDump(allowed)).find(({ name }) => name === 'public.t')?.text).toContain('\n1\n');
  });
});

/** Reads the first data lane, acts within the first rows, and gives back the error with which the lane ended. */
async function afterFirstRows(dump: Dump, action: () => Promise<void>): Promise<unknown> {
  let isDone = false;
  try {
    for await (const stream of dump.lanes[1] ?? []) {
      const bytes = stream.bytes[Symbol.asyncIterator]();
      for (let step = await bytes.next(); step.done !== true; step = await bytes.next()) {
        if (isDone || stream.dialect !== 'pg-copy') continue;
        await action();
        isDone = true;
      }
    }
  } catch (error) {
    return error;
  }
  return undefined;
}
