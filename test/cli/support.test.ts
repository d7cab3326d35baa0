/** Goal: a support bundle helps, is sealed, and holds no secret and no name of anybody or anything, wherever these stand. */
import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test as check } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { scrubbedLine } from '../../src/support/log-tail.ts';
import { scrubbed, scrubbedCode } from '../../src/support/scrub.ts';
import { PLAIN_WORDS } from '../../src/support/words.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, keysIn, makeHost, oldKey } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

/** What stands somewhere on this host and must be nowhere in a bundle. */
const PLANTED = [
  ...['hunter2', 'aws-secret-9', 'whsec-77', 'smtp-pass-5', 'acme', 'payroll', 'bigcorp', 'zanzibar'],
  ...['anna', 'mueller', 'example.org', '4711-0815', 'salaries', 'iban', '10.1.2.3', 'db-17', 'ticket'],
];

async function plantedHost(): Promise<Host> {
  const path = join(await tempFolder('acme'), 'payroll.db');
  openShop(path, 20);
  const host = await makeHost({
    place: await folderPlace(),
    source: ['--source', 'sqlite', '--path', path],
    set: 'payroll',
  });
  await backUp(host);
  await writeFile(join(host.folder, 'pass.txt'), 'redis://:hunter2@10.1.2.3:6379/0\n', { mode: 0o600 });
  const file = join(host.folder, 'holdfast.yaml');
  const more = `
  bigcorp-salaries:
    source: postgres
    url: postgres://anna:hunter2@db-17.example.org:1/zanzibar
    keep: { daily: 30d, weekly: 90d }
    writer: zanzibar
    before: 'echo salaries of anna'
    replicas: [{ name: zanzibar, store: "file:///srv/acme/bigcorp" }]
  acme-cache:
    source: redis
    url_file: pass.txt
    keep: 7d
  iban:
    source: mysql
    url_env: ACME_IBAN
    keep: 7d
`;
  const monitors = `
monitors:
  - { kind: ping, url: "http://127.0.0.1:1/whsec-77" }
  - { kind: webhook, url: "http://127.0.0.1:1/acme/whsec-77", format: slack }
  - { kind: email, url: "smtp://anna:smtp-pass-5@127.0.0.1:1", from: anna@example.org, to: [mueller@example.org] }
`;
  const text = (await readFile(file, 'utf8')).replace('\nsets:\n', `\nsets:${more}`);
  await writeFile(file, text + monitors, { mode: 0o600 });
  return host;
}

const LOG = [
  '{"level":"info","time":"2026-11-21T03:00:12.345Z","set":"bigcorp-salaries","bytes":12345,"msg":"dump started of anna@example.org"}',
  '{"level":"debug","time":"2026-11-21T03:00:13.000Z","table":"public.iban","msg":"salaries"}',
  '{"type":"error","code":"STORE_DENIED","exit":1,"message":"not allowed to read s3://acme/payroll as anna","hint":"ask mueller"}',
  '{"type":"error","code":"ANNA_MUELLER","message":"zanzibar"}',
  'Nov 21 03:00:14 db-17 holdfast[4711]: holdfast: error: cannot connect to postgres://anna:hunter2@db-17/zanzibar',
  'holdfast: hint: Ask anna mueller (iban 4711-0815) about TICKET-9, or read /home/anna/.pgpass',
  '-----BEGIN PGP PRIVATE KEY BLOCK-----',
  'AWS_SECRET_ACCESS_KEY=aws-secret-9',
  'anna',
].join('\n');

function expectNothingOf(text: string): void {
  for (const planted of PLANTED) expect(text.toLowerCase()).not.toContain(planted);
}

