/** What people type for a snapshot or a table, and which one is meant. */
import { describe, expect, it } from 'vitest';
import { findChainBreaks, inOrder, newestByWriter } from '../../src/repository/catalog.ts';
import type { CatalogEntry } from '../../src/repository/catalog.ts';
import { findRollback } from '../../src/repository/seen.ts';
import { selectSnapshot, selectTables } from '../../src/restore/select.ts';
import { statusOf } from '../../src/status/status.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

function entry(seq: number, time: string, more: Partial<CatalogEntry['entry']> = {}): CatalogEntry {
  const stamp = time.slice(0, 19).replace(/[-:]/g, '');
  return {
    entry: {
      snapshot: `${stamp}Z-${String(seq).padStart(4, '0')}`,
      set: 'shop',
      writer: 'db1',
      seq,
      time,
      end: '2026-12-21T00:00:00.000Z',
      prev: null,
      ...more,
    } as CatalogEntry['entry'],
    sha256: `sha-${more.writer ?? 'db1'}-${seq}`,
    folder: '',
    signer: '',
    current: undefined,
    trouble: undefined,
    objects: [],
  };
}

const ENTRIES = [
  entry(1, '2026-11-18T03:00:00.000Z', { end: '2026-11-20T03:00:00.000Z' }),
  entry(2, '2026-11-19T03:00:00.000Z'),
  entry(3, '2026-11-20T03:00:00.000Z'),
  entry(4, '2026-11-20T15:00:00.000Z'),
];

describe('a snapshot', () => {
  const pick = (when: string) => selectSnapshot(ENTRIES, { set: 'shop', when }, NOW).entry.seq;

  it('is found by latest, oldest, id, the only prefix, date and time', () => {
    expect(pick('latest')).toBe(4);
    expect(pick('oldest')).toBe(2);
    expect(pick('20261119T030000Z-0002')).toBe(2);
    expect(pick('20261119')).toBe(2);
    expect(pick('2026-11-20')).toBe(4);
    expect(pick('2026-11-20T14:59:59Z')).toBe(3);
    expect(pick('2026-11-20T16:00:00+01:00')).toBe(4);
  });

  it('is not guessed', () => {
    expect(() => pick('yesterday')).toThrow(code('WHEN_INVALID'));
    expect(() => pick('20261120')).toThrow(code('WHEN_INVALID'));
    expect(() => pick('2026-11-01')).toThrow(code('NO_SNAPSHOT'));
    expect(() => selectSnapshot([], { set: 'shop', when: 'latest' }, NOW)).toThrow(code('NO_SNAPSHOT'));
  });

  it('past its end is refused by name and skipped otherwise', () => {
    expect(() => pick('20261118T030000Z-0001')).toThrow(code('SNAPSHOT_EXPIRED'));
    expect(() => pick('2026-11-18')).toThrow(code('NO_SNAPSHOT'));
  });
});

describe('the order of snapshots', () => {
  it('is that of time, but of numbers for one writer whose clock jumped back', () => {
    const jumped = [entry(1, '2026-11-20T03:00:00.000Z'), entry(2, '2026-11-01T03:00:00.000Z')];
    const other = entry(1, '2026-11-10T03:00:00.000Z', { writer: 'db2' });
    expect(inOrder([...jumped, other].reverse()).map(({ entry: e }) => `${e.writer} ${e.seq}`)).toEqual([
      'db2 1',
      'db1 1',
      'db1 2',
    ]);
  });
});

describe('the chain of entries', () => {
  const prev = (item: CatalogEntry) => ({
    snapshot: item.entry.snapshot,
    seq: item.entry.seq,
    sha256: item.sha256,
    end: item.entry.end,
  });
  const one = entry(1, '2026-11-18T03:00:00.000Z');
  const two = entry(2, '2026-11-19T03:00:00.000Z', { prev: prev(one) });

  it('is whole, or has holes only where an entry has expired', () => {
    expect(findChainBreaks([one, two], NOW)).toEqual([]);
    expect(findChainBreaks([two], new Date('2027-01-01'))).toEqual([]);
  });

  it('shows a missing, a replaced and a doubled entry', () => {
    expect(findChainBreaks([two], NOW)).toEqual([expect.stringContaining('is missing before')]);
    expect(findChainBreaks([{ ...one, sha256: 'other' }, two], NOW)).toEqual([
      expect.stringContaining('is not the one'),
    ]);
    expect(findChainBreaks([one, one], NOW)).toEqual([expect.stringContaining('two snapshots are number 1')]);
  });
});

