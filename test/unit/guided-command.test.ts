/** Goal: the command that a guided restore prints does the same, and holds no part of a password. */
import { expect, test } from 'vitest';
import { commandLine } from '../../src/cli/restoring/guided/choices.ts';

test.each([
  ['postgres://ada:geheim@db/shop', 'postgres://ada@db/shop'],
  ['postgres://ada:ge@heim@db/shop', 'postgres://ada@db/shop'],
  ['mysql://ada:ge/heim@db/shop', 'mysql://ada@db/shop'],
  ['postgres://db/a@b', 'postgres://db/a@b'],
  ['postgres://ada@db:5432/shop', 'postgres://ada@db:5432/shop'],
  ['/srv/a:b@c.db', '/srv/a:b@c.db'],
])('%s', (to, shown) => {
  const words = commandLine({ set: 'shop', snapshot: '20261121T101500Z-9f3a01c4', to, owner: true }).split(
    ' ',
  );
  expect(words).toEqual(['holdfast', 'restore', 'shop@20261121T101500Z-9f3a01c4', '--to', shown]);
});

test('every option that decides what comes back is in it', () => {
  const chosen = {
    ...{ set: 'shop', snapshot: '20261121T101500Z-9f3a01c4', to: 'shop.db', owner: false, globals: true },
    ...{ table: ['a b', 'c'], path: ['x'], match: ['user:*'], swap: 'shop', endSessions: true },
    ...{ acceptRollback: true, withoutSuppression: ['p-1', 'p-2'], withoutLedger: 'shop', gpg: true },
  };
  expect(commandLine(chosen)).toBe(
    "holdfast restore shop@20261121T101500Z-9f3a01c4 --to shop.db --table 'a b' --table c --path x --match 'user:*' --globals " +
      '--no-owner --swap shop --end-sessions --accept-rollback --without-suppression p-1 --without-suppression p-2 ' +
      '--without-ledger shop --gpg',
  );
});
