/**
 * What a person has done around a backup: freeze an application, make and mount a volume snapshot before it; thaw,
 * unmount and release it after it, whatever became of the backup.
 */
import type { HoldfastError } from '../errors.ts';

/** How the backup ended, as its `after` command is told. */
export type HookOutcome = 'ok' | 'failed' | 'cancelled';

export interface Hooks {
  /** Throws HOOK_FAILED, CANCELLED: then no backup is begun, and `after` still runs. */
  before(signal: AbortSignal): Promise<void>;
  /** Never throws: what went wrong must not hide what became of the backup. It runs after a cancellation, too. */
  after(outcome: HookOutcome, snapshot: string | undefined): Promise<HoldfastError | undefined>;
}

export const NO_HOOKS: Hooks = {
  before: () => Promise.resolve(),
  after: () => Promise.resolve(undefined),
};
