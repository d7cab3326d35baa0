import { HoldfastError, isHoldfastError } from '../../errors.ts';

export const copyUnknown = (set: string, name: string, known: readonly string[]) =>
  new HoldfastError({
    code: 'COPY_UNKNOWN',
    exit: 'usage',
    message: `set ${set} has no copy named ${name}`,
    hint:
      known.length === 0
        ? `Name its copies in the configuration: sets.${set}.replicas: [{ name: …, store: … }].`
        : `Its copies are: ${known.join(', ')}.`,
  });

export const noCopies = (file: string, name?: string) =>
  new HoldfastError({
    code: 'NO_COPIES',
    exit: 'usage',
    message: `${file} names no copy${name === undefined ? '' : ` ${name}`}`,
    hint: 'Give a set a place for its copy: replicas: [{ name: offsite, store: … }].',
  });

export const copyLedgerBehind = (set: string, copy: string, line: string) =>
  new HoldfastError({
    code: 'COPY_LEDGER_BEHIND',
    exit: 'policy',
    message: `the copy ${copy} of set ${set} does not know ${line} of the ledger, which this machine has seen in the store`,
    hint: 'Somebody may have been erased since the copy was made. Run holdfast copy; when the store is lost, repeat with --accept-rollback and erase again.',
  });

/**
 * What opening a copy says where there is none. `init` makes stores: in the place of a copy it would make another one,
 * which `copy` then refuses.
 */
export function asCopyError(error: unknown, isFolder: boolean): unknown {
  const isMissing = isHoldfastError(error, 'STORE_MISSING');
  // Buckets are made by others, and this is what the error says of them.
  if (!isHoldfastError(error, 'STORE_NOT_INITIALISED') && !(isMissing && isFolder)) return error;
  const first = isFolder ? 'Mount the disk that holds it, or correct' : 'Correct';
  const made = 'A copy that was never made, or is lost for good, is made by: holdfast copy';
  return withHint(error, `${first} its address in \`replicas:\`. ${made}`);
}

function withHint({ code, exit, message, cause }: HoldfastError, hint: string): HoldfastError {
  return new HoldfastError({ code, exit, message, hint, cause });
}
