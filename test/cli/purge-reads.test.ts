/**
 * Goal: what a plan has read is not fetched again by its apply, is kept sealed and for this user only, and is gone with
 * the purge; without it, or with a damaged one, everything is as with it.
 */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUp } from '../services/machines.ts';
import { shopHost } from '../services/shop-host.ts';
import { SHOP_MAP } from '../services/shop.ts';
import { giveMap } from '../services/subject-map.ts';

async function shop() {
  const { host } = await shopHost(400);
  const reader = await host.reader();
  for (const machine of [host, reader]) await giveMap(machine, SHOP_MAP);
  await backUp(host);
  await backUp(host);
  return reader;
}

type Reader = Awaited<ReturnType<typeof shop>>;

const planOf = (reader: Reader, id: number) =>
  reader.good(['purge', 'plan', 'shop', '--subject', `customer=${id}`, '-o', `plan-${id}.pgp`]);

async function apply(reader: Reader, id: number) {
  const argv = ['purge', 'apply', `plan-${id}.pgp`, '--yes', '-o', `receipt-${id}.json`, '--json'];
  const { json } = await reader.good(argv);
  expect(json.at(-1)).toMatchObject({ type: 'summary', complete: true });
  expect((await reader.good(['cat', 'shop@oldest'])).stdout).not.toMatch(new RegExp(`person${id}@`, 'i'));
}

/** Below the folder of state, wherever that is. */
async function kept(reader: Reader): Promise<string[]> {
  const all = await readdir(reader.folder, { recursive: true });
  return all.filter((name) => name.endsWith('.reads')).map((name) => join(reader.folder, name));
}

test('kept from plan to apply, or not there', { timeout: 120_000 }, async () => {
  const reader = await shop();
  await planOf(reader, 7);
  const [file = '', ...others] = await kept(reader);
  expect(others).toEqual([]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(file)).size).toBeGreaterThan(1000);
  expect(await readFile(file, 'latin1')).not.toMatch(/person|INSERT/i);
  await apply(reader, 7);
  expect(await kept(reader)).toEqual([]);

  // The next plan takes the place of one that was never applied.
  await planOf(reader, 8);
  await planOf(reader, 9);
  const [damaged = '', ...more] = await kept(reader);
  expect(more).toEqual([]);
  const bytes = await readFile(damaged);
  await writeFile(damaged, bytes.fill(0x20, Math.floor(bytes.length / 2)));
  await apply(reader, 9);

  await planOf(reader, 10);
  for (const name of await kept(reader)) await rm(name);
  await apply(reader, 10);
});
