/** What `doctor` says of one thing that it looked at. */
import { HoldfastError, isHoldfastError, reasonOf } from '../../errors.ts';

export interface Check {
  readonly what: string;
  /** `warning` is true but risky; `unknown` could not be checked. */
  readonly verdict: 'ok' | 'warning' | 'wrong' | 'unknown';
  readonly found: string;
  /** What mends it, with the command where there is one. */
  readonly hint?: string;
  /** Of the error that said so. */
  readonly code?: string;
}

/** Looks at one thing; what is thrown becomes a verdict. */
export async function attempt(what: string, look: () => Promise<Check>): Promise<Check> {
  try {
    return await look();
  } catch (error) {
    return failed(what, error);
  }
}

/** A refusal or a mistake is wrong; what did not answer is unknown. */
export function failed(what: string, error: unknown): Check {
  if (isHoldfastError(error, 'CANCELLED')) throw error;
  if (!(error instanceof HoldfastError)) return { what, verdict: 'unknown', found: reasonOf(error) };
  const { code, message: found, hint } = error;
  const unknown = error.exit === 'unverifiable' || error.code === 'STORE_UNREACHABLE';
  return { what, verdict: unknown ? 'unknown' : 'wrong', found, hint, code };
}

export function ok(what: string, found: string): Check {
  return { what, verdict: 'ok', found };
}

export function wrong(what: string, found: string, hint: string): Check {
  return { what, verdict: 'wrong', found, hint };
}

export function warning(what: string, found: string, hint: string): Check {
  return { what, verdict: 'warning', found, hint };
}
