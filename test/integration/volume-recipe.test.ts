/**
 * Goal: the recipe's snapshot is made, mounted, backed up and released, whatever becomes of the backup. This machine has no
 * volumes, so the programs that make them are stand-ins which copy folders, and note how they were called.
 */
import { chmod, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openShop } from '../demo/shop.ts';
import { codeBlocks, newMachine, PROJECT } from './recipes-kit.ts';
import type { Machine } from './recipes-kit.ts';
import { contentsOf } from './sqlite-kit.ts';

const RECIPE = join(PROJECT, 'recipes/volume-snapshot');

/** By program: what it does beside noting its arguments. `$V` holds the volumes, by name. */
const STAND_INS: Readonly<Record<string, string>> = {
  lvcreate: 'cp -a "$V/srv" "$V/holdfast"',
  lvremove: 'rm -r "$V/holdfast"',
  lvs: 'test -d "$V/holdfast"',
  mount: 'cp -a "$V/holdfast/." "$4" && touch "$4/.mounted"',
  umount: 'find "$1" -mindepth 1 -delete',
  mountpoint: 'test -e "$2/.mounted"',
};

async function machineWithVolume(): Promise<Machine> {
  const machine = await newMachine();
  const volumes = machine.at('volumes');
  await mkdir(join(volumes, 'srv/shop'), { recursive: true });
  openShop(join(volumes, 'srv/shop/shop.db'));
  for (const [name, does] of Object.entries(STAND_INS)) {
    const file = machine.at(`usr/local/bin/${name}`);
    await writeFile(file, `#!/bin/sh\nV='${volumes}'\necho "${name} $*" >> "$V/calls"\n${does}\n`);
    await chmod(file, 0o755);
  }
  await machine.install(RECIPE, 'recipe');
  return machine;
}

async function callsOf(machine: Machine): Promise<string[]> {
  const text = await readFile(machine.at('volumes/calls'), 'utf8');
  await rm(machine.at('volumes/calls'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => !/^(lvs|mountpoint)$/.test(name));
}

test('recipe volume-snapshot: what was in the volume comes back, and the snapshot is gone', async () => {
  const machine = await machineWithVolume();
  const page = await readFile(join(RECIPE, 'README.md'), 'utf8');
  await machine.sh(codeBlocks(page, 'sh').join(''), machine.at('recipe'));
  expect(await callsOf(machine)).toEqual(['lvcreate', 'mount', 'umount', 'lvremove']);
  expect(contentsOf(machine.at('srv/shop/restored.db'))).toEqual(
    contentsOf(machine.at('volumes/srv/shop/shop.db')),
  );
  expect(await readdir(machine.at('volumes'))).toEqual(['srv']);

  // A night on which the power failed left its snapshot mounted: the next one begins with releasing it.
  await cp(machine.at('volumes/srv'), machine.at('volumes/holdfast'), { recursive: true });
  await writeFile(machine.at('srv/snapshot/.mounted'), '');
  await rename(machine.at('media/usb/ops.key'), machine.at('ops.key'));
  const [mail] = await machine.cron('etc/cron.d/holdfast');
  expect(mail).toBe('');
  expect(await callsOf(machine)).toEqual(['umount', 'lvremove', 'lvcreate', 'mount', 'umount', 'lvremove']);

  // A backup that fails releases it as well.
  await rm(machine.at('volumes/srv/shop/shop.db'));
  const [failed] = await machine.cron('etc/cron.d/holdfast');
  expect(failed).toMatch(/error: .*shop\.db/);
  expect(await callsOf(machine)).toEqual(['lvcreate', 'mount', 'umount', 'lvremove']);
  expect(await readdir(machine.at('srv/snapshot'))).toEqual([]);
});
