/**
 * Goal: whatever was done to a store, verify and restore say so with exit code 4, on the folder and on S3: damage, a
 * rollback where the newer state has been seen, and objects that were moved between sets or stores.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/stores/store.ts';
import type { CliResult } from '../services/cli.ts';
import { expectComplaint, expectNoInside } from '../services/complaint.ts';
import type { Complaint } from '../services/complaint.ts';
import { PLACES, backUp, keysIn, machineIn, makeHost, snapshotsOf, tamper } from '../services/machines.ts';
import type { Host, Machine, Place } from '../services/machines.ts';
import { addBulk, dayOfBusiness, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { addSet } from '../services/two-sets.ts';

describe.each(PLACES)('with the store in %s', (_, makePlace) => {
  let host: Host;
  let reader: Machine;
  let objects: Map<string, Buffer>;
  let newest: string;
  /** The packs that only the newest snapshot needs. */
  let newPacks: string[];

  beforeAll(async () => {
    const folder = await tempFolder('shop');
    const paths = ['shop.db', 'crm.db'].map((name) => join(folder, name));
    for (const path of paths) openShop(path);
    const [shop = '', crm = ''] = paths;
    host = await makeHost({ place: await makePlace(), source: ['--source', 'sqlite', '--path', shop] });
    await addSet(host, 'crm', crm);
    await backUp(host, ['shop']);
    const before = await keysIn(host.place);
    dayOfBusiness(shop);
    addBulk(shop, 1);
    newest = (await backUp(host, ['shop'])).snapshot;
    newPacks = (await keysIn(host.place)).filter((key) => key.includes('/packs/') && !before.includes(key));
    expect(newPacks).toHaveLength(1);
    await backUp(host, ['crm']);
    objects = await everythingIn(host.place);
  });

  /** Each test starts with the whole store, and with a machine that has not been here before. */
  beforeEach(async () => {
    await tamper(host.place, (store) => putBack(store, objects));
    reader = await host.reader();
  });

  /** An object of the newest snapshot. */
  const objectOf = (name: 'pack' | 'manifest.pgp' | 'entry.json') =>
    name === 'pack' ? (newPacks[0] ?? '') : `keep-030/shop/snapshots/${newest}/${name}`;

  /** Verifies and restores; both must say what is wrong, in a sentence. */
  async function expectNoticed(said: RegExp, restore: Partial<Complaint> = {}): Promise<void> {
    await expectProblem(reader, said, '--read-data');
    await expectNotRestored({ error: said, ...restore });
  }

  async function expectProblem(machine: Machine, said: RegExp, ...args: string[]): Promise<void> {
    const { exitCode, stderr, json } = await machine.run(['verify', 'shop', '--json', ...args]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: '' });
    const problems = json.filter(({ kind }) => kind === 'problem').map(({ text }) => text);
    expect(problems).toContainEqual(expect.stringMatching(said));
    expectNoInside(problems.join('\n'));
  }

  async function expectNotRestored(complaint: Partial<Complaint>): Promise<void> {
    const to = join(await tempFolder('target'), 'restored.db');
    const result = lastWords(await reader.run(['restore', 'shop', '--to', to]));
    expectComplaint(result, { exit: 4, error: /./, hint: /\w/, ...complaint });
    expect(existsSync(to)).toBe(false);
  }

  test('nothing was done to it', async () => {
    const { stdout } = await reader.good(['verify', '--read-data']);
    expect(stdout).toMatch(/^shop: 2 of 2 snapshots sound, .* segments \(.*\) opened$/m);
    expect(stdout).toMatch(/^crm: 1 of 1 snapshot sound, .* segments \(.*\) opened$/m);
  });

  test('without a key the bytes are not opened, and with no word that they were', async () => {
    const key = objectOf('pack');
    await tamper(host.place, (store) => put(store, key, flipped(objects.get(key))));
    expect((await host.good(['verify', 'shop'])).stdout).not.toContain('opened');
    expectComplaint(await host.run(['verify', '--read-data']), {
      exit: 12,
      error: /private key/,
      hint: /--key/,
    });
  });

  test.each([
    ['a pack with a flipped byte', 'pack', flipped, /SHA-256 differs/],
    [
      'a pack that was cut',
      'pack',
      (bytes: Buffer) => bytes.subarray(0, -9),
      /has \d+ of \d+ bytes|too short/,
    ],
    ['a pack that is gone', 'pack', () => undefined, /is gone|is not there/],
    ['a manifest with a flipped byte', 'manifest.pgp', flipped, /SHA-256 is not the one in its entry/],
    ['a manifest that is gone', 'manifest.pgp', () => undefined, /manifest is gone/],
  ] as const)('%s', async (_name, name, change, said) => {
    const key = objectOf(name);
    const bytes = change(objects.get(key) ?? Buffer.alloc(0));
    await tamper(host.place, (store) => (bytes ? put(store, key, bytes) : store.remove([key])));
    await expectNoticed(said);
  });

  test('the newest entry with a flipped byte: what is latest cannot be told', async () => {
    const key = objectOf('entry.json');
    await tamper(host.place, (store) => put(store, key, flipped(objects.get(key))));
    await expectNoticed(/entry\.json/, { exit: 5 });
  });

  test('the newest snapshot was rolled back: a machine that has seen it says so, until a person accepts that', async () => {
    await reader.good(['verify']);
    const [first = ''] = await snapshotsOf(reader);
    const gone = [...objects.keys()].filter((key) => key.includes(newest));
    expect(gone).toHaveLength(2);
    await tamper(host.place, (store) => store.remove(gone));
    const said = /rolled back.*was seen here and is gone/;
    await expectProblem(host, said);
    await expectProblem(reader, said);
    await expectNotRestored({ error: said, hint: /--accept-rollback/ });
    await expectProblem(reader, said);

    const to = join(await tempFolder('target'), 'restored.db');
    const accepted = await reader.good(['restore', 'shop', '--to', to, '--accept-rollback']);
    expect(accepted.stdout).toContain(`restored shop@${first}`);
    await reader.good(['verify']);
  });

  test('a manifest was moved from another set', async () => {
    const [other = ''] = [...objects.keys()].filter((key) => /\/crm\/.*manifest\.pgp$/.test(key));
    await tamper(host.place, (store) => put(store, objectOf('manifest.pgp'), objects.get(other)));
    await expectNoticed(/SHA-256 is not the one in its entry/);
    // The same for people.
    const { exitCode, stdout } = await reader.run(['verify']);
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(new RegExp(`^PROBLEM +${newest}: .*SHA-256 is not the one in its entry`, 'm'));
    expect(stdout).toMatch(/^shop: 1 of 2 snapshots sound/m);
    expect(stdout).toMatch(/^crm: 1 of 1 snapshot sound/m);
    expectComplaint(await reader.run(['cat', 'shop']), {
      exit: 4,
      error: /SHA-256/,
      hint: /another snapshot/,
    });
    expect((await reader.good(['cat', 'shop@oldest'])).stdout).toContain('shop_orders');
  });

  test('a manifest was moved with its entry from another set', async () => {
    const moved = [...objects].filter(([key]) => /\/crm\/snapshots\//.test(key));
    await tamper(host.place, async (store) => {
      for (const [key, bytes] of moved) await put(store, key.replace('/crm/', '/shop/'), bytes);
    });
    await expectNoticed(/does not belong here/, { exit: 5, error: /crm|entry\.json/ });
  });

  test('a manifest was moved with its entry from another store of the same people', async () => {
    const other = await anotherStore();
    // With the key of the other host, which a recipient of both stores has certified: only the binding is against it.
    const moved = [...other].filter(([key]) => key.includes('/snapshots/') || key.startsWith('writers/'));
    await tamper(host.place, async (store) => {
      for (const [key, bytes] of moved) await put(store, key, bytes);
    });
    await expectNoticed(/does not belong here: its store is/, { exit: 5, error: /entry\.json/ });
  });

  test('another store stands at the same address: a machine that knows the old one says so', async () => {
    await reader.good(['verify']);
    const other = await anotherStore();
    await tamper(host.place, async (store) => {
      await store.remove([...objects.keys()]);
      await putBack(store, other);
    });
    for (const args of [['verify'], ['cat', 'shop'], ['snapshots']]) {
      expectComplaint(await reader.run(args), { exit: 4, error: /not trust|knows store/, hint: /\w/ });
    }
  });

  /** Of another host, but with the same ops key, which vouches for that host too. */
  async function anotherStore(): Promise<Map<string, Buffer>> {
    const folder = await tempFolder('other');
    const path = join(folder, 'shop.db');
    openShop(path);
    const place = await makePlace();
    const other = await machineIn(folder, { ...place.env, HOLDFAST_KEY: host.opsKey });
    const set = ['--set', 'shop', '--source', 'sqlite', '--path', path];
    const recipient = ['--recipient', join(host.folder, 'keys/ops.asc')];
    const init = ['init', '--yes', '--json', '--store', place.url, ...place.initArgs, ...set, ...recipient];
    const fingerprint = (await other.good(init)).json.at(-1)?.['hostFingerprint'] as string;
    await other.good(['keys', 'trust', fingerprint]);
    await backUp(other);
    return everythingIn(place);
  }
});

