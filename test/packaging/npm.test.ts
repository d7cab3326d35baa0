/** Goal: `npm pack` makes a package that works when it is installed globally, with nothing of this folder. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { comparison, digestsOf } from '../demo/compare.ts';
import { openShop } from '../demo/shop.ts';
import { tempFolder } from '../services/temp.ts';

const PROJECT = join(import.meta.dirname, '../..');

test('packed, installed globally, and used', async () => {
  const [packed, prefix, folder] = await Promise.all(
    ['packed', 'prefix', 'shop'].map((name) => tempFolder(name)),
  );
  if (!packed || !prefix || !folder) throw new Error('no folders');
  await npm(['pack', '--pack-destination', packed], PROJECT);
  const [archive = ''] = readdirSync(packed);
  await npm(['install', '--global', '--prefix', prefix, join(packed, archive)], folder);

  const installed = join(prefix, 'lib/node_modules/holdfast');
  expect(readdirSync(installed).sort()).toEqual(
    [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'node_modules',
      'package.json',
      'recipes',
    ].sort(),
  );
  const env = {
    PATH: [join(prefix, 'bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
    HOME: folder,
    LANG: 'C.UTF-8',
  };
  const run = (...args: readonly string[]) =>
    execa('holdfast', [...args], { cwd: folder, env, extendEnv: false, stdin: 'ignore' });
  openShop(join(folder, 'shop.db'));
  await run(
    ...['init', '--yes', '--store', `file://${folder}/store`, '--set', 'shop', '--source', 'sqlite'],
    ...['--path', 'shop.db', '--private-key-out', 'ops.key'],
  );
  await run('backup');
  await run('verify', '--read-data', '--key', 'ops.key');
  await run('restore', 'shop', '--to', 'copy.db', '--key', 'ops.key');
  const { different } = comparison(
    ['shop', digestsOf(join(folder, 'shop.db'))],
    ['copy', digestsOf(join(folder, 'copy.db'))],
  );
  expect(different).toEqual([]);
});

/** npm as a user calls it: without what the npm that runs the tests has put into the environment. */
async function npm(args: readonly string[], cwd: string): Promise<void> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  // What `npm ci` has fetched is in npm's cache; a registry that stalls is asked again, long before the test's limit.
  const steady = ['--prefer-offline', '--fetch-timeout=60000', '--no-audit', '--no-fund', '--loglevel=error'];
  await execa('npm', [...args, ...steady], {
    cwd,
    env,
    extendEnv: false,
  });
}
