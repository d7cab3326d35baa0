/**
 * Goal: what is sealed opens for its recipients, with holdfast and with stock gpg, and for nobody else; none of it leaves
 * without a line in the ledger, which says nothing about what it was; in the store it ends by itself.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test, vi } from 'vitest';
import { seal } from '../../src/seal/seal.ts';
import { calendar } from '../services/calendar.ts';
import { HOLDFAST } from '../services/cli.ts';
import { expectComplaint } from '../services/complaint.ts';
import {
  PLACES,
  backUp,
  committedIn,
  bucketPlace,
  folderPlace,
  keysIn,
  machineIn,
  makeHost,
  oldKey,
  tamper,
} from '../services/machines.ts';
import type { Host, Machine } from '../services/machines.ts';
import { makePast } from '../services/past.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { SIGNAL } from '../services/world.ts';

const SECRET = 'anna@example.org;4711\n';

async function hostAt(place: Parameters<typeof makeHost>[0]['place']): Promise<Host> {
  return makeHost({ place, source: ['--source', 'sqlite', '--path', '/srv/none.db'] });
}

async function folderHost(): Promise<Host> {
  return hostAt(await folderPlace());
}

/** A home for gpg with one private key, and the key of the host: without it gpg opens as well, and says that with its exit code. */
async function gpgWith(
  keyFile: string,
  host: Host,
): Promise<(args: string[], input?: Buffer) => Promise<Buffer>> {
  const home = await tempFolder('gnupg');
  const gpg = async (args: string[], input: Buffer = Buffer.alloc(0)): Promise<Buffer> => {
    const options = {
      env: { GNUPGHOME: home },
      input,
      encoding: 'buffer',
      stripFinalNewline: false,
    } as const;
    const { stdout } = await execa(
      'gpg',
      ['--batch', '--quiet', '--trust-model', 'always', ...args],
      options,
    );
    return Buffer.from(stdout);
  };
  await gpg(['--import', keyFile, join(host.folder, 'keys/host.asc')]);
  return gpg;
}

/** Every line of the ledger of what was sealed, oldest first. */
async function ledgerOf({ place }: Host): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  await tamper(place, async (store) => {
    for await (const { key } of store.list('ledger/sealed/')) {
      const [line = ''] = (await store.get(key)).toString().split('\n');
      lines.push(JSON.parse(line) as Record<string, unknown>);
    }
  });
  return lines.sort((a, b) => Number(a['seq']) - Number(b['seq']));
}

const sealedRecord = (json: readonly Record<string, unknown>[]) =>
  json.find(({ type }) => type === 'sealed') ?? {};

