/**
 * What reaches the process from the side. SIGINT and friends: the first asks the work to stop cleanly, the second
 * ends the program at once. Errors that nobody caught end it too, but not without a word.
 */
import { cancelled, EXIT } from '../../errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A terminal and a parent (npm, our own launcher) may both deliver one Ctrl-C: that is still the first. */
const SAME_PRESS_MS = 200;

export interface Interruption {
  readonly signal: AbortSignal;
  /** Stops listening. */
  [Symbol.dispose](): void;
}

/**
 * A signal for the work of one run.
 *
 * @param outer - cancels the run from inside a process; when given the process's signals are left alone
 * @param onFirst - called once, when a signal of the process asks the work to stop
 */
export function listenForInterruption(outer: AbortSignal | undefined, onFirst: () => void): Interruption {
  if (outer !== undefined) return { signal: outer, [Symbol.dispose]: () => undefined };
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  const onSignal = (): void => {
    if (firstAtMs === undefined) {
      firstAtMs = performance.now();
      controller.abort(cancelled());
      onFirst();
    } else if (performance.now() - firstAtMs > SAME_PRESS_MS) process.exit(EXIT.cancelled);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

/**
 * Ends the process after `tell` when an error surfaces outside of the run (a rejection that nobody awaits).
 *
 * @param tell - says what happened, without waiting, and returns the exit code
 */
export function listenForStrayErrors(tell: (error: unknown) => number): Disposable {
  const onError = (error: unknown): never => process.exit(tell(error));
  process.on('uncaughtException', onError);
  return { [Symbol.dispose]: () => void process.off('uncaughtException', onError) };
}