async function everythingIn(place: Place): Promise<Map<string, Buffer>> {
  const all = new Map<string, Buffer>();
  const keys = await keysIn(place);
  await tamper(place, async (store) => {
    for (const key of keys) all.set(key, await store.get(key));
  });
  return all;
}

/** Makes the store hold exactly these objects again. */
async function putBack(store: Store, objects: ReadonlyMap<string, Buffer>): Promise<void> {
  const there = (await Array.fromAsync(store.list(''))).map(({ key }) => key);
  await store.remove(there.filter((key) => !objects.has(key)));
  for (const [key, bytes] of objects) {
    const now = there.includes(key) ? await store.get(key) : undefined;
    if (now?.equals(bytes) !== true) await put(store, key, bytes);
  }
}

async function put(store: Store, key: string, bytes: Buffer | undefined): Promise<void> {
  if (bytes === undefined || key === '') throw new Error('the test has nothing to put');
  await store.put(key, bytes);
}

function flipped(bytes: Buffer | undefined): Buffer {
  const copy = Buffer.from(bytes ?? '');
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** Warnings may come before the error. */
function lastWords(result: CliResult): CliResult {
  const { exitCode, signal, stdout, stderr } = result;
  return { exitCode, signal, stdout, json: [], stderr: stderr.replaceAll(/^holdfast: warning: .*\n/gm, '') };
}
