/** Planning a purge: who is where, what would happen to their rows, and what stands in the way. Nothing is written. */
import { randomBytes } from 'node:crypto';
import type { MessageOpener } from '../openpgp/message.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { Session } from '../repository/session.ts';
import { reasonOf } from '../errors.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { Subject } from '../subjects/closure.ts';
import { describeProblem } from '../subjects/integrity.ts';
import type { SegmentHints } from './access.ts';
import { isTouched, lifeLeft } from './amend.ts';
import { retirements } from './announce.ts';
import { countsOf } from './counts.ts';
import type { Located, LocatedSnapshot, Opened } from './located.ts';
import { lookThrough } from './look-through.ts';
import type { PlannedSnapshot, PurgePlan } from './request.ts';
import { lookAt, openOf } from './state.ts';

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
  /** Ticket or letter. */
  readonly ref: string | undefined;
  readonly hints?: SegmentHints;
  readonly onProgress?: (bytes: number, table: string) => void;
}

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
  /** Segments and key pages that are written anew. */
  readonly replaced: number;
}

/**
 * Makes a plan.
 * @throws HoldfastError what reading the set and looking through it throws
 */
export async function planPurge(options: PlanOptions, signal: AbortSignal): Promise<PlanReport> {
  const { session, set, ref, map, subject } = options;
  const id = randomBytes(8).toString('hex');
  const pseudonyms = randomBytes(32).toString('hex');
  const state = await lookAt(session, set, id, signal);
  const located = await lookThrough(openOf(state), { ...options, pseudonyms }, signal);
  const touched = located.snapshots.filter(isTouched);
  const { now } = state.view;
  const retired = await retirements(touched, () => Promise.resolve([]));
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
      snapshots: located.snapshots.map(plannedSnapshot),
    },
    mapSha256: sha256Hex(Buffer.from(map, 'utf8')),
    problems: [...unreadable(state), ...breaking(located)],
    touched: touched.length,
    ending: touched.filter((one) => lifeLeft(one, now) === 0).map(({ item }) => item.entry.snapshot),
    opened: located.opened,
    replaced: retired.length,
  };
}

/** A plan for the whole set: every snapshot that there is, whoever is in it. No key is needed to make it. */
export async function planWhole(
  { session, set, ref }: Pick<PlanOptions, 'session' | 'set' | 'ref'>,
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
  };
}

function plannedSnapshot(one: LocatedSnapshot): PlannedSnapshot {
  const { entry, current } = one.item;
  return { snapshot: entry.snapshot, revision: current?.revision ?? 0, tables: countsOf(one) };
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

function breaking({ snapshots }: Located): string[] {
  const seen = new Map<string, number>();
  for (const { closure } of snapshots)
    for (const text of new Set(closure.problems.map(describeProblem)))
      seen.set(text, (seen.get(text) ?? 0) + 1);
  return [...seen].map(([text, count]) => `${text}, in ${count} ${count === 1 ? 'snapshot' : 'snapshots'}`);
}
