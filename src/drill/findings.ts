/** A drill under way: what it was given, what it has found out so far, and what comes of it. */
import type { MessageOpener } from '../openpgp/message.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import type { DrillOutcome } from '../repository/drills.ts';
import type { Session } from '../repository/session.ts';
import type { SetView } from '../restore/open.ts';
import type { ScratchSpace } from '../scratch/scratch.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { Inspector } from '../sources/inspector.ts';
import type { Schema } from '../sources/schema.ts';
import type { Loader, SourceInfo } from '../sources/source.ts';
import type { Store } from '../stores/store.ts';
import type { SubjectMap } from '../subjects/map.ts';
import type { Check } from './judge.ts';
import { outcomeOf, problemOf } from './outcome.ts';
import type { DrillProblem } from './outcome.ts';
import type { Picking } from './pick.ts';
import { recoveryTime, Stages } from './stages.ts';
import type { StageTimes } from './stages.ts';

/** What implements a drill's parts, and what it says while it works. */
export interface DrillTools {
  /** Where a dump of this source is restored. */
  readonly openScratch: (source: SourceInfo, signal: AbortSignal) => Promise<ScratchSpace>;
  readonly openLoader: (source: SourceInfo, target: string) => Promise<Loader>;
  readonly openInspector: (source: SourceInfo, target: string, signal: AbortSignal) => Promise<Inspector>;
  /** Tables of what was restored; undefined for engines whose tables say nothing. */
  readonly readSchema: (
    source: SourceInfo,
    target: string,
    signal: AbortSignal,
  ) => Promise<Schema | undefined>;
  readonly onStep: (text: string) => void;
  readonly onProgress: (bytes: number, what: string) => void;
}

export interface DrillOptions extends DrillTools {
  readonly session: Session<Store>;
  readonly view: SetView;
  readonly item: CatalogEntry;
  readonly picking: Picking;
  readonly opener: MessageOpener;
  /** The key that opens is one of a recipient of today. */
  readonly byRecipient: boolean;
  readonly pool: SegmentPool;
  readonly checks: readonly Check[];
  /** References to rows that are not there: so many are fine; undefined: those that the source had. */
  readonly referencesTaken: number | undefined;
  /** Parallel sessions. */
  readonly jobs: number;
  /** What people say of the tables today. */
  readonly mapOfToday: () => Promise<SubjectMap | undefined>;
  /** What finding the snapshot took, in milliseconds. */
  readonly findMs: number;
}

export interface CheckResult {
  readonly name: string;
  readonly verdict: 'passed' | 'failed' | 'unknown';
  /** The answer, or why there is none. */
  readonly found: string;
}

/** What came of it. */
export interface DrillResult {
  readonly set: string;
  readonly snapshot: string;
  readonly picking: Picking;
  readonly outcome: DrillOutcome;
  readonly problems: readonly DrillProblem[];
  /** True, and worth knowing. */
  readonly notes: readonly string[];
  /** By the store's clock. */
  readonly started: string;
  readonly stages: StageTimes;
  readonly rtoMs: number | undefined;
  /** The age of the set's newest snapshot at `started`. */
  readonly rpoMs: number;
  /** For people; undefined when it did not come to that. */
  readonly server: string | undefined;
  readonly ownServer: boolean | undefined;
  /** What was loaded; undefined when that failed. */
  readonly loaded: { readonly tables: number; readonly rows: number; readonly bytes: number } | undefined;
  readonly checks: readonly CheckResult[];
  /** For how many purges was looked that nobody is back. */
  readonly purges: number;
}

/** What is found out, piece by piece. */
export class Drill {
  readonly options: DrillOptions;
  readonly stages = new Stages();
  readonly problems: DrillProblem[] = [];
  readonly notes: string[] = [];
  readonly checks: CheckResult[] = [];
  space: Pick<ScratchSpace, 'name' | 'isOwn'> | undefined;
  loaded: DrillResult['loaded'];
  purges = 0;

  constructor(options: DrillOptions) {
    this.options = options;
    this.stages.add('find', options.findMs);
  }

  /** Takes an error as a finding; throws what is none. */
  found(error: unknown): void {
    const problem = problemOf(error, {
      stage: this.stages.current,
      byRecipient: this.options.byRecipient,
    });
    if (problem === undefined) throw error;
    this.problems.push(problem);
  }

  /** Does something whose failure is a finding. Returns whether it was done. */
  async try(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.found(error);
      return false;
    }
  }

  result(): DrillResult {
    const { view, item, picking } = this.options;
    const { times } = this.stages;
    const { now } = view;
    const newest = view.catalog.entries.findLast(({ entry }) => new Date(entry.end) > now) ?? item;
    return {
      set: view.set,
      snapshot: item.entry.snapshot,
      picking,
      outcome: outcomeOf(this.problems),
      problems: this.problems,
      notes: this.notes,
      started: now.toISOString(),
      stages: times,
      rtoMs: this.loaded && recoveryTime(times),
      rpoMs: Math.max(0, now.getTime() - new Date(newest.entry.time).getTime()),
      server: this.space?.name,
      ownServer: this.space?.isOwn,
      loaded: this.loaded,
      checks: this.checks,
      purges: this.purges,
    };
  }
}
