/**
 * Where the rows of subjects lie in many snapshots: the closure of `src/subjects`, over segments.
 *
 * First over all snapshots of one schema at once, so that each unit is opened for as few questions as can be; then for
 * each snapshot by itself, which is exact, and finds nearly every answer there already.
 */
import type { ReadStore } from '../../stores/store.ts';
import { LIST_NAME } from '../../rows/files/list.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import { closure, type Closure, type Subject } from '../../subjects/closure.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import type { SegmentHints } from './access.ts';
import { archiveEdit } from './archive.ts';
import { IndexHints, NO_HINTS } from './hints.ts';
import { editsOf } from './edits.ts';
import { LargeObjects } from './large-objects.ts';
import type { Findings, Located, LocatedSnapshot, Opened, Unit } from './located.ts';
import { prepare, type Prepared, type SharedSchemas, type SnapshotInput } from './prepare.ts';
import { SharedReader, type SharedPages } from './shared-reader.ts';
import { Rehearsals } from './rehearse.ts';
import { resolveSubjects, subjectsIn } from './subjects.ts';
import { Tables } from './tables.ts';
import { both, Tally } from './tally.ts';
import { UnitSet } from './unit-set.ts';
import { KnownUnits } from './units.ts';
import { wholeEdits } from './whole.ts';

export interface LocateInput {
  readonly store: ReadStore;
  readonly pool: Pick<SegmentPool, 'open'>;
  /** Opened, in the revision that counts; all of one set, in any order. */
  readonly snapshots: readonly SnapshotInput[];
  readonly map: SubjectMap;
  readonly subjects: readonly Subject[];
  /** 32 random bytes: the same ones make the same pseudonyms again. */
  readonly pseudonyms: Uint8Array;
  /** Which units to open; what the indexes of the snapshots say, unless something else is given. */
  readonly hints?: SegmentHints;
  /** Units that are known to hold nobody: they are not opened. */
  readonly quiet?: UnitSet;
  /** The only units that are opened; whether others would have had to be, `found.asked` of the result says. */
  readonly only?: UnitSet;
  /**
   * Full-text indexes have words of rows that went before: they are made again in every snapshot, or (when absent) in
   * those with rows to edit.
   */
  readonly rebuildsAlways?: boolean;
  /** Key pages that were read before; added to. */
  readonly pages?: SharedPages;
  /** Called with bytes of rows that were looked through, and their table. */
  readonly onProgress?: (bytes: number, table: string) => void;
  readonly signal: AbortSignal;
}

const FEW_UNITS = 64;

/** What was found in one snapshot. */
export interface SearchedSnapshot {
  readonly prepared: Prepared;
  /** Without names that are somebody else's in this snapshot. */
  readonly subjects: readonly Subject[];
  readonly closure: Closure;
}

/** A search that is over: what was found in each snapshot, and what further questions are asked of. */
export interface Search {
  /** With everything that any of the snapshots says of them. */
  readonly subjects: readonly Subject[];
  /** Of those that were asked for: whom no row of the root table is about, in any of the snapshots. */
  readonly strangers: readonly Subject[];
  readonly tables: Tables;
  readonly snapshots: readonly SearchedSnapshot[];
  readonly opened: Opened;
  /** See `Located`. */
  readonly quiet: UnitSet;
  readonly found: Findings;
  readonly loud: readonly Unit[];
}

/**
 * Finds them, and says what is done with each row.
 *
 * @throws HoldfastError SIDECAR_MISSING, SUBJECTS_UNCOVERED, SUBJECTS_COLUMN, DAMAGED, and the like
 */
