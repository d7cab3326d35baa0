/** Goal: each promise is met, broken or not measured by what was found, never by what was not looked at. */
import { describe, expect, test } from 'vitest';
import type { Evidence, PromiseId } from '../../src/report/evidence.ts';
import { PROMISES } from '../../src/report/evidence.ts';
import { CONTROLS } from '../../src/report/controls.ts';
import type { ReportFacts, SetFacts } from '../../src/report/facts.ts';
import { judge } from '../../src/report/judge.ts';
import {
  DAY_MS,
  ESCROW,
  NOW,
  OPS,
  ago,
  company,
  dailies,
  drill,
  key,
  objectsFact,
  purge,
  setFacts,
  snapshotFact,
} from './report-facts.kit.ts';

/** A company of one set. */
function one(set: Partial<SetFacts> = {}, facts: Partial<ReportFacts> = {}): Evidence {
  return judge(company({ sets: [setFacts('shop', set)], ...facts }));
}

function verdictOf({ promises }: Evidence, id: PromiseId): string | undefined {
  return promises.find((promise) => promise.id === id)?.verdict;
}

function textsOf({ promises }: Evidence, id: PromiseId): string {
  const findings = promises.find((promise) => promise.id === id)?.findings ?? [];
  return findings.map(({ about, text }) => `${about ?? ''}: ${text}`).join('\n');
}

test('where all is well every promise that could be measured is met', () => {
  const evidence = one({
    purges: [purge(20, 18)],
    copies: [{ name: 'b', url: 's3://b', newest: ago(0.2), behind: 0, unknown: undefined }],
  });
  expect(evidence.promises.map(({ id, verdict }) => [id, verdict])).toEqual(
    evidence.promises.map(({ id }) => [id, 'met']),
  );
  expect(evidence.promises.map(({ id }) => id).sort()).toEqual([...PROMISES].sort());
  expect(evidence.notPromised).toEqual([]);
  expect(evidence.controls.every(({ verdict }) => verdict === 'met')).toBe(true);
  expect(evidence.summary).toMatchObject({ met: PROMISES.length, broken: 0, notMeasured: 0, snapshots: 90 });
});

const BROKEN: readonly (readonly [what: string, id: PromiseId, set: Partial<SetFacts>, says: RegExp])[] = [
  ['no snapshot at all', 'backup_every', { snapshots: [] }, /there is no snapshot/],
  ['the newest one is too old', 'backup_every', { snapshots: dailies(90).slice(0, -2) }, /none for 2 days/],
  [
    'days without one in between',
    'backup_every',
    { snapshots: dailies(90, [34, 35]) },
    /3 days without one after 2026-10-17/,
  ],
  [
    'a pack that is gone',
    'keep',
    { snapshots: [...dailies(3), snapshotFact({ day: 0, missing: ['pack 039/00 is gone'] })] },
    /1 snapshot not whole; .*: pack 039\/00 is gone/,
  ],
  ['objects past their life', 'ends', { objects: objectsFact(90, 1e9, 3) }, /3 objects should be gone/],
  [
    'a signature that is not good',
    'intact',
    { problems: ['entry.json: its signature is bad'] },
    /its signature is bad/,
  ],
  [
    'a recipient that nobody named',
    'encrypted',
    { snapshots: [snapshotFact({ day: 0, recipients: [OPS, 'f'.repeat(40)] })] },
    /can be opened by a key that the configuration does not name: f{40}/,
  ],
  [
    'an old copy',
    'copies',
    { copies: [{ name: 'b', url: 's3://b', newest: ago(5), behind: 5, unknown: undefined }] },
    /shop, copy b: 5 snapshots behind/,
  ],
  [
    'an erasure that is overdue',
    'erasure_within',
    { purges: [purge(31, undefined)] },
    /shop, p31: was due 2026-11-21 and is open/,
  ],
  ['one that was late', 'erasure_within', { purges: [purge(70, 10)] }, /done 2026-11-12, due 2026-10-13/],
  [
    'nobody else approved it',
    'two_person',
    { purges: [purge(20, 18, { approvedBy: undefined })] },
    /nobody else/,
  ],
  ['no drill yet', 'drill_every', { drills: [] }, /no restore has been tried yet; due 2026-11-22/],
  [
    'the last drill is too long ago',
    'drill_every',
    { drills: [drill(31, 9000)] },
    /restored on 2026-10-22 in 9.0 s; another one was due 2026-11-21/,
  ],
  [
    'the last drill failed',
    'drill_every',
    { drills: [drill(9, 9000), drill(3, 9000, 'failed')] },
    /drill of 2026-11-19 failed, and none since shows the contrary: ROWS_DIFFER/,
  ],
];

test.for(BROKEN)('%s: broken', ([, id, set, says]) => {
  const evidence = one(set);
  expect(verdictOf(evidence, id)).toBe('broken');
  expect(textsOf(evidence, id)).toMatch(says);
  expect(evidence.sets[0]?.verdict).toBe('broken');
  for (const { promises, verdict } of evidence.controls)
    if (promises.includes(id)) expect(verdict).toBe('broken');
});

test('a failed drill stands against what a listing shows, promised or not', () => {
  const drills = [drill(9, 9000), drill(3, 9000, 'failed')];
  const evidence = one({ drills }, { promised: { residency: [] } });
  expect(verdictOf(evidence, 'drill_every')).toBeUndefined();
  expect(verdictOf(evidence, 'keep')).toBe('broken');
  expect(textsOf(evidence, 'keep')).toMatch(/drill of 2026-11-19 failed, .*: ROWS_DIFFER/);
  expect(evidence.sets[0]?.verdict).toBe('broken');
});

