/**
 * The oracle of purges: real backups of a random database over some days, a purge, real restores; and beside it, what
 * a restore of before gave, erased by SQL in the engine itself.
 */
import { fc } from '@fast-check/vitest';
import { expect } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { lookThrough } from '../../src/purge/locate/look-through.ts';
import type { LocatedSnapshot } from '../../src/purge/locate/located.ts';
import type { PurgePlan } from '../../src/purge/plan/request.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import type { DumpReader, Source } from '../../src/sources/source.ts';
import { checkMap } from '../../src/subjects/check.ts';
import type { SqlDatabase as Engine } from '../../src/subjects/compare.ts';
import type { Action, Link, SubjectMap, TableRule } from '../../src/subjects/map.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import type { ParsedMap } from '../../src/subjects/parse.ts';
import { erasureSql } from '../../src/subjects/sql.ts';
import { apply, plan } from '../integration/purge-kit.ts';
import { makeWorld, SET, SIGNAL } from '../services/world.ts';
import type { World as Backups } from '../services/world.ts';
import { mapOf, subjectsOf } from './erasure-world.ts';
import type { World } from './erasure-world.ts';

/** What a day changes before its backup. */
export interface Day {
  /** Rows that go, by a number of a table and one of a row. */
  readonly gone: readonly (readonly [table: number, row: number])[];
  /** What the first row of the root is called from now on. */
  readonly code: string;
  readonly full: boolean;
}

/** How long notes are, so that the rows of a table are cut into segments at other places in each world. */
export interface Bulk {
  readonly notes: readonly number[];
  /** The second row of the root is longer than any segment. */
  readonly giant: boolean;
}

export const days: fc.Arbitrary<readonly Day[]> = fc.array(
  fc.record({
    gone: fc.array(fc.tuple(fc.nat({ max: 4 }), fc.integer({ min: 1, max: 8 })), { maxLength: 2 }),
    code: fc.constantFrom('a@x', 'b', '12'),
    full: fc.constantFrom(false, false, true),
  }),
  { minLength: 1, maxLength: 2 },
);

export const bulks: fc.Arbitrary<Bulk> = fc.record({
  notes: fc.array(fc.constantFrom(0, 0, 9, 3000, 70_000, 150_000), { minLength: 1, maxLength: 5 }),
  giant: fc.integer({ min: 1, max: 12 }).map((n) => n === 12),
});

/** A database of one engine, and what is done with it. */
export interface Lab {
  readonly engine: Engine;
  readonly name: (index: number) => string;
  readonly source: Source;
  readonly exec: (sql: string) => Promise<void>;
  /** Restores into a new database. */
  readonly restore: (dump: DumpReader) => Promise<Restored>;
}

export interface Restored {
  /** Everything that it holds, with all pseudonyms alike; throws when two rows have the same one. */
  readonly contents: () => Promise<unknown>;
  /** @throws what the engine says */
  readonly run: (sql: string) => Promise<void>;
}

/** What happened in all worlds: a test of refusals only would prove nothing. */
export class Seen {
  erased = 0;
  refused = 0;
  rows = 0;
  /** Maps that make a row the subject's again by what they set: refused. */
  relinked = 0;
  /** Worlds whose backups had an index. */
  indexed = 0;
  /** Segments that were written anew. */
  segments = 0;
}

