/** Goal: one signature for each writer is enough to know all entries, and hides nothing that many would show. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { signStatement } from '../../src/openpgp/statement.ts';
import { generateHostKey } from '../../src/openpgp/keys.ts';
import { readCatalog } from '../../src/repository/catalog.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import { SET, SIGNAL, makeWorld, rowsOf } from '../services/world.ts';
import type { World } from '../services/world.ts';

async function worldOf(snapshots: number): Promise<{ world: World; files: string[] }> {
  const world = await makeWorld();
  const names: string[] = [];
  for (let day = 0; day < snapshots; day++)
    names.push((await world.backup({ users: rowsOf(5, day) })).entry.snapshot);
  const folder = join(world.root, 'keep-030', SET, 'snapshots');
  expect((await readdir(folder)).length).toBe(snapshots);
  return { world, files: names.map((name) => join(folder, name, 'entry.json')) };
}

/** What both ways of reading say: names of snapshots, and codes of what is wrong. */
async function both(world: World) {
  const read = async (chained: boolean) => {
    // A fresh look: what was verified in this process before is remembered with the keys.
    const session = await world.reopen();
    const ledger = await readLedger(session, SET, SIGNAL);
    const { entries, failures } = await readCatalog(session, SET, ledger, SIGNAL, { chained });
    const codes = failures.map(({ error }) => (error as { code?: string }).code).sort();
    return { snapshots: entries.map(({ entry }) => entry.snapshot), codes };
  };
  const chained = await read(true);
  expect(await read(false)).toEqual(chained);
  return chained;
}

describe('entries by the hash in a later one', () => {
  test('all are there', async () => {
    const { world } = await worldOf(4);
    expect(await both(world)).toMatchObject({ codes: [] });
  });

  test.each([0, 1, 3])('number %i with another content is told', async (index) => {
    const { world, files } = await worldOf(4);
    const file = files[index] ?? '';
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"full":', '"pull":'));
    const { snapshots, codes } = await both(world);
    expect(snapshots).toHaveLength(3);
    expect(codes).toEqual(['SIGNATURE_BAD']);
  });

  test('one that a stranger has signed is told, and so is what it names', async () => {
    const { world, files } = await worldOf(3);
    const file = files[2] ?? '';
    const [line = ''] = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, await signStatement(JSON.parse(line) as object, await generateHostKey('stranger')));
    await writeFile(files[1] ?? '', (await readFile(files[1] ?? '', 'utf8')).replace('"full":', '"pull":'));
    const { snapshots, codes } = await both(world);
    expect(snapshots).toHaveLength(1);
    expect(codes).toEqual(['SIGNATURE_BAD', 'SIGNER_NOT_TRUSTED']);
  });

  test('before a hole the next one proves itself', async () => {
    const { world, files } = await worldOf(4);
    await rm(files[2] ?? '');
    expect((await both(world)).snapshots).toHaveLength(3);
    await writeFile(files[1] ?? '', (await readFile(files[1] ?? '', 'utf8')).replace('"full":', '"pull":'));
    expect(await both(world)).toMatchObject({ codes: ['SIGNATURE_BAD'] });
  });
});
