/** Goal: a copy is a store of its own: it restores when the first one is lost, says when it is behind, and takes nothing back. */
import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { WAYS, addCopy, lose } from '../services/copies.ts';
import {
  backUp,
  bucketPlace,
  committedIn,
  folderPlace,
  keysIn,
  makeHost,
  snapshotsOf,
  tamper,
} from '../services/machines.ts';
import type { Host, Place } from '../services/machines.ts';
import { countIn, dayOfBusiness, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

const DAY_MS = 86_400_000;

interface Pair {
  readonly host: Host;
  readonly database: string;
  readonly from: Place;
  readonly to: Place;
}

async function makePair(makeFrom: () => Promise<Place>, makeTo: () => Promise<Place>): Promise<Pair> {
  const [from, to] = [await makeFrom(), await makeTo()];
  const database = join(await tempFolder('shop'), 'shop.db');
  openShop(database);
  const source = ['--source', 'sqlite', '--path', database];
  const host = await makeHost({ place: from, source, env: { ...from.env, ...to.env } });
  await addCopy(host, to);
  return { host, database, from, to };
}

async function copyOf(host: Host, ...args: string[]): Promise<Record<string, unknown>> {
  const { json } = await host.good(['copy', ...args, '--json']);
  return json.find(({ type }) => type === 'copy') ?? {};
}

/** What lies in a store, without the days under which it lies. */
async function namesIn(place: Place): Promise<string[]> {
  return (await keysIn(place)).map((key) => key.replace(/^keep-\d+\//, '')).sort();
}

describe.each(WAYS)('%s', (_, makeFrom, makeTo) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await makePair(makeFrom, makeTo);
    await backUp(pair.host);
    dayOfBusiness(pair.database);
    await backUp(pair.host);
  });

  test('a dry run makes nothing; a copy makes the same store; a second one finds nothing to do', async () => {
    const { host, from, to } = pair;
    expect(await copyOf(host, '--dry-run')).toMatchObject({ snapshots: 2, behind: 2 });
    if (to.url.startsWith('s3:')) expect(await keysIn(to)).toEqual([]);
    else await expect(readFile(join(fileURLToPath(to.url), 'holdfast.json'))).rejects.toThrow('ENOENT');

    expect(await copyOf(host)).toMatchObject({ level: true, snapshots: 2, brought: 2, problems: [] });
    expect(await namesIn(to)).toEqual(await namesIn(from));
    expect(await copyOf(host)).toMatchObject({ level: true, brought: 0, objects: 0, bytes: 0, removed: 0 });
    expect((await host.good(['copy', '--check'])).stdout).toMatch(/compared, 0 differ$/m);
  });

  test('it says when it is behind, and is level again after the next copy', async () => {
    const { host, database } = pair;
    dayOfBusiness(database);
    const { snapshot } = await backUp(host);
    const status = await host.good(['status']);
    expect(status.stdout).toMatch(/^OK {3}shop, copy offsite: \S+ .*1 snapshot behind: fresh$/m);
    expect((await host.good(['verify'])).stdout).toMatch(
      /^note {2}shop, copy offsite: 1 snapshot behind; run: holdfast copy$/m,
    );
    expect((await host.run(['copy', '--check'])).exitCode).toBe(3);
    const behind = await host.good([
      'cat',
      'shop',
      '--copy',
      'offsite',
      '--table',
      'shop_orders',
      '--key',
      host.opsKey,
    ]);
    expect(behind.stderr).toMatch(
      /the copy offsite is behind: 1 newer snapshot was seen in the store, up to /,
    );

    expect(await copyOf(host)).toMatchObject({ level: true, brought: 1 });
    expect(
      await snapshotsOf({
        ...host,
        good: (args, options) => host.good([...args, '--copy', 'offsite'], options),
      }),
    ).toContain(snapshot);
    expect((await host.good(['status', '--json'])).json).toContainEqual(
      expect.objectContaining({ type: 'status', copy: 'offsite', ok: true, behind: 0, newest: snapshot }),
    );
    const { json } = await host.good(['verify', '--json']);
    expect(json.at(-1)).toMatchObject({
      problems: 0,
      unchecked: 0,
      sets: [{ sound: 3 }, { copy: 'offsite', sound: 3 }],
    });
  });

  test('a byte that changed in the copy is found, and what is missing there is brought again', async () => {
    const { host, to } = pair;
    const [pack = ''] = (await keysIn(to)).filter((key) => key.includes('/packs/'));
    await tamper(to, async (store) => {
      const bytes = await store.get(pack);
      bytes[100] = (bytes[100] ?? 0) ^ 1;
      await store.put(pack, bytes);
    });
    const found = await host.run(['copy', '--check']);
    expect(found.exitCode).toBe(4);
    expect(found.stdout).toContain(
      `PROBLEM  shop → offsite: ${pack}: the copy has other bytes than the source`,
    );
    await tamper(to, (store) => store.remove([pack]));
    expect((await host.run(['verify'])).exitCode).toBe(4);
    expect(await copyOf(host)).toMatchObject({ level: true, objects: 1 });
    await host.good(['copy', '--check']);
  });

  test('with the store itself lost, the copy restores everything', async () => {
    const { host, database, from, to: copy } = pair;
    const reader = await host.reader();
    const { env } = copy;
    await lose(from);
    expect((await host.run(['status'])).exitCode).toBe(10);
    const { json } = await reader.good(['verify', '--copy', 'offsite', '--read-data', '--json'], { env });
    expect(json.at(-1)).toMatchObject({ problems: 0, unchecked: 0, sets: [{ snapshots: 3, sound: 3 }] });
    const to = join(reader.folder, 'restored.db');
    const restored = await reader.good(['restore', 'shop', '--copy', 'offsite', '--to', to], { env });
    expect(restored.stderr).toMatch(/reading from the copy offsite; its newest snapshot is from /);
    expect(countIn(to, 'shop_orders')).toBe(countIn(database, 'shop_orders'));
    // An emptied source takes nothing from the copy.
    expect([10, 4]).toContain((await host.run(['copy'])).exitCode);
    expect(await committedIn(copy)).toHaveLength(3);
  });
});

