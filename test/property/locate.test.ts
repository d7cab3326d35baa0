/**
 * Locating in segments is the closure over rows: for random databases that change between snapshots, the edits applied
 * to every unit of a snapshot leave the rows which the closure over the rows of that one database leaves.
 */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import { locate } from '../../src/purge/locate/locate.ts';
import type { LocatedSnapshot } from '../../src/purge/locate/located.ts';
import type { SegmentHints } from '../../src/purge/locate/access.ts';
import { UnitSet } from '../../src/purge/locate/unit-set.ts';
import { SharedReader } from '../../src/purge/locate/shared-reader.ts';
import type { SnapshotInput } from '../../src/purge/locate/prepare.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { closure } from '../../src/subjects/closure.ts';
import { tempFolder } from '../services/temp.ts';
import { COLUMNS, comparableRows, createSql, erased, MemoryAccess } from './erasure-world.ts';
import { mapOf, subjectsOf, worlds, type Rows, type World } from './erasure-world.ts';
import { editedScript, PlainStore, snapshotOf } from './locate-kit.ts';

const RUNS = Number(process.env['LOCATE_RUNS'] ?? 60);
const SIGNAL = new AbortController().signal;
const PSEUDONYMS = Buffer.alloc(32, 7);
const name = (index: number) => `t${index}`;

/** Between two snapshots: which rows go, and which one gets another code. */
const days = fc.array(
  fc.record({
    gone: fc.array(fc.nat({ max: 7 }), { maxLength: 2 }),
    code: fc.constantFrom('a@x', 'b', '12'),
  }),
  { minLength: 1, maxLength: 2 },
);

const seen = { rows: 0, edits: 0, shared: 0, again: 0 };

describe('over segments of SQLite dumps', () => {
  test.prop([worlds, days], { numRuns: RUNS })('locates as the closure does', async (world, changes) => {
    const plain = new PlainStore();
    const taken = await history(world, changes, plain);
    const input = {
      store: plain.store,
      pool: plain.pool,
      map: mapOf(world, name),
      subjects: subjectsOf(world),
      pseudonyms: PSEUDONYMS,
      signal: SIGNAL,
      snapshots: taken.map(({ snapshot }) => snapshot),
    };
    const located = await locate(input);
    const keys = new Set<string>();
    for (const [index, { rows }] of taken.entries()) {
      const one = located.snapshots[index];
      if (one === undefined) throw new Error('a snapshot is missing');
      const { map, schema, subjects } = one;
      const access = new MemoryAccess(rows);
      const wanted = await closure({ map, schema, engine: 'sqlite', subjects, access });
      expect(one.closure.problems).toEqual(wanted.problems);
      expect(one.closure.counts).toEqual(wanted.counts);
      // Two rows of one key would not load: such a plan is refused, whatever its edits are.
      if (!wanted.problems.some(({ kind }) => kind === 'duplicate'))
        expect(comparableRows(await rowsAfter(one, plain))).toEqual(comparableRows(erased(rows, wanted)));
      for (const { units } of one.streams.values())
        for (const { key, edits } of units.values()) {
          seen.edits += edits.length;
          if (keys.has(key)) seen.shared += 1;
          keys.add(key);
        }
      for (const all of wanted.affected.values()) seen.rows += all.size;
    }
    // Where the search has found rows, another one that asks the same finds all of them, and looks nowhere else.
    const again = await locate({
      ...input,
      subjects: located.subjects,
      only: UnitSet.of(located.found.units),
    });
    expect(again.found.units.every((key) => located.found.units.includes(key))).toBe(true);
    expect(again.opened.segments).toBeLessThanOrEqual(located.found.units.length);
    if (again.found.asked === located.found.asked) {
      seen.again += 1;
      expect(again.snapshots.map(editKeys)).toEqual(located.snapshots.map(editKeys));
      expect(again.snapshots.map(({ closure: { counts } }) => counts)).toEqual(
        located.snapshots.map(({ closure: { counts } }) => counts),
      );
    }
    // Alone, the last snapshot gives the same when it is told whom the others know.
    const last = taken.at(-1)?.snapshot;
    if (last === undefined) return;
    const alone = await locate({
      ...input,
      subjects: located.subjects,
      snapshots: [last],
      hints: HINTS,
    });
    expect(editKeys(alone.snapshots[0])).toEqual(editKeys(located.snapshots.at(-1)));
  });

  afterAll(() => {
    expect(seen.rows).toBeGreaterThan(RUNS);
    expect(seen.edits).toBeGreaterThan(RUNS / 2);
    expect(seen.shared).toBeGreaterThan(0);
    expect(seen.again).toBeGreaterThan(RUNS / 2);
  });
});

