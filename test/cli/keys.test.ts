/**
 * Goal: a recipient that cannot read is refused before any dump starts, a key that does not open says why, and a host
 * that nobody vouches for is not believed.
 */
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { generateRecipientKey } from '../../src/openpgp/keys.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, keysIn, machineIn, makeHost, snapshotsOf } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { UNFIT_KEYS, keyEndingIn } from '../services/odd-keys.ts';
import { expectRefusal } from '../services/refusal.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { pathWith } from '../services/tools.ts';
import { usePostgres } from '../services/use.ts';

let shop: string;

beforeAll(async () => {
  shop = join(await tempFolder('shop'), 'shop.db');
  openShop(shop, 100);
});

describe('a recipient', () => {
  let host: Host;
  let recipient: string;
  let good: Buffer;
  let calls: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase('keys');
    await postgres.psql(url, 'CREATE TABLE t AS SELECT 1 AS x;');
    host = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
      env: { SHOP_DATABASE_URL: url },
    });
    recipient = join(host.folder, 'keys/escrow.asc');
    good = await readFile(recipient);
    calls = join(await tempFolder('calls'), 'calls');
    const log = (tool: string) => `echo ${tool} "$@" >>${calls}\nexec "$REAL/${tool}" "$@"`;
    env = { PATH: await pathWith({ pg_dump: log('pg_dump'), pg_dumpall: log('pg_dumpall') }) };
  });

  test.each(UNFIT_KEYS)('that %s is refused by backup before any dump tool starts', async (_, make, why) => {
    await writeFile(recipient, (await make()).armor());
    const mend = () => writeFile(recipient, good);
    const before = await keysIn(host.place);
    await expectRefusal(host, {
      env,
      exit: 12,
      error: new RegExp(`recipient key .*escrow\\.asc cannot be used: .*${why.source}`),
      hint: /holdfast keys check/,
      mend: async () => {
        expect(existsSync(calls)).toBe(false);
        expect(await keysIn(host.place)).toEqual(before);
        await expectJudged(why);
        await mend();
      },
    });
  });

  async function expectJudged(why: RegExp): Promise<void> {
    const check = await host.run(['keys', 'check']);
    expect(check.exitCode).toBe(12);
    expect(check.stdout).toMatch(new RegExp(`^UNFIT recipient .*escrow\\.asc.*${why.source}`, 'm'));
    expect(check.stdout).toMatch(/^OK +recipient .*ops\.asc/m);
    expect(check.stdout).toMatch(/^OK +signing .*host\.key/m);
    const doctor = await host.run(['doctor']);
    expect(doctor.exitCode).toBe(1);
    expect(doctor.stdout).toMatch(new RegExp(`^WRONG +recipient .*escrow\\.asc: .*${why.source}`, 'm'));
  }

  test.each(UNFIT_KEYS)('that %s is refused by init, which writes nothing', async (_, make, why) => {
    const machine = await machineIn(await tempFolder('host'), {});
    await writeFile(join(machine.folder, 'bad.asc'), (await make()).armor());
    const place = await folderPlace();
    const set = ['--set', 'shop', '--source', 'sqlite', '--path', shop];
    const result = await machine.run([
      'init',
      '--yes',
      '--store',
      place.url,
      ...set,
      '--recipient',
      'bad.asc',
    ]);
    expectComplaint(result, { exit: 12, error: why, hint: /key/ });
    expect(await readdir(machine.folder)).toEqual(['bad.asc']);
    expect(await keysIn(place)).toEqual([]);
  });

  test('that ends in 30 days is used, with a warning', async () => {
    await writeFile(recipient, (await keyEndingIn(30)).armor());
    onTestFinished(() => writeFile(recipient, good));
    const { stderr } = await host.good(['backup']);
    expect(stderr).toMatch(
      /^holdfast: warning: recipient key .*escrow\.asc expires in 30 days, on \d{4}-\d\d-\d\d\n$/,
    );
    expect((await host.good(['keys', 'check'])).stdout).toMatch(
      /^SOON +recipient .*escrow\.asc.*expires in 30 days/m,
    );
    expect((await host.good(['doctor'])).stdout).toMatch(
      /^warning +recipient .*escrow\.asc: expires in 30 days/m,
    );
    await writeFile(recipient, (await keyEndingIn(90)).armor());
    expect((await host.good(['backup'])).stderr).toBe('');
  });

  test('that is no key, or not there', async () => {
    const mend = () => writeFile(recipient, good);
    await writeFile(recipient, 'ssh-ed25519 AAAAC3Nza someone@somewhere\n');
    await expectRefusal(host, {
      exit: 2,
      error: /escrow\.asc is not a readable OpenPGP key/,
      hint: /gpg --armor --export/,
      mend,
    });
    await execa('rm', [recipient]);
    await expectRefusal(host, {
      exit: 12,
      error: /cannot read the key file .*escrow\.asc/,
      hint: /path/,
      mend,
    });
  });

  test('keys list shows what is in use', async () => {
    const { json } = await host.good(['keys', 'list', '--json']);
    const rows = json.filter(({ type }) => type === 'key');
    expect(rows.map(({ role }) => role)).toEqual(['recipient', 'recipient', 'signing']);
    const { stdout } = await host.good(['keys', 'list']);
    for (const { fingerprint } of rows) expect(stdout).toContain(fingerprint);
    expect(stdout).not.toContain('PRIVATE');
  });
});

