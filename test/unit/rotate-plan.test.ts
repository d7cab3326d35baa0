/** What a rotation does with each snapshot, and what it leaves alone and why. */
import { describe, expect, it } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import type { CatalogEntry } from '../../src/repository/catalog.ts';
import { DAY_MS, daysLeft, latestEnd } from '../../src/repository/rules.ts';
import { planRotation } from '../../src/rotate/plan.ts';
import type { RotationFacts } from '../../src/rotate/plan.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const OLD = ['a'.repeat(40)];
const NEW = ['b'.repeat(40)];
const id = (n: number) => `20261101T00000${n}Z-00000000`;

interface Made {
  readonly age?: number;
  readonly recipients?: readonly string[];
  readonly revision?: number;
  readonly request?: string;
  readonly names?: readonly string[];
  readonly gone?: boolean;
  readonly trouble?: Error;
}

/** A snapshot that was put `age` days ago and is kept for 30. */
function item(n: number, made: Made = {}): CatalogEntry {
  const { age = 1, recipients = OLD, revision = 0, request, names = ['manifest.pgp'], gone, trouble } = made;
  const modified = new Date(NOW.getTime() - age * DAY_MS);
  const end = new Date(modified.getTime() + 30 * DAY_MS).toISOString();
  const folder = `keep-030/shop/snapshots/${id(n)}/`;
  const listed = { key: `${folder}manifest.pgp`, bytes: 9, modified };
  return {
    entry: { set: 'shop', snapshot: id(n), end },
    current: trouble
      ? undefined
      : { revision, days: 30, recipients, request, listed: gone ? undefined : listed },
    trouble,
    objects: names.map((name) => ({ key: `${folder}${name}`, bytes: 9, modified })),
  } as unknown as CatalogEntry;
}

const plan = (entries: readonly CatalogEntry[], more: Partial<RotationFacts> = {}) => {
  const found = planRotation({ entries, intents: [], recipients: NEW, all: false, now: NOW, ...more });
  return {
    ...found,
    reseal: found.reseal.map((one) => [one.item.entry.snapshot, one.revision, one.days]),
    leave: found.leave.map(({ snapshot, isTrouble }) => [snapshot, isTrouble]),
  };
};

describe('a plan', () => {
  it('seals anew what is sealed to others, below the days that are left', () => {
    expect(plan([item(1), item(2, { age: 20 }), item(3, { recipients: NEW })])).toMatchObject({
      reseal: [
        [id(1), 1, 29],
        [id(2), 1, 10],
      ],
      settled: 1,
      leave: [],
    });
  });

  it('takes the order of recipients for nothing, and all when told', () => {
    const both = [...OLD, ...NEW];
    expect(plan([item(1, { recipients: [...NEW, ...OLD] })], { recipients: both }).settled).toBe(1);
    expect(plan([item(1, { recipients: NEW })], { all: true }).reseal).toHaveLength(1);
  });

  it('leaves what ends by itself, and says what it should have done and cannot', () => {
    const found = plan([
      item(1, { age: 30.1 }),
      item(2, { age: 29.9 }),
      item(3, { gone: true }),
      item(4, { trouble: new Error('its amendment is gone') }),
    ]);
    expect(found).toMatchObject({ reseal: [], settled: 0 });
    expect(found.leave).toEqual([
      [id(1), false],
      [id(2), false],
      [id(3), true],
      [id(4), true],
    ]);
  });

  it('never writes over a revision that lies there', () => {
    const names = ['manifest.pgp', 'manifest-4.pgp', 'amend-7.json', 'strange'];
    expect(plan([item(1, { revision: 2, names })]).reseal).toEqual([[id(1), 8, 29]]);
  });

  it('goes on with an unfinished rotation to the same recipients only', () => {
    const intent = (of: readonly string[], snapshots: string[]) => ({
      type: 'rotation-intent' as const,
      id: 'r1',
      recipients: [...of],
      snapshots,
    });
    const entries = [item(1, { recipients: NEW, request: 'r1' }), item(2, { recipients: NEW }), item(3)];
    const same = plan(entries, { intents: [intent(NEW, [id(1)]), intent(NEW, [id(2), id(3)])], all: true });
    expect(same).toMatchObject({ resumes: { id: 'r1', snapshots: [id(1), id(2), id(3)] }, settled: 1 });
    expect(same.reseal.map(([snapshot]) => snapshot)).toEqual([id(2), id(3)]);
    expect(plan(entries, { intents: [intent(OLD, [id(3)])] })).toMatchObject({
      resumes: undefined,
      settled: 2,
    });
  });
});

const moment = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true });

test.prop([moment, fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 401 * DAY_MS })])(
  'what is rewritten under the days left ends exactly when its original does',
  (modified, days, age) => {
    const now = new Date(modified.getTime() + age);
    const left = daysLeft(modified, days, now);
    if (left > 0) expect(latestEnd(now, left)).toEqual(latestEnd(modified, days));
    else expect(latestEnd(modified, days).getTime() - now.getTime()).toBeLessThan(DAY_MS);
  },
);
