/** Telling all monitors how a run ended: side by side, each only of what it asks about, and never a failure of the run. */
import { isHoldfastError, reasonOf } from '../errors.ts';
import type { Monitor, Outcome, RunReport, SetReport } from './monitor.ts';

/** What somebody wants to hear. */
export interface Subscription {
  /** Only these sets; undefined: all. */
  readonly sets?: readonly string[];
  readonly verbs: readonly string[];
  readonly when: 'always' | Outcome;
}

export interface Subscriber extends Subscription {
  /** For people, known before it is opened. */
  readonly name: string;
  /** Opens it when there is something to tell: its address may have to be read. May throw. */
  readonly open: () => Promise<Monitor>;
}

/** What came of telling one of them. */
export interface Told {
  readonly name: string;
  /** Undefined when it was told. */
  readonly failure: string | undefined;
}

/**
 * Tells everybody who wants to hear of it.
 * @throws HoldfastError CANCELLED and nothing else
 */
export async function tellAll(
  subscribers: readonly Subscriber[],
  report: RunReport,
  signal: AbortSignal,
): Promise<readonly Told[]> {
  const asked = subscribers.flatMap((subscriber) => {
    const own = reportFor(subscriber, report);
    return own === undefined ? [] : [{ subscriber, own }];
  });
  return Promise.all(asked.map(({ subscriber, own }) => tellOne(subscriber, own, signal)));
}

async function tellOne(subscriber: Subscriber, report: RunReport, signal: AbortSignal): Promise<Told> {
  let { name } = subscriber;
  try {
    signal.throwIfAborted();
    const monitor = await subscriber.open();
    ({ name } = monitor);
    await monitor.tell(report, signal);
    return { name, failure: undefined };
  } catch (error) {
    const failure = isHoldfastError(error) ? error.message : reasonOf(error);
    return { name, failure: failure.startsWith(name) ? failure : `${name}: ${failure}` };
  }
}

/** The part of a report that a subscriber wants to hear; undefined when that is nothing. */
function reportFor(subscription: Subscription, report: RunReport): RunReport | undefined {
  const { sets: wanted, verbs, when } = subscription;
  if (!verbs.includes(report.verb)) return undefined;
  const sets = report.sets.filter(({ set }) => wanted?.includes(set) !== false);
  const outcome = outcomeOf(sets);
  if (sets.length === 0 || (when !== 'always' && when !== outcome)) return undefined;
  return { ...report, sets, outcome };
}

/** One failure makes it a failure. */
function outcomeOf(sets: readonly SetReport[]): Outcome {
  return sets.some(({ outcome }) => outcome === 'failure') ? 'failure' : 'success';
}
