/** Goal: until when a row is kept is a day of the calendar, and what is kept is told once for each basis. */
import { describe, expect, test } from 'vitest';
import { keptLines, keptRows, lastDay } from '../../src/purge/plan/kept.ts';
import type { AffectedRow } from '../../src/subjects/decided.ts';

describe('lastDay', () => {
  test.each([
    ['2033-12-31', '2026-11-22T23:59:59Z', '2033-12-31'],
    ['7y', '2026-11-22T23:59:59Z', '2033-11-22'],
    ['1y', '2028-02-29T00:00:00Z', '2029-02-28'],
    ['18m', '2026-08-31T12:00:00Z', '2028-02-29'],
    ['1m', '2026-12-31T12:00:00Z', '2027-01-31'],
    ['2w', '2026-12-25T00:00:00Z', '2027-01-08'],
    ['90d', '2026-11-22T00:00:00Z', '2027-02-20'],
  ])('%s from %s is %s', (until, from, day) => {
    expect(lastDay(until, new Date(from))).toBe(day);
  });
});

test('rows are counted by their basis, also those that lose values; what is deleted or only set has none', () => {
  const row = (outcome: AffectedRow['outcome']): AffectedRow => ({ outcome, reasons: [1] });
  const tax = { do: 'keep', because: 'tax law', until: '7y' } as const;
  const rows = [
    row({ ...tax, values: new Map() }),
    row({ ...tax, values: new Map([['name', null]]) }),
    row({ do: 'keep', because: 'a claim', values: new Map() }),
    row({ do: 'set', values: new Map([['name', null]]) }),
    row({ do: 'delete', values: new Map() }),
  ];
  const kept = keptRows(rows, new Date('2026-11-22T00:00:00Z'));
  expect(kept).toEqual([
    { because: 'tax law', until: '2033-11-22', rows: 2 },
    { because: 'a claim', rows: 1 },
  ]);
  const counts = { delete: 1, change: 2, keep: 2 };
  const fewer = [{ because: 'tax law', until: '2033-11-22', rows: 1 }];
  expect(
    keptLines([
      { tables: { invoices: { ...counts, kept }, orders: counts } },
      { tables: { invoices: { ...counts, kept: fewer } } },
      {},
    ]),
  ).toEqual([
    { table: 'invoices', because: 'tax law', until: '2033-11-22', rows: 2, snapshots: 2 },
    { table: 'invoices', because: 'a claim', rows: 1, snapshots: 1 },
  ]);
});
