/** Restoring to MariaDB: a new database that is the same as the old one, or nothing. */
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { mysqlLoader } from '../../src/sources/mysql/loader.ts';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import type { MariadbAccess } from '../services/mariadb.ts';
import { startMariadb } from '../services/mariadb.ts';
import { tempFolder } from '../services/temp.ts';
import { useMariadb } from '../services/use.ts';
import { awkwardDatabase, mariadbDump, readDump, scriptOf, SIGNAL } from './mysql-kit.ts';
import { LOAD_DEFAULTS } from './memory-dump.ts';
import type { MemoryDump } from './memory-dump.ts';
import { databaseWith, dumpOf, exists, freshTarget, load } from './mysql-load-kit.ts';

let mariadb: MariadbAccess;

beforeAll(async () => {
  mariadb = await useMariadb();
});

/** More than the bytes from which on keys come after the rows, with every kind of key. */
const LARGE = `
  CREATE TABLE owners (id int AUTO_INCREMENT PRIMARY KEY, code varchar(40) NOT NULL, note varchar(200) COMMENT 'KEY \`x\` (\`y\`),',
    UNIQUE KEY code (code), KEY part (note(10), code)) COMMENT 'one\n  KEY \`no\` (\`key\`),\ntwo';
  CREATE TABLE things (id int AUTO_INCREMENT PRIMARY KEY, owner_id int, owner_code varchar(40), text1 text, low varchar(40) AS (LOWER(owner_code)) VIRTUAL,
    KEY owner_id (owner_id), KEY low (low), FULLTEXT KEY words (text1), KEY last (id, owner_id) COMMENT 'a, b',
    CONSTRAINT fk_owner FOREIGN KEY (owner_id) REFERENCES owners (id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT fk_code FOREIGN KEY (owner_code) REFERENCES owners (code) ON DELETE SET NULL,
    CONSTRAINT positive CHECK (text1 <> 'x'));
  CREATE TABLE bare (a int, b text, KEY a (a));
  CREATE TABLE counted (n int AUTO_INCREMENT, id varchar(60) PRIMARY KEY, UNIQUE KEY n (n), KEY both1 (n, id));
  INSERT INTO owners (code, note) SELECT MD5(seq), REPEAT('x', 150) FROM seq_1_to_9000;
  INSERT INTO things (owner_id, owner_code, text1) SELECT seq, MD5(seq), REPEAT(CONCAT('word', seq, ' '), 20) FROM seq_1_to_9000;
  INSERT INTO bare SELECT seq % 7, REPEAT('y', 200) FROM seq_1_to_9000;
  INSERT INTO counted (id) SELECT CONCAT(MD5(seq), REPEAT('z', 20)) FROM seq_1_to_20000;`;

