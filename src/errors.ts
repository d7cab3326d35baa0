/**
 * Errors for people: what happened, what to do next, and the exit code that scripts see.
 *
 * A HoldfastError is expected and printed as two lines without a stack. Anything else that reaches the
 * command line is a bug and is printed as a report block. Rooms keep their catalogue of errors (functions
 * that return a HoldfastError) in a file `errors.ts` of their own.
 */

/** Exit codes of the command line (a contract: scripts depend on them). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  verification: 4,
  unverifiable: 5,
  target: 6,
  policy: 7,
  noStore: 10,
  locked: 11,
  noKey: 12,
  cancelled: 130,
} as const;

export type ExitReason = keyof typeof EXIT;

export interface ErrorParts {
  /** Stable upper-case name, for `--json` and for tests, e.g. `PG_DUMP_OLD`. */
  readonly code: string;
  readonly exit: ExitReason;
  /** Lower case, no full stop, no secret: what happened, with its place (file:line:col, table, row). */
  readonly message: string;
  /** A sentence: what to do next, naming the command where there is one. */
  readonly hint: string;
  readonly cause?: unknown;
}

export class HoldfastError extends Error {
  readonly code: string;
  readonly exit: ExitReason;
  readonly hint: string;

  constructor(parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'HoldfastError';
    this.code = parts.code;
    this.exit = parts.exit;
    this.hint = parts.hint;
  }

  get exitCode(): number {
    return EXIT[this.exit];
  }
}

/** True for a HoldfastError with this code (or with any code, when none is given). */
export function isHoldfastError(error: unknown, code?: string): error is HoldfastError {
  return error instanceof HoldfastError && (code === undefined || error.code === code);
}

/** True for what keeps one of several things from being done, and none of the others: no bug, and nobody's wish to stop. */
export function isSurvivable(error: unknown): error is HoldfastError {
  return isHoldfastError(error) && error.exit !== 'cancelled';
}

/** The text of whatever was thrown, for use inside another message. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws the cancellation error when the signal has fired: call it before every effect. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

export function cancelled(): HoldfastError {
  return new HoldfastError({
    code: 'CANCELLED',
    exit: 'cancelled',
    message: 'cancelled',
    hint: 'Nothing half-written counts; run the same command again when you are ready.',
  });
}
