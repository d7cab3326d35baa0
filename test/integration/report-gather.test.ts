/** Goal: what a report says of a store is read from signed records and from a listing, and damage shows as what it is. */
import { rm, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PromiseId } from '../../src/report/evidence.ts';
import type { ReportFacts } from '../../src/report/facts.ts';
import { gather } from '../../src/report/gather.ts';
import type { WantedSet } from '../../src/report/gather-set.ts';
import { judge } from '../../src/report/judge.ts';
import { appendLedger, operatorName } from '../../src/repository/ledger-writer.ts';
import type { Session } from '../../src/repository/session.ts';
import type { Store } from '../../src/stores/store.ts';
import { SET, SIGNAL, makeWorld, rowsOf } from '../services/world.ts';
import type { World } from '../services/world.ts';
import { company, key } from '../unit/report-facts.kit.ts';
import { apply, customer, makeShop, plan } from './purge-kit.ts';

const WANTED: WantedSet = {
  name: SET,
  source: 'sqlite',
  keep: [{ name: 'daily', days: 30 }],
  fullEveryDays: 7,
  lockDays: undefined,
};

async function factsOf(
  world: Pick<World, 'ops'> & { readonly session: Session<Store> },
): Promise<ReportFacts> {
  const options = {
    session: world.session,
    sets: [WANTED],
    known: [SET],
    erasureWithinDays: 30,
    drillEveryDays: 30,
    onStep: () => undefined,
  };
  const { now, sets, sweep, exports } = await gather(options, SIGNAL);
  const keys = [key('ops', world.ops.getFingerprint())];
  return company({ now, sets: sets.map((set) => ({ ...set, copies: [] })), sweep, exports, keys });
}

async function verdictOf(
  world: World,
  id: PromiseId,
): Promise<readonly [verdict: string | undefined, text: string]> {
  const promise = judge(await factsOf(world)).promises.find((one) => one.id === id);
  return [promise?.verdict, promise?.findings.map(({ text }) => text).join('\n') ?? ''];
}

async function keysOf(world: World, part: string): Promise<string[]> {
  const all = await Array.fromAsync(world.store.list('keep-', SIGNAL));
  return all.map(({ key: name }) => name).filter((name) => name.includes(part));
}

interface Days extends World {
  /** The older one of two. */
  readonly first: string;
}

async function twoDays(): Promise<Days> {
  const world = await makeWorld();
  const { entry } = await world.backup({ users: rowsOf(500) });
  await world.backup({ users: rowsOf(900) });
  return { ...world, first: entry.snapshot };
}

