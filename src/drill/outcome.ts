/** What an error says: that the snapshot cannot be restored, or only that this try could not be made. Pure. */
import { isHoldfastError } from '../errors.ts';
import type { HoldfastError } from '../errors.ts';
import type { DrillOutcome, DrillStage } from '../repository/drills.ts';

/** One thing that is wrong, or that could not be looked at. */
export interface DrillProblem {
  readonly outcome: Exclude<DrillOutcome, 'verified'>;
  /** Stable, for scripts and the ledger. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Verified only when nothing was found and nothing was left out. */
export function outcomeOf(problems: readonly Pick<DrillProblem, 'outcome'>[]): DrillOutcome {
  if (problems.some(({ outcome }) => outcome === 'failed')) return 'failed';
  return problems.length > 0 ? 'not-run' : 'verified';
}

/** When an error came. */
export interface Circumstances {
  /** What only prepares says nothing of the snapshot. */
  readonly stage: DrillStage;
  /** The key that was to open it is one of a recipient of today: then not opening is a failure. */
  readonly byRecipient: boolean;
}

/** @returns undefined for what is no finding: a cancelled run, a bug */
export function problemOf(error: unknown, { stage, byRecipient }: Circumstances): DrillProblem | undefined {
  if (!isHoldfastError(error)) return systemProblem(error);
  if (error.exit === 'cancelled') return undefined;
  const { code, message, hint } = error;
  const isHere = stage === 'prepare' || isOfMachine(error);
  const outcome = !isHere && saysItIsBroken(error, byRecipient) ? 'failed' : 'not-run';
  return { outcome, code, message, hint };
}

/** What the operating system has refused, and no room has given better words. */
function systemProblem(error: unknown): DrillProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  return { outcome: 'not-run', code, message, hint: 'Look what this machine lacks, and repeat.' };
}

/** Of a snapshot; everything else is about this machine, a server, a key, a network. */
function saysItIsBroken({ code, exit }: HoldfastError, byRecipient: boolean): boolean {
  if (code === 'KEY_DOES_NOT_OPEN') return byRecipient;
  // At night they would stop a restore, whoever tries.
  if (/^(SUPPRESSION_|SET_ERASED$|SIDECAR_)/.test(code)) return true;
  if (/(_GONE|_UNREACHABLE|_LOGIN|_TLS|_DENIED|_CONFLICT)$|_TOOL_|^(STORE|SCRATCH|TARGET|STATE)_/.test(code))
    return code === 'STORE_OBJECT_MISSING' || code === 'STORE_OBJECT_SHORT';
  return exit === 'verification' || exit === 'failed' || exit === 'incomplete';
}

/**
 * Of the operating system: what says nothing of a file's content (ENOENT does: an object is gone). Of PostgreSQL (appendix
 * A): classes of missing resources, of an operator's intervention, of system and connection errors.
 */
const MACHINE =
  /^(ENOSPC|EDQUOT|EMFILE|ENFILE|ENOMEM|EIO|EROFS|EACCES|EPERM|ECONN\w+|ETIMEDOUT|E(HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN|53\w{3}|57P\w{2}|58\w{3}|08\w{3})$/;
const CAUSES_MAX = 5;

/** A machine could not do it, as some cause in the chain says. */
function isOfMachine(error: unknown): boolean {
  let one = error;
  for (let depth = 0; depth < CAUSES_MAX && one instanceof Error; depth++) {
    const { code } = one as NodeJS.ErrnoException;
    if (!isHoldfastError(one) && typeof code === 'string' && MACHINE.test(code)) return true;
    one = one.cause;
  }
  return false;
}
