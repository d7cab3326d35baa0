/** Goal: tokens are what they say; who is watched for does not hang on how bytes arrive; what is pending is decided right. */
import { createHmac } from 'node:crypto';
import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { Trust } from '../../src/openpgp/trust.ts';
import type { Ledger, LedgerLine } from '../../src/repository/ledger.ts';
import { pendingFor, purgesOf } from '../../src/repository/purges.ts';
import type { Schema } from '../../src/sources/schema.ts';
import type { DumpStream } from '../../src/sources/source.ts';
import type { Subject } from '../../src/subjects/closure.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { mergeRows } from '../../src/suppression/merge.ts';
import { formatSuppression, parseSuppression } from '../../src/suppression/objects.ts';
import { subjectsIn } from '../../src/suppression/people.ts';
import { makeTokens, TokenMaker } from '../../src/suppression/tokens.ts';
import { TokenWatch } from '../../src/suppression/watch.ts';

const PLACE = { store: '6b1f4d2e-0000-4000-8000-000000000000', set: 'shop', purge: 'p1' };
const KEY = '0b'.repeat(32);
const MAP = parseSubjectMap(
  'version: 1\nsubject: person\nroot: { table: "people", key: [tenant, id], lookup: { mail: lower } }\ntables: { people: { erase: delete } }\n',
  'map.yaml',
).map;

const column = (name: string, type: string) => ({ name, type, nullable: true, generated: false });
const SCHEMA: Schema = {
  tables: [
    {
      name: 'people',
      columns: [column('tenant', 'text'), column('mail', 'text'), column('id', 'numeric')],
      primaryKey: ['tenant', 'id'],
      uniques: [],
      foreignKeys: [],
    },
  ],
};

const person = (tenant: string, id: string): Subject => ({
  by: ['tenant', 'id'],
  known: new Map([
    ['tenant', tenant],
    ['id', id],
  ]),
});

function tokensFor(subjects: readonly Subject[]) {
  return makeTokens({ place: PLACE, map: MAP, subjects, schema: SCHEMA, engine: 'postgres', key: KEY });
}

const text = fc.string({ unit: 'grapheme', maxLength: 12 });

describe('tokens', () => {
  const long = fc.tuple(text, fc.nat(600)).map(([value, times]) => value.repeat(times));

  prop.prop([fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.oneof(text, long)])(
    'are HMAC-SHA-256',
    (bytes, value) => {
      const key = Buffer.from(bytes).toString('hex');
      const about = {
        table: 'people',
        columns: ['id'],
        comparisons: [{ form: 'exact', kind: 'exact' }],
      } as const;
      const expected = createHmac('sha256', bytes).update('["people","id"]\0').update(value).digest('hex');
      expect(new TokenMaker({ key, ...about }).of([value])).toBe(expected);
    },
  );

  test('NULL has none, and neither has a subject without its key', () => {
    const maker = new TokenMaker(tokensFor([]));
    expect(maker.of(['a', null])).toBeUndefined();
    expect(tokensFor([{ by: ['mail'], known: new Map([['mail', 'a@x.org']]) }]).tokens).toEqual([]);
    expect(JSON.stringify(tokensFor([person('secret', '4711')]))).not.toMatch(/secret|4711/);
  });
});

/** A COPY block in pieces of these lengths, over and over. */
function copyStream(rows: readonly (readonly string[])[], cuts: readonly number[]): DumpStream {
  const lines = rows.map((row) => `${row.map(escape).join('\t')}\n`).join('');
  const bytes = Buffer.from(`COPY people (tenant, mail, id) FROM stdin;\n${lines}\\.\n`);
  const pieces = function* () {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const length = cuts[turn % cuts.length] ?? 1;
      yield bytes.subarray(at, at + length);
      at += length;
    }
  };
  const table = { name: 'people', columns: ['tenant', 'mail', 'id'] };
  const about = { name: 'people', section: 'data', dialect: 'pg-copy', table } as const;
  return { ...about, bytes: asynchronously(pieces()) };
}

