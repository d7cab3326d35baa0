/** What can be wrong while rows of subjects are looked for, and while they are edited. */
import { HoldfastError } from '../../errors.ts';

const BUG_HINT = 'Nothing was changed. Please report this with the message, and without the data.';

/** An edit names bytes that are no row of the unit, or did not do what it should. */
export function editUnsound(what: string, reason: string): HoldfastError {
  return new HoldfastError({
    code: 'PURGE_EDIT_UNSOUND',
    exit: 'verification',
    message: `${what}: ${reason}`,
    hint: BUG_HINT,
  });
}

/** A snapshot from before side-cars, or of a source without tables. */
export function noSidecar(snapshot: string): HoldfastError {
  return new HoldfastError({
    code: 'SIDECAR_MISSING',
    exit: 'unverifiable',
    message: `snapshot ${snapshot} does not say how its tables are linked, so nobody can be found in it`,
    hint: 'It can only end by its date, or with all of its set: `holdfast purge plan SET --whole-set -o PLAN`.',
  });
}

/** A snapshot with something that can neither be edited by rows nor be made again. */
export function wholeUnsupported(snapshot: string, why: string): HoldfastError {
  return new HoldfastError({
    code: 'PURGE_WHOLE',
    exit: 'unverifiable',
    message: `nobody can be erased from snapshot ${snapshot} by row: ${why}`,
    hint: 'Such a snapshot can only end by its date, or with all of its set: `holdfast purge plan SET --whole-set -o PLAN`.',
  });
}
