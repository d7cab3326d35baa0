/**
 * Goal: after `keys rotate` new recipients read every snapshot and former ones none; packs do not move; and nothing but
 * the revision that the ledger names is ever read.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generateRecipientKey } from '../../src/openpgp/keys.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import { verifySet } from '../../src/verify/verify.ts';
import { previewRotation } from '../../src/rotate/rotate.ts';
import { SET, SIGNAL, makeWorld, rowsOf, sqlOf } from '../services/world.ts';
import type { World } from '../services/world.ts';
import { catWith, newOps, openableWith, rotate, sessionFor } from './rotate-kit.ts';

const DAYS = [1, 2, 3].map((day) => ({ users: rowsOf(500 + day) }));

async function worldWithSnapshots(): Promise<World & { readonly ids: readonly string[] }> {
  const world = await makeWorld();
  const ids: string[] = [];
  for (const day of DAYS) ids.push((await world.backup(day)).entry.snapshot);
  return { ...world, ids };
}

async function filesOf(world: World): Promise<Map<string, Buffer>> {
  const names = await readdir(world.root, { recursive: true, withFileTypes: true });
  const files = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
  return new Map(
    await Promise.all(
      files.map(async (file) => [file.slice(world.root.length + 1), await readFile(file)] as const),
    ),
  );
}

describe('a rotation', () => {
  test('gives every snapshot to the new recipient, takes it from the former one, and leaves packs alone', async () => {
    const world = await worldWithSnapshots();
    const before = await filesOf(world);
    const report = await rotate(world);
    expect(report).toMatchObject({
      resealed: 3,
      settled: 0,
      left: [],
      removed: 3,
      stuck: [],
      complete: true,
    });

    const session = await sessionFor(world.store, [newOps], [world.ops]);
    for (const [index, id] of world.ids.entries()) {
      expect(await catWith(session, newOps, id)).toBe(sqlOf(DAYS[index] ?? {}));
      await expect(catWith(session, world.ops, id)).rejects.toMatchObject({ code: 'KEY_DOES_NOT_OPEN' });
    }
    expect(await openableWith(world.store, world.ops)).toEqual([]);
    expect(await openableWith(world.store, newOps)).toHaveLength(3);

    const after = await filesOf(world);
    const gone = [...before.keys()].filter((key) => !after.has(key));
    expect(gone.every((key) => key.endsWith('/manifest.pgp'))).toBe(true);
    for (const [key, bytes] of before) if (after.has(key)) expect(after.get(key)?.equals(bytes)).toBe(true);
    const added = [...after.keys()].filter((key) => !before.has(key));
    expect(added.filter((key) => !/(manifest-1\.pgp|amend-1\.json)$/.test(key))).toEqual([
      expect.stringMatching(/^ledger\/shop\/key-[0-9a-f]{16}\/0000000001\.json$/),
      expect.stringMatching(/0000000002\.json$/),
      expect.stringMatching(/0000000003\.json$/),
    ]);
    const findings = await verifySet(
      { session, set: SET, readData: undefined, onProgress: () => undefined },
      SIGNAL,
    );
    expect(findings).toMatchObject({ snapshots: 3, sound: 3, findings: [] });
  });

  test('done again does nothing, and the next snapshots follow', async () => {
    const world = await worldWithSnapshots();
    await rotate(world);
    const before = await filesOf(world);
    expect(await rotate(world)).toMatchObject({ resealed: 0, settled: 3, removed: 0, complete: true });
    expect([...(await filesOf(world)).keys()].sort()).toEqual([...before.keys()].sort());

    // A host that does not know the new recipient cannot judge the ledger, and must not go on as if it were empty.
    await expect(world.backup({ users: rowsOf(510) })).rejects.toMatchObject({ code: 'SIGNER_NOT_TRUSTED' });
    const session = await sessionFor(world.store, [world.ops, newOps]);
    const next = await world.backup({ users: rowsOf(510) }, { session });
    expect(next.entry.ledger_seen).toEqual((await readLedger(session, SET, SIGNAL)).heads);
    // This host's configuration still seals to the old recipient.
    expect(await rotate(world)).toMatchObject({ resealed: 1, settled: 3, complete: true });
    expect(await openableWith(world.store, world.ops)).toEqual([]);
  });

  test('to more recipients and back again numbers revisions upwards', async () => {
    const world = await worldWithSnapshots();
    const third = await generateRecipientKey('third');
    await rotate(world, { to: [newOps, world.ops] });
    await rotate(world, { to: [newOps, third] });
    await rotate(world, { to: [newOps] });
    const manifests = [...(await filesOf(world)).keys()].filter((key) => /(manifest|amend)[^/]*$/.test(key));
    expect(manifests).toHaveLength(6);
    expect(manifests.every((key) => /-3\.(pgp|json)$/.test(key))).toBe(true);
    expect(await openableWith(world.store, third)).toEqual([]);
  });

  test('moves few bytes: what it puts, against what is stored', async () => {
    const world = await makeWorld();
    for (let day = 0; day < 5; day++) await world.backup({ users: rowsOf(160_000 + 50 * day) });
    const stored = [...(await filesOf(world)).values()].reduce((sum, { length }) => sum + length, 0);
    const before = await filesOf(world);
    const report = await rotate(world);
    const put = [...(await filesOf(world))]
      .filter(([key]) => !before.has(key))
      .reduce((sum, [, { length }]) => sum + length, 0);
    expect(report.bytesWritten).toBeLessThanOrEqual(put);
    const share = (put + report.bytesRead) / stored;
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(0.02);
  });

  test('previews without writing', async () => {
    const world = await worldWithSnapshots();
    const before = [...(await filesOf(world)).keys()];
    const session = await sessionFor(world.store, [newOps], [world.ops]);
    const plan = await previewRotation(
      { session, set: SET, recipients: [newOps.toPublic()], all: false },
      SIGNAL,
    );
    expect(plan.reseal.map(({ days, revision }) => [days, revision])).toEqual([
      [30, 1],
      [30, 1],
      [30, 1],
    ]);
    expect([...(await filesOf(world)).keys()]).toEqual(before);
  });

  test('is not signed by somebody who leaves', async () => {
    const world = await worldWithSnapshots();
    await expect(rotate(world, { signer: world.ops })).rejects.toMatchObject({
      code: 'SIGNER_NOT_A_RECIPIENT',
    });
  });
});

describe('what a reader refuses', () => {
  async function rotated() {
    const world = await worldWithSnapshots();
    const old = await filesOf(world);
    await rotate(world);
    const [id = ''] = world.ids;
    const names = [...(await filesOf(world)).keys()].filter((key) => key.includes(id));
    const amendment = join(world.root, names.find((key) => key.endsWith('amend-1.json')) ?? '');
    return { world, id, old, amendment };
  }
  const read = async (world: World, id: string) =>
    catWith(await sessionFor(world.store, [newOps], [world.ops]), newOps, id);

  test('a manifest of before, put back with a ledger that was cut', async () => {
    const { world, id, old } = await rotated();
    for (const [key, bytes] of old) await writeFile(join(world.root, key), bytes);
    // With the ledger whole the old manifest is just there, and not read.
    expect(await read(world, id)).toBe(sqlOf(DAYS[0] ?? {}));
    const session = await sessionFor(world.store, [newOps], [world.ops]);
    const found = await verifySet(
      { session, set: SET, readData: undefined, onProgress: () => undefined },
      SIGNAL,
    );
    expect(found.findings.map(({ kind }) => kind)).toEqual(['note']);
    expect(found.findings[0]?.text).toMatch(/^3 superseded manifests are still there/);
    expect(await rotate(world)).toMatchObject({ resealed: 0, removed: 3 });
    await rm(join(world.root, 'ledger'), { recursive: true });
    await expect(read(world, id)).rejects.toMatchObject({ code: 'AMENDMENT_UNKNOWN' });
    await expect(catWith(session, newOps, id)).rejects.toMatchObject({ code: 'ROLLED_BACK' });
  });

  test('an amendment that is gone, or another one', async () => {
    const { world, id, amendment } = await rotated();
    const bytes = await readFile(amendment);
    await rm(amendment);
    await expect(read(world, id)).rejects.toMatchObject({ code: 'AMENDMENT_MISSING' });
    const [line = ''] = bytes.toString().split('\n');
    await writeFile(amendment, await signStatement({ ...(JSON.parse(line) as object), reason: 'x' }, newOps));
    await expect(read(world, id)).rejects.toMatchObject({ code: 'DAMAGED' });
    await writeFile(amendment, bytes);
    expect(await read(world, id)).toBe(sqlOf(DAYS[0] ?? {}));
  });

  test('a host that amends: it may add snapshots and replace none', async () => {
    const world = await worldWithSnapshots();
    const session = await sessionFor(world.store, [world.ops]);
    const asHost = rotate(world, {
      session,
      to: [world.ops],
      signer: world.host,
      purgeSigners: [world.host.toPublic()],
      all: true,
    });
    await expect(asHost).rejects.toMatchObject({ code: 'SIGNER_NOT_TRUSTED' });
    await expect(catWith(await sessionFor(world.store, [world.ops]), world.ops)).rejects.toMatchObject({
      code: 'SIGNER_NOT_TRUSTED',
    });
  });
});
