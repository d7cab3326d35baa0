/**
 * Where the rows of subjects lie in many snapshots: the closure of `src/subjects`, over segments.
 *
 * First over all snapshots of one schema at once, so that each unit is opened for as few questions as can be; then for
 * each snapshot by itself, which is exact, and finds nearly every answer there already.
 */
import type { ReadStore } from '../../stores/store.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import { closure, type Closure, type Subject } from '../../subjects/closure.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import type { SegmentHints } from './access.ts';
import { IndexHints } from './hints.ts';
import { editsOf } from './edits.ts';
import { LargeObjects } from './large-objects.ts';
import type { Located, LocatedSnapshot, Opened } from './located.ts';
import { prepare, type Prepared, type SharedSchemas, type SnapshotInput } from './prepare.ts';
import { SharedReader, type SharedPages } from './shared-reader.ts';
import { Rehearsals } from './rehearse.ts';
import { resolveSubjects, subjectsIn } from './subjects.ts';
import { Tables } from './tables.ts';
import { both, Tally } from './tally.ts';
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
  /** Keys of units that are known to hold nobody: they are not opened. */
  readonly quiet?: ReadonlySet<string>;
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
  readonly tables: Tables;
  readonly snapshots: readonly SearchedSnapshot[];
  readonly opened: Opened;
  /** See `Located`. */
  readonly quiet: ReadonlySet<string>;
}

/**
 * Finds them, and says what is done with each row.
 *
 * @throws HoldfastError SIDECAR_MISSING, PURGE_ENGINE, SUBJECTS_UNCOVERED, SUBJECTS_COLUMN, DAMAGED, and the like
 */
export async function locate(input: LocateInput): Promise<Located> {
  const { pseudonyms, signal } = input;
  const { subjects, tables, snapshots, opened, quiet } = await search(input);
  const located: LocatedSnapshot[] = [];
  const objects = new LargeObjects({
    gone: snapshots.map(({ closure }) => closure.largeObjects),
    onOpened: (name, bytes) => input.onProgress?.(bytes, name),
    signal,
  });
  const rehearsals = new Rehearsals();
  for (const { prepared, subjects: held, closure } of snapshots) {
    const { item, manifest, schema, map } = prepared;
    const rows = await editsOf(prepared, closure, tables, pseudonyms, signal);
    const streams = new Map([...rows, ...(await objects.editsOf(prepared, closure.largeObjects))]);
    const isMadeAgain = streams.size > 0 || input.rebuildsAlways === true;
    const whole = isMadeAgain ? await wholeEdits(prepared, rehearsals, signal) : [];
    located.push({ item, manifest, schema, map, subjects: held, closure, streams, whole });
  }
  return { subjects, snapshots: located, opened: both(opened, objects.opened), quiet };
}

/**
 * Finds them.
 * @throws as `locate`
 */
export async function search(input: Omit<LocateInput, 'pseudonyms'>): Promise<Search> {
  const { map, signal, onProgress } = input;
  const manifests = input.snapshots.map(({ manifest }) => manifest);
  const hints = unlessQuiet(input.hints ?? new IndexHints(input.store, manifests), input.quiet);
  const known = new KnownUnits();
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
  const subjects = await resolveSubjects(input.subjects, map, groups, tables, signal);
  for (const group of groups) if (group.length > 1) await closureOf(group, tables, subjects, signal);
  const snapshots: SearchedSnapshot[] = [];
  for (const one of prepared) {
    const held = await subjectsIn(one, subjects, tables.access([one]), signal);
    snapshots.push({ prepared: one, subjects: held, closure: await closureOf([one], tables, held, signal) });
  }
  return {
    subjects,
    tables,
    snapshots,
    opened: opened.against(known.byKey),
    quiet: tables.quiet(known.byKey),
  };
}

/** What is known to hold nobody is not even asked about. */
function unlessQuiet(hints: SegmentHints, quiet: ReadonlySet<string> = new Set()): SegmentHints {
  if (quiet.size === 0) return hints;
  return {
    narrow: (table, units, queries, signal) =>
      hints.narrow(
        table,
        units.filter(({ key }) => !quiet.has(key)),
        queries,
        signal,
      ),
  };
}

async function prepareAll(
  { store, pool, snapshots, map, signal, pages = new Map() }: Omit<LocateInput, 'pseudonyms'>,
  known: KnownUnits,
): Promise<readonly Prepared[]> {
  const schemas: SharedSchemas = new Map();
  const prepared: Prepared[] = [];
  for (const snapshot of snapshots) {
    const reader = new SharedReader(store, snapshot.manifest, pool, pages);
    prepared.push(await prepare(snapshot, reader, map, { units: known, schemas }, signal));
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