describe('a key for reading', () => {
  let host: Host;

  beforeAll(async () => {
    host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', shop] });
    await backUp(host);
  });

  const readings: readonly (readonly string[])[] = [
    ['cat', 'shop'],
    ['restore', 'shop', '--to', 'never.db'],
    ['verify', '--read-data'],
  ];

  async function expectNoWayIn(
    key: string | undefined,
    complaint: Omit<Parameters<typeof expectComplaint>[1], 'exit'>,
    env = {},
  ) {
    const reader = await host.reader();
    for (const args of readings) {
      const all = { HOLDFAST_KEY: undefined, ...env };
      const result = await reader.run([...args, ...(key === undefined ? [] : ['--key', key])], { env: all });
      expectComplaint(result, { exit: 12, ...complaint });
      expect(result.stdout).toBe('');
      expect(existsSync(join(reader.folder, 'never.db'))).toBe(false);
    }
  }

  test('none', () => expectNoWayIn(undefined, { error: /private key is needed/, hint: /--key FILE/ }));

  test('of somebody else', async () => {
    const file = join(await tempFolder(), 'other.key');
    await writeFile(file, (await generateRecipientKey('other')).armor());
    await expectNoWayIn(file, {
      error: /is encrypted to [0-9a-f]{16}, [0-9a-f]{16}, not to [0-9a-f]{16}/,
      hint: /--key FILE/,
    });
  });

  test('without its secret', () =>
    expectNoWayIn(join(host.folder, 'keys/ops.asc'), {
      error: /holds only public keys/,
      hint: /--key FILE/,
    }));

  test('of the host, which only signs', () =>
    expectNoWayIn(join(host.folder, 'keys/host.key'), { error: /is encrypted to/, hint: /--key FILE/ }));

  test('that is not there', () =>
    expectNoWayIn('/nowhere/ops.key', { error: /cannot read the key file/, hint: /path/ }));

  test('with a wrong passphrase, with none, and with a passphrase file that is not there', async () => {
    const folder = await tempFolder();
    const file = join(folder, 'passphrase');
    await writeFile(file, 'hush-hush\n', { mode: 0o600 });
    const wrong = {
      error: /passphrase does not open .*escrow\.key/,
      hint: /HOLDFAST_PASSPHRASE_FILE/,
      secrets: ['hush-hush'],
    };
    await expectNoWayIn(host.escrowKey, wrong, { HOLDFAST_PASSPHRASE_FILE: file });
    const none = { error: /protected by a passphrase/, hint: /HOLDFAST_PASSPHRASE_FILE/ };
    await expectNoWayIn(host.escrowKey, none);
    const reader = await host.reader();
    const gone = { HOLDFAST_PASSPHRASE_FILE: join(folder, 'gone') };
    const result = await reader.run(['cat', 'shop', '--key', host.escrowKey], { env: gone });
    expectComplaint(result, { exit: 2, error: /HOLDFAST_PASSPHRASE_FILE/, hint: /file|path/i });
  });

  test('in a key ring of gpg', async () => {
    const home = await tempFolder('gnupg');
    onTestFinished(async () => {
      await execa('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
    });
    const reader = await host.reader();
    const env = { HOLDFAST_KEY: undefined, GNUPGHOME: home };
    const refused = await reader.run(['cat', 'shop', '--gpg'], { env });
    expectComplaint(refused, { exit: 12, error: /gpg could not open/, hint: /list-secret-keys/ });
    await execa('gpg', ['--homedir', home, '--batch', '--quiet', '--import', host.opsKey]);
    const { stdout } = await reader.good(['cat', 'shop', '--gpg'], { env });
    expect(stdout === (await reader.good(['cat', 'shop'])).stdout).toBe(true);
  });
});

describe('a host that was set up with recipients only', () => {
  test('is believed by readers once a recipient vouches for it', async () => {
    const place = await folderPlace();
    const folder = await tempFolder('host');
    const ops = await generateRecipientKey('ops');
    const opsKey = join(await tempFolder('usb'), 'ops.key');
    await writeFile(opsKey, ops.armor());
    await writeFile(join(folder, 'ops.asc'), ops.toPublic().armor());
    const host = await machineIn(folder, {});
    const set = ['--set', 'shop', '--source', 'sqlite', '--path', shop];
    const init = await host.good(['init', '--yes', '--store', place.url, ...set, '--recipient', 'ops.asc']);
    expect(init.stdout).not.toContain('PRIVATE KEY');
    const fingerprint = /holdfast keys trust ([0-9a-f]{40})/.exec(init.stderr)?.[1] ?? '';
    expect(fingerprint).not.toBe('');
    expect((await host.good(['doctor'])).stdout).toContain(`holdfast keys trust ${fingerprint}`);
    await backUp(host);

    const reader = await machineIn(await tempFolder('reader'), { HOLDFAST_KEY: opsKey });
    const config = (await readFile(join(folder, 'holdfast.yaml'), 'utf8')).replace(/^signing_key: .*$/m, '');
    await writeFile(join(reader.folder, 'holdfast.yaml'), config);
    await execa('cp', ['-r', '--parents', 'keys/ops.asc', reader.folder], { cwd: folder });
    const untrusted = {
      exit: 4,
      error: new RegExp(`signed by ${fingerprint}.*does not trust`),
      hint: /holdfast keys trust/,
    };
    for (const args of [['verify'], ['snapshots'], ['cat', 'shop']])
      expectComplaint(await reader.run(args), untrusted);

    const stranger = join(await tempFolder(), 'stranger.key');
    await writeFile(stranger, (await generateRecipientKey('stranger')).armor());
    const refused = await reader.run(['keys', 'trust', fingerprint, '--key', stranger]);
    expectComplaint(refused, { exit: 12, error: /not the private key of a recipient/, hint: /recipients/i });
    const unknown = await reader.run(['keys', 'trust', 'f'.repeat(40)]);
    expectComplaint(unknown, { exit: 2, error: /no host key/, hint: /holdfast init/ });
    await reader.good(['keys', 'trust', fingerprint]);
    await reader.good(['verify', '--read-data']);
    expect(await snapshotsOf(reader)).toHaveLength(1);
    expect((await host.good(['doctor'])).stdout).not.toContain('keys trust');
  });
});

describe('init', () => {
  test('protects the private key with the passphrase of HOLDFAST_PASSPHRASE_FILE, closed to others', async () => {
    const folder = await tempFolder('host');
    const passphrase = join(await tempFolder(), 'passphrase');
    await writeFile(passphrase, 'correct horse\n', { mode: 0o600 });
    const host = await machineIn(folder, { HOLDFAST_PASSPHRASE_FILE: passphrase });
    const set = ['--set', 'shop', '--source', 'sqlite', '--path', shop];
    const place = await folderPlace();
    const { stdout, stderr } = await host.good([
      'init',
      '--yes',
      '--store',
      place.url,
      ...set,
      '--private-key-out',
      'ops.key',
    ]);
    expect(stdout + stderr).not.toContain('correct horse');
    expect((await execa('stat', ['-c', '%a', 'ops.key', 'keys/host.key'], { cwd: folder })).stdout).toBe(
      '600\n600',
    );
    await backUp(host);
    await host.good(['verify', '--read-data', '--key', 'ops.key']);
    const bare = await host.run(['cat', 'shop', '--key', 'ops.key'], {
      env: { HOLDFAST_PASSPHRASE_FILE: undefined },
    });
    expectComplaint(bare, { exit: 12, error: /protected by a passphrase/, hint: /HOLDFAST_PASSPHRASE_FILE/ });
  });

  test('never writes over a configuration or keys, and a second host joins the store', async () => {
    const place = await folderPlace();
    const host = await makeHost({ place, source: ['--source', 'sqlite', '--path', shop] });
    const before = await readFile(join(host.folder, 'holdfast.yaml'), 'utf8');
    const set = ['--set', 'shop', '--source', 'sqlite', '--path', shop, '--recipient'];
    const args = ['init', '--yes', '--store', place.url, ...set, 'escrow.asc'];
    expectComplaint(await host.run(args), { exit: 2, error: /already|exists/, hint: /\w/ });
    expect(await readFile(join(host.folder, 'holdfast.yaml'), 'utf8')).toBe(before);

    const other = await machineIn(await tempFolder('host'), {});
    await execa('cp', [join(host.folder, 'keys/ops.asc'), other.folder]);
    const joined = await other.good(['init', '--yes', '--store', place.url, ...set, 'ops.asc']);
    expect(joined.stdout).toContain('joined the store');
  });

  // It never replaces a file, so one that no command takes would have to be removed by hand, with keys and store.
  test.each([
    ['--set', 'My Shop', /sets\."My Shop": must be/],
    ['--keep', '0d', /sets\.shop\.keep/],
    ['--endpoint', 'http://x/y', /s3\.endpoint/],
  ])('%s %s is refused before anything is made', async (option, value, error) => {
    const place = await folderPlace();
    const machine = await machineIn(await tempFolder('host'), {});
    const set = ['--set', 'shop', '--source', 'sqlite', '--path', shop, '--private-key-out', 'ops.key'];
    const result = await machine.run(['init', '--yes', '--store', place.url, ...set, option, value]);
    expectComplaint(result, { exit: 2, error, hint: /Nothing was written/ });
    expect(result.stderr).not.toContain('holdfast.yaml:');
    expect(await readdir(machine.folder)).toEqual([]);
    expect(existsSync(fileURLToPath(place.url))).toBe(false);
  });

  test('that fails at any write to the store leaves nothing in the way of the next one', async () => {
    const place = await folderPlace();
    const machine = await machineIn(await tempFolder('host'), {});
    const set = ['--set', 'shop', '--source', 'sqlite', '--path', shop, '--private-key-out', 'ops.key'];
    const args = ['init', '--yes', '--store', place.url, ...set];
    let failures = 0;
    for (; failures < 20; failures++) {
      const env = { HOLDFAST_TEST_FAULT: `fail:${String(failures + 1)}:STORE_FULL` };
      const result = await machine.run(args, { env });
      if (result.exitCode === 0) break;
      expectComplaint(result, { exit: 1, error: /STORE_FULL/, hint: /HOLDFAST_TEST_FAULT/ });
      expect((await readdir(machine.folder, { recursive: true })).filter((name) => name !== 'keys')).toEqual(
        [],
      );
      expect(await keysIn(place)).not.toContain('holdfast.json');
    }
    // RECOVERY.md, recover.sh and its signature, the host's key, the header.
    expect(failures).toBe(5);
    await backUp(machine);
    await machine.good(['verify', '--read-data', '--key', 'ops.key']);
  });
});