export async function locate(input: LocateInput): Promise<Located> {
  const { pseudonyms, signal } = input;
  const { subjects, tables, snapshots, opened, ...looked } = await search(input);
  const located: LocatedSnapshot[] = [];
  const objects = new LargeObjects({
    gone: snapshots.map(({ closure }) => closure.largeObjects),
    onOpened: (name, bytes) => input.onProgress?.(bytes, name),
    signal,
  });
  const rehearsals = new Rehearsals();
  for (const { prepared, subjects: held, closure: found } of snapshots) {
    const { item, manifest, schema, map } = prepared;
    const rows = await editsOf(prepared, found, tables, pseudonyms, signal);
    const { closure, list, archive } = await archiveEdit(
      prepared,
      found,
      rows.get(LIST_NAME),
      tables,
      signal,
    );
    const streams = new Map([...rows, ...(await objects.editsOf(prepared, closure.largeObjects))]);
    if (prepared.engine === 'files') streams.delete(LIST_NAME);
    if (list) streams.set(LIST_NAME, list);
    const isMadeAgain = streams.size > 0 || input.rebuildsAlways === true;
    const whole = isMadeAgain ? await wholeEdits(prepared, rehearsals, signal) : [];
    const about = { item, manifest, schema, map, subjects: held, closure, streams, whole };
    located.push({ ...about, ...(archive && { archive }) });
  }
  return { subjects, snapshots: located, opened: both(opened, objects.opened), ...looked };
}

/**
 * Finds them.
 * @throws as `locate`
 */
export async function search(input: Omit<LocateInput, 'pseudonyms'>): Promise<Search> {
  const { map, signal, onProgress } = input;
  const hints = hintsFor(input);
  const known = new KnownUnits(input);
  const prepared = await prepareAll(input, known);
  const opened = new Tally();
  const tables = new Tables(prepared, {
    signal,
    hints,
    onOpened: (table, unit) => {
      opened.add(unit);
      onProgress?.(
        unit.segments.reduce((sum, { plain }) => sum + plain, 0),
        table,
      );
    },
  });
  const groups = [
    ...Map.groupBy(prepared, ({ engine, schema }) => JSON.stringify([engine, schema])).values(),
  ];
  const { subjects, strangers } = await resolveSubjects(input.subjects, map, groups, tables, signal);
  for (const group of groups) if (group.length > 1) await closureOf(group, tables, subjects, signal);
  const snapshots: SearchedSnapshot[] = [];
  for (const one of prepared) {
    const held = await subjectsIn(one, subjects, tables.access([one]), signal);
    snapshots.push({ prepared: one, subjects: held, closure: await closureOf([one], tables, held, signal) });
  }
  const { loud, asked } = tables;
  return {
    subjects,
    strangers,
    tables,
    snapshots,
    opened: opened.against(known.all.segments),
    quiet: known.all.without(UnitSet.of(loud.map(({ key }) => key))),
    found: { asked, units: loud.map(({ key }) => key).sort() },
    loud,
  };
}

function hintsFor({ store, snapshots, hints, only, quiet }: Omit<LocateInput, 'pseudonyms'>): SegmentHints {
  // There is somebody in each of these: nothing that an index says could spare opening it.
  if (only !== undefined) return NO_HINTS;
  const manifests = snapshots.map(({ manifest }) => manifest);
  const all = hints ?? new IndexHints(store, manifests);
  return quiet === undefined ? all : unlessFew(all);
}

/** Where little is left to be looked through, that is done sooner than reading an index, and by nobody's word. */
function unlessFew(hints: SegmentHints): SegmentHints {
  return {
    narrow: (table, units, queries, signal) =>
      units.length <= FEW_UNITS ? Promise.resolve(units) : hints.narrow(table, units, queries, signal),
  };
}

async function prepareAll(
  { store, pool, snapshots, map, signal, pages = new Map() }: Omit<LocateInput, 'pseudonyms'>,
  known: KnownUnits,
): Promise<readonly Prepared[]> {
  const schemas: SharedSchemas = new Map();
  const all = new KnownUnits();
  const prepared: Prepared[] = [];
  for (const snapshot of snapshots) {
    const reader = new SharedReader(store, snapshot.manifest, pool, pages);
    prepared.push(await prepare(snapshot, reader, map, { units: known, all, schemas }, signal));
  }
  return prepared;
}

/** The closure over all rows of these snapshots; of several only what it asks for counts, which stays known. */
function closureOf(
  group: readonly Prepared[],
  tables: Tables,
  subjects: readonly Subject[],
  signal: AbortSignal,
): Promise<Closure> {
  const [first] = group;
  if (first === undefined) throw new Error('no snapshot');
  const { map, schema, engine } = first;
  return closure({ map, schema, engine, subjects, access: tables.access(group), signal });
}
