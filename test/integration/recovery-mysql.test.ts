/** Recovery without us, for MariaDB: `recover.sh` gives what `cat` gives, and the stock client makes the same database of it. */
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import { locateOrThrow } from '../services/packages.ts';
import { runTool } from '../services/processes.ts';
import { useMariadb } from '../services/use.ts';
import { SET, makeWorld } from '../services/world.ts';
import { awkwardDatabase, mariadbDump } from './mysql-kit.ts';
import { cat, endAgents, keyring, recover, toolFolder } from './recovery-kit.ts';

afterAll(endAgents);

const ODD = 'odd `name` with "quotes", and; more';

test('a MariaDB database comes back, byte for byte what cat gives', async () => {
  const mariadb = await useMariadb();
  const original = await awkwardDatabase(mariadb);
  const copy = await mariadb.createDatabase('recovered');
  onTestFinished(async () => {
    for (const url of [original, copy]) await mariadb.dropDatabase(url);
  });
  const shop = await makeWorld();
  await shop.backup({}, { source: mysqlSource({ url: original }) });
  const here = { store: shop.root, tools: await toolFolder(), gnupg: await keyring([shop.ops.armor()]) };

  const found = await recover([SET], here);
  expect(found.code).toBe(0);
  expect(found.stdout.equals(await cat(shop))).toBe(true);
  const { host, port, user, password } = mariadb;
  const login = [
    '--no-defaults',
    `--host=${host}`,
    `--port=${String(port)}`,
    `--user=${user}`,
    `--password=${password}`,
  ];
  const said = ['--comments', '--binary-mode', '--default-character-set=utf8mb4'];
  const database = decodeURIComponent(new URL(copy).pathname.slice(1));
  await runTool(locateOrThrow('mariadb'), [...login, ...said, database], { input: found.sql });
  expect(await mariadbDump(mariadb, copy)).toBe(await mariadbDump(mariadb, original));

  const globals = await recover(['--globals', SET], here);
  expect(globals.code).toBe(0);
  expect(globals.sql).toContain('CREATE USER `holdfast`@`%`');
  for (const name of ['latin', `\`${ODD.replaceAll('`', '``')}\``]) {
    const rows = await recover(['--table', name, SET], here);
    expect(rows).toMatchObject({ code: 0 });
    expect(rows.stdout.equals(await cat(shop, { globals: false, tables: [name] }))).toBe(true);
  }
});
