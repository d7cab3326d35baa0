/** A MariaDB database with every awkward thing goes out through holdfast alone, and comes back the same. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { locateOrThrow } from '../services/packages.ts';
import { runTool } from '../services/processes.ts';
import { useMariadb } from '../services/use.ts';
import { endToEnd } from './end-to-end.kit.ts';
import type { Database } from './end-to-end.kit.ts';
import { mariadbDump } from './mysql-kit.ts';
import { exists } from './mysql-load-kit.ts';

const AWKWARD = await readFile(join(import.meta.dirname, '../services/awkward-mariadb.sql'), 'utf8');

const BULK = `
  CREATE TABLE bulk (id int PRIMARY KEY, note varchar(200), KEY note (note));
  INSERT INTO bulk SELECT seq, CONCAT(MD5(seq), MD5(seq * 7)) FROM seq_1_to_20000;`;

const A_DAY = `
  SET @top = (SELECT MAX(id) FROM bulk);
  INSERT INTO bulk SELECT @top + seq, MD5(@top * seq) FROM seq_1_to_300;
  UPDATE bulk SET note = 'changed' WHERE id = 20;
  DELETE FROM bulk WHERE id BETWEEN 30 AND 35;
  INSERT INTO \`odd \`\`name\`\` with "quotes", and; more\` (\`a b\`, \`select\`) SELECT 1 + MAX(\`a b\`), 7 FROM \`odd \`\`name\`\` with "quotes", and; more\`;`;

let targets = 0;

async function openAwkward(): Promise<Database> {
  const mariadb = await useMariadb();
  const user = await mariadb.createUser(['GRANT ALL PRIVILEGES ON *.* TO $USER WITH GRANT OPTION']);
  const made = await mariadb.createDatabase('awkward `one`');
  const url = mariadb.url(decodeURIComponent(new URL(made).pathname.slice(1)), user);
  await mariadb.sql(url, AWKWARD);
  await mariadb.sql(url, BULK);
  const newTarget = () => {
    targets += 1;
    const target = mariadb.url(`restored ${String(process.pid)}-${String(targets)}`, user);
    onTestFinished(() => mariadb.dropDatabase(target));
    return Promise.resolve(target);
  };
  const content = () => mariadbDump(mariadb, url);
  return {
    source: ['--source', 'mysql', '--url-env', 'SHOP_DATABASE_URL'],
    env: { SHOP_DATABASE_URL: url },
    secrets: [user.password, encodeURIComponent(user.password)],
    live: url,
    chosen: ['bulk', 'odd `name` with "quotes", and; more'],
    other: 'zero',
    change: async () => {
      await mariadb.sql(url, A_DAY);
    },
    content,
    contentOf: (to) => mariadbDump(mariadb, to),
    scriptContent: content,
    scriptContentOf: async (sql) => {
      const copy = await mariadb.createDatabase('loaded');
      onTestFinished(() => mariadb.dropDatabase(copy));
      // As the page in the store says it.
      const args = ['--no-defaults', '--comments', '--binary-mode', '--default-character-set=utf8mb4'];
      const { host, port, password } = mariadb;
      const where = [
        `--host=${host}`,
        `--port=${String(port)}`,
        `--user=${mariadb.user}`,
        `--password=${password}`,
      ];
      const database = decodeURIComponent(new URL(copy).pathname.slice(1));
      await runTool(locateOrThrow('mariadb'), [...args, ...where, database], { input: sql });
      return mariadbDump(mariadb, copy);
    },
    rowsIn: async (to, table) =>
      Number(await mariadb.sql(to, `SELECT COUNT(*) FROM \`${table.replaceAll('`', '``')}\`;`)),
    newTarget,
    exists: (to) => exists(mariadb, to),
  };
}

endToEnd(openAwkward);
