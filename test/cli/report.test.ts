/** Goal: `report` writes a page that a browser opens as it is, with the figures of `--json`, and a signature that gpg checks. */
import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import type { Evidence } from '../../src/report/evidence.ts';
import { openFile, startBrowser } from '../integration/browser-kit.ts';
import { expectComplaint } from '../services/complaint.ts';
import { bucketPlace, makeHost } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { makePast } from '../services/past.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

async function fourDays(promises = '') {
  const past = await makePast();
  for (const day of [3, 2, 1, 0]) await past.backupAgo(day);
  const machine = await past.machine();
  const file = join(machine.folder, 'holdfast.yaml');
  await writeFile(file, `${await readFile(file, 'utf8')}${promises}`);
  return { ...past, machine };
}

async function evidenceOf(machine: Machine, args: readonly string[]): Promise<Evidence> {
  const { json } = await machine.good(['report', ...args, '--json']);
  expect(json.map(({ type }) => type)).toEqual(['evidence', 'summary']);
  return json[0] as unknown as Evidence;
}

test('page, data and --json have the same figures, and the page needs nothing else', async () => {
  const { machine, store } = await fourDays('promises: { backup_every: 24h, erasure_within: 30d }\n');
  const said = await evidenceOf(machine, ['-o', 'report.html', '-o', 'report.json']);
  const { type: _, ...data } = said as Evidence & { readonly type: string };
  expect(JSON.parse(await readFile(join(machine.folder, 'report.json'), 'utf8'))).toEqual(data);
  const listed = await Array.fromAsync(store.list('keep-'));
  expect(data.summary).toEqual({
    ...{ met: 5, broken: 0, notMeasured: 1, sets: 1, snapshots: 4, purges: 0, drills: 0, exports: 0 },
    storedBytes: listed.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  expect(data.sets[0]?.days.filter(({ state }) => state === 'taken')).toHaveLength(4);

  const browser = await startBrowser();
  onTestFinished(() => browser.close());
  await using opened = await openFile(browser, join(machine.folder, 'report.html'));
  const shown = await opened.page.evaluate<[string, string][]>(
    `[...document.querySelectorAll('[data-path]')].map((one) => [one.dataset.path, one.value])`,
  );
  const figures = Object.fromEntries(shown.map(([path, value]) => [path, Number(value)]));
  expect(figures).toEqual({
    ...Object.fromEntries(Object.entries(data.summary).map(([name, value]) => [`summary.${name}`, value])),
    'sets.0.snapshots.length': 4,
    'sets.0.retention.bytes': data.sets[0]?.retention?.bytes,
  });
  expect(opened.said).toEqual([]);
  expect(opened.asked).toHaveLength(1);
  expect((await readdir(machine.folder)).filter((name) => name.includes('part'))).toEqual([]);
});

test('what is missing is said on the terminal, and the report is written all the same', async () => {
  const { machine, store } = await fourDays('promises: { backup_every: 24h, drill_every: 30d }\n');
  const [pack] = (await Array.fromAsync(store.list('keep-'))).filter(({ key }) => key.includes('/packs/'));
  await store.remove([pack?.key ?? '']);
  const { stdout } = await machine.good(['report', '-o', 'report.html']);
  expect(stdout).toMatch(
    /^BROKEN {8}every backup can be restored until its end: shop: \d snapshots? not whole; .*: pack .* is gone$/m,
  );
  expect(stdout).toMatch(/^MET {11}a backup every 24 hours$/m);
  expect(stdout).toMatch(/^NOT MEASURED {2}a restore is proved every 30 days: shop: no restore/m);
  expect(stdout).toContain('wrote report.html');
  const quiet = await machine.good(['report', '-o', 'report.html', '--quiet']);
  expect(quiet.stdout.split('\n').filter((line) => line !== '')).toHaveLength(1);
});

test('stock gpg checks who has signed it: an operator, or this host', async () => {
  const { machine, ops, host } = await fourDays();
  await writeFile(join(machine.folder, 'ops.key'), ops.armor(), { mode: 0o600 });
  await machine.good(['report', '-o', 'report.html', '-o', 'report.json', '--sign', '--key', 'ops.key']);
  const home = await tempFolder('gnupg');
  const gpg = (args: readonly string[], input = '') =>
    execa('gpg', ['--batch', ...args], {
      cwd: machine.folder,
      env: { GNUPGHOME: home },
      input,
      reject: false,
    });
  for (const key of [ops, host]) await gpg(['--import'], key.toPublic().armor());
  for (const name of ['report.html', 'report.json']) {
    const { exitCode, stderr } = await gpg(['--verify', `${name}.asc`, name]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Good signature from "ops"')]);
  }
  const page = await readFile(join(machine.folder, 'report.html'), 'utf8');
  await writeFile(join(machine.folder, 'report.html'), page.replace('not measured', 'met'));
  expect((await gpg(['--verify', 'report.html.asc', 'report.html'])).exitCode).toBe(1);

  await machine.good(['report', '-o', 'report.html', '--sign']);
  const byHost = await gpg(['--verify', 'report.html.asc', 'report.html']);
  expect(byHost.stderr).toContain('Good signature from "host"');
  // A page that is not signed has no signature of an older one beside it.
  await machine.good(['report', '-o', 'report.html']);
  expect(await readdir(machine.folder)).not.toContain('report.html.asc');
});

test('a bucket tells where it is and what it does by itself', { timeout: 120_000 }, async () => {
  const place = await bucketPlace();
  const database = join(await tempFolder('shop'), 'shop.db');
  openShop(database, 50);
  const host = await makeHost({ place, source: ['--source', 'sqlite', '--path', database] });
  const file = join(host.folder, 'holdfast.yaml');
  const config = await readFile(file, 'utf8');
  await writeFile(file, `${config}promises: { residency: [${place.s3.region}] }\n`);
  await host.good(['backup', '--json']);
  await writeFile(join(host.folder, 'people.csv'), 'id,email\n1,a@b.example\n');
  await host.good(['seal', 'people.csv', '--store', '--ttl', '7d', '--ref', 'AUDIT-3', '--json']);
  const evidence = await evidenceOf(host, ['-o', 'report.html']);
  expect(evidence.exports).toMatchObject([{ ref: 'AUDIT-3', to: 'store' }]);
  expect(evidence.others).toEqual([]);
  expect(JSON.stringify(evidence)).not.toContain('people');
  expect(evidence.places[0]).toMatchObject({ name: 'store', url: place.url, location: place.s3.region });
  expect(evidence.places[0]?.checks.map(({ what }) => what)).toContain('store expiry');
  const verdicts = Object.fromEntries(evidence.promises.map(({ id, verdict }) => [id, verdict]));
  expect(verdicts).toMatchObject({
    residency: 'met',
    keep: 'met',
    ends: 'met',
    intact: 'met',
    encrypted: 'met',
  });
  expect(evidence.keys.map(({ role }) => role)).toEqual([
    'recipient',
    'recipient',
    'this host’s signing key',
  ]);
});

test('what it cannot do it refuses, with what to do instead', async () => {
  const { machine } = await fourDays();
  const refused = async (args: readonly string[], exit: number, error: RegExp, hint: RegExp) =>
    expectComplaint(await machine.run(['report', ...args]), { exit, error, hint });
  await refused([], 2, /nobody said where the report goes/, /-o report\.html/);
  await refused(['-o', 'report.pdf'], 2, /report\.pdf is neither \.html nor \.json/, /-o report\.html/);
  await refused(['-o', 'nowhere/report.html'], 1, /cannot write nowhere\/report\.html/, /-o/);
  await refused(['shpo', '-o', 'report.html'], 2, /shpo/, /shop/);
  const { exitCode, json } = await machine.run(['report', '--json', '--sign']);
  expect([exitCode, json.at(-1)]).toEqual([2, expect.objectContaining({ code: 'NOTHING_TO_SIGN' })]);
});

test('a copy is compared with the store; one that cannot be reached is not a pass', async () => {
  const past = await makePast();
  for (const day of [1, 0]) await past.backupAgo(day);
  const copy = join(await tempFolder('copy'), 'store');
  const machine = await past.machine(`    replicas: [{ name: second, store: "file://${copy}" }]\n`);
  await machine.good(['copy']);
  const about = async () => {
    const { promises, places, sets } = await evidenceOf(machine, []);
    const found = promises.find(({ id }) => id === 'copies');
    return { verdict: found?.verdict, places: places.map(({ name }) => name), copies: sets[0]?.copies };
  };
  const level = { name: 'second', behind: 0, unknown: null };
  expect(await about()).toMatchObject({ verdict: 'met', places: ['store', 'copy second'], copies: [level] });
  await rename(copy, `${copy}-elsewhere`);
  expect(await about()).toMatchObject({ verdict: 'not measured', copies: [{ newest: null }] });
});
