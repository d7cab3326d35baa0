/** What a drill makes of answers, errors and dates: decided by pure functions, whatever engines print. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, test as example } from 'vitest';
import { missingIn } from '../../src/drill/compare-schema.ts';
import { judge, timeOf } from '../../src/drill/judge.ts';
import { watchFor } from '../../src/drill/nobody.ts';
import { outcomeOf, problemOf } from '../../src/drill/outcome.ts';
import { HoldfastError } from '../../src/errors.ts';
import type { ExitReason } from '../../src/errors.ts';
import type { DrillRecord } from '../../src/repository/drills.ts';
import type { CatalogEntry } from '../../src/repository/catalog.ts';
import type { DumpReader } from '../../src/sources/source.ts';
import type { Schema } from '../../src/sources/schema.ts';
import { drillStatusOf } from '../../src/status/drills.ts';
import { SIGNAL } from '../services/world.ts';

const TAKEN = new Date('2026-11-21T03:00:00Z');
const HOUR_MS = 3_600_000;
const moment = fc.date({ min: new Date('2001-01-01'), max: new Date('2099-01-01'), noInvalidDate: true });

describe('expectations', () => {
  test.prop([fc.integer(), fc.integer(), fc.integer()])('amounts', (value, a, b) => {
    const [atLeast, atMost] = [Math.min(a, b), Math.max(a, b)];
    const { ok } = judge({ atLeast, atMost }, { value: String(value) }, TAKEN);
    expect(ok).toBe(value >= atLeast && value <= atMost);
  });

  test.prop([fc.string().filter((text) => Number.isNaN(Number.parseFloat(text)))])(
    'what is no number is no amount',
    (value) => {
      expect(judge({ atLeast: -Infinity }, { value }, TAKEN).ok).toBe(false);
    },
  );

  test.prop([fc.string(), fc.string()])('texts are equal when they are the same', (value, equals) => {
    expect(judge({ equals }, { value }, TAKEN).ok).toBe(value === equals);
    expect(judge({ equals: value }, { value }, TAKEN).ok).toBe(true);
    expect(judge({ equals }, { value: null }, TAKEN).ok).toBe(false);
  });

  example.each([
    [5, '5', true],
    [5, '5.00', true],
    [5, '5 apples', false],
    [true, 't', true],
    [true, '1', true],
    [true, 'f', false],
    [false, '0', true],
    [false, 't', false],
    [null, null, true],
    [null, '', false],
    ['', null, false],
  ])('%j is what %j means: %j', (equals, value, ok) => {
    expect(judge({ equals }, { value }, TAKEN).ok).toBe(ok);
  });

  example('a refusal is never what was expected', () => {
    for (const expect_ of [{ equals: null }, { atLeast: 0 }, { newerThanHours: 1 }])
      expect(judge(expect_, { refused: 'no such table' }, TAKEN)).toEqual({
        ok: false,
        found: 'no such table',
      });
  });

  test.prop([fc.integer({ min: -100, max: 1000 }), fc.integer({ min: 1, max: 900 })])(
    'ages count back from the snapshot',
    (hoursBefore, newerThanHours) => {
      const at = new Date(TAKEN.getTime() - hoursBefore * HOUR_MS);
      const { ok } = judge({ newerThanHours }, { value: at.toISOString() }, TAKEN);
      expect(ok).toBe(hoursBefore < newerThanHours);
      expect(judge({ newerThanHours }, { value: '7', newest: at.toISOString() }, TAKEN).ok).toBe(ok);
    },
  );

  example('nothing, and what is no time, is not new', () => {
    for (const value of [null, '', 'yesterday', '2026-13-45', '-5'])
      expect(judge({ newerThanHours: 1_000_000 }, { value }, TAKEN).ok).toBe(false);
  });
});

describe('times as engines print them', () => {
  test.prop([moment])('are read as what they say', (time) => {
    const iso = time.toISOString();
    const [day = '', clock = ''] = iso.slice(0, -1).split('T');
    for (const text of [
      iso,
      `${day} ${clock}`,
      `${day} ${clock}+00`,
      `${day} ${clock}000+00:00`,
      `${day}T${clock}+0000`,
    ])
      expect(timeOf(text)).toEqual(time);
    expect(timeOf(day)).toEqual(new Date(day));
    expect(timeOf(String(time.getTime()))).toEqual(time);
    expect(timeOf(String(time.getTime() * 1000))).toEqual(time);
    expect(timeOf(String(Math.floor(time.getTime() / 1000)))?.getTime()).toBe(
      Math.floor(time.getTime() / 1000) * 1000,
    );
  });

  example('of other zones too', () => {
    expect(timeOf('2026-11-21 08:30:00+05:30')).toEqual(TAKEN);
    expect(timeOf('2026-11-20 23:00-04')).toEqual(TAKEN);
  });

  test.prop([fc.string()])('whatever comes, it is a time or nothing', (text) => {
    const time = timeOf(text);
    expect(time === undefined || !Number.isNaN(time.getTime())).toBe(true);
  });
});

describe('errors', () => {
  const error = (code: string, exit: ExitReason, cause?: unknown) =>
    new HoldfastError({ code, exit, message: 'm', hint: 'H.', cause });
  const errno = (code: string) => Object.assign(new Error(code), { code, syscall: 'read' });
  const load = { stage: 'load', byRecipient: true } as const;

  example.each([
    ['DAMAGED', 'verification', undefined, 'failed'],
    ['DAMAGED', 'verification', error('STORE_OBJECT_MISSING', 'failed', errno('ENOENT')), 'failed'],
    ['MANIFEST_MISSING', 'verification', undefined, 'failed'],
    ['ROWS_DIFFER', 'verification', undefined, 'failed'],
    ['LOAD_STATEMENT', 'failed', undefined, 'failed'],
    ['LOAD_STATEMENT', 'failed', Object.assign(new Error('disk full'), { code: '53100' }), 'not-run'],
    ['LOAD_SERVER_GONE', 'failed', undefined, 'not-run'],
    ['SUPPRESSION_MISSING', 'unverifiable', undefined, 'failed'],
    ['SET_ERASED', 'policy', undefined, 'failed'],
    ['STORE_UNREACHABLE', 'noStore', undefined, 'not-run'],
    ['STORE_DENIED', 'failed', undefined, 'not-run'],
    ['PREFLIGHT_FAILED', 'target', undefined, 'not-run'],
    ['FORMAT_UNKNOWN', 'unverifiable', undefined, 'not-run'],
    ['GPG_FAILED', 'noKey', undefined, 'not-run'],
  ] as const)('%s (%s, %s): %s', (code, exit, cause, outcome) => {
    expect(problemOf(error(code, exit, cause), load)).toMatchObject({ code, outcome });
  });

  example('a key that does not open is a failure when it should', () => {
    const wrong = error('KEY_DOES_NOT_OPEN', 'noKey');
    expect(problemOf(wrong, load)?.outcome).toBe('failed');
    expect(problemOf(wrong, { ...load, byRecipient: false })?.outcome).toBe('not-run');
  });

  example('while a place is prepared nothing is known of the snapshot', () => {
    const stage = 'prepare';
    expect(problemOf(error('LOAD_STATEMENT', 'failed'), { ...load, stage })?.outcome).toBe('not-run');
    expect(problemOf(errno('ENOENT'), { ...load, stage })?.outcome).toBe('not-run');
  });

  example('a cancelled run and a bug are no findings', () => {
    expect(problemOf(error('CANCELLED', 'cancelled'), load)).toBeUndefined();
    expect(problemOf(new TypeError('x is not a function'), load)).toBeUndefined();
  });

  const found = fc.array(fc.record({ outcome: fc.constantFrom('failed' as const, 'not-run' as const) }));
  test.prop([found])('verified is only what has no finding at all', (problems) => {
    const outcome = outcomeOf(problems);
    expect(outcome === 'verified').toBe(problems.length === 0);
    expect(outcome === 'failed').toBe(problems.some((problem) => problem.outcome === 'failed'));
  });
});

const COLUMN = { type: 'integer', nullable: false, generated: false };
const TABLE = { uniques: [], foreignKeys: [], primaryKey: ['id'] };
const SHOP: Schema = {
  tables: [
    { ...TABLE, name: 'customers', columns: [{ ...COLUMN, name: 'id' }] },
    {
      ...TABLE,
      name: 'orders',
      columns: ['id', 'customer'].map((name) => ({ ...COLUMN, name })),
      foreignKeys: [
        {
          name: 'fk',
          columns: ['customer'],
          references: 'customers',
          referenced: ['id'],
          onDelete: 'cascade',
        },
      ],
    },
  ],
};

example('tables, columns and keys that are not there any more', () => {
  const [customers, orders] = SHOP.tables;
  if (customers === undefined || orders === undefined) throw new Error('two tables');
  expect(missingIn(SHOP, SHOP)).toEqual([]);
  expect(missingIn({ tables: [orders] }, SHOP)).toEqual(['table customers']);
  expect(missingIn(SHOP, { tables: [orders] })).toEqual([]);
  const bare = { ...orders, primaryKey: [], foreignKeys: [], columns: orders.columns.slice(0, 1) };
  expect(missingIn({ tables: [customers, bare] }, SHOP)).toEqual([
    'column customer of orders',
    'the primary key (id) of orders',
    'the foreign key of orders: (customer) references customers (id)',
  ]);
});

describe('people on their way into a scratch database', () => {
  const map = (action: string) => `version: 1
subject: customer
root: { table: customers, key: id }
tables:
  customers: { erase: ${action} }
`;
  const reader = (ids: readonly number[]): DumpReader => ({
    source: { kind: 'sqlite', database: 'x', serverVersion: '3', toolVersion: '1', warnings: [], facts: {} },
    streams: [
      {
        name: 'customers',
        section: 'data',
        dialect: 'sql-insert',
        table: { name: 'customers', columns: ['id'] },
        rows: ids.length,
        bytes: 1,
      },
    ],
    async *read() {
      await Promise.resolve();
      for (const id of ids) yield Buffer.from(`INSERT INTO "customers"("id") VALUES(${id});\n`);
    },
  });
  const erased = (purge: string, ids: readonly number[], action = 'delete') => ({
    purge,
    map: map(action),
    subjects: ids.map((id) => ({ by: ['id'], known: new Map([['id', String(id)]]) })),
  });
  const ids = fc.uniqueArray(fc.nat({ max: 30 }), { maxLength: 12 });

  test.prop([ids, ids, ids])(
    'are seen when they should not be there, and only they',
    async (rows, one, other) => {
      const watched = watchFor([erased('p1', one), erased('p2', other)], reader(rows), { schema: SHOP });
      const [stream] = watched.reader.streams;
      if (stream === undefined) throw new Error('a stream');
      const pieces = await Array.fromAsync(watched.reader.read(stream, SIGNAL));
      expect(pieces).toHaveLength(rows.length);
      const expected = Object.entries({ p1: one, p2: other }).flatMap(([purge, gone]) => {
        const back = rows.filter((id) => gone.includes(id)).length;
        return back === 0 ? [] : [[purge, back]];
      });
      expect([...watched.back()].sort()).toEqual(expected);
      const nobody = Object.entries({ p1: one, p2: other }).filter(([, gone]) => gone.length === 0);
      expect(watched.untold).toEqual(nobody.map(([purge]) => purge));
    },
  );

  example('cannot be told where their row stays, or the snapshot does not say what rows look like', () => {
    const stays = watchFor([erased('p1', [1], '{ set: { email: null } }')], reader([1]), { schema: SHOP });
    expect(stays).toMatchObject({ purges: [], untold: ['p1'] });
    expect(watchFor([erased('p1', [1])], reader([1]), undefined).untold).toEqual(['p1']);
  });
});

describe('whether drills are made in time', () => {
  const now = new Date('2026-11-30T00:00:00Z');
  const snapshotOf = (day: number) => `202611${String(day).padStart(2, '0')}T030000Z-0000000${day % 10}`;
  const entryOf = (day: number, seq: number) =>
    ({
      entry: {
        snapshot: snapshotOf(day),
        time: `2026-11-${String(day).padStart(2, '0')}T03:00:00.000Z`,
        end: '2026-12-30T00:00:00.000Z',
        seq,
      },
    }) as unknown as CatalogEntry;
  const drillOf = (day: number, snapshot: number, outcome: DrillRecord['outcome']) =>
    ({
      snapshot: snapshotOf(snapshot),
      outcome,
      reasons: [],
      line: { time: `2026-11-${String(day).padStart(2, '0')}T05:00:00.000Z` },
    }) as unknown as DrillRecord;

  example.each([
    ['nothing is promised', [entryOf(1, 1)], [], undefined, true],
    ['no snapshot: that is late by itself', [], [], 7, true],
    ['a young set', [entryOf(28, 1)], [], 7, true],
    ['an old one, never tried', [entryOf(10, 1)], [], 7, false],
    ['an old one whose first snapshots are gone', [entryOf(28, 40)], [], 7, false],
    ['tried in time', [entryOf(1, 1)], [drillOf(25, 24, 'verified')], 7, true],
    ['tried too long ago', [entryOf(1, 1)], [drillOf(20, 19, 'verified')], 7, false],
    [
      'not tried is no try',
      [entryOf(1, 1)],
      [drillOf(20, 19, 'verified'), drillOf(29, 29, 'not-run')],
      7,
      false,
    ],
    ['failed', [entryOf(1, 1)], [drillOf(25, 24, 'verified'), drillOf(29, 28, 'failed')], undefined, false],
    [
      'failed, and a newer one is good',
      [entryOf(1, 1)],
      [drillOf(25, 24, 'failed'), drillOf(26, 25, 'verified')],
      7,
      true,
    ],
    [
      'failed, and only an older one is good',
      [entryOf(1, 1)],
      [drillOf(25, 24, 'failed'), drillOf(26, 20, 'verified')],
      7,
      false,
    ],
    [
      'good, and an older one failed behind it',
      [entryOf(1, 1)],
      [drillOf(25, 24, 'verified'), drillOf(26, 20, 'failed')],
      7,
      false,
    ],
  ] as const)('%s', (_, entries, drills, every, ok) => {
    expect(drillStatusOf(entries, drills, every, now).ok).toBe(ok);
  });
});
