/** Goal: a site that is never still has a backup in which every row has its file, and every file its row. */
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { MariadbAccess } from '../services/mariadb.ts';
import { useMariadb } from '../services/use.ts';
import { readersDatabase } from './mysql-recipes-kit.ts';
import { codeBlocks, newMachine, PROJECT } from './recipes-kit.ts';
import type { Machine } from './recipes-kit.ts';

const RECIPE = join(PROJECT, 'recipes/uploads-and-database');
const UPLOADS = 'srv/www/wp-content/uploads';

const SITE = `
  CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(99));
  CREATE TABLE pictures (name VARCHAR(99) PRIMARY KEY, owner INT);
  INSERT INTO users VALUES (7, 'seven@example.org'), (8, 'eight@example.org');
`;

/** An application that stores a picture and then its row, again and again, unless it is to keep still. */
function busySite(machine: Machine, mariadb: MariadbAccess, url: string) {
  let ended = false;
  let stored = 0;
  const isThere = (path: string) =>
    access(machine.at(path)).then(
      () => true,
      () => false,
    );
  const run = async () => {
    while (!ended) {
      await sleep(5);
      if (await isThere('srv/www/maintenance')) continue;
      const name = `picture-${String(stored)}.jpg`;
      await writeFile(machine.at(`srv/www/${name}.part`), `the bytes of ${name}`);
      await rename(machine.at(`srv/www/${name}.part`), machine.at(`${UPLOADS}/${name}`));
      await mariadb.sql(url, `INSERT INTO pictures VALUES ('${name}', ${String(7 + (stored % 2))});`);
      stored += 1;
    }
  };
  const running = run();
  return {
    stored: () => stored,
    end: async () => {
      ended = true;
      await running;
    },
  };
}

const rowsIn = async (mariadb: MariadbAccess, url: string) =>
  (await mariadb.sql(url, 'SELECT name FROM pictures ORDER BY name;')).trim().split('\n');

test('recipe uploads-and-database: rows and files of one moment, and the site goes on', async () => {
  const mariadb = await useMariadb();
  const site = await readersDatabase(mariadb, 'wordpress');
  await mariadb.sql(site.original, SITE);
  const machine = await newMachine(site.replacements);
  await mkdir(machine.at(UPLOADS), { recursive: true });
  const page = await readFile(join(RECIPE, 'README.md'), 'utf8');
  for (const sql of codeBlocks(page, 'sql')) await mariadb.sql(site.original, machine.fit(sql));
  await machine.install(RECIPE, 'recipe');
  const [setUp = '', nights = '', back = '', erasure = ''] = codeBlocks(page, 'sh');
  const application = busySite(machine, mariadb, site.original);
  try {
    await machine.sh(setUp, machine.at('recipe'));
    await expect.poll(application.stored, { timeout: 30_000 }).toBeGreaterThan(3);
    await machine.sh(
      `recipe=${machine.at('recipe')}\n. ./environment\n${nights}`,
      machine.at('etc/holdfast'),
    );
    const stored = application.stored();
    await expect.poll(application.stored, { timeout: 30_000 }).toBeGreaterThan(stored);
  } finally {
    await application.end();
  }
  await machine.sh(back, machine.at('etc/holdfast'));

  const rows = await rowsIn(mariadb, site.restored);
  expect((await readdir(machine.at('srv/restored/uploads'))).sort()).toEqual(rows);
  expect(rows.length).toBeGreaterThan(3);
  expect(rows.length).toBeLessThan(application.stored());
  expect(await readFile(machine.at('srv/restored/uploads/picture-0.jpg'), 'utf8')).toContain('picture-0');
  expect(await readdir(machine.at('srv/www/wp-content'))).toEqual(['uploads']);
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);

  // Picture 1 is of user 8; where those of user 7 were, there are none in any backup.
  await mariadb.sql(site.original, 'DELETE FROM pictures WHERE owner = 7; DELETE FROM users WHERE id = 7;');
  for (const name of await readdir(machine.at(UPLOADS)))
    if (Number(/\d+/.exec(name)?.[0]) % 2 === 0) await rm(machine.at(`${UPLOADS}/${name}`));
  const said = await machine.sh(`. ./environment\n${erasure}`, machine.at('etc/holdfast'));
  expect(said).toMatch(/paths named, all found/);
  await rm(machine.at('srv/restored'), { recursive: true });
  await machine.sh(
    'holdfast restore uploads@oldest --to /srv/restored --key /media/usb/ops.key',
    machine.at('etc/holdfast'),
  );
  const odd = rows.filter((name) => Number(/\d+/.exec(name)?.[0]) % 2 === 1);
  expect((await readdir(machine.at('srv/restored/uploads'))).sort()).toEqual(odd);
});

test('recipe uploads-and-database: without the database there are no uploads, and the site goes on all the same', async () => {
  const mariadb = await useMariadb();
  const site = await readersDatabase(mariadb, 'wordpress');
  const machine = await newMachine(site.replacements);
  await mkdir(machine.at(UPLOADS), { recursive: true });
  const page = await readFile(join(RECIPE, 'README.md'), 'utf8');
  await machine.install(RECIPE, 'recipe');
  const [setUp = ''] = codeBlocks(page, 'sh');
  await machine.sh(setUp, machine.at('recipe'));
  await rm(machine.at('recipe'), { recursive: true });

  // The user of the page was never made: the database refuses it.
  const failed = machine.sh('. ./environment\nholdfast backup 2>&1', machine.at('etc/holdfast'));
  await expect(failed).rejects.toThrow(
    /set database: .*the login was refused[^]*no copy of the uploads that belongs to a snapshot/,
  );
  expect(await readdir(machine.at('srv/www/wp-content'))).toEqual(['uploads']);
  expect(await readdir(machine.at('srv/www'))).toEqual(['wp-content']);
});