describe('rotation', () => {
  test.each(WAYS)('%s: old manifests go from the copy and never come back', async (_, makeFrom, makeTo) => {
    const { host, from, to } = await makePair(makeFrom, makeTo);
    await backUp(host);
    await copyOf(host);
    const [manifest = ''] = (await keysIn(from)).filter((key) => key.endsWith('/manifest.pgp'));
    let old: Uint8Array = new Uint8Array();
    await tamper(from, async (store) => void (old = await store.get(manifest)));

    await host.good(['keys', 'rotate', '--all', '--key', host.opsKey]);
    const names = await namesIn(to);
    expect(names.filter((name) => /manifest|amend/.test(name)).map((name) => name.split('/').at(-1))).toEqual(
      ['amend-1.json', 'manifest-1.pgp'],
    );
    expect(names).toEqual(await namesIn(from));

    // As after a rotation that died before it had removed everything.
    await tamper(from, async (store) => store.put(manifest, old));
    await tamper(to, async (store) => store.put(manifest, old));
    expect(await copyOf(host)).toMatchObject({ level: true, removed: 1 });
    expect(await namesIn(to)).toEqual(names);
    const reader = await host.reader();
    await lose(from);
    await reader.good(['cat', 'shop', '--copy', 'offsite'], { env: to.env });
    await reader.good(['verify', '--copy', 'offsite', '--read-data'], { env: to.env });
  });
});

describe('lives', () => {
  test('an old snapshot goes under the days that it has left, and one without any is not copied', async () => {
    const { host, from, to } = await makePair(folderPlace, () => bucketPlace());
    const snapshots = [await backUp(host), await backUp(host, ['--full'])].map(({ snapshot }) => snapshot);
    const root = fileURLToPath(from.url);
    const ages = [10, 31];
    for (const [index, snapshot] of snapshots.entries()) {
      const then = new Date(Date.now() - (ages[index] ?? 0) * DAY_MS);
      for (const name of ['entry.json', 'manifest.pgp'])
        await utimes(join(root, 'keep-030/shop/snapshots', snapshot, name), then, then);
    }
    const report = await copyOf(host);
    expect(report).toMatchObject({ level: true, snapshots: 1 });
    expect(report['left']).toEqual([{ about: snapshots[1], text: 'it ends within a day' }]);
    const manifests = (await keysIn(to)).filter((key) => key.includes('/snapshots/'));
    expect(manifests).toEqual(
      ['entry.json', 'manifest.pgp'].map((name) => `keep-020/shop/snapshots/${snapshots[0] ?? ''}/${name}`),
    );
    expect((await host.good(['verify', '--json'])).json.at(-1)).toMatchObject({ problems: 0 });
  });
});

describe('places that are not for this copy', () => {
  test('another store, and a folder that is not empty, are refused and left as they are', async () => {
    const { host } = await makePair(folderPlace, folderPlace);
    await backUp(host);
    const other = await makePair(folderPlace, folderPlace);
    for (const [place, code, error] of [
      [other.from, 6, /holds store \S+, and not a copy of store/],
      [await occupied(), 6, /is not empty and no store: accounts\.csv lies there/],
    ] as const) {
      const file = join(host.folder, 'holdfast.yaml');
      const config = await readFile(file, 'utf8');
      await addCopyInstead(host, config, place);
      const before = await keysIn(place);
      expectComplaint(await host.run(['copy']), {
        exit: code,
        error,
        hint: /empty folder, bucket or prefix/,
      });
      expect(await keysIn(place)).toEqual(before);
    }
  });

  test('a copy that is not named, and sets that have none', async () => {
    const { host } = await makePair(folderPlace, folderPlace);
    expectComplaint(await host.run(['copy', '--to', 'offsight']), {
      exit: 2,
      error: /names no copy offsight/,
      hint: /replicas/,
    });
    expectComplaint(await host.run(['copy', 'shop', '--to', 'offsight']), {
      exit: 2,
      error: /no copy named offsight/,
      hint: /offsite/,
    });
    expectComplaint(await host.run(['snapshots', '--copy', 'offsight']), {
      exit: 2,
      error: /no copy named offsight/,
      hint: /offsite/,
    });
    expectComplaint(await host.run(['snapshots', '--copy', 'offsite']), {
      exit: 10,
      error: /is not there/,
      hint: /holdfast/,
    });
  });

  test('a ledger of the source that was cut back stops the copy', async () => {
    const { host, from } = await makePair(folderPlace, folderPlace);
    await backUp(host);
    await copyOf(host);
    await host.good(['keys', 'rotate', '--all', '--key', host.opsKey]);
    const lines = await keysIn(from, 'ledger/');
    await tamper(from, (store) => store.remove(lines.slice(-1)));
    expectComplaint(await host.run(['copy']), {
      exit: 4,
      error: /which the source has not/,
      hint: /cut back/,
    });
  });
});

async function occupied(): Promise<Place> {
  const place = await folderPlace();
  await tamper(place, async (store) => {
    await store.create();
    await store.put('accounts.csv', Buffer.from('1'));
  });
  return place;
}

async function addCopyInstead(host: Host, config: string, place: Place): Promise<void> {
  await writeFile(join(host.folder, 'holdfast.yaml'), config.replace(/^ {4}replicas: .*\n/m, ''));
  await addCopy(host, place);
}
