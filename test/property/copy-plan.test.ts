/**
 * Goal: however often a copy is interrupted, and whatever happens at its source between two of them, the next one brings
 * it level; nothing is ever half-visible, nothing superseded comes back, and nothing outlives its original.
 */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import type { CopyFacts, Listed, SourceSnapshot } from '../../src/copy/facts.ts';
import { dayNumber, daysLeft, endOfOriginal } from '../../src/copy/life.ts';
import { planCopy } from '../../src/copy/plan.ts';
import { keyOf } from '../../src/copy/steps.ts';
import type { CopyPlan, PutStep, RemoveStep } from '../../src/copy/steps.ts';
import { keepPrefix, manifestRevision, parseSnapshotKey } from '../../src/repository/layout.ts';
import { DAY_MS, latestEnd } from '../../src/repository/rules.ts';

const SET = 'shop';
const HOUR_MS = DAY_MS / 24;
const START = Date.UTC(2026, 10, 1, 21, 17);

interface Snapshot {
  readonly id: string;
  readonly days: number;
  readonly committed: number;
  readonly packs: readonly string[];
  revision: number;
}

/** A source and its copy, with lifecycle rules at work on both sides. */
class Model {
  now = START;
  readonly source = new Map<string, Listed>([['holdfast.json', { bytes: 9, modified: new Date(START) }]]);
  readonly copy = new Map<string, Listed>();
  readonly snapshots: Snapshot[] = [];
  readonly ledger: string[] = [];
  #number = 0;

  backUp(days: number, sharedPacks: number): void {
    this.#number += 1;
    const id = `20261101T000000Z-${String(this.#number).padStart(8, '0')}`;
    const before = this.snapshots.flatMap(({ packs }) => packs).slice(-sharedPacks);
    // Of before only what still lies there, as a run would find it.
    const packs = before.filter((key) => this.source.has(key) && sharedPacks > 0);
    packs.push(`${keepPrefix(days + 9)}${SET}/chains/db-1/packs/${String(this.#number).padStart(16, '0')}`);
    for (const key of packs) if (!this.source.has(key)) this.#put(this.source, key, 100);
    const folder = `${keepPrefix(days)}${SET}/snapshots/${id}/`;
    this.#put(this.source, `${folder}manifest.pgp`, 50);
    this.#put(this.source, `${folder}entry.json`, 10);
    this.snapshots.push({ id, days, committed: this.now, packs: [...new Set(packs)], revision: 0 });
  }

  /** A rotation: amendments below what is left, the ledger, and, unless it is interrupted, the old manifests go. */
  rotate(cleans: boolean): void {
    for (const one of this.live()) {
      const end = latestEnd(new Date(one.committed), one.days);
      const left = daysLeft(end, new Date(this.now));
      if (left < 1) continue;
      one.revision += 1;
      const folder = `${keepPrefix(left)}${SET}/snapshots/${one.id}/`;
      this.#put(this.source, `${folder}manifest-${one.revision}.pgp`, 50 + one.revision);
      this.#put(this.source, `${folder}amend-${one.revision}.json`, 20);
      for (const key of this.source.keys()) {
        const place = parseSnapshotKey(SET, key);
        const revision = place && manifestRevision(place.name);
        if (cleans && place?.snapshot === one.id && (revision ?? Infinity) < one.revision)
          this.source.delete(key);
      }
    }
    this.ledger.push(`ledger/${SET}/ops/${String(this.ledger.length + 1).padStart(10, '0')}.json`);
    this.#put(this.source, this.ledger.at(-1) ?? '', 30);
  }

  pass(ms: number): void {
    this.now += ms;
    for (const side of [this.source, this.copy]) {
      for (const [key, { modified }] of side) {
        const days = Number(/^keep-(\d+)/.exec(key)?.[1] ?? Infinity);
        if (days < Infinity && latestEnd(modified, days).getTime() <= this.now) side.delete(key);
      }
    }
  }

  live(): Snapshot[] {
    return this.snapshots.filter(({ committed, days }) => committed + days * DAY_MS > this.now);
  }

