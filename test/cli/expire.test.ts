/**
 * Goal: `expire` removes from a folder what a bucket's rules would, and nothing else: a plan first, never the last that
 * verifies, nothing by a clock that is wrong; and what it leaves in shared packs is noise to every key holder.
 */
import { cp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSegment } from '../../src/openpgp/segment.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { packKey } from '../../src/repository/layout.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { planFor } from '../../src/retention/expire.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { expectComplaint } from '../services/complaint.ts';
import { freePort } from '../services/processes.ts';
import { openShop } from '../services/shop.ts';
import { makePast } from '../services/past.ts';
import type { PastWorld } from '../services/past.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL, rowsOf } from '../services/world.ts';

/** Snapshots of 45 to 0 days ago, one every five days. */
async function history(world: PastWorld): Promise<Map<number, string>> {
  const made = new Map<number, string>();
  for (let ago = 45; ago >= 0; ago -= 5) made.set(ago, await world.backupAgo(ago));
  return made;
}

const files = async (world: PastWorld) =>
  (await Array.fromAsync(world.store.list('keep-'))).map(({ key }) => key).sort();
const ids = (keys: readonly string[]) =>
  [...new Set(keys.flatMap((key) => /snapshots\/([^/]+)\//.exec(key)?.[1] ?? []))].sort();

test('in a store without snapshots there is nothing to do, and nothing to complain of', async () => {
  const machine = await (await makePast()).machine();
  for (const args of [['expire'], ['expire', '--confirm']]) {
    const { stdout, stderr } = await machine.good(args);
    expect(stdout).toMatch(/0 snapshots and 0 packs/);
    expect(stderr).toBe('');
  }
});

test('a plan says what would go and why, and touches nothing; confirmed, exactly that goes', async () => {
  const world = await makePast();
  const made = await history(world);
  const machine = await world.machine();
  const before = await files(world);

  const plan = await machine.good(['expire', '--json']);
  expect(await files(world)).toEqual(before);
  const going = plan.json.filter(({ action }) => action === 'remove').map(({ snapshot }) => snapshot);
  expect(going).toEqual([45, 40, 35, 30].map((ago) => made.get(ago)));
  const text = await machine.good(['expire', SET]);
  expect(text.stdout).toMatch(/past its end/);
  expect(text.stdout).toMatch(/shop: would remove 4 snapshots and 2 packs/);
  expect(text.stdout).toContain('nothing was removed; to do it: holdfast expire --confirm');

  const done = await machine.good(['expire', SET, '--confirm', '--json']);
  expect(done.json.at(-1)).toMatchObject({
    type: 'summary',
    removed: 4,
    packs: 2,
    confirmed: true,
    failed: [],
  });
  expect(ids(await files(world))).toEqual([25, 20, 15, 10, 5, 0].map((ago) => made.get(ago)));
  // Packs of 45 and 40 days ago are past their 39 days; by age, whoever may still refer to them.
  expect((await files(world)).filter((key) => key.includes('/packs/'))).toHaveLength(8);
  for (const ago of [25, 0]) expect(await world.cat(made.get(ago))).toContain('name 1');
  const again = await machine.good(['expire', SET, '--confirm', '--json']);
  expect(again.json.at(-1)).toMatchObject({ removed: 0, packs: 0 });
  expect(await Array.fromAsync(world.store.list('leases/'))).toEqual([]);
});

test('the newest that verifies stays, with its packs, until somebody says otherwise', async () => {
  const world = await makePast();
  for (const ago of [64, 63, 62, 61]) await world.backupAgo(ago);
  const machine = await world.machine();
  const refused = await machine.run(['expire', '--confirm']);
  expectComplaint(refused, {
    exit: 7,
    error: /set shop: the clock went from .* nobody saw/,
    hint: /--trust-clock/,
  });
  expect(ids(await files(world))).toHaveLength(4);

  const kept = await machine.good(['expire', '--confirm', '--trust-clock']);
  expect(kept.stdout).toMatch(/keep +past its end, but the newest that verifies; --even-last/);
  expect(ids(await files(world))).toHaveLength(1);
  expect(await world.cat()).toContain('name 1');
  await machine.good(['expire', '--confirm', '--even-last']);
  expect(await files(world)).toEqual([]);
  // Nothing is there any more, so there is nothing to judge; that there are no backups `status` says.
  await machine.good(['expire']);
});

describe('nothing is removed', () => {
  test('where no snapshot verifies, until somebody says otherwise', async () => {
    const world = await makePast();
    await world.backupAgo(35);
    const manifests = (await files(world)).filter((key) => key.endsWith('manifest.pgp'));
    for (const key of manifests) await rm(join(world.root, key));
    const before = await files(world);
    const machine = await world.machine();
    expectComplaint(await machine.run(['expire', '--confirm', '--trust-clock']), {
      exit: 7,
      error: /no snapshot that verifies/,
      hint: /--even-last/,
    });
    expect(await files(world)).toEqual(before);
  });

  test('of a set that is not in the configuration, or with a typo in its name', async () => {
    const world = await makePast();
    await history(world);
    const before = await files(world);
    const machine = await world.machine();
    expectComplaint(await machine.run(['expire', 'shpo', '--confirm']), {
      exit: 2,
      error: /shpo/,
      hint: /shop/,
    });
    expect(await files(world)).toEqual(before);
  });

  test('while something in the store is from the future', async () => {
    const world = await makePast();
    await history(world);
    await world.backupAgo(-3);
    const before = await files(world);
    const machine = await world.machine();
    const refused = await machine.run(['expire', '--confirm', '--json']);
    expect(refused.exitCode).toBe(7);
    expect(refused.json.find(({ type }) => type === 'error')).toMatchObject({ code: 'CLOCK_BEHIND' });
    expect(await files(world)).toEqual(before);
  });

  test('of a snapshot whose entry was damaged; the others go', async () => {
    const world = await makePast();
    const made = await history(world);
    const damaged = `keep-030/shop/snapshots/${made.get(40) ?? ''}/entry.json`;
    const file = join(world.root, damaged);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"kind":"entry"', '"kind":"entri"'));
    const time = new Date(Date.now() - 40 * 86_400_000);
    await utimes(file, time, time);
    const machine = await world.machine();
    const { stdout } = await machine.good(['expire', '--confirm']);
    expect(stdout).toMatch(new RegExp(`${made.get(40) ?? ''} +keep +its entry cannot be verified`));
    expect(ids(await files(world))).toEqual([40, 25, 20, 15, 10, 5, 0].map((ago) => made.get(ago)));
  });
});

test('a run that died long ago goes by age, and one that is under way stays', async () => {
  const world = await makePast();
  const made = await history(world);
  const entries = (await files(world)).filter((key) => key.endsWith('entry.json'));
  await world.store.remove(
    entries.filter((key) => [45, 20].some((ago) => key.includes(made.get(ago) ?? '?'))),
  );
  const machine = await world.machine();
  await machine.good(['expire', '--confirm']);
  expect(ids(await files(world))).toEqual([25, 20, 15, 10, 5, 0].map((ago) => made.get(ago)));
});

test('expire: auto does it at the end of a backup, and never makes one fail', async () => {
  const world = await makePast();
  const made = await history(world);
  const machine = await world.machine('    expire: auto\n');
  openShop(join(machine.folder, 'shop.db'), 10);
  const { stdout } = await machine.good(['backup']);
  expect(stdout).toMatch(/shop: removed 4 snapshots and 2 packs/);
  expect(ids(await files(world))).toHaveLength(7);

  await world.backupAgo(-3);
  const warned = await machine.good(['backup']);
  expect(warned.stderr).toMatch(/warning: set shop: nothing was expired: the store's clock says/);
  expect(ids(await files(world))).toContain(made.get(25));
});

test('what stays in a shared pack after its manifest has gone opens for nobody', async () => {
  const world = await makePast();
  const secret = 'ada.lovelace@example.org';
  // In one chain, so that packs are shared: the second snapshot no longer has her.
  const tables = { people: [...rowsOf(30_000), `99\t${secret}`], things: rowsOf(20_000, 100_000) };
  await world.backupAgo(31, {}, tables);
  await world.backupAgo(29, {}, { ...tables, people: rowsOf(30_000) });
  const machine = await world.machine();
  const before = await reachable(world);
  const hers = await refsWith(world, before, secret);
  expect(hers.length).toBeGreaterThan(0);

  await machine.good(['expire', '--confirm', '--trust-clock']);
  const after = await reachable(world);
  const packs = await files(world);
  for (const { pack, offset, length, sha256, plain } of hers) {
    const key = packKey({ set: SET, writer: 'db1', chain: 1 }, pack);
    // The bytes are there, in a pack that another snapshot needs …
    expect(packs).toContain(key);
    expect(after.some((ref) => ref.pack === pack)).toBe(true);
    expect(after.some((ref) => ref.pack === pack && ref.offset === offset)).toBe(false);
    // … and no key that can still be had opens them.
    const sealed = await world.store.get(key, { offset, length });
    for (const { key: hex } of after) {
      const attempt = openSegment(
        { sealed, key: Buffer.from(hex, 'hex'), sha256, plainLength: plain },
        'hers',
      );
      await expect(attempt).rejects.toMatchObject({ code: 'DAMAGED' });
    }
  }
  expect(await refsWith(world, after, secret)).toEqual([]);
});

/** Everything that a holder of the reader's key can reach: every manifest object there is, whether an entry names it or not. */
async function reachable(world: PastWorld): Promise<SegmentRef[]> {
  const session = await world.reopen(await tempFolder('reader'));
  const { catalog } = await viewSet(session, SET, false, SIGNAL);
  const manifests = (await files(world)).filter((key) => key.endsWith('.pgp'));
  expect(catalog.entries).toHaveLength(manifests.length);
  const refs: SegmentRef[] = [];
  await using pool = SegmentPool.forReading();
  for (const item of catalog.entries) {
    const manifest = await openManifest(session, item, new KeyOpener([world.ops]), SIGNAL);
    const reader = new SnapshotReader(world.store, manifest, pool);
    refs.push(...manifest.pages);
    for (const stream of reader.streams)
      refs.push(...(await Array.fromAsync(reader.segments(stream, SIGNAL))));
  }
  return refs;
}

async function refsWith(world: PastWorld, refs: readonly SegmentRef[], text: string): Promise<SegmentRef[]> {
  const found: SegmentRef[] = [];
  for (const ref of refs) {
    const { pack, offset, length, key, sha256, plain } = ref;
    const sealed = await world.store.get(packKey({ set: SET, writer: 'db1', chain: 1 }, pack), {
      offset,
      length,
    });
    const opened = await openSegment(
      { sealed, key: Buffer.from(key, 'hex'), sha256, plainLength: plain },
      'a segment',
    );
    if (opened.includes(text)) found.push(ref);
  }
  return found;
}

test('copies end when the store does', async () => {
  const world = await makePast();
  await history(world);
  const copy = join(await tempFolder('copy'), 'copy');
  await cp(world.root, copy, { recursive: true, preserveTimestamps: true });
  const machine = await world.machine(`    replicas: [{ name: offsite, store: "file://${copy}" }]\n`);
  const { stdout } = await machine.good(['expire', '--confirm']);
  expect(stdout).toMatch(/shop: removed 4 snapshots/);
  expect(stdout).toMatch(/shop \(copy offsite\): removed 4 snapshots/);
  const left = (await readdir(join(copy, 'keep-030/shop/snapshots'))).sort();
  expect(left).toEqual(ids(await files(world)));
});

describe('a copy that cannot be reached', () => {
  async function copied(lines: string, away: string) {
    const world = await makePast();
    await history(world);
    const copy = join(await tempFolder('copy'), 'copy');
    await cp(world.root, copy, { recursive: true, preserveTimestamps: true });
    const replicas = `    replicas: [${away}, { name: offsite, store: "file://${copy}" }]\n`;
    const machine = await world.machine(lines + replicas);
    return { world, copy: join(copy, 'keep-030/shop/snapshots'), machine };
  }

  test('is told, and keeps nothing else from going', async () => {
    const disk = join(await tempFolder('disk'), 'not-mounted');
    const { world, copy, machine } = await copied('', `{ name: usb, store: "file://${disk}" }`);
    const plan = await machine.run(['expire', '--json']);
    expect(plan.exitCode).toBe(10);
    expect(plan.json.filter(({ type }) => type === 'expire-place')).toHaveLength(2);
    const result = await machine.run(['expire', '--confirm']);
    expectComplaint(result, {
      exit: 10,
      error: /^holdfast: error: set shop, copy usb: .*not-mounted is not there/,
      hint: /Mount the disk/,
    });
    expect(result.stdout).toMatch(/^shop: removed 4 snapshots/m);
    expect(result.stdout).toMatch(/^shop \(copy offsite\): removed 4 snapshots/m);
    expect((await readdir(copy)).sort()).toEqual(ids(await files(world)));
  });

  test('is a warning of expire: auto, which leaves copies in buckets alone', async () => {
    const disk = join(await tempFolder('disk'), 'not-mounted');
    const nobody = `http://127.0.0.1:${String(await freePort())}`;
    const bucket = `{ name: cloud, store: s3://far/away, s3: { region: ca-central-1, endpoint: "${nobody}" } }`;
    const usb = `{ name: usb, store: "file://${disk}" }`;
    const { world, copy, machine } = await copied('    expire: auto\n', `${bucket}, ${usb}`);
    openShop(join(machine.folder, 'shop.db'), 10);
    const { stdout, stderr } = await machine.good(['backup']);
    expect(stdout).toMatch(/^shop: removed 4 snapshots/m);
    expect(stdout).toMatch(/^shop \(copy offsite\): removed 4 snapshots/m);
    expect(stderr).toMatch(/^holdfast: warning: set shop, copy usb: nothing was expired: .*not-mounted/m);
    expect(stderr).not.toContain('cloud');
    expect(await readdir(copy)).toHaveLength(ids(await files(world)).length - 1);
  });
});

test('a store that was rolled back is left alone, and the hint names a command that there is', async () => {
  const world = await makePast();
  await world.backupAgo(3);
  const newest = await world.backupAgo(1);
  await world.store.remove((await files(world)).filter((key) => key.includes(newest)));
  const choices = { evenLast: false, trustClock: false };
  await expect(
    planFor({ copy: undefined, session: world.session }, SET, choices, SIGNAL),
  ).rejects.toMatchObject({
    code: 'ROLLED_BACK',
    hint: expect.stringContaining('holdfast cat shop --accept-rollback') as string,
  });
});
