/**
 * Copying: brings one copy of a set level with its source, one way. Whatever kills a run, the next one goes on: it
 * looks at both sides and does what is missing.
 */
import { isHoldfastError, throwIfCancelled } from '../errors.ts';
import { ledgerFolder } from '../repository/layout.ts';
import { dropDeadLease, takeLease } from '../repository/lease.ts';
import { lockSet } from '../repository/lock.ts';
import { setStateFolder } from '../repository/state-files.ts';
import type { Session } from '../repository/session.ts';
import { peekHeader, pinStore, readHeader } from '../repository/store-header.ts';
import type { ReadStore, Store } from '../stores/store.ts';
import { withKept } from './cache.ts';
import { StoreClock } from './clock.ts';
import { copyAhead, copyForeign, copyOccupied, copyUnsettled } from './errors.ts';
import { SourceChanged, execute } from './execute.ts';
import type { Guard } from './execute.ts';
import { gather } from './gather.ts';
import type { Gathered, ListedStore } from './gather.ts';
import { lockOf, usableLock } from './locks.ts';
import type { LockPolicy } from './locks.ts';
import { nothingAt } from './nothing.ts';
import { planCopy } from './plan.ts';
import type { CopyPlan, PutStep, RemoveStep } from './steps.ts';
import { Tally } from './tally.ts';
import type { CopyReport } from './tally.ts';

export type { CopyReport } from './tally.ts';

/** So often a copy is planned again because its source has changed. */
const ROUNDS_MAX = 6;

export interface CopyOptions {
  readonly source: Session<Store>;
  readonly destination: Store;
  readonly set: string;
  /** Where this machine keeps what it knows of this copy. */
  readonly stateDir: string;
  /** Locks on what is put, where the destination can lock; otherwise a note says that it cannot. */
  readonly lock?: LockPolicy;
  /** Only what the copy has already: for whoever holds the lease, after a rotation. */
  readonly onlyKnown?: boolean;
  /** The caller holds the lease of the set. */
  readonly underLease?: boolean;
  /** Remove what was superseded also where governance locks it. */
  readonly bypassGovernance?: boolean;
  readonly onPlan: (plan: CopyPlan) => void;
  readonly onPut: (step: PutStep, key: string) => void;
  readonly onRemoved: (step: RemoveStep) => void;
  readonly onNote: (text: string) => void;
}

/** What would be done; nothing is written, not even a folder. */
export async function previewCopy(
  options: Pick<CopyOptions, 'source' | 'destination' | 'set' | 'stateDir' | 'onlyKnown'>,
  signal: AbortSignal,
): Promise<{ readonly gathered: Gathered; readonly plan: CopyPlan }> {
  const destination = await orNothing(options.destination, options.source.store, signal);
  const known = { ...options, destination };
  await mustBelong(known, signal);
  const clock = await StoreClock.ask([options.source.store, destination], signal);
  return look(known, clock, signal);
}

/** A folder that a copy would make counts as an empty one; a bucket has to be there. */
async function orNothing(destination: Store, source: Store, signal: AbortSignal): Promise<ListedStore> {
  try {
    await destination.check(signal);
    return destination;
  } catch (error) {
    if (!isHoldfastError(error, 'STORE_MISSING') || destination.bucket) throw error;
    return nothingAt(destination.url, source);
  }
}

/**
 * Brings a copy level.
 * @throws HoldfastError COPY_FOREIGN, COPY_OCCUPIED, COPY_AHEAD, COPY_UNSETTLED, LOCKED and what the stores throw
 */
export async function copySet(options: CopyOptions, signal: AbortSignal): Promise<CopyReport> {
  const { source, destination, set, stateDir } = options;
  using _lock = await lockSet(setStateFolder(stateDir, source.id, set), set);
  if (options.underLease !== true) await dropDeadLease({ ...source, stateDir }, set, signal);
  await destination.create(signal);
  const lock = await usableLock(options.lock, destination, options.onNote, signal);
  const tally = new Tally();
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    await mustBelong(options, signal);
    const clock = await StoreClock.ask([source.store, destination], signal);
    const { gathered, plan } = await look(options, clock, signal);
    options.onPlan(plan);
    tally.planned(plan, gathered.problems);
    const fence = ledgerKeys(gathered);
    if (await settled(options, plan, { clock, fence, lock, tally }, signal)) {
      await pinStore(stateDir, destination.url, source.id);
      return tally.report(set);
    }
  }
  throw copyUnsettled(set, destination.url);
}