test('sizes, objects and signatures of a sound store', async () => {
  const world = await twoDays();
  const facts = await factsOf(world);
  const [set] = facts.sets;
  const listed = await Array.fromAsync(world.store.list('keep-', SIGNAL));
  expect(set?.objects).toMatchObject({
    count: listed.length,
    bytes: listed.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  expect(set?.snapshots.map(({ missing }) => missing)).toEqual([[], []]);
  expect(set?.snapshots[1]?.before?.getTime()).toBe(
    Math.floor((set?.snapshots[0]?.time.getTime() ?? 0) / 1000) * 1000,
  );
  const { promises, summary } = judge(facts);
  expect(summary).toMatchObject({ snapshots: 2, storedBytes: set?.objects?.bytes });
  for (const id of ['backup_every', 'keep', 'ends', 'intact', 'encrypted'] as const)
    expect(promises.find((one) => one.id === id)?.verdict, id).toBe('met');
});

test('a pack that is gone, or cut off, breaks what was to be kept', async () => {
  const gone = await twoDays();
  const [pack = ''] = await keysOf(gone, '/packs/');
  await rm(join(gone.root, pack));
  const [verdict, text] = await verdictOf(gone, 'keep');
  expect(verdict).toBe('broken');
  expect(text).toMatch(/pack \d{3}\/[0-9a-f]{16} is gone/);

  const cut = await twoDays();
  const [other = ''] = await keysOf(cut, '/packs/');
  const bytes = await readFile(join(cut.root, other));
  await writeFile(join(cut.root, other), bytes.subarray(0, -1));
  expect(await verdictOf(cut, 'keep')).toEqual(['broken', expect.stringMatching(/has \d+ of \d+ bytes/)]);
});

test('an entry that is gone, and one that was changed, break the record', async () => {
  const gone = await twoDays();
  const [first = ''] = await keysOf(gone, `${gone.first}/entry.json`);
  await rm(join(gone.root, first));
  expect(await verdictOf(gone, 'intact')).toEqual(['broken', expect.stringContaining('is missing before')]);

  const changed = await twoDays();
  const [entry = ''] = await keysOf(changed, `${changed.first}/entry.json`);
  const text = await readFile(join(changed.root, entry), 'utf8');
  await writeFile(join(changed.root, entry), text.replace('"full":true', '"full":false'));
  expect((await verdictOf(changed, 'intact'))[0]).toBe('broken');
});

test('a ledger that was cut back: nothing is said of drills and erasures', async () => {
  const world = await twoDays();
  const writer = operatorName(world.ops);
  for (const at of [1, 2]) await appendLedger(world.session, SET, writer, world.ops, drillEvent(at), SIGNAL);
  await rm(join(world.root, 'ledger', SET, writer, '0000000001.json'));
  expect((await verdictOf(world, 'intact'))[0]).toBe('broken');
  expect((await verdictOf(world, 'drill_every'))[0]).toBe('not measured');
});

test('a drill counts when an operator has signed it, and not when a host says so', async () => {
  const world = await twoDays();
  await appendLedger(world.session, SET, 'db1', world.host, drillEvent(1), SIGNAL);
  expect(await verdictOf(world, 'drill_every')).toEqual([
    'not measured',
    expect.stringContaining('no restore has been tried yet; due 20'),
  ]);
  await appendLedger(world.session, SET, operatorName(world.ops), world.ops, drillEvent(2), SIGNAL);
  expect((await verdictOf(world, 'drill_every'))[0]).toBe('met');
  const [set] = judge(await factsOf(world)).sets;
  expect(set?.drills).toMatchObject([
    { id: 'd2', outcome: 'verified', rtoMs: 5000, signer: world.ops.getFingerprint() },
  ]);
});

test('objects of a set that nobody named are told apart', async () => {
  const world = await twoDays();
  await world.store.put('keep-039/crm/chains/db1-1/packs/0011223344556677', Buffer.alloc(40), {}, SIGNAL);
  expect(judge(await factsOf(world)).others).toEqual([{ set: 'crm', objects: 1, bytes: 40, overdue: 0 }]);
});

test('an erasure that was carried out stands there with its receipt, and names nobody', async () => {
  const shop = await makeShop();
  await shop.day();
  await shop.day();
  const planned = await plan(shop, [customer(7)]);
  await apply(shop, planned.plan);
  const evidence = judge(await factsOf(shop));
  const [purge] = evidence.sets[0]?.purges ?? [];
  expect(purge).toMatchObject({
    ref: 'T-7',
    state: 'done',
    late: false,
    rewritten: 2,
    approvedBy: null,
    unreached: 0,
  });
  expect(purge?.receipt).toMatch(/^[0-9a-f]{64}$/);
  expect(evidence.promises.find(({ id }) => id === 'erasure_within')?.verdict).toBe('met');
  expect(evidence.promises.find(({ id }) => id === 'keep')?.verdict).toBe('met');
  expect(JSON.stringify(evidence)).not.toContain('Person7');
});

function drillEvent(at: number) {
  const about = {
    snapshot: '20261121T030005Z-9f3a01c4',
    manifest: 'c'.repeat(64),
    picked: 'newest',
    outcome: 'verified',
  };
  const times = { started: new Date().toISOString(), stages: { load: 4000 }, rto_ms: 5000, rpo_ms: 1000 };
  return { type: 'drill', note: true, id: `d${at}`, ...about, reasons: [], ...times };
}
