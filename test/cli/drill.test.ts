/**
 * Goal: `drill` says verified only of what was restored and found right, failed with the right reason of what was not,
 * and could-not-run of what was not tried; each is signed into the ledger, and nothing of it stays on the machine.
 */
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordDrill } from '../../src/drill/evidence.ts';
import { armorPrivateKey } from '../../src/openpgp/keys.ts';
import { endAgents, keyring, recover, toolFolder } from '../integration/recovery-kit.ts';
import { configure } from '../integration/suppression-kit.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, makeHost, oldKey } from '../services/machines.ts';
import type { Host, Machine } from '../services/machines.ts';
import { makePast } from '../services/past.ts';
import { eventsIn } from '../integration/drill-kit.ts';
import { openShop, withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL } from '../services/world.ts';

interface Shop {
  readonly host: Host;
  readonly reader: Machine;
}

/** A host with a small shop, backed up, and a machine with the key. */
async function shopWith(lines = '', change?: (path: string) => void, map?: string): Promise<Shop> {
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 1000);
  change?.(path);
  const host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', path] });
  if (map !== undefined) await writeFile(join(host.folder, 'map.yaml'), map);
  if (lines !== '') await configure(host.folder, lines);
  await backUp(host);
  return { host, reader: await host.reader() };
}

function visit(path: string, when: string): void {
  withDatabase(path, (db) => {
    db.exec('CREATE TABLE visits(at TEXT)');
    db.prepare(`INSERT INTO visits VALUES (datetime('now', ?))`).run(when);
  });
}

const MAP = `version: 1
subject: customer
root: { table: shop_customers, key: id }
tables:
  shop_customers: { erase: delete }
  shop_orders: { link: { customer: shop_customers.id }, erase: delete }
`;

/** SQLite lets an application leave orders behind whose customer has gone. */
function orphan(path: string): void {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec('INSERT INTO shop_orders(customer, note) VALUES (4711, 1)');
  db.close();
}

async function scratches(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('holdfast-scratch-'));
}

afterAll(endAgents);

