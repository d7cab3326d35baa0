/** Goal: old manifests go in all versions and copies; what a lock keeps is said, and the purge stays open until it is gone. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PlannedPlace } from '../../src/purge/plan/planned-place.ts';
import type { Receipt } from '../../src/purge/evidence/receipt.ts';
import type { Store } from '../../src/stores/store.ts';
import { addCopy } from '../services/copies.ts';
import { backUp, folderPlace, placeOn, tamper } from '../services/machines.ts';
import type { Host, Place } from '../services/machines.ts';
import type { BucketOptions } from '../services/s3-access.ts';
import { shopHost } from '../services/shop-host.ts';
import { SHOP_MAP } from '../services/shop.ts';
import { giveMap } from '../services/subject-map.ts';
import { useS3 } from '../services/use.ts';
import { SIGNAL } from '../services/world.ts';

async function placeWith(options: BucketOptions): Promise<Place> {
  return placeOn(await useS3(), options);
}

async function hostOn(place: Place, lines: readonly string[] = [], other?: Place): Promise<Host> {
  const { host } = await shopHost(400, { place, env: { ...place.env, ...other?.env } });
  if (other) await addCopy(host, other);
  await giveMap(host, SHOP_MAP, lines);
  return host;
}

async function purge(host: Host, ...args: string[]) {
  const key = ['--key', host.opsKey];
  const plan = ['purge', 'plan', 'shop', '--subject', 'customer=7', ...key, '-o', 'plan.pgp', '--json'];
  const planned = (await host.good(plan)).json.find(({ type }) => type === 'plan');
  const apply = ['purge', 'apply', 'plan.pgp', '--yes', ...key, '-o', 'receipt.json', '--json', ...args];
  return { planned, ...(await host.run(apply)) };
}

/** Every version of a manifest, by key. */
async function manifests(place: Place): Promise<string[]> {
  const found: string[] = [];
  await tamper(place, async (store) => {
    for await (const { key } of store.versions('keep-', SIGNAL))
      if (/\/manifest[^/]*\.pgp$/.test(key)) found.push(key.replace(/^.*\//, ''));
  });
  return found.sort();
}

async function receiptOf(host: Host): Promise<Receipt> {
  const [line = ''] = (await readFile(join(host.folder, 'receipt.json'), 'utf8')).split('\n');
  return JSON.parse(line) as Receipt;
}

async function manifestKeyOf(store: Store, snapshot: string): Promise<string> {
  for await (const { key } of store.list('keep-', SIGNAL))
    if (key.endsWith(`${snapshot}/manifest.pgp`)) return key;
  throw new Error('no manifest');
}

test(
  'a versioned bucket and a copy: nothing of before is there in any version',
  { timeout: 180_000 },
  async () => {
    const place = await placeWith({ versioned: true });
    const other = await folderPlace();
    const host = await hostOn(place, [], other);
    const { snapshot } = await backUp(host);
    await backUp(host, ['--full']);
    await host.good(['copy']);
    // A copy of the manifest that somebody has hidden below another version of it.
    await tamper(place, async (store) => {
      const key = await manifestKeyOf(store, snapshot);
      const sealed = await store.get(key, undefined, SIGNAL);
      await store.put(key, Buffer.from('overwritten'), {}, SIGNAL);
      await store.put(key, sealed, {}, SIGNAL);
    });
    expect(await manifests(place)).toEqual(Array.from({ length: 4 }, () => 'manifest.pgp'));

    const applied = await purge(host);
    expect(applied).toMatchObject({ exitCode: 0 });
    expect(await manifests(place)).toEqual(['manifest-1.pgp', 'manifest-1.pgp']);
    expect(await manifests(other)).toEqual(['manifest-1.pgp', 'manifest-1.pgp']);
    expect(applied.planned?.['places']).toMatchObject([
      // The one that was written over has three versions.
      { name: place.url, manifests: { objects: 2, versions: 4, locked: 0 }, packs: { locked: 0 } },
      { name: 'offsite', manifests: { objects: 2, versions: 2, locked: 0 } },
    ]);
    const receipt = await receiptOf(host);
    expect(receipt.places.map(({ name }) => name)).toEqual([place.url, 'offsite']);
    expect(receipt.snapshots.map(({ outcome }) => outcome)).toEqual(['rewritten', 'rewritten']);
    // The first chain is over, so its packs are gone if nothing needs them; the others stay as noise until their date.
    for (const { packs, packsRemoved, unreadableUntil } of receipt.places)
      expect(packsRemoved < packs).toBe(unreadableUntil !== undefined);

    const key = ['--key', host.opsKey];
    for (const from of [[], ['--copy', 'offsite']]) {
      expect((await host.good(['cat', 'shop@oldest', ...key, ...from])).stdout).not.toContain("'person7@");
      expect((await host.good(['cat', 'shop@oldest', ...key, ...from])).stdout).toContain("'person8@");
      const { json } = await host.good(['verify', '--read-data', ...key, '--json', ...from]);
      expect(json.at(-1)).toMatchObject({ problems: 0 });
    }
    await host.good(['purge', 'verify', 'receipt.json']);
  },
);

test(
  'a locked bucket: the purge stays open while a lock keeps a manifest, and packs are said to be there',
  { timeout: 180_000 },
  async () => {
    const place = await placeWith({ objectLock: true });
    const host = await hostOn(place, ['object_lock: { mode: compliance, manifests: 1d }']);
    await backUp(host);
    const applied = await purge(host);
    expect(applied.exitCode, applied.stderr).toBe(3);
    const [held] = (applied.planned?.['places'] ?? []) as PlannedPlace[];
    expect(held?.manifests).toMatchObject({ objects: 1, versions: 1, locked: 1, modes: ['governance'] });
    expect(held?.packs).toMatchObject({ locked: held?.packs?.versions, modes: ['compliance'] });
    expect(held?.packs?.unreadableUntil).toMatch(/^20/);
    expect(applied.json.find(({ type }) => type === 'purge')).toMatchObject({ complete: false, stuck: 1 });
    const key = ['--key', host.opsKey];
    // Nobody gets the person meanwhile: the old manifest is there, and does not count.
    expect((await host.good(['cat', 'shop', ...key])).stdout).not.toContain("'person7@");

    await host.good(['purge', 'resume', 'shop', ...key, '--bypass-governance', '-o', 'receipt.json']);
    expect(await manifests(place)).toEqual(['manifest-1.pgp']);
    const [at] = (await receiptOf(host)).places;
    expect(at?.packsRemoved).toBe(0);
    expect(at?.unreadableUntil).toMatch(/^20/);
    await host.good(['purge', 'verify', 'receipt.json']);
  },
);

/** Every version of everything of the set but its ledger. */
async function leftOf(place: Place): Promise<string[]> {
  const found: string[] = [];
  await tamper(place, async (store) => {
    for await (const { key, isMarker } of store.versions('keep-', SIGNAL)) if (!isMarker) found.push(key);
  });
  return found.sort();
}

async function packsIn(place: Place): Promise<string[]> {
  return (await leftOf(place)).filter((key) => key.includes('/packs/'));
}

async function eraseAll(host: Host, ...args: string[]) {
  const key = ['--key', host.opsKey];
  await host.good(['purge', 'plan', 'shop', '--whole-set', ...key, '-o', 'plan.pgp']);
  return host.run(['purge', 'apply', 'plan.pgp', '--yes', ...key, '-o', 'receipt.json', '--json', ...args]);
}

test(
  'a whole set, in a versioned bucket and a copy: nothing is left in any version, and the host begins anew',
  { timeout: 180_000 },
  async () => {
    const place = await placeWith({ versioned: true });
    const other = await folderPlace();
    const host = await hostOn(place, [], other);
    const { snapshot } = await backUp(host);
    await backUp(host, ['--full']);
    await host.good(['copy']);
    await tamper(place, async (store) => {
      const name = await manifestKeyOf(store, snapshot);
      const sealed = await store.get(name, undefined, SIGNAL);
      await store.put(name, Buffer.from('overwritten'), {}, SIGNAL);
      await store.put(name, sealed, {}, SIGNAL);
    });

    const applied = await eraseAll(host);
    expect(applied.exitCode, applied.stdout).toBe(0);
    expect(await leftOf(place)).toEqual([]);
    expect(await leftOf(other)).toEqual([]);
    const receipt = await receiptOf(host);
    expect(receipt.places.map(({ name, packs, packsRemoved }) => [name, packs === packsRemoved])).toEqual([
      [place.url, true],
      ['offsite', true],
    ]);
    expect(receipt.snapshots.map(({ outcome }) => outcome)).toEqual(['removed', 'removed']);
    await host.good(['purge', 'verify', 'receipt.json']);

    expect(await backUp(host)).toMatchObject({ full: true });
    await host.good(['copy']);
    const key = ['--key', host.opsKey];
    for (const from of [[], ['--copy', 'offsite']]) {
      const { json } = await host.good(['verify', '--read-data', ...key, '--json', ...from]);
      expect(json.at(-1)).toMatchObject({ problems: 0 });
    }
    await host.good(['purge', 'verify', 'receipt.json']);
  },
);

test(
  'a whole set in a locked bucket: open while a manifest is held, then done, with packs until their date',
  { timeout: 180_000 },
  async () => {
    const place = await placeWith({ objectLock: true });
    const host = await hostOn(place, ['object_lock: { mode: compliance, manifests: 1d }']);
    await backUp(host);
    expect(await eraseAll(host)).toMatchObject({ exitCode: 3 });
    const key = ['--key', host.opsKey];
    await host.good(['purge', 'resume', 'shop', ...key, '--bypass-governance', '-o', 'receipt.json']);
    expect((await leftOf(place)).filter((name) => !/\/(packs|index)\//.test(name))).toEqual([]);
    expect(await packsIn(place)).not.toEqual([]);
    const [at] = (await receiptOf(host)).places;
    expect(at?.lockedUntil).toMatch(/^20/);
    expect(at?.packsRemoved).toBeLessThan(at?.packs ?? 0);
  },
);

test(
  'packs that are rewritten: gone in all versions and in the copy, and the copy reads as the store does',
  { timeout: 180_000 },
  async () => {
    const place = await placeWith({ versioned: true });
    const other = await folderPlace();
    const host = await hostOn(place, [], other);
    await backUp(host);
    await backUp(host);
    await host.good(['copy']);
    const [before, copied] = [await packsIn(place), await packsIn(other)];

    expect(await purge(host, '--rewrite-packs', '--no-backup-running')).toMatchObject({ exitCode: 0 });
    for (const { packs, packsRemoved, unreadableUntil } of (await receiptOf(host)).places) {
      expect(packsRemoved).toBe(packs);
      expect(unreadableUntil).toBeUndefined();
    }
    // All that was there held something of theirs: a row, or the page that listed it.
    expect((await packsIn(place)).filter((key) => before.includes(key))).toEqual([]);
    expect((await packsIn(other)).filter((key) => copied.includes(key))).toEqual([]);

    expect(await backUp(host)).toMatchObject({ full: false });
    await host.good(['copy']);
    const key = ['--key', host.opsKey];
    for (const from of [[], ['--copy', 'offsite']]) {
      expect((await host.good(['cat', 'shop@oldest', ...key, ...from])).stdout).not.toContain("'person7@");
      expect((await host.good(['cat', 'shop@oldest', ...key, ...from])).stdout).toContain("'person8@");
      const { json } = await host.good(['verify', '--read-data', ...key, '--json', ...from]);
      expect(json.at(-1)).toMatchObject({ problems: 0 });
    }
  },
);

test(
  'packs that a lock holds stay until its end, also when they are rewritten',
  { timeout: 180_000 },
  async () => {
    const place = await placeWith({ objectLock: true });
    const host = await hostOn(place, ['object_lock: { mode: compliance }']);
    await backUp(host);
    expect(await purge(host, '--rewrite-packs', '--no-backup-running')).toMatchObject({ exitCode: 0 });
    const [at] = (await receiptOf(host)).places;
    expect(at).toMatchObject({ packsRemoved: 0, rewritten: true });
    expect(at?.lockedUntil).toMatch(/^20/);
    const key = ['--key', host.opsKey];
    const { json } = await host.good(['verify', '--read-data', ...key, '--json']);
    expect(json.at(-1)).toMatchObject({ problems: 0 });
  },
);
