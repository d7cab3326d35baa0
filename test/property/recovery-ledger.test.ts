/** Which snapshots a purge has not reached is the same for the shell script as for the program, whatever a ledger says. */
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { knowsOf, pendingFor, purgesOf } from '../../src/repository/purges.ts';
import { namedRevisions } from '../../src/repository/ledger-events.ts';
import type { Ledger, LedgerLine } from '../../src/repository/ledger.ts';
import type { LedgerHeads } from '../../src/repository/entry.ts';
import type { Trust } from '../../src/openpgp/trust.ts';
import { tempFolder } from '../services/temp.ts';

const SCRIPT = join(import.meta.dirname, '../../src/recovery/recover.sh');
const SNAPSHOTS = [1, 2, 3].map((day) => `2026112${day}T030000Z-0000000${day}`);
const WRITERS = ['key-aa', 'key-bb'];
const PURGES = ['p1', 'p2'];
const HASH = 'a'.repeat(64);
const NASTY = [
  '',
  '"',
  '","amended":[["',
  '"id":"p2","clear":[["',
  '\\"',
  ']]',
  '},"recipients":',
  'ä\u{1f600}',
];

const snapshots = fc.subarray(SNAPSHOTS);
const revisions = (from: number) =>
  snapshots.chain((names) =>
    fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), fc.integer({ min: from, max: 2 })))),
  );
const id = fc.constantFrom(...PURGES);
const nasty = fc.constantFrom(...NASTY);

const intent = fc.record({
  type: fc.constant('purge-intent'),
  id,
  ref: nasty,
  subject: nasty,
  map: fc.constant(HASH),
  plan: fc.constant(HASH),
  snapshots,
  retired: fc.constantFrom([], [['db1', 1, '039/0123456789abcdef', 7]]),
});
const whole = fc.record({
  type: fc.constant('purge-intent'),
  id: fc.constant('all'),
  subject: nasty,
  whole: fc.constant(true),
  plan: fc.constant(HASH),
  snapshots,
});
const amended = fc.record(
  {
    type: fc.constant('amended'),
    id,
    amended: revisions(1).map((list) => list.map(([name, revision]) => [name, revision, HASH])),
    clear: revisions(0),
    left: revisions(0),
    removed: snapshots,
  },
  { requiredKeys: ['type', 'id', 'amended'] },
);
const rotation = fc.record({
  type: fc.constant('rotation-intent'),
  id: fc.constant('r'),
  recipients: fc.constant(['b'.repeat(40)]),
  snapshots,
});
/** Of types that nobody knows: they only tell. */
const note = fc.record({
  type: fc.constantFrom('drill', 'sung'),
  note: fc.constant(true),
  id,
  amended: nasty,
  snapshots,
});
const line = fc.record({
  writer: fc.constantFrom(...WRITERS),
  event: fc.oneof({ weight: 3, arbitrary: intent }, { weight: 3, arbitrary: amended }, rotation, whole, note),
  minute: fc.integer({ min: 0, max: 59 }),
});
/** How much of the ledger the host had seen before each snapshot. */
const seen = fc.array(fc.dictionary(fc.constantFrom(...WRITERS), fc.integer({ min: 1, max: 4 })), {
  minLength: SNAPSHOTS.length,
  maxLength: SNAPSHOTS.length,
});

const numRuns = 100;
test.prop([fc.array(line, { maxLength: 8 }), seen], { numRuns })(
  'unreached is unreached',
  async (events, seenBefore) => {
    const numbers = new Map<string, number>();
    const lines = events
      .toSorted((a, b) => a.minute - b.minute)
      .map(({ writer, event, minute }, at) => {
        const seq = (numbers.get(writer) ?? 0) + 1;
        numbers.set(writer, seq);
        const time = new Date(Date.UTC(2026, 10, 20, 3, minute, 0, at)).toISOString();
        const common = { format: 1, kind: 'ledger', store: 'a-b-c', set: 'shop' };
        return { ...common, writer, seq, prev: null, time, heads: {}, event };
      });
    const entries = SNAPSHOTS.map((snapshot, at) => ({
      snapshot,
      ledger_seen: Object.fromEntries(
        Object.entries(seenBefore[at] ?? {}).map(([writer, seq]) => [writer, { seq, sha256: HASH }]),
      ),
    }));
    const ledger = { lines: lines.map((one) => ({ ...one, signer: 'x' }) as unknown as LedgerLine) };
    const expected = entries.map((entry) => stateOf(entry, { ...ledger, heads: {}, hashes: new Map() }));

    const folder = await tempFolder('ledger');
    await writeFile(join(folder, 'holdfast.json'), '');
    for (const one of lines)
      await put(folder, `ledger/shop/${one.writer}/${String(one.seq).padStart(10, '0')}.json`, one);
    for (const entry of entries) await put(folder, placeOf(entry.snapshot), entryOf(entry));
    const { stdout } = await promisify(execFile)('sh', [SCRIPT, '--store', folder]);
    await rm(folder, { recursive: true });
    const listed = stdout.trim().split('\n').slice(1);
    expect(listed.map((row) => row.replace(/.* is gone/, ''))).toEqual(expected);
  },
  60_000,
);

/** What the list says of a snapshot. */
function stateOf(entry: { snapshot: string; ledger_seen: LedgerHeads }, ledger: Ledger): string {
  const operators = new Set(['x']) as unknown as Trust;
  const { snapshot, ledger_seen: ledgerSeen } = entry;
  const { revision } = namedRevisions(ledger, operators).get(snapshot) ?? { revision: 0 };
  const pending = pendingFor(purgesOf(ledger, operators), { snapshot, revision, ledgerSeen });
  const isUnreached = pending.some((purge) => !purge.isWhole && !knowsOf(ledgerSeen, purge));
  const isErased = pending.some(({ isWhole }) => isWhole);
  return `${isUnreached ? ', a purge has not reached it' : ''}${isErased ? ', erased' : ''}`;
}

function placeOf(snapshot: string): string {
  return `keep-030/shop/snapshots/${snapshot}/entry.json`;
}

function entryOf({ snapshot, ledger_seen }: { snapshot: string; ledger_seen: object }): object {
  const name = { kind: 'entry', format: 1, store: 'a-b-c', set: 'shop', snapshot, writer: 'db1', chain: 1 };
  const time = `2026-11-${snapshot.slice(6, 8)}T03:00:00.000Z`;
  const life = { seq: 1, revision: 0, time, end: '2199-01-01T00:00:00.000Z', keep_days: 30, pack_days: 39 };
  return { ...name, ...life, ledger_seen, recipients: ['f'], full: true };
}

async function put(folder: string, key: string, value: object): Promise<void> {
  const file = join(folder, key);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, `${JSON.stringify(value)}\n{"signer":"x","signature":"x"}\n`);
}
