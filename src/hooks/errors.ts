/** Errors of the commands around a backup. */
import { HoldfastError } from '../errors.ts';

/** @param reason - a clause: `it ended with exit code 3` */
export function hookFailed(
  set: string,
  when: 'before' | 'after',
  program: string,
  reason: string,
): HoldfastError {
  return new HoldfastError({
    code: 'HOOK_FAILED',
    exit: when === 'before' ? 'failed' : 'incomplete',
    message: `the command ${when} the backup of ${set} failed: ${program}: ${reason}`,
    hint:
      when === 'before'
        ? 'Nothing was backed up. Run the command by hand to see what is wrong.'
        : 'The snapshot is there. See what the command has left behind, and run it by hand.',
  });
}
