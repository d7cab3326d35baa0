/** MariaDB as a source: what comes out is the whole database, the same each time, and the plain client can load it. */
import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { startMariadb } from '../services/mariadb.ts';
import { tempFolder } from '../services/temp.ts';
import { useMariadb } from '../services/use.ts';
import { awkwardDatabase, mariadbDump, readDump, scriptOf, SIGNAL } from './mysql-kit.ts';
import type { WholeStream } from './mysql-kit.ts';

let mariadb: MariadbAccess;
let awkward: string;
let streams: WholeStream[];

beforeAll(async () => {
  mariadb = await useMariadb();
  awkward = await awkwardDatabase(mariadb);
  streams = await readDump(mysqlSource({ url: awkward }));
});

const named = (name: string): WholeStream | undefined => streams.find((stream) => stream.name === name);

describe('a database with every awkward thing', () => {
  test('comes back from its streams such that mariadb-dump sees no difference', async () => {
    const copy = await mariadb.createDatabase('copy');
    await mariadb.sql(copy, scriptOf(streams));
    expect(await mariadbDump(mariadb, copy)).toBe(await mariadbDump(mariadb, awkward));
  });

  test('gives the same rows again', async () => {
    const again = await readDump(mysqlSource({ url: mariadb.socketUrl(new URL(awkward).pathname.slice(1)) }));
    expect(again.filter(({ dialect }) => dialect !== 'sql')).toEqual(
      streams.filter(({ dialect }) => dialect !== 'sql'),
    );
  });

  test('comes in order: globals, definitions, settings, tables, settings, code and views', () => {
    const kinds = streams.map(({ name, dialect }) => (dialect === 'sql' ? name : dialect));
    expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual([
      'globals',
      'pre-data',
      'data-begin',
      'mysql-insert',
      'data-end',
      'post-data',
    ]);
  });

  test('tables have their names and columns', () => {
    const odd = '`odd ``name`` with "quotes", and; more`';
    expect(named(odd)?.table).toEqual({ name: odd, columns: ['a b', 'c`d', 'é', 'select', 'x(y)'] });
    expect(named('`123`')?.table?.columns).toEqual(['1']);
    expect(named('computed')?.table?.columns).toEqual(['id', 'name', 'upper1', 'low', 'hidden']);
    expect(named('nothing')).toMatchObject({ text: '', table: { name: 'nothing', columns: ['a'] } });
  });

  test('each row is one line, and binary values are in hex', () => {
    for (const { dialect, text } of streams)
      if (dialect === 'mysql-insert')
        expect(text).toMatch(/^(?:INSERT INTO `[^\n]*\) VALUES (?:\([^\n]*\),\n)*\([^\n]*\);\n)?$/);
    expect(named('everything')?.text).toContain('0xDEADBEEF000A0D1A27225C');
  });

  test('the schema has keys, foreign keys and what is computed', async () => {
    const { tables } = await mysqlSource({ url: awkward }).schema(SIGNAL);
    const child = tables.find(({ name }) => name === 'a_child');
    expect(child).toMatchObject({ primaryKey: ['id'] });
    expect(child?.foreignKeys).toEqual([
      {
        name: 'fk one',
        columns: ['parent_id'],
        references: 'z_parent',
        referenced: ['id'],
        onDelete: 'cascade',
      },
      {
        name: 'fk_code',
        columns: ['code'],
        references: 'z_parent',
        referenced: ['code'],
        onDelete: 'set null',
      },
      {
        name: 'fk_self',
        columns: ['self_id'],
        references: 'a_child',
        referenced: ['id'],
        onDelete: 'restrict',
      },
    ]);
    const computed = tables.find(({ name }) => name === 'computed');
    expect(computed?.columns.filter(({ generated }) => generated).map(({ name }) => name)).toEqual([
      'upper1',
      'low',
    ]);
    expect(tables.map(({ name }) => name)).toContain('history');
    expect(tables.map(({ name }) => name)).not.toContain('zz_first');
  });

  test('probe says what it found, and which tables have no transactions', async () => {
    const info = await mysqlSource({ url: awkward }).probe(SIGNAL);
    expect(info).toMatchObject({ kind: 'mysql', facts: { flavour: 'mariadb', charset: 'utf8mb4' } });
    expect(info.warnings.join()).toMatch(/without transactions: old_engine \(MyISAM\)/);
  });

  test('probe warns of what a dump lacks: history, and digits of FLOAT', async () => {
    const url = await mariadb.createDatabase('lossy');
    await mariadb.sql(
      url,
      `CREATE TABLE prices (id int PRIMARY KEY, price int) WITH SYSTEM VERSIONING;
       CREATE TABLE readings (id int PRIMARY KEY, f float, money float(10,2), d double);
       CREATE VIEW seen AS SELECT f FROM readings;
       INSERT INTO prices VALUES (1, 5); UPDATE prices SET price = 6;
       INSERT INTO readings VALUES (1, 16777216, 1234567.89, 0.1234567890123);`,
    );
    const source = mysqlSource({ url });
    const { warnings } = await source.probe(SIGNAL);
    expect(warnings).toEqual([
      'of tables with system versioning the rows of now are backed up, and not their history: prices',
      'the server prints FLOAT with six digits only, and DOUBLE with all it has: readings.f',
    ]);
    const copy = await mariadb.createDatabase('lossy');
    await mariadb.sql(copy, scriptOf(await readDump(source)));
    expect(await mariadb.sql(copy, 'SELECT price FROM prices FOR SYSTEM_TIME ALL;')).toBe('6');
    const exact = 'SELECT money + 0e0, d FROM readings;';
    expect(await mariadb.sql(copy, exact)).toBe(await mariadb.sql(url, exact));
    // Why there is a warning.
    expect(await mariadb.sql(copy, 'SELECT f + 0e0 FROM readings;')).toBe('16777200');
  });
});

test('names that begin with a dash, and that differ in case and accents only', async () => {
  const url = await mariadb.createDatabase('-x `y`');
  await mariadb.sql(
    url,
    `CREATE TABLE \`-t\` (id int PRIMARY KEY); INSERT INTO \`-t\` VALUES (1); CREATE VIEW \`--help\` AS SELECT * FROM \`-t\`;
     CREATE TABLE item (id int PRIMARY KEY, f float); CREATE TABLE Item (a int); CREATE TABLE ítem (b int);`,
  );
  const source = mysqlSource({ url });
  const copy = await mariadb.createDatabase('-copy');
  await mariadb.sql(copy, scriptOf(await readDump(source)));
  expect(await mariadbDump(mariadb, copy)).toBe(await mariadbDump(mariadb, url));
  const { tables } = await source.schema(SIGNAL);
  const columns = tables.map(({ name, columns: all }) => [name, all.map((column) => column.name)] as const);
  expect(Object.fromEntries(columns)).toEqual({
    '`-t`': ['id'],
    item: ['id', 'f'],
    Item: ['a'],
    ítem: ['b'],
  });
  expect((await source.probe(SIGNAL)).warnings.join()).toMatch(/all it has: item\.f$/);
});

describe('one moment', () => {
  test('rows that come while the dump runs are in none of the tables', async () => {
    const url = await mariadb.createDatabase('moment');
    await mariadb.sql(
      url,
      'CREATE TABLE a (id int PRIMARY KEY, t longtext); CREATE TABLE b (id int PRIMARY KEY);',
    );
    await mariadb.sql(
      url,
      "INSERT INTO a SELECT seq, REPEAT('x', 1000) FROM seq_1_to_20000; INSERT INTO b SELECT seq FROM seq_1_to_1000;",
    );
    await using dump = await mysqlSource({ url }).dump(SIGNAL);
    let rows = 0;
    for await (const { name, bytes } of dump.lanes[0] ?? []) {
      for await (const piece of bytes) {
        if (name !== 'b') continue;
        rows += Buffer.from(piece).toString().split('\n').length - 1;
      }
      if (name === 'a') await mariadb.sql(url, 'INSERT INTO b SELECT seq FROM seq_2000_to_3000;');
    }
    expect(rows).toBe(1000);
  });

  test('a table that is altered meanwhile fails the dump, with its name', async () => {
    const url = await mariadb.createDatabase('altered');
    await mariadb.sql(
      url,
      'CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (id int);',
    );
    const reading = (async () => {
      await using dump = await mysqlSource({ url }).dump(SIGNAL);
      for await (const { name, bytes } of dump.lanes[0] ?? []) {
        await Array.fromAsync(bytes);
        if (name === 'data-end') await mariadb.sql(url, 'ALTER TABLE b ADD COLUMN more int;');
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'MYSQL_SCHEMA_CHANGED', message: /`b`/ });
  });
});

describe('what a server may be set to', () => {
  test('NO_BACKSLASH_ESCAPES and ANSI_QUOTES change nothing', async () => {
    await using server = await stopping(
      startMariadb({ settings: { 'sql-mode': 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES' } }),
    );
    const url = await server.createDatabase();
    await server.sql(url, String.raw`CREATE TABLE t (v text); INSERT INTO t VALUES ('a\b''c"d');`);
    const dumped = await readDump(mysqlSource({ url }));
    expect(dumped.find(({ name }) => name === 't')?.text).toBe(
      String.raw`INSERT INTO ${'`t`'} (${'`v`'}) VALUES ('a\\b\'c\"d');` + '\n',
    );
    const copy = await server.createDatabase();
    await server.sql(copy, scriptOf(dumped));
    expect(await server.sql(copy, 'SELECT HEX(v) FROM t;')).toBe(
      await server.sql(url, 'SELECT HEX(v) FROM t;'),
    );
  });

  test('the position of its binary log is in the facts', async () => {
    await using server = await stopping(startMariadb({ settings: { 'log-bin': 'bin', 'server-id': '7' } }));
    const url = await server.createDatabase();
    const { facts } = await mysqlSource({ url }).probe(SIGNAL);
    expect(facts).toMatchObject({
      binlog: { file: 'bin.000001', position: expect.any(Number) as number },
      gtid: /^0-7-\d+$/,
    });
  });
});

describe('refusals', () => {
  const probe = (url: string, env?: NodeJS.ProcessEnv) =>
    mysqlSource({ url, ...(env && { env: { ...process.env, ...env } }) }).probe(SIGNAL);

  test('a wrong password, a missing database, a server that is away', async () => {
    const wrong = new URL(awkward);
    wrong.password = 'geheim';
    await expect(probe(wrong.href)).rejects.toMatchObject({
      code: 'MYSQL_LOGIN',
      message: expect.not.stringContaining('geheim') as string,
    });
    await expect(probe(mariadb.url('gone'))).rejects.toMatchObject({ code: 'MYSQL_DATABASE_MISSING' });
    await expect(probe('mysql://u@127.0.0.1:1/db')).rejects.toMatchObject({ code: 'MYSQL_UNREACHABLE' });
  });

  test('no program, and one that is older than the server', async () => {
    await expect(probe(awkward, { PATH: '/nonexistent' })).rejects.toMatchObject({
      code: 'MYSQL_TOOL_MISSING',
    });
    const folder = await tempFolder('old');
    const old = join(folder, 'mariadb-dump');
    await writeFile(
      old,
      "#!/bin/sh\necho 'mariadb-dump  Ver 10.19 Distrib 10.5.2-MariaDB, for debian-linux-gnu (x86_64)'\n",
    );
    await chmod(old, 0o755);
    await chmod(await copyOf(folder), 0o755);
    const PATH = [folder, '/usr/bin'].join(delimiter);
    await expect(probe(awkward, { PATH })).rejects.toMatchObject({
      code: 'MYSQL_DUMP_OLD',
      hint: /mariadb-client/,
    });
  });

  test('a user without the right to read a view says which right', async () => {
    const user = await mariadb.createUser([
      `GRANT SELECT ON \`${new URL(awkward).pathname.slice(1)}\`.* TO $USER`,
    ]);
    const reading = readDump(mysqlSource({ url: mariadb.url(new URL(awkward).pathname.slice(1), user) }));
    await expect(reading).rejects.toMatchObject({ code: 'MYSQL_PRIVILEGE', hint: /SHOW VIEW/ });
  });

  test('what a user may not see is said to be missing', async () => {
    const url = await mariadb.createDatabase('un_seen');
    const name = new URL(url).pathname.slice(1);
    await mariadb.sql(
      url,
      `CREATE TABLE t (a int); CREATE TABLE hidden (a int); CREATE PROCEDURE p () SELECT 1;
       CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1;`,
    );
    const may = 'SELECT, SHOW VIEW, LOCK TABLES, EVENT';
    const warningsFor = async (...grants: readonly string[]) => {
      const user = await mariadb.createUser(grants);
      const info = await mysqlSource({ url: mariadb.url(name, user) }).probe(SIGNAL);
      return info.warnings.join('\n');
    };
    expect(await warningsFor(`GRANT ${may} ON \`${name}\`.* TO $USER`)).toMatch(
      /lacks TRIGGER.*\n.*procedures and functions only its own/,
    );
    expect(
      await warningsFor(
        `GRANT SELECT, TRIGGER ON \`${name}\`.t TO $USER`,
        `GRANT LOCK TABLES ON \`${name}\`.* TO $USER`,
      ),
    ).toMatch(/SELECT on some tables only.*\n.*lacks TRIGGER/);
    const pattern = name.replaceAll('_', '\\_');
    expect(
      await warningsFor(
        `GRANT ${may}, TRIGGER ON \`${pattern}\`.* TO $USER`,
        'GRANT SELECT ON mysql.* TO $USER',
      ),
    ).toBe('');
    expect(await warningsFor('GRANT ALL ON *.* TO $USER')).toBe('');
    const user = await mariadb.createUser([`GRANT ${may}, TRIGGER, EXECUTE ON \`${name}\`.* TO $USER`]);
    await expect(readDump(mysqlSource({ url: mariadb.url(name, user) }))).rejects.toMatchObject({
      code: 'MYSQL_PRIVILEGE',
      hint: /mysql\.\*/,
    });
  });

  test('an event with which the dump tool would never end; one of another database does not count', async () => {
    const url = await mariadb.createDatabase('events');
    const other = await mariadb.createDatabase('EVENTS');
    await mariadb.sql(other, "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE COMMENT ';;' DO SELECT 1;");
    await probe(url);
    await expect(probe(other)).rejects.toMatchObject({ code: 'MYSQL_EVENT', hint: /a space between/ });
    await expect(readDump(mysqlSource({ url: other }))).rejects.toMatchObject({ code: 'MYSQL_EVENT' });
  });

  test('a name with a line end', async () => {
    const url = await mariadb.createDatabase('names');
    await mariadb.sql(url, 'CREATE TABLE `a\nb` (id int);');
    await expect(probe(url)).rejects.toMatchObject({ code: 'MYSQL_NAME' });
  });

  test.for([
    ['postgres://host/db', /does not begin with mysql/],
    ['mysql://host', /names no database/],
    ['mysql://host/db?sslmode=1', /unknown parameter sslmode/],
    ['mysql://host/db?ssl-mode=maybe', /ssl-mode must be one of/],
    ['mysql://u:12/secret@host/db', /behind the host/],
    ['mysql://u:12?secret=1@host/db', /behind the host/],
    ['mysql://u:12#secret@host/db', /behind the host/],
  ] as const)('%s', ([url, reason]) => {
    expect(() => mysqlSource({ url })).toThrow(reason);
  });
});

test('a password may be anything', async () => {
  for (const password of [
    'a"b',
    "a'b",
    'a\\b',
    'a#b ;c',
    '"a\\ #b',
    '"#',
    ' lead',
    'trail ',
    'ü€',
    '\\',
    '"',
  ]) {
    const name = `odd_${Math.random().toString(36).slice(2)}`;
    const literal = `'${password.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
    await mariadb.sql(
      mariadb.url(),
      `CREATE USER '${name}'@'%' IDENTIFIED BY ${literal}; GRANT ALL ON *.* TO '${name}'@'%';`,
    );
    await mysqlSource({ url: mariadb.url('mysql', { name, password }) }).probe(SIGNAL);
  }
});

async function stopping<T extends { stop(): Promise<void> }>(
  starting: Promise<T>,
): Promise<T & AsyncDisposable> {
  const server = await starting;
  return { ...server, [Symbol.asyncDispose]: () => server.stop() };
}

/** A `mysqldump` that is as old: the one of the machine must not help out. */
async function copyOf(folder: string): Promise<string> {
  const file = join(folder, 'mysqldump');
  await writeFile(
    file,
    "#!/bin/sh\necho 'mysqldump  Ver 10.19 Distrib 10.5.2-MariaDB, for debian-linux-gnu (x86_64)'\n",
  );
  return file;
}