describe('a file', () => {
  test('becomes FILE.pgp, which unseal and stock gpg open, and the ledger has it without its name', async () => {
    const host = await folderHost();
    const file = join(host.folder, 'customers of May.csv');
    await writeFile(file, SECRET);
    const { json } = await host.good(['seal', file, '--ref', 'TICKET-7', '--json']);
    const sealed = await readFile(`${file}.pgp`);
    expect(sealed.includes('anna')).toBe(false);
    const sha256 = createHash('sha256').update(sealed).digest('hex');
    expect(sealedRecord(json)).toMatchObject({
      to: 'file',
      sha256,
      bytes: sealed.length,
      plain_bytes: SECRET.length,
    });
    expect((await stat(`${file}.pgp`)).mode & 0o777).toBe(0o600);

    const gpg = await gpgWith(host.opsKey, host);
    expect((await gpg(['--decrypt'], sealed)).toString()).toBe(SECRET);

    const reader = await host.reader();
    const out = join(reader.folder, 'out.csv');
    await reader.good(['unseal', `${file}.pgp`, '-o', out]);
    expect(await readFile(out, 'utf8')).toBe(SECRET);
    expect((await reader.good(['unseal', `${file}.pgp`, '-o', '-'])).stdout).toBe(SECRET);

    const [line, ...more] = await ledgerOf(host);
    expect(more).toEqual([]);
    expect(line?.['event']).toMatchObject({
      type: 'sealed',
      to: 'file',
      sha256,
      bytes: sealed.length,
      ref: 'TICKET-7',
    });
    expect(JSON.stringify(line)).not.toMatch(/customers|May|csv/);
  });

  test('goes through stdout with nothing else in it', async () => {
    const host = await folderHost();
    await writeFile(join(host.folder, 'a.csv'), SECRET);
    const both = await host.run(['seal', 'a.csv', '-o', '-', '--json']);
    expect(both.exitCode).toBe(2);
    expect(both.stdout).toContain('stdout is the sealed message');
    const { stdout } = await host.good(['seal', 'a.csv', '-o', '-'], { encoding: 'latin1' });
    const gpg = await gpgWith(host.opsKey, host);
    expect((await gpg(['--decrypt'], Buffer.from(stdout, 'latin1'))).toString()).toBe(SECRET);
  });

  test('is never written over, nor half there', async () => {
    const host = await folderHost();
    await writeFile(join(host.folder, 'a.csv'), SECRET);
    await writeFile(join(host.folder, 'a.csv.pgp'), 'mine');
    const complaint = { exit: 6, error: /a\.csv\.pgp is there already$/, hint: /-o FILE/ };
    expectComplaint(await host.run(['seal', 'a.csv']), complaint);
    expect(await readFile(join(host.folder, 'a.csv.pgp'), 'utf8')).toBe('mine');
    expect(await ledgerOf(host)).toEqual([]);
    expectComplaint(await host.run(['seal', 'b.csv']), { exit: 2, error: /cannot read b\.csv/, hint: /tar/ });
    for (const mistyped of ['b.csv.pgp', '20261121T101500Z-9f3a01c'])
      expectComplaint(await host.run(['unseal', mistyped]), {
        exit: 2,
        error: new RegExp(`${mistyped} is no file .* nor the id of something sealed`),
        hint: /unseal --list/,
      });
    expectComplaint(await host.run(['seal', '.', '-o', 'x']), { exit: 2, error: /folder/, hint: /tar/ });
    expect((await readdir(host.folder)).filter((name) => name.includes('.part'))).toEqual([]);
  });

  test('of somebody else: a further recipient opens it, --only leaves the others out', async () => {
    const host = await folderHost();
    const vendor = await oldKey('vendor');
    await writeFile(join(host.folder, 'vendor.asc'), vendor.toPublic().armor());
    const vendorKey = join(await tempFolder('vendor'), 'vendor.key');
    await writeFile(vendorKey, vendor.armor());
    await writeFile(join(host.folder, 'a.csv'), SECRET);
    await host.good(['seal', 'a.csv', '--recipient', 'vendor.asc']);
    await host.good(['seal', 'a.csv', '--recipient', 'vendor.asc', '--only', '-o', 'only.pgp']);
    const vendors = await gpgWith(vendorKey, host);
    const ops = await gpgWith(host.opsKey, host);
    for (const name of ['a.csv.pgp', 'only.pgp'])
      expect((await vendors(['--decrypt', join(host.folder, name)])).toString()).toBe(SECRET);
    expect((await ops(['--decrypt', join(host.folder, 'a.csv.pgp')])).toString()).toBe(SECRET);
    const reader = await host.reader();
    const refused = await reader.run(['unseal', join(host.folder, 'only.pgp'), '-o', 'x']);
    expectComplaint(refused, { exit: 12, error: /is encrypted to .*, not to/, hint: /--key FILE/ });
    expectComplaint(await host.run(['seal', 'a.csv', '--only', '-o', 'z']), {
      exit: 2,
      error: /--only/,
      hint: /--recipient/,
    });
    await writeFile(join(host.folder, 'signs.asc'), await readFile(join(host.folder, 'keys/host.asc')));
    expectComplaint(await host.run(['seal', 'a.csv', '--recipient', 'signs.asc', '-o', 'z']), {
      exit: 12,
      error: /cannot encrypt/,
      hint: /keys check/,
    });
  });

  test('that was changed, cut or sealed by a stranger is refused, and nothing is left of it', async () => {
    const host = await folderHost();
    const reader = await host.reader();
    await writeFile(join(host.folder, 'a.bin'), randomBytes(300_000));
    await host.good(['seal', 'a.bin']);
    const sealed = await readFile(join(host.folder, 'a.bin.pgp'));
    const flipped = Buffer.from(sealed);
    flipped[200_000] = (flipped[200_000] ?? 0) ^ 1;
    for (const wrong of [flipped, sealed.subarray(0, 250_000), sealed.subarray(0, -1), randomBytes(99)]) {
      await writeFile(join(reader.folder, 'w.pgp'), wrong);
      const complaint = { exit: 4, error: /w\.pgp is damaged or was changed/, hint: /Do not use it/ };
      expectComplaint(await reader.run(['unseal', 'w.pgp']), complaint);
    }
    const gpg = await gpgWith(host.opsKey, host);
    const stranger = await gpg(
      ['--sign', '--encrypt', '--recipient', 'holdfast ops', '--local-user', 'holdfast ops'],
      Buffer.from('x'),
    );
    await writeFile(join(reader.folder, 'ours.pgp'), stranger);
    expect((await reader.good(['unseal', 'ours.pgp', '-o', '-'])).stdout).toBe('x');
    await writeFile(
      join(reader.folder, 'w.pgp'),
      await gpg(['--encrypt', '--recipient', 'holdfast ops'], Buffer.from('x')),
    );
    const unsigned = { exit: 4, error: /there is not exactly one signature/, hint: /./ };
    expectComplaint(await reader.run(['unseal', 'w.pgp']), unsigned);
    expect((await readdir(reader.folder)).sort()).toEqual([
      'holdfast.yaml',
      'keys',
      'ours.pgp',
      'state',
      'w.pgp',
    ]);
  });
});

