/**
 * Goal: whatever happens to any object of a store, `verify --read-data` says so, and a restore gives the right data
 * or none. Every object is flipped, cut, lengthened, emptied, swapped with its like, and deleted.
 */
import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { verifySet, verifyStore } from '../../src/verify/verify.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL, makeWorld, rowsOf, sqlOf } from '../services/world.ts';
import type { Tables, World } from '../services/world.ts';

const DAYS: readonly Tables[] = [
  { users: rowsOf(9000), orders: rowsOf(200) },
  { users: rowsOf(9050), orders: rowsOf(300) },
  { users: rowsOf(9100), orders: rowsOf(300) },
];

let world: World;
let pristine: string;
let snapshots: string[];
let objects: string[];

beforeAll(async () => {
  world = await makeWorld();
  snapshots = [];
  for (const tables of DAYS) snapshots.push((await world.backup(tables)).entry.snapshot);
  pristine = join(await tempFolder('pristine'), 'store');
  await cp(world.root, pristine, { recursive: true });
  const files = await readdir(pristine, { recursive: true, withFileTypes: true });
  objects = files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name).slice(pristine.length + 1))
    .sort();
  expect(objects.length).toBeGreaterThan(10);
});

async function restored(): Promise<void> {
  await rm(world.root, { recursive: true });
  await cp(pristine, world.root, { recursive: true });
}

/** Every sentence that says what is wrong. */
async function problems(): Promise<string[]> {
  await using pool = SegmentPool.forReading();
  try {
    const session = await world.reopen();
    const readData = { opener: new KeyOpener([world.ops]), pool };
    const about = await verifyStore(session, SIGNAL);
    const report = await verifySet({ session, set: SET, readData, onProgress: () => undefined }, SIGNAL);
    return [...about, ...report.findings].filter(({ kind }) => kind === 'problem').map(({ text }) => text);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return [error.message];
  }
}

/** Each snapshot gives exactly its own data, or an error. */
async function neverWrongData(): Promise<void> {
  for (const [day, snapshot] of snapshots.entries()) {
    let sql: string;
    try {
      sql = await world.cat(snapshot);
    } catch (error) {
      if (!(error instanceof HoldfastError) && (error as Error).message !== 'no such snapshot') throw error;
      continue;
    }
    expect(sql).toBe(sqlOf(DAYS[day] ?? {}));
  }
}

async function mustBeNoticed(what: string): Promise<void> {
  expect(await problems(), `${what} was not noticed`).not.toEqual([]);
  await neverWrongData();
}

describe('a store', () => {
  it('has nothing wrong when nothing was done to it', async () => {
    expect(await problems()).toEqual([]);
    await neverWrongData();
  });

  it('shows a flipped byte anywhere', async () => {
    const place = fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }));
    for (const object of objects) {
      const good = await readFile(join(pristine, object));
      // OpenPGP lets the unhashed part of a certification change without meaning; such a key is believed or not by what is left.
      if (object.startsWith('writers/')) continue;
      for (const [at, , mask] of fc.sample(place, { numRuns: 6 })) {
        const bytes = Buffer.from(good);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ mask;
        await writeFile(join(world.root, object), bytes);
        await mustBeNoticed(`byte ${index} of ${object} ^ ${mask}`);
      }
      await writeFile(join(world.root, object), good);
    }
  });

  it('shows an object that is cut, lengthened, emptied or gone', async () => {
    for (const object of objects) {
      const good = await readFile(join(pristine, object));
      const file = join(world.root, object);
      for (const bytes of [
        good.subarray(0, good.length >> 1),
        good.subarray(0, -1),
        Buffer.concat([good, good]),
        Buffer.alloc(0),
      ]) {
        await writeFile(file, bytes);
        if (object.startsWith('writers/') && bytes.length >= good.length - 1) continue;
        await mustBeNoticed(`${object} with ${bytes.length} of ${good.length} bytes`);
      }
      await rm(file);
      await mustBeNoticed(`${object} removed`);
      await restored();
    }
  });

  it('shows objects that changed places', async () => {
    const alike = Object.groupBy(objects, (object) =>
      object.includes('/packs/') ? 'pack' : (object.split('/').at(-1) ?? ''),
    );
    for (const group of Object.values(alike)) {
      for (const [a, b] of pairs(group ?? [])) {
        await cp(join(pristine, a), join(world.root, b));
        await cp(join(pristine, b), join(world.root, a));
        await mustBeNoticed(`${a} in the place of ${b}`);
        await restored();
      }
    }
  });

  it('refuses a whole snapshot that was moved in from another store', async () => {
    const other = await makeWorld();
    const foreign = (await other.backup({ users: rowsOf(5) })).entry.snapshot;
    const folder = `keep-030/${SET}/snapshots/${foreign}`;
    await cp(join(other.root, folder), join(world.root, folder), { recursive: true });
    await mustBeNoticed('a foreign snapshot');
    await restored();
  });
});

function pairs(items: readonly string[]): [string, string][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [string, string] => [a, b]));
}