describe('a restore', () => {
  test.each([1, 3])('brings everything awkward back, with %i sessions', async (jobs) => {
    const url = await awkwardDatabase(mariadb);
    const dump = await dumpOf(url);
    const target = freshTarget(mariadb);
    const report = await load(target, dump, { jobs });
    expect(await mariadbDump(mariadb, target)).toBe(await mariadbDump(mariadb, url));
    const counted = dump.streams.flatMap(({ table, rows }) => (table ? [[table.name, rows]] : []));
    expect(report.rows).toEqual(Object.fromEntries(counted));
    expect(report.leftOut).toEqual([]);
    await mariadb.dropDatabase(url);
  });

  test('builds keys after the rows of large tables, and they are the same keys', async () => {
    const url = await databaseWith(mariadb, LARGE);
    const target = freshTarget(mariadb);
    await load(target, await dumpOf(url));
    expect(await mariadbDump(mariadb, target)).toBe(await mariadbDump(mariadb, url));
    await expect(
      mariadb.sql(target, 'DELETE FROM owners WHERE id = 1; INSERT INTO things (owner_id) VALUES (1);'),
    ).rejects.toThrow(/1452/);
    expect(await mariadb.sql(target, 'SELECT COUNT(*) FROM things;')).toBe('8999');
  });

  test('goes into an empty database that is there already, which keeps its collation', async () => {
    const url = await databaseWith(mariadb, 'CREATE TABLE t (a int); INSERT INTO t VALUES (1);');
    const target = freshTarget(mariadb);
    const name = decodeURIComponent(new URL(target).pathname.slice(1)).replaceAll('`', '``');
    await mariadb.sql(mariadb.url(), `CREATE DATABASE \`${name}\` CHARACTER SET latin1;`);
    const dump = await dumpOf(url);
    const found = await mysqlLoader({ url: target }).preflight(dump, LOAD_DEFAULTS, SIGNAL);
    expect(found).toMatchObject({ exists: true, occupied: false, problems: [] });
    expect(found.warnings).toEqual([expect.stringContaining('latin1_swedish_ci')]);
    expect((await load(target, dump)).rows).toEqual({ t: 1 });
    expect(await mariadb.sql(target, 'SELECT @@character_set_database;')).toBe('latin1');
  });

  test('of some tables leaves out references to the others', async () => {
    const url = await databaseWith(mariadb, LARGE);
    const target = freshTarget(mariadb);
    const report = await load(target, await dumpOf(url), { tables: ['things', 'bare'] });
    expect(report.rows).toEqual({ bare: 9000, things: 9000 });
    expect(report.leftOut).toEqual([
      'foreign key fk_code of things: owners was not chosen',
      'foreign key fk_owner of things: owners was not chosen',
    ]);
    expect(await mariadb.sql(target, 'SELECT COUNT(*) FROM owners;')).toBe('0');
    await mariadb.sql(target, 'INSERT INTO things (owner_id) VALUES (1);');
  });

  test('says which references point nowhere, and keeps them', async () => {
    const url = await databaseWith(
      mariadb,
      `CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (a int, b int, FOREIGN KEY (a) REFERENCES p (id));
       SET foreign_key_checks = 0; INSERT INTO c VALUES (1, 1), (1, 2), (NULL, 3);`,
    );
    const target = freshTarget(mariadb);
    const { leftOut, brokenReferences } = await load(target, await dumpOf(url));
    expect({ leftOut, brokenReferences }).toEqual({
      leftOut: [],
      brokenReferences: [{ table: 'c', references: 'p', rows: 2 }],
    });
    expect(await mariadb.sql(target, 'SELECT COUNT(*) FROM c;')).toBe('3');
  });
});

test('rows that break a CHECK come back, into a plain client too', async () => {
  const url = await databaseWith(
    mariadb,
    `CREATE TABLE c (a int CHECK (a > 0), j longtext CHECK (JSON_VALID(j)));
     SET check_constraint_checks = 0; INSERT INTO c VALUES (-1, 'no JSON'), (2, '{}');`,
  );
  const dump = await dumpOf(url);
  const target = freshTarget(mariadb);
  expect((await load(target, dump)).rows).toEqual({ c: 2 });
  expect(await mariadbDump(mariadb, target)).toBe(await mariadbDump(mariadb, url));
  await expect(mariadb.sql(target, "INSERT INTO c VALUES (0, '');")).rejects.toThrow(/4025/);
  const plain = await databaseWith(mariadb, scriptOf(await readDump(mysqlSource({ url }))));
  expect(await mariadbDump(mariadb, plain)).toBe(await mariadbDump(mariadb, url));
});

test('a table without rows can be chosen, and is counted', async () => {
  const url = await databaseWith(
    mariadb,
    'CREATE TABLE t (a int, b int AS (a) STORED); CREATE TABLE u (a int);',
  );
  const dump = await dumpOf(url);
  expect((await load(freshTarget(mariadb), dump)).rows).toEqual({ t: 0, u: 0 });
  expect((await load(freshTarget(mariadb), dump, { tables: ['t'] })).rows).toEqual({ t: 0 });
});

