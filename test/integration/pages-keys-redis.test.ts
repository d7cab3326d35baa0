/** Goal: the commands of docs/keys.md and docs/redis.md, as they stand on the page, one after the other. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { armorPrivateKey } from '../../src/openpgp/keys.ts';
import { openShop } from '../demo/shop.ts';
import { oldKey } from '../services/machines.ts';
import { freePort } from '../services/processes.ts';
import { startRedis } from '../services/redis.ts';
import { codeBlocks, newMachine, PROJECT } from './recipes-kit.ts';

function commandsOf(page: string): Promise<string> {
  return readFile(join(PROJECT, page), 'utf8').then((text) => codeBlocks(text, 'sh').join(''));
}

test('docs/keys.md: a person comes, another one goes', async () => {
  const machine = await newMachine();
  const folder = machine.at('srv/shop');
  const at = (name: string) => join(folder, name);
  openShop(at('shop.db'));
  const [escrow, next] = await Promise.all(['escrow', 'new-ops'].map((name) => oldKey(name)));
  if (!escrow || !next) throw new Error('no keys');
  await writeFile(at('escrow.asc'), escrow.toPublic().armor());
  await writeFile(at('escrow.key'), await armorPrivateKey(escrow, undefined), { mode: 0o600 });
  await writeFile(at('new-ops.key'), await armorPrivateKey(next, undefined), { mode: 0o600 });
  await machine.sh(
    'holdfast init --yes --store file:///srv/backup/shop --set shop --source sqlite --path shop.db --recipient escrow.asc --private-key-out ops.key && holdfast backup',
    folder,
  );
  await writeFile(at('keys/new-ops.asc'), next.toPublic().armor());
  await copyFile(at('keys/ops.asc'), at('keys/old-ops.asc'));
  await copyFile(at('ops.key'), at('old-ops.key'));

  const said = await machine.sh(await commandsOf('docs/keys.md'), folder);

  expect(said).toContain('proven');
  expect(said).toMatch(/shop: 1 manifest sealed anew/);
  expect(await machine.sh('holdfast verify --read-data --key new-ops.key', folder)).toContain(
    '1 of 1 snapshot sound',
  );
  await expect(machine.sh('holdfast cat shop --key old-ops.key', folder)).rejects.toThrow('exit code 12');
});

test('docs/redis.md: into a new server, into a file, and through a pipe', async () => {
  const source = await startRedis();
  await source.cli('SET session:42:a one\nSET session:42:b two\nSET session:7:a three');
  const [port, inUse] = [await freePort(), await startRedis()];
  const restored = 'srv/redis-restored';
  const machine = await newMachine(
    {
      // Whoever types does not come before the server is up.
      ' --dir /var/lib/redis-restored &': ` --dir /${restored} > /dev/null 2>&1 & until redis-cli -p ${String(port)} ping; do sleep 0.1; done`,
      '6380': String(port),
      '| redis-cli\n': `| REDISCLI_AUTH=${inUse.password} redis-cli -p ${String(inUse.port)}\n`,
    },
    { CACHE_URL: source.url },
  );
  const folder = machine.at('srv/shop');
  await mkdir(machine.at(restored));
  onTestFinished(async () => {
    await machine.sh(`redis-cli -p ${String(port)} shutdown nosave || true`, folder);
  });
  await machine.sh(
    'holdfast init --yes --store file:///srv/backup/cache --set cache --source redis --url-env CACHE_URL --private-key-out ops.key',
    folder,
  );
  const commands = (await commandsOf('docs/redis.md')).replace(/ +#.*$/gm, '');

  await machine.sh(commands, folder);

  expect(await machine.sh(`redis-cli -p ${String(port)} dbsize`, folder)).toBe('3');
  expect((await readFile(join(folder, 'dump.rdb'))).toString('latin1', 0, 5)).toBe('REDIS');
  expect((await inUse.cli('KEYS *')).split('\n').sort().filter(Boolean)).toEqual([
    'session:42:a',
    'session:42:b',
  ]);
});
