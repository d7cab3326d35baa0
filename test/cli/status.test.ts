/** Goal: `status` is one line per set and an exit code for monitors: 0 fresh, 1 late, and never "fresh" for what is not. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, keysIn, machineIn, makeHost, tamper } from '../services/machines.ts';
import type { Host, Machine } from '../services/machines.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { addSet } from '../services/two-sets.ts';
import { SET, makeWorld, rowsOf } from '../services/world.ts';

const HOUR_MS = 3_600_000;

async function hostWith(promises = ''): Promise<Host> {
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 50);
  const host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', path] });
  const file = join(host.folder, 'holdfast.yaml');
  await writeFile(file, (await readFile(file, 'utf8')) + promises);
  return host;
}

/** A machine that looks at a store whose newest snapshot is so old, by the store's own clock. */
async function monitorOfAge(hours: number, promises = ''): Promise<Machine> {
  const world = await makeWorld((store) => ({
    ...bound(store),
    url: store.url,
    bucket: store.bucket,
    now: async (signal) => new Date((await store.now(signal)).getTime() - hours * HOUR_MS),
  }));
  await world.backup({ users: rowsOf(10) });
  const machine = await machineIn(await tempFolder('monitor'), {});
  await writeFile(join(machine.folder, 'ops.asc'), world.ops.toPublic().armor());
  const set = `sets:\n  ${SET}: { source: sqlite, path: x.db, keep: 30d }\n`;
  const config = `version: 1\nstore: ${world.store.url}\nrecipients: [ops.asc]\nstate_dir: state\n${set}${promises}`;
  await writeFile(join(machine.folder, 'holdfast.yaml'), config);
  return machine;
}

/** The methods of a store as a plain object. */
function bound(store: Awaited<ReturnType<typeof makeWorld>>['store']) {
  return {
    create: store.create.bind(store),
    check: store.check.bind(store),
    features: store.features.bind(store),
    put: store.put.bind(store),
    get: store.get.bind(store),
    head: store.head.bind(store),
    list: store.list.bind(store),
    versions: store.versions.bind(store),
    folders: store.folders.bind(store),
    remove: store.remove.bind(store),
    close: store.close.bind(store),
  };
}