/** One world: purge, and erase by SQL; then the same must be there. */
export async function oracle(world: World, changes: readonly Day[], lab: Lab, seen: Seen): Promise<void> {
  const backups = await makeWorld();
  const text = mapText(mapFor(world, lab.name));
  const parsed = parseSubjectMap(text, 'the map');
  const isSound = await isAccepted(parsed, lab);
  const ids = await backupDays(backups, changes, lab, world, isSound ? parsed : undefined);
  const before = await Promise.all(ids.map((id) => withReader(backups, id, lab.restore)));

  const planned = await plan(backups, subjectsOf(world), { map: text, allMatches: true });
  const located = await locatedIn(backups, planned.plan);
  const refusals = await Promise.all(before.map((one, at) => erase(one, located[at], lab.engine)));
  if (planned.report.problems.some((problem) => problem.includes('leads to the subject again'))) {
    seen.relinked += 1;
    return;
  }
  if (planned.report.problems.length > 0) {
    expect(refusals.filter((one) => one !== undefined)).not.toEqual([]);
    seen.refused += 1;
    return;
  }
  expect(refusals.filter((one) => one !== undefined)).toEqual([]);
  const wanted = await Promise.all(before.map((one) => one.contents()));
  const done = await apply(backups, planned.plan);
  expect(done.left).toEqual([]);
  for (const [at, id] of ids.entries()) {
    const after = await withReader(backups, id, lab.restore);
    expect(await after.contents(), text).toEqual(wanted[at]);
  }
  seen.erased += 1;
  seen.indexed += isSound ? 1 : 0;
  seen.segments += planned.report.replaced;
  for (const { closure } of located) for (const rows of closure.affected.values()) seen.rows += rows.size;
}

/** True when `backup` takes the map, and makes an index by it. */
async function isAccepted(parsed: ParsedMap, { source, engine }: Lab): Promise<boolean> {
  const findings = checkMap(parsed, await source.schema(SIGNAL), { engine });
  return findings.every(({ kind }) => kind !== 'problem');
}

async function backupDays(
  backups: Backups,
  changes: readonly Day[],
  { source, exec, name }: Lab,
  { tables }: World,
  subjects: ParsedMap | undefined,
): Promise<readonly string[]> {
  const options = { source, ...(subjects && { subjects }) };
  const ids = [(await backups.backup({}, options)).entry.snapshot];
  for (const { gone, code, full } of changes) {
    // What a foreign or a unique key forbids does not happen on that day.
    const attempt = (sql: string) => exec(sql).catch(() => undefined);
    for (const [table, row] of gone)
      await attempt(`DELETE FROM ${name(table % tables.length)} WHERE id = ${row};`);
    await attempt(`UPDATE ${name(0)} SET code = '${code}' WHERE id = 1 AND code <> 'a@x';`);
    ids.push((await backups.backup({}, { ...options, full })).entry.snapshot);
  }
  return ids;
}

/** Works on a snapshot as it is now. */
async function withReader<T>(
  { session, ops }: Backups,
  snapshot: string,
  work: (reader: DumpReader) => Promise<T>,
): Promise<T> {
  const view = await viewSet(session, SET, false, SIGNAL);
  const item = view.catalog.entries.find(({ entry }) => entry.snapshot === snapshot);
  if (item === undefined) throw new Error(`no snapshot ${snapshot}`);
  const manifest = await openManifest(session, item, new KeyOpener([ops]), SIGNAL);
  await using pool = SegmentPool.forReading();
  return await work(new SnapshotReader(session.store, manifest, pool));
}

/** Whom the plan is about, snapshot by snapshot: an address may be somebody else's in one of them. */
async function locatedIn(
  { session, ops }: Backups,
  { map, subjects, pseudonyms }: PurgePlan,
): Promise<readonly LocatedSnapshot[]> {
  const view = await viewSet(session, SET, false, SIGNAL);
  await using pool = SegmentPool.forReading();
  const options = { session, opener: new KeyOpener([ops]), pool, map, subjects, pseudonyms };
  return (await lookThrough(view.catalog.entries, options, SIGNAL)).snapshots;
}

/** Runs the erasure; gives what the engine says when it refuses. */
async function erase(
  restored: Restored,
  located: LocatedSnapshot | undefined,
  engine: Engine,
): Promise<string | undefined> {
  if (located === undefined) throw new Error('a snapshot was not looked through');
  const { map, schema, subjects } = located;
  try {
    await restored.run(erasureSql({ map, schema, engine, subjects, end: 'commit' }).sql);
    return undefined;
  } catch (error) {
    if (isHoldfastError(error)) throw error;
    return (error as Error).message;
  }
}

