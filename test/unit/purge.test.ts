/** Goal: the pure parts of a purge: where edited text is cut, which pages change, what counts as late, which manifests go. */
import { describe, expect, test } from 'vitest';
import { judgeManifests } from '../../src/purge/apply/manifests.ts';
import { touchedPages } from '../../src/purge/rewrite/page-edit.ts';
import { requestsOf } from '../../src/purge/evidence/requests.ts';
import { cutSegments } from '../../src/purge/rewrite/rewrite.ts';
import { turnOf } from '../../src/purge/apply/whole-set.ts';
import type { PurgeRecord } from '../../src/repository/purges.ts';
import type { CatalogEntry } from '../../src/repository/catalog.ts';
import type { ObjectVersion } from '../../src/stores/store.ts';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-11-21T12:00:00Z');
const ID = '20261120T030000Z-00000001';

describe('cutSegments', () => {
  test('keeps every byte; ends on line ends where there is one, and fills segments where a row is longer', () => {
    const cut = (text: string) => cutSegments(Buffer.from(text), 8).map(String);
    expect(cut('')).toEqual([]);
    expect(cut('one\ntwo\n')).toEqual(['one\ntwo\n']);
    expect(cut('one\ntwo\nthree\n')).toEqual(['one\ntwo\n', 'three\n']);
    expect(cut('one\nthirteen\nx\n')).toEqual(['one\n', 'thirteen', '\nx\n']);
  });
});

test('touchedPages is by arithmetic', () => {
  const pages = [4, 1, 3].map((rows) => ({
    pack: '',
    offset: 0,
    length: 0,
    sha256: '',
    plain: 0,
    key: '',
    rows,
  }));
  const at = (replaced: number[], inserted: number[] = []) =>
    touchedPages(pages, {
      replaced: new Map(replaced.map((n) => [n, true])),
      inserted: new Map(inserted.map((n) => [n, true])),
    });
  expect(at([])).toEqual([]);
  expect(at([0, 3])).toEqual([0]);
  expect(at([4, 7])).toEqual([1, 2]);
  expect(at([], [4])).toEqual([1]);
  expect(at([], [8])).toEqual([2]);
});

describe('judgeManifests', () => {
  const version = (name: string, over: Partial<ObjectVersion> = {}): ObjectVersion => ({
    key: `keep-030/shop/snapshots/${ID}/${name}`,
    bytes: 10,
    modified: new Date(NOW.getTime() - 60_000),
    version: '1',
    isLatest: true,
    isMarker: false,
    ...over,
  });
  const rules = {
    set: 'shop',
    now: NOW,
    removeDeadRuns: false,
    living: new Map([[ID, { revision: 1, bytes: 10 }]]),
    gone: new Set<string>(),
  };

  test('the old one goes when the new one is there as stated, and only then', () => {
    const old = version('manifest.pgp');
    expect(judgeManifests([old, version('manifest-1.pgp')], rules)).toMatchObject({ remove: [old.key] });
    expect(judgeManifests([old, version('manifest-1.pgp', { bytes: 9 })], rules)).toMatchObject({
      remove: [],
      unreplaced: [ID],
    });
    expect(judgeManifests([old, version('manifest-1.pgp', { isLatest: false })], rules)).toMatchObject({
      remove: [],
    });
  });

  test('a snapshot of which the catalogue knew nothing may just have been made: it stays for a day', () => {
    const nobody = { ...rules, living: new Map() };
    const young = [version('manifest.pgp'), version('entry.json')];
    expect(judgeManifests(young, nobody)).toMatchObject({ remove: [], underWay: [ID] });
    expect(judgeManifests(young, { ...nobody, removeDeadRuns: true })).toMatchObject({ remove: [] });
    const dead = [version('manifest.pgp')];
    expect(judgeManifests(dead, { ...nobody, removeDeadRuns: true }).remove).toHaveLength(1);
    const old = [version('manifest.pgp', { modified: new Date(NOW.getTime() - DAY_MS) })];
    expect(judgeManifests(old, nobody).remove).toHaveLength(1);
  });

  test('of a snapshot whose revision nobody can tell nothing goes', () => {
    const unknown = { ...rules, living: new Map([[ID, undefined]]) };
    const verdicts = judgeManifests([version('manifest.pgp'), version('manifest-1.pgp')], unknown);
    expect(verdicts).toEqual({ remove: [], unreplaced: [], underWay: [] });
  });
});

test('a request is late when its time is over and it is not done; a host that did not know reopens it', () => {
  const since = new Date(NOW.getTime() - 31 * DAY_MS).toISOString();
  const record = {
    id: 'p1',
    intent: { type: 'purge-intent', id: 'p1', subject: 'customer-p1', plan: '', snapshots: [] },
    since,
    announced: new Set(),
    chains: new Set(),
    free: new Map(),
    amended: new Set(),
    retired: [],
    removed: new Set(),
    lines: [{ writer: 'key-1', seq: 3 }],
    receipt: undefined,
    doneAt: undefined,
  } as unknown as PurgeRecord;
  const entry = (seq: number) =>
    ({
      entry: {
        snapshot: ID,
        writer: 'db1',
        end: '2027-01-01T00:00:00.000Z',
        ledger_seen: { 'key-1': { seq, sha256: '' } },
      },
    }) as unknown as CatalogEntry;
  const of = (purge: PurgeRecord, seq: number) => requestsOf([purge], [entry(seq)], 30, NOW)[0];
  expect(of(record, 2)).toMatchObject({ state: 'open', overdue: true, unreached: [ID], pending: ['db1'] });
  const done = { ...record, doneAt: since, receipt: 'x' };
  expect(of(done, 2)).toMatchObject({ state: 'reopened', overdue: true, unreached: [ID] });
  expect(of(done, 3)).toMatchObject({ state: 'done', overdue: false, unreached: [], pending: [] });
});

test('of a whole set, what knew of the purge stays', () => {
  const rules = { set: 'shop', erased: new Set([ID]), since: NOW, chains: new Set(['db1-3']) };
  expect(turnOf(`keep-030/shop/snapshots/${ID}/manifest.pgp`, rules)).toBe('manifest');
  expect(turnOf(`keep-030/shop/snapshots/${ID}/entry.json`, rules)).toBe('record');
  expect(turnOf('keep-030/shop/snapshots/20261121T120000Z-00000002/manifest.pgp', rules)).toBeUndefined();
  expect(turnOf('keep-030/shop/snapshots/20261121T115900Z-00000002/manifest.pgp', rules)).toBe('manifest');
  expect(turnOf('keep-039/shop/chains/db1-2/packs/0123456789abcdef', rules)).toBe('chain');
  expect(turnOf('keep-039/shop/chains/db1-3/packs/0123456789abcdef', rules)).toBeUndefined();
  expect(turnOf('keep-039/shop/suppression/p1.pgp', rules)).toBeUndefined();
  expect(turnOf('keep-039/other/chains/db1-2/packs/0123456789abcdef', rules)).toBeUndefined();
});