describe('a pipe', () => {
  test('from stdin to stdout and back; announced before the first byte', async () => {
    const host = await folderHost();
    const sealed = await host.good(['seal', '-'], { input: SECRET, encoding: 'latin1' });
    const reader = await host.reader();
    const opened = await reader.good(['unseal', '-'], { input: Buffer.from(sealed.stdout, 'latin1') });
    expect(opened.stdout).toBe(SECRET);
    const events = (await ledgerOf(host)).map(({ event }) => event as Record<string, unknown>);
    expect(events.map(({ type }) => type)).toEqual(['seal-begun', 'sealed']);
    expect(events[0]?.['id']).toBe(events[1]?.['id']);
  });

  test('through which nothing comes is no export', async () => {
    const host = await folderHost();
    const empty = { exit: 1, error: /nothing came through the pipe/, hint: /failed/ };
    for (const to of [[], ['-o', 'a.pgp'], ['--store']])
      expectComplaint(await host.run(['seal', '-', ...to], { input: '' }), empty);
    expect(await ledgerOf(host)).toEqual([]);
    expect(await keysIn(host.place, 'keep-')).toEqual([]);
    expect((await readdir(host.folder)).filter((name) => name.includes('pgp'))).toEqual([]);
  });

  test('that is cancelled while nothing comes ends at once, and leaves nothing', async () => {
    const host = await folderHost();
    const program = execa(process.execPath, [HOLDFAST, 'seal', '-', '-o', 'a.pgp'], {
      ...{ cwd: host.folder, env: host.env, extendEnv: false, reject: false, stdin: 'pipe' },
    });
    program.stdin.write(randomBytes(3_000_000));
    const sizes = async () => {
      const names = (await readdir(host.folder)).filter((name) => name.endsWith('.part'));
      return Promise.all(names.map(async (name) => (await stat(join(host.folder, name))).size));
    };
    await vi.waitUntil(async () => ((await sizes())[0] ?? 0) > 1_000_000, { timeout: 60_000 });
    program.kill('SIGTERM');
    const { exitCode, stderr } = await program;
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 130 });
    expect(stderr).toMatch(/^holdfast: error: cancelled$/m);
    expect((await readdir(host.folder)).filter((name) => name.includes('pgp'))).toEqual([]);
    expect(await ledgerOf(host)).toEqual([]);
  });

  test('of 400 MB takes no more memory than one of 40', async () => {
    const host = await folderHost();
    const peak = async (megabytes: number, ...to: string[]) => {
      const script = `
import resource, subprocess, sys
p = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
block = bytes(range(256)) * 4096
for _ in range(int(sys.argv[1])): p.stdin.write(block)
p.stdin.close()
assert p.wait() == 0
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)`;
      const run = ['-c', script, String(megabytes), process.execPath, HOLDFAST, 'seal', '-', ...to];
      const { stdout } = await execa('python3', run, { cwd: host.folder, env: host.env });
      return Number(stdout) / 1024;
    };
    for (const to of [[], ['--store']]) {
      const [small, large] = [await peak(40, ...to), await peak(400, ...to)];
      // What was not passed on would be ten times as much.
      expect(large).toBeLessThan(small + 200);
    }
  });
});