interface Taken {
  readonly snapshot: SnapshotInput;
  readonly rows: Rows;
}

/** A database of the world, and a snapshot of it before and after each change. */
async function history(
  world: World,
  changes: readonly { readonly gone: readonly number[]; readonly code: string }[],
  plain: PlainStore,
): Promise<readonly Taken[]> {
  const folder = await tempFolder('locate');
  const path = join(folder, 'world.db');
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  for (const index of world.tables.keys()) db.exec(createSql(world, index, name, 'sqlite'));
  const source = sqliteSource({ path, scratch: join(folder, 'scratch') });
  const take = async (day: number): Promise<Taken> => ({
    snapshot: await snapshotOf(source, plain, `day ${day}`),
    rows: rowsOf(db, world),
  });
  const taken = [await take(0)];
  for (const [day, { gone, code }] of changes.entries()) {
    for (const [at, row] of gone.entries())
      db.exec(`DELETE FROM ${name(at % world.tables.length)} WHERE rowid = ${row}`);
    db.exec(`UPDATE OR IGNORE ${name(0)} SET code = '${code}' WHERE rowid = 1`);
    taken.push(await take(day + 1));
  }
  return taken;
}

function rowsOf(db: DatabaseSync, world: World): Rows {
  const columns = COLUMNS.map((column) => `CAST(${column} AS TEXT) AS ${column}`).join(', ');
  return new Map(
    [...world.tables.keys()].map((index) => {
      const rows = db.prepare(`SELECT ${columns} FROM ${name(index)}`).all();
      return [name(index), rows.map((row) => COLUMNS.map((column) => row[column] as string | null))];
    }),
  );
}

/** What a reader of the edited dump gets. */
async function rowsAfter(located: LocatedSnapshot, plain: PlainStore): Promise<Rows> {
  const reader = new SharedReader(plain.store, located.manifest, plain.pool, new Map());
  const texts = await editedScript(located, async (stream) => {
    const refs = await Array.fromAsync(reader.segments(stream, SIGNAL));
    return Promise.all(
      refs.map(async (ref) => Buffer.concat(await Array.fromAsync(reader.open(one(ref), '', SIGNAL)))),
    );
  });
  using db = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  db.exec([...texts.values()].join(''));
  const tables = located.schema.tables.map((table) => table.name);
  const columns = COLUMNS.map((column) => `CAST(${column} AS TEXT) AS ${column}`).join(', ');
  return new Map(
    tables.map((table) => {
      const rows = db.prepare(`SELECT ${columns} FROM ${table}`).all();
      return [table, rows.map((row) => COLUMNS.map((column) => row[column] as string | null))];
    }),
  );
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}

function editKeys(located: LocatedSnapshot | undefined): readonly string[] {
  return [...(located?.streams.values() ?? [])]
    .flatMap(({ units }) => [...units.values()].map(({ key }) => key))
    .sort();
}

/** An index that leaves nothing out, and gives units in another order. */
const HINTS: SegmentHints = { narrow: (_table, units) => Promise.resolve(units.toReversed()) };
