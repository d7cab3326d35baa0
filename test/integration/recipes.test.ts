/** Goal: whoever types what stands on a page gets what the page says. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { usePostgres } from '../services/use.ts';
import {
  codeBlocks,
  dumpOf,
  makeBucket,
  makeShop,
  newMachine,
  PROJECT,
  writePassfile,
} from './recipes-kit.ts';
import type { Machine } from './recipes-kit.ts';
import { openShop } from '../demo/shop.ts';
import { contentsOf } from './sqlite-kit.ts';

const KEY = 'media/usb/ops.key';

/** Follows a recipe from top to bottom. */
async function follow(recipe: string, machine: Machine): Promise<void> {
  await machine.install(join(PROJECT, 'recipes', recipe), 'recipe');
  const [first = '', ...rest] = codeBlocks(await pageOf(recipe), 'sh');
  const keepWhatInitWrote = 'cp holdfast.yaml by-init.yaml\n';
  await machine.sh([first, keepWhatInitWrote, ...rest].join(''), machine.at('recipe'));
}

function pageOf(recipe: string): Promise<string> {
  return readFile(join(PROJECT, 'recipes', recipe, 'README.md'), 'utf8');
}

/** The recipe's configuration is the one that `init` writes, but for the promise. */
async function checkConfiguration(machine: Machine): Promise<void> {
  const load = (name: string) => loadConfig(join(machine.at('etc/holdfast'), name), {});
  const [own, byInit] = await Promise.all([load('holdfast.yaml'), load('by-init.yaml')]);
  expect({ ...own, file: '', promises: {} }).toEqual({ ...byInit, file: '', promises: {} });
  expect(own.promises.backupEveryHours).toBe(24);
}

/** Nights later, with the private key far away: silent while all is well. */
async function checkNights(machine: Machine): Promise<void> {
  await rename(machine.at(KEY), machine.at('ops.key'));
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);
  expect(await machine.cron('etc/cron.d/holdfast')).toEqual(['', '']);
  const environment = 'if [ -f environment ]; then . ./environment; fi';
  const listed = await machine.sh(`${environment}; holdfast snapshots --json`, machine.at('etc/holdfast'));
  expect(listed.match(/"type":"snapshot"/g)).toHaveLength(3);
}

describe('recipe sqlite-to-folder', () => {
  test('backs up every night and comes back', async () => {
    const machine = await newMachine();
    openShop(machine.at('srv/shop/shop.db'));
    await follow('sqlite-to-folder', machine);
    expect(contentsOf(machine.at('srv/shop/restored.db'))).toEqual(
      contentsOf(machine.at('srv/shop/shop.db')),
    );
    await checkConfiguration(machine);
    await checkNights(machine);
  });

  test('cron mails what is late, and what failed', async () => {
    const machine = await newMachine();
    openShop(machine.at('srv/shop/shop.db'));
    await follow('sqlite-to-folder', machine);
    const set = '\n  other: { source: sqlite, path: gone.db, keep: 30d }\n';
    const config = machine.at('etc/holdfast/holdfast.yaml');
    await writeFile(config, (await readFile(config, 'utf8')).replace('\nsets:\n', `\nsets:${set}`));
    const [backup, status] = await machine.cron('etc/cron.d/holdfast');
    expect(backup).toMatch(/^holdfast: error: .*gone\.db\nholdfast: hint: .*$/);
    expect(status).toMatch(/^LATE other: .*there is no snapshot\nOK +shop: .*fresh$/);
  });
});

describe.for(['postgres-to-folder', 'postgres-to-s3'])('recipe %s', (recipe) => {
  test('backs up every night and comes back', async () => {
    const postgres = await usePostgres();
    const shop = await makeShop(postgres);
    const bucket = recipe === 'postgres-to-s3' ? await makeBucket() : {};
    const machine = await newMachine({ ...shop.replacements, ...bucket });
    await writePassfile(machine, postgres);
    for (const sql of codeBlocks(await pageOf(recipe), 'sql')) {
      await postgres.psql(shop.original, machine.fit(sql));
    }

    await follow(recipe, machine);

    expect(await dumpOf(shop.restored)).toBe(await dumpOf(shop.original));
    await checkConfiguration(machine);
    await checkNights(machine);
  });
});
