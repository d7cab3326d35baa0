/** Planning a purge: who is where, what would happen to their rows, and what stands in the way. Nothing is written. */
import { randomBytes } from 'node:crypto';
import type { MessageOpener } from '../../openpgp/message.ts';
import { sha256Hex } from '../../repository/entry.ts';
import type { Session } from '../../repository/session.ts';
import { reasonOf } from '../../errors.ts';
import { latin1Of } from '../../rows/values.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { Subject } from '../../subjects/closure.ts';
import { describeProblem } from '../../subjects/integrity.ts';
import { parseSubjectMap } from '../../subjects/parse.ts';
import { PATH_COLUMN } from '../../subjects/read-listed.ts';
import type { SegmentHints } from '../locate/access.ts';
import { affected } from '../rewrite/affected.ts';
import { isTouched, lifeLeft } from '../rewrite/amend.ts';
import { retirements } from '../apply/announce.ts';
import type { PurgeCopy } from '../apply/apply-options.ts';
import { countsOf } from '../apply/counts.ts';
import { estimateOf } from './estimate.ts';
import type { Located, LocatedSnapshot, Opened } from '../locate/located.ts';
import { lookThrough } from '../locate/look-through.ts';
import { namesakesOf, subjectAmbiguous } from './namesakes.ts';
import { scanForPlan } from './plan-scan.ts';
import type { PlannedPlace } from './planned-place.ts';
import { readAgain } from './read-again.ts';
import type { PlacedObject } from './read-again.ts';
import type { PlannedSnapshot, PurgePlan } from './request.ts';
import { lookAt, openOf } from '../apply/state.ts';
import { surveyPlace, surveyWhole } from './survey.ts';

export interface PlanOptions {
  readonly session: Session;
  readonly set: string;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  /** The subject map's text. */
  readonly map: string;
  /** What the map calls one subject. */
  readonly subject: string;
  readonly subjects: readonly Subject[];
  /** Of a name that leads to several of them, all are meant; else the plan is refused. */
  readonly allMatches?: boolean;
  /** Ticket or letter. */
  readonly ref: string | undefined;
  /** Look for their identifiers in everything that there is. */
  readonly scan?: boolean;
  /** The store itself first, then each copy: to say what lies there. */
  readonly places?: readonly PlanPlace[];
  readonly hints?: SegmentHints;
  readonly onProgress?: (bytes: number, table: string) => void;
}

/** A place to look at, or why it cannot be. */
export type PlanPlace = PurgeCopy | { readonly name: string; readonly trouble: string };

export type UnsignedPlan = Omit<PurgePlan, 'sha256' | 'mapSha256' | 'signer'>;

export interface PlanReport {
  readonly plan: UnsignedPlan;
  /** Of the map's text. */
  readonly mapSha256: string;
  /** What would break, or cannot be looked through: with any, the plan must not be carried out. */
  readonly problems: readonly string[];
  /** Snapshots in which there is something to do. */
  readonly touched: number;
  /** Of those, the ones that end within the day: their manifests go, and with them the snapshots. */
  readonly ending: readonly string[];
  readonly opened: Opened;
  /** Further snapshots that may get a new manifest, since they share an index with those. */
  readonly reindexed: number;
  /** Segments and key pages that are written anew. */
  readonly replaced: number;
  /** What was read that apply will read, too. */
  readonly again: readonly PlacedObject[];
  /** Of files that were named by their paths: how many, and which of these are in no snapshot. */
  readonly names?: { readonly given: number; readonly missing: readonly string[] };
  /** How many of those who were asked for have no row in the map's root table, in any snapshot. */
  readonly strangers: number;
  /** Nothing of theirs is in any snapshot. */
  readonly isNobody: boolean;
}

/**
 * Makes a plan.
 * @throws HoldfastError SUBJECT_AMBIGUOUS, and what reading the set and looking through it throws
 */
export async function planPurge(options: PlanOptions, signal: AbortSignal): Promise<PlanReport> {
  const { session, set, ref, map, subject } = options;
  const id = randomBytes(8).toString('hex');
  const pseudonyms = randomBytes(32).toString('hex');
  const state = await lookAt(session, set, id, signal);
  const located = await lookThrough(openOf(state), { ...options, pseudonyms }, signal);
  if (options.allMatches !== true) mustBeOne(options, located);
  const touched = located.snapshots.filter(isTouched);
  const { now } = state.view;
  const { problems, scan } = await scanForPlan(located, options, signal);
  const retired = retirements(touched);
  const snapshots = located.snapshots.map((one) => plannedSnapshot(one, now));
  const replaced = affected(located.snapshots);
  const names = new Set(replaced.map(({ item }) => item.entry.snapshot));
  const places = await surveyAll(options, (place) =>
    surveyPlace(place, { set, touched: names, retired }, signal),
  );
  return {
    plan: {
      store: session.id,
      set,
      id,
      ref,
      alias: `${subject}-${id.slice(0, 8)}`,
      time: now.toISOString(),
      whole: false,
      map,
      subjects: located.subjects,
      pseudonyms,
      snapshots,
      ...(scan && { scan }),
      places,
      found: located.found,
      estimate: estimateOf(located, retired, state.view.catalog.entries, snapshots),
    },
    mapSha256: sha256Hex(Buffer.from(map, 'utf8')),
    problems: [...unreadable(state), ...rootless(located), ...breaking(located), ...problems],
    touched: touched.length,
    ending: touched.filter((one) => lifeLeft(one, now) === 0).map(({ item }) => item.entry.snapshot),
    opened: located.opened,
    replaced: retired.length,
    again: readAgain(located),
    ...namesIn(located),
    strangers: located.strangers.length,
    isNobody: located.snapshots.every(isWithout),
    reindexed: replaced.length - touched.length,
  };
}

