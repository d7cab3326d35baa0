/** Goal: a plan says in words what goes, what stays and until when, and never "none" where nobody could ask. */
import { describe, expect, test } from 'vitest';
import { estimateLine, placeLine, tablesLine } from '../../src/cli/people/plan-lines.ts';
import type { PlannedPlace } from '../../src/purge/plan/planned-place.ts';

const manifests = { objects: 2, versions: 2, bytes: 4000, locked: 0 };
const packs = {
  objects: 1,
  versions: 1,
  bytes: 20_000,
  locked: 0,
  unreadableUntil: '2027-01-01T00:00:00.000Z',
};

describe('placeLine', () => {
  test.each<[string, PlannedPlace, boolean, string]>([
    [
      'nothing locked',
      { name: 'here', manifests, packs },
      false,
      'here: 2 manifests (4 kB) to remove; 1 pack (20 kB) with erased rows, which stays unreadable until 2027-01-01T00:00:00.000Z at the latest',
    ],
    [
      'old versions and locks',
      {
        name: 'here',
        manifests: {
          ...manifests,
          versions: 5,
          locked: 1,
          lockedUntil: '2026-12-01T00:00:00.000Z',
          modes: ['governance'],
        },
        packs: { ...packs, objects: 0, versions: 0 },
      },
      false,
      'here: 2 manifests in 5 versions (4 kB) to remove, 1 of them locked until 2026-12-01T00:00:00.000Z (governance)',
    ],
    [
      'nobody may ask for locks',
      { name: 'here', manifests: { objects: 1, versions: 1, bytes: 1000 } },
      false,
      'here: 1 manifest (1 kB) to remove, nobody may ask here whether they are locked',
    ],
    [
      'a copy that cannot be reached',
      { name: 'offsite', trouble: 'no answer\u001b[2J' },
      false,
      'offsite: nobody knows what lies there: no answer\\u001b[2J',
    ],
    [
      'the whole set',
      { name: 'here', manifests, packs: { objects: 3, versions: 3, bytes: 1000, locked: 0 } },
      true,
      'here: 2 objects of snapshots (4 kB) to remove; 3 objects of chains (1 kB) to remove',
    ],
  ])('%s', (_, place, isWhole, line) => {
    expect(placeLine(place, isWhole)).toBe(line);
  });
});

test('rows by table, and bytes as a share of what is stored', () => {
  expect(tablesLine({})).toBe('not in it');
  expect(
    tablesLine({ orders: { delete: 2, change: 0, keep: 1 }, a: { delete: 0, change: 3, keep: 0 } }),
  ).toBe('orders 2 deleted, 1 kept; a 3 changed');
  expect(estimateLine({ read: 900_000, written: 100_000, stored: 250_000_000, rows: 1 })).toBe(
    'about 900 kB to read and 100 kB to write, 0.4 % of the 250 MB that are stored, for 1 row of theirs',
  );
  expect(estimateLine({ read: 0, written: 0, stored: 0, rows: 0 })).toContain('0.0 % of the 0 B');
});
