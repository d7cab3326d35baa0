/** What the tests of recipes for MariaDB share: a database on the test server, as the reader of a page has it. */
import { appendFile } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import type { MariadbAccess } from '../services/mariadb.ts';
import type { Machine, Replacements } from './recipes-kit.ts';

export interface ReadersDatabase {
  readonly original: string;
  readonly restored: string;
  readonly replacements: Replacements;
}

/** An empty database in place of `name` on db.example.com, and the name that the page restores it to. */
export async function readersDatabase(mariadb: MariadbAccess, name: string): Promise<ReadersDatabase> {
  const original = await mariadb.createDatabase(name);
  const own = new URL(original).pathname.slice(1);
  const user = `backup_${own}`;
  const restored = mariadb.url(`${own}_restored`);
  onTestFinished(async () => {
    await mariadb.dropDatabase(restored);
    await mariadb.dropDatabase(original);
    await mariadb.sql(mariadb.url(), `DROP USER IF EXISTS \`${user}\`@'%';`);
  });
  const login = `${mariadb.user}:${mariadb.password}`;
  return {
    original,
    restored,
    replacements: {
      [`root@localhost/${name}_restored`]: `${login}@localhost/${own}_restored`,
      [`db.example.com:3306/${name}`]: `${mariadb.host}:${String(mariadb.port)}/${own}`,
      [`ON ${name}.*`]: `ON ${own}.*`,
      [`mariadb ${name} <`]: `mariadb ${own} <`,
      '/run/mysqld/mysqld.sock': mariadb.socket,
      holdfast_backup: user,
    },
  };
}

/** The login of an administrator where the server's client looks for it. */
export async function writeOptionFile(
  machine: Machine,
  { socket, user, password }: MariadbAccess,
): Promise<void> {
  const text = `[client]\nsocket=${socket}\nuser=${user}\npassword=${password}\n`;
  await appendFile(machine.at('home/.my.cnf'), text, { mode: 0o600 });
}
