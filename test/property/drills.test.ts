/** What a ledger says of drills: only operators' lines count, and a line that tells stops nobody. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { drillsOf, lastVerified } from '../../src/repository/drills.ts';
import { isApplicable, knownEvents, namedRevisions } from '../../src/repository/ledger-events.ts';
import type { LedgerLine } from '../../src/repository/ledger.ts';
import { Trust } from '../../src/openpgp/trust.ts';

const OPERATOR = 'a'.repeat(40);
const HOST = 'b'.repeat(40);
const operators = { has: (fingerprint: string) => fingerprint === OPERATOR };

const drill = fc.record({
  type: fc.constant('drill'),
  note: fc.constant(true),
  id: fc.stringMatching(/^[0-9a-f]{16}$/),
  snapshot: fc.constant('20261121T030005Z-9f3a01c4'),
  manifest: fc.stringMatching(/^[0-9a-f]{64}$/),
  picked: fc.constantFrom('newest', 'random', 'all', 'named'),
  outcome: fc.constantFrom('verified', 'failed', 'not-run'),
  reasons: fc.constantFrom([], ['ROWS_DIFFER']),
  started: fc.constant('2026-11-21T04:00:00.000Z'),
  stages: fc.constantFrom({}, { find: 12, open: 3, prepare: 1900, load: 2, check: 0 }),
  rpo_ms: fc.nat(),
});
/** What is no drill: a field is missing, or says something else. */
const malformed = drill.chain((event) =>
  fc
    .constantFrom(
      ...['note', 'id', 'snapshot', 'manifest', 'picked', 'outcome', 'reasons', 'started', 'rpo_ms'],
    )
    .chain((field) =>
      fc
        .constantFrom<unknown>(undefined, null, -1, 'side ways')
        .map((value) => ({ ...event, [field]: value })),
    ),
);
const strange = fc.record({ type: fc.constant('sold'), note: fc.constant(true), to: fc.string() });

const line = fc
  .tuple(fc.oneof(drill, malformed, strange), fc.constantFrom(OPERATOR, HOST), fc.nat({ max: 59 }))
  .map(([event, signer, minute]) => lineOf(event, signer, minute));

test.prop([fc.array(line, { maxLength: 12 })])('only what operators say counts, in its order', (lines) => {
  const drills = drillsOf({ lines }, operators);

  expect(drills.every((one) => one.line.signer === OPERATOR)).toBe(true);
  expect(drills.map((one) => one.line.time)).toEqual(drills.map((one) => one.line.time).toSorted());
  expect(lastVerified(drills)).toEqual(drills.filter((one) => one.outcome === 'verified').at(-1));
});

test.prop([drill, fc.nat({ max: 59 })])('what is well formed is found as it was written', (event, minute) => {
  const [found] = drillsOf({ lines: [lineOf(event, OPERATOR, minute)] }, operators);

  expect(found).toMatchObject(event);
});

test.prop([malformed])('what is not, is no evidence', (event) => {
  expect(drillsOf({ lines: [lineOf(event, OPERATOR, 0)] }, operators)).toEqual([]);
});

test.prop([fc.array(line)])('a note stops nobody, whoever has signed it', (lines) => {
  const noted = lines.filter(({ event }) => event['note'] === true);
  const ledger = { lines: noted, heads: {}, hashes: new Map() };

  expect(noted.every(isApplicable)).toBe(true);
  expect(knownEvents(ledger)).toEqual([]);
  expect(namedRevisions(ledger, new Trust([]))).toEqual(new Map());
});

test.prop([drill, fc.boolean()])(
  'without the word, or with something to retire, readers stop',
  (event, says) => {
    const { note: _, ...rest } = event;
    const retired = [['db1', 1, '039/0123456789abcdef', 7]];

    expect(isApplicable(lineOf(says ? { ...rest, note: 'true' } : rest, OPERATOR, 0))).toBe(false);
    expect(isApplicable(lineOf({ ...event, retired }, OPERATOR, 0))).toBe(false);
  },
);

test.prop([fc.constantFrom('amended', 'purge-intent', 'rotation-intent')])(
  'what has a meaning keeps it, whatever it says of itself',
  (type) => {
    const event = { type, note: true, id: 'x', amended: [], snapshots: [] };
    const ledger = { lines: [lineOf(event, HOST, 0)], heads: {}, hashes: new Map() };

    expect(() => namedRevisions(ledger, new Trust([]))).toThrow();
  },
);

function lineOf(event: object, signer: string, minute: number): LedgerLine {
  const time = new Date(Date.UTC(2026, 10, 21, 4, minute)).toISOString();
  const common = { format: 1 as const, kind: 'ledger' as const, store: 's', set: 'shop', writer: 'w' };
  return { ...common, seq: 1, prev: null, time, heads: {}, event: event as LedgerLine['event'], signer };
}
