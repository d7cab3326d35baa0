/** The erasure as SQL in the hands of a person: psql and the sqlite3 shell, on databases with awkward things in them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { readSideCar as readPostgres } from '../../src/sources/postgres/side-car.ts';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import { readSchema } from '../../src/sources/sqlite/schema.ts';
import { readSideCar as readSqlite } from '../../src/sources/sqlite/side-car.ts';
import type { Subject } from '../../src/subjects/closure.ts';
import { comparable, comparisonOf } from '../../src/subjects/compare.ts';
import type { Action, ColumnLink, SubjectMap, TableRule } from '../../src/subjects/map.ts';
import { erasureSql } from '../../src/subjects/sql.ts';
import { tempFolder } from '../services/temp.ts';
import { useMariadb, usePostgres } from '../services/use.ts';

const CUSTOMER_1: Subject = { by: ['id'], known: new Map([['id', '1']]) };
const KEEP: Action = { do: 'keep', because: 'tax', values: new Map() };
const NOBODYS: TableRule = { kind: 'no-personal-data' };

function mapOf(root: string, tables: Readonly<Record<string, TableRule>>): SubjectMap {
  return {
    subject: 'customer',
    root: { table: root, key: ['id'], lookup: new Map([['email', 'lower']]) },
    tables: new Map(Object.entries(tables)),
    largeObjectsAreNobodys: false,
    text: '',
    sha256: '',
  };
}

function linked(
  links: readonly ColumnLink[],
  more: Partial<Extract<TableRule, { kind: 'linked' }>> = {},
): TableRule {
  return {
    kind: 'linked',
    links,
    action: { do: 'delete' },
    text: [],
    largeObjects: [],
    optional: [],
    ...more,
  };
}

function link(column: string, table: string, to: string, more: Partial<ColumnLink> = {}): ColumnLink {
  const parts = { canonical: 'exact' as const, when: new Map<string, string>(), follow: true };
  return { kind: 'columns', columns: [column], to: { table, columns: [to] }, ...parts, ...more };
}

describe('psql', () => {
  /** A database with this schema, and what psql says to the erasure. */
  async function database(setUp: string) {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase('erasure');
    await postgres.psql(url, setUp);
    const client = new Client({ connectionString: url });
    await client.connect();
    const schema = await readPostgres(client, 'test');
    await client.end();
    const erase = (map: SubjectMap, subjects = [CUSTOMER_1], end: 'commit' | 'rollback' = 'commit') =>
      postgres.psql(url, erasureSql({ map, schema, engine: 'postgres', subjects, end }).sql);
    return { erase, ask: (sql: string) => postgres.psql(url, sql) };
  }

  test('erases from partitions, through odd names, large objects and circles that RESTRICT', async () => {
    const { erase, ask } = await database(`
      CREATE TABLE "Odd ""Users" (id bigint PRIMARY KEY, email text, "home'; --" bigint);
      CREATE TABLE homes (id bigint PRIMARY KEY, owner bigint REFERENCES "Odd ""Users" ON DELETE RESTRICT, plan oid);
      ALTER TABLE "Odd ""Users" ADD FOREIGN KEY ("home'; --") REFERENCES homes ON DELETE RESTRICT;
      CREATE TABLE events (id bigint, at date, user_id bigint REFERENCES "Odd ""Users" ON DELETE CASCADE, live boolean)
        PARTITION BY RANGE (at);
      CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      SELECT lo_create(4242), lo_create(4243);
      INSERT INTO "Odd ""Users" VALUES (1, 'a@x'), (2, 'b@x');
      INSERT INTO homes VALUES (7, 1, 4242), (8, 2, 4243);
      UPDATE "Odd ""Users" SET "home'; --" = id + 6;
      INSERT INTO events VALUES (1, '2026-01-05', 1, true), (2, '2026-02-05', 1, true), (3, '2026-02-05', 2, true),
        (4, '2026-01-05', 1, false);`);
    const users = 'public."Odd ""Users"';
    const gone = link('user_id', users, 'id', { when: new Map([['live', 't']]) });
    const rest = link('user_id', users, 'id', {
      action: { do: 'set', values: new Map([['user_id', null]]) },
    });
    const map = mapOf(users, {
      [users]: linked([]),
      'public.homes': linked([link('owner', users, 'id')], { largeObjects: ['plan'] }),
      'public.events': linked([gone, rest]),
    });
    const state = `SELECT (SELECT string_agg(id::text, ' ') FROM "Odd ""Users"), (SELECT string_agg(id::text, ' ') FROM homes),
      (SELECT string_agg(id || ':' || coalesce(user_id::text, '-'), ' ' ORDER BY id) FROM events),
      (SELECT string_agg(oid::text, ' ') FROM pg_largeobject_metadata)`;
    const before = await ask(state);
    expect(await erase(map, [CUSTOMER_1], 'rollback')).toContain('public.events|2|1|0');
    expect(await ask(state)).toBe(before);
    await erase(map);
    expect((await ask(state)).trim()).toBe('2|8|3:2 4:-|4243');
  });

  test('changes nothing when a row that stays would point at one that goes, whatever ON DELETE says', async () => {
    const { erase, ask } = await database(`
      CREATE TABLE users (id bigint PRIMARY KEY, email text);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users ON DELETE CASCADE);
      INSERT INTO users VALUES (1, 'a@x'); INSERT INTO orders VALUES (10, 1), (11, NULL);`);
    const kept = mapOf('public.users', {
      'public.users': linked([]),
      'public.orders': linked([link('user_id', 'public.users', 'id')], { action: KEEP }),
    });
    await expect(erase(kept)).rejects.toThrow(
      'holdfast: 1 rows of public.orders would stay and point at rows of public.users that go (foreign key orders_user_id_fkey)',
    );
    await expect(
      erase(mapOf('public.users', { 'public.users': linked([]), 'public.orders': NOBODYS })),
    ).rejects.toThrow('holdfast: 1 rows');
    expect((await ask('SELECT count(*) FROM users NATURAL FULL JOIN orders')).trim()).toBe('3');
  });

  test('changes nothing when a trigger keeps a row', async () => {
    const { erase, ask } = await database(`
      CREATE TABLE users (id bigint PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'a@x'), (2, 'A@X ');
      CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF old.id = 2 THEN RETURN NULL; END IF; RETURN old; END';
      CREATE TRIGGER keep BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION keep();`);
    const map = mapOf('public.users', { 'public.users': linked([]) });
    const byAddress: Subject = { by: ['email'], known: new Map([['email', 'a@X']]) };
    await expect(erase(map, [byAddress])).rejects.toThrow('1 rows were deleted instead of 2');
    await ask('DROP TRIGGER keep ON users');
    await erase(map, [byAddress]);
    expect((await ask('SELECT count(*) FROM users')).trim()).toBe('0');
  });

  test('folds case as the closure does, in every alphabet and composition', async () => {
    const { erase, ask } = await database(`
      CREATE TABLE users (id bigint PRIMARY KEY, email text);
      INSERT INTO users VALUES (1, E'\\u00a0JOS\\u00c9@x\\t'), (2, E'jose\\u0301@X'), (3, 'jose@x'), (4, 'ΟΔΥΣΣΕΥΣ'), (5, 'İ@x');`);
    const map = mapOf('public.users', { 'public.users': linked([]) });
    const by = (email: string): Subject => ({ by: ['email'], known: new Map([['email', email]]) });
    await erase(map, [by('josé@x'), by('οδυσσευς'), by('i̇@x')]);
    expect((await ask('SELECT string_agg(id::text, $$ $$) FROM users')).trim()).toBe('3');
  });

  test('agrees with the closure on which values are the same', async () => {
    const { ask } = await database('SELECT');
    const numbers = [
      '1',
      '1.0',
      '1.00',
      '-0',
      '0',
      '10',
      '1e1',
      '0.10',
      '.1',
      '123456789012345678901',
      'NaN',
    ];
    const texts = ['a', 'a ', 'A', ' a', '', '1'];
    const cases: [string, string, readonly string[]][] = [
      ['numeric', 'numeric', numbers],
      // Of what double precision rounds, its text has what is left.
      ['numeric(30,4)', 'double precision', numbers.filter((text) => text.length < 15)],
      ['bigint', 'numeric', ['1', '10', '-1', '0']],
      ['character(5)', 'text', texts],
      ['character(5)', 'character(8)', texts],
      ['text', 'character varying(9)', texts],
    ];
    for (const [one, other, values] of cases) {
      const comparison = comparisonOf('postgres', [one, other], 'exact');
      const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));
      const rows = pairs.map(([a, b]) => `('${a}'::${one}, '${b}'::${other})`).join(', ');
      // A foreign key pads the shorter text when it compares text with character: so does a cast.
      const cast = one.startsWith('character(') && other === 'text' ? '::bpchar' : '';
      const said = await ask(
        `SELECT format('%s', a), format('%s', b), a = b${cast} FROM (VALUES ${rows}) AS v (a, b)`,
      );
      for (const line of said.replace(/\n$/, '').split('\n')) {
        const [a = '', b = '', equal] = line.split('|');
        const same = comparable(a, comparison) === comparable(b, comparison);
        expect([one, other, a, b, same]).toEqual([one, other, a, b, equal === 't']);
      }
    }
  });
});