describe('a bundle', () => {
  test('says what helps, and none of what was planted in configuration, doctor, store and log', async () => {
    const host = await plantedHost();
    await writeFile(join(host.folder, 'acme.log'), LOG);
    const env = { ACME_IBAN: 'mysql://anna:hunter2@127.0.0.1:1/iban', AWS_SECRET_ACCESS_KEY: 'aws-secret-9' };
    const { stdout } = await host.good(['support', '--print', '--log', 'acme.log'], { env });
    expectNothingOf(stdout);
    expect(stdout).not.toContain(host.folder);
    expect(stdout).not.toContain(host.place.url);
    const bundle = JSON.parse(stdout) as Record<string, unknown>;
    expect(bundle).toMatchObject({
      kind: 'holdfast-support',
      versions: { node: process.versions.node },
      configuration: { recipients: 2, store: { kind: 'folder' }, monitors: [{}, {}, { kind: 'email' }] },
      store: { sets: [{}, {}, {}, { set: 'set-4', snapshots: 1 }] },
    });
    const { sets } = bundle['configuration'] as { sets: Record<string, unknown>[] };
    expect(sets.map(({ set, source, connection }) => [set, source, connection])).toEqual([
      ['set-1', 'postgres', 'url'],
      ['set-2', 'redis', 'file'],
      ['set-3', 'mysql', 'variable'],
      ['set-4', 'sqlite', 'path'],
    ]);
    const doctor = bundle['doctor'] as { what: string; verdict: string; code?: string }[];
    const unreachable = doctor.filter(({ verdict }) => verdict === 'wrong' || verdict === 'unknown');
    expect(unreachable.length).toBeGreaterThanOrEqual(3);
    expect(unreachable.filter(({ code }) => code !== undefined)).not.toEqual([]);
    const log = bundle['log'] as Record<string, unknown>[];
    expect(log[0]).toEqual({
      time: '2026-11-21T03:00:12.345Z',
      level: 'info',
      numbers: { bytes: 12345 },
      text: 'dump started of …',
    });
    expect(log[2]).toMatchObject({ code: 'STORE_DENIED', text: 'not allowed to read … as …' });
    expect(log[4]).toMatchObject({ level: 'error', text: 'cannot connect to …' });
  });

  test('is sealed for the recipients and who helps, and recorded', async () => {
    const host = await plantedHost();
    const helper = await oldKey('helper');
    await writeFile(join(host.folder, 'helper.asc'), helper.toPublic().armor());
    const helperKey = join(await tempFolder('helper'), 'helper.key');
    await writeFile(helperKey, helper.armor());
    const { json } = await host.good(['support', '--recipient', 'helper.asc', '-o', 'b.pgp', '--json']);
    expect(json[0]).toMatchObject({ type: 'support' });
    expect(json[0]?.['recipients']).toHaveLength(3);
    expect(json[0]?.['recipients']).toContain(helper.getFingerprint());
    const sealed = await readFile(join(host.folder, 'b.pgp'));
    expect(sealed.includes('holdfast-support')).toBe(false);
    const reader = await host.reader();
    for (const key of [host.opsKey, helperKey]) {
      const opened = await reader.good(['unseal', join(host.folder, 'b.pgp'), '-o', '-', '--key', key]);
      expect(JSON.parse(opened.stdout)).toMatchObject({ kind: 'holdfast-support' });
      expectNothingOf(opened.stdout);
    }
    expect(await keysIn(host.place, 'ledger/sealed/')).toHaveLength(1);
  });

  test('is made when the store is away, which is when it is needed', async () => {
    const host = await plantedHost();
    const store = new URL(host.place.url).pathname;
    await rename(store, `${store}-away`);
    const made = await host.good(['support']);
    expect(made.stderr).toMatch(/the ledger does not know of this file/);
    const [name = ''] = (await readdir(host.folder)).filter((file) => file.startsWith('holdfast-support-'));
    expect(name).toMatch(/^holdfast-support-\d{8}T\d{6}Z\.json\.pgp$/);
    const { stdout } = await host.good(['support', '--print']);
    expect(JSON.parse(stdout)).toMatchObject({ store: { failed: 'STORE_MISSING' } });
  });

  test('a log that is not there is said', async () => {
    const host = await plantedHost();
    const complaint = { exit: 2, error: /cannot read none\.log/, hint: /./ };
    expectComplaint(await host.run(['support', '--print', '--log', 'none.log']), complaint);
  });
});

describe('what is left of a text', () => {
  const word = fc.constantFrom(...PLAIN_WORDS);
  const anything = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), word, fc.emailAddress(), fc.webUrl());

  check.prop([fc.array(anything).map((parts) => parts.join(' '))])('are words of ours alone', (text) => {
    const left = scrubbed(text).match(/[\p{L}\p{N}_]+/gu) ?? [];
    for (const one of left) expect(PLAIN_WORDS.has(one.toLowerCase())).toBe(true);
  });

  check.prop([fc.json(), fc.string()])('of a log line, too', (json, text) => {
    for (const line of [json, text, `{"msg":${JSON.stringify(text)},"code":${JSON.stringify(text)}}`]) {
      const { text: left, code } = scrubbedLine(line);
      for (const one of left.match(/[\p{L}\p{N}_]+/gu) ?? [])
        expect(PLAIN_WORDS.has(one.toLowerCase())).toBe(true);
      expect(code === undefined || scrubbedCode(code) === code).toBe(true);
    }
  });

  test.each([
    ['cannot connect to db1.example.org:5432', 'cannot connect to …'],
    ["table 'public.users' is missing", 'table … is missing'],
    ['not allowed to read shop/anna', 'not allowed to read …'],
    ['read-only, not writable', 'read-only, not writable'],
    ['store_anna', '…'],
    ['annaread', '…'],
    // Dots of a progress line: no pattern may take minutes for them.
    [`read x${'.'.repeat(200_000)}y once`, 'read … once'],
  ])('%.40s', (text, left) => {
    expect(scrubbed(text)).toBe(left);
  });
});
