/** Goal: the privacy officer's whole road on the command line: plan, apply, list, verify, resume; and nobody comes back. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUp, keysIn, tamper } from '../services/machines.ts';
import { shopHost } from '../services/shop-host.ts';
import { SHOP_MAP } from '../services/shop.ts';
import { giveMap } from '../services/subject-map.ts';

async function shop() {
  const { host } = await shopHost(400);
  const reader = await host.reader();
  for (const machine of [host, reader]) {
    await giveMap(machine, SHOP_MAP);
    await appendFile(join(machine.folder, 'holdfast.yaml'), 'promises: { erasure_within: 30d }\n');
  }
  await backUp(host);
  await backUp(host);
  return { host, reader, place: host.place };
}

test(
  'plan, apply, list, verify; the person is in nothing that can be read',
  { timeout: 120_000 },
  async () => {
    const { host, reader, place } = await shop();
    const plan = [
      'purge',
      'plan',
      'shop',
      '--subject',
      'email=PERSON7@example.org',
      '--ref',
      'T-7',
      '-o',
      'plan.pgp',
    ];
    const planned = await reader.good(plan);
    expect(planned.stdout).toContain('shop_orders 2 deleted');
    expect(planned.stdout).toMatch(
      /\nplace {4}file:.*: 2 manifests \(.* kB\) to remove; \d packs? \(.*\) with erased rows, which stays? unreadable until 20/,
    );
    expect(planned.stdout).toMatch(
      /about .* to read and .* to write, .* % of the .* that are stored, for 3 rows of theirs/,
    );
    const whole = await reader.good(['purge', 'plan', 'shop', '--whole-set', '-o', 'whole.pgp']);
    expect(whole.stdout).toMatch(
      /\nplace {4}file:.*: 4 objects of snapshots \(.*\) to remove; \d+ objects? of chains \(.*\) to remove\n/,
    );
    expect(planned.stdout + planned.stderr).not.toMatch(/person7@/i);
    expect(await readFile(join(reader.folder, 'plan.pgp'), 'latin1')).not.toMatch(/person7@/i);

    const unsure = await reader.run(['purge', 'apply', 'plan.pgp', '-o', 'receipt.json']);
    expect(unsure).toMatchObject({ exitCode: 2 });
    const applied = await reader.good([
      'purge',
      'apply',
      'plan.pgp',
      '--yes',
      '-o',
      'receipt.json',
      '--json',
    ]);
    expect(applied.json.at(-1)).toMatchObject({ type: 'summary', complete: true });

    const dump = await reader.good(['cat', 'shop@oldest']);
    expect(dump.stdout).not.toMatch(/person7@/i);
    expect(dump.stdout).toContain('person8@');
    const { json } = await reader.good(['verify', '--read-data', '--json']);
    expect(json.at(-1)).toMatchObject({ problems: 0 });

    const listed = await reader.good(['purge', 'list', 'shop', '--json']);
    expect(listed.json.find(({ type }) => type === 'request')).toMatchObject({
      state: 'done',
      ref: 'T-7',
      overdue: false,
    });
    const verified = await reader.good(['purge', 'verify', 'receipt.json']);
    expect(verified.stdout).toContain('the store is as it says');
    expect(verified.stdout).toContain('has not shown yet');
    const page = await readFile(join(reader.folder, 'receipt.json.md'), 'utf8');
    expect(page).toContain('T-7');
    expect(page).not.toMatch(/person7@/i);

    // The plan again: there is nothing left to do, and nothing breaks. The receipt says more than another one would.
    const receipt = await readFile(join(reader.folder, 'receipt.json'), 'utf8');
    const again = ['purge', 'apply', 'plan.pgp', '--yes', '--json', '-o'];
    const kept = await reader.good([...again, 'receipt.json']);
    expect(await readFile(join(reader.folder, 'receipt.json'), 'utf8')).toBe(receipt);
    const { receipt: named } = applied.json.find(({ type }) => type === 'purge') ?? {};
    expect(kept.json.find(({ type }) => type === 'purge')).toMatchObject({ complete: true, receipt: named });
    await reader.good([...again, 'again.json']);
    // Both are of this purge; the one of before holds still.
    const older = await reader.good(['purge', 'verify', 'receipt.json']);
    expect(older.stdout).toContain('the ledger names a newer receipt');
    const newer = await reader.good(['purge', 'verify', 'again.json']);
    expect(newer.stdout).not.toContain('newer');
    await reader.good(['purge', 'verify', '--offline', 'receipt.json']);
    const changed = (await readFile(join(reader.folder, 'again.json'), 'utf8')).replace('"T-7"', '"T-8"');
    await writeFile(join(reader.folder, 'forged.json'), changed);
    expect(await reader.run(['purge', 'verify', '--offline', 'forged.json'])).toMatchObject({ exitCode: 4 });

    // The host goes on in its chain, and says that the person is in the database still.
    const next = await backUp(host);
    expect(next.full).toBe(false);
    expect((await keysIn(place)).filter((key) => key.endsWith('manifest-1.pgp'))).toHaveLength(2);
  },
);

test(
  'a plan is refused when the set has changed since, or when what stays needs what goes',
  { timeout: 120_000 },
  async () => {
    const { host, reader } = await shop();
    await reader.good(['purge', 'plan', 'shop', '--subject', 'customer=7', '-o', 'plan.pgp']);
    await backUp(host);
    const stale = await reader.run(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json']);
    expect(stale.exitCode).toBe(7);
    expect(stale.stderr).toContain('is not as it was planned');

    const dangling = SHOP_MAP.replace(
      'shop_customers.id }, erase: delete',
      'shop_customers.id }, keep: { because: tax law }',
    );
    await writeFile(join(reader.folder, 'map.yaml'), dangling);
    const refused = await reader.run(['purge', 'plan', 'shop', '--subject', 'customer=7', '-o', 'bad.pgp']);
    expect(refused.exitCode).toBe(7);
    expect(refused.stderr).toMatch(/shop_orders.*shop_customers/);
  },
);

test('resume finishes what was killed, without the plan', { timeout: 120_000 }, async () => {
  const { reader, place } = await shop();
  await reader.good(['purge', 'plan', 'shop', '--subject', 'customer=7', '--scan', '-o', 'plan.pgp']);
  const killed = await reader.run(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json'], {
    env: { HOLDFAST_TEST_FAULT: 'kill-after:8' },
  });
  expect(killed.signal).toBe('SIGKILL');
  const listed = await reader.good(['purge', 'list', '--json']);
  expect(listed.json.find(({ type }) => type === 'request')).toMatchObject({ state: 'open' });
  // Already now nobody gets the person.
  expect((await reader.good(['cat', 'shop'])).stdout).not.toContain("'person7@");
  const resumed = await reader.good(['purge', 'resume', 'shop', '-o', 'receipt.json', '--json']);
  expect(resumed.json.at(-1)).toMatchObject({ complete: true });
  expect((await reader.good(['cat', 'shop'])).stdout).not.toContain("'person7@");
  // The plan had looked for mentions, which its receipt still says.
  expect(await readFile(join(reader.folder, 'receipt.json.md'), 'utf8')).toContain(
    'scanned when it was planned',
  );
  await reader.good(['purge', 'verify', 'receipt.json']);
  await tamper(place, async (store) => {
    for await (const { key } of store.list('')) expect(key).not.toMatch(/manifest\.pgp$/);
  });
});
