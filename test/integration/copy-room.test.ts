/** Goal: what the command line hides: what a copy asks the stores for, and what happens beside it. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { causalOrder } from '../../src/copy/gather.ts';
import { copySet } from '../../src/copy/copy.ts';
import type { CopyOptions } from '../../src/copy/copy.ts';
import type { LedgerLine } from '../../src/repository/ledger.ts';
import { takeLease } from '../../src/repository/lease.ts';
import { leasesFolder } from '../../src/repository/layout.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { rotateSet } from '../../src/rotate/rotate.ts';
import { openStore } from '../../src/stores/open.ts';
import { withFaults } from '../../src/stores/faults.ts';
import type { FaultyStore, Method } from '../../src/stores/faults.ts';
import { openFileStore } from '../../src/stores/file.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3 } from '../services/use.ts';
import { SET, SIGNAL, entriesOf, makeWorld, rowsOf } from '../services/world.ts';
import type { World } from '../services/world.ts';

interface Copying {
  readonly world: World;
  readonly source: FaultyStore;
  readonly destination: FaultyStore;
  readonly stateDir: string;
  readonly run: (more?: Partial<CopyOptions>) => ReturnType<typeof copySet>;
}

async function makeCopying(place?: Store): Promise<Copying> {
  const world = await makeWorld();
  const folder = await tempFolder('copy');
  const source = withFaults(world.store, {});
  const destination = withFaults(place ?? openFileStore(`file://${join(folder, 'store')}`), {});
  const options: CopyOptions = {
    source: { ...world.session, store: source },
    destination,
    set: SET,
    stateDir: join(folder, 'state'),
    onPlan: () => undefined,
    onPut: () => undefined,
    onRemoved: () => undefined,
    onNote: () => undefined,
  };
  return {
    world,
    source,
    destination,
    stateDir: options.stateDir,
    run: (more = {}) => copySet({ ...options, ...more }, SIGNAL),
  };
}

const METHODS: readonly Method[] = ['put', 'remove', 'get', 'head', 'list', 'folders', 'now'];

function countsOf(store: FaultyStore): Partial<Record<Method, number>> {
  return Object.fromEntries(METHODS.map((method) => [method, store.count(method)]));
}

test('a copy of an unchanged store moves nothing but listings, however many snapshots there are', async () => {
  const { world, source, destination, run } = await makeCopying();
  for (let day = 1; day <= 5; day++) await world.backup({ t: rowsOf(200 * day) });
  expect(await run()).toMatchObject({ covered: 5, brought: 5 });
  const before = [countsOf(source), countsOf(destination)];

  expect(await run()).toMatchObject({ covered: 5, brought: 0, objects: 0 });

  const spent = [countsOf(source), countsOf(destination)].map((after, side) =>
    Object.fromEntries(
      METHODS.map((method) => [method, (after[method] ?? 0) - (before[side]?.[method] ?? 0)]),
    ),
  );
  expect(spent[0]).toMatchObject({ put: 0, remove: 0, get: 0, head: 0, now: 1 });
  // The header: that it is still the same store.
  expect(spent[1]).toMatchObject({ put: 0, remove: 0, get: 2, head: 0, now: 1 });
  expect(spent[0]?.['list']).toBeLessThan(16);
  expect(spent[1]?.['list']).toBeLessThan(16);
});

test('the lease is held while snapshots are made seen, and not while packs are copied', async () => {
  const { world, source, run } = await makeCopying();
  await world.backup({ t: rowsOf(500) });
  const leases: Record<string, number> = {};
  // Nothing but leases is ever put into the source, and nothing else is removed there.
  await run({
    onPut: (_, key) =>
      (leases[key.split('/').at(-2) === 'packs' ? 'packs' : (key.split('/').at(-1) ?? '')] = source.writes),
  });
  expect(leases).toMatchObject({ 'holdfast.json': 0, packs: 0, 'manifest.pgp': 1, 'entry.json': 1 });
  expect(source.count('put')).toBe(1);
  expect(await Array.fromAsync(world.store.list(leasesFolder(SET)))).toEqual([]);
});

test('while somebody rotates or expires, a copy brings packs and stops before anything is seen', async () => {
  const { world, destination, run } = await makeCopying();
  await world.backup({ t: rowsOf(500) });
  {
    await using _lease = await takeLease(world.session, SET, 'keys rotate', SIGNAL);
    await expect(run()).rejects.toMatchObject({ code: 'LOCKED' });
  }
  const keys = async () => (await Array.fromAsync(destination.list('keep-'))).map(({ key }) => key);
  expect((await keys()).filter((key) => key.includes('/snapshots/'))).toEqual([]);
  expect((await keys()).filter((key) => key.includes('/packs/')).length).toBeGreaterThan(0);
  expect(await run()).toMatchObject({ covered: 1, brought: 1, problems: [] });
});

test('a source that may only be read is copied without a lease, and that is said', async () => {
  const { world, source, run } = await makeCopying();
  await world.backup({ t: rowsOf(500) });
  const { storeDenied } = await import('../../src/stores/errors.ts');
  const readOnly = new Proxy<Store>(source, {
    get: (store, name) => {
      if (name === 'put') return () => Promise.reject(storeDenied({ url: store.url }, 'write', 'Ask.'));
      const value: unknown = Reflect.get(store, name, store);
      return typeof value === 'function' ? (value.bind(store) as unknown) : value;
    },
  });
  const notes: string[] = [];
  const report = await run({
    source: { ...world.session, store: readOnly },
    onNote: (text) => notes.push(text),
  });
  expect(report).toMatchObject({ covered: 1, brought: 1 });
  expect(notes).toEqual([expect.stringMatching(/^no lease on set shop \(not allowed to write/)]);
});

test('a manifest that is not what its entry names is said and not copied, and the other snapshots are', async () => {
  const { world, destination, run } = await makeCopying();
  await world.backup({ t: rowsOf(500) });
  await world.backup({ t: rowsOf(600) });
  const [first] = await entriesOf(world);
  const key = `${first?.folder ?? ''}manifest.pgp`;
  const bytes = await world.store.get(key);
  bytes[50] = (bytes[50] ?? 0) ^ 1;
  await world.store.put(key, bytes);
  const report = await run();
  expect(report.problems).toEqual([
    { about: first?.entry.snapshot, text: `${key} is not what was signed; it is not copied` },
  ]);
  const there = (await Array.fromAsync(destination.list('keep-'))).map((object) => object.key);
  expect(there.filter((name) => name.endsWith('/entry.json'))).toHaveLength(1);
  expect(there.some((name) => name.includes(first?.entry.snapshot ?? ''))).toBe(false);
});

async function bucket(options: { versioned?: boolean; objectLock?: boolean }): Promise<Store> {
  const s3 = await useS3();
  Object.assign(process.env, s3.env());
  const name = await s3.createBucket('copy', options);
  const store = await openStore(`s3://${name}/prod`, { s3: { endpoint: s3.endpoint, region: s3.region } });
  onTestFinished(() => store.close());
  return store;
}

test('in a bucket with versions a manifest that was replaced goes with all of its versions, hidden ones too', async () => {
  const place = await bucket({ versioned: true });
  const { world, run } = await makeCopying(place);
  await world.backup({ t: rowsOf(500) });
  await run();
  const [item] = await entriesOf(world);
  const name = `shop/snapshots/${item?.entry.snapshot ?? ''}`;
  const old = `keep-030/${name}/manifest.pgp`;
  // Somebody hid one; another one lies where nothing else does any more.
  const bytes = await place.get(old);
  await place.put(`keep-017/${name}/manifest.pgp`, bytes);
  await place.remove([`keep-017/${name}/manifest.pgp`]);
  const all = async () => (await Array.fromAsync(place.versions('keep-'))).map(({ key }) => key);
  expect((await all()).filter((key) => key.startsWith('keep-017/'))).toHaveLength(2);

  await rotate(world);
  expect(await run()).toMatchObject({ removed: 2, problems: [] });

  expect((await all()).filter((key) => key.endsWith('/manifest.pgp'))).toEqual([]);
  expect(await all()).toContain(`keep-030/${name}/manifest-1.pgp`);
});

test('a place that cannot lock gets its copy all the same, and that is said', async () => {
  const { world, run } = await makeCopying(await bucket({ versioned: true }));
  await world.backup({ t: rowsOf(500) });
  const notes: string[] = [];
  const report = await run({ lock: { mode: 'compliance' }, onNote: (text) => notes.push(text) });
  expect(report).toMatchObject({ covered: 1, problems: [] });
  expect(notes).toEqual([expect.stringMatching(/is not locked: nothing there can lock it$/)]);
});

test('locks: packs until their end, manifests for the days that they may have, nothing else', async () => {
  const place = await bucket({ objectLock: true });
  const { world, run } = await makeCopying(place);
  await world.backup({ t: rowsOf(500) });
  await run({ lock: { mode: 'compliance', manifestDays: 3 } });
  const days: Record<string, string> = {};
  for (const { key } of await Array.fromAsync(place.list(''))) {
    const lock = await place.bucket?.lockOf(key, undefined, SIGNAL);
    const left = lock && Math.round((lock.until.getTime() - Date.now()) / 86_400_000);
    const name = key.includes('/packs/') ? 'pack' : (key.split('/').at(-1) ?? '');
    days[name] = lock ? `${lock.mode} ${String(left)}` : 'none';
  }
  expect(days).toMatchObject({
    pack: 'compliance 39',
    'manifest.pgp': 'governance 3',
    'entry.json': 'governance 3',
    'holdfast.json': 'none',
  });
});

async function rotate({ session, ops }: World): Promise<void> {
  await rotateSet(
    {
      session,
      set: SET,
      recipients: [ops.toPublic()],
      opener: new KeyOpener([ops]),
      signer: ops,
      purgeSigners: [],
      all: true,
      bypassGovernance: false,
      lockFor: () => undefined,
      levelCopies: () => Promise.resolve([]),
      onPlan: () => undefined,
      onProgress: () => undefined,
    },
    SIGNAL,
  );
}

test('lines of the ledger are put behind those that they cite', () => {
  const line = (writer: string, seq: number, heads: Record<string, number> = {}) =>
    ({
      writer,
      seq,
      heads: Object.fromEntries(Object.entries(heads).map(([name, at]) => [name, { seq: at, sha256: '' }])),
    }) as unknown as LedgerLine;
  const lines = [line('a', 1, { z: 2 }), line('a', 2), line('z', 1), line('z', 2), line('z', 3, { a: 1 })];
  const ordered = causalOrder({ lines }).map(({ writer, seq }) => `${writer}${seq}`);
  expect(ordered.toSorted()).toEqual(['a1', 'a2', 'z1', 'z2', 'z3']);
  for (const [later, earlier] of [
    ['a1', 'z2'],
    ['z3', 'a1'],
    ['a2', 'a1'],
    ['z2', 'z1'],
  ] as const)
    expect(ordered.indexOf(later)).toBeGreaterThan(ordered.indexOf(earlier));
});
