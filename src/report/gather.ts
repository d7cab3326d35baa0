/**
 * Reads what a report says of the sets of a store: entries and ledgers with their signatures, and one listing of
 * everything. It opens nothing, so it needs no private key. What is wrong becomes a fact; only a store that cannot be
 * asked at all is an error.
 */
import { isHoldfastError, reasonOf } from '../errors.ts';
import { SEALED } from '../repository/layout.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import type { Session } from '../repository/session.ts';
import { enforcementOf, mayHaveVersions } from '../retention/apply-lifecycle.ts';
import { listMortal } from '../retention/objects.ts';
import { isOverdue } from '../retention/gone-by.ts';
import type { MortalObject } from '../retention/objects.ts';
import type { Store } from '../stores/store.ts';
import type { ExportsFact, OtherObjects, SetFacts, SweepFacts } from './facts.ts';
import { gatherExports } from './gather-exports.ts';
import { bytesOf, gatherSet } from './gather-set.ts';
import type { WantedSet } from './gather-set.ts';

export interface GatherOptions {
  readonly session: Session<Store>;
  readonly sets: readonly WantedSet[];
  /** Names of all sets of the configuration, these among them. */
  readonly known: readonly string[];
  readonly erasureWithinDays: number | undefined;
  readonly drillEveryDays: number | undefined;
  /** What is being read now. */
  readonly onStep: (text: string) => void;
}

export interface Gathered {
  /** The store's clock. */
  readonly now: Date;
  readonly sets: readonly Omit<SetFacts, 'copies'>[];
  readonly sweep: SweepFacts;
  readonly exports: ExportsFact;
  /** As they were verified: what copies are compared with. */
  readonly entries: ReadonlyMap<string, readonly CatalogEntry[]>;
}

/** Reads the store once, and then set by set. */
export async function gather(options: GatherOptions, signal: AbortSignal): Promise<Gathered> {
  const { session, sets, erasureWithinDays, drillEveryDays, onStep } = options;
  const now = await session.store.now(signal);
  onStep('listing what lies in the store');
  const enforcement = await enforcementOf(session.store, signal);
  const sweep = await sweepStore(session.store, options.known, now, signal);
  const found: Omit<SetFacts, 'copies'>[] = [];
  const entries = new Map<string, readonly CatalogEntry[]>();
  for (const policy of sets) {
    onStep(policy.name);
    const objects = sweep.bySet && (sweep.bySet.get(policy.name) ?? []);
    const about = { policy, objects, enforcement, now, erasureWithinDays, drillEveryDays };
    const read = await gatherSet(session, about, signal);
    found.push(read.facts);
    entries.set(policy.name, read.entries);
  }
  return { now, sets: found, sweep: sweep.facts, exports: await gatherExports(session, signal), entries };
}

interface Sweep {
  readonly facts: SweepFacts;
  /** By set; undefined when the store could not be listed. */
  readonly bySet: ReadonlyMap<string, readonly MortalObject[]> | undefined;
}

/** Everything with a life, in one listing. Who may not see old versions sees the newest ones, and that is said. */
async function sweepStore(
  store: Store,
  known: readonly string[],
  now: Date,
  signal: AbortSignal,
): Promise<Sweep> {
  const versioned = await mayHaveVersions(store, signal);
  let unknown = '';
  for (const withVersions of versioned ? [true, false] : [false]) {
    try {
      const objects = await listMortal(store, withVersions, signal);
      return sweepOf(objects, known, now, { versioned, versionsUnseen: versioned && !withVersions });
    } catch (error) {
      if (!isHoldfastError(error, 'STORE_DENIED')) throw error;
      unknown = reasonOf(error);
    }
  }
  const facts = { unknown, versioned, versionsUnseen: false, others: [], sealed: undefined };
  return { facts, bySet: undefined };
}

function sweepOf(
  objects: readonly MortalObject[],
  known: readonly string[],
  now: Date,
  about: Pick<SweepFacts, 'versioned' | 'versionsUnseen'>,
): Sweep {
  const bySet = Map.groupBy(objects, ({ set }) => set);
  const others = [...bySet]
    .filter(([set]) => !known.includes(set))
    .map(([set, own]) => otherObjects(set, own, now))
    .sort((a, b) => (a.set < b.set ? -1 : 1));
  const sealed = others.find(({ set }) => set === SEALED);
  return {
    facts: { ...about, unknown: undefined, others: others.filter((one) => one !== sealed), sealed },
    bySet,
  };
}

function otherObjects(set: string, objects: readonly MortalObject[], now: Date): OtherObjects {
  const overdue = objects.filter((object) => isOverdue(object, now)).length;
  return { set, count: objects.length, bytes: bytesOf(objects), overdue };
}