async function* asynchronously(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await Promise.resolve();
    yield piece;
  }
}

const escape = (value: string) =>
  value.replace(
    /[\\\n\t\r]/g,
    (one) => ({ '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r' })[one] ?? one,
  );

describe('the watch', () => {
  const tenants = fc.constantFrom('a', 'b\tc', 'ü\n', '\\.', '');
  const row = fc.tuple(tenants, text, fc.nat(20).map(String));
  const cut = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(70_000));

  prop.prop([
    fc.array(row, { maxLength: 60 }),
    fc.array(fc.tuple(tenants, fc.nat(20).map(String)), { maxLength: 4 }),
    fc.array(cut, { minLength: 1, maxLength: 4 }),
  ])('counts the rows of those who were erased, and passes every byte', async (rows, erased, cuts) => {
    const tokens = tokensFor(erased.map(([tenant, id]) => person(tenant, `${id}.0`)));
    const watch = new TokenWatch([tokens], SCHEMA, { facts: {} });
    const passed = Buffer.concat(await Array.fromAsync(watch.watch(copyStream(rows, cuts)).bytes));
    expect(passed).toEqual(Buffer.concat(await Array.fromAsync(copyStream(rows, [1000]).bytes)));
    const expected = rows.filter(([tenant, , id]) =>
      erased.some(([t, i]) => t === tenant && i === id),
    ).length;
    expect(watch.back.get('p1') ?? 0).toBe(expected);
  });
});

describe('what a snapshot has not been through', () => {
  const sha256 = 'a'.repeat(64);
  const [S1, S2] = ['20261121T030000Z-00000001', '20261122T030000Z-00000002'];
  const at = (minute: number) => new Date(Date.UTC(2026, 10, 22, 3, minute)).toISOString();
  const suppression = { content: sha256, tokens: sha256, ends: '2030-01-01T00:00:00.000Z' };
  const line = (seq: number, event: LedgerLine['event'], writer = 'ops') =>
    ({ event, seq, writer, time: at(seq), set: 'shop', signer: 'me' }) as unknown as LedgerLine;
  const ledger = (...events: LedgerLine['event'][]) =>
    ({ lines: events.map((event, at) => line(at + 1, event)), heads: {}, hashes: new Map() }) as Ledger;
  const everybody = { has: () => true } as unknown as Trust;
  const state = (revision: number, seq = 0) => ({
    snapshot: S1,
    revision,
    ledgerSeen: seq === 0 ? {} : { ops: { seq, sha256 } },
  });
  const pending = (...args: [Ledger, ReturnType<typeof state>]) =>
    pendingFor(purgesOf(args[0], everybody), args[1]).map(({ id }) => id);

  const intent = (id: string) => ({
    ...{ type: 'purge-intent', id, suppression },
    ...{ subject: `customer-${id}`, map: sha256, plan: sha256, snapshots: [] },
  });
  const amended = (id: string, revision: number, clear: unknown[] = []) => ({
    type: 'amended',
    id,
    amended: revision === 0 ? [] : [[S1, revision, sha256]],
    clear,
  });

  test.each([
    ['announced only', ledger(intent('p1')), state(0), ['p1']],
    ['announced twice', ledger(intent('p1'), intent('p1')), state(0), ['p1']],
    ['this revision', ledger(intent('p1'), amended('p1', 1)), state(1), []],
    ['a later revision by something else', ledger(intent('p1'), amended('p1', 1)), state(3), []],
    ['not this revision yet', ledger(intent('p1'), amended('p1', 2)), state(1), ['p1']],
    ['another purge', ledger(intent('p1'), intent('p2'), amended('p2', 1)), state(1), ['p1']],
    ['clear of them', ledger(intent('p1'), amended('p1', 0, [[S1, 0]])), state(0), []],
    ['another snapshot is clear', ledger(intent('p1'), amended('p1', 0, [[S2, 0]])), state(0), ['p1']],
    ['its host knew', ledger(intent('p1')), state(0, 1), ['p1']],
    ['all of the set', ledger({ ...intent('p1'), whole: true }), state(0), ['p1']],
    ['all of the set, and its host knew', ledger({ ...intent('p1'), whole: true }), state(0, 1), []],
  ])('%s', (_, lines, of, expected) => {
    expect(pending(lines, of)).toEqual(expected);
  });

  test('announced again by an operator whose name comes first: who saw the first line knew of it', () => {
    const again = { ...intent('p1'), whole: true };
    const lines = [line(5, again, 'a-later-operator'), line(2, again)];
    const both: Ledger = { lines, heads: {}, hashes: new Map() };
    expect(pending(both, state(0, 2))).toEqual([]);
    expect(pending(both, state(0, 1))).toEqual(['p1']);
  });

  test('a host says so: refused, or it could bring people back', () => {
    const lines = ledger(intent('p1'), amended('p1', 1));
    expect(() => purgesOf(lines, new Trust([]))).toThrow(
      expect.objectContaining({ code: 'SIGNER_NOT_TRUSTED' }),
    );
  });
});