describe.each(PLACES)('the store in %s', (_, makePlace) => {
  test('takes an export in parts under its life, lists it, and gives it back', async () => {
    const host = await hostAt(await makePlace());
    const content = randomBytes(20_000_000);
    await writeFile(join(host.folder, 'report.bin'), content);
    const { json } = await host.good(['seal', 'report.bin', '--store', '--ttl', '3d', '--json']);
    const { id, end } = sealedRecord(json) as { id: string; end: string };
    expect(new Date(end).getTime() - Date.now()).toBeGreaterThan(2.99 * 86_400_000);
    const parts = await keysIn(host.place, 'keep-');
    expect(parts).toEqual([1, 2, 3].map((part) => `keep-003/sealed/${id}/00000${part}`));
    expect(JSON.stringify(await ledgerOf(host))).not.toContain('report');

    const reader = await host.reader();
    const listed = await reader.good(['unseal', '--list', '--json']);
    expect(listed.json[0]).toMatchObject({ id, to: 'store', in_store: true, complete: true, end });
    await reader.good(['unseal', id]);
    expect((await readFile(join(reader.folder, 'report.bin'))).equals(content)).toBe(true);

    // The parts, joined in the order of their names, are one message.
    const bytes: Buffer[] = [];
    await tamper(host.place, async (store) => {
      for (const key of parts) bytes.push(await store.get(key));
    });
    const gpg = await gpgWith(host.opsKey, host);
    expect((await gpg(['--decrypt'], Buffer.concat(bytes))).equals(content)).toBe(true);

    await tamper(host.place, async (store) => {
      const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = bytes;
      await store.remove(parts.slice(0, 2));
      await store.put(parts[0] ?? '', second);
      await store.put(parts[1] ?? '', first);
    });
    const changed = await reader.run(['unseal', id, '-o', 'again']);
    expectComplaint(changed, { exit: 4, error: /is damaged or was changed/, hint: /./ });
    expect(await readdir(reader.folder)).not.toContain('again');
  });

  test('backs up, checks and restores as before beside sealed exports', async () => {
    const path = join(await tempFolder('shop'), 'shop.db');
    openShop(path, 50);
    const source = ['--source', 'sqlite', '--path', path];
    const host = await makeHost({ place: await makePlace(), source });
    await backUp(host);
    await writeFile(join(host.folder, 'a.csv'), SECRET);
    await host.good(['seal', 'a.csv', '--store']);
    expect(await backUp(host)).toMatchObject({ seq: 2, full: false });
    const reader = await host.reader();
    await reader.good(['verify', '--read-data']);
    expect((await host.good(['expire'])).stdout).not.toContain('sealed');
    await host.good(['doctor']);
    const to = join(await tempFolder('to'), 'shop.db');
    expect((await reader.good(['restore', 'shop', '--to', to])).stdout).toContain('match');
    expect(await committedIn(host.place, 'sealed')).toEqual([]);
  });
});

test('a bucket has no rule for a life that is longer than that of any set', async () => {
  const host = await hostAt(await bucketPlace());
  await writeFile(join(host.folder, 'a.csv'), SECRET);
  const refused = await host.run(['seal', 'a.csv', '--store', '--ttl', '40d']);
  expectComplaint(refused, { exit: 2, error: /longer than any life .*39d/, hint: /--ttl 39d/ });
  await host.good(['seal', 'a.csv', '--store', '--ttl', '39d']);
});

