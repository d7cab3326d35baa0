/** What the steps of a full check find. */
import { HoldfastError, isHoldfastError } from '../../errors.ts';

/** What the steps add to. */
export interface Findings {
  readonly problems: string[];
  readonly notes: string[];
  readonly unchecked: string[];
  readonly searched: { segments: number; bytes: number };
}

/** A cancel ends everything, and so does what is no expected failure. */
export function mustGoOn(error: unknown, signal: AbortSignal): void {
  if (signal.aborted || !(error instanceof HoldfastError) || isHoldfastError(error, 'CANCELLED')) throw error;
}
