/** Restoring users of MariaDB with their rights on single tables and routines. */
import { expect, test } from 'vitest';
import { useMariadb } from '../services/use.ts';
import { databaseWith, dumpOf, load } from './mysql-load-kit.ts';

test('rights on tables and routines come once these are there; those on what is not here are told', async () => {
  const mariadb = await useMariadb();
  const elsewhere = await databaseWith(mariadb, 'CREATE TABLE gone (a int);');
  const other = new URL(elsewhere).pathname.slice(1);
  const url = await databaseWith(
    mariadb,
    'CREATE TABLE t (a int, b int); CREATE FUNCTION f() RETURNS int RETURN 1;',
  );
  const own = new URL(url).pathname.slice(1);
  const { name } = await mariadb.createUser([
    `GRANT SELECT (a), UPDATE ON \`${own}\`.t TO $USER`,
    `GRANT EXECUTE ON FUNCTION \`${own}\`.f TO $USER`,
    `GRANT SELECT ON \`${other}\`.gone TO $USER`,
  ]);
  const dump = await dumpOf(url);
  const ask = `SHOW GRANTS FOR '${name}'@'%';`;
  const before = await mariadb.sql(mariadb.url(), ask);
  await mariadb.sql(
    mariadb.url(),
    `DROP USER '${name}'@'%'; DROP DATABASE \`${other}\`; DROP DATABASE \`${own}\`;`,
  );
  const { leftOut } = await load(url, dump, { globals: true });
  expect(leftOut).toContainEqual(expect.stringMatching(/^1 rights? of users on tables and routines/));
  const lines = (text: string) => text.split('\n').filter((line) => !line.includes(other));
  expect(lines(await mariadb.sql(mariadb.url(), ask))).toEqual(lines(before));
  await mariadb.sql(mariadb.url(), `DROP USER '${name}'@'%';`);
});
