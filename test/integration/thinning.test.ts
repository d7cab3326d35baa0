/**
 * Lives by the calendar, seen from the store: a weekly gets a prefix and a chain of its own, dailies go on in that chain
 * below theirs, and every snapshot restores, also when the dailies and their packs are long gone.
 */
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/repository/entry.ts';
import type { KeepPolicy } from '../../src/repository/keep.ts';
import { daysOfPrefix } from '../../src/repository/layout.ts';
import { latestEnd } from '../../src/repository/rules.ts';
import { calendar } from '../services/calendar.ts';
import { SIGNAL, entriesOf, makeWorld, rowsOf, sqlOf } from '../services/world.ts';
import type { Tables, World } from '../services/world.ts';

const KEEP: KeepPolicy = [
  { name: 'daily', days: 5 },
  { name: 'weekly', days: 30 },
  { name: 'monthly', days: 90 },
];

/** What the database holds on a day: every day some rows more. */
const tablesOn = (day: number): Tables => ({ users: rowsOf(16_000 + day * 3_000) });

/** Daily runs at 03:00 UTC from a Monday on, in the middle of a month. */
const dayAt = (day: number) => new Date(Date.UTC(2027, 2, 8 + day, 3));

describe('lives by the calendar', () => {
  it('gives weeklies and monthlies a prefix and a chain of their own; dailies go on in it; all restore', async () => {
    const { world, time } = await makeCalendarWorld();
    const entries: Entry[] = [];
    for (let day = 0; day < 16; day++) {
      time.set(dayAt(day));
      const { entry, life } = await world.backup(tablesOn(day), { keep: KEEP, fullEveryDays: 14 });
      expect(entry.keep_days).toBe(life.days);
      entries.push(entry);
    }

    // The first run is its month's monthly, and so its week's weekly; then Mondays are weeklies.
    expect(entries.map(({ keep_days }) => keep_days)).toEqual([
      ...[90, 5, 5, 5, 5, 5, 5],
      ...[30, 5, 5, 5, 5, 5, 5],
      ...[30, 5],
    ]);
    // F is 14 days: the weekly of day 7 goes on in the monthly's chain, the one of day 14 starts its own.
    expect(entries.map(({ chain }) => chain)).toEqual([...Array<number>(14).fill(1), 2, 2]);
    expect(entries.filter(({ full }) => full)).toHaveLength(2);
    for (const { packs, keep_days, pack_days } of entries) {
      expect(pack_days).toBe(keep_days + 16);
      expect(packs.every(([ref]) => Number(ref.slice(0, 3)) >= pack_days)).toBe(true);
    }
    // A daily refers to the monthly's pack and to its own; the weekly does not rely on those of dailies.
    expect(prefixesOf(entries[1])).toEqual(['021', '106']);
    expect(prefixesOf(entries[7])).toEqual(['046', '106']);
    expect(prefixesOf(entries[13])).toEqual(['021', '046', '106']);
    // Where segments end is another one each time, so how many of them the new rows touch is not certain: not all.
    expect(entries[1]?.counts.new_segments).toBeLessThan(entries[0]?.counts.segments ?? 0);

    await expectAllRestore(world, entries);
  });

  it('restores every weekly after each daily is gone by its prefix, at the first moment at which it may go', async () => {
    const { world, time } = await makeCalendarWorld();
    const entries: Entry[] = [];
    for (let day = 0; day < 15; day++) {
      time.set(dayAt(day));
      entries.push((await world.backup(tablesOn(day), { keep: KEEP, fullEveryDays: 7 })).entry);
    }
    for (const at of [20, 28, 36, 60]) {
      time.set(dayAt(at));
      await expire(world, dayAt(at));
      const left = entries.filter(({ end }) => new Date(end) > dayAt(at));
      expect(left.length).toBeGreaterThan(0);
      await expectAllRestore(world, left, entries);
    }
    expect((await entriesOf(world)).map(({ entry }) => entry.keep_days)).toEqual([90]);
  });

  it('makes up for a weekly that never committed, or whose manifest is gone', async () => {
    const { world, time } = await makeCalendarWorld();
    const options = { keep: KEEP.slice(0, 2) as unknown as KeepPolicy };
    time.set(dayAt(0));
    const failing = { ...options, signal: AbortSignal.abort() };
    await expect(world.backup(tablesOn(0), failing)).rejects.toMatchObject({ code: 'CANCELLED' });
    time.set(dayAt(1));
    const weekly = await world.backup(tablesOn(1), options);
    expect(weekly.life).toEqual({ name: 'weekly', days: 30 });
    time.set(dayAt(2));
    expect((await world.backup(tablesOn(2), options)).life.name).toBe('daily');
    const [first] = await entriesOf(world);
    await world.store.remove([`${first?.folder}manifest.pgp`], {}, SIGNAL);
    time.set(dayAt(3));
    expect((await world.backup(tablesOn(3), options)).life.name).toBe('weekly');
  });
});

async function makeCalendarWorld() {
  const time = calendar();
  time.set(dayAt(-1));
  return { world: await makeWorld(time.wrap), time };
}

function prefixesOf(entry: Entry | undefined): string[] {
  return [...new Set(entry?.packs.map(([ref]) => ref.slice(0, 3)))].sort();
}

/** @param all - to know on which day an entry was made */
async function expectAllRestore(world: World, entries: readonly Entry[], all = entries): Promise<void> {
  for (const entry of entries) {
    expect(await world.cat(entry.snapshot)).toBe(sqlOf(tablesOn(all.indexOf(entry))));
  }
}

/** What a bucket would do that removes packs as early, and manifests as late as its rules allow. */
async function expire({ store }: World, now: Date): Promise<void> {
  const gone: string[] = [];
  for await (const { key, modified } of store.list('', SIGNAL)) {
    const days = daysOfPrefix(key.split('/')[0] ?? '');
    if (days === undefined) continue;
    const early = modified.getTime() + days * 86_400_000 <= now.getTime();
    if (key.includes('/packs/') ? early : latestEnd(modified, days) <= now) gone.push(key);
  }
  await store.remove(gone, {}, SIGNAL);
}