test('a database whose name differs in case and accents only is another one, and its sessions go on', async () => {
  const url = await databaseWith(mariadb, 'CREATE TABLE t (a int); INSERT INTO t VALUES (1);');
  const dump = (await dumpOf(url)).with('post-data', () => 'nonsense;\n');
  const target = freshTarget(mariadb);
  const name = decodeURIComponent(new URL(target).pathname.slice(1));
  const live = await mariadb.createDatabase(name.toUpperCase().replace('E', 'É'));
  const liveName = decodeURIComponent(new URL(live).pathname.slice(1));
  const near = mariadb.url(liveName.toLowerCase());
  onTestFinished(() => mariadb.dropDatabase(live));
  await mariadb.sql(live, 'CREATE TABLE theirs (a int);');
  const working = mariadb.sql(live, "SELECT GET_LOCK('near', 60), SLEEP(4), 'done';");
  await until(async () => (await mariadb.sql(mariadb.url(), "SELECT IS_USED_LOCK('near') IS NULL;")) === '0');
  await expect(load(near, dump)).rejects.toMatchObject({ code: 'LOAD_STATEMENT' });
  expect(await working).toContain('done');
  expect(await exists(mariadb, near)).toBe(false);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20);
}

describe('a server of its own kind', () => {
  test('that knows no backslashes and quotes names as ANSI does takes it just the same', async () => {
    const server = await startMariadb({
      settings: { 'sql-mode': 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES' },
    });
    onTestFinished(() => server.stop());
    const url = await awkwardDatabase(server);
    const target = server.url('restored');
    await load(target, await dumpOf(url));
    expect(await mariadbDump(server, target)).toBe(await mariadbDump(server, url));
  });

  test('with a user who has nothing but the target', async () => {
    const url = await databaseWith(mariadb, LARGE);
    const target = freshTarget(mariadb);
    const name = decodeURIComponent(new URL(target).pathname.slice(1)).replaceAll('`', '``');
    const user = await mariadb.createUser([`GRANT ALL ON \`${name}\`.* TO $USER`]);
    const as = mariadb.url(decodeURIComponent(new URL(target).pathname.slice(1)), user);
    await load(as, await dumpOf(url), { noOwner: true });
    expect(await mariadbDump(mariadb, target)).toBe(await mariadbDump(mariadb, url));
    await mariadb.dropDatabase(target);
    const broken = (await dumpOf(url)).with('post-data', () => 'nonsense;\n');
    await expect(load(as, broken)).rejects.toThrow(/was dropped again/);
    expect(await exists(mariadb, target)).toBe(false);
    const other = mariadb.url('not_mine', user);
    await expect(load(other, broken)).rejects.toMatchObject({ code: 'TARGET_CREATE' });
  });

  test('with rows longer than a client takes by itself; longer than the server takes is said', async () => {
    const sql =
      'CREATE TABLE t (id int PRIMARY KEY, b longblob); INSERT INTO t SELECT seq, REPEAT(CHAR(seq), 12000000) FROM seq_1_to_2;';
    const url = await databaseWith(mariadb, sql);
    const dump = await dumpOf(url);
    const target = freshTarget(mariadb);
    expect((await load(target, dump)).rows).toEqual({ t: 2 });
    expect(await mariadb.sql(target, 'SELECT MD5(b) FROM t;')).toBe(
      await mariadb.sql(url, 'SELECT MD5(b) FROM t;'),
    );
    const small = await startMariadb({ settings: { 'max-allowed-packet': '1M' } });
    onTestFinished(() => small.stop());
    await expect(load(small.url('restored'), dump)).rejects.toMatchObject({
      hint: expect.stringContaining('max_allowed_packet') as string,
    });
    expect(await exists(small, small.url('restored'))).toBe(false);
  });
});

describe('definers', () => {
  const DEFINED = (user: string) => `
    CREATE TABLE t (a int); INSERT INTO t VALUES (1);
    CREATE DEFINER = ${user} VIEW v AS SELECT a FROM t;
    CREATE DEFINER = ${user} FUNCTION f() RETURNS text DETERMINISTIC RETURN 'CREATE DEFINER=\`x\`@\`y\` VIEW';
    CREATE DEFINER = ${user} TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a + 1;
    CREATE DEFINER = ${user} EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t;`;

  test('that the target lacks are said, and left out with --no-owner', async () => {
    const { name } = await mariadb.createUser();
    const url = await databaseWith(mariadb, DEFINED(`'${name}'@'%'`));
    const dump = await dumpOf(url);
    await mariadb.sql(mariadb.url(), `DROP USER '${name}'@'%';`);
    // Its definer may use nothing: then the server names the database in it.
    expect(dump.text('post-data')).toMatch(/`source_\w+`\.`t`\.`a`/);
    const target = freshTarget(mariadb);
    const plain = await mysqlLoader({ url: target }).preflight(dump, LOAD_DEFAULTS, SIGNAL);
    expect(plain.warnings).toEqual([expect.stringContaining(`${name}@%`)]);
    const options = { ...LOAD_DEFAULTS, noOwner: true };
    expect((await mysqlLoader({ url: target }).preflight(dump, options, SIGNAL)).warnings).toEqual([]);
    await load(target, dump, { noOwner: true });
    const text = await mariadbDump(mariadb, target);
    expect(text).not.toContain(name);
    expect(text).toContain('DEFINER=`holdfast`@`%`');
    expect(await mariadb.sql(target, 'INSERT INTO t VALUES (5); SELECT a FROM v; SELECT f();')).toBe(
      '1\n6\nCREATE DEFINER=`x`@`y` VIEW',
    );
  });

  test('come with their rights with --globals; users that are there stay as they are', async () => {
    const { name } = await mariadb.createUser([
      'GRANT SELECT ON *.* TO $USER',
      'GRANT EXECUTE ON *.* TO $USER',
    ]);
    const url = await databaseWith(mariadb, DEFINED(`'${name}'@'%'`));
    const dump = await dumpOf(url);
    const ask = `SHOW GRANTS FOR '${name}'@'%'; SHOW CREATE USER '${name}'@'%';`;
    const before = await mariadb.sql(mariadb.url(), ask);
    await mariadb.sql(mariadb.url(), `DROP USER '${name}'@'%';`);
    const target = freshTarget(mariadb);
    const found = await mysqlLoader({ url: target }).preflight(
      dump,
      { ...LOAD_DEFAULTS, globals: true },
      SIGNAL,
    );
    expect(found.warnings).toEqual([]);
    const { leftOut } = await load(target, dump, { globals: true });
    expect(leftOut).toEqual([expect.stringMatching(/^\d+ users that the target has already/)]);
    expect(await mariadb.sql(mariadb.url(), ask)).toBe(before);
    await mariadb.sql(mariadb.url(), `DROP USER '${name}'@'%';`);
  });
});

describe('nothing is left behind', () => {
  const ROWS = `CREATE TABLE t (id int PRIMARY KEY, v varchar(2000), UNIQUE KEY v (v(100)));
    INSERT INTO t SELECT seq, CONCAT(seq, REPEAT('x', 300)) FROM seq_1_to_5000;`;

  test('when a target holds something, it is not touched', async () => {
    const url = await databaseWith(mariadb, ROWS);
    const dump = await dumpOf(url);
    for (const sql of ['CREATE TABLE mine (a int);', 'CREATE FUNCTION mine() RETURNS int RETURN 1;']) {
      const target = await databaseWith(mariadb, sql);
      const before = await mariadbDump(mariadb, target);
      await expect(load(target, dump)).rejects.toMatchObject({ code: 'TARGET_OCCUPIED' });
      expect(await mariadbDump(mariadb, target)).toBe(before);
    }
  });

  test.each(['t', 'pre-data', 'post-data'])('when %s is refused by the server', async (stream) => {
    const url = await databaseWith(mariadb, ROWS);
    const dump = (await dumpOf(url)).with(stream, (text) =>
      stream === 't'
        ? `${text}${text.split('\n', 1).join('').replace(/,$/, ';')}\n`
        : `${text}\nCREATE TABLE wrong (a nonsense('secret'));\n`,
    );
    const target = freshTarget(mariadb);
    const failure = await load(target, dump).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'LOAD_STATEMENT',
      message: expect.stringContaining('was dropped again') as string,
    });
    expect(String(failure)).not.toMatch(/xxx|secret/);
    expect(await exists(mariadb, target)).toBe(false);
  });

  test('when an empty database was there before, it is empty again', async () => {
    const url = await databaseWith(mariadb, ROWS);
    const dump = (await dumpOf(url)).with('post-data', () => 'nonsense;\n');
    const target = await databaseWith(mariadb, '');
    await expect(load(target, dump)).rejects.toMatchObject({ code: 'LOAD_STATEMENT' });
    expect(await exists(mariadb, target)).toBe(true);
    expect((await load(target, await dumpOf(url))).rows).toEqual({ t: 5000 });
  });

  test.each([
    ['another table', 'CREATE TABLE theirs (a int); INSERT INTO theirs VALUES (1);', /^(?!.*1050)/],
    ['one that is to come', 'CREATE TABLE z (theirs int);', /1050/],
  ])('but nothing of somebody else, who makes %s in the empty database', async (_, sql, reason) => {
    const target = await databaseWith(mariadb, '');
    const url = await databaseWith(mariadb, ROWS);
    const dump = (await dumpOf(url))
      .with('post-data', () => 'CREATE TABLE `z` (a int);\nnonsense;\n')
      .interrupted('t', () => mariadb.sql(target, sql).then(() => undefined));
    const failure = await load(target, dump).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'LOAD_STATEMENT',
      message: expect.stringMatching(reason) as string,
      hint: expect.stringContaining('a database that nobody uses') as string,
    });
    expect(String(failure)).toMatch(/left as it is, since somebody else/);
    expect(await mariadb.sql(target, 'SHOW TABLES;')).toMatch(/theirs|z/);
  });

  test('when it is cancelled while rows are loaded', async () => {
    const url = await databaseWith(mariadb, ROWS);
    const stop = new AbortController();
    const dump = (await dumpOf(url)).interrupted('t', () => {
      stop.abort();
      return Promise.resolve();
    });
    const target = freshTarget(mariadb);
    const failure = await load(target, dump, {}, stop.signal).catch((error: unknown) => error);
    expect(isHoldfastError(failure, 'CANCELLED')).toBe(true);
    expect(await exists(mariadb, target)).toBe(false);
  });

  test('when the server ends the session', async () => {
    const url = await databaseWith(mariadb, ROWS);
    const target = freshTarget(mariadb);
    const hex = Buffer.from(decodeURIComponent(new URL(target).pathname.slice(1))).toString('hex');
    const dump = (await dumpOf(url)).interrupted('t', async () => {
      const sql = `SELECT CONCAT('KILL ', id, ';') FROM information_schema.PROCESSLIST WHERE db = CONVERT(0x${hex} USING utf8mb4);`;
      // The session may come a moment after its first rows were given to the client.
      let found = '';
      while (found === '') found = await mariadb.sql(mariadb.url(), sql);
      await mariadb.sql(mariadb.url(), found);
    });
    await expect(load(target, dump)).rejects.toMatchObject({ code: 'LOAD_SERVER_GONE' });
    expect(await exists(mariadb, target)).toBe(false);
  });

  test.each([
    [
      'a row of another table',
      (text: string) => `${text}INSERT INTO \`u\` (\`id\`, \`v\`) VALUES (1,'a');\n`,
    ],
    ['other columns', (text: string) => `${text}INSERT INTO \`t\` (\`v\`, \`id\`) VALUES ('a',1);\n`],
    ['another statement', (text: string) => `DROP DATABASE mysql;\n${text}`],
    ['half a row', (text: string) => text.slice(0, -40)],
  ])('when the rows have %s', async (_, change) => {
    const url = await databaseWith(mariadb, ROWS);
    const dump = (await dumpOf(url)).with('t', change);
    const target = freshTarget(mariadb);
    await expect(load(target, dump)).rejects.toMatchObject({ code: 'LOAD_NOT_INSERT' });
    expect(await exists(mariadb, target)).toBe(false);
  });

  test.each([
    '\\! touch FILE',
    'system touch FILE',
    '\\T FILE',
    '/*M!999999\\- x */ \\! touch FILE',
    'SELECT 1 \\! touch FILE\n;',
  ])('and no command of the client runs: %s', async (command) => {
    const url = await databaseWith(mariadb, ROWS);
    const file = join(await tempFolder(), 'never');
    const dump = (await dumpOf(url)).with(
      'post-data',
      (text) => `${text}\n${command.replace('FILE', file)}\n`,
    );
    await expect(load(freshTarget(mariadb), dump)).rejects.toMatchObject({ code: 'LOAD_STATEMENT' });
    await expect(access(file)).rejects.toThrow('ENOENT');
  });
});

