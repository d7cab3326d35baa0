/**
 * Goal: snapshots go at their time and not before, by the bucket alone, with this program not running: on plain,
 * versioned and locked buckets. On a server of its own, since a night of it goes through all rules of all its buckets.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backUp, keysIn, placeOn } from '../services/machines.ts';
import type { BucketPlace, Host } from '../services/machines.ts';
import { startRgw } from '../services/rgw.ts';
import type { RgwServer } from '../services/rgw.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { hostOn, reconfigure } from './lifecycle-kit.ts';
import { contentsOf } from './sqlite-kit.ts';

const DAY_MS = 86_400_000;
let s3: RgwServer;
beforeAll(async () => {
  s3 = await startRgw();
});
afterAll(() => s3.stop());

const KINDS = [
  ['plain', {}, ''],
  ['versioned', { versioned: true }, ''],
  ['locked', { objectLock: true }, '    object_lock: { mode: compliance }\n'],
] as const;

interface Watched {
  readonly kind: string;
  readonly place: BucketPlace;
  readonly host: Host;
  /** Outer dates, as `snapshots` gave them. */
  readonly goneBy: { readonly short: Date; readonly long: Date };
}

test('snapshots of 3 and 9 days go at their time, by the bucket alone', { timeout: 900_000 }, async () => {
  const watched: Watched[] = [];
  const content = new Map<string, unknown>();
  for (const [kind, options, lines] of KINDS) {
    const place = await placeOn(s3, options);
    const host = await hostOn(place, '3d');
    const path = join(await tempFolder('long'), 'long.db');
    openShop(path, 30);
    content.set(kind, contentsOf(path));
    await reconfigure(host, (config) =>
      config
        .replace('    keep: 3d\n', `    keep: 3d\n${lines}`)
        .replace('full_every: 7d', 'full_every: 1d')
        .replace(
          'sets:\n',
          `sets:\n  long:\n    source: sqlite\n    path: ${path}\n    keep: 9d\n    full_every: 1d\n${lines}`,
        ),
    );
    await host.good(['store', 'lifecycle', 'apply', '--prune']);
    for (const set of ['shop', 'long']) await backUp(host, [set]);
    const { json } = await host.good(['snapshots', '--json']);
    const outer = (set: string) =>
      new Date(String(json.find((record) => record['set'] === set)?.['gone_by']));
    watched.push({ kind, place, host, goneBy: { short: outer('shop'), long: outer('long') } });
  }
  const now = Date.now();
  /** The night after so many days; then what must hold everywhere. */
  const night = async (days: number) => {
    await s3.lifecyclePass(days);
    const time = new Date(now + days * DAY_MS);
    for (const { kind, place, host, goneBy } of watched) {
      const [short, long] = [await manifestsOf(place, 'shop'), await manifestsOf(place, 'long')];
      const where = `${kind}, day ${String(days)}`;
      // Not before their time …
      if (days <= 3) expect(short, where).toEqual({ readable: 1, versions: 1 });
      if (days <= 9) expect(long, where).toEqual({ readable: 1, versions: 1 });
      // … and not after it: hidden at the midnight after, gone by the outer date.
      if (days >= 4) expect(short.readable, where).toBe(0);
      if (days >= 10) expect(long.readable, where).toBe(0);
      if (time >= goneBy.short) expect(short, where).toEqual({ readable: 0, versions: 0 });
      if (time >= goneBy.long) expect(long, where).toEqual({ readable: 0, versions: 0 });
      for (const [set, there] of [
        ['shop', days <= 3],
        ['long', days <= 9],
      ] as const) {
        if (there) await mustRestore(host, set, set === 'long' ? content.get(kind) : undefined);
      }
      if (days === 6) await host.good(['store', 'lifecycle', 'check']);
    }
  };
  for (const days of [3, 4, 5, 6, 9, 10, 11, 12]) await night(days);
  for (const { kind, goneBy } of watched) {
    expect(Math.ceil((goneBy.short.getTime() - now) / DAY_MS), kind).toBe(kind === 'plain' ? 4 : 6);
    expect(Math.ceil((goneBy.long.getTime() - now) / DAY_MS), kind).toBe(kind === 'plain' ? 10 : 12);
  }
  // Packs have 6 and 12 days, their old versions two more, and the markers go last.
  for (const days of [13, 14, 15, 16]) await s3.lifecyclePass(days);
  for (const { kind, place } of watched) {
    const store = await place.open();
    expect(await Array.fromAsync(store.versions('keep-')), kind).toEqual([]);
    expect(await keysIn(place, 'holdfast.json'), kind).toEqual(['holdfast.json']);
    await store.close();
  }
});

async function manifestsOf(place: BucketPlace, set: string): Promise<{ readable: number; versions: number }> {
  const store = await place.open();
  try {
    const all = (await Array.fromAsync(store.versions('keep-'))).filter(({ key }) =>
      new RegExp(`/${set}/snapshots/[^/]+/manifest.pgp$`).test(key),
    );
    const data = all.filter(({ isMarker }) => !isMarker);
    return { readable: data.filter(({ isLatest }) => isLatest).length, versions: data.length };
  } finally {
    await store.close();
  }
}

async function mustRestore(host: Host, set: string, content: unknown): Promise<void> {
  const reader = await host.reader();
  const to = join(reader.folder, 'back.db');
  await reader.good(['restore', `${set}@latest`, '--to', to]);
  if (content !== undefined) expect(contentsOf(to)).toEqual(content);
}
