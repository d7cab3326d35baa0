/**
 * Goal: SIGKILL before and after every write of a copy: what is seen in it is whole, and the next run brings it level
 * with nothing lost.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WAYS, addCopy, lose } from '../services/copies.ts';
import { backUp, committedIn, keysIn, makeHost } from '../services/machines.ts';
import type { Machine, Place } from '../services/machines.ts';
import { addBulk, dayOfBusiness, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

const PATIENCE = { timeout: 600_000 };

describe.each(WAYS)('%s', (_, makeFrom, makeTo) => {
  test('a copy that is killed at each of its writes', PATIENCE, async () => {
    const { host, reader, from, to } = await makePair(await makeFrom(), await makeTo());
    const snapshots = await committedIn(from);
    let kills = 0;
    for (let n = 1, ended = false; !ended; n++) {
      for (const when of ['before', 'after'] as const) {
        if ((await keysOf(to)).length > 0) await lose(to);
        const killed = await host.run(['copy'], {
          env: { HOLDFAST_TEST_FAULT: `kill-${when}:${String(n)}` },
        });
        ended = killed.signal === undefined;
        if (ended) expect(killed.exitCode).toBe(0);
        else kills += 1;
        await expectWhole(reader, to, snapshots);
        const { json } = await host.good(['copy', '--json']);
        expect(json.find(({ type }) => type === 'copy')).toMatchObject({ level: true, problems: [] });
        expect(await committedIn(to)).toEqual(snapshots);
      }
    }
    // Lease, header, recovery files, key, packs, manifests, entries: not only the first few.
    expect(kills).toBeGreaterThanOrEqual(2 * 10);
    await host.good(['copy', '--check']);
    const { json } = await reader.good(['verify', '--copy', 'offsite', '--read-data', '--json'], {
      env: to.env,
    });
    expect(json.at(-1)).toMatchObject({ problems: 0, sets: [{ snapshots: 2, sound: 2 }] });
  });

  test('one that is killed while it replaces what was rotated', PATIENCE, async () => {
    const { host, reader, from, to } = await makePair(await makeFrom(), await makeTo());
    const snapshots = await committedIn(from);
    await host.good(['copy']);
    for (let n = 1, ended = false; !ended; n++) {
      // So that rotation itself leaves the copy alone.
      await withoutCopies(host, () => host.good(['keys', 'rotate', '--all', '--key', host.opsKey]));
      const killed = await host.run(['copy'], { env: { HOLDFAST_TEST_FAULT: `kill-after:${String(n)}` } });
      ended = killed.signal === undefined;
      const { json } = await host.good(['copy', '--json']);
      expect(json.find(({ type }) => type === 'copy')).toMatchObject({ level: true, problems: [] });
      const manifests = (await keysIn(to)).filter((key) => key.endsWith('.pgp'));
      expect(manifests.map((key) => key.split('/').at(-1))).toEqual(
        snapshots.map(() => `manifest-${String(n)}.pgp`),
      );
      const checked = await reader.good(['verify', '--copy', 'offsite', '--read-data', '--json'], {
        env: to.env,
      });
      expect(checked.json.at(-1)).toMatchObject({ problems: 0, sets: [{ snapshots: 2, sound: 2 }] });
    }
  });
});

async function makePair(from: Place, to: Place) {
  const database = join(await tempFolder('shop'), 'shop.db');
  openShop(database);
  addBulk(database, 9);
  const source = ['--source', 'sqlite', '--path', database];
  const host = await makeHost({ place: from, source, env: { ...from.env, ...to.env } });
  await addCopy(host, to);
  await backUp(host);
  dayOfBusiness(database);
  await backUp(host);
  return { host, reader: await host.reader(), from, to };
}

/** Whatever is seen in the copy opens to the last byte. */
async function expectWhole(reader: Machine, to: Place, snapshots: readonly string[]): Promise<void> {
  const there = (await keysOf(to)).includes('holdfast.json') ? await committedIn(to) : [];
  expect(snapshots.slice(0, there.length)).toEqual(there);
  if (there.length === 0) return;
  const { json } = await reader.good(['verify', '--copy', 'offsite', '--read-data', '--json'], {
    env: to.env,
  });
  expect(json.at(-1)).toMatchObject({
    problems: 0,
    sets: [{ snapshots: there.length, sound: there.length }],
  });
}

async function keysOf(place: Place): Promise<string[]> {
  return keysIn(place).catch(() => []);
}

async function withoutCopies(machine: Machine, act: () => Promise<unknown>): Promise<void> {
  const file = join(machine.folder, 'holdfast.yaml');
  const config = await readFile(file, 'utf8');
  await writeFile(file, config.replace(/^ {4}replicas: .*\n/m, ''));
  await act();
  await writeFile(file, config);
}