/** A plan for the whole set: every snapshot that there is, whoever is in it. No key is needed to make it. */
export async function planWhole(
  { session, set, ref, places }: Pick<PlanOptions, 'session' | 'set' | 'ref' | 'places'>,
  signal: AbortSignal,
): Promise<UnsignedPlan> {
  const id = randomBytes(8).toString('hex');
  const { view } = await lookAt(session, set, id, signal);
  return {
    store: session.id,
    set,
    id,
    ref,
    alias: `all-of-${set}`,
    time: view.now.toISOString(),
    whole: true,
    map: '',
    subjects: [],
    pseudonyms: randomBytes(32).toString('hex'),
    snapshots: view.catalog.entries.map(({ entry, current }) => ({
      snapshot: entry.snapshot,
      revision: current?.revision ?? 0,
      tables: {},
    })),
    places: await surveyAll({ places }, (place) => surveyWhole(place, set, signal)),
  };
}

/** A copy that cannot be reached does not stop a plan: the plan says that nobody knows what lies there. */
async function surveyAll(
  { places = [] }: { readonly places?: PlanOptions['places'] | undefined },
  survey: (place: PurgeCopy) => Promise<PlannedPlace>,
): Promise<PlannedPlace[]> {
  const found: PlannedPlace[] = [];
  for (const place of places) found.push('store' in place ? await survey(place) : place);
  return found;
}

function plannedSnapshot(one: LocatedSnapshot, now: Date): PlannedSnapshot {
  const { entry, current } = one.item;
  return {
    snapshot: entry.snapshot,
    revision: current?.revision ?? 0,
    ...(current && { manifest: current.sha256 }),
    tables: countsOf(one, now),
  };
}

/** Who reads the name of one person must not erase another one who has it too. */
function mustBeOne({ map: text, subject, subjects }: PlanOptions, located: Located): void {
  const { map } = parseSubjectMap(text, 'the subject map');
  const [namesakes] = namesakesOf(subjects, located, map);
  if (namesakes) throw subjectAmbiguous(subject, namesakes, '--all-matches');
}

/** A name that leads to no file at all may be written otherwise there. */
function namesIn({ subjects, snapshots }: Located): Pick<PlanReport, 'names'> {
  const given = subjects.flatMap(({ known }) => known.get(PATH_COLUMN) ?? []);
  if (given.length === 0 || snapshots.every(({ manifest }) => manifest.source.kind !== 'files')) return {};
  const found = new Set(snapshots.flatMap(({ archive }) => [...(archive?.gone ?? [])]));
  const missing = given.filter((path) => !found.has(latin1Of(path) ?? ''));
  return { names: { given: given.length, missing } };
}

function isWithout({ closure, archive }: LocatedSnapshot): boolean {
  return closure.affected.size === 0 && archive === undefined;
}

/** Nobody may say that somebody is gone while there are snapshots that nobody could look into. */
function unreadable({ view }: Awaited<ReturnType<typeof lookAt>>): string[] {
  const { failures, entries } = view.catalog;
  return [
    ...failures.map(({ key, error }) => `${key}: ${reasonOf(error)}`),
    ...entries
      .filter(({ entry, current }) => !current && new Date(entry.end) > view.now)
      .map(({ entry, trouble }) => `snapshot ${entry.snapshot}: ${reasonOf(trouble)}`),
  ];
}

/** A name that no snapshot has leads to nobody: who believed the plan would believe that they are gone. */
function rootless({ snapshots }: Located): string[] {
  const [first, ...others] = snapshots.filter(({ schema }) => schema.tables.length > 0);
  if (first === undefined) return [];
  const { table } = first.map.root;
  const isThere = [first, ...others].some(({ schema }) => schema.tables.some(({ name }) => name === table));
  return isThere ? [] : [`no snapshot has the table ${table}, which the subject map calls its root`];
}

function breaking({ snapshots }: Located): string[] {
  const seen = new Map<string, number>();
  for (const { closure } of snapshots)
    for (const text of new Set(closure.problems.map(describeProblem)))
      seen.set(text, (seen.get(text) ?? 0) + 1);
  return [...seen].map(([text, count]) => `${text}, in ${count} ${count === 1 ? 'snapshot' : 'snapshots'}`);
}
