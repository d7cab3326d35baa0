/** Goal: whoever watches hears of every run, of a good one only when the snapshot is sound, and never makes one fail. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectComplaint, expectNoInside } from '../services/complaint.ts';
import { folderPlace, keysIn, makeHost } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { mailReceiver, webReceiver } from '../services/receivers.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { addSet } from '../services/two-sets.ts';

async function hostWith(monitors: readonly string[], set = ''): Promise<Host> {
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 50);
  const host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', path] });
  const file = join(host.folder, 'holdfast.yaml');
  const config = (await readFile(file, 'utf8')).replace(
    /^( +)keep: .*$/m,
    `$&${set === '' ? '' : `\n$1${set}`}`,
  );
  await writeFile(file, `${config}\nmonitors:\n${monitors.map((one) => `  - ${one}\n`).join('')}`);
  await chmod(file, 0o600);
  return host;
}

describe('backup', () => {
  test('a success pings with the snapshot, a failure pings elsewhere, and both are in the summary', async () => {
    const there = await webReceiver('take');
    const host = await hostWith([`{ kind: ping, url: ${there.url}/check }`]);
    const { json } = await host.good(['backup', '--json']);
    const { snapshot } = json.find(({ type }) => type === 'snapshot') ?? {};
    expect(json.at(-1)).toMatchObject({ type: 'summary', failed: [], monitors: { told: 1, failed: [] } });
    expect(there.received).toHaveLength(1);
    expect(there.received[0]).toMatchObject({ to: '/check' });
    expect(there.received[0]?.body).toContain(`shop: ok, ${String(snapshot)}`);
    const config = join(host.folder, 'holdfast.yaml');
    await writeFile(config, (await readFile(config, 'utf8')).replace('shop.db', 'no.db'));
    const bad = await host.run(['backup']);
    expect(bad.exitCode).toBe(1);
    expect(there.received[1]).toMatchObject({ to: '/check/fail' });
    expect(there.received[1]?.body).toMatch(/^backup FAILED on .*: shop\nshop: SQLITE_/);
  });

  test('one set of two fails: one ping, that of a failure; who asks about the other set hears that it is well', async () => {
    const there = await webReceiver('take');
    const host = await hostWith([
      `{ kind: ping, url: ${there.url}/all }`,
      `{ kind: ping, url: ${there.url}/shop, sets: [shop] }`,
      `{ kind: webhook, url: ${there.url}/bad, when: failure }`,
      `{ kind: webhook, url: ${there.url}/copies, verbs: [copy] }`,
    ]);
    await addSet(host, 'crm', '/nowhere/crm.db');
    expect((await host.run(['backup'])).exitCode).toBe(1);
    expect(there.received.map(({ to }) => to).sort()).toEqual(['/all/fail', '/bad', '/shop']);
  });

  test('when the store is gone all sets have failed, and it is told', async () => {
    const there = await webReceiver('take');
    const host = await hostWith([`{ kind: webhook, url: ${there.url}/hook }`]);
    const config = join(host.folder, 'holdfast.yaml');
    await writeFile(
      config,
      (await readFile(config, 'utf8')).replace(/^store: .*$/m, 'store: file:///nowhere/at/all'),
    );
    const result = await host.run(['backup']);
    expect(result.exitCode).toBe(10);
    expect(JSON.parse(there.received[0]?.body ?? '')).toMatchObject({
      verb: 'backup',
      outcome: 'failure',
      sets: [{ set: 'shop', error: { code: 'STORE_MISSING', exit: 10 } }],
    });
  });

  test('a snapshot that is not sound in the store is no success for anybody', async () => {
    const there = await webReceiver('take');
    const host = await hostWith([`{ kind: ping, url: ${there.url}/check }`], 'after: ./spoil');
    // It runs once the snapshot is committed, and takes a pack away.
    const place = host.place.url.slice('file://'.length);
    const spoil = `#!/bin/sh\nrm "$(find ${place} -path '*/packs/*' -type f | head -n 1)"\n`;
    await writeFile(join(host.folder, 'spoil'), spoil);
    await chmod(join(host.folder, 'spoil'), 0o755);
    const result = await host.run(['backup']);
    expectComplaint(result, {
      exit: 4,
      error: /is not sound in the store: pack .* is gone/,
      hint: /holdfast verify shop/,
    });
    expect((await keysIn(host.place)).some((key) => key.endsWith('entry.json'))).toBe(true);
    expect(there.received.map(({ to }) => to)).toEqual(['/check/fail']);
  });

  test.each(['refuse', 'hang', 'error', 'redirect'] as const)(
    'a monitor that is not well (%s) is a warning, and the backup is made',
    async (conduct) => {
      const there = await webReceiver(conduct);
      const host = await hostWith([`{ kind: ping, url: ${there.url}/geheim1234, timeout: 1s }`]);
      const { json, stderr } = await host.good(['backup', '--json']);
      expect(stderr).toMatch(/^holdfast: warning: a monitor was not told: ping to 127\.0\.0\.1:\d+: it /);
      expect(json.at(-1)).toMatchObject({ type: 'summary', failed: [], monitors: { told: 0 } });
      expect(json.find(({ type }) => type === 'monitor')).toMatchObject({ ok: false });
      expect(JSON.stringify(json) + stderr).not.toContain('geheim');
      expectNoInside(stderr);
    },
  );

  test('an address that cannot be read is a warning as well, and doctor says it beforehand', async () => {
    const host = await hostWith([
      '{ kind: ping, url_env: NOT_THERE }',
      '{ kind: email, url_command: "false", from: a@b, to: c@d }',
    ]);
    const { stderr } = await host.good(['backup']);
    expect(stderr).toMatch(/warning: a monitor was not told: monitors\[0\] \(ping\).*NOT_THERE is not set/);
    expect(stderr).not.toContain('monitors[1]'); // Nothing failed, so there is nothing to write.
    const doctor = await host.run(['doctor']);
    expect(doctor.exitCode).toBe(1);
    expect(doctor.stdout).toMatch(/monitors\[0\] \(ping\).*NOT_THERE/);
    expect(doctor.stdout).toMatch(/monitors\[1\] \(email\).*exit code 1/);
  });

  test('a part is no whole: a copy that is well is not told for the store, one of two copies not for both', async () => {
    const there = await webReceiver('take');
    const copies = await tempFolder('copies');
    const host = await hostWith(
      [`{ kind: webhook, url: ${there.url}/hook, verbs: [copy, verify] }`],
      `replicas: [{ name: second, store: "file://${copies}/second" }, { name: third, store: "file://${copies}/third" }]`,
    );
    const told = () => there.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    await host.good(['backup']);
    await addSet(host, 'crm', '/nowhere/crm.db');
    const one = await host.good(['copy', '--to', 'second']);
    expect(one.stderr).toMatch(/note: shop: this was 1 of its 2 copies only, so monitors are told nothing/);
    expect(told()).toEqual([]);
    await host.good(['copy']);
    expect(told()).toMatchObject([{ verb: 'copy', outcome: 'success', sets: [{ set: 'shop' }] }]);

    const [pack = ''] = (await keysIn(host.place)).filter((key) => key.includes('/packs/'));
    const damage = (root: string) => writeFile(join(root, pack), 'x');
    await damage(host.place.url.slice('file://'.length));
    const verified = await host.good(['verify', '--copy', 'second']);
    expect(verified.stderr).toMatch(
      /note: shop: this was its copy second only, so monitors are told nothing/,
    );
    expect(told()).toHaveLength(1);
    // What is wrong there is heard of; of a set that was not looked at, nothing.
    await damage(join(copies, 'second'));
    expect((await host.run(['verify', '--copy', 'second'])).exitCode).toBe(4);
    expect(told().slice(1)).toMatchObject([{ verb: 'verify', outcome: 'failure' }]);
    expect(told()[1]?.['sets']).toMatchObject([{ set: 'shop', outcome: 'failure' }]);
  });

  test('mail for failures, figures for Prometheus, of copy, verify and expire as well', async () => {
    const mail = await mailReceiver('take');
    const page = join(await tempFolder('textfile'), 'holdfast.prom');
    const copies = await tempFolder('copies');
    const host = await hostWith(
      [
        `{ kind: email, url: ${mail.url}, from: holdfast@db1.example, to: ada@example.com }`,
        `{ kind: metrics, path: ${page} }`,
      ],
      `replicas: [{ name: second, store: "file://${copies}/second" }]`,
    );
    await host.good(['backup']);
    await host.good(['copy']);
    await host.good(['verify']);
    await host.good(['expire']);
    await host.good(['expire', '--confirm']);
    expect(mail.received).toEqual([]);
    const text = await readFile(page, 'utf8');
    for (const verb of ['backup', 'copy', 'expire', 'verify'])
      expect(text).toContain(`holdfast_last_run_success{verb="${verb}",set="shop"} 1\n`);
    expect(text).toMatch(/^holdfast_backup_read_bytes\{set="shop"\} [1-9]\d*$/m);
    expect(text).toMatch(/^holdfast_verify_sound_snapshots\{set="shop"\} 2$/m);
    const [pack = ''] = (await keysIn(host.place)).filter((key) => key.includes('/packs/'));
    await writeFile(join(host.place.url.slice('file://'.length), pack), 'x');
    expect((await host.run(['verify'])).exitCode).toBe(4);
    expect(mail.received).toHaveLength(1);
    expect(mail.received[0]?.body).toMatch(/^Subject: \[holdfast\] verify FAILED on .*: shop\r$/m);
    expect(await readFile(page, 'utf8')).toContain('holdfast_last_run_success{verb="verify",set="shop"} 0\n');
  });
});

describe('purge and drill', () => {
  test('both are told, from the machine where they ran', async () => {
    const there = await webReceiver('take');
    const host = await hostWith([`{ kind: webhook, url: ${there.url}/hook }`]);
    await host.good(['backup']);
    const reader = await host.reader();
    await reader.good(['drill', 'shop']);
    await reader.good(['purge', 'plan', 'shop', '--whole-set', '-o', 'plan.pgp']);
    const { json } = await reader.good([
      'purge',
      'apply',
      'plan.pgp',
      '--yes',
      '-o',
      'receipt.json',
      '--json',
    ]);
    expect(json.at(-1)).toMatchObject({ type: 'summary', complete: true, monitors: { told: 1 } });
    const told = there.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(told.map(({ verb, outcome }) => [verb, outcome])).toEqual([
      ['backup', 'success'],
      ['drill', 'success'],
      ['purge', 'success'],
    ]);
    expect(told[1]).toMatchObject({ sets: [{ set: 'shop', figures: { rows: 250 } }] });
  });
});

describe('the configuration of monitors', () => {
  test.each([
    [
      '{ kind: pong, url: https://x.example }',
      /monitors\[0\]\.kind: must be one of ping, webhook, email, metrics/,
    ],
    ['{ kind: ping }', /monitors\[0\]: ping needs one of url, url_env, url_file, url_command/],
    [
      '{ kind: ping, url: "ftp://x.example/geheim" }',
      /monitors\[0\]\.url: must start with https:\/\/ or http:\/\//,
    ],
    [
      '{ kind: ping, url: https://x.example, url_env: X }',
      /monitors\[0\]\.url_env: only one of url, url_env may be given/,
    ],
    ['{ kind: ping, url: https://x.example, to: a@b }', /monitors\[0\]\.to: is not for ping/],
    [
      '{ kind: ping, url: https://x.example, sets: [crm] }',
      /monitors\[0\]\.sets\[0\]: there is no set of this name; there is shop/,
    ],
    ['{ kind: email, url: smtp://x.example, from: a@b }', /monitors\[0\]: email needs to/],
    ['{ kind: metrics, path: /tmp/x.txt }', /monitors\[0\]\.path: must end in \.prom/],
    [
      '{ kind: ping, url: https://x.example, timeuot: 3s }',
      /monitors\[0\]\.timeuot: unknown key; did you mean 'timeout'\?/,
    ],
    [
      '{ kind: ping, url: https://x.example, failure: fail }',
      /monitors\[0\]\.failure: must begin with \/ or \?/,
    ],
  ])('%s', async (monitor, problem) => {
    const host = await hostWith([monitor]);
    const result = await host.run(['status']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(problem);
    expect(result.stderr).not.toContain('geheim');
  });
});