describe('the sqlite3 shell', () => {
  const SET_UP = `
    CREATE TABLE "order" (id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE);
    CREATE TABLE tags (a TEXT NOT NULL, b INTEGER NOT NULL, "group" INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE plain (rowid TEXT, who INTEGER REFERENCES "order", data BLOB);
    CREATE VIRTUAL TABLE ft USING fts5 (body);
    INSERT INTO "order" VALUES (1, 'a@x'), (2, 'A@X');
    INSERT INTO tags VALUES ('x', 1, 1), ('y', 1, 2), ('x', 2, 1);
    INSERT INTO plain VALUES ('r', 1, X'00ff'), ('r', 2, X'01'), ('r', NULL, NULL);
    INSERT INTO ft VALUES ('first secretword'), ('second');`;

  async function database() {
    const path = join(await tempFolder('erasure'), 'live.db');
    const db = new DatabaseSync(path);
    db.exec(SET_UP);
    const schema = readSqlite(db, readSchema(db, path));
    db.close();
    const erase = (map: SubjectMap) => {
      const { sql } = erasureSql({ map, schema, engine: 'sqlite', subjects: [CUSTOMER_1], end: 'commit' });
      return spawnSync('sqlite3', [path], { input: sql, encoding: 'utf8' });
    };
    const ask = (sql: string) => spawnSync('sqlite3', [path, sql], { encoding: 'utf8' }).stdout.trim();
    return { path, erase, ask };
  }

  test('erases from tables without rowid, of reserved names, and from the words of a full-text index', async () => {
    const { erase, ask } = await database();
    const set: Action = { do: 'set', values: new Map([['who', null], ['data', '\\x0a0b']]) }; // prettier-ignore
    const map = mapOf('order', {
      order: linked([]),
      tags: linked([link('group', 'order', 'id')]),
      ft_content: linked([link('id', 'order', 'id')]),
      plain: linked([link('who', 'order', 'id')], { action: set }),
    });
    const run = erase(map);
    expect(run.stderr).toBe('');
    expect(run.stdout).toContain('order|1|0|0');
    expect(ask('SELECT group_concat(id) FROM "order"')).toBe('2');
    expect(ask('SELECT group_concat(a || b) FROM tags')).toBe('y1');
    expect(ask(`SELECT group_concat(ifnull(who, '-') || ':' || hex(data), ' ') FROM plain`)).toBe(
      '-:0A0B 2:01 -:',
    );
    expect(ask(`SELECT (SELECT count(*) FROM ft('secretword')), (SELECT count(*) FROM ft('second'))`)).toBe(
      '0|1',
    );
    expect(ask(`SELECT count(*) FROM ft_data WHERE instr(block, 'secretword')`)).toBe('0');
  });

  test('changes nothing when it must not, though the shell goes on after an error', async () => {
    const { erase, ask } = await database();
    const map = mapOf('order', {
      order: linked([]),
      tags: linked([link('group', 'order', 'id')]),
      plain: linked([link('who', 'order', 'id')], { action: KEEP }),
      ft_content: NOBODYS,
    });
    const run = erase(map);
    expect(run.stderr).toContain(
      'holdfast: rows of plain would stay and point at rows of order that go (foreign key plain(who))',
    );
    expect(
      ask('SELECT (SELECT count(*) FROM "order"), (SELECT count(*) FROM tags), (SELECT count(*) FROM plain)'),
    ).toBe('2|3|3');
  });
});