interface Sides extends Pick<CopyOptions, 'source' | 'stateDir'> {
  readonly destination: ListedStore;
}

/** The place is empty, or holds this very store. */
async function mustBelong({ source, destination, stateDir }: Sides, signal: AbortSignal): Promise<void> {
  const { url } = destination;
  const header = await peekHeader(destination, signal);
  if (header && header.store !== source.id) throw copyForeign(url, header.store, source.id);
  if (header) {
    await readHeader(destination, source.trust, signal);
    await pinStore(stateDir, url, source.id);
    return;
  }
  for await (const { key } of destination.list('', signal))
    if (!key.startsWith('probe/')) throw copyOccupied(url, key);
}

async function look(
  { source, destination, set, stateDir, onlyKnown }: Sides & Pick<CopyOptions, 'set' | 'onlyKnown'>,
  clock: StoreClock,
  signal: AbortSignal,
): Promise<{ gathered: Gathered; plan: CopyPlan }> {
  await using kept = withKept(source.store, setStateFolder(stateDir, source.id, set));
  const gathered = await gather({ ...source, store: kept.store }, destination, set, clock, signal);
  const ahead = [...gathered.facts.destination.keys()].find(
    (key) => key.startsWith(ledgerFolder(set)) && !gathered.facts.source.has(key),
  );
  if (ahead !== undefined) throw copyAhead(destination.url, ahead);
  return { gathered, plan: planCopy(gathered.facts, onlyKnown) };
}

interface Round {
  readonly clock: StoreClock;
  readonly fence: string;
  readonly lock: LockPolicy | undefined;
  readonly tally: Tally;
}

/** Carries a plan out; false when the source has changed meanwhile, and it has to be looked at again. */
async function settled(
  options: CopyOptions,
  plan: CopyPlan,
  { clock, fence, lock, tally }: Round,
  signal: AbortSignal,
): Promise<boolean> {
  const { source, destination, set } = options;
  try {
    await execute(
      plan,
      {
        source: source.store,
        destination,
        clock,
        bypassGovernance: options.bypassGovernance === true,
        guard: () => guarded(options, fence, signal),
        lockOf: lockOf(lock),
        onPut: (step, key) => {
          tally.put(step);
          options.onPut(step, key);
        },
        onRemoved: (step) => {
          tally.removed += 1;
          options.onRemoved(step);
        },
        onProblem: (problem) => tally.problem(problem),
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof SourceChanged)) throw error;
    throwIfCancelled(signal);
    return false;
  }
  // Without a lease this is what keeps a revision from staying that was replaced while it was put.
  return plan.stages.length === 0 || (await ledgerNow(source.store, set, signal)) === fence;
}

/** Nobody replaces or removes while snapshots are made seen; and the plan was made after whoever did so last. */
async function guarded(options: CopyOptions, fence: string, signal: AbortSignal): Promise<Guard> {
  const { source, set } = options;
  const lease = options.underLease === true ? undefined : await leaseOf(options, signal);
  const guard: Guard = {
    check: async () => lease?.check(),
    [Symbol.asyncDispose]: async () => lease?.[Symbol.asyncDispose](),
  };
  try {
    if ((await ledgerNow(source.store, set, signal)) !== fence)
      throw new SourceChanged('the ledger has grown');
    return guard;
  } catch (error) {
    await guard[Symbol.asyncDispose]();
    throw error;
  }
}

/** The lease lies at the source. Who may only read there goes on without: what changed is found behind it. */
async function leaseOf({ source, set, stateDir, onNote }: CopyOptions, signal: AbortSignal) {
  try {
    // With the state of this copy: a backup of the same set may run on this host meanwhile.
    return await takeLease({ ...source, stateDir }, set, 'copy', signal);
  } catch (error) {
    if (!isHoldfastError(error, 'STORE_DENIED') && !isHoldfastError(error, 'STORE_READ_ONLY')) throw error;
    onNote(`no lease on set ${set} (${error.message}): do not rotate keys while it is copied`);
    return undefined;
  }
}

function ledgerKeys({ facts }: Gathered): string {
  return [...facts.source.keys()]
    .filter((key) => key.startsWith(ledgerFolder(facts.set)))
    .sort()
    .join(' ');
}

async function ledgerNow(store: ReadStore, set: string, signal: AbortSignal): Promise<string> {
  const keys: string[] = [];
  for await (const { key } of store.list(ledgerFolder(set), signal)) keys.push(key);
  return keys.sort().join(' ');
}