/** The map of a world, with a way from the root to each table: without one, it is refused. */
function mapFor(world: World, name: (index: number) => string): SubjectMap {
  const map = mapOf(world, name);
  const root = map.root.table;
  const reached = new Set([root]);
  for (let size = 0; size < reached.size;) {
    size = reached.size;
    for (const [table, rule] of map.tables)
      if (rule.kind === 'linked' && rule.links.some(({ follow, to }) => follow && reached.has(to.table)))
        reached.add(table);
  }
  const way: Link = {
    kind: 'columns',
    columns: ['ref'],
    to: { table: root, columns: ['id'] },
    canonical: 'exact',
    when: new Map(),
    follow: true,
  };
  const rules = [...map.tables].map(([table, rule]): readonly [string, TableRule] =>
    rule.kind !== 'linked' || reached.has(table)
      ? [table, rule]
      : [table, { ...rule, links: [...rule.links, way] }],
  );
  return { ...map, tables: new Map(rules) };
}

/** The map as a file: JSON is YAML. */
export function mapText({ subject, root, tables }: SubjectMap): string {
  const rules = [...tables].map(([name, rule]) => [name, ruleText(rule)] as const);
  const { table, key, lookup } = root;
  return JSON.stringify({
    version: 1,
    subject,
    root: { table, key, lookup: Object.fromEntries(lookup) },
    tables: Object.fromEntries(rules),
  });
}

function ruleText(rule: TableRule): object {
  if (rule.kind === 'no-personal-data') return { no_personal_data: true };
  if (rule.kind === 'rebuilt') return { rebuild: true };
  return { ...actionText(rule.action), ...(rule.links.length > 0 && { links: rule.links.map(linkText) }) };
}

function linkText(link: Link): object {
  const { to, when, canonical, follow, action } = link;
  const options = { ...(when.size > 0 && { when: Object.fromEntries(when) }), canonical };
  const target = (at: number) => `${to.table}.${to.columns[at] ?? ''}`;
  const way =
    link.kind === 'json'
      ? { json: { [link.column]: { path: link.path, to: target(0), ...options } } }
      : {
          link: { ...Object.fromEntries(link.columns.map((column, at) => [column, target(at)])), ...options },
        };
  return { ...way, ...(!follow && { follow }), ...(action && actionText(action)) };
}

/** A `set` of nothing, which worlds have and files cannot have, is the same as to keep. */
function actionText(action: Action): object {
  if (action.do === 'delete') return { erase: 'delete' };
  const set = action.values.size > 0 && { set: Object.fromEntries(action.values) };
  if (action.do === 'set' && set !== false) return { erase: set };
  return { keep: { because: 'tax', ...set } };
}

/** Fills the notes of a world: as many characters as said, row by row. */
export function fillNotes(
  { tables }: World,
  { notes, giant }: Bulk,
  name: (index: number) => string,
  engine: Engine,
): string {
  const longer = (table: number, length: number, where: string) =>
    `UPDATE ${name(table)} SET note = ${LONGER[engine](length)} WHERE ${where};`;
  const all = tables.flatMap((_, table) =>
    notes.flatMap((length, at) =>
      length === 0 ? [] : [longer(table, length, `id % ${notes.length} = ${at}`)],
    ),
  );
  return [...all, ...(giant ? [longer(0, 5_000_000, 'id = 2')] : [])].join('\n');
}

const LONGER: Readonly<Record<Engine, (length: number) => string>> = {
  postgres: (length) => `note || repeat('x', ${length})`,
  sqlite: (length) => `note || printf('%.*c', ${length}, 'x')`,
  mysql: (length) => `CONCAT(note, REPEAT('x', ${length}))`,
};