describe('status', () => {
  test('before the first backup, and after it', async () => {
    const host = await hostWith();
    const before = await host.run(['status']);
    expect(before).toMatchObject({ exitCode: 1, stderr: '' });
    expect(before.stdout).toMatch(/^LATE shop: nothing .*there is no snapshot\n$/);
    const { snapshot } = await backUp(host);
    const { stdout } = await host.good(['status']);
    expect(stdout).toMatch(new RegExp(`^OK +shop: ${snapshot} .* old, limit .*: fresh\\n$`));
    const { json } = await host.good(['status', '--json']);
    expect(json[0]).toMatchObject({ type: 'status', set: 'shop', ok: true, snapshots: 1, newest: snapshot });
    expect(json.at(-1)).toMatchObject({ type: 'summary', sets: 1, late: [] });
  });

  test.each([
    [20, '', 0, /^OK +shop: .* 20 h old, limit 1 d 3 h: fresh$/m],
    [30, '', 1, /^LATE shop: .* 1 d 6 h old, limit 1 d 3 h: the newest snapshot is too old$/m],
    [30, 'promises: { backup_every: 48h }\n', 0, /^OK +shop: .*limit 2 d 6 h: fresh$/m],
    [3, 'promises: { backup_every: 2h }\n', 1, /^LATE shop: .*too old$/m],
    [2, 'promises: { backup_every: 2h }\n', 0, /^OK +shop/m],
  ])('a snapshot of %i hours against "%s": exit %i', async (hours, promises, exitCode, line) => {
    const result = await (await monitorOfAge(hours, promises)).run(['status']);
    expect(result).toMatchObject({ exitCode, stderr: '' });
    expect(result.stdout).toMatch(line);
  });

  test('one late set among good ones is late, and only the named ones are asked', async () => {
    const host = await hostWith();
    const path = join(await tempFolder('crm'), 'crm.db');
    openShop(path, 50);
    await addSet(host, 'crm', path);
    await backUp(host, ['shop']);
    const result = await host.run(['status', '--json']);
    expect(result.exitCode).toBe(1);
    expect(result.json.at(-1)).toMatchObject({ type: 'summary', sets: 2, late: ['crm'] });
    await host.good(['status', 'shop']);
    expect((await host.run(['status', 'crm'])).exitCode).toBe(1);
    expectComplaint(await host.run(['status', 'cmr']), { exit: 2, error: /cmr/, hint: /crm/ });
  });

  test.each([
    [20, 'OK', 0],
    [26, 'WARNING', 1],
    [30, 'CRITICAL', 2],
  ] as const)('as a plugin, a snapshot of %i hours is %s', async (hours, state, exitCode) => {
    const machine = await monitorOfAge(hours);
    const result = await machine.run(['status', '--nagios']);
    expect(result).toMatchObject({ exitCode, stderr: '' });
    expect(result.stdout).toMatch(new RegExp(`^HOLDFAST ${state} - .* \\| 'shop age'=\\d+s;86400;97200;0\n`));
  });

  test('as a plugin, what cannot be found out is unknown, on stdout', async () => {
    const machine = await monitorOfAge(1);
    const file = join(machine.folder, 'holdfast.yaml');
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace(/^store: .*$/m, 'store: file:///nowhere/at/all'),
    );
    const result = await machine.run(['status', '--nagios']);
    expect(result).toMatchObject({ exitCode: 3, stderr: '' });
    expect(result.stdout).toMatch(/^HOLDFAST UNKNOWN - .*\/nowhere\/at\/all/);
    await writeFile(file, 'version: 2\n');
    expect(await machine.run(['status', '--nagios'])).toMatchObject({ exitCode: 3, stderr: '' });
  });

  test('an entry that does not verify is not passed over', async () => {
    const host = await hostWith();
    await backUp(host);
    await backUp(host);
    const [entry = ''] = (await keysIn(host.place)).filter((key) => key.endsWith('entry.json'));
    await tamper(host.place, async (store) => {
      await store.put(entry, Buffer.from('{}\n'));
    });
    const result = await host.run(['status']);
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toMatch(/^LATE shop: .*cannot be verified$/m);
  });

  test('a snapshot whose manifest is gone or cut is not fresh', async () => {
    const host = await hostWith();
    const { snapshot } = await backUp(host);
    const manifest = (await keysIn(host.place)).find((key) => key.endsWith('manifest.pgp')) ?? '';
    await tamper(host.place, (store) => store.put(manifest, Buffer.from('short')));
    const cut = await host.run(['status', '--json']);
    expect(cut.exitCode).toBe(1);
    expect(cut.json[0]).toMatchObject({ ok: false, reason: expect.stringContaining('has 5 of ') as string });
    await tamper(host.place, (store) => store.remove([manifest]));
    const gone = await host.run(['status']);
    expect(gone.exitCode).toBe(1);
    expect(gone.stdout).toMatch(
      new RegExp(`^LATE shop: .*: ${snapshot} cannot be restored: its manifest is gone$`, 'm'),
    );
    expect((await host.run(['status', '--nagios'])).exitCode).toBe(2);
  });

  test('a ledger that does not hold is an alarm of its set, and hides no other one', async () => {
    const host = await hostWith();
    const path = join(await tempFolder('crm'), 'crm.db');
    openShop(path, 50);
    await addSet(host, 'crm', path);
    await backUp(host, ['shop']);
    await tamper(host.place, async (store) => {
      await store.put('ledger/crm/db1/0000000001.json', Buffer.from('{}\n'));
    });
    const result = await host.run(['status']);
    expect(result).toMatchObject({ exitCode: 4, stderr: '' });
    expect(result.stdout).toMatch(/^LATE crm: .*ledger.*\nOK +shop: .*fresh\n$/);
    expect((await host.run(['status', '--json'])).json).toMatchObject([
      { type: 'status', set: 'crm', ok: false, code: expect.any(String) as string },
      { type: 'status', set: 'shop', ok: true },
      { type: 'summary', sets: 2, late: ['crm'] },
    ]);
    const listed = await host.run(['snapshots', '--json']);
    expect(listed.exitCode).toBe(4);
    expect(listed.json).toMatchObject([
      { type: 'error', set: 'crm', code: expect.any(String) as string },
      { type: 'snapshot', set: 'shop' },
      { type: 'summary', snapshots: 1, failed: ['crm'] },
    ]);
    const plugin = await host.run(['status', '--nagios']);
    expect(plugin).toMatchObject({ exitCode: 2, stderr: '' });
    expect(plugin.stdout).toMatch(/^HOLDFAST CRITICAL - 1 of 2: crm: .*\| 'shop age'=/);
  });
});
