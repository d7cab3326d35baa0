/** Goal: recipients come and go by the command line, in the configuration and in what exists, and nobody locks himself out. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { armorPrivateKey } from '../../src/openpgp/keys.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, keysIn, makeHost, oldKey, snapshotsOf } from '../services/machines.ts';
import type { Host, Machine } from '../services/machines.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { addSet } from '../services/two-sets.ts';

let shop: string;

beforeAll(async () => {
  shop = join(await tempFolder('shop'), 'shop.db');
  openShop(shop, 50);
});

async function start(): Promise<{ host: Host; operator: Machine }> {
  const host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', shop] });
  const operator = await host.reader();
  for (const machine of [host, operator]) {
    const key = machine === host ? await oldKey('new') : undefined;
    if (key) {
      await writeFile(join(host.folder, 'keys/new.asc'), key.toPublic().armor());
      await writeFile(join(operator.folder, 'new.key'), await armorPrivateKey(key, undefined));
    }
  }
  await writeFile(join(operator.folder, 'keys/new.asc'), await readFile(join(host.folder, 'keys/new.asc')));
  return { host, operator };
}

const configOf = (machine: Machine) => readFile(join(machine.folder, 'holdfast.yaml'), 'utf8');

describe('a recipient', () => {
  test('comes and goes: from the next backup on, and with keys rotate in what exists', async () => {
    const { host, operator } = await start();
    const before = await configOf(host);
    for (const machine of [host, operator]) {
      const { stdout } = await machine.good(['keys', 'add', 'keys/new.asc']);
      expect(stdout).toMatch(/^[0-9a-f]{40} \(new\) is a recipient from the next backup on$/m);
      expect(stdout).toContain('holdfast keys rotate --key FILE');
    }
    const added = await configOf(host);
    expect(added).toContain('keys/new.asc');
    const comments = (text: string) => text.split('\n').filter((line) => line.trim().startsWith('#'));
    expect(comments(added)).toEqual(comments(before));
    expect((await host.good(['keys', 'add', 'keys/new.asc'])).stderr).toContain('is a recipient already');
    await backUp(host);

    for (const machine of [host, operator])
      await machine.good(['keys', 'remove', 'keys/ops.asc'], { env: { HOLDFAST_KEY: undefined } });
    expect(await configOf(host)).toMatch(/^former_recipients: \[keys\/ops\.asc\]$/m);
    // In between nothing stops: the former recipient has initialised the store and vouched for the host.
    await backUp(host);
    const keys = ['--key', host.opsKey, '--key', 'new.key', '--sign-with', 'new.key'];
    const plan = await operator.good(['keys', 'rotate', '--dry-run', ...keys, '--json']);
    expect(plan.json.find(({ type }) => type === 'plan')).toMatchObject({
      set: 'shop',
      settled: 1,
    });
    const objects = await keysIn(host.place);

    const done = await operator.good(['keys', 'rotate', ...keys, '--json']);
    expect(done.json.at(-1)).toMatchObject({ type: 'summary', complete: true });
    expect(done.json.find(({ type }) => type === 'rotation')).toMatchObject({
      resealed: 1,
      removed: 1,
      left: [],
    });
    expect((await keysIn(host.place)).filter((key) => key.includes('/packs/'))).toEqual(
      objects.filter((key) => key.includes('/packs/')),
    );
    for (const snapshot of await snapshotsOf(operator)) {
      await operator.good(['cat', `shop@${snapshot}`, '--key', 'new.key']);
      const refused = await operator.run(['cat', `shop@${snapshot}`, '--key', host.opsKey]);
      expectComplaint(refused, { exit: 12, error: /is encrypted to/, hint: /--key FILE/ });
    }
    expect((await operator.good(['verify', '--read-data', '--key', 'new.key'])).stdout).toContain(
      '2 of 2 snapshots sound',
    );
    expect((await host.good(['status'])).stdout).toMatch(/^OK/);
    await backUp(host);
  });

  test('is not removed when it is the last one, or the only key at hand', async () => {
    const { host, operator } = await start();
    const own = await operator.run(['keys', 'remove', 'keys/ops.asc']);
    expectComplaint(own, { exit: 7, error: /only private key at hand/, hint: /--key FILE/ });
    const unknown = await host.run(['keys', 'remove', 'keys/new.asc']);
    expectComplaint(unknown, { exit: 2, error: /not one of the recipients/, hint: /keys list/ });
    await host.good(['keys', 'remove', 'escrow.asc']);
    const last = await host.run(['keys', 'remove', 'keys/ops.asc']);
    expectComplaint(last, { exit: 7, error: /last recipient/, hint: /keys add/ });
    await host.good(['keys', 'add', 'escrow.asc']);
    expect(await configOf(host)).not.toContain('former_recipients');
  });

  test('is a public key that can encrypt', async () => {
    const { host, operator } = await start();
    const secret = await operator.run(['keys', 'add', 'new.key']);
    expectComplaint(secret, { exit: 2, error: /holds a private key/, hint: /--export/ });
    const unfit = await host.run(['keys', 'add', 'keys/host.key']);
    expectComplaint(unfit, { exit: 2, error: /holds a private key/, hint: /--export/ });
    const text = await configOf(host);
    await writeFile(join(host.folder, 'keys/junk.asc'), 'junk\n');
    expectComplaint(await host.run(['keys', 'add', 'keys/junk.asc']), {
      exit: 2,
      error: /not a readable/,
      hint: /gpg/,
    });
    expect(await configOf(host)).toBe(text);
  });
});

describe('keys rotate', () => {
  test('takes from somebody who is gone what the keys at hand open, and says what only the gone one opens', async () => {
    const { host, operator } = await start();
    const { snapshot: closed } = await backUp(host);
    for (const machine of [host, operator]) await machine.good(['keys', 'add', 'keys/new.asc']);
    const { snapshot: shared } = await backUp(host);
    for (const machine of [host, operator])
      await machine.good(['keys', 'remove', 'keys/ops.asc', '--key', join(operator.folder, 'new.key')]);

    const plan = await operator.good(['keys', 'rotate', '--dry-run', '--key', 'new.key']);
    expect(plan.stdout).toContain(`shop: ${closed} is left as it is: none of the keys at hand opens it`);
    expect(plan.stdout).not.toContain(shared);
    for (const resealed of [1, 0]) {
      const run = await operator.run(['keys', 'rotate', '--key', 'new.key', '--json']);
      expect(run.exitCode).toBe(3);
      expect(run.json.find(({ type }) => type === 'rotation')).toMatchObject({
        resealed,
        removed: resealed,
        unopened: [closed],
      });
    }
    const told = await operator.run(['keys', 'rotate', '--key', 'new.key']);
    expect(told.stdout).toMatch(new RegExp(`${closed} is left as it is: .* is encrypted to`));
    expect(told.stdout).toMatch(/NOT COMPLETE: .* give a key that opens what is left with --key/);
    await operator.good(['cat', `shop@${shared}`, '--key', 'new.key']);
    expect((await operator.run(['cat', `shop@${shared}`])).exitCode).toBe(12);
    await operator.good(['cat', `shop@${closed}`]);

    const both = ['--key', host.opsKey, '--key', 'new.key'];
    expect((await operator.good(['keys', 'rotate', ...both])).stdout).toMatch(/1 manifest sealed anew/);
    expect((await operator.run(['cat', `shop@${closed}`])).exitCode).toBe(12);
  });

  test('of a set that no key at hand opens keeps no other set from being rotated', async () => {
    const { host, operator } = await start();
    const old = join(await tempFolder('old'), 'old.db');
    openShop(old, 5);
    // The first in the configuration.
    for (const machine of [host, operator]) await addSet(machine, 'archive', old);
    await backUp(host, ['archive']);
    for (const machine of [host, operator]) await machine.good(['keys', 'add', 'keys/new.asc']);
    const { snapshot } = await backUp(host, ['shop']);
    await operator.good(['keys', 'remove', 'keys/ops.asc', '--key', 'new.key']);
    const result = await operator.run(['keys', 'rotate', '--key', 'new.key', '--json']);
    expect(result.exitCode).toBe(12);
    expect(result.json).toContainEqual(
      expect.objectContaining({ type: 'error', set: 'archive', code: 'KEY_DOES_NOT_OPEN' }),
    );
    expect(result.json.find(({ type }) => type === 'rotation')).toMatchObject({
      set: 'shop',
      complete: true,
    });
    expect(result.json.at(-1)).toMatchObject({ type: 'summary', failed: ['archive'], complete: false });
    expect((await operator.run(['cat', `shop@${snapshot}`])).exitCode).toBe(12);
  });

  test('says what it needs, and what it cannot take back', async () => {
    const { host, operator } = await start();
    await backUp(host);
    const env = { HOLDFAST_KEY: undefined };
    const none = await operator.run(['keys', 'rotate'], { env });
    expectComplaint(none, { exit: 12, error: /private key is needed/, hint: /--key FILE/ });
    await operator.good(['keys', 'add', 'keys/new.asc']);
    await operator.good(['keys', 'remove', 'keys/ops.asc', '--key', 'new.key']);
    const leaving = await operator.run(['keys', 'rotate', '--key', host.opsKey]);
    expectComplaint(leaving, {
      exit: 2,
      error: /neither a recipient nor a purge signer/,
      hint: /--sign-with/,
    });
    const gpg = await operator.run(['keys', 'rotate', '--gpg'], { env });
    expectComplaint(gpg, { exit: 2, error: /nothing is there to sign/, hint: /--sign-with/ });
    const wrong = await operator.run(['keys', 'rotate', '--key', 'new.key']);
    expectComplaint(wrong, { exit: 12, error: /is encrypted to/, hint: /--key FILE/ });
    expect((await operator.good(['keys', 'rotate', '--help'])).stdout).toMatch(
      /cannot take back[^]*old manifests/,
    );
  });
});

describe('keys check', () => {
  test('proves who can open what is sealed to a recipient, with a file and with gpg', async () => {
    const { host, operator } = await start();
    const bare = await operator.good(['keys', 'check'], { env: { HOLDFAST_KEY: undefined } });
    expect(bare.stdout.match(/fit, not proven/g)).toHaveLength(2);
    const { stdout } = await operator.good(['keys', 'check']);
    expect(stdout).toMatch(/ops\.asc .*: fit, proven: .*ops\.key opens what is sealed to it/);
    expect(stdout).toMatch(/escrow\.asc .*: fit, not proven/);
    const records = await operator.good(['keys', 'check', '--json']);
    expect(records.json.at(-1)).toMatchObject({ proven: 1, unfit: 0 });

    const home = await tempFolder('gnupg');
    await execa('gpg', ['--homedir', home, '--batch', '--quiet', '--import', host.opsKey]);
    const gpg = await operator.good(['keys', 'check', '--gpg'], {
      env: { HOLDFAST_KEY: undefined, GNUPGHOME: home },
    });
    expect(gpg.stdout).toMatch(/ops\.asc .*: fit, proven: gpg opens what is sealed to it/);
    await execa('gpgconf', ['--homedir', home, '--kill', 'gpg-agent'], { reject: false });
  });
});