test('past its time it is not given out, and expire removes it from a folder', async () => {
  const world = await makePast();
  await world.backupAgo(1);
  const machine = await world.machine();
  const days = calendar();
  const session = { ...world.session, store: days.wrap(world.store) };
  const sealAgo = async (ago: number, name: string): Promise<string> => {
    days.set(new Date(Date.now() - ago * 86_400_000));
    const report = await seal(
      {
        session,
        author: { writer: 'db1', signer: world.host },
        recipients: [world.ops.toPublic()],
        content: { plain: once(SECRET), filename: name, mustHaveContent: false },
        destination: { to: 'store', days: 7 },
        ref: undefined,
        onProgress: () => undefined,
      },
      SIGNAL,
    );
    return report.id;
  };
  const [old, young] = [await sealAgo(8, 'old'), await sealAgo(6, 'young')];
  const key = join(await tempFolder('key'), 'ops.key');
  await writeFile(key, world.ops.armor());
  const expired = { exit: 7, error: new RegExp(`the time of ${old} was over`), hint: /promised/ };
  expectComplaint(await machine.run(['unseal', old, '--key', key]), expired);
  expect((await machine.good(['unseal', young, '--key', key, '-o', '-'])).stdout).toBe(SECRET);
  const plan = await machine.good(['expire']);
  expect(plan.stdout).toMatch(/sealed: would remove 1 sealed export, /);
  const left = async () =>
    (await Array.fromAsync(world.store.list('keep-007/sealed/'))).map((object) => object.key);
  expect(await left()).toHaveLength(2);
  await machine.good(['expire', '--confirm']);
  expect(await left()).toEqual([`keep-007/sealed/${young}/000001`]);
  expect((await machine.good(['unseal', '--list'])).stdout).toMatch(new RegExp(`${old} .*over on`));
});

test('several at once are all in the ledger', async () => {
  const host = await folderHost();
  const names = Array.from({ length: 6 }, (_, index) => `f${index}`);
  for (const name of names) await writeFile(join(host.folder, name), name);
  await Promise.all(names.map((name) => host.good(['seal', name])));
  expect((await ledgerOf(host)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a ledger that was cut back is noticed by whoever has seen it', async () => {
  const host = await folderHost();
  await writeFile(join(host.folder, 'a.csv'), SECRET);
  await host.good(['seal', 'a.csv']);
  await host.good(['unseal', '--list']);
  await tamper(host.place, async (store) => {
    for await (const { key } of store.list('ledger/sealed/')) await store.remove([key]);
  });
  const complaint = { exit: 4, error: /rolled back for set sealed/, hint: /./ };
  expectComplaint(await host.run(['unseal', '--list']), complaint);
});

test('a person seals with their own key where there is no host key; a file opens while the store is away', async () => {
  const host = await folderHost();
  const reader: Machine = await host.reader();
  await writeFile(join(reader.folder, 'a.csv'), SECRET);
  await reader.good(['seal', 'a.csv']);
  expect((await ledgerOf(host))[0]?.['writer']).toMatch(/^key-[0-9a-f]{16}$/);
  const config = join(reader.folder, 'holdfast.yaml');
  await writeFile(
    config,
    (await readFile(config, 'utf8')).replace(/^store: .*$/m, 'store: file:///nowhere/at/all'),
  );
  const opened = await reader.good(['unseal', 'a.csv.pgp', '-o', '-']);
  expect(opened.stdout).toBe(SECRET);
  expect(opened.stderr).toMatch(/only keys that the configuration names are trusted/);
  const nobody = await machineIn(reader.folder, { HOLDFAST_KEY: '' });
  expectComplaint(await nobody.run(['seal', 'a.csv', '-o', 'b.pgp']), {
    exit: 12,
    error: /nobody could tell who sealed it/,
    hint: /--key FILE/,
  });
});

test('no set may have the name of what is sealed', async () => {
  const host = await folderHost();
  const config = join(host.folder, 'holdfast.yaml');
  await writeFile(config, (await readFile(config, 'utf8')).replace('  shop:', '  sealed:'));
  const complaint = { exit: 2, error: /sealed.*is reserved/, hint: /./ };
  expectComplaint(await host.run(['status']), complaint);
});

async function* once(text: string): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield Buffer.from(text);
}
