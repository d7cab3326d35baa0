/** Goal: with `promises.two_person` no single person erases anything: another operator approves the very plan, and the receipt proves it. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, keysIn } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { shopHost } from '../services/shop-host.ts';
import { SHOP_MAP } from '../services/shop.ts';
import { giveMap } from '../services/subject-map.ts';
import { tempFolder } from '../services/temp.ts';

async function twoPeople() {
  const { host } = await shopHost(200);
  await backUp(host);
  const reader = await host.reader();
  await giveMap(reader, SHOP_MAP);
  const config = join(reader.folder, 'holdfast.yaml');
  await appendFile(config, 'promises: { two_person: true }\n');
  const secret = join(await tempFolder('vault'), 'passphrase');
  await writeFile(secret, host.escrowPassphrase, { mode: 0o600 });
  const env = { HOLDFAST_KEY: host.escrowKey, HOLDFAST_PASSPHRASE_FILE: secret };
  const approve = (plan: string, out: string) =>
    reader.run(['purge', 'approve', plan, '--yes', '-o', out, '--json'], { env });
  return { reader, place: host.place, approve, config };
}

async function plan(reader: Machine, customer: number, file: string): Promise<void> {
  await reader.good(['purge', 'plan', 'shop', '--subject', `customer=${customer}`, '-o', file]);
}

const apply = (file: string, ...more: string[]) => [
  ...['purge', 'apply', file, '--yes', '-o', 'receipt.json'],
  ...more,
];

test('one alone cannot, two can, and the receipt says who', { timeout: 120_000 }, async () => {
  const { reader, place, approve } = await twoPeople();
  await plan(reader, 7, 'plan.pgp');
  await plan(reader, 8, 'other.pgp');
  const before = await keysIn(place);
  expectComplaint(await reader.run(apply('plan.pgp')), {
    exit: 7,
    error: /nobody else has approved/,
    hint: /holdfast purge approve/,
  });
  const own = await reader.run(['purge', 'approve', 'plan.pgp', '--yes', '-o', 'own.json']);
  expectComplaint(own, { exit: 7, error: /the key that made the plan cannot approve it/, hint: /another/ });

  const unsure = await reader.run(['purge', 'approve', 'plan.pgp', '-o', 'unsure.json']);
  expect(unsure.exitCode).not.toBe(0);
  expect(await approve('other.pgp', 'other.json')).toMatchObject({ exitCode: 0 });
  const elsewhere = await reader.run(apply('plan.pgp', '--approve', 'other.json'));
  expectComplaint(elsewhere, { exit: 7, error: /it is for another plan/, hint: /purge approve/ });

  const approved = await approve('plan.pgp', 'approval.json');
  expect(approved).toMatchObject({ exitCode: 0 });
  expect(approved.json.find(({ type }) => type === 'plan')).toMatchObject({ set: 'shop' });
  expect(approved.stdout).not.toMatch(/person7@/i);
  const text = await readFile(join(reader.folder, 'approval.json'), 'utf8');
  await writeFile(join(reader.folder, 'forged.json'), text.replace('"id":"', '"id":"0'));
  expect(await reader.run(apply('plan.pgp', '--approve', 'forged.json'))).toMatchObject({ exitCode: 4 });
  // Up to here nothing has changed, but who was here: no line of the ledger.
  expect(await keysIn(place)).toEqual(before);

  await reader.good(apply('plan.pgp', '--approve', 'approval.json'));
  const verified = await reader.good(['purge', 'verify', '--offline', 'receipt.json']);
  expect(verified.stdout).toContain('approved by');
  const [line = ''] = (await readFile(join(reader.folder, 'receipt.json'), 'utf8')).split('\n');
  const receipt = JSON.parse(line) as { operator: string; approval?: { by: string; statement: string } };
  expect(receipt.approval).toMatchObject({ statement: text });
  expect(receipt.approval?.by).not.toBe(receipt.operator);
  expect(await readFile(join(reader.folder, 'receipt.json.md'), 'utf8')).toContain(
    `Approved by: ${receipt.approval?.by ?? '?'}`,
  );
});

test('what was approved and interrupted is finished without asking again', { timeout: 120_000 }, async () => {
  const { reader, approve } = await twoPeople();
  await plan(reader, 7, 'plan.pgp');
  await approve('plan.pgp', 'approval.json');
  const killed = await reader.run(apply('plan.pgp', '--approve', 'approval.json'), {
    env: { HOLDFAST_TEST_FAULT: 'kill-after:6' },
  });
  expect(killed.signal).toBe('SIGKILL');
  const resumed = await reader.good(['purge', 'resume', 'shop', '-o', 'receipt.json', '--json']);
  expect(resumed.json.at(-1)).toMatchObject({ complete: true });
  expect(await readFile(join(reader.folder, 'receipt.json.md'), 'utf8')).toContain('Approved by: ');
});

test('a whole set too; and the promise needs a second key', { timeout: 120_000 }, async () => {
  const { reader, approve, config } = await twoPeople();
  await reader.good(['purge', 'plan', 'shop', '--whole-set', '-o', 'plan.pgp']);
  expect(await reader.run(apply('plan.pgp'))).toMatchObject({ exitCode: 7 });
  await approve('plan.pgp', 'approval.json');
  await reader.good(apply('plan.pgp', '--approve', 'approval.json'));

  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace(/^recipients: \[([^,\]]*).*\]$/m, 'recipients: [$1]'));
  expectComplaint(await reader.run(['snapshots', 'shop']), {
    exit: 2,
    error: /two_person: needs a second key/,
    hint: /./,
  });
});