describe('preflight', () => {
  test('says what stands in the way', async () => {
    const url = await databaseWith(
      mariadb,
      'CREATE TABLE t (a int) ENGINE InnoDB; INSERT INTO t VALUES (1);',
    );
    const dump = await dumpOf(url);
    const looked = (changed: MemoryDump) =>
      mysqlLoader({ url: freshTarget(mariadb) }).preflight(changed, LOAD_DEFAULTS, SIGNAL);
    expect((await looked(dump)).problems).toEqual([]);
    expect((await looked(dump.from({ serverVersion: '12.1.2-MariaDB' }))).problems).toEqual([
      expect.stringContaining('restore to MariaDB 12.1 or newer'),
    ]);
    expect((await looked(dump.from({ serverVersion: '10.5.1-MariaDB' }))).warnings).toEqual([
      expect.stringContaining('newer than MariaDB 10.5'),
    ]);
    const facts = { ...dump.source.facts, collation: 'utf8mb4_0900_ai_ci' };
    expect((await looked(dump.from({ facts, serverVersion: '8.0.40' }))).problems).toEqual([
      expect.stringContaining('utf8mb4_0900_ai_ci'),
    ]);
    const rocks = dump.with('pre-data', (text) => text.replace('ENGINE=InnoDB', 'ENGINE=ROCKSDB'));
    expect((await looked(rocks)).warnings).toEqual([expect.stringContaining('ROCKSDB')]);
  });

  test('takes the password from MYSQL_PWD where the URL has none', async () => {
    const url = await databaseWith(mariadb, 'CREATE TABLE t (a int); INSERT INTO t VALUES (1);');
    const dump = await dumpOf(url);
    const target = new URL(freshTarget(mariadb));
    const env = { ...process.env, MYSQL_PWD: decodeURIComponent(target.password) };
    target.password = '';
    const looked = (own: NodeJS.ProcessEnv) =>
      mysqlLoader({ url: target.href, env: own }).preflight(dump, LOAD_DEFAULTS, SIGNAL);
    expect((await looked(env)).problems).toEqual([]);
    await expect(looked({ ...env, MYSQL_PWD: undefined })).rejects.toMatchObject({ code: 'MYSQL_LOGIN' });
  });

  test('takes the password from a file that the URL names', async () => {
    const folder = await tempFolder();
    const url = await databaseWith(mariadb, 'CREATE TABLE t (a int); INSERT INTO t VALUES (1);');
    const dump = await dumpOf(url);
    const target = new URL(freshTarget(mariadb));
    const file = join(folder, 'db.password');
    await writeFile(file, `${decodeURIComponent(target.password)}\n`);
    target.password = '';
    const looked = (path: string) => {
      target.searchParams.set('password-file', path);
      return mysqlLoader({ url: target.href }).preflight(dump, LOAD_DEFAULTS, SIGNAL);
    };
    expect((await looked(file)).problems).toEqual([]);
    await writeFile(file, 'another\n');
    await expect(looked(file)).rejects.toMatchObject({ code: 'MYSQL_LOGIN' });
    await expect(looked(`${file}-gone`)).rejects.toMatchObject({ code: 'MYSQL_PASSWORD_FILE' });
  });

  test('reports a server that is not there, without the password', async () => {
    const url = await databaseWith(mariadb, 'CREATE TABLE t (a int); INSERT INTO t VALUES (1);');
    const dump = await dumpOf(url);
    const failure = await load('mysql://me:hush@127.0.0.1:1/new', dump).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'MYSQL_UNREACHABLE' });
    expect(String(failure)).not.toContain('hush');
  });
});
