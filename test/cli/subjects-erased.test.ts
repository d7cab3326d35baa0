/** Goal: whoever was erased is not exported from a snapshot that the purge has not reached, and `find` says how it is. */
import { expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { backUp } from '../services/machines.ts';
import { shopHost } from '../services/shop-host.ts';
import { SHOP_MAP, withDatabase } from '../services/shop.ts';
import { giveMap } from '../services/subject-map.ts';

const MAP = `${SHOP_MAP}  messages:
    links:
      - { link: { sender: shop_customers.id }, erase: delete }
      - { link: { receiver: shop_customers.id }, erase: { set: { receiver: null } } }
    erase: delete
`;

test('find and export while a purge is under way', { timeout: 120_000 }, async () => {
  const { host, database } = await shopHost(400);
  withDatabase(database, (db) =>
    db.exec(`CREATE TABLE messages(id INTEGER PRIMARY KEY, sender INTEGER, receiver INTEGER, body TEXT);
      INSERT INTO messages VALUES (1, 7, 8, 'from seven'), (2, 8, 7, 'to seven'), (3, 8, 9, 'to nine')`),
  );
  const reader = await host.reader();
  for (const machine of [host, reader]) await giveMap(machine, MAP);
  const { snapshot } = await backUp(host);
  const find = ['subjects', 'find', 'shop', '--json', '--subject'];
  const give = ['subjects', 'export', 'shop', '--subject'];
  expect((await reader.good([...find, 'customer=7'])).json.at(-1)).toMatchObject({ holding: 1, erased: [] });
  expect((await reader.good([...give, 'customer=8'])).stdout).toContain('from seven');

  await reader.good(['purge', 'plan', 'shop', '--subject', 'customer=7', '-o', 'plan.pgp']);
  const env = { HOLDFAST_TEST_FAULT: 'kill-after:8' };
  const killed = await reader.run(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json'], { env });
  expect(killed.signal).toBe('SIGKILL');
  const listed = await reader.good(['purge', 'list', '--json']);
  expect(listed.json.find(({ type }) => type === 'request')).toMatchObject({ unreached: [snapshot] });

  const found = await reader.good([...find, 'customer=7']);
  expect(found.json.at(-1)).toMatchObject({ holding: 1, erased: [snapshot] });
  expect(found.stderr).toMatch(/\d rows of these were erased by purge .*restores leave them out/);
  expectComplaint(await reader.run([...give, 'customer=7']), {
    exit: 7,
    error: /has erased them, and has not reached snapshot/,
    hint: /holdfast purge resume shop/,
  });
  // Somebody else is given what is theirs, as a restore would give it.
  const other = await reader.good([...give, 'customer=8']);
  expect(other.stderr).toContain('left out 1 row');
  expect((JSON.parse(other.stdout) as { tables: Record<string, unknown> }).tables['messages']).toEqual([
    { id: '2', sender: '8', receiver: null, body: 'to seven' },
    { id: '3', sender: '8', receiver: '9', body: 'to nine' },
  ]);

  await reader.good(['purge', 'resume', 'shop', '-o', 'receipt.json']);
  expect((await reader.good([...find, 'customer=7'])).json.at(-1)).toMatchObject({ holding: 0, erased: [] });
  expect((await reader.good([...give, 'customer=8'])).stderr).toBe('');
});
