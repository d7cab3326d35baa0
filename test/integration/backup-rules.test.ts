/** What a backup run must hold to, seen from the rooms: sharing, fences, locks, lost state, vanished packs, rollbacks. */
import { randomUUID } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import { ledgerKey, packKey } from '../../src/repository/layout.ts';
import { viewSet } from '../../src/restore/open.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL, WRITER, entriesOf, makeWorld, rowsOf, sqlOf, textSource } from '../services/world.ts';
import type { World } from '../services/world.ts';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe('a backup run', () => {
  it('stores an unchanged database once, and appended rows at the price of what was appended', async () => {
    const world = await makeWorld();
    const users = rowsOf(30_000);
    const first = await world.backup({ users });
    const second = await world.backup({ users });
    const third = await world.backup({ users: [...users, ...rowsOf(100, 30_000)] });

    expect(first.entry.full).toBe(true);
    expect(first.entry.counts.new_segments).toBe(first.entry.counts.segments);
    expect(second.entry.counts.new_segments).toBe(0);
    expect(third.entry.counts.new_segments).toBeLessThanOrEqual(2);
    expect(third.entry.counts.new_bytes).toBeLessThan(first.entry.counts.new_bytes / 2);
    expect(await world.cat(first.entry.snapshot)).toBe(sqlOf({ users }));
    expect(await world.cat()).toBe(sqlOf({ users: [...users, ...rowsOf(100, 30_000)] }));
  });

  it('links every entry to the one before it', async () => {
    const world = await makeWorld();
    for (let day = 0; day < 3; day++) await world.backup({ users: rowsOf(10 * day) });
    const entries = await entriesOf(world);
    expect(entries.map(({ entry }) => entry.seq)).toEqual([1, 2, 3]);
    expect(entries.map(({ entry }) => entry.prev?.sha256)).toEqual([
      undefined,
      entries[0]?.sha256,
      entries[1]?.sha256,
    ]);
  });

  it('makes no snapshot when the dump fails at its very end', async () => {
    const world = await makeWorld();
    const source = textSource({ users: rowsOf(50_000) }, () =>
      Promise.reject(new Error('the dump tool died')),
    );
    await expect(world.backup({}, { source })).rejects.toThrow('the dump tool died');
    expect(await entriesOf(world)).toHaveLength(0);
    const next = await world.backup({ users: rowsOf(50_000) });
    expect(await world.cat(next.entry.snapshot)).toBe(sqlOf({ users: rowsOf(50_000) }));
  });

  it('lets one run per set work at a time', async () => {
    const world = await makeWorld();
    let second: unknown;
    const source = textSource({ users: rowsOf(10) }, async () => {
      second = await world.backup({ users: [] }).catch((error: unknown) => error);
    });
    await world.backup({}, { source });
    expect(second).toEqual(code('LOCKED'));
    await world.backup({ users: [] });
  });

  it('costs one full backup, nothing else, when the state folder is lost', async () => {
    const world = await makeWorld();
    const users = rowsOf(20_000);
    await world.backup({ users });
    await rm(world.session.stateDir, { recursive: true });
    const next = await world.backup({ users });
    expect(next.entry).toMatchObject({ full: true, chain: 2, seq: 2 });
    expect(next.entry.counts.new_segments).toBe(next.entry.counts.segments);
    expect((await entriesOf(world)).map(({ entry }) => entry.prev?.seq)).toEqual([undefined, 1]);
  });

  it('starts a chain when keep changes, under its own life', async () => {
    const world = await makeWorld();
    await world.backup({ users: rowsOf(10) });
    const longer = await world.backup({ users: rowsOf(10) }, { keepDays: 90 });
    expect(longer.entry).toMatchObject({ full: true, keep_days: 90, pack_days: 99, chain: 2 });
    expect(longer.entry.packs.every(([ref]) => ref.startsWith('099/'))).toBe(true);
    expect(await entriesOf(world)).toHaveLength(2);
  });

  it('stores again what disappeared from the store before it', async () => {
    const world = await makeWorld();
    const users = rowsOf(20_000);
    const first = await world.backup({ users });
    const [pack] = first.entry.packs;
    await world.store.remove([packKey(first.entry, pack?.[0] ?? '')], {}, SIGNAL);
    const second = await world.backup({ users });
    expect(second.entry.counts.new_segments).toBe(second.entry.counts.segments);
    expect(await world.cat(second.entry.snapshot)).toBe(sqlOf({ users }));
  });

  it('fails when a pack disappears or is cut while it runs', async () => {
    const world = await makeWorld();
    const users = rowsOf(20_000);
    const first = await world.backup({ users });
    const key = packKey(first.entry, first.entry.packs[0]?.[0] ?? '');
    const cutting = textSource({ users }, () => writeFile(join(world.root, key), 'short'));
    await expect(world.backup({}, { source: cutting })).rejects.toEqual(code('PACKS_VANISHED'));
    expect(await entriesOf(world)).toHaveLength(1);
  });

  it('says so when snapshots that it made were rolled back, and goes on from what it knows', async () => {
    const world = await makeWorld();
    await world.backup({ users: rowsOf(10) });
    const second = await world.backup({ users: rowsOf(20) });
    const [, newest] = await entriesOf(world);
    await world.store.remove([`${newest?.folder}entry.json`, `${newest?.folder}manifest.pgp`], {}, SIGNAL);
    const third = await world.backup({ users: rowsOf(30) });
    expect(world.warnings).toContainEqual(expect.stringContaining('rolled back'));
    expect(third.entry).toMatchObject({ seq: 3, prev: { snapshot: second.entry.snapshot } });
  });

  it('keeps no secret and no plaintext of rows in its state but the chain secret', async () => {
    const world = await makeWorld();
    await world.backup({ users: ['somebody@example.com lives here'] });
    expect(await readdir(world.stateFolder)).toEqual(
      expect.arrayContaining(['chain.json', 'seen.json', 'segments-1.sqlite']),
    );
    await world.backup({ users: [] }, { full: true });
    expect((await readdir(world.stateFolder)).filter((name) => name.startsWith('segments-1'))).toEqual([]);
  });
});

