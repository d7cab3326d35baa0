/**
 * The port for giving a restored database the name of the one in use. What is in use is set aside under another name, never
 * removed, so that there is a way back.
 */
import { HoldfastError, reasonOf } from '../errors.ts';

export interface Swap {
  /** How to come to it again when it was not done: a sentence for hints. */
  again(signal: AbortSignal): Promise<string>;
  /** Who uses what is to be set aside, for people: `3 sessions`; undefined when nobody does, as far as can be told. */
  users(signal: AbortSignal): Promise<string | undefined>;
  /**
   * Asked before a restore is gone on with: its swap may have been done by a run that could not say so any more.
   * @throws HoldfastError SWAP_DONE
   */
  mustBeAhead(signal: AbortSignal): Promise<void>;
  /**
   * Swaps the names, both or none.
   * @param endSessions - ends what uses them; false: a use is a refusal
   * @throws HoldfastError SWAP_IN_USE, SWAP_FAILED, SWAP_TAKEN, SWAP_UNCLEAR
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

/** It would be restored under the name that it is to take. */
export function swapItself(name: string): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_ITSELF',
    exit: 'usage',
    message: `the restore would go to ${name}, which is the one to swap with`,
    hint: 'Restore beside it: name another with --to, or leave out --to. Where nothing has that name, leave out --swap.',
  });
}

/** The name under which the old one would go is taken. */
export function swapTaken(name: string): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_TAKEN',
    exit: 'target',
    message: `there is something called ${name} already`,
    hint: 'Wait for a minute, or rename it: what is in use is set aside under that name.',
  });
}

/** Nothing was renamed. */
export function swapFailed(name: string, cause: unknown, again: string): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_FAILED',
    exit: 'target',
    message: `cannot give the restored one the name ${name}: ${reasonOf(cause)}`,
    hint: `Both are there under the names that they had. ${again}`,
    cause,
  });
}

/** The server went away before it said whether it was done. */
export function swapUnclear(name: string, cause: unknown, again: string): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_UNCLEAR',
    exit: 'target',
    message: `the server did not say whether the restored one has got the name ${name}: ${reasonOf(cause)}`,
    hint: `Both names were swapped, or none. ${again} Where it was done, that says so.`,
    cause,
  });
}

/** What was restored has its name already, as it seems. */
export function swapDone(restored: string, aside: string, wayBack: string): HoldfastError {
  return new HoldfastError({
    code: 'SWAP_DONE',
    exit: 'target',
    message: `there is nothing to go on with: ${restored} is not there, and ${aside} is, so the names seem to be swapped already`,
    hint: `The way back would be: ${wayBack}. To restore anew, leave out --resume.`,
  });
}