describe('the mariadb client', () => {
  async function database(setUp: string) {
    const mariadb = await useMariadb();
    const url = await mariadb.createDatabase('erasure');
    await mariadb.sql(url, setUp);
    const schema = await mysqlSource({ url }).schema(new AbortController().signal);
    const textFor = (map: SubjectMap, subjects: readonly Subject[], end: 'commit' | 'rollback') =>
      erasureSql({ map, schema, engine: 'mysql', subjects, end }).sql;
    const erase = (map: SubjectMap, subjects = [CUSTOMER_1], end: 'commit' | 'rollback' = 'commit') =>
      mariadb.sql(url, textFor(map, subjects, end));
    /** As somebody who does not stop at errors. */
    const force = (map: SubjectMap) => {
      const [host, port] = [`--host=${mariadb.host}`, `--port=${String(mariadb.port)}`];
      const login = [`--user=${mariadb.user}`, `--password=${mariadb.password}`];
      const name = decodeURIComponent(new URL(url).pathname.slice(1));
      return spawnSync('mariadb', ['--no-defaults', host, port, ...login, '--force', name], {
        input: textFor(map, [CUSTOMER_1], 'commit'),
        encoding: 'utf8',
      });
    };
    return { erase, force, ask: (sql: string) => mariadb.sql(url, sql) };
  }

  test('erases through odd names, circles that RESTRICT, rows without a key, bits and bytes', async () => {
    const { erase, ask } = await database(`
      CREATE TABLE \`odd \`\`users\` (id bigint PRIMARY KEY, email varchar(40), \`home'; -- "x\` bigint, tag binary(2) UNIQUE);
      CREATE TABLE homes (id bigint PRIMARY KEY, owner bigint, FOREIGN KEY (owner) REFERENCES \`odd \`\`users\` (id) ON DELETE RESTRICT);
      CREATE TABLE events (live bit(1), user_id bigint, note varchar(40), up varchar(40) AS (UPPER(note)));
      CREATE TABLE photos (id int PRIMARY KEY, tag binary(2), body blob);
      INSERT INTO \`odd \`\`users\` VALUES (1, 'a@x', NULL, x'00ff'), (2, 'b@x', NULL, x'0a0b');
      INSERT INTO homes VALUES (7, 1), (8, 2);
      UPDATE \`odd \`\`users\` SET \`home'; -- "x\` = id + 6;
      ALTER TABLE \`odd \`\`users\` ADD FOREIGN KEY (\`home'; -- "x\`) REFERENCES homes (id);
      INSERT INTO events (live, user_id, note) VALUES (1, 1, 'a'), (1, 1, 'a'), (0, 1, 'b'), (1, 2, 'a'), (0, NULL, 'b');
      INSERT INTO photos VALUES (1, x'00ff', 'me'), (2, x'0a0b', 'you');`);
    const users = '`odd ``users`';
    const gone = link('user_id', users, 'id', { when: new Map([['live', '1']]) });
    const rest = link('user_id', users, 'id', {
      action: { do: 'set', values: new Map([['user_id', null]]) },
    });
    const set: Action = { do: 'set', values: new Map([['body', String.raw`\x00`], ['tag', null]]) }; // prettier-ignore
    const map = mapOf(users, {
      [users]: linked([]),
      homes: linked([link('owner', users, 'id')]),
      events: linked([gone, rest]),
      photos: linked([link('tag', users, 'tag')], { action: set }),
    });
    const state = `SELECT (SELECT GROUP_CONCAT(id) FROM \`odd \`\`users\`), (SELECT GROUP_CONCAT(id) FROM homes),
      (SELECT GROUP_CONCAT(COALESCE(user_id, '-'), live + 0, note ORDER BY 1, live, note) FROM events),
      (SELECT GROUP_CONCAT(COALESCE(HEX(tag), '-'), HEX(body) ORDER BY id) FROM photos)`;
    const before = await ask(state);
    expect(await erase(map, [CUSTOMER_1], 'rollback')).toContain('events\t1\t1\t0');
    expect(await ask(state)).toBe(before);
    await erase(map);
    expect(await ask(state)).toBe('2\t8\t-0b,-0b,21a\t-00,0A0B796F75');
  });

  test('follows keys that differ in case, accents and blanks, as the server does', async () => {
    const { erase, ask } = await database(`
      CREATE TABLE users (id int PRIMARY KEY, login varchar(20) COLLATE utf8mb4_general_ci UNIQUE);
      CREATE TABLE posts (id int PRIMARY KEY, login varchar(20) COLLATE utf8mb4_general_ci,
        FOREIGN KEY (login) REFERENCES users (login));
      INSERT INTO users VALUES (1, 'José'), (2, 'jos');
      INSERT INTO posts VALUES (1, 'JOSE'), (2, 'josé '), (3, 'JOS'), (4, NULL);`);
    await erase(mapOf('users', { users: linked([]), posts: linked([link('login', 'users', 'login')]) }));
    expect(await ask('SELECT GROUP_CONCAT(id ORDER BY id) FROM posts')).toBe('3,4');
  });

  test('changes nothing when it must not, though the client goes on after an error', async () => {
    const { erase, force, ask } = await database(`
      CREATE TABLE users (id bigint PRIMARY KEY, email varchar(40) UNIQUE);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
      CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint);
      INSERT INTO users VALUES (1, 'a@x'), (2, 'b@x'); INSERT INTO orders VALUES (10, 1); INSERT INTO notes VALUES (5, 1);`);
    const notes = linked([link('user_id', 'users', 'id')]);
    const kept = mapOf('users', {
      users: linked([]),
      orders: linked([link('user_id', 'users', 'id')], { action: KEEP }),
      notes,
    });
    const message =
      'holdfast: 1 rows of orders would stay and point at rows of users that go (foreign key orders_ibfk_1)';
    await expect(erase(kept)).rejects.toThrow(message);
    expect(force(kept).stderr).toContain(message);
    const nulled: Action = { do: 'set', values: new Map([['user_id', null]]) };
    const wrong = mapOf('users', {
      users: linked([]),
      orders: linked([link('user_id', 'users', 'id')], { action: nulled }),
      notes,
    });
    expect(force(wrong).stderr).toContain("'user_id' cannot be null");
    expect(
      await ask(
        'SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM orders), (SELECT COUNT(*) FROM notes)',
      ),
    ).toBe('2\t1\t1');
  });
});