describe('a sound backup', () => {
  const CHECKS = `checks:
  - { name: newest order, sql: SELECT max(at) FROM visits, newer_than: 26h }
  - { name: customers, sql: SELECT count(*) FROM shop_customers, at_least: 200, at_most: 200 }
  - { name: first, sql: SELECT email FROM shop_customers WHERE id = 1, equals: person1@example.org }
`;
  let shop: Shop;
  beforeAll(async () => {
    shop = await shopWith(CHECKS, (path) => visit(path, '-2 hours'));
    await backUp(shop.host);
  });

  test('is verified, with numbers, and the evidence is in the ledger', async () => {
    const before = await scratches();
    const { stdout } = await shop.reader.good(['drill', 'shop']);
    expect(stdout).toMatch(/^shop@\S+: VERIFIED, in a temporary file$/m);
    expect(stdout).toMatch(/^rows +3 tables, 1,201 rows, .*: the counts match the snapshot$/m);
    expect(stdout).toMatch(/^check +customers: 200$/m);
    expect(stdout).toMatch(/^RTO +\S.* \(find, open, load\); find .*, open .*, prepare .*, load .*, check /m);
    expect(stdout).toMatch(/^RPO +\S.*: the age of the newest snapshot$/m);
    expect(stdout).toMatch(/^evidence +line 1 of drill-[0-9a-f]{16} in the ledger of shop$/m);
    const [event] = await eventsIn(shop.host.place);
    const counts = { tables: 3, rows: 1201, checks: { passed: 3, failed: 0, unknown: 0 }, purges: 0 };
    expect(event).toMatchObject({ type: 'drill', note: true, outcome: 'verified', reasons: [], ...counts });
    // It is public: nothing of the shop is in it.
    expect(JSON.stringify(event)).not.toMatch(/customers|visits|newest order|person1/);
    expect((await scratches()).filter((name) => !before.includes(name))).toEqual([]);
  });

  test('stays readable for everybody, and can be drilled as a whole', async () => {
    const { json } = await shop.reader.good(['drill', 'shop', '--all', '--json']);
    const drills = json.filter(({ type }) => type === 'drill');
    expect(drills).toMatchObject([
      { outcome: 'verified', picked: 'all', own_server: true, answers: [{ verdict: 'passed' }, {}, {}] },
      { outcome: 'verified', picked: 'all' },
    ]);
    // Two of one second have no order in their names.
    const times = drills.map(({ snapshot }) => String(snapshot).slice(0, 16));
    expect(times).toEqual(times.toSorted().reverse());
    expect(json.at(-1)).toMatchObject({ type: 'summary', drilled: 2, verified: 2, failed: 0, not_run: 0 });
    await backUp(shop.host);
    await shop.reader.good(['cat', 'shop']);
    const gnupg = await keyring([await readFile(shop.host.opsKey, 'utf8')]);
    const place = { store: fileURLToPath(shop.host.place.url), tools: await toolFolder(), gnupg };
    const { code, stderr } = await recover(['shop'], place);
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('complete') as string,
    });
    await shop.reader.good(['verify', 'shop']);
    expect((await shop.host.good(['status'])).stdout).not.toContain('drill');
  });

  test('is one of all, or the one that was named', async () => {
    // As cron calls it.
    const quiet = await shop.reader.good(['-q', 'drill', 'shop', '--random']);
    expect(quiet).toMatchObject({ stdout: '', stderr: '' });
    const { json } = await shop.reader.good(['drill', 'shop', '--random', '--json']);
    expect(json[0]).toMatchObject({ picked: 'random', outcome: 'verified' });
    const named = await shop.reader.good(['drill', 'shop@oldest', '--json']);
    expect(named.json[0]).toMatchObject({ picked: 'named' });
    for (const args of [
      ['shop', '--random', '--all'],
      ['shop@oldest', '--random'],
      ['shop', '--scratch', 'x', '--jobs', '0'],
    ])
      expect((await shop.reader.run(['drill', ...args])).exitCode).toBe(2);
  });

  test('needs a key whose word counts, and is not tried without', async () => {
    const lines = (await eventsIn(shop.host.place)).length;
    expectComplaint(await shop.reader.run(['drill', 'shop'], { env: { HOLDFAST_KEY: undefined } }), {
      exit: 12,
      error: /private key is needed/,
      hint: /--key/,
    });
    const stranger = join(await tempFolder(), 'stranger.key');
    await writeFile(stranger, await armorPrivateKey(await oldKey('stranger'), undefined), { mode: 0o600 });
    expectComplaint(await shop.reader.run(['drill', 'shop', '--key', stranger]), {
      exit: 5,
      error: /neither a recipient nor a purge signer/,
      hint: /--sign-with/,
    });
    expect(await eventsIn(shop.host.place)).toHaveLength(lines);
  });

  test('could not be drilled where this machine could not: that is no verdict on it', async () => {
    const failed = await shop.reader.run(['drill', 'shop', '--json'], { env: { TMPDIR: '/nowhere' } });
    expect(failed.exitCode).toBe(5);
    expect(failed.json[0]).toMatchObject({
      outcome: 'not-run',
      stages: { prepare: expect.any(Number) as number },
    });
    expect(failed.json[0]).not.toHaveProperty('rto_ms');
    expect((await eventsIn(shop.host.place)).at(-1)).toMatchObject({ outcome: 'not-run' });
  });
});