test('a report about some sets says which ones it leaves out', () => {
  expect(one().limits.join()).not.toMatch(/It is about/);
  expect(one({}, { otherSets: ['crm', 'wiki'] }).limits[0]).toBe(
    'It is about shop only. The configuration has more sets: crm, wiki.',
  );
});

describe('what could not be looked at is not met', () => {
  test('a store that cannot be listed', () => {
    const evidence = one(
      { objects: undefined },
      {
        sweep: {
          unknown: 'not allowed to list',
          versioned: true,
          versionsUnseen: false,
          others: [],
          sealed: undefined,
        },
      },
    );
    expect([verdictOf(evidence, 'ends'), verdictOf(evidence, 'keep')]).toEqual([
      'not measured',
      'not measured',
    ]);
    expect(textsOf(evidence, 'ends')).toContain('not allowed to list');
    expect(evidence.summary.storedBytes).toBeNull();
    expect(evidence.sets[0]?.retention).toBeNull();
  });

  test('old versions that cannot be listed', () => {
    const evidence = one(
      {},
      { sweep: { unknown: undefined, versioned: true, versionsUnseen: true, others: [], sealed: undefined } },
    );
    expect(verdictOf(evidence, 'ends')).toBe('not measured');
  });

  test('a ledger that does not hold', () => {
    const evidence = one({ ledgerHolds: false, purges: [], drills: [], problems: ['line 3 is gone'] });
    expect(evidence.summary).toMatchObject({ purges: null, drills: null, exports: 1 });
    for (const id of ['erasure_within', 'two_person', 'drill_every'] as const)
      expect(verdictOf(evidence, id)).toBe('not measured');
    expect(verdictOf(evidence, 'intact')).toBe('broken');
  });

  test('a copy that cannot be reached', () => {
    const evidence = one({
      copies: [{ name: 'b', url: 's3://b', newest: undefined, behind: 0, unknown: 'no answer' }],
    });
    expect(verdictOf(evidence, 'copies')).toBe('not measured');
  });

  test('a bucket that does not tell its region; one elsewhere is broken', () => {
    const [place] = company().places;
    if (!place) throw new Error('no place');
    const silent = one({}, { places: [{ ...place, location: undefined, residentAsPromised: undefined }] });
    expect(verdictOf(silent, 'residency')).toBe('not measured');
    const elsewhere = one({}, { places: [{ ...place, location: 'us-east-1', residentAsPromised: false }] });
    expect(verdictOf(elsewhere, 'residency')).toBe('broken');
  });

  test('nobody to be erased, in any set', () => {
    expect(verdictOf(one({ purges: [] }), 'erasure_within')).toBe('not measured');
  });

  test('one set without erasures does not hide that they were done in another', () => {
    const sets = [setFacts('shop', { purges: [purge(20, 18)] }), setFacts('wiki')];
    expect(verdictOf(judge(company({ sets })), 'erasure_within')).toBe('met');
  });
});

test('a recipient that must not be used breaks it, one that ends soon does not', () => {
  const soon = key('ops', OPS, { warning: 'expires in 10 days, on 2026-12-02' });
  expect(verdictOf(one({}, { keys: [soon, key('escrow', ESCROW)] }), 'encrypted')).toBe('met');
  const gone = key('ops', OPS, { refusal: 'it expired on 2026-11-01' });
  expect(verdictOf(one({}, { keys: [gone, key('escrow', ESCROW)] }), 'encrypted')).toBe('broken');
});

test('what is not promised is not judged, and requirements that need it are met in part', () => {
  const evidence = one({}, { promised: { residency: [] } });
  expect([...evidence.notPromised].sort()).toEqual(
    ['copies', 'drill_every', 'erasure_within', 'residency', 'two_person'].sort(),
  );
  const verdicts = new Map(evidence.controls.map(({ id, verdict }) => [id, verdict]));
  expect(verdicts.get('soc2-a1.3')).toBe('not measured');
  expect(verdicts.get('iso-8.13')).toBe('partly');
  expect(verdicts.get('gdpr-32-c')).toBe('partly');
});

test('what nobody names any more, and exports, have to go in time as well', () => {
  const { sweep } = company();
  const crm = { set: 'crm-old', count: 3, bytes: 3, overdue: 2 };
  expect(textsOf(one({}, { sweep: { ...sweep, others: [crm] } }), 'ends')).toContain(
    'crm-old (not in this configuration): 2 objects should be gone',
  );
  const sealed = { set: 'sealed', count: 1, bytes: 3, overdue: 1 };
  expect(verdictOf(one({}, { sweep: { ...sweep, sealed } }), 'ends')).toBe('broken');
});

test('a ledger of exports that does not hold is not believed', () => {
  const evidence = one({}, { exports: { problem: 'line 2 is gone', exports: [] } });
  expect(verdictOf(evidence, 'encrypted')).toBe('broken');
  expect(textsOf(evidence, 'encrypted')).toContain('sealed exports: line 2 is gone');
});

test('every promise is part of some requirement', () => {
  const named = new Set(CONTROLS.flatMap(({ promises }) => promises));
  expect([...named].sort()).toEqual([...PROMISES].sort());
});

test('what was begun before all of the set was erased is not missed', () => {
  const evidence = one({ snapshots: dailies(4), erasedUntil: new Date(NOW.getTime() - 5 * DAY_MS) });
  expect(verdictOf(evidence, 'backup_every')).toBe('met');
});

test('the evidence is JSON: it survives being written and read', () => {
  const evidence = judge(company());
  expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence);
});
