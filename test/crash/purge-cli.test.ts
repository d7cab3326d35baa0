/**
 * Goal: `purge apply` as people run it, killed (SIGKILL) right after each write to the store: what is there verifies, what
 * restores have is whole or without the person, and `resume`, or `apply` again, comes to the same end with nothing left over.
 */
import { expect, test } from 'vitest';
import { backUp, keysIn } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { shopHost } from '../services/shop-host.ts';
import { SHOP_MAP } from '../services/shop.ts';
import { giveMap } from '../services/subject-map.ts';

const SNAPSHOTS = 2;

test('purge apply, killed after each of its writes', { timeout: 400_000 }, async () => {
  const { reader, place } = await shop();
  let whole = await dump(reader);
  for (let n = 1; n < 60; n++) {
    const plan = `plan-${n}.pgp`;
    await reader.good(['purge', 'plan', 'shop', '--subject', `customer=${n}`, '-o', plan]);
    const apply = ['purge', 'apply', plan, '--yes', '--no-backup-running', '-o', `receipt-${n}.json`];
    const killed = await reader.run(apply, { env: { HOLDFAST_TEST_FAULT: `kill-after:${String(n)}` } });
    const without = withoutPerson(whole, n);
    const between = await reader.run(['cat', 'shop@oldest']);
    // Between suppression and its announcement nobody can tell: readers stop.
    if (between.exitCode === 5) expect(between.stderr).toContain('of which the ledger does not know');
    else expect([whole, without], `after ${n}`).toContain(between.stdout);

    const [request] = (await reader.run(['purge', 'list', '--json'])).json.filter(
      ({ type, state }) => type === 'request' && state === 'open',
    );
    // Once it is in the ledger it can be finished without the plan.
    if (request && n % 2 === 0)
      await reader.good(['purge', 'resume', 'shop', '--no-backup-running', '-o', `receipt-${n}.json`]);
    else await reader.good(apply);
    whole = await dump(reader);
    expect(whole, `after ${n}`).toBe(without);
    if (n % 4 === 0) await reader.good(['purge', 'verify', `receipt-${n}.json`]);
    const left = (await keysIn(place)).filter((key) => /(\.pgp|amend-\d+\.json|leases\/.*)$/.test(key));
    const snapshots = left.filter((key) => !key.includes('/suppression/'));
    expect({ n, left: snapshots.length }).toEqual({ n, left: 2 * SNAPSHOTS });
    if (killed.signal !== 'SIGKILL') {
      expect(killed.exitCode).toBe(0);
      expect(n).toBeGreaterThan(10);
      const { json } = await reader.good(['verify', '--read-data', '--json']);
      expect(json.at(-1)).toMatchObject({ problems: 0 });
      return;
    }
  }
  throw new Error('it never came to an end');
});

async function shop() {
  const { host } = await shopHost(100);
  for (let n = 0; n < SNAPSHOTS; n++) await backUp(host);
  const reader = await host.reader();
  await giveMap(reader, SHOP_MAP);
  return { reader, place: host.place };
}

async function dump(reader: Machine): Promise<string> {
  return (await reader.good(['cat', 'shop@oldest'])).stdout;
}

/** Their own row, and their orders. */
function withoutPerson(text: string, id: number): string {
  const isAbout = (line: string) =>
    line.includes(`'person${String(id)}@`) ||
    new RegExp(`"shop_orders"\\S* VALUES\\(\\d+,${String(id)},`).test(line);
  return text
    .split('\n')
    .filter((line) => !isAbout(line))
    .join('\n');
}