  facts(): CopyFacts {
    return {
      set: SET,
      now: new Date(this.now),
      source: new Map(this.source),
      destination: new Map(this.copy),
      manifestVersions: new Set(this.copy.keys()),
      snapshots: this.snapshots.flatMap((one) => this.#facts(one)),
      revisions: new Map(this.snapshots.map(({ id, revision }) => [id, revision])),
      ledger: [...this.ledger],
    };
  }

  #facts(one: Snapshot): SourceSnapshot[] {
    const find = (name: string) => [...this.source.keys()].find((key) => key.endsWith(`/${one.id}/${name}`));
    const entry = find('entry.json');
    if (entry === undefined) return [];
    const name = one.revision === 0 ? 'manifest.pgp' : `manifest-${one.revision}.pgp`;
    const amendment = find(`amend-${one.revision}.json`);
    return [
      {
        snapshot: one.id,
        end: new Date(one.committed + one.days * DAY_MS),
        revision: one.revision,
        entry: { key: entry, sha256: ['e'] },
        manifest: { key: find(name) ?? 'gone', sha256: ['m'], bytes: 50 + one.revision },
        ...(amendment !== undefined && { amendment: { key: amendment, sha256: ['a'] } }),
        packs: one.packs.map((key) => [key, 100]),
      },
    ];
  }

  /** @param ms - how long a put takes to arrive */
  apply(step: PutStep | RemoveStep, ms = 0): void {
    if ('key' in step) {
      this.copy.delete(step.key);
      return;
    }
    const key = keyOf(step.to, new Date(this.now));
    this.pass(ms);
    if (key !== undefined && (step.replace || !this.copy.has(key))) this.#put(this.copy, key, step.bytes);
  }

  #put(side: Map<string, Listed>, key: string, bytes: number): void {
    side.set(key, { bytes, modified: new Date(this.now) });
  }
}

function stepsOf({ stages }: CopyPlan): (PutStep | RemoveStep)[] {
  return stages.flatMap(({ puts, removals }) => [...puts, ...removals]);
}

const event = fc.oneof(
  fc.record({
    do: fc.constant('backup' as const),
    days: fc.constantFrom(1, 2, 7, 30),
    shared: fc.nat(3),
  }),
  fc.record({ do: fc.constant('rotate' as const), cleans: fc.boolean() }),
  fc.record({ do: fc.constant('pass' as const), hours: fc.integer({ min: 1, max: 60 }) }),
  /** A copy that dies after some of its steps; it may take its time over them. */
  fc.record({ do: fc.constant('copy' as const), steps: fc.nat(30), slow: fc.boolean() }),
);

test.prop([fc.array(event, { maxLength: 25 })], { numRuns: 1000 })(
  'whatever happens, the next copy is level',
  (events) => {
    const model = new Model();
    for (const one of events) {
      if (one.do === 'backup') model.backUp(one.days, one.shared);
      else if (one.do === 'rotate') model.rotate(one.cleans);
      else if (one.do === 'pass') model.pass(one.hours * HOUR_MS);
      else interruptedCopy(model, one.steps, one.slow);
      nothingIsHalfVisible(model);
    }

    const plan = planCopy(model.facts());
    for (const step of stepsOf(plan)) {
      model.apply(step);
      nothingIsHalfVisible(model);
    }
    expect(plan.problems).toEqual([]);
    expect(stepsOf(planCopy(model.facts()))).toEqual([]);
    everythingIsThere(model);
    nothingOutlivesItsOriginal(model);
    nothingSupersededIsThere(model);
  },
);

/** A run stops at midnight and looks again; what was under way then may have come too late. */
function interruptedCopy(model: Model, steps: number, slow: boolean): void {
  const day = dayNumber(new Date(model.now));
  for (const step of stepsOf(planCopy(model.facts())).slice(0, steps)) {
    model.apply(step, slow ? HOUR_MS : 0);
    if (dayNumber(new Date(model.now)) !== day) return;
  }
}

/** An entry is seen only beside everything that it needs (a revision that the copy is told of may still be under way). */
function nothingIsHalfVisible(model: Model): void {
  for (const { id, packs, committed, days } of model.snapshots) {
    // On its last day a snapshot that was replaced at the source goes without a successor.
    if (daysLeft(latestEnd(new Date(committed), days), new Date(model.now)) < 1) continue;
    const names = [...model.copy.keys()].filter((key) => key.includes(`/${id}/`));
    if (!names.some((key) => key.endsWith('/entry.json'))) continue;
    for (const key of packs) expect(model.copy.has(key), `${id} needs ${key}`).toBe(true);
    expect(
      names.some((key) => /\/manifest[^/]*$/.test(key)),
      `${id} has a manifest`,
    ).toBe(true);
  }
}