describe('what was seen before', () => {
  const seen = { entries: newestByWriter(ENTRIES), ledger: { officer: { seq: 2, sha256: 'b' } } };
  /** Lines of the officer, by their hashes. */
  const lines = (...all: string[]) => ({
    hashes: new Map(all.map((hash, at) => [`officer ${at + 1}`, hash])),
  });
  const ledger = lines('a', 'b');

  it('may grow and may expire', () => {
    const grown = newestByWriter([...ENTRIES, entry(5, '2026-11-21T03:00:00.000Z')]);
    expect(findRollback(seen, grown, lines('a', 'b', 'c'), NOW)).toEqual([]);
    expect(findRollback(seen, {}, ledger, new Date('2027-01-01'))).toEqual([]);
  });

  it('may not shrink or change', () => {
    expect(findRollback(seen, newestByWriter(ENTRIES.slice(0, 3)), ledger, NOW)).toHaveLength(1);
    const replaced = ENTRIES.with(3, { ...(ENTRIES[3] as CatalogEntry), sha256: 'other' });
    expect(findRollback(seen, newestByWriter(replaced), ledger, NOW)).toEqual([
      expect.stringContaining('was replaced'),
    ]);
    expect(findRollback(seen, seen.entries, lines('a'), NOW)).toHaveLength(1);
    expect(findRollback(seen, seen.entries, lines('a', 'x'), NOW)).toHaveLength(1);
    // A replaced line is seen as well where others have come behind it.
    expect(findRollback(seen, seen.entries, lines('a', 'x', 'c'), NOW)).toHaveLength(1);
    expect(findRollback(seen, seen.entries, lines(), new Date('2027-01-01'))).toHaveLength(1);
  });
});

describe('tables', () => {
  const streams = ['public.users', 'public."Odd ""Name"', 'sales.orders'].map((name) => ({
    name,
    section: 'data' as const,
    dialect: 'pg-copy' as const,
    table: { name, columns: [] },
    rows: 0,
    bytes: 0,
  }));
  const pick = (...names: string[]) => selectTables(streams, names).map((stream) => stream.name);

  it('are found as the engine writes them, without quotes, and without public', () => {
    expect(pick('users', 'sales.orders')).toEqual(['public.users', 'sales.orders']);
    expect(pick('Odd "Name')).toEqual(['public."Odd ""Name"']);
  });

  it('that do not exist are refused with near names', () => {
    expect(() => pick('user')).toThrow(expect.objectContaining({ hint: 'Did you mean public.users?' }));
  });
});

describe('the status of a set', () => {
  const at = (hours: number, damaged = 0) =>
    statusOf('shop', ENTRIES, damaged, 24 * HOUR, new Date(Date.UTC(2026, 10, 20, 15) + hours * HOUR));

  it('is fine within the promised interval and a little grace', () => {
    expect(at(24)).toMatchObject({ ok: true, snapshots: 3, newest: ENTRIES[3]?.entry.snapshot });
    expect(at(26.9).ok).toBe(true);
  });

  it('is not fine when late, empty, damaged or from the future', () => {
    expect(at(27.1)).toMatchObject({ ok: false, reason: 'the newest snapshot is too old' });
    expect(statusOf('shop', [], 0, 24 * HOUR, NOW)).toMatchObject({
      ok: false,
      reason: 'there is no snapshot',
    });
    expect(at(1, 2)).toMatchObject({ ok: false, reason: '2 entries cannot be verified' });
    expect(at(-30).reason).toMatch(/future/);
  });
});
