/**
 * The port for giving a restored database the name of the one in use. What is in use is set aside under another name, never
 * removed, so that there is a way back.
 */
import { HoldfastError, reasonOf } from '../errors.ts';

export interface Swap {
  /** Who uses what is to be set aside, for people: `3 sessions`; undefined when nobody does, as far as can be told. */
  users(signal: AbortSignal): Promise<string | undefined>;
  /**
   * Swaps the names, both or none.
   * @param endSessions - ends what uses them; false: a use is a refusal
   * @throws HoldfastError SWAP_IN_USE, SWAP_FAILED, SWAP_TAKEN
   */
  run(endSessions: boolean, signal: AbortSignal): Promise<SwapReport>;
}

export interface SwapReport {
  /** What the restored one is called now. */
  readonly name: string;
  /** What was in use before; undefined when nothing had the name. */
  readonly aside: string | undefined;
  /** Commands that undo it. */
  readonly wayBack: readonly string[];
}

/** `shop_before_20261122_0731`, by the clock of this machine in UTC. */
export function asideSuffix(now: Date): string {
  return `before_${now.toISOString().slice(0, 16).replaceAll(/[-:]/g, '').replace('T', '_')}`;
}

/** Somebody uses what would be set aside. */
export function swapInUse(name: string, users: string, hint: string): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_IN_USE',
    exit: 'target',
    message: `${name} is in use: ${users}`,
    hint,
  });
}

/** The name under which the old one would go is taken. */
export function swapTaken(name: string): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_TAKEN',
    exit: 'target',
    message: `there is something called ${name} already`,
    hint: 'Wait for a minute, or rename it: the database in use is set aside under that name.',
  });
}

/** Nothing was renamed. */
export function swapFailed(name: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_FAILED',
    exit: 'target',
    message: `cannot give the restored one the name ${name}: ${reasonOf(cause)}`,
    hint: 'Both are there under the names that they had; rename them by hand, or point the application at the new one.',
    cause,
  });
}

/** It was closed for the swap, and nobody can connect to it until somebody opens it. */
export function swapClosed(name: string, aside: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_CLOSED',
    exit: 'target',
    message: `nobody can connect to ${name}, or to ${aside} if that is there: ${reasonOf(cause)}`,
    hint: 'Run on the server: ALTER DATABASE … WITH ALLOW_CONNECTIONS true, for whichever of the two is there and closed.',
    cause,
  });
}