describe('people', () => {
  test('where the host knew of the purge: only those with a key, by their key', () => {
    const known = new Map([
      ['tenant', 'a'],
      ['id', '1'],
      ['mail', 'a@x.org'],
    ]);
    const subjects = [
      { by: ['mail'], known: new Map([['mail', 'a@x.org']]) },
      { by: ['tenant', 'id'], known },
    ];
    expect(subjectsIn(subjects, MAP, false)).toEqual(subjects);
    expect(subjectsIn(subjects, MAP, true)).toEqual([person('a', '1')]);
  });

  prop.prop([
    fc.array(fc.array(fc.tuple(text, text), { maxLength: 4 }), { minLength: 1, maxLength: 5 }),
    text,
  ])('are read as they were written', (all, map) => {
    const subjects = all.map((known) => ({ by: ['id', '__proto__'], known: new Map(known) }));
    const plain = formatSuppression(PLACE, { purge: 'p1', map, subjects }, KEY);
    expect(parseSuppression(plain, PLACE, 'it')).toEqual({ purge: 'p1', map, subjects });
    expect(() => parseSuppression(plain, { ...PLACE, set: 'other' }, 'it')).toThrow(/does not belong here/);
  });
});

describe('edits of several purges', () => {
  const change = fc.oneof(
    fc.constant('drop' as const),
    fc
      .dictionary(fc.constantFrom('0', '1', '2'), text, { minKeys: 1 })
      .map((values) => new Map(Object.entries(values).map(([at, value]) => [Number(at), value]))),
  );
  const edits = fc
    .uniqueArray(fc.tuple(fc.nat(9), change), { selector: ([row]) => row, maxLength: 6 })
    .map((all) =>
      all
        .sort(([a], [b]) => a - b)
        .map(([row, what]) => ({ start: row * 10, end: row * 10 + 10, change: what })),
    );

  prop.prop([edits, edits])('drop wins, and no set column is lost', (some, others) => {
    const merged = mergeRows(some, others);
    expect(merged.map(({ start }) => start)).toEqual(
      [...new Set([...some, ...others].map(({ start }) => start))].sort((a, b) => a - b),
    );
    for (const { start, change: what } of merged) {
      const both = [...some, ...others].filter((edit) => edit.start === start).map((edit) => edit.change);
      if (both.includes('drop')) expect(what).toBe('drop');
      else {
        const columns = both.flatMap((one) => (one === 'drop' ? [] : [...one.keys()]));
        expect(what === 'drop' ? [] : [...what.keys()].sort()).toEqual([...new Set(columns)].sort());
      }
    }
  });
});