describe('a sabotaged backup fails its drill for the right reason', () => {
  test('stale data, a missing table, too few rows: all of it is told', async () => {
    const shop = await shopWith(
      `checks:
  - { name: newest order, sql: SELECT max(at) FROM visits, newer_than: 26h }
  - { name: invoices, sql: SELECT count(*) FROM invoices, at_least: 1 }
  - { name: customers, sql: SELECT count(*) FROM shop_customers, at_least: 1000 }
  - { name: orders, sql: SELECT count(*) FROM shop_orders, at_least: 1000 }
`,
      (path) => visit(path, '-30 hours'),
    );
    const failed = await shop.reader.run(['drill', 'shop']);
    expect(failed.exitCode).toBe(4);
    expect(failed.stdout).toMatch(/^shop@\S+: FAILED, in a temporary file$/m);
    expect(failed.stdout).toMatch(
      /PROBLEM +CHECK_FAILED: check newest order: 20\S+ \S+, and newer than 26 h/,
    );
    expect(failed.stdout).toMatch(/PROBLEM +CHECK_FAILED: check invoices: no such table: invoices/);
    expect(failed.stdout).toMatch(/PROBLEM +CHECK_FAILED: check customers: 200, and at least 1000/);
    expect(failed.stdout).toMatch(/^check +orders: 1000$/m);
    const [event] = await eventsIn(shop.host.place);
    expect(event).toMatchObject({
      outcome: 'failed',
      reasons: ['CHECK_FAILED'],
      checks: { passed: 1, failed: 3 },
    });
    expect(JSON.stringify(event)).not.toContain('invoices');
    const status = await shop.host.run(['status']);
    expect(status.exitCode).toBe(1);
    expect(status.stdout).toMatch(/^LATE shop, drills: snapshot \S+ failed: CHECK_FAILED; never verified$/m);
  });

  test('a truncated pack', async () => {
    const shop = await shopWith();
    const store = fileURLToPath(shop.host.place.url);
    const files = await readdir(store, { recursive: true, withFileTypes: true });
    const pack = files.find((file) => file.isFile() && file.parentPath.endsWith('/packs'));
    const path = join(pack?.parentPath ?? '', pack?.name ?? '');
    await truncate(path, 1000);
    const failed = await shop.reader.run(['drill', 'shop', '--json']);
    expect(failed.exitCode).toBe(4);
    expect(failed.json[0]).toMatchObject({ outcome: 'failed', reasons: ['DAMAGED'] });
    expect(JSON.stringify(failed.json[0])).toContain('is damaged or was changed');
    expect(await scratches()).toEqual(expect.not.arrayContaining([expect.stringContaining('shop.db')]));
  });

  test('sealed to other keys than those of today', async () => {
    const shop = await shopWith();
    const next = await oldKey('next');
    const { folder } = shop.reader;
    await writeFile(join(folder, 'next.key'), await armorPrivateKey(next, undefined), { mode: 0o600 });
    await writeFile(join(folder, 'next.asc'), next.toPublic().armor());
    const config = await readFile(join(folder, 'holdfast.yaml'), 'utf8');
    await writeFile(
      join(folder, 'holdfast.yaml'),
      config.replace(/^recipients: \[/m, (found) => `${found}next.asc, `),
    );
    const failed = await shop.reader.run(['drill', 'shop', '--key', 'next.key', '--json']);
    expect(failed.exitCode).toBe(4);
    expect(failed.json[0]).toMatchObject({ outcome: 'failed', reasons: ['KEY_DOES_NOT_OPEN'] });
  });

  test('more references that lead nowhere than were said to be fine', async () => {
    const shop = await shopWith('', orphan);
    await configure(shop.reader.folder, 'broken_references: 0\n');
    const failed = await shop.reader.run(['drill', 'shop']);
    expect(failed.exitCode).toBe(4);
    expect(failed.stdout).toContain(
      'REFERENCES_BROKEN: foreign keys do not hold: 1 rows of shop_orders lead to none of shop_customers; broken_references takes 0',
    );
  });
});

describe('references that lead nowhere', () => {
  test('are told and no failure where the source had them, which a purge makes doubtful', async () => {
    const shop = await shopWith('subjects: map.yaml\n', orphan, MAP);
    await writeFile(join(shop.reader.folder, 'map.yaml'), MAP);
    const sound = await shop.reader.good(['drill', 'shop']);
    expect(sound.stdout).toMatch(/VERIFIED/);
    expect(sound.stdout).toMatch(
      /^note +in the source, too: 1 rows of shop_orders lead to none of shop_customers$/m,
    );
    await shop.reader.good(['purge', 'plan', 'shop', '--subject', 'customer=17', '-o', 'plan.pgp']);
    await shop.reader.good(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json']);
    const doubtful = await shop.reader.run(['drill', 'shop']);
    expect(doubtful.exitCode).toBe(4);
    expect(doubtful.stdout).toMatch(/REFERENCES_BROKEN: .*, and a purge has taken rows out$/m);
    const [, line = ''] = /^ +Drill a snapshot .*: (broken_references: \d+)$/m.exec(doubtful.stdout) ?? [];
    await configure(shop.reader.folder, `${line}\n`);
    expect((await shop.reader.good(['drill', 'shop'])).stdout).toMatch(/^note +taken as they are: 1 rows/m);
  });
});

describe('people whom a purge has erased', () => {
  test('are looked for in what a drill restores', async () => {
    const shop = await shopWith('subjects: map.yaml\n', undefined, MAP);
    await writeFile(join(shop.reader.folder, 'map.yaml'), MAP);
    await shop.reader.good(['purge', 'plan', 'shop', '--subject', 'customer=17', '-o', 'plan.pgp']);
    await shop.reader.good(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json']);
    // The application has them still: the restore leaves them out.
    await backUp(shop.host);
    const { json } = await shop.reader.good(['drill', 'shop', '--all', '--json']);
    expect(json.slice(0, 2)).toMatchObject([
      { outcome: 'verified', purges: 1, rows: 1194 },
      { outcome: 'verified', purges: 1, rows: 1194 },
    ]);
  });
});

describe('status', () => {
  test('fails when the promised drill is overdue, until one verifies', async () => {
    const past = await makePast();
    const snapshot = await past.backupAgo(3);
    const machine = await past.machine();
    const file = join(machine.folder, 'holdfast.yaml');
    const config = await readFile(file, 'utf8');
    const promise = (every: string) =>
      writeFile(file, `${config}\npromises: { backup_every: 30d, drill_every: ${every} }\n`);
    await promise('4d');
    expect((await machine.good(['status'])).stdout).toMatch(/^OK +shop, drills: never verified, next due /m);
    await promise('2d');
    const late = await machine.run(['status', '--json']);
    expect(late.exitCode).toBe(1);
    expect(late.json.find(({ type }) => type === 'drills')).toMatchObject({ ok: false, overdue: true });
    expect(late.json.at(-1)).toMatchObject({ late: ['shop, drills'] });

    const about = { set: SET, snapshot, picking: 'newest', started: new Date().toISOString() } as const;
    const nothing = { problems: [], notes: [], checks: [], purges: 0, stages: {}, rpoMs: 1 };
    const unknown = { rtoMs: undefined, server: undefined, ownServer: undefined, loaded: undefined };
    const result = { ...about, ...nothing, ...unknown, outcome: 'verified' as const };
    await recordDrill(past.session, { result, manifest: 'a'.repeat(64), signer: past.ops }, SIGNAL);
    expect((await machine.good(['status'])).stdout).toMatch(
      /^OK +shop, drills: verified less than a minute ago, next due /m,
    );
    await promise('1d');
    const failed = { ...result, outcome: 'failed' as const };
    await recordDrill(past.session, { result: failed, manifest: 'a'.repeat(64), signer: past.ops }, SIGNAL);
    expect((await machine.run(['status'])).stdout).toMatch(/^LATE shop, drills: snapshot \S+ failed: /m);
  });
});
