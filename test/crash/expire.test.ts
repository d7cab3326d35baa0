/**
 * Goal: SIGKILL before and after every write of `expire` leaves each snapshot whole or gone, and what is inside its promise
 * untouched; the next run finishes it.
 */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { armorPrivateKey } from '../../src/openpgp/keys.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { makePast } from '../services/past.ts';
import { tempFolder } from '../services/temp.ts';

/** The lease, manifests, entries, packs, and the lease again. */
const WRITES = 5;

test('expire that is killed before or after each of its writes', { timeout: 300_000 }, async () => {
  const world = await makePast();
  for (let ago = 48; ago >= 0; ago -= 4) await world.backupAgo(ago, { full: ago % 8 === 0 });
  const key = join(await tempFolder('usb'), 'ops.key');
  await writeFile(key, await armorPrivateKey(world.ops, undefined), { mode: 0o600 });
  const done = await oneRun();
  expect(done.snapshots).toHaveLength(8);

  for (let n = 1; n <= WRITES; n++) {
    for (const when of ['before', 'after'] as const) {
      const killed = await oneRun(`kill-${when}:${String(n)}`);
      expect(killed.keys, `${when} ${String(n)}`).toEqual(done.keys);
    }
  }
  await oneRun(`kill-before:${String(WRITES + 1)}`, false);

  /** Expires a fresh copy of the store, killed at first if said; then the run after that. Returns what is left. */
  async function oneRun(fault?: string, dies = true) {
    const root = join(await tempFolder('fresh'), 'store');
    await cp(world.root, root, { recursive: true, preserveTimestamps: true });
    const machine = await world.machine('', `file://${root}`);
    const verify = async () => {
      const { json } = await machine.good(['verify', '--read-data', '--key', key, '--json']);
      expect(json.at(-1)).toMatchObject({ problems: 0, unchecked: 0 });
    };
    if (fault !== undefined) {
      const result = await machine.run(['expire', '--confirm'], { env: { HOLDFAST_TEST_FAULT: fault } });
      expect(result).toMatchObject(dies ? { signal: 'SIGKILL' } : { exitCode: 0 });
      await verify();
    }
    const { json } = await machine.good(['expire', '--confirm', '--json']);
    expect(json.at(-1)).toMatchObject({ failed: [] });
    await verify();
    const store = openFileStore(`file://${root}`);
    const keys = (await Array.fromAsync(store.list(''))).map((object) => object.key).sort();
    await store.close();
    return { keys, snapshots: keys.filter((one) => one.endsWith('entry.json')) };
  }
});