describe('the fence', () => {
  it('never references a segment again that the ledger retires', async () => {
    const world = await makeWorld();
    const users = rowsOf(20_000);
    const first = await world.backup({ users });
    await retire(world, first.entry.chain, [first.entry.packs[0]?.[0] ?? '', 0]);
    const second = await world.backup({ users });
    expect(second.entry).toMatchObject({ full: false, chain: first.entry.chain });
    expect(second.entry.counts.new_segments).toBe(1);
    expect(second.entry.ledger_seen).toHaveProperty('officer.seq', 1);
  });

  it('starts a run over when a segment is retired while it runs', async () => {
    const world = await makeWorld();
    const users = rowsOf(20_000);
    const first = await world.backup({ users });
    let purged = false;
    const source = textSource({ users }, async () => {
      if (!purged) await retire(world, first.entry.chain, [first.entry.packs[0]?.[0] ?? '', 0]);
      purged = true;
    });
    const second = await world.backup({}, { source });
    expect(world.warnings).toContainEqual(expect.stringContaining('starts over'));
    expect(second.entry.counts.new_segments).toBe(1);
    expect(second.entry.ledger_seen).toHaveProperty('officer.seq', 1);
  });

  it('refuses to work over a ledger with a gap, a fork or a foreign signature', async () => {
    const world = await makeWorld();
    await retire(world, 1, ['039/0011223344556677', 0], { seq: 2 });
    await expect(world.backup({ users: [] })).rejects.toEqual(code('LEDGER_BROKEN'));

    const other = await makeWorld();
    await retire(other, 1, ['039/0011223344556677', 0], { signer: (await makeWorld()).ops });
    await expect(other.backup({ users: [] })).rejects.toEqual(code('SIGNER_NOT_TRUSTED'));
  });

  it('notices a ledger that was cut back behind what a snapshot has seen', async () => {
    const world = await makeWorld();
    await world.backup({ users: rowsOf(10) });
    await retire(world, 1, ['039/0011223344556677', 0]);
    await world.backup({ users: rowsOf(10) });
    await world.store.remove([ledgerKey(SET, 'officer', 1)], {}, SIGNAL);
    await expect(viewSet(world.session, SET, false, SIGNAL)).rejects.toEqual(code('ROLLED_BACK'));
  });
});

describe('a machine that has seen a newer state', () => {
  it('refuses a store that was rolled back, until a person accepts it', async () => {
    const world = await makeWorld();
    await world.backup({ users: rowsOf(10) });
    await world.backup({ users: rowsOf(20) });
    const reader = await world.reopen(await tempFolder('reader'));
    await viewSet(reader, SET, false, SIGNAL);
    const [, newest] = await entriesOf(world);
    await world.store.remove([`${newest?.folder}entry.json`, `${newest?.folder}manifest.pgp`], {}, SIGNAL);
    await expect(viewSet(reader, SET, false, SIGNAL)).rejects.toEqual(code('ROLLED_BACK'));
    await viewSet(reader, SET, true, SIGNAL);
    await viewSet(reader, SET, false, SIGNAL);
  });

  it('refuses another store at the same address', async () => {
    const [world, other] = await Promise.all([makeWorld(), makeWorld()]);
    await rm(world.root, { recursive: true });
    await copyStore(other.store, world.store);
    await expect(world.reopen()).rejects.toSatisfy(
      (error) => isHoldfastError(error) && error.exit === 'verification',
    );
  });
});

async function copyStore(from: Store, to: Store): Promise<void> {
  await to.create(SIGNAL);
  for await (const { key } of from.list('', SIGNAL))
    await to.put(key, await from.get(key, undefined, SIGNAL), {}, SIGNAL);
}

async function retire(
  world: World,
  chain: number,
  [ref, offset]: readonly [string, number],
  { seq = 1, signer = world.ops } = {},
): Promise<void> {
  const line = {
    format: 1,
    kind: 'ledger',
    store: world.session.id,
    set: SET,
    writer: 'officer',
    seq,
    prev: seq === 1 ? null : sha256Hex(Buffer.from(randomUUID())),
    time: new Date().toISOString(),
    heads: {},
    event: {
      ...{ type: 'purge-intent', id: 'p1', subject: 'someone', plan: '0'.repeat(64), snapshots: [] },
      retired: [[WRITER, chain, ref, offset]],
    },
  };
  await world.store.put(ledgerKey(SET, 'officer', seq), await signStatement(line, signer), {}, SIGNAL);
}