function everythingIsThere(model: Model): void {
  for (const one of model.live()) {
    if (daysLeft(latestEnd(new Date(one.committed), one.days), new Date(model.now)) < 1) continue;
    const names = [...model.copy.keys()].flatMap((key) => {
      const place = parseSnapshotKey(SET, key);
      return place?.snapshot === one.id ? [place.name] : [];
    });
    const wanted =
      one.revision === 0 ? ['manifest.pgp'] : [`manifest-${one.revision}.pgp`, `amend-${one.revision}.json`];
    for (const name of ['entry.json', ...wanted]) expect(names, one.id).toContain(name);
  }
  for (const key of ['holdfast.json', ...model.ledger]) expect(model.copy.has(key)).toBe(true);
}

/**
 * And ends with it to the day. (A run that is killed while a put waits over midnight, and has no successor before the
 * original is gone, leaves a manifest without an entry for a day more.)
 */
function nothingOutlivesItsOriginal(model: Model): void {
  for (const [key, { modified }] of model.copy) {
    const place = parseSnapshotKey(SET, key);
    const one = model.snapshots.find(({ id }) => id === place?.snapshot);
    if (!place || !one || manifestRevision(place.name) === undefined) continue;
    if (![...model.source.keys()].some((other) => other.includes(`/${one.id}/`))) continue;
    const original = latestEnd(new Date(one.committed), one.days);
    expect(latestEnd(modified, place.days)).toEqual(original);
  }
}

function nothingSupersededIsThere(model: Model): void {
  for (const key of model.copy.keys()) {
    const place = parseSnapshotKey(SET, key);
    const revision = place && manifestRevision(place.name);
    if (revision === undefined) continue;
    expect(revision).toBe(model.snapshots.find(({ id }) => id === place?.snapshot)?.revision);
  }
}

test.prop([
  fc.integer({ min: 1, max: 9999 }),
  fc.integer({ min: 0, max: 3 * 86_400 }),
  fc.double({ min: 0, max: 1, noNaN: true }),
])(
  'an object that is put under the days that are left ends at the very midnight of its original',
  (days, offset, share) => {
    const modified = new Date(START + offset * 1000);
    const ends = endOfOriginal(modified, days);
    const now = new Date(modified.getTime() + share * (ends.getTime() - modified.getTime()));
    const left = daysLeft(ends, now);
    expect(left).toBeLessThanOrEqual(days);
    if (left > 0) expect(latestEnd(now, left)).toEqual(ends);
    else expect(ends.getTime() - now.getTime()).toBeLessThan(DAY_MS);
  },
);

test('only what was replaced is ever removed: what vanished from the source stays in the copy', () => {
  const model = new Model();
  model.backUp(30, 0);
  model.backUp(30, 1);
  for (const step of stepsOf(planCopy(model.facts()))) model.apply(step);
  const before = [...model.copy.keys()];
  for (const key of model.source.keys()) if (key.startsWith('keep-')) model.source.delete(key);
  expect(stepsOf(planCopy(model.facts()))).toEqual([]);
  expect([...model.copy.keys()]).toEqual(before);
});

test('a snapshot past its end is not copied, however new the files of its source look', () => {
  const model = new Model();
  model.backUp(1, 0);
  model.now += 2 * DAY_MS;
  for (const [key, { bytes }] of model.source)
    model.source.set(key, { bytes, modified: new Date(model.now) });
  const plan = planCopy(model.facts());
  expect(plan.left).toEqual([{ about: model.snapshots[0]?.id, text: 'it is past its end' }]);
  expect(stepsOf(plan).map((step) => ('from' in step ? step.from : step.key))).toEqual(['holdfast.json']);
});

test('a snapshot of which the source has lost something is said and not copied, and the others are', () => {
  const model = new Model();
  model.backUp(30, 0);
  model.backUp(30, 0);
  const [lost = ''] = model.snapshots[0]?.packs ?? [];
  model.source.delete(lost);
  const plan = planCopy(model.facts());
  expect(plan.problems).toEqual([{ about: model.snapshots[0]?.id, text: `${lost} is gone from the source` }]);
  expect(plan.covered).toBe(1);
});
